"""What has broken in other engines, one sentence each: here it holds, in the real house.

Where a docstring names an engine, that is where the breakage is known from; the others were seen in several.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from app import due
from app.activities.calendar import Quiet
from app.clock import Clock
from app.db import Database, ident, ring, table_of
from app.escalations.models import CaseEvent, CaseRow, DrillPlan, FollowUp
from app.escalations.service import CASES
from app.escalations.states import State
from app.main import SPOOL, Tongxing
from app.messages import broadcasts, channels
from app.messages.models import OPEN_STATES, Inbox, Lane, Outbox, OutboxState
from app.messages.outbox import ALERT, DELIVER
from app.opinions.models import SecondOpinion
from app.people.models import House, Person
from app.settings import Settings
from app.time_travel import TimeMachine
from bot.simulator import Phone
from bot.worlds import Worlds
from scheduler.works import DUE_TABLES
from tests.conftest import MONDAY, ZONE, Story, open_story
from tests.stories.ways import CARD, TEXT, announce, here, no_activities, outbox, registered, rota, without_wechat

WORDS = "不想活了，药都攒好了"
OTHER_WORDS = "今晚我就去跳河"
NINE = ("08:30", "17:00")


@pytest.fixture
async def member(story: Story) -> Phone:
    phone = await story.joined()
    await no_activities(story)
    return phone


@pytest.fixture
async def worker(story: Story) -> Phone:
    return await story.phone("王乐")


@pytest.fixture
async def backup(story: Story) -> Phone:
    return await story.phone("李红")


@pytest.fixture
async def boss(story: Story) -> Phone:
    return await story.phone("周敏")


@pytest.fixture
async def another(story: Story) -> AsyncIterator[Tongxing]:
    """A second process over the same database and platform."""
    worlds = Worlds(**dict.fromkeys(("wechat", "wecom", "plain"), story.house.worlds.wechat))
    house = Tongxing.build(story.settings, story.house.clock, worlds)
    yield house
    await house.db.close()


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def log_of(story: Story) -> Counter[str]:
    async with story.house.db.read() as session:
        return Counter(await session.scalars(select(CaseEvent.kind)))


async def set_on(story: Story, model: type[Any], **values: Any) -> None:
    async with story.house.db.begin() as session:
        await session.execute(update(model).values(**values))


# After a restart


async def test_a_chain_goes_on_in_another_process_where_the_first_one_died(
    story: Story, member: Phone, worker: Phone, backup: Phone, boss: Phone, another: Tongxing
) -> None:
    """Seen in other engines: a restart lost the timer of the next step, and nobody else was ever called."""
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    story.house.clock.forward(minutes=11)  # nobody works
    goes_on = TimeMachine(another, story.platform.settle)
    await goes_on.settle()
    await backup.sees_card("待办提醒")
    await goes_on.forward(minutes=5)
    await boss.sees_card("待办提醒")


async def test_a_step_that_a_dying_process_had_in_its_hands_is_done_when_its_lease_is_over(
    story: Story, member: Phone, backup: Phone, another: Tongxing
) -> None:
    """Seen in other engines: a job taken by a worker that was killed stayed with it for ever."""
    await member.says(WORDS)
    story.house.clock.forward(minutes=10)
    async with story.house.db.begin() as session:
        assert await due.claim(session, CaseRow, story.house.clock.now())  # and it dies here
    goes_on = TimeMachine(another, story.platform.settle)
    await goes_on.forward(seconds=59)
    await backup.hears_nothing()
    await goes_on.forward(seconds=1)
    await backup.sees_card("待办提醒")


# After somebody has taken it


async def test_once_somebody_has_taken_it_nobody_is_called_any_more(
    story: Story, member: Phone, worker: Phone, backup: Phone, boss: Phone
) -> None:
    """Seen in other engines: steps that were scheduled before the acknowledgement went on ringing after it."""
    await member.says(WORDS)
    await story.clock.forward(minutes=11)
    await backup.says("接")
    await story.clock.forward(minutes=29)
    await boss.hears_nothing()
    await worker.hears("李红 已接手")
    await worker.hears_nothing()


async def test_an_alert_that_waits_for_its_next_try_is_not_sent_once_somebody_has_taken_it(
    story: Story, member: Phone, worker: Phone, backup: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=9, seconds=59)
    for way in (CARD, TEXT):
        story.platform.break_next(way, errcode=-1, times=2)
    await story.clock.forward(seconds=1)
    waiting = [row for row in await outbox(story, "case_alert") if row.due_at is not None]
    assert [row.person_id for row in waiting] == [ident(await registered(story, "lihong"))]
    await worker.says("接")
    story.platform.mend()
    await story.clock.forward(minutes=5)
    await backup.hears_nothing()
    [row] = [row for row in await outbox(story, "case_alert") if row.id == waiting[0].id]
    assert (row.state, row.reason) == (OutboxState.CLEARED, "taken")


async def test_more_words_of_the_same_level_leave_it_with_whoever_took_it(
    story: Story, member: Phone, worker: Phone, backup: Phone
) -> None:
    """Seen in other engines: an alert that fires again opened the acknowledged incident anew, and everybody rang."""
    await member.says(WORDS)
    await worker.says("接")
    await member.says(OTHER_WORDS)
    await worker.hears("A-0001", "又")
    case = await the_case(story)
    assert (case.state, case.owner_id) == (State.ACKNOWLEDGED, ident(await registered(story, "wangle")))
    await story.clock.forward(minutes=20)
    await backup.hears_nothing()


# Who is told


class RaisesFor(httpx.AsyncBaseTransport):
    """Our own code breaks whenever it writes to this person."""

    def __init__(self, openid: str, wire: httpx.AsyncBaseTransport) -> None:
        self._openid, self._wire = openid, wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if body and json.loads(body).get("touser") == self._openid:
            raise RuntimeError("this channel breaks")
        return await self._wire.handle_async_request(request)


async def test_the_second_one_is_told_at_once_though_the_channel_of_the_first_one_raises(
    story: Story, member: Phone, worker: Phone, backup: Phone
) -> None:
    """Seen in other engines: one loop over the targets of a step, and the first exception ended it."""
    await rota(story, ("lihong", 0, *NINE))
    wechat = story.house.worlds.wechat
    wechat._transport = RaisesFor(worker.openid, wechat._transport)
    await member.says(WORDS)
    await backup.sees_card("待办提醒")
    await worker.hears_nothing()


async def test_who_is_on_the_rota_and_has_no_channel_costs_no_time_and_is_promised_to_nobody(
    story: Story, member: Phone, backup: Phone
) -> None:
    """Seen in GoAlert and others: a user on call without a contact method, and the page goes nowhere."""
    await without_wechat(story, "wangle")
    await rota(story, ("wangle", 0, *NINE))
    await member.says(WORDS)
    await backup.sees_card("待办提醒")
    await member.hears_not("王乐")


async def test_a_step_that_leads_to_nobody_takes_no_time(
    story: Story, member: Phone, worker: Phone, boss: Phone
) -> None:
    """Seen in GoAlert: with nobody on call a step still waits its whole delay. Here the supervisor is next at once."""
    await set_on(story, Person, backup_id=None)
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    await story.clock.forward(minutes=9, seconds=59)
    await boss.hears_nothing()
    await story.clock.forward(seconds=1)
    await boss.sees_card("待办提醒")


# Codes


async def closed_as(story: Story, member: Phone, worker: Phone, code: str) -> None:
    """A case that is over, and the code that it had."""
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("结果 6")
    await worker.hears("误报，已结束")
    await set_on(story, CaseRow, code=code)


async def test_a_code_that_comes_back_means_the_new_case_and_never_the_old_one(
    story: Story, member: Phone, worker: Phone
) -> None:
    """Seen in other engines: short reply codes are reused, and an answer closed somebody else's incident."""
    await closed_as(story, member, worker, "A-0002")
    await story.clock.forward(days=7)
    await member.says(WORDS)
    new = await the_case(story)
    assert new.code == "A-0002"
    await worker.says("接 A-0002")
    await worker.hears("接手 A-0002")
    async with story.house.db.read() as session:
        states = [row.state for row in await session.scalars(select(CaseRow).order_by(CaseRow.id))]
    assert states == [State.RESOLVED, State.ACKNOWLEDGED]


