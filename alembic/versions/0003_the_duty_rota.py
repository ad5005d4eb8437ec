"""the duty rota

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("due_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("there", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_duty_watch_house_id_house")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_watch")),
        sa.UniqueConstraint("house_id", name=op.f("uq_duty_watch_house_id")),
    )
    with op.batch_alter_table("duty_watch", schema=None) as batch_op:
        batch_op.create_index(
            "ix_duty_watch_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("turn_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("turn_days > 0", name=op.f("ck_rotation_turn_days")),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_rotation_house_id_house")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
        sa.UniqueConstraint("house_id", "code", name=op.f("uq_rotation_house_id_code")),
    )
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rotation_house_id"), ["house_id"], unique=False)

    op.create_table(
        "calendar_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Enum("off", "working", name="daykind", native_enum=False, length=32), nullable=False),
        sa.Column("hours_of", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_calendar_day_house_id_house")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_calendar_day_made_by_person")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_calendar_day_programme_id_programme")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
    )
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_day_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index(
            "uq_calendar_day_house",
            ["house_id", "day"],
            unique=True,
            sqlite_where=sa.text("house_id IS NOT NULL"),
            postgresql_where=sa.text("house_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_calendar_day_programme",
            ["programme_id", "day"],
            unique=True,
            sqlite_where=sa.text("house_id IS NULL"),
            postgresql_where=sa.text("house_id IS NULL"),
        )

    op.create_table(
        "duty_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.Enum("there", "away", "instead", name="changekind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("instead_of_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "agreed",
                "declined",
                "withdrawn",
                "expired",
                name="changestate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("swap_id", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("settled_at", app.db.UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'instead') = (instead_of_id IS NOT NULL)", name=op.f("ck_duty_change_instead_of_somebody")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_duty_change_lasts")),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_duty_change_house_id_house")),
        sa.ForeignKeyConstraint(["instead_of_id"], ["person.id"], name=op.f("fk_duty_change_instead_of_id_person")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_duty_change_made_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_change_person_id_person")),
        sa.ForeignKeyConstraint(["swap_id"], ["duty_change.id"], name=op.f("fk_duty_change_swap_id_duty_change")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_change")),
    )
    with op.batch_alter_table("duty_change", schema=None) as batch_op:
        batch_op.create_index("ix_duty_change_house_ends", ["house_id", "ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_change_instead_of_id"), ["instead_of_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_change_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_change_swap_id"), ["swap_id"], unique=False)

    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.add_column(sa.Column("on_holidays", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_column("on_holidays")

    with op.batch_alter_table("duty_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_change_swap_id"))
        batch_op.drop_index(batch_op.f("ix_duty_change_person_id"))
        batch_op.drop_index(batch_op.f("ix_duty_change_instead_of_id"))
        batch_op.drop_index("ix_duty_change_house_ends")

    op.drop_table("duty_change")
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_calendar_day_programme",
            sqlite_where=sa.text("house_id IS NULL"),
            postgresql_where=sa.text("house_id IS NULL"),
        )
        batch_op.drop_index(
            "uq_calendar_day_house",
            sqlite_where=sa.text("house_id IS NOT NULL"),
            postgresql_where=sa.text("house_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_calendar_day_programme_id"))

    op.drop_table("calendar_day")
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rotation_house_id"))

    op.drop_table("rotation")
    with op.batch_alter_table("duty_watch", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_duty_watch_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("duty_watch")
