"""why somebody was alerted: the words that a rule read, and what besides them

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("start", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("end", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("weighed", sa.String(length=60), server_default="", nullable=False))
        batch_op.drop_index("ix_flag_person_id")
        batch_op.drop_index("ix_flag_house_id")
        batch_op.create_index("ix_flag_person_lately", ["person_id", "at"], unique=False)
        batch_op.create_index("ix_flag_house_lately", ["house_id", "at"], unique=False)
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_person_id")
        batch_op.create_index("ix_inbox_person_lately", ["person_id", "sent_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_person_lately")
        batch_op.create_index("ix_inbox_person_id", ["person_id"], unique=False)
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_index("ix_flag_house_lately")
        batch_op.drop_index("ix_flag_person_lately")
        batch_op.create_index("ix_flag_house_id", ["house_id"], unique=False)
        batch_op.create_index("ix_flag_person_id", ["person_id"], unique=False)
        batch_op.drop_column("weighed")
        batch_op.drop_column("end")
        batch_op.drop_column("start")
