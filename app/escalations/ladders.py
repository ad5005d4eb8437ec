"""Ladders as data: the form in which a programme writes them, and the ones it gets if it writes none.

Times are whole minutes. Delays follow semantics that escalation engines share: the assigned worker at
once, the backup after ten minutes, whoever leads after a quarter of an hour, then everybody, again and
again while it is red.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.escalations.models import LadderRow
from app.escalations.states import Ladder, Level, Step, Target
from app.messages.channels import WAYS

DEFAULTS: dict[Level, dict[str, Any]] = {
    Level.RED: {
        "steps": [
            {"targets": ["assigned", "duty"], "after": 0},
            {"targets": ["backup"], "after": 10},
            {"targets": ["supervisor"], "after": 5},
        ],
        "repeat_every": 10,
        "loops": None,
        "contact_within": 30,
    },
    Level.ORANGE: {
        "steps": [
            {"targets": ["assigned"], "after": 0},
            {"targets": ["backup", "duty"], "after": 60},
            {"targets": ["supervisor"], "after": 60},
        ],
        "repeat_every": 120,
        "loops": 2,
        "contact_within": 480,
    },
    Level.YELLOW: {
        "steps": [{"targets": ["assigned"], "after": 0}],
        "repeat_every": 1440,
        "loops": 0,
        "contact_within": 4320,
    },
}


class LadderError(ValueError):
    """A ladder that would leave somebody waiting; the text says what is missing."""


ENDS = "红色的求助要一直找下去，不能写 loops"
LEADS_NOWHERE = "第 {step} 步在有的小站里一个人也找不到"
ALONE_AT_NIGHT = "值班以外的时间，有的小站里没有一个收得到消息的人"


def read_ladder(plan: dict[str, Any]) -> Ladder:
    """The ladder that `plan` describes. LadderError names what is wrong with it."""
    try:
        steps = tuple(
            Step(tuple(Target(t) for t in step["targets"]), _minutes(step["after"]), _ways(step.get("channels")))
            for step in plan["steps"]
        )
        loops = plan.get("loops")
        ladder = Ladder(
            steps=steps,
            repeat_every=_minutes(plan["repeat_every"]),
            loops=None if loops is None else int(loops),
            contact_within=_minutes(plan["contact_within"]),
        )
    except KeyError as missing:
        raise LadderError(f"求助阶梯里少了 {missing.args[0]}") from None
    except (TypeError, ValueError, OverflowError) as wrong:
        raise LadderError(f"求助阶梯写错了：{wrong}") from None
    if not steps or not all(step.targets for step in steps):
        raise LadderError("求助阶梯至少要有一步，每一步至少要有一个人")
    if ladder.repeat_every <= timedelta() or ladder.contact_within <= timedelta():
        raise LadderError("repeat_every 和 contact_within 要大于 0 分钟")
    return ladder


def _minutes(value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{value!r} 不是分钟数")
    return timedelta(minutes=value)


def _ways(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not set(value) <= set(WAYS):
        raise ValueError(f"channels 只能写 {'、'.join(WAYS)}")
    return tuple(value)


def write_ladder(ladder: Ladder) -> dict[str, Any]:
    return {
        "steps": [
            {"targets": [t.value for t in s.targets], "after": s.after / timedelta(minutes=1)}
            | ({"channels": list(s.channels)} if s.channels else {})
            for s in ladder.steps
        ],
        "repeat_every": ladder.repeat_every / timedelta(minutes=1),
        "loops": ladder.loops,
        "contact_within": ladder.contact_within / timedelta(minutes=1),
    }


async def ladder_for(session: AsyncSession, programme_id: int, level: Level) -> Ladder:
    row: LadderRow | None = await session.scalar(
        select(LadderRow).where(col(LadderRow.programme_id) == programme_id, col(LadderRow.level) == level)
    )
    return read_ladder(row.plan if row else DEFAULTS[level])
