"""A house full of people, written down at once: members who come tomorrow and are to be reminded now."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import insert

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
    numbers = {openid: n for n, openid in enumerate(chain(*zip(texts, cards, strict=True)), start=1)}
    async with db.begin() as session:
        programme = Programme(code="p", name="同行")
        session.add(programme)
        await session.flush()
        house = House(programme_id=ident(programme), code="h", name="小站")
        session.add(house)
        await session.flush()
        there = {"house_id": ident(house)}
        starts_at = now + timedelta(days=1, hours=4)
        what = Occurrence(
            **there, slot="s", title="手工课", starts_at=starts_at, ends_at=starts_at + timedelta(hours=2),
            venue="小站一楼", door_code="1234", scene="c",
        )  # fmt: skip
        session.add(what)
        await session.flush()
        session.add(
            Plan(**there, occurrence_id=ident(what), milestone=Milestone.REMIND_DAY, planned_at=now, due_at=now)
        )
        await session.flush()
        people = (
            Person(
                **there, id=n, programme_id=ident(programme), code=f"m{n}", role=Role.MEMBER, name=f"成员{n}",
                joined_at=now - timedelta(days=30),
            )
            for n in numbers.values()
        )  # fmt: skip
        await session.execute(insert(Person), _values(people))
        open_until = {"window_opened_by": "message", "window_left": 5, "window_until": now + timedelta(hours=40)}
        contacts = (
            Contact(account=settings.wechat_app_id, openid=o, person_id=n, **(open_until if o in open_to else {}))
            for open_to in [set(texts)]
            for o, n in numbers.items()
        )
        await session.execute(insert(Contact), _values(contacts, but={"id"}))
        asked_at = now - timedelta(days=2)
        answers = (
            Rsvp(
                **there, occurrence_id=ident(what), person_id=n, asked_at=asked_at, answered_at=asked_at,
                answer=Answer.UNDECIDED if n % 3 == 0 else Answer.GOING,
            )
            for n in numbers.values()
        )  # fmt: skip
        await session.execute(insert(Rsvp), _values(answers, but={"id"}))
    await db.close()


def _values(rows: Iterable[Record], but: Iterable[str] = ()) -> list[dict[str, Any]]:
    return [row.model_dump(exclude=set(but)) for row in rows]