async def test_a_code_rests_for_a_week_so_that_an_old_answer_takes_nothing(
    story: Story, member: Phone, worker: Phone
) -> None:
    await closed_as(story, member, worker, "A-0002")
    await story.clock.forward(days=6, hours=23)
    await member.says(WORDS)
    assert (await the_case(story)).code == "A-0003"
    await worker.says("接 A-0002")
    await worker.hears("A-0002 已经结束了")
    assert (await the_case(story)).state is State.OPEN


# The clock on the wall

NIGHT = ("22:00", "07:00")


@pytest.mark.parametrize(
    ("day", "hour", "minute", "there"),
    [
        (23, 21, 59, False),
        (23, 22, 0, True),
        (23, 23, 59, True),
        (24, 0, 0, True),
        (24, 6, 59, True),
        (24, 7, 0, False),
    ],
)  # fmt: skip
async def test_a_shift_that_spans_midnight_begins_and_ends_when_it_says(
    story: Story, member: Phone, backup: Phone, day: int, hour: int, minute: int, there: bool
) -> None:
    """Seen in other engines: 22:00-07:00 read as an empty window, or as all day, or gone at midnight."""
    await rota(story, ("lihong", 0, *NIGHT))
    await story.clock.forward_to(MONDAY.replace(day=day, hour=hour, minute=minute))
    await member.says(WORDS)
    if there:
        await backup.sees_card("待办提醒")
        await member.hears("我已经请李红来联系您")
    else:
        await backup.hears_nothing()
        await member.hears("现在值班的人不在")


