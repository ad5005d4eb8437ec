"""signing in: a second factor, waits, invitations, and what was done with an account

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_KIND = sa.Enum(
    "invited", "joined", "signed_in", "refused", "signed_out", "password_changed", "second_on", "second_off",
    "codes_made", "code_used", "disabled", "enabled", "reset", "bound",
    name="event", native_enum=False, length=32,
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("totp", app.db.Encrypted(), nullable=True))
        batch_op.add_column(sa.Column("totp_counter", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("recovery", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("failed", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("wait_until", app.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("oidc_subject", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_account_oidc_subject"), ["oidc_subject"])
    op.create_table(
        "account_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_account_invitation_made_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_invitation_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_invitation")),
        sa.UniqueConstraint("hash", name=op.f("uq_account_invitation_hash")),
    )
    op.create_index(op.f("ix_account_invitation_person_id"), "account_invitation", ["person_id"], unique=False)
    op.create_table(
        "account_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", _KIND, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_event_account_id_account")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_account_event_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_event_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_event")),
    )
    op.create_index(op.f("ix_account_event_person_id"), "account_event", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("account_event")
    op.drop_table("account_invitation")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_account_oidc_subject"), type_="unique")
        for column in ("oidc_subject", "wait_until", "failed", "recovery", "totp_counter", "totp"):
            batch_op.drop_column(column)
