"""monthly reports that were given out, and what they said

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("house_id", sa.Integer(), nullable=True),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("cut", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", app.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("numbers", app.db.EncryptedJSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_report_issue_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["house_id"], ["house.id"], name=op.f("fk_report_issue_house_id_house")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_report_issue_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_issue")),
    )
    with op.batch_alter_table("report_issue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_issue_house_id"), ["house_id"], unique=False)
        batch_op.create_index("ix_report_issue_cut", ["programme_id", "month", "cut", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("report_issue")
