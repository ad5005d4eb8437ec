"""The life of a red case as steps: each says when it begins, who does what, and what everybody has seen at its end.

What falls due does so two or three minutes before the step that looks at it: a death costs the minute of a lease,
and the ladder may be as much later, not more. To change the life, change the steps; nothing else knows them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.activities.calendar import Quiet
from app.clock import Clock
from app.loading import load, read_programme
from app.settings import Settings
from bot.simulator import Phone, PhoneBook
from tests.conftest import ACCOUNT, MONDAY, PROGRAMME, Story, open_story
from tests.crash.shelves import Shelf
from tests.postgres import TEMPLATE
from tests.processes import PATIENCE

# Nobody hangs up on a machine that is busy with others: time passes only where the clock is moved.
UNHURRIED = {"wechat_answer_within": float(PATIENCE), "wechat_timeout": float(PATIENCE)}
WORDS = "不想活了，药都攒好了"
# On duty on a Monday as well, so that two people are alerted at once and their messages are under way together.
ON_DUTY = """
  - {code: zhaoqiang, name: 赵强, role: worker, house: duantang, duty: [周一 08:00-17:00], openid: o_zhaoqiang}

# 同伴。"""
TUESDAY = MONDAY.day + 1
STAFF = {"王乐": "o_wangle", "赵强": "o_zhaoqiang", "李红": "o_lihong", "周敏": "o_zhoumin"}


class Time(Protocol):
    """A clock that is moved, from one thing that falls due to the next."""

    async def forward_to(self, moment: datetime) -> None: ...
    async def forward(self, **span: float) -> None: ...


@asynccontextmanager
async def opened(settings: Settings, shelf: Shelf) -> AsyncIterator[Story]:
    """A house on a Monday at nine. 小河 has joined, and each of the staff has written today: so they may be sent
    texts, which nobody deduplicates."""
    shelf.lay_out(TEMPLATE)
    there = settings.model_copy(update={"database_url": shelf.url, **UNHURRIED})
    async with open_story(there, Clock(frozen_at=MONDAY)) as story:
        story.platform._answer_limit = story.platform._door._answer_limit = PATIENCE
        programme = PROGRAMME.read_text(encoding="utf-8").replace("\n# 同伴。", ON_DUTY, 1)
        async with story.house.db.begin() as session:
            quiet = Quiet(settings.quiet_from, settings.quiet_until)
            await load(session, read_programme(programme), now=MONDAY, quiet=quiet, account=ACCOUNT.app_id)
        story.platform.add_user(STAFF["赵强"], following=True)
        story.openids.update(STAFF)
        await story.plays_joining()
        for who in STAFF:
            phone = await story.phone(who)
            await phone.says("待办")
            await phone.hears("待办")
        yield story


@dataclass(frozen=True)
class Life:
    """The people, and their time."""

    time: Time
    member: Phone
    worker: Phone
    on_duty: Phone
    backup: Phone
    boss: Phone

    @property
    def staff(self) -> tuple[Phone, ...]:
        return (self.worker, self.on_duty, self.backup, self.boss)

    async def begins(self, moment: datetime) -> None:
        """Everybody has read their phone; then time passes until this moment."""
        for phone in (self.member, *self.staff):
            await phone._refresh()
            phone._heard = dict.fromkeys((False, True), len(phone._bubbles))
        await self.time.forward_to(moment)


@dataclass(frozen=True)
class Step:
    name: str
    at: datetime
    happens: Callable[[Life], Awaitable[None]]


LIFE: list[Step] = []


async def live(book: PhoneBook, time: Time, steps: Iterable[Step]) -> None:
    staff = [await book.phone(name, openid=openid) for name, openid in STAFF.items()]
    life = Life(time, await book.phone("小河"), *staff)
    for step in steps:
        await life.begins(step.at)
        await step.happens(life)


def step(hour: int, minute: int = 0, *, day: int = MONDAY.day) -> Callable[[Callable[[Life], Awaitable[None]]], None]:
    """One more step of the life, which begins at this time on the wall."""

    def add(happens: Callable[[Life], Awaitable[None]]) -> None:
        LIFE.append(Step(happens.__name__, MONDAY.replace(day=day, hour=hour, minute=minute), happens))

    return add


@step(9)
async def the_member_writes_and_two_are_alerted(life: Life) -> None:
    await life.member.says(WORDS)
    await life.member.hears("您不用一个人扛着", "您现在安全吗")
    await life.time.forward(minutes=3)
    for phone in (life.worker, life.on_duty):
        await phone.sees_card("待办提醒")


@step(9, 12)
async def after_ten_minutes_the_backup_is_alerted(life: Life) -> None:
    await life.backup.sees_card("待办提醒")


@step(9, 18)
async def five_minutes_later_the_supervisor_is_alerted(life: Life) -> None:
    await life.boss.sees_card("待办提醒")


@step(9, 28)
async def nobody_takes_it_and_everybody_is_alerted_again(life: Life) -> None:
    for phone in life.staff:
        await phone.sees_card("待办提醒")


@step(9, 30)
async def the_worker_takes_it_and_the_others_and_the_member_hear_who_has_it(life: Life) -> None:
    await life.worker.says("接")
    await life.worker.hears("已记录：王乐")
    await life.time.forward(minutes=3)
    await life.member.hears("王乐")
    for phone in (life.on_duty, life.backup, life.boss):
        await phone.hears("王乐 已接手")


@step(10, 3)
async def after_half_an_hour_the_worker_is_reminded_to_call(life: Life) -> None:
    await life.worker.hears("还没记下联系上了")


@step(10, 5)
async def the_worker_has_called(life: Life) -> None:
    await life.worker.says("已联系")
    await life.worker.hears("已联系上")


@step(10, 6)
async def the_worker_says_how_it_ended_and_when_they_speak_again(life: Life) -> None:
    await life.worker.says("结果")
    for said in ("1", "1", "1"):
        await life.worker.says(said)
    await life.worker.hears("下次 11月24日 联系")


@step(9, 3, day=TUESDAY)
async def on_that_day_the_worker_is_reminded_of_it(life: Life) -> None:
    await life.worker.hears("约好的联系，该做了")


@step(9, 5, day=TUESDAY)
async def the_worker_has_called_again(life: Life) -> None:
    await life.worker.says("回访")
    await life.worker.hears("约好的联系做了")


@step(10, 9, day=TUESDAY)
async def a_day_after_the_worker_is_asked_how_they_are(life: Life) -> None:
    await life.worker.hears("您自己还好吗")
    await life.worker.says("1")
    await life.worker.hears("好的，谢谢您")
