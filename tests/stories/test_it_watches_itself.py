"""The program watches itself: what would otherwise end in silence is told, past everything that may have broken."""

import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.db import Database
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.main import SPOOL, WEB_BELLS
from app.settings import Settings
from app.watch import service as watching
from app.watch.models import Role
from bot.mail.post import RecordedPost
from bot.outside import NotSent
from bot.simulator import Phone
from bot.sms.recorded import RecordedSms
from bot.watchman import Watchman
from scheduler.heart import Heart
from scheduler.watch import Watch
from tests.beginnings import database_file
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import alarms, every_way, here, outbox, reached_by

WORDS = "不想活了，药都攒好了"
KEY = "the-robot-of-the-operators"
PING = "https://ping.example.org/a-secret"
WATCHED = {
    "operator_robot": KEY, "operator_mail": "ops@example.org", "mail_host": "mail.example.org",
    "mail_from": "house@example.org", "operator_phone": "13800000000", "sms_gateway": "aliyun", "sms_key_id": "k",
    "sms_key_secret": "s", "sms_sign": "s", "sms_template_duty": "t", "ping_url": PING,
}  # fmt: skip


@dataclass
class Night:
    """A house whose web process watches, a worker beside it, and nobody who looks: no bell rings by itself."""

    story: Story
    mail: RecordedPost
    sms: RecordedSms
    worker: Heart
    watches: list[Watch] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)

    @property
    def heart(self) -> Heart:
        return self.story.house.heart

    @property
    def told(self) -> list[str]:
        """What the operators' group has heard."""
        assert self.story.platform.work is not None
        return self.story.platform.work.group("operators")

    async def passes(self, seconds: int, *, beating: Sequence[Heart] | None = None) -> None:
        """Ten seconds at a time (later thirty), the hearts beat (both, or these) and whoever watches looks."""
        step = 10 if seconds <= 130 else 30
        for _ in range(seconds // step):
            self.story.house.clock.forward(seconds=step)
            for heart in (self.heart, self.worker) if beating is None else beating:
                await heart.beat()
            for watch in self.watches:
                await watch.round()

    def another_web(self) -> Watch:
        """A second web process on the same database."""
        house = self.story.house
        heart = Heart(house.db, house.clock)
        heart.start((Role.WEB,))
        watchman = Watchman.of(self.story.settings, house.clock, house.worlds)
        watch = Watch(house.db, house.clock, heart, house.tower, watchman, nudge=lambda: None, http=self.outside())
        self.watches.append(watch)
        return watch

    def outside(self) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            self.pings.append(str(request.url))
            return httpx.Response(200)

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))


@pytest.fixture
async def night(settings: Settings) -> AsyncIterator[Night]:
    mail, sms = RecordedPost(), RecordedSms()
    async with open_story(every_way(settings, **WATCHED), Clock(frozen_at=MONDAY), sms=sms, post=mail) as story:
        assert story.platform.work is not None
        story.platform.work.add_group("operators", KEY)
        house = story.house
        house.heart.start((Role.WEB,))
        worker = Heart(house.db, house.clock)
        worker.start((Role.WORKER,))
        night = Night(story, mail, sms, worker, [house.watch])
        house.watch._http = night.outside()
        yield night


@pytest.fixture
async def member(night: Night) -> Phone:
    return await here(night.story)


@contextmanager
def database_away() -> Iterator[None]:
    @asynccontextmanager
    async def away(_db: Database) -> AsyncIterator[AsyncSession]:
        raise OperationalError("BEGIN", {}, Exception("no connection"))
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "begin", away)
        patch.setattr(Database, "read", away)
        yield


# A process that dies


async def test_a_worker_that_dies_is_told_of_within_seventy_seconds_once_and_when_it_is_back(night: Night) -> None:
    await night.passes(60)
    assert night.told == []
    await night.passes(60, beating=[night.heart])
    assert night.told == []
    await night.passes(10, beating=[night.heart])
    [said] = night.told
    assert "worker）一分钟没有动静" in said
    await night.passes(65 * 60, beating=[night.heart])
    assert night.told == [said]
    await night.passes(600)
    assert night.told == [said, "同行：到点做事的程序（worker）又有动静了。"]
    await night.passes(70, beating=[night.heart])
    assert len(night.told) == 3


async def test_a_worker_whose_heart_beats_is_not_told_of(night: Night) -> None:
    """The control of the one before."""
    await night.passes(3600)
    assert night.told == night.mail.sent == night.sms.sent == []


