"""heartbeats

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("role", sa.Enum("web", "worker", name="role", native_enum=False, length=32), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_alerts",
            ["subject_id"],
            unique=False,
            sqlite_where=sa.text("kind = 'case_alert'"),
            postgresql_where=sa.text("kind = 'case_alert'"),
        )


def downgrade() -> None:

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_alerts",
            sqlite_where=sa.text("kind = 'case_alert'"),
            postgresql_where=sa.text("kind = 'case_alert'"),
        )

    op.drop_table("heartbeat")
