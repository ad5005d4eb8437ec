"""How often, when, and in which order: nobody is told too much, nobody at night, and nothing waits for ever."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.activities import changes
from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.machine import Answer
from app.clock import Clock
from app.db import Database, ident
from app.messages import broadcasts
from app.messages import service as messages
from app.messages.models import OPEN_STATES, Lane, Outbox, OutboxState
from app.messages.outbox import ALERT, DELIVER
from app.messages.reach import Reach
from app.settings import GivenSettings, Settings
from app.tasks.models import TaskKind
from app.vault import Vault
from bot.channels.deliverer import Deliverer
from bot.channels.ladder import wechat_rungs
from bot.channels.sorting import Enough, Sorter
from bot.simulator import Phone
from tests.conftest import MONDAY, ZONE, Story, open_story
from tests.stories.ways import (
    TEXT,
    BareApi,
    announce,
    crowd,
    here,
    instead_of_wechat,
    no_activities,
    occurrence,
    outbox,
    registered,
    tasks,
)

WORDS = "不想活了，药都攒好了"


@pytest.fixture
def installation() -> dict[str, Any]:
    return {}


@pytest.fixture
async def story(settings: Settings, installation: dict[str, Any]) -> AsyncIterator[Story]:
    """Monday, 09:00. The handicraft group is on Wednesday, calligraphy on Friday."""
    house = GivenSettings.model_validate({**settings.model_dump(), **installation})
    async with open_story(house, Clock(frozen_at=MONDAY)) as opened:
        yield opened


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


@pytest.fixture
async def nothing_planned(story: Story) -> None:
    await no_activities(story)


async def told(story: Story, said: str = "明天下午停电") -> Outbox:
    """A broadcast, and what has become of it for the one member there is."""
    number = await announce(story, said)
    await story.clock.settle()
    (row,) = [row for row in await outbox(story, "broadcast") if row.broadcast_id == number]
    return row


async def now_is(story: Story, row: Outbox) -> tuple[OutboxState, str | None]:
    (found,) = [one for one in await outbox(story) if one.id == row.id]
    return found.state, found.reason


async def says_yes(story: Story, title: str) -> None:
    """小河 comes to the next activity of this title."""
    who, what = await registered(story, "xiaohe"), await occurrence(story, title)
    async with story.house.db.begin() as session:
        await activities.answer(session, what, who, Answer.GOING, story.house.clock.now())


# How many that nobody asked for


@pytest.mark.usefixtures("nothing_planned")
async def test_one_a_day_and_the_second_comes_the_next_morning(story: Story, member: Phone) -> None:
    first, second = await told(story, "第一件"), await told(story, "第二件")
    await member.hears("第一件")
    await member.hears_nothing()
    assert [await now_is(story, row) for row in (first, second)] == [
        (OutboxState.SENT, None), (OutboxState.HELD, "enough"),
    ]  # fmt: skip
    await story.until(8, 29, days=1)
    await member.hears_nothing()
    await story.until(8, 30)
    await member.hears("第二件")


@pytest.mark.usefixtures("nothing_planned")
@pytest.mark.parametrize("installation", [{"unsolicited_a_day": 2}])
async def test_a_house_may_allow_two_a_day(story: Story, member: Phone) -> None:
    for said in ("第一件", "第二件", "第三件"):
        await told(story, said)
    await member.hears("第一件")
    await member.hears("第二件")
    await member.hears_nothing()


@pytest.mark.usefixtures("nothing_planned")
async def test_four_a_week_and_the_fifth_is_dropped_without_a_phone_call(story: Story, member: Phone) -> None:
    for day in "一二三四":
        await member.says("谢谢")
        await told(story, f"周{day}的事")
        await member.hears(f"周{day}的事")
        await story.clock.forward(days=1)
    fifth = await told(story, "周五的事")
    assert await now_is(story, fifth) == (OutboxState.MUTED, "enough")
    await story.clock.forward(days=2, hours=23)
    await member.hears_nothing()
    await story.clock.forward(hours=1)
    await told(story, "下周一的事")
    await member.sees_card("活动提醒", 活动名称="小站通知")
    assert await tasks(story, TaskKind.CALL) == []


@pytest.mark.usefixtures("nothing_planned")
@pytest.mark.parametrize("installation", [{"unsolicited_a_week": 1}])
async def test_an_invitation_that_is_too_much_calls_nobody_to_the_telephone(story: Story, member: Phone) -> None:
    await told(story)
    who, what = await registered(story, "xiaohe"), await occurrence(story, "手工课")
    async with story.house.db.begin() as session:
        await messages.send(
            session, "invite", key="invitation", to=who, subject_id=ident(what), now=story.house.clock.now()
        )
    await story.clock.settle()
    (invitation,) = await outbox(story, "invite")
    assert await now_is(story, invitation) == (OutboxState.MUTED, "enough")
    assert await tasks(story) == []


async def test_what_somebody_signed_up_for_is_told_beside_it_and_does_not_count(story: Story, member: Phone) -> None:
    await says_yes(story, "手工课")
    await story.until(9, days=1)
    news = await told(story)
    await member.hears("明天下午停电")
    await story.until(10)
    await member.hears("明天下午 2 点", "手工课")
    await story.clock.forward(hours=2)
    (invitation,) = await outbox(story, "invite")
    assert [await now_is(story, row) for row in (news, invitation)] == [
        (OutboxState.SENT, None), (OutboxState.HELD, "enough"),
    ]  # fmt: skip
    await story.wednesday(8, 30)
    await member.hears("书法", "想来吗")
    await story.wednesday(12)
    await member.sees_card("活动提醒", 活动名称="手工课", 温馨提示="到了请回：到了")


async def test_a_reminder_of_what_nobody_has_promised_counts(story: Story, member: Phone) -> None:
    who, what = await registered(story, "xiaohe"), await occurrence(story, "手工课")
    async with story.house.db.begin() as session:
        await activities.answer(session, what, who, Answer.UNDECIDED, story.house.clock.now())
    await story.until(9, days=1)
    await told(story)
    await member.hears("明天下午停电")
    await story.until(20)
    await member.hears_nothing()
    (reminder,) = await outbox(story, "remind_day")
    assert await now_is(story, reminder) == (OutboxState.MUTED, "enough")
    assert await tasks(story, TaskKind.CALL) == []


@pytest.mark.usefixtures("nothing_planned")
async def test_what_is_urgent_is_never_too_much(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await told(story)
    await member.says(WORDS)
    await worker.says("接")
    await member.hears("王乐看到您的消息了")


# At night


@pytest.mark.parametrize("starts", ["05:00", "08:00", "09:30", "10:30", "21:00", "23:00"])
async def test_a_reminder_comes_before_the_night_and_never_after_the_beginning(
    story: Story, member: Phone, starts: str
) -> None:
    await no_activities(story)
    quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
    hour, minute = map(int, starts.split(":"))
    begins = MONDAY.replace(day=26, hour=hour, minute=minute)
    async with story.house.db.begin() as session:
        await activities.schedule(
            session, house_id=(await registered(story, "xiaohe")).house_id, slot="散步", title="散步",
            starts_at=begins, minutes=60, venue="日湖公园", now=story.house.clock.now(), quiet=quiet,
        )  # fmt: skip
    await says_yes(story, "散步")
    await story.clock.forward_to(begins + timedelta(days=1))
    reminders = await outbox(story, "remind_day", "remind_hours")
    said = [row.finished_at for row in reminders if row.state in (OutboxState.SENT, OutboxState.DELIVERED)]
    assert len(said) == len(reminders) > 0
    for at in said:
        assert at is not None
        assert at < begins
        assert not quiet.holds(at, ZONE)
    assert await tasks(story, TaskKind.CALL) == []


async def at_night(story: Story, moment: datetime) -> None:
    """Nothing ran until this moment; then everything that is due is done."""
    story.house.clock.move_to(moment)
    await story.clock.settle()


async def test_a_reminder_that_missed_the_evening_is_called_at_once_and_not_after_the_night(
    story: Story, member: Phone
) -> None:
    await says_yes(story, "书法")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=21))
    assert await tasks(story, TaskKind.CALL) == []
    await at_night(story, MONDAY.replace(day=26, hour=21, minute=45))
    (call,) = await tasks(story, TaskKind.CALL)
    assert (call.reason, call.phone) == ("lost_remind_hours", "000-0000-0001")
    (reminder,) = await outbox(story, "remind_hours")
    assert await now_is(story, reminder) == (OutboxState.EXPIRED, "quiet")


async def test_what_changes_in_the_night_before_an_early_morning_is_called_at_once(story: Story, member: Phone) -> None:
    await no_activities(story)
    await says_yes(story, "书法")
    what, quiet = await occurrence(story, "书法"), Quiet(story.settings.quiet_from, story.settings.quiet_until)
    await story.clock.forward_to(MONDAY.replace(day=26, hour=22))
    async with story.house.db.begin() as session:
        early = MONDAY.replace(day=27, hour=8)
        await changes.move(session, await session.merge(what), story.house.clock.now(), quiet, starts_at=early)
    await story.clock.settle()
    (call,) = await tasks(story, TaskKind.CALL)
    assert call.reason == "lost_moved"


# Everything ends


TROUBLES: dict[str, dict[str, Any]] = {
    "nothing is wrong": {},
    "WeChat is busy for ever": {"errcode": -1},
    "no answer ever comes": {"drop": True},
    "what we write is refused": {"errcode": 47003},
    "the person is gone": {"errcode": 43004},
    "the quota is used up": {"errcode": 45009},
    "something nobody has seen": {"errcode": 99999},
}
KINDS = ("invite", "remind_hours", "called_off", "mood", "text")


@pytest.mark.parametrize(
    ("trouble", "hour"), [("nothing is wrong", 22), ("the quota is used up", 22), *((each, 10) for each in TROUBLES)]
)
async def test_after_three_days_nothing_that_was_to_be_said_is_still_open(
    story: Story, trouble: str, hour: int
) -> None:
    await no_activities(story)
    await here(story, "xiaohe", "小河")
    await here(story, "azhu", "阿珠", window_open=False)
    await story.until(hour)
    if TROUBLES[trouble]:
        story.platform.break_next("message/*", times=None, **TROUBLES[trouble])
    now, what = story.house.clock.now(), ident(await occurrence(story, "书法"))
    stopped = await announce(story, "叫停了的")
    async with story.house.db.begin() as session:
        await broadcasts.stop(session, stopped)
        for code in ("xiaohe", "azhu", "aguang"):  # 阿光 has never been seen in WeChat
            who = await registered(story, code)
            for kind in KINDS:
                await messages.send(
                    session, kind, key=f"{kind}:{code}", to=who, subject_id=what, params={"text": "晚了"}, now=now
                )  # fmt: skip
        await messages.send(
            session, "something of an older version", key="older", to=who, now=now, max_lateness=timedelta(minutes=3)
        )
    await announce(story)
    rows = len(await outbox(story))
    await story.clock.forward(days=3, minutes=1)
    left = [(row.kind, row.state, row.reason) for row in (await outbox(story))[:rows] if row.state in OPEN_STATES]
    assert (rows, left) == (20, [])


# One after another


class Watched(httpx.AsyncBaseTransport):
    """Counts how many messages to each person are under way at the same time."""

    def __init__(self, real: httpx.AsyncBaseTransport) -> None:
        self.real = real
        self.under_way: dict[str, int] = defaultdict(int)
        self.most: dict[str, int] = defaultdict(int)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        to = httpx.Response(200, content=request.content).json().get("touser", "") if request.content else ""
        self.under_way[to] += 1
        self.most[to] = max(self.most[to], self.under_way[to])
        try:
            return await self.real.handle_async_request(request)
        finally:
            self.under_way[to] -= 1


async def many_things_at_once(story: Story) -> Watched:
    """Three messages to 小河, one of them urgent, and two processes that send; WeChat takes its time."""
    box = story.house.worlds.wechat
    watched = Watched(box._transport)
    box._transport = watched
    story.platform.break_next(TEXT, latency=0.02, times=None)
    who, now = await registered(story, "xiaohe"), story.house.clock.now()
    async with story.house.db.begin() as session:
        for number in range(3):
            await messages.send(
                session, "text", key=f"t{number}", to=who, params={"text": f"第{number}句"}, now=now,
                lane=Lane.URGENT if number % 2 else Lane.NORMAL,
            )  # fmt: skip
    other = Database(story.settings.database, Vault(story.settings.secret_key.get_secret_value()))
    rungs = {rung.name: rung for rung in wechat_rungs(story.house.client, story.settings)}
    quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
    sorter = Sorter(story.house.links, rungs, quiet, Enough.of(story.settings), lambda _house: False)
    beside = Deliverer(other, story.house.clock, sorter, senders=4, urgent_senders=2)
    bells = story.house.tower.bells
    await asyncio.gather(bells[DELIVER].drain(), bells[ALERT].drain(), beside.drain(), beside.drain_urgent())
    await other.close()
    await story.clock.forward(seconds=30)
    return watched


@pytest.mark.usefixtures("nothing_planned")
async def test_two_messages_to_one_person_are_never_under_way_at_once(story: Story, member: Phone) -> None:
    watched = await many_things_at_once(story)
    assert watched.most[member.openid] == 1
    heard = [bubble.text for bubble in story.platform.users[member.openid].bubbles]
    assert sorted(heard) == [f"第{number}句" for number in range(3)]


@pytest.mark.usefixtures("nothing_planned")
async def test_without_the_guard_they_are(story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reach, "busy", lambda *_, **__: False)
    watched = await many_things_at_once(story)
    assert watched.most[member.openid] > 1


# What is urgent goes first


@pytest.mark.usefixtures("nothing_planned")
async def test_what_is_urgent_goes_before_thousands_of_others(story: Story) -> None:
    api = BareApi(latency=0)
    instead_of_wechat(story, api)
    await crowd(story, 2_000)
    member = await here(story)
    number = await announce(story)
    await story.platform.message(member.openid, WORDS)
    story.house.tower.start((DELIVER, ALERT))
    await api.after(100)
    async with story.house.db.begin() as session:
        waiting = await broadcasts.stop(session, number)
    assert waiting > 1_000
    assert "o_wangle" in api.openids[: 4 * story.settings.senders]


@pytest.mark.usefixtures("nothing_planned")
async def test_what_concerns_one_person_goes_before_what_everybody_is_told(story: Story) -> None:
    api = BareApi(latency=0)
    instead_of_wechat(story, api)
    await crowd(story, 100)
    member = await here(story)
    await announce(story)
    await story.platform.message(member.openid, "找人")
    await story.house.tower.bells[DELIVER].drain()
    assert api.openids.index("o_wangle") < story.settings.senders
