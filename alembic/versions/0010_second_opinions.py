"""somebody else is asked about what lies in the grey

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_unfinished = {"sqlite_where": sa.text("due_at IS NOT NULL"), "postgresql_where": sa.text("due_at IS NOT NULL")}
_OUTCOMES = ("raised", "agreed", "unusable", "failed", "late", "limit", "settled", "off")


def upgrade() -> None:
    op.create_table(
        "second_opinion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("due_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("inbox_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("read_as", sa.Integer(), nullable=False),
        sa.Column("made_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("not_after", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.Enum(*_OUTCOMES, name="outcome", native_enum=False, length=32), nullable=True),
        sa.Column("said", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=20), nullable=True),
        sa.Column("quote", app.db.Encrypted(), nullable=True),
        sa.Column("version", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_second_opinion_house_id_house")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_second_opinion_inbox_id_inbox")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_second_opinion_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_opinion")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_second_opinion_inbox_id")),
    )
    with op.batch_alter_table("second_opinion", schema=None) as batch_op:
        batch_op.create_index("ix_second_opinion_due", ["due_at"], unique=False, **_unfinished)
        batch_op.create_index(batch_op.f("ix_second_opinion_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_second_opinion_made_at"), ["made_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_second_opinion_person_id"), ["person_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("second_opinion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_second_opinion_person_id"))
        batch_op.drop_index(batch_op.f("ix_second_opinion_made_at"))
        batch_op.drop_index(batch_op.f("ix_second_opinion_house_id"))
        batch_op.drop_index("ix_second_opinion_due", **_unfinished)

    op.drop_table("second_opinion")
