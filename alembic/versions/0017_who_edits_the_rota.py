"""who edits the rota and the ladders in the console, and what became different by it

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hours_kept",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_hours_kept_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_hours_kept_person_id_person")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_hours_kept_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_kept")),
        sa.UniqueConstraint("person_id", "house_id", name=op.f("uq_hours_kept_person_id_house_id")),
    )
    op.create_index(op.f("ix_hours_kept_house_id"), "hours_kept", ["house_id"], unique=False)
    op.create_index(op.f("ix_hours_kept_person_id"), "hours_kept", ["person_id"], unique=False)
    op.create_table(
        "rota_edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_rota_edit_house_id_house")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_rota_edit_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_edit")),
    )
    op.create_index("ix_rota_edit_house_at", "rota_edit", ["house_id", "at"], unique=False)
    op.create_table(
        "ladder_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_ladder_change_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_ladder_change_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_change")),
    )
    op.create_index(op.f("ix_ladder_change_programme_id"), "ladder_change", ["programme_id"], unique=False)
    with op.batch_alter_table("ladder", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("made_at", app.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(op.f("fk_ladder_made_by_person"), "person", ["made_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("ladder", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_ladder_made_by_person"), type_="foreignkey")
        batch_op.drop_column("made_at")
        batch_op.drop_column("made_by")
    op.drop_table("ladder_change")
    op.drop_table("rota_edit")
    op.drop_table("hours_kept")