@pytest.mark.parametrize(
    ("day", "hour", "minute", "holds"),
    [(23, 21, 59, False), (23, 23, 59, True), (24, 0, 0, True), (24, 6, 59, True), (24, 7, 0, False)],
)
def test_quiet_hours_that_span_midnight_begin_and_end_when_they_say(
    day: int, hour: int, minute: int, holds: bool
) -> None:
    quiet, moment = Quiet(time(22), time(7)), MONDAY.replace(day=day, hour=hour, minute=minute)
    assert quiet.holds(moment, ZONE) is holds
    assert quiet.after(moment, ZONE) == (MONDAY.replace(day=24, hour=7) if holds else moment)


AUCKLAND = "Pacific/Auckland"
# In the night to 4 April 2027 the hour from 2:00 is there twice; in the night to 26 September 2027 it is not there.
BACK, AHEAD = date(2027, 4, 4), date(2027, 9, 26)


def in_auckland(day: date, hour: int, minute: int, *, fold: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, fold=fold), tzinfo=ZoneInfo(AUCKLAND)).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        (in_auckland(BACK - timedelta(days=1), 21, 59), False), (in_auckland(BACK - timedelta(days=1), 22, 0), True),
        (in_auckland(BACK, 2, 30), True), (in_auckland(BACK, 2, 30, fold=1), True), (in_auckland(BACK, 6, 59), True),
        (in_auckland(BACK, 7, 0), False),
        (in_auckland(AHEAD - timedelta(days=1), 21, 59), False), (in_auckland(AHEAD - timedelta(days=1), 22, 0), True),
        (in_auckland(AHEAD, 1, 59), True), (in_auckland(AHEAD, 3, 0), True), (in_auckland(AHEAD, 6, 59), True),
        (in_auckland(AHEAD, 7, 0), False),
    ],
    ids=str,
)  # fmt: skip
async def test_a_night_in_auckland_in_which_the_clocks_are_changed_is_one_shift(
    settings: Settings, moment: datetime, there: bool
) -> None:
    """Seen in other engines: local hours added to a UTC midnight, and for one night a year nobody was on call."""
    async with open_story(settings, Clock(frozen_at=moment)) as story:
        backup, member = await story.phone("李红"), await here(story)
        await no_activities(story)
        await set_on(story, House, zone=AUCKLAND)
        await rota(story, ("lihong", 5, *NIGHT))
        await member.says(WORDS)
        if there:
            await backup.sees_card("待办提醒")
        else:
            await backup.hears_nothing()