async def test_a_web_process_that_dies_is_told_of_by_the_worker(night: Night) -> None:
    house = night.story.house
    watchman = Watchman.of(night.story.settings, house.clock, house.worlds)
    watch = Watch(house.db, house.clock, night.worker, house.tower, watchman, nudge=lambda: None, http=night.outside())
    night.watches = [watch]
    await night.passes(60)
    # Its bells are this worker's own, and only the worker's heart tells that they ring.
    await night.passes(70, beating=[night.worker])
    assert ["serve）一分钟没有动静" in said for said in night.told] == [True]


async def test_a_worker_that_was_never_started_is_missed_as_well(night: Night) -> None:
    await night.passes(60, beating=[night.heart])
    assert night.told == []
    await night.passes(20, beating=[night.heart])
    assert len(night.told) == 1


async def test_a_worker_that_leaves_in_good_order_leaves_no_row_and_is_missed_a_minute_later(night: Night) -> None:
    await night.passes(60)
    await night.worker.stop()
    async with night.story.house.db.read() as session:
        assert [beat.role for beat in await watching.beats(session)] == [Role.WEB]
    await night.passes(50, beating=[night.heart])
    assert night.told == []
    await night.passes(20, beating=[night.heart])
    assert len(night.told) == 1


async def test_of_two_web_processes_one_tells(night: Night) -> None:
    other = night.another_web()
    hearts = [night.heart, other._heart]
    await night.passes(60, beating=[*hearts, night.worker])
    await night.passes(600, beating=hearts)
    assert len(night.told) == 1
    await night.passes(60, beating=[*hearts, night.worker])
    assert len(night.told) == 2


async def test_one_of_two_workers_is_enough(night: Night) -> None:
    second = Heart(night.story.house.db, night.story.house.clock)
    second.start((Role.WORKER,))
    await night.passes(60, beating=[night.heart, night.worker, second])
    await night.passes(600, beating=[night.heart, second])
    assert night.told == []


async def test_after_a_pause_of_the_whole_machine_nobody_counts_as_dead(night: Night) -> None:
    """A suspended machine, and a clock that is set forward: everybody has as long as after a start."""
    await night.passes(60)
    night.story.house.clock.forward(hours=5)
    await night.passes(50, beating=[night.heart])
    await night.passes(600)
    assert night.told == []


async def test_a_worker_on_a_machine_whose_clock_is_wrong_is_alive_while_it_beats_and_dead_when_it_stops(
    night: Night,
) -> None:
    fast = Heart(night.story.house.db, Clock(frozen_at=night.story.house.clock.now()))
    fast._clock.forward(hours=2)
    fast.start((Role.WORKER,))
    for _ in range(30):
        fast._clock.forward(seconds=10)
        await night.passes(10, beating=[night.heart, fast])
    assert night.told == []
    await night.passes(70, beating=[night.heart])
    assert len(night.told) == 1


# The way out


async def test_where_the_robot_is_not_heard_it_goes_by_mail_and_then_by_sms(night: Night) -> None:
    await night.passes(60)
    night.story.platform.break_next("webhook/send", errcode=93000, times=None)
    await night.passes(70, beating=[night.heart])
    [mail] = night.mail.sent
    assert (mail.to, mail.subject) == ("ops@example.org", "同行：请马上看一下")
    assert "worker）一分钟没有动静" in mail.text
    assert night.sms.sent == []
    night.mail.failures += [NotSent(None, "smtp")] * 9
    await night.passes(60)
    [sms] = night.sms.sent
    assert (sms.fields["code"], len(sms.fields["time"])) == ("SYS", 5)


async def test_what_no_way_takes_is_tried_again_until_one_does(night: Night) -> None:
    night.watches[0]._watchman = Watchman({"robot": night.watches[0]._watchman.ways["robot"]})
    await night.passes(60)
    night.story.platform.break_next("webhook/send", errcode=-1, times=None)
    await night.passes(300, beating=[night.heart])
    assert night.told == []
    [alarm] = await alarms(night.story, MONDAY)
    assert (alarm.channel, alarm.what, alarm.told_at) == ("watch", "worker_silent", None)
    night.story.platform.faults.clear()
    await night.passes(60, beating=[night.heart])
    assert len(night.told) == 1


async def test_where_no_way_is_set_up_there_is_an_alarm_for_the_doctor(night: Night) -> None:
    night.watches[0]._watchman = Watchman({})
    await night.passes(60)
    await night.passes(600, beating=[night.heart])
    assert [alarm.what for alarm in await alarms(night.story, MONDAY)] == ["worker_silent"]


