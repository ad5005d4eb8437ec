"""A house full of people, written down at once: members who come tomorrow and are to be reminded now."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.machine import Answer
from app.activities.models import Milestone, Occurrence, Plan, Rsvp
from app.db import Database, Record, ident
from app.messages.models import Contact
from app.people.models import House, Person, Programme, Role
from app.settings import Settings
from app.vault import Vault


def gather(settings: Settings, texts: Sequence[str], cards: Sequence[str], now: datetime) -> None:
    """Members by their openids, all of whom said that they come tomorrow, or that they do not know yet.

    The window of `texts` is open, that of as many `cards` is not; they take turns in the register. The reminder
    of the day before is due.
    """
    asyncio.run(_gather(settings, texts, cards, now))


async def _gather(settings: Settings, texts: Sequence[str], cards: Sequence[str], now: datetime) -> None:
    db = Database(settings.database, Vault(settings.secret_key.get_secret_value()))
    async with db.begin() as session:
        house = await _house(session)
        what = await _tomorrow(session, house, now)
        there: dict[str, Any] = {"house_id": what.house_id, "programme_id": house.programme_id}
        asked_at = now - timedelta(days=2)
        may_be_written_to = _open(now)
        people, contacts, answers = list[Record](), list[Record](), list[Record]()
        for n, openid in enumerate(chain(*zip(texts, cards, strict=True)), start=1):
            people.append(Person(**there, id=n, code=f"m{n}", role=Role.MEMBER, name=f"成员{n}", joined_at=asked_at))
            window = may_be_written_to if n % 2 else {}
            answer = Answer.UNDECIDED if n % 3 == 0 else Answer.GOING
            contacts.append(Contact(id=n, account=settings.wechat_app_id, openid=openid, person_id=n, **window))
            answers.append(
                Rsvp(
                    id=n, occurrence_id=ident(what), person_id=n, house_id=what.house_id, answer=answer,
                    asked_at=asked_at, answered_at=asked_at,
                )
            )  # fmt: skip
        for rows in (people, contacts, answers):
            await session.execute(insert(type(rows[0])), [row.model_dump() for row in rows])
    await db.close()


async def _house(session: AsyncSession) -> House:
    programme = Programme(code="p", name="同行")
    session.add(programme)
    await session.flush()
    house = House(programme_id=ident(programme), code="h", name="小站")
    session.add(house)
    await session.flush()
    return house


async def _tomorrow(session: AsyncSession, house: House, now: datetime) -> Occurrence:
    """An activity tomorrow, of which everybody is to be reminded now."""
    starts_at = now + timedelta(days=1, hours=4)
    what = Occurrence(
        house_id=ident(house), slot="s", title="手工课", starts_at=starts_at, ends_at=starts_at + timedelta(hours=2),
        venue="小站一楼", door_code="1234", scene="c",
    )  # fmt: skip
    session.add(what)
    await session.flush()
    plan = Plan(
        house_id=what.house_id, occurrence_id=ident(what), milestone=Milestone.REMIND_DAY, planned_at=now, due_at=now
    )
    session.add(plan)
    await session.flush()
    return what


def _open(now: datetime) -> dict[str, Any]:
    return {"window_opened_by": "message", "window_left": 5, "window_until": now + timedelta(hours=40)}
