"""What the stories about reaching people share: a house with every way out, and people who are simply there."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from app.messages import channels, window
from app.messages.models import Alarm, Attempt, Contact, Outbox
from app.messages.window import Limits
from app.people.models import Person
from app.settings import GivenSettings, Settings
from app.tasks.models import Task, TaskKind
from bot.simulator import Phone
from tests.conftest import ACCOUNT, WITH_WECOM, Story

TEXT, CARD = "message/custom/send", "message/template/send"


def every_way(settings: Settings, **changes: Any) -> Settings:
    """The same installation with WeCom and the robot of its group; SMS and mail are handed in beside it."""
    return GivenSettings.model_validate({**settings.model_dump(), **WITH_WECOM, **changes})


async def registered(story: Story, code: str) -> Person:
    async with story.house.db.read() as session:
        found = await session.scalar(select(Person).where(Person.code == code))
        assert found is not None
        return found


async def reached_by(story: Story, code: str, **addresses: str | None) -> None:
    """Write down a `wecom` id, a `phone`, a `mail` for somebody; None: they have none."""
    async with story.house.db.begin() as session:
        await session.execute(update(Person).where(Person.code == code).values(**addresses))


async def without_wechat(story: Story, *codes: str) -> None:
    """These have never been seen in WeChat."""
    async with story.house.db.begin() as session:
        ids = select(Person.id).where(Person.code.in_(codes))
        await session.execute(delete(Contact).where(Contact.person_id.in_(ids)))


async def here(story: Story, code: str = "xiaohe", name: str = "小河", *, window_open: bool = True) -> Phone:
    """A member who joined some time ago, and was not asked to anything yet."""
    now, openid = story.house.clock.now(), f"o_{code}"
    phone = await story.book.phone(name, openid=openid)
    user = story.platform.user(openid)
    user.following = True
    async with story.house.db.begin() as session:
        who = await session.scalar(select(Person).where(Person.code == code))
        assert who is not None
        who.joined_at = now
        contact = Contact(account=ACCOUNT.app_id, openid=openid, person_id=who.id)
        if window_open:
            window.opened_by_message(contact, now, Limits.of(story.settings))
            story.platform.open_window(user, "message")
        session.add(contact)
    return phone


async def outbox(story: Story, *kinds: str) -> list[Outbox]:
    """What is, or was, to be said; of these kinds, or all of it."""
    async with story.house.db.read() as session:
        found = await session.scalars(select(Outbox).order_by(Outbox.id))
        return [row for row in found if not kinds or row.kind in kinds]


async def ways_taken(story: Story, rows: Collection[Outbox]) -> list[tuple[str, str]]:
    """Each try and what came of it, in its order."""
    ids = {row.id for row in rows}
    async with story.house.db.read() as session:
        tries = await session.scalars(select(Attempt).order_by(Attempt.id))
        return [(one.rung, one.result) for one in tries if one.outbox_id in ids and one.rung != "receipt"]


async def tasks(story: Story, kind: TaskKind | None = None) -> list[Task]:
    async with story.house.db.read() as session:
        return [one for one in await session.scalars(select(Task).order_by(Task.id)) if kind in (None, one.kind)]


async def alarms(story: Story, since: datetime) -> list[Alarm]:
    async with story.house.db.read() as session:
        return await channels.alarms_since(session, since)
