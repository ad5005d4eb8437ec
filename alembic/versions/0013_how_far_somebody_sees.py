"""how far somebody sees: districts of houses, and a reach that is not the role's own

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_REACH = sa.Enum("house", "district", "programme", name="reach", native_enum=False, length=32)


def upgrade() -> None:
    with op.batch_alter_table("house", schema=None) as batch_op:
        batch_op.add_column(sa.Column("district", sa.String(length=40), server_default="", nullable=False))
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reach", _REACH, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("reach")
    with op.batch_alter_table("house", schema=None) as batch_op:
        batch_op.drop_column("district")
