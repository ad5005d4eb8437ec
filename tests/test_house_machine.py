"""Nobody is lost in the real house: anything happens to it, in any order, and what must hold holds after each step.

The door, the database, the rooms, the bells and the platform in a box are the real ones. People write and press,
time passes, the rota and the channels change, calls fail or lose their answers, leases run out, and the process is
killed between any two of its steps and started again. `HYPOTHESIS_PROFILE=nightly` (or `long`, which `make
test-all` has) goes on for ten thousand steps.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from structlog.testing import capture_logs

from app.duty import changes
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import Level, State
from app.messages import service as messages
from app.messages.outbox import ALERT, DELIVER
from app.people.models import House, Person
from app.settings import Settings
from app.watch.audit import Auditor, Trouble
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
LEVELS = st.sampled_from(["red", "red", "orange", "yellow", "harmless", "answers", "answers"])
CODES = st.sampled_from(["", "", "A-0001", "A-0001", "A-0002", "A-0003", "2"])
ORDERS = st.sampled_from(["接", "接", "已联系", "已联系", "转 李红", "协助", "回访", "结果", "1", "好的"])
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SPANS = st.sampled_from([SECOND, 5 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 10 * MINUTE, 31 * MINUTE])
LONG_SPANS = st.sampled_from([61 * SECOND, 20 * MINUTE, 9 * HOUR, 25 * HOUR])
SHIFTS = (("08:30", "17:00"), ("22:00", "07:00"), ("00:00", "23:59"))
CALLS = st.sampled_from(["message/custom/send", "message/template/send", "message/send", "*"])
FAULTS: dict[str, dict[str, Any]] = {
    "system busy": {"errcode": -1},
    "does not follow": {"errcode": 43004},
    "refused": {"errcode": 43101},
    "quota used up": {"errcode": 45009},
    "window is shut": {"errcode": 45015},
    "unheard-of error": {"errcode": 99999},
    "no answer": {"drop": True},
    "done, and the answer lost": {"lose_answer": True},
    "HTTP 503": {"status": 503},
}
RECEIPTS = ("success", "failed:user block", "failed: system failed")
LONG, FEW, MANY = 50, 400, 10_000
# What must have come up among so many steps, or the rules do not do what they are for.
SEEN_IN_SO_MANY = {
    "Opened", "Flagged", "Due", "Undeliverable", "HelpWanted", "Taken", "Offered", "Contacted", "Closed", "Alerted",
    "killed", "waited_when_taken",
}  # fmt: skip
# Nothing is made smaller: each try would be a whole life, and the steps read as sentences anyway.
PHASES = (Phase.reuse, Phase.generate)
LADDER_AND_A_ROUND = timedelta(minutes=26)


class Steps:
    """How many steps were taken, all lives together, and what was seen in them."""

    taken = 0
    seen: ClassVar[Counter[str]] = Counter()


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

    @initialize(who=st.sampled_from(MEMBERS), level=st.sampled_from(["red", "red", "orange"]))
    def somebody_is_in_danger(self, who: str, level: str) -> None:
        self.runner.run(self.house.begins())
        self.happens(self._says(who, SENTENCES[level][0]))

    # People

    @rule(who=st.sampled_from(MEMBERS), level=LEVELS, n=st.integers(0, 3))
    def a_member_writes(self, who: str, level: str, n: int) -> None:
        texts = SENTENCES[level]
        self.happens(self._says(who, texts[n % len(texts)]))

    @rule(who=st.sampled_from(WORKERS), words=ORDERS, code=CODES)
    def a_worker_writes(self, who: str, words: str, code: str) -> None:
        self.happens(self._says(who, f"{words} {code}".strip()))

    @rule(
        who=st.sampled_from(WORKERS), code=CODES, outcome=st.integers(1, 6), grade=st.integers(0, 5),
        whereto=st.sampled_from(["区医院，周三上午", "x"]), when=st.sampled_from(["1", "3"]),
    )  # fmt: skip
    def a_worker_takes_it_and_says_how_it_ended(
        self, who: str, code: str, outcome: int, grade: int, whereto: str, when: str
    ) -> None:
        answers = [f"接 {code}".strip(), f"结果 {code} {outcome}".replace("  ", " "), str(grade)]
        if grade >= 3 or outcome == 4:
            answers.append(whereto)
        self.happens(self._says(who, *answers, when))

    @rule(who=st.sampled_from(WORKERS), to=st.sampled_from(WORKERS), code=CODES, accepts=st.booleans())
    def a_worker_takes_it_and_passes_it_on(self, who: str, to: str, code: str, accepts: bool) -> None:
        self.happens(self._says(who, f"接 {code}".strip(), f"转 {to} {code}".strip()))
        if accepts:
            self.runner.run(self.vows.keep())
            self.happens(self._says(to, f"接 {code}".strip()))

    @rule(nth=st.integers(0, 9))
    def a_button_of_a_card_at_work_is_pressed(self, nth: int) -> None:
        self.happens(self._presses(nth))

    # Time

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self._passes(span)

    @rule(n=st.integers(1, 3))
    def time_passes_until_something_is_due(self, n: int) -> None:
        for _ in range(n):
            at = self.runner.run(self.house.next_due())
            if at is not None:
                self._passes(at - self.house.clock.now())

    @rule(span=LONG_SPANS)
    def time_passes_while_nobody_works(self, span: timedelta) -> None:
        self.house.clock.move_to(self.house.clock.now() + span)
        self.happens()

    # Who is there, and how they can be reached

    @rule(
        who=st.lists(st.sampled_from(WORKERS), max_size=2, unique=True),
        shift=st.sampled_from(SHIFTS), days=st.sampled_from([range(7), range(5), [5, 6]]),
    )  # fmt: skip
    def the_rota_is_written_anew(self, who: list[str], shift: tuple[str, str], days: list[int]) -> None:
        self.happens(self._write_rota(who, shift, days))

    @rule(
        who=st.sampled_from(WORKERS), what=st.sampled_from(["put on", "taken off"]),
        begins=st.sampled_from([timedelta(), 5 * MINUTE, HOUR]), lasts=st.sampled_from([7 * MINUTE, 3 * HOUR]),
    )  # fmt: skip
    def somebody_is_put_on_duty_or_taken_off(self, who: str, what: str, begins: timedelta, lasts: timedelta) -> None:
        self.happens(self._arranges(who, what, begins, lasts))

    @rule(who=st.sampled_from(WORKERS), what=st.sampled_from(["follows", "unfollows", "in WeCom", "not in WeCom"]))
    def a_channel_of_a_worker_opens_or_shuts(self, who: str, what: str) -> None:
        if "WeCom" in what:
            self.house.work.member(STAFF[who]).visible = what == "in WeCom"
            self.happens()
        else:
            phone, platform = self._phone(who), self.house.platform
            self.happens(platform.follow(phone) if what == "follows" else platform.unfollow(phone))

    # What goes wrong

    @rule(call=CALLS, how=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 3))
    def the_next_calls_fail(self, call: str, how: str, times: int) -> None:
        self._fails(call, how, times)
        self.happens()

    @rule(who=st.sampled_from(MEMBERS), call=CALLS, how=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 3))
    def a_member_is_in_danger_and_the_next_calls_fail(self, who: str, call: str, how: str, times: int) -> None:
        self._fails(call, how, times)
        self.happens(self._says(who, SENTENCES["red"][times % 2]))

    @rule(member=st.sampled_from(MEMBERS), who=st.sampled_from(WORKERS), call=CALLS)
    def somebody_takes_it_while_alerts_wait_for_their_next_try(self, member: str, who: str, call: str) -> None:
        self._fails(call, "system busy", 3)
        self.happens(self._says(member, SENTENCES["red"][0]))
        self.runner.run(self.vows.keep())
        self.happens(self._says(who, "接"))

    @rule(status=st.sampled_from(RECEIPTS))
    def receipts_say(self, status: str) -> None:
        self.house.platform.receipt_status = status
        self.happens()

    @rule()
    def everything_is_mended(self) -> None:
        self._mend()
        self.happens()

    @rule(steps=st.integers(0, 30), span=SPANS)
    def time_passes_and_the_process_is_killed(self, steps: int, span: timedelta) -> None:
        self.house.life.left = steps
        self._passes(span)

    @rule(steps=st.integers(0, 20), who=st.sampled_from([*MEMBERS, *WORKERS]))
    def the_process_is_killed_while_somebody_writes(self, steps: int, who: str) -> None:
        self.house.life.left = steps
        self.happens(self._says(who, SENTENCES["red"][0] if who in MEMBERS else "接"))

    @rule(span=SPANS)
    def a_call_outlasts_its_lease_while_another_process_works(self, span: timedelta) -> None:
        self.house.wire.meanwhile = self._another_process_works
        self._passes(span)

    # How it is done

    def _fails(self, call: str, how: str, times: int) -> None:
        if "status" in FAULTS[how]:
            self.house.wire.answers.extend([FAULTS[how]["status"]] * times)
        else:
            self.house.platform.break_next(call, times=times, **FAULTS[how])

    def _mend(self) -> None:
        self.house.platform.mend()
        self.house.wire.answers.clear()
        self.house.wire.meanwhile = None

    def _passes(self, span: timedelta) -> None:
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
            shifts = [(STAFF[name], day, *shift) for name in who for day in days]
            await write_rota(session, shifts, self.house.clock.now())

    async def _arranges(self, who: str, what: str, begins: timedelta, lasts: timedelta) -> None:
        arrange = {"put on": changes.put_on, "taken off": changes.take_off}[what]
        async with self.house.here.db.begin() as session:
            people = {person.name: person for person in await session.scalars(select(Person))}
            house = (await session.scalars(select(House))).one()
            now = self.house.clock.now()
            starts_at = now + begins
            await arrange(session, house, people[who], starts_at, starts_at + lasts, by=people["周敏"], now=now)

    async def _another_process_works(self) -> None:
        """The answer comes when the lease is over and somebody else has taken up what was left."""
        self.house.clock.forward(seconds=61)
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
            Steps.seen.update(entry.kind for entries in self.vows.logs.values() for entry in entries)
            Steps.seen.update(killed=self.house.deaths, waited_when_taken=len(self.vows.forbidden))
            self.runner.run(self.house.ends())
            self.runner.close()
            self.house.forget()

    async def _it_does_not_end_in_silence(self) -> None:
        """Once nothing is broken any more, somebody hears of every red case that nobody has.

        Where no way is left that the house knows and that is open, it knows at least that there was silence.
        """
        house = self.house
        self._mend()
        house.life.left = None
        await house.lives_through()
        waiting = await self._waiting()
        if not waiting:
            return
        heard = {code: self._heard(code) for code in waiting}
        await house.forward_to(house.clock.now() + LADDER_AND_A_ROUND)
        await self.vows.keep()
        async with house.here.db.read() as session:
            found = await Auditor().audit(session, house.clock.now())
        noticed = {finding.code for finding in found if finding.trouble is Trouble.UNHEARD}
        for code, can_be_reached in waiting.items():
            hears = self._heard(code) > heard[code]
            assert hears or not can_be_reached, f"{code}: silence, for nearly half an hour"
            assert hears or code in noticed, f"{code}: silence, and nobody notices"

    async def _waiting(self) -> dict[str, bool]:
        """The red cases that nobody has; whether somebody of their ladder can be reached in truth."""
        async with self.house.here.db.read() as session:
            people = {person.id or 0: person for person in await session.scalars(select(Person))}
            found = {}
            untaken = select(CaseRow).where(CaseRow.state == State.OPEN, CaseRow.level == Level.RED)
            for row in await session.scalars(untaken):
                there = await escalations.reachable_for(session, row, self.house.clock.now())
                known = await messages.ways_to(session, {person for step in there[:-2] for person in step})
                found[row.code] = any(self._is_open(people[person], ways) for person, ways in known.items())
            return found

    def _is_open(self, person: Person, ways: tuple[str, ...]) -> bool:
        """Whether one of the ways to somebody that the house knows of leads to them in truth."""
        open_ways = {
            "wechat": self.house.platform.users[self._phone(person.name)].following,
            "wecom": self.house.work.member(STAFF[person.name]).visible,
        }
        return any(open_ways[way] for way in ways)

    def _heard(self, code: str) -> int:
        """How often staff were told of it, on all their phones."""
        staff = [user for user in self.house.platform.users.values() if user.name in WORKERS]
        return sum(code in bubble.text for user in staff for bubble in user.bubbles if bubble.who == "account")


def steps_wanted() -> int:
    return MANY if hypothesis_settings.get_current_profile_name() in ("long", "nightly") else FEW


@pytest.fixture
def moment(settings: Settings, migrated_file: Path) -> Moment:
    return asyncio.run(two_have_joined(every_way(settings), migrated_file))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a process that is killed closes nothing behind it
def test_nobody_is_lost_whatever_happens_to_the_house(settings: Settings, moment: Moment) -> None:
    wanted, settled = steps_wanted(), every_way(settings)
    Steps.taken = 0
    Steps.seen.clear()
    make: Callable[[], RuleBasedStateMachine] = lambda: HouseLife(settled, moment)  # noqa: E731 - given to Hypothesis
    while Steps.taken < wanted:
        run_state_machine_as_test(
            make,
            settings=hypothesis_settings(
                max_examples=min(200, 1 + (wanted - Steps.taken) // LONG), stateful_step_count=LONG, deadline=None,
                suppress_health_check=list(HealthCheck), phases=PHASES,
            ),
        )  # fmt: skip
    told = ", ".join(f"{n} {what}" for what, n in sorted(Steps.seen.items()))
    sys.stdout.write(f"{Steps.taken} steps: {told}\n")
    assert Steps.taken >= wanted
    unseen = {what for what in SEEN_IN_SO_MANY if not Steps.seen[what]}
    assert not unseen or wanted < MANY, f"never seen: {unseen}"