@pytest.mark.parametrize("begins", [in_auckland(BACK, 2, 55), in_auckland(AHEAD, 1, 55)], ids=["back", "ahead"])
async def test_ten_minutes_are_ten_minutes_in_the_night_in_which_the_clocks_are_changed(
    settings: Settings, begins: datetime
) -> None:
    async with open_story(settings, Clock(frozen_at=begins)) as story:
        backup, member = await story.phone("李红"), await here(story)
        await no_activities(story)
        await set_on(story, House, zone=AUCKLAND)
        await rota(story)
        await member.says(WORDS)
        await story.clock.forward(minutes=9, seconds=59)
        await backup.hears_nothing()
        await story.clock.forward(seconds=1)
        await backup.sees_card("待办提醒")


# What is stopped, and what waits


async def called(phone: Phone, times: int) -> None:
    """So many alerts are new on this phone."""
    for _ in range(times):
        await phone.sees_card("待办提醒")
    await phone.hears_nothing()


async def test_a_worker_who_stopped_messages_is_called_each_time_all_the_same(
    story: Story, member: Phone, worker: Phone
) -> None:
    """Seen in other engines: maintenance kept back the first notice, and the repeats rang; or the other way round."""
    await worker.says("退订")
    heard = await worker.hears("")
    assert heard
    await member.says(WORDS)
    await story.clock.forward(minutes=35)
    await called(worker, 3)


@pytest.mark.parametrize("why", ["quota", "configuration"])
async def test_ways_that_are_shut_for_everything_else_are_tried_for_each_alert(
    story: Story, member: Phone, worker: Phone, why: str
) -> None:
    until = story.house.clock.now() + timedelta(hours=12)
    async with story.house.db.begin() as session:
        for way in ("template", "customer"):
            await channels.close(session, way, until, why)
    await member.says(WORDS)
    await story.clock.forward(minutes=35)
    await called(worker, 3)


async def test_a_broadcast_that_is_stopped_stops_as_a_whole_and_stops_no_alert(
    story: Story, member: Phone, worker: Phone
) -> None:
    number = await announce(story)
    async with story.house.db.begin() as session:
        await broadcasts.stop(session, number)
    await member.says(WORDS)
    await member.hears("您不用一个人扛着")
    await story.clock.forward(minutes=35)
    await member.hears_nothing()
    await called(worker, 3)


async def test_nothing_is_held_for_ever_whatever_it_waits_for(story: Story) -> None:
    """Seen in other engines: held behind a state that nobody ever ended, and nobody noticed."""
    member = await story.joined()
    await member.says(WORDS)  # its question gives way to nothing
    stopped = await announce(story, "明天停水")
    async with story.house.db.begin() as session:
        await broadcasts.stop(session, stopped)
    await story.until(22, 0)
    await announce(story, "明天停电")  # in the quiet hours
    for way in (CARD, TEXT):
        story.platform.break_next(way, errcode=-1, times=None)
    await story.until(23, 0)
    waiting = [row for row in await outbox(story) if row.state in OPEN_STATES]
    assert {row.reason for row in waiting} >= {"quiet", broadcasts.STOPPED}
    assert all(row.not_after is not None for row in waiting)
    assert all(row.due_at is not None for row in waiting)
    ids = {row.id for row in waiting}
    latest = max(row.not_after for row in waiting if row.not_after is not None)
    await set_on(story, CaseRow, due_at=latest + timedelta(days=1))  # no more is written about it meanwhile
    await story.clock.forward_to(latest + timedelta(minutes=2))
    assert not [row.kind for row in await outbox(story) if row.id in ids and row.state in OPEN_STATES]


# One bad row


