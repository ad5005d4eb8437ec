"""who looked at whom and why, notes about a person, and that somebody talks to them

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_moment = app.db.UTCDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "glass_broken",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("why", app.db.Encrypted(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("until", _moment, nullable=False),
        sa.Column("cleared_at", _moment, nullable=True),
        sa.Column("cleared_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_glass_broken_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_glass_broken_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_glass_broken_person_id_person")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_glass_broken_by_id_person")),
        sa.ForeignKeyConstraint(["cleared_by"], ["person.id"], name=op.f("fk_glass_broken_cleared_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_glass_broken")),
    )
    with op.batch_alter_table("glass_broken", schema=None) as batch_op:
        for column in ("programme_id", "house_id", "person_id", "by_id"):
            batch_op.create_index(batch_op.f(f"ix_glass_broken_{column}"), [column], unique=False)
    op.create_table(
        "person_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("said", app.db.Encrypted(), nullable=True),
        sa.Column("via", sa.String(length=12), nullable=False),
        sa.Column("glass_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_person_view_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_view_person_id_person")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_person_view_by_id_person")),
        sa.ForeignKeyConstraint(["glass_id"], ["glass_broken.id"], name=op.f("fk_person_view_glass_id_glass_broken")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_view")),
    )
    with op.batch_alter_table("person_view", schema=None) as batch_op:
        batch_op.create_index("ix_person_view_lately", ["person_id", "by_id", "at"], unique=False)
        for column in ("house_id", "by_id", "glass_id"):
            batch_op.create_index(batch_op.f(f"ix_person_view_{column}"), [column], unique=False)
    op.create_table(
        "person_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("text", app.db.Encrypted(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_person_note_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_note_person_id_person")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_person_note_by_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_person_note_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["person_note.id"], name=op.f("fk_person_note_corrects_id_person_note")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_note")),
    )
    with op.batch_alter_table("person_note", schema=None) as batch_op:
        for column in ("house_id", "person_id", "case_id", "corrects_id"):
            batch_op.create_index(batch_op.f(f"ix_person_note_{column}"), [column], unique=False)
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("talker_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("talker_until", _moment, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_contact_talker_id_person"), "person", ["talker_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_contact_talker_id_person"), type_="foreignkey")
        batch_op.drop_column("talker_until")
        batch_op.drop_column("talker_id")
    op.drop_table("person_note")
    op.drop_table("person_view")
    op.drop_table("glass_broken")
