"""the ladder never ends silently

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RED, OPEN = "ck_cases_red_has_next_action", "ck_cases_open_has_next_action"
_among_the_open = {
    "sqlite_where": sa.text("state <> 'resolved'"),
    "postgresql_where": sa.text("state <> 'resolved'"),
}
_unfinished = {"sqlite_where": sa.text("due_at IS NOT NULL"), "postgresql_where": sa.text("due_at IS NOT NULL")}


def _replace_check(old: str, new: str, rule: str) -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(old), type_="check")
        batch_op.create_check_constraint(batch_op.f(new), rule)


def upgrade() -> None:
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("due_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("reminded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_follow_up_case_id_cases")),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_follow_up_house_id_house")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_follow_up_owner_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            "ix_follow_up_due",
            ["due_at"],
            unique=False,
            **_unfinished,
        )
        batch_op.create_index(batch_op.f("ix_follow_up_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "referral",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("whereto", app.db.Encrypted(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_referral_by_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_referral_case_id_cases")),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_referral_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_referral_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_referral_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_referral_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_referral_person_id"), ["person_id"], unique=False)

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("drill", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("previous_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("next_action_at", app.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("grade", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("level_since", app.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_cases_code"), type_="unique")
        batch_op.create_index(batch_op.f("ix_cases_code"), ["code"], unique=False)
        batch_op.create_index("uq_cases_open_code", ["code"], unique=True, **_among_the_open)
        batch_op.create_foreign_key(batch_op.f("fk_cases_previous_id_cases"), "cases", ["previous_id"], ["id"])

    # What stood there without a next action acts now: nothing is forgotten by an upgrade.
    op.execute("UPDATE cases SET due_at = opened_at WHERE state <> 'resolved' AND due_at IS NULL")
    op.execute("UPDATE cases SET next_action_at = due_at WHERE state <> 'resolved'")
    _replace_check(RED, OPEN, "state = 'resolved' OR next_action_at IS NOT NULL AND due_at IS NOT NULL")

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_column("subject_id")

    _replace_check(OPEN, RED, "level < 3 OR state = 'resolved' OR due_at IS NOT NULL")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_cases_previous_id_cases"), type_="foreignkey")
        batch_op.drop_index("uq_cases_open_code", **_among_the_open)
        batch_op.drop_index(batch_op.f("ix_cases_code"))
        batch_op.create_unique_constraint(batch_op.f("uq_cases_code"), ["code"])
        batch_op.drop_column("level_since")
        batch_op.drop_column("grade")
        batch_op.drop_column("next_action_at")
        batch_op.drop_column("previous_id")
        batch_op.drop_column("drill")

    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_referral_person_id"))
        batch_op.drop_index(batch_op.f("ix_referral_house_id"))
        batch_op.drop_index(batch_op.f("ix_referral_case_id"))

    op.drop_table("referral")
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_up_owner_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_house_id"))
        batch_op.drop_index(
            "ix_follow_up_due",
            **_unfinished,
        )
        batch_op.drop_index(batch_op.f("ix_follow_up_case_id"))

    op.drop_table("follow_up")