async def test_a_database_that_is_away_is_told_of_after_a_minute_and_when_it_is_back(night: Night) -> None:
    await night.passes(60)
    with database_away():
        for seconds in range(0, 300, 10):
            assert night.told == [] or seconds > 60
            night.heart.rings += 1  # its bell rings; what it wants to write down does not arrive
            await night.passes(10, beating=[])
    assert ["数据库一分钟连不上" in said for said in night.told] == [True]
    await night.passes(600)
    # Nobody could beat meanwhile, and nobody counts as dead.
    assert night.told[1:] == ["同行：数据库好了。"]


async def test_a_database_that_cannot_be_written_is_as_good_as_away(night: Night) -> None:
    await night.passes(60)

    async def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "beat", full)
        for _ in range(9):
            await night.passes(10, beating=[])
            with pytest.raises(OperationalError):
                await night.heart.beat()
    assert ["写不进去" in said for said in night.told if "数据库" in said] == [True]


# The outside


async def test_the_outside_is_told_once_a_minute_that_all_is_well_and_never_when_it_is_not(
    night: Night, member: Phone
) -> None:
    await night.passes(600)
    assert 9 <= len(night.pings) <= 10
    assert set(night.pings) == {PING}
    await night.passes(70, beating=[night.heart])
    night.pings.clear()
    await night.passes(600, beating=[night.heart])
    assert night.pings == []
    await night.passes(120)
    assert night.pings
    with database_away():
        night.pings.clear()
        await night.passes(300, beating=[])
        assert night.pings == []
    await night.passes(120)
    await member.says(WORDS)
    # The bell of the cases is dead: ten minutes later the next one should be told.
    await night.passes(12 * 60 + 10)
    night.pings.clear()
    await night.passes(600)
    assert night.pings == []


async def test_before_anything_was_seen_to_be_well_the_outside_hears_nothing(night: Night) -> None:
    await night.watches[0].round()
    assert night.pings == []


