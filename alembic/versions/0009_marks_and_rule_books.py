"""what people say about what screening said, and the rules that were put in force

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_name = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "rule_book",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("version", sa.String(length=24), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("again_of", sa.Integer(), nullable=True),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_book")),
    )
    op.create_table(
        "mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("flag_id", sa.Integer(), nullable=True),
        sa.Column("inbox_id", sa.Integer(), nullable=True),
        sa.Column("kind", _name, nullable=False),
        sa.Column("said", app.db.Encrypted(), nullable=False),
        sa.Column("speaker", sa.String(length=12), nullable=False),
        sa.Column("screen_level", _name, nullable=False),
        sa.Column("screen_category", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("rules_version", sa.String(length=24), nullable=False),
        sa.Column("model", sa.String(length=16), nullable=False),
        sa.Column("level", _name, nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("why", _name, nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("via", _name, nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_mark_house_id_house")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mark_person_id_person")),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_mark_flag_id_flag")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_mark_inbox_id_inbox")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_mark_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark")),
        sa.UniqueConstraint("flag_id", name=op.f("uq_mark_flag_id")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_mark_inbox_id")),
    )
    with op.batch_alter_table("mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mark_house_id"), ["house_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mark_person_id"), ["person_id"], unique=False)
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("model", sa.String(length=16), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_column("model")
    op.drop_table("mark")
    op.drop_table("rule_book")
