"""Nobody is lost in the real house: anything happens to it, in any order, and what must hold holds after each step.

The door, the database, the rooms, the bells and the platform in a box are the real ones. People write and press,
time passes, the rota and the channels change, calls fail or lose their answers, leases run out, and the process is
killed between any two of its steps and started again. `HYPOTHESIS_PROFILE=nightly` (or `long`, which `make
test-all` has) goes on for ten thousand steps.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from structlog.testing import capture_logs

from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import Level, State
from app.messages.outbox import ALERT, DELIVER
from app.people.models import Person
from app.settings import Settings
from tests.beginnings import Moment
from tests.mortal import STAFF, Life, MortalHouse, two_have_joined
from tests.stories.ways import every_way, write_rota
from tests.vows import Vows

MEMBERS = ("小河", "阿珠")
WORKERS = ("王乐", "李红", "周敏")
SENTENCES = {
    "red": ("不想活了，药都攒好了", "今晚我就去跳河"),
    "orange": ("活着没意思", "昨晚我又划了手臂"),
    "yellow": ("天天哭，心里闷", "又失眠了"),
    "harmless": ("今天天气很好", "谢谢", "没事了", "好的"),
    "answers": ("不安全", "安全", "1", "2"),
}
LEVELS = st.sampled_from(["red", "red", "red", "orange", "yellow", "harmless", "answers"])
CODES = ("", "", "A-0001", "A-0002", "A-0003", "2")
SHIFTS = (("08:30", "17:00"), ("22:00", "07:00"), ("00:00", "23:59"))
CALLS = ("message/custom/send", "message/template/send", "message/send", "*")
FAULTS: dict[str, dict[str, Any]] = {
    "system busy": {"errcode": -1},
    "does not follow": {"errcode": 43004},
    "refused": {"errcode": 43101},
    "quota used up": {"errcode": 45009},
    "window is shut": {"errcode": 45015},
    "unheard-of error": {"errcode": 99999},
    "no answer": {"drop": True},
    "done, and the answer lost": {"lose_answer": True},
}
RECEIPTS = ("success", "failed:user block", "failed: system failed")
A_LEASE = 61
PHASES = (Phase.generate,)
LADDER_AND_TWO_ROUNDS = timedelta(minutes=36)


class Steps:
    """How many steps were taken, all lives together."""

    taken = 0


class HouseLife(RuleBasedStateMachine):
    """One life of the house; two members, two workers and a supervisor."""

    def __init__(self, settings: Settings, moment: Moment) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.runner.get_loop().set_exception_handler(lambda _loop, _context: None)
        self.sound = False
        self.house = MortalHouse(settings, moment)
        self.vows = Vows(self.house, MEMBERS)

    def happens(self, doing: Awaitable[Any] | None = None) -> None:
        """It happens, and everything that follows from it now."""
        self.sound = False
        Steps.taken += 1
        with capture_logs() as said:
            self.runner.run(self.house.lives_through(doing))
        broken = [e for e in said if e["log_level"] in ("error", "critical") and e["event"] != "alarm"]
        assert not broken, f"the house says that something broke: {broken}"

    @initialize()
    def the_house_opens(self) -> None:
        self.runner.run(self.house.begins())
        self.happens()

    # People

    @rule(who=st.sampled_from(MEMBERS), level=LEVELS, n=st.integers(0, 3))
    def a_member_writes(self, who: str, level: str, n: int) -> None:
        texts = SENTENCES[level]
        self.happens(self._says(who, texts[n % len(texts)]))

    @rule(who=st.sampled_from(WORKERS), code=st.sampled_from(CODES))
    def a_worker_takes_it(self, who: str, code: str) -> None:
        self.happens(self._says(who, f"接 {code}".strip()))

    @rule(
        who=st.sampled_from(WORKERS),
        words=st.sampled_from(["已联系", "转 李红", "转 王乐", "转 周敏", "协助", "回访", "结果", "1", "3", "好的"]),
        code=st.sampled_from(CODES),
    )
    def a_worker_writes(self, who: str, words: str, code: str) -> None:
        self.happens(self._says(who, f"{words} {code}".strip()))

    @rule(
        who=st.sampled_from(WORKERS), code=st.sampled_from(CODES[:5]), outcome=st.integers(1, 6),
        grade=st.integers(0, 5), whereto=st.sampled_from(["区医院，周三上午", "x"]), when=st.sampled_from(["1", "3"]),
    )  # fmt: skip
    def a_worker_says_how_it_ended(self, who: str, code: str, outcome: int, grade: int, whereto: str, when: str) -> None:
        answers = [f"结果 {code} {outcome}".replace("  ", " "), str(grade)]
        if grade >= 3 or outcome == 4:
            answers.append(whereto)
        self.happens(self._says(who, *answers, when))

    @rule(nth=st.integers(0, 9))
    def a_button_of_a_card_at_work_is_pressed(self, nth: int) -> None:
        self.happens(self._presses(nth))

    # Time

    @rule(seconds=st.sampled_from([1, 5, 30, 60, 61]))
    def seconds_pass(self, seconds: int) -> None:
        self._passes(timedelta(seconds=seconds))

    @rule(minutes=st.sampled_from([2, 5, 10, 31]))
    def minutes_pass(self, minutes: int) -> None:
        self._passes(timedelta(minutes=minutes))

    @rule(n=st.integers(1, 3))
    def time_passes_until_something_is_due(self, n: int) -> None:
        for _ in range(n):
            at = self.runner.run(self.house.next_due())
            if at is not None:
                self._passes(at - self.house.clock.now())
        self.happens()

    @rule(span=st.sampled_from([{"seconds": A_LEASE}, {"minutes": 20}, {"hours": 9}, {"hours": 25}]))
    def time_passes_while_nobody_works(self, span: dict[str, float]) -> None:
        self.house.clock.forward(**span)
        self.happens()

    # Who is there, and how they can be reached

    @rule(
        who=st.lists(st.sampled_from(WORKERS), max_size=2, unique=True),
        shift=st.sampled_from(SHIFTS), days=st.sampled_from([range(7), range(5), [5, 6]]),
    )  # fmt: skip
    def the_rota_is_written_anew(self, who: list[str], shift: tuple[str, str], days: list[int]) -> None:
        self.happens(self._write_rota(who, shift, days))

    @rule(who=st.sampled_from(WORKERS), stays=st.booleans())
    def a_worker_follows_or_unfollows(self, who: str, stays: bool) -> None:
        phone = self._phone(who)
        self.happens(self.house.platform.follow(phone) if stays else self.house.platform.unfollow(phone))

    @rule(who=st.sampled_from(["李红", "李红", "王乐"]), visible=st.booleans())
    def a_worker_is_let_into_wecom_or_out_of_it(self, who: str, visible: bool) -> None:
        self.house.work.member(self._phone(who).removeprefix("o_")).visible = visible
        self.happens()

    # What goes wrong

    @rule(call=st.sampled_from(CALLS), how=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 3))
    def the_platform_fails(self, call: str, how: str, times: int) -> None:
        self.house.platform.break_next(call, times=times, **FAULTS[how])
        self.happens()

    @rule(status=st.sampled_from([500, 502, 503]), times=st.integers(1, 2))
    def what_is_before_the_platform_fails(self, status: int, times: int) -> None:
        self.house.wire.answers.extend([status] * times)
        self.happens()

    @rule(status=st.sampled_from(RECEIPTS))
    def receipts_say(self, status: str) -> None:
        self.house.platform.receipt_status = status
        self.happens()

    @rule()
    def everything_is_mended(self) -> None:
        self.house.platform.mend()
        self.house.wire.answers.clear()
        self.happens()

    @rule(steps=st.integers(0, 30))
    def the_process_will_be_killed(self, steps: int) -> None:
        self.house.life.left = steps
        self.happens()

    @rule()
    def a_call_will_outlast_its_lease_while_another_process_works(self) -> None:
        self.house.wire.meanwhile = self._another_process_works
        self.happens()

    # How it is done

    def _passes(self, span: timedelta) -> None:
        self.sound = False
        self.happens(self.house.forward_to(self.house.clock.now() + max(span, timedelta())))

    def _phone(self, name: str) -> str:
        return next(user.openid for user in self.house.platform.users.values() if user.name == name)

    async def _says(self, name: str, *texts: str) -> None:
        for text in texts:
            await self.house.platform.message(self._phone(name), text)

    async def _presses(self, nth: int) -> None:
        cards = [(m, b) for m in self.house.work.members.values() for b in m.bubbles if b.choices]
        if cards:
            member, card = cards[-1 - nth % len(cards)]
            await self.house.work.press(member.userid, card.task_id, card.choices[0][0])

    async def _write_rota(self, who: list[str], shift: tuple[str, str], days: list[int]) -> None:
        async with self.house.here.db.begin() as session:
            await write_rota(session, [(STAFF[name], day, *shift) for name in who for day in days])

    async def _another_process_works(self) -> None:
        """The answer comes when the lease is over and somebody else has taken up what was left."""
        self.house.clock.forward(seconds=A_LEASE)
        other, _wire = self.house.another(Life())
        try:
            for bell in (ALERT, DELIVER):
                await other.tower.bells[bell].drain()
        finally:
            await other.worlds.close()
            await other.db.close()

    # What must hold

    @invariant()
    def what_must_hold_holds(self) -> None:
        self.runner.run(self.vows.keep())
        self.sound = True

    def teardown(self) -> None:
        try:
            if self.sound:
                self.runner.run(self._it_does_not_end_in_silence())
        finally:
            self.runner.run(self.house.ends())
            self.runner.close()
            self.house.forget()

    async def _it_does_not_end_in_silence(self) -> None:
        """Once nothing is broken any more, every red case that nobody has is heard of by somebody who can be reached."""
        house = self.house
        house.platform.mend()
        house.wire.answers.clear()
        house.wire.meanwhile = None
        if house.life.left is not None:
            house.life.left = None
        await house.lives_through()
        waiting = await self._waiting()
        if not waiting:
            return
        heard = {code: self._heard(code) for code in waiting}
        await house.forward_to(house.clock.now() + LADDER_AND_TWO_ROUNDS)
        await self.vows.keep()
        for code in waiting:
            assert self._heard(code) > heard[code], f"{code}: silence, for more than half an hour"

    async def _waiting(self) -> list[str]:
        """The codes of red cases that nobody has taken and whose ladder leads to somebody who will really see it."""
        async with self.house.here.db.read() as session:
            names = {person.id: person.name for person in await session.scalars(select(Person))}
            found = []
            for row in await session.scalars(select(CaseRow).where(CaseRow.state == State.OPEN)):
                there = await escalations.reachable_for(session, row, self.house.clock.now())
                people = {names[person] for step in there[:-2] for person in step}
                if row.level is Level.RED and any(self._sees(name) for name in people):
                    found.append(row.code)
            return found

    def _sees(self, name: str) -> bool:
        user = self.house.platform.users[self._phone(name)]
        return user.following

    def _heard(self, code: str) -> int:
        """How often staff were told of it, on all their phones."""
        staff = [user for user in self.house.platform.users.values() if user.name in WORKERS]
        return sum(code in bubble.text for user in staff for bubble in user.bubbles if bubble.who == "account")


def steps_wanted() -> int:
    return 10_000 if hypothesis_settings.get_current_profile_name() in ("long", "nightly") else 500


@pytest.fixture
def moment(settings: Settings, migrated_file: Path) -> Moment:
    return asyncio.run(two_have_joined(every_way(settings), migrated_file))


def test_nobody_is_lost_whatever_happens_to_the_house(settings: Settings, moment: Moment) -> None:
    wanted, settled = steps_wanted(), every_way(settings)
    Steps.taken = 0
    make: Callable[[], RuleBasedStateMachine] = lambda: HouseLife(settled, moment)  # noqa: E731 - given to Hypothesis
    while Steps.taken < wanted:
        run_state_machine_as_test(
            make,
            settings=hypothesis_settings(
                max_examples=min(200, 1 + (wanted - Steps.taken) // 40), stateful_step_count=50, deadline=None,
                suppress_health_check=list(HealthCheck), phases=PHASES,
            ),
        )  # fmt: skip
    sys.stdout.write(f"{Steps.taken} steps\n")
    assert Steps.taken >= wanted