async def test_an_outside_that_does_not_answer_stops_nothing(night: Night) -> None:
    def refuses(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    night.watches[0]._http = httpx.AsyncClient(transport=httpx.MockTransport(refuses))
    await night.passes(60)
    await night.passes(70, beating=[night.heart])
    assert len(night.told) == 1


# The auditor


async def test_a_red_case_that_nobody_advances_is_told_although_every_bell_is_dead(night: Night, member: Phone) -> None:
    await reached_by(night.story, "wangle", wecom="WangLe")
    await member.says(WORDS)
    [code] = {row.code for row in await cases(night.story)}
    await night.passes(12 * 60)
    assert night.told == []
    await night.passes(120)
    [said] = night.told
    assert f"{code} 过了时间没有往下叫人" in said
    await night.passes(20 * 60)
    assert night.told.count(said) == 1
    # And again in the next hour, for whoever did not look.
    await night.passes(30 * 60)
    assert night.told.count(said) == 2
    # The bell of this process was rung for good measure: it goes on as soon as anybody listens to it.
    assert night.story.house.tower.bells[escalations.CASES]._wake.is_set()
    await night.story.clock.settle()
    told = len(night.told)
    await night.passes(5 * 60)
    assert len(night.told) == told


async def test_without_the_auditor_nobody_hears_of_it(
    night: Night, member: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the one before: the ladder itself does not notice that it stands still."""

    async def asleep(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(night.watches[0].auditor, "audit", asleep)
    await member.says(WORDS)
    await night.passes(60 * 60)
    assert night.told == []
    [row] = await cases(night.story)
    assert row.next_action_at is not None
    assert row.next_action_at < night.story.house.clock.now()


async def test_a_case_without_a_next_action_gets_one_and_that_is_said(night: Night, member: Phone) -> None:
    await member.says(WORDS)
    [row] = await cases(night.story)
    with closing(sqlite3.connect(database_file(night.story.settings))) as file, file:
        file.execute("PRAGMA ignore_check_constraints = ON")  # what must not happen, happens
        file.execute("UPDATE cases SET due_at = NULL, next_action_at = NULL")
    await night.passes(70)
    assert [f"{row.code} 没有排下一步，已经重新排上" in said for said in night.told] == [True]
    worker = await night.story.phone("李红")
    await night.story.clock.settle()
    await worker.sees_work_card("待办提醒")


async def test_a_case_that_is_late_and_leased_out_for_ever_is_given_back(night: Night, member: Phone) -> None:
    await member.says(WORDS)
    with closing(sqlite3.connect(database_file(night.story.settings))) as file, file:
        file.execute("UPDATE cases SET due_at = '2027-01-01 00:00:00.000000'")
    await night.passes(14 * 60)
    assert ["过了时间没有往下叫人" in said for said in night.told] == [True]
    worker = await night.story.phone("李红")
    await night.story.clock.settle()
    await worker.sees_work_card("待办提醒")


async def test_a_red_case_about_which_no_alert_can_leave_is_told_after_five_minutes(
    night: Night, member: Phone
) -> None:
    for api in ("message/template/send", "message/custom/send", "message/send"):
        night.story.platform.break_next(api, errcode=-1, times=None)
    night.sms.failures += [NotSent(None, "sms")] * 999
    await member.says(WORDS)
    [row] = await cases(night.story)
    for _ in range(5):
        await night.passes(60)
        await night.story.clock.settle()
    told = [said for said in night.told if "没有一条提醒发得出去" in said]
    assert told == []
    await night.passes(70)
    told = [said for said in night.told if "没有一条提醒发得出去" in said]
    assert len(told) == 1
    assert row.code in told[0]


async def test_an_alert_that_left_is_enough_for_as_long_as_the_ladder_waits(night: Night, member: Phone) -> None:
    await member.says(WORDS)
    assert await outbox(night.story, "case_alert")
    for _ in range(40):
        await night.passes(60)
        await night.story.clock.settle()
    assert night.told == []


async def test_a_case_that_breaks_each_time_it_is_advanced_is_told(
    night: Night, member: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member.says(WORDS)
    [row] = await cases(night.story)
    await night.passes(10 * 60)

    async def breaks(*_: Any) -> None:
        raise ValueError("a row that nothing was prepared for")

    monkeypatch.setattr(escalations, "advance", breaks)
    for _ in range(6):
        await night.story.house.works.cases()
        await night.passes(60)
    assert [f"{row.code} 每次处理都出错" in said for said in night.told if "出错" in said] == [True]


async def test_an_auditor_that_breaks_says_so(night: Night, member: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: Any) -> list[Any]:
        raise LookupError("a state that nobody knows")

    monkeypatch.setattr(night.watches[0].auditor, "audit", breaks)
    await night.passes(180)
    assert ["自查出错了" in said for said in night.told] == [True]


async def test_what_is_told_names_nobody(night: Night, member: Phone) -> None:
    await member.says(WORDS)
    await night.passes(30 * 60, beating=[night.heart])
    said = "\n".join(night.told)
    assert night.told
    assert not [word for word in ("小河", "王乐", "李红", "周敏", "段塘", "o_", "不想活") if word in said]


# Who advances a case where the worker is dead


async def test_the_web_process_advances_a_red_case_and_sends_its_alerts_alone(night: Night, member: Phone) -> None:
    backup = await night.story.phone("李红")
    await member.says(WORDS)
    await rings_alone(night.story, WEB_BELLS, minutes=10)
    await backup.sees_work_card("待办提醒")


async def test_a_web_process_with_nothing_but_its_spool_leaves_it_lying(night: Night, member: Phone) -> None:
    """The control of the one before, and what it was like before ADR 0022."""
    backup = await night.story.phone("李红")
    await member.says(WORDS)
    await rings_alone(night.story, (SPOOL,), minutes=10)
    await backup.hears_nothing()


async def rings_alone(story: Story, bells: Sequence[str], *, minutes: int) -> None:
    story.house.clock.forward(minutes=minutes)
    for _ in range(2):
        for name in bells:
            await story.house.tower.bells[name].drain()


async def cases(story: Story) -> list[CaseRow]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.id)))


# What systemd hears


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    place = f"{os.path.relpath(tmp_path)}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(place)
        line.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        yield line


def heard(line: socket.socket) -> list[str]:
    said = []
    try:
        while True:
            said.append(line.recv(100).decode())
    except BlockingIOError:
        return said


async def test_systemd_hears_that_we_live_only_while_the_bells_ring(night: Night, systemd: socket.socket) -> None:
    await night.passes(60)
    assert heard(systemd) == ["WATCHDOG=1"] * 6
    await night.passes(70, beating=[night.worker])
    heard(systemd)
    await night.passes(60, beating=[night.worker])
    assert heard(systemd) == []
    assert any("有一个进程还在，里面到点做事的部分停了" in said for said in night.told)


async def test_a_bell_whose_work_does_not_end_is_as_good_as_dead(
    night: Night, systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await night.passes(60)
    heard(systemd)
    night.story.house.tower.bells[escalations.CASES]._began = -1000.0
    await night.passes(10)
    assert heard(systemd) == []
    assert len(night.told) == 1