async def test_the_database_refuses_a_case_that_knows_no_next_moment(story: Story, member: Phone) -> None:
    """Seen in other engines: a row whose date was None broke the loop over all of them."""
    await member.says(WORDS)
    for column in ("next_action_at", "due_at"):
        with pytest.raises(IntegrityError):
            await set_on(story, CaseRow, **{column: None})


async def test_a_case_that_breaks_keeps_no_other_waiting_and_goes_on_once_it_is_mended(
    story: Story, member: Phone, backup: Phone
) -> None:
    await member.says(WORDS)
    broken = await the_case(story)
    second = await here(story, "azhu", "阿珠")
    await second.says(WORDS)
    await set_on(story, CaseRow, ladder={"steps": [{"targets": ["assigned"], "after": None}]})
    async with story.house.db.begin() as session:
        await session.execute(update(CaseRow).where(CaseRow.id != broken.id).values(ladder=broken.ladder))
    with capture_logs() as said:
        await story.clock.forward(minutes=10)
    assert [entry["case"] for entry in said if entry["event"] == "case broke"] == [broken.id]
    await backup.sees_card("待办提醒", 编号="A-0002")
    await backup.hears_nothing()
    await set_on(story, CaseRow, ladder=broken.ladder)
    await story.clock.forward(minutes=1)
    await backup.sees_card("待办提醒", 编号="A-0001")


async def test_a_message_that_cannot_be_written_keeps_no_alert_waiting(
    story: Story, member: Phone, worker: Phone
) -> None:
    now = story.house.clock.now()
    async with story.house.db.begin() as session:
        person = await registered(story, "wangle")
        session.add(
            Outbox(
                key="bad", kind="case_note", person_id=person.id, subject_id=None, params={}, lane=Lane.URGENT,
                created_at=now, due_at=now, not_after=None,
            )
        )  # fmt: skip
    await member.says(WORDS)
    await worker.sees_card("待办提醒")


# Two at once


async def test_two_processes_in_the_same_second_do_a_step_once(
    story: Story, member: Phone, backup: Phone, another: Tongxing
) -> None:
    """Seen in other engines: two schedulers, one job store, and each page was sent twice."""
    await member.says(WORDS)
    story.house.clock.forward(minutes=10)
    towers = (story.house.tower, another.tower)
    for name in (CASES, ALERT):
        await asyncio.gather(*(tower.bells[name].drain() for tower in towers))
    await story.clock.settle()
    await called(backup, 1)
    assert (await log_of(story))["Due"] == 2  # the first people, and the backup


