"""marks on a list can be taken back, lists are closed, and who is missing is known or unknown

Revision ID: 0018
Revises: 0017
"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_moment = app.db.UTCDateTime(timezone=True)
_word = sa.String(length=32)


def upgrade() -> None:
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.add_column(sa.Column("undone_at", _moment, nullable=True))
        batch_op.add_column(sa.Column("undone_because", _word, nullable=True))
        batch_op.add_column(sa.Column("undone_by", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_attendance_undone_by_person", "person", ["undone_by"], ["id"])
        batch_op.drop_constraint("uq_attendance_occurrence_id_person_id", type_="unique")
        batch_op.create_index(
            "uq_attendance_live", ["occurrence_id", "person_id"], unique=True,
            sqlite_where=sa.text("undone_at IS NULL"), postgresql_where=sa.text("undone_at IS NULL"),
        )  # fmt: skip
    with op.batch_alter_table("rsvp", schema=None) as batch_op:
        batch_op.add_column(sa.Column("absence", _word, nullable=True))
    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closed_at", _moment, nullable=True))
        batch_op.add_column(sa.Column("closed_by", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_occurrence_closed_by_person", "person", ["closed_by"], ["id"])
    op.create_table(
        "list_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["occurrence_id"], ["occurrence.id"], name=op.f("fk_list_event_occurrence_id_occurrence")
        ),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_list_event_house_id_house")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_list_event_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_event")),
    )
    with op.batch_alter_table("list_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_list_event_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_list_event_occurrence_id"), ["occurrence_id"], unique=False)
    _plan_what_is_ahead()


def _plan_what_is_ahead() -> None:
    """What was written out before this version gets its milestone as well: a day after the end of the activity."""
    plan = sa.table(
        "plan", *(sa.column(name, sa.Integer) for name in ("occurrence_id", "house_id")), sa.column("milestone"),
        sa.column("planned_at", _moment), sa.column("due_at", _moment),
    )  # fmt: skip
    ahead = sa.select(plan.c.occurrence_id, plan.c.house_id, plan.c.due_at).where(
        plan.c.milestone == "missed", plan.c.due_at.is_not(None)
    )
    for occurrence_id, house_id, missed_at in op.get_bind().execute(ahead).all():
        at = missed_at + timedelta(hours=23, minutes=30)
        row = {"occurrence_id": occurrence_id, "house_id": house_id, "milestone": "close"}
        op.get_bind().execute(plan.insert().values(**row, planned_at=at, due_at=at))


def downgrade() -> None:
    """Of several marks of one person for one activity only the one that counts fits the table of before."""
    op.execute("DELETE FROM plan WHERE milestone = 'close'")
    op.execute("DELETE FROM attendance WHERE undone_at IS NOT NULL")
    op.drop_table("list_event")
    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.drop_constraint("fk_occurrence_closed_by_person", type_="foreignkey")
        batch_op.drop_column("closed_by")
        batch_op.drop_column("closed_at")
    with op.batch_alter_table("rsvp", schema=None) as batch_op:
        batch_op.drop_column("absence")
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.drop_index("uq_attendance_live")
        batch_op.drop_constraint("fk_attendance_undone_by_person", type_="foreignkey")
        batch_op.drop_column("undone_by")
        batch_op.drop_column("undone_because")
        batch_op.drop_column("undone_at")
        batch_op.create_unique_constraint("uq_attendance_occurrence_id_person_id", ["occurrence_id", "person_id"])
