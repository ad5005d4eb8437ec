"""files of rules that are tried before they are put in force

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("source", app.db.Encrypted(), nullable=False),
        sa.Column("note", app.db.Encrypted(), nullable=False),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_rule_draft_by_id_person")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_rule_draft_programme_id_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_draft")),
    )
    op.create_index(op.f("ix_rule_draft_programme_id"), "rule_draft", ["programme_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_rule_draft_programme_id"), table_name="rule_draft")
    op.drop_table("rule_draft")