async def test_of_two_who_answer_in_the_same_second_one_has_it_and_the_other_hears_who(
    story: Story, member: Phone, worker: Phone, backup: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await backup.sees_card("待办提醒")
    await asyncio.gather(*(story.platform.message(phone.openid, "接 A-0001") for phone in (worker, backup)))
    owner = (await the_case(story)).owner_id
    first, second = (worker, backup) if owner == ident(await registered(story, "wangle")) else (backup, worker)
    await first.hears("已记录", "接手 A-0001")
    await second.hears(f"{first.name} 已接手 A-0001")
    assert (await log_of(story))["Taken"] == 1


# Jobs and their names


async def everything_is_due(story: Story, db: Database) -> dict[str, dict[int, int]]:
    """Every table of the queue has a row that is due; how often each was claimed."""
    now = story.house.clock.now()
    case, person = await the_case(story), await registered(story, "wangle")
    async with db.begin() as session:
        follow_up = FollowUp(
            case_id=ident(case), house_id=case.house_id, owner_id=ident(person), on=now.date(), due_at=now
        )
        session.add(follow_up)
        if await session.scalar(select(DrillPlan.id)) is None:
            session.add(DrillPlan(house_id=case.house_id, nth=1, weekday=0, at="10:00", planned_at=now, due_at=now))
        asked = {"person_id": case.person_id, "house_id": case.house_id, "read_as": 1, "made_at": now}
        number = await session.scalar(select(func.max(Inbox.id)))
        if await session.scalar(select(SecondOpinion.id)) is None:
            session.add(SecondOpinion(inbox_id=number, not_after=now + timedelta(minutes=15), due_at=now, **asked))
        await session.flush()
        for model in DUE_TABLES:
            table = table_of(model)
            open_ones = table.c.due_at.is_not(None) if model is CaseRow else table.c.id > 0
            await session.execute(update(table).where(open_ones).values(due_at=now))
    return await claims(db)


async def claims(db: Database) -> dict[str, dict[int, int]]:
    async with db.read() as session:
        found: dict[str, dict[int, int]] = {}
        for model in DUE_TABLES:
            table = table_of(model)
            lane = table.c.lane if "lane" in table.c else table.c.id
            for number, attempts, which in await session.execute(select(table.c.id, table.c.attempts, lane)):
                name = f"{table.name}:{Lane(which).name}" if "lane" in table.c else table.name
                found.setdefault(name, {})[number] = attempts
        return found


async def test_every_table_of_the_queue_is_worked_off_by_exactly_one_bell(story: Story, member: Phone) -> None:
    """Seen in other engines: a job registered under a name that nobody rings, for months."""
    await member.says(WORDS)
    await announce(story)
    async with story.house.db.begin() as session:
        session.add(DrillPlan(house_id=1, nth=2, weekday=1, at="10:00", planned_at=story.house.clock.now()))
    by_table: dict[str, list[str]] = {}
    for name, bell in story.house.tower.bells.items():
        before = await everything_is_due(story, story.house.db)
        await bell.work()
        after = await claims(story.house.db)
        for table, rows in before.items():
            if any(after[table][number] != attempts for number, attempts in rows.items()):
                by_table.setdefault(table, []).append(name)
    assert {table.split(":")[0] for table in by_table} == {table_of(model).name for model in DUE_TABLES}
    assert all(len(bells) == 1 for bells in by_table.values()), by_table
    assert (by_table["cases"], by_table["outbox:URGENT"]) == ([CASES], [ALERT])
    assert by_table["outbox:NORMAL"] == by_table["outbox:BROADCAST"] == [DELIVER]


async def test_every_bell_that_the_house_rings_hangs_in_its_tower(
    story: Story, worker: Phone, backup: Phone, boss: Phone
) -> None:
    """A ring for a name that no bell has is heard by nobody, and nothing says so: here each name has its bell."""
    rung: set[str] = set()
    really = story.house.db.on_commit

    def hears(names: frozenset[str]) -> None:
        rung.update(names)
        really(names)

    story.house.db.on_commit = hears
    member = await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("已联系")
    for answer in ("结果 1", "1", "1"):
        await worker.says(answer)
    await announce(story)
    assert {CASES, ALERT, DELIVER, "follow-ups"} <= rung <= story.house.tower.bells.keys()


async def test_every_bell_that_the_clock_rings_does_its_own_work(story: Story) -> None:
    tower, rung = story.house.tower, asyncio.Queue[str]()
    for bell in tower.bells.values():

        async def work(name: str = bell.name) -> int:
            rung.put_nowait(name)
            return 0

        bell.work = work
    tower.start()
    at_the_start = [await asyncio.wait_for(rung.get(), 5) for _ in tower.bells]
    assert sorted(at_the_start) == sorted(tower.bells)
    jobs = {job.id: job for job in tower._scheduler.get_jobs()}
    assert jobs.keys() == tower.bells.keys()
    for name, job in jobs.items():
        job.func()
        assert await asyncio.wait_for(rung.get(), 5) == name
    assert rung.empty()
    await tower.stop()


async def test_the_longest_that_anything_urgent_waits_for_its_bell_is_a_second(story: Story) -> None:
    bells = story.house.tower.bells
    assert {bells[name].every for name in (CASES, ALERT, DELIVER)} == {1}
    assert max(bell.every for bell in bells.values()) <= 600
    async with story.house.db.begin() as session:
        ring(session, CASES)
    assert bells[CASES]._wake.is_set()
    assert not bells[SPOOL]._wake.is_set()
