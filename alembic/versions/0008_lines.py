"""a programme lies in a region, and has lines of its own

Revision ID: 0008
Revises: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As they were until now, for a programme that wrote nothing; and what a region's own numbers are called below.
SUPPORT, EMERGENCY = "12356", "120 或 110"
CHINA = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "Asia/Kashgar", "PRC")
NEW_ZEALAND = ("Pacific/Auckland", "Pacific/Chatham", "NZ", "NZ-CHAT", "Antarctica/McMurdo")

_programme = sa.table(
    "programme", sa.column("id", sa.Integer), sa.column("zone", sa.String), sa.column("region", sa.String),
    sa.column("lines", sa.JSON), sa.column("support_line", sa.String), sa.column("emergency_line", sa.String),
)  # fmt: skip


def upgrade() -> None:
    op.add_column("programme", sa.Column("region", sa.String(length=8), server_default="CN", nullable=False))
    op.add_column("programme", sa.Column("lines", sa.JSON(), server_default="[]", nullable=False))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_programme)).mappings().all():
        region = "NZ" if row["zone"] in NEW_ZEALAND else "CN" if row["zone"] in CHINA else "OTHER"
        lines = _lines(region, row["support_line"], row["emergency_line"])
        connection.execute(sa.update(_programme).where(_programme.c.id == row["id"]).values(region=region, lines=lines))
    op.drop_column("programme", "support_line")
    op.drop_column("programme", "emergency_line")


def _lines(region: str, support: str, emergency: str) -> list[dict[str, Any]]:
    """What a programme had written itself stays its own; what was only our default for China goes with the region."""
    known = region != "OTHER"
    support, emergency = support.strip(), emergency.strip()
    lines = []
    if support and not (known and support == SUPPORT):
        lines.append({"number": support, "use": "talk"})
    if emergency and not (known and emergency == EMERGENCY):
        lines.append({"number": emergency, "use": "danger"})
    return lines


def downgrade() -> None:
    op.add_column("programme", sa.Column("support_line", sa.String(), server_default=SUPPORT, nullable=False))
    op.add_column("programme", sa.Column("emergency_line", sa.String(), server_default=EMERGENCY, nullable=False))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_programme)).mappings().all():
        support, emergency = ("1737", "111") if row["region"] == "NZ" else (SUPPORT, EMERGENCY)
        own = {line["use"]: line["number"] for line in reversed(row["lines"])}
        connection.execute(
            sa.update(_programme).where(_programme.c.id == row["id"])
            .values(support_line=own.get("talk", support), emergency_line=own.get("danger", emergency))
        )  # fmt: skip
    op.drop_column("programme", "lines")
    op.drop_column("programme", "region")
