"""What will happen by itself, and why: every due row of the house in words, soonest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.activities import service as activities
from app.activities.models import Milestone, Plan
from app.escalations.machine import State
from app.escalations.models import CaseRow
from app.messages import service as messages
from app.messages.models import OutboxState
from app.mood.models import MoodPlan
from app.people import service as people


@dataclass(frozen=True)
class Entry:
    at: datetime
    what: str
    why: str


MILESTONES = {
    Milestone.INVITE: ("问大家来不来", "到了邀请的日子"),
    Milestone.REMIND_DAY: ("前一天提醒", "只发给能来和没想好的"),
    Milestone.REMIND_HOURS: ("当天提醒", "开始前两小时，避开安静时段"),
    Milestone.MISSED: ("问候没到的人", "说了能来，结束后半小时还没签到"),
}
CASE_WAITS = {
    State.OPEN: "还没有人接手，到时叫下一个人",
    State.ACKNOWLEDGED: "有人接手，到时看有没有联系上",
    State.CONTACTED: "已联系上，到时催填结果",
    State.RESOLVED: "",
}
HELD = {"quiet": "安静时段，早上再发", "question": "等对方先回上一个问题", "try later": "刚才没发成，再试"}


async def entries(session: AsyncSession, n: int = 12) -> list[Entry]:
    """The next `n` things."""
    found = [*await _plans(session, n), *await _cases(session, n), *await _moods(session, n)]
    found += [
        Entry(row.due_at, f"发给一个人：{row.kind}", HELD.get(row.reason or "", "已排队"))
        for row in await messages.waiting(session, n)
        if row.due_at is not None and row.state is not OutboxState.SENDING
    ]
    return sorted(found, key=lambda entry: entry.at)[:n]


async def _plans(session: AsyncSession, n: int) -> list[Entry]:
    rows = select(Plan).where(col(Plan.due_at).is_not(None)).order_by(col(Plan.due_at)).limit(n)
    found = []
    for plan in (await session.scalars(rows)).all():
        what, why = MILESTONES[plan.milestone]
        occurrence = await activities.occurrence(session, plan.occurrence_id)
        if plan.due_at is not None:
            found.append(Entry(plan.due_at, f"{what}：{occurrence.title}", why))
    return found


async def _cases(session: AsyncSession, n: int) -> list[Entry]:
    rows = select(CaseRow).where(col(CaseRow.due_at).is_not(None)).order_by(col(CaseRow.due_at)).limit(n)
    return [
        Entry(row.due_at, f"{row.code} 下一步", CASE_WAITS[row.state])
        for row in await session.scalars(rows)
        if row.due_at is not None
    ]


async def _moods(session: AsyncSession, n: int) -> list[Entry]:
    rows = select(MoodPlan).where(col(MoodPlan.due_at).is_not(None)).order_by(col(MoodPlan.due_at)).limit(n)
    return [
        Entry(plan.due_at, f"问心情：{(await people.person(session, plan.person_id)).known_as}", "每周一次，本人同意过")
        for plan in (await session.scalars(rows)).all()
        if plan.due_at is not None
    ]
