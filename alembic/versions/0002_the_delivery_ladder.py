"""the delivery ladder

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(length=64), nullable=True),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("told_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("key", name=op.f("uq_alarm_key")),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_at"), ["at"], unique=False)

    op.create_table(
        "earlyreceipt",
        sa.Column("receipt", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_earlyreceipt")),
    )
    op.create_table(
        "channel",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("closed_until", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("closed_because", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channel")),
    )
    op.create_table(
        "broadcast",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=True),
        sa.Column("said", app.db.Encrypted(), nullable=False),
        sa.Column(
            "state", sa.Enum("running", "stopped", name="broadcaststate", native_enum=False, length=32), nullable=False
        ),
        sa.Column("created_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("not_after", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_broadcast_house_id_house")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_broadcast_programme_id_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
    )
    with op.batch_alter_table("broadcast", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_broadcast_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_broadcast_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("refused_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_subscription_contact_id_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("contact_id", "template_id", name=op.f("uq_subscription_contact_id_template_id")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscription_contact_id"), ["contact_id"], unique=False)

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("busy_until", app.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("busy_with", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("tag", sa.String(length=32), nullable=True))

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("broadcast_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("unsolicited", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.drop_index(batch_op.f("ix_outbox_due"), sqlite_where=sa.text("due_at IS NOT NULL"))
        batch_op.create_index(
            "ix_outbox_due",
            ["lane", "due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_outbox_broadcast_id"), ["broadcast_id"], unique=False)
        batch_op.create_index(
            "ix_outbox_unsolicited",
            ["person_id", "finished_at"],
            unique=False,
            sqlite_where=sa.text("unsolicited"),
            postgresql_where=sa.text("unsolicited"),
        )
        batch_op.create_index(
            "ix_outbox_doubt",
            ["lane", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'sending' AND due_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'sending' AND due_at IS NOT NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_outbox_broadcast_id_broadcast"), "broadcast", ["broadcast_id"], ["id"]
        )

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wecom", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("mail", app.db.Encrypted(), nullable=True))
        batch_op.create_index(batch_op.f("ix_person_wecom"), ["wecom"], unique=False)

    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("renewing_until", app.db.UTCDateTime(timezone=True), nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.drop_column("renewing_until")

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_wecom"))
        batch_op.drop_column("mail")
        batch_op.drop_column("wecom")

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_outbox_broadcast_id_broadcast"), type_="foreignkey")
        batch_op.drop_index(
            "ix_outbox_doubt",
            sqlite_where=sa.text("state = 'sending' AND due_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'sending' AND due_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_outbox_unsolicited", sqlite_where=sa.text("unsolicited"), postgresql_where=sa.text("unsolicited")
        )
        batch_op.drop_index(batch_op.f("ix_outbox_broadcast_id"))
        batch_op.drop_index(
            "ix_outbox_due", sqlite_where=sa.text("due_at IS NOT NULL"), postgresql_where=sa.text("due_at IS NOT NULL")
        )
        batch_op.create_index(
            batch_op.f("ix_outbox_due"),
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_column("unsolicited")
        batch_op.drop_column("tries")
        batch_op.drop_column("broadcast_id")

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_column("tag")
        batch_op.drop_column("busy_with")
        batch_op.drop_column("busy_until")

    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscription_contact_id"))

    op.drop_table("subscription")
    with op.batch_alter_table("broadcast", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_programme_id"))
        batch_op.drop_index(batch_op.f("ix_broadcast_house_id"))

    op.drop_table("broadcast")
    op.drop_table("channel")
    op.drop_table("earlyreceipt")
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarm_at"))

    op.drop_table("alarm")
