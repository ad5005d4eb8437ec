"""a house practises every month

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_unfinished = {"sqlite_where": sa.text("due_at IS NOT NULL"), "postgresql_where": sa.text("due_at IS NOT NULL")}


def upgrade() -> None:
    op.create_table(
        "drill_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("due_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("planned_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_drill_plan_house_id_house")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_plan")),
        sa.UniqueConstraint("house_id", name=op.f("uq_drill_plan_house_id")),
    )
    with op.batch_alter_table("drill_plan", schema=None) as batch_op:
        batch_op.create_index("ix_drill_plan_due", ["due_at"], unique=False, **_unfinished)


def downgrade() -> None:
    with op.batch_alter_table("drill_plan", schema=None) as batch_op:
        batch_op.drop_index("ix_drill_plan_due", **_unfinished)

    op.drop_table("drill_plan")
