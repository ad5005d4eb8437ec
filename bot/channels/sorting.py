"""Before the call: what happens to each claimed row now, decided for a handful of rows in one unit of work.

Too late, stopped, asleep, already said, told enough today: most reasons not to send are found here, against
what is true at this moment. What is to go leaves with the rung that is open and with its cost paid.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import due
from app.activities.calendar import Quiet
from app.clock import local, wall
from app.db import is_database_trouble
from app.messages import broadcasts, channels, outbox, questions, reach, subscriptions
from app.messages.channels import Closed, in_order
from app.messages.models import Lane, OutboxState
from app.messages.outbox import Parcel
from app.messages.reach import Reach
from app.messages.talking import HELD_FOR_IT
from app.people import addressees
from app.people.addressees import Addressee
from app.settings import Settings
from bot.channels import lost
from bot.channels.address import Address
from bot.channels.gate import OF_AN_ACTIVITY, looked_over, report
from bot.channels.receipts import BY_WECHAT
from bot.channels.rungs import Rung
from bot.links import Links
from bot.notices import NOTICES, Card, Desk, Dropped, Letter, Notice, Sheaf
from bot.notices.letter import SUBSCRIPTION

log = structlog.get_logger()

QUESTION_KEEPS = timedelta(hours=1)
A_MOMENT = timedelta(seconds=1)
A_WHILE = timedelta(seconds=10)
A_WEEK = timedelta(days=7)
BEGIN_WITHIN = due.LEASE / 2
BROKEN_AFTER = 3  # a letter that cannot be composed three times over will not be the fourth time


@dataclass(frozen=True, slots=True)
class Envelope:
    """A row that is marked as being sent, and all that is needed to send it without the database.

    The call has to begin by `until`: later, the lease might end before it does, and somebody else would begin.
    """

    parcel: Parcel
    letter: Letter
    to: Address
    rung: Rung
    claim: int
    until: datetime
    repeated: bool = False


@dataclass(frozen=True)
class Enough:
    """How many messages a person gets that they did not ask for."""

    a_day: int
    a_week: int

    @classmethod
    def of(cls, settings: Settings) -> "Enough":
        return cls(settings.unsolicited_a_day, settings.unsolicited_a_week)

    def again_at(self, told: Sequence[datetime], now: datetime, zone: str) -> datetime | None:
        """When the next one may be sent; None: now. `told`: when the last ones were, oldest first."""
        today = local(now, zone).date()
        moments = []
        if sum(local(at, zone).date() == today for at in told) >= self.a_day:
            moments.append(wall(today + timedelta(days=1), time(), zone))
        recent = [at for at in told if at > now - A_WEEK]
        if len(recent) >= self.a_week:
            moments.append(recent[-self.a_week] + A_WEEK)
        return max(moments, default=None)


@dataclass
class Sorted:
    """What became of the rows of one claim: `send` goes out now; `busy` wait for a message to the same person."""

    send: list[Envelope] = field(default_factory=list)
    busy: list[Parcel] = field(default_factory=list)
    moved: dict[tuple[OutboxState, str, datetime | None], list[Parcel]] = field(default_factory=dict)


class Sorter:
    def __init__(
        self, links: Links, rungs: Mapping[str, Rung], quiet: Quiet, enough: Enough, group_of: Callable[[str], bool]
    ) -> None:
        self._links = links
        self._rungs = rungs
        self._quiet = quiet
        self._enough = enough
        self._group_of = group_of

    async def sort(self, session: AsyncSession, parcels: Sequence[Parcel], now: datetime) -> Sorted:
        """Decide about every one of them, and write it down. One that breaks does not keep the others."""
        sheaf = Sheaf(session, parcels, now, self._links)
        tray = await _Tray.open(session, parcels, now, sheaf, subscribed=SUBSCRIPTION in self._rungs)
        for parcel in parcels:
            try:
                await self._one(tray, parcel)
            except Exception as error:
                if is_database_trouble(error):
                    raise
                await self._broke(tray, parcel, error)
        await tray.write()
        return tray.sorted

    async def _one(self, tray: "_Tray", parcel: Parcel) -> None:
        now, notice = tray.now, NOTICES[parcel.kind]
        if parcel.not_after is not None and now > parcel.not_after:
            await tray.lost(parcel, OutboxState.EXPIRED, "too late")
            return
        if parcel.broadcast_id in tray.stopped:
            await tray.park(parcel)
            return
        person = tray.people.get(parcel.person_id or 0)
        if notice.topic is not None and person is not None and not person.wants(notice.topic):
            tray.end(parcel, OutboxState.MUTED, "stopped")
            return
        to = tray.address(parcel, person)
        urgent = parcel.lane is Lane.URGENT
        if to is not None and to.wechat is not None and to.wechat.busy(now, patience=A_WHILE if urgent else due.LEASE):
            to = self._beside_wechat(parcel, notice, to, now)
        if to is None:
            tray.sorted.busy.append(parcel)
            return
        desk = await tray.sheaf.desk(parcel, person)
        if desk.house is not None and person is None and self._group_of(desk.house.code):
            to.house = desk.house.code
        if not any(rung.reaches(to) for rung in self._ways(parcel, notice)):
            await tray.lost(parcel, OutboxState.FAILED, "unreachable")
            return
        if notice.disturbs and parcel.lane is not Lane.URGENT and self._quiet.holds(now, desk.zone):
            await tray.hold(parcel, "quiet", self._quiet.after(now, desk.zone))
            return
        try:
            letter = await notice.compose(desk)
        except Dropped as dropped:
            tray.end(parcel, OutboxState.CLEARED, str(dropped))
            return
        letter, indiscreet = self._looked_over(tray, letter, notice, desk)
        if indiscreet or desk.indiscreet:
            await report(tray.session, parcel, [*desk.indiscreet, *indiscreet], now)
        heard = await self._beside_a_talk(tray, parcel, to, letter)
        if heard is None:
            return
        letter = heard
        if letter.ask is not None and await self._waits_for_an_answer(tray, parcel, to, letter):
            return
        if (
            letter.unsolicited
            and parcel.lane is not Lane.URGENT
            and await self._has_had_enough(tray, parcel, desk.zone)
        ):
            return
        await self._choose(tray, parcel, notice, letter, to)

    def _ways(self, parcel: Parcel, notice: Notice) -> list[Rung]:
        """The rungs for this one, the best first: in the order of the notice, or as its ladder wants it."""
        return [self._rungs[name] for name in in_order(notice.rungs, parcel.params) if name in self._rungs]

    def _beside_wechat(self, parcel: Parcel, notice: Notice, to: Address, now: datetime) -> Address | None:
        """A message by WeChat is on its way to this person: an alert whose best way is another one takes it now."""
        if parcel.lane is not Lane.URGENT or (parcel.outcome_unknown and parcel.sending_by in BY_WECHAT):
            return None
        ways = self._ways(parcel, notice)
        best = next((rung for rung in ways if rung.reaches(to) and rung.has_room_at(to, now) is None), None)
        return replace(to, wechat=None) if best is not None and best.name not in BY_WECHAT else None

    def _looked_over(self, tray: "_Tray", letter: Letter, notice: Notice, desk: Desk) -> tuple[Letter, list[str]]:
        """A letter that many get is looked at once; it stands beside the look, so that its id stays its own."""
        seen: tuple[Letter, tuple[str, Card | None, list[str]]] = tray.sheaf.known(
            ("look", id(letter)), lambda: (letter, looked_over(letter, notice, desk.words))
        )
        text, safe_card, found = seen[1]
        return (replace(letter, text=text, card=safe_card) if found else letter), found

    async def _waits_for_an_answer(self, tray: "_Tray", parcel: Parcel, to: Address, letter: Letter) -> bool:
        """A fresh question keeps its digits for an hour, unless this letter asks about the same thing."""
        before = tray.questions.get(to.wechat.id) if to.wechat is not None else None
        if before is None or letter.ask is None or parcel.lane is Lane.URGENT:
            return False
        if before.topic in questions.UNYIELDING:
            await tray.hold(parcel, "question", before.expires_at)
            return True
        same = (before.topic, before.subject_id) == (letter.ask.topic, letter.ask.subject_id)
        until = min(before.asked_at + QUESTION_KEEPS, before.expires_at)
        too_late_then = parcel.not_after is not None and until > parcel.not_after
        if same or until <= tray.now or too_late_then:
            return False
        await tray.hold(parcel, "question", until)
        return True

    async def _beside_a_talk(self, tray: "_Tray", parcel: Parcel, to: Address, letter: Letter) -> Letter | None:
        """While somebody of the staff talks to them, the robot asks nothing: what can wait is kept until that is over.

        What they are owed about an activity and what would be too late by then goes, without its question: an answer
        to it is read by whoever talks to them.
        """
        until = to.wechat.talked_to_until(tray.now) if to.wechat is not None else None
        asks = letter.ask is not None and letter.ask.topic not in questions.UNYIELDING
        if until is None or parcel.lane is Lane.URGENT or not (letter.unsolicited or asks):
            return letter
        too_late_then = parcel.not_after is not None and until > parcel.not_after
        if too_late_then and parcel.kind in OF_AN_ACTIVITY and not letter.unsolicited:
            return replace(letter, ask=None)
        await tray.hold(parcel, HELD_FOR_IT, until)
        return None

    async def _has_had_enough(self, tray: "_Tray", parcel: Parcel, zone: str) -> bool:
        history = await tray.sheaf.once(
            "history", lambda: outbox.unsolicited_since(tray.session, tray.people.keys(), tray.now - A_WEEK)
        )
        again = self._enough.again_at(history.get(parcel.person_id or 0, ()), tray.now, zone)
        if again is None:
            return False
        until = self._quiet.after(again, zone)
        if parcel.not_after is not None and until > parcel.not_after:
            tray.end(parcel, OutboxState.MUTED, "enough")
        else:
            await tray.hold(parcel, "enough", until)
        return True

    async def _choose(
        self, tray: "_Tray", parcel: Parcel, notice: Notice, letter: Letter, to: Address
    ) -> None:  # fmt: skip
        now = tray.now
        names = [rung.name for rung in self._ways(parcel, notice)]
        if parcel.outcome_unknown and parcel.sending_by in self._rungs:
            rung = self._rungs[parcel.sending_by or ""]
            if not rung.may_repeat(parcel, letter, now):
                tray.note(parcel, rung.name, "outcome unknown")
                await tray.lost(parcel, OutboxState.FAILED, "outcome unknown")
                return
            # The same way again: where it deduplicates, the second one is not shown.
            names = [rung.name, *(name for name in names if name != rung.name)]
        tried = set(parcel.rungs_tried.split())
        for name in names:
            rung = self._rungs[name]
            if name in tried or tray.is_shut(name, parcel) or not rung.is_open(parcel, letter, to, now):
                continue
            if await rung.reserve(tray.session, letter, to):
                tray.send(Envelope(parcel, letter, to, rung, tray.claim, now + BEGIN_WITHIN, parcel.outcome_unknown))
                return
        shut = [tray.closed[name] for name in names if name not in tried and tray.is_shut(name, parcel)]
        first = min(shut, key=lambda channel: channel.until, default=None)
        again = [
            at for name in names if name not in tried and (at := self._rungs[name].has_room_at(to, now)) is not None
        ]
        if again and parcel.kind != "case_alert":  # an alert goes to the next person instead
            await tray.hold(parcel, "pace", min(again))
            return
        # Nobody knows when a wrong setting is put right: it is waited for once, then somebody phones.
        waited = first is not None and first.because == parcel.reason == "configuration"
        if first is not None and not waited and (parcel.not_after is None or first.until < parcel.not_after):
            await tray.hold(parcel, first.because, first.until)
        else:
            await tray.lost(parcel, OutboxState.FAILED, "no channel")

    async def _broke(self, tray: "_Tray", parcel: Parcel, error: Exception) -> None:
        log.error("letter broke", outbox=parcel.id, kind=parcel.kind, error=type(error).__name__, exc_info=error)
        if parcel.kind not in NOTICES:
            if parcel.not_after is None or tray.now > parcel.not_after:
                tray.end(parcel, OutboxState.EXPIRED, "too late")
            return  # another version's; its lease brings it back, and its lateness ends it
        if parcel.tries + 1 >= BROKEN_AFTER:
            await tray.lost(parcel, OutboxState.FAILED, "broken")
            return
        await outbox.change(tray.session, parcel, due_at=tray.now + due.LEASE, tries=parcel.tries + 1)


@dataclass
class _Tray:
    """The rows of one claim with what is known of their people, and what has been decided so far."""

    session: AsyncSession
    now: datetime
    sheaf: Sheaf
    people: Mapping[int, Addressee]
    by_person: Mapping[int, Reach]
    by_contact: Mapping[int, Reach]
    have_contact: set[int]
    allowed: Mapping[tuple[int, str], int]
    questions: Mapping[int, questions.Open]
    closed: Mapping[str, Closed]
    stopped: set[int]
    claim: int = field(default_factory=lambda: secrets.randbits(31))
    sorted: Sorted = field(default_factory=Sorted)
    attempts: list[dict[str, object]] = field(default_factory=list)

    @classmethod
    async def open(
        cls, session: AsyncSession, parcels: Sequence[Parcel], now: datetime, sheaf: Sheaf, *, subscribed: bool
    ) -> "_Tray":  # fmt: skip
        ids = {p.person_id for p in parcels if p.person_id is not None}
        contacts = {p.contact_id for p in parcels if p.contact_id is not None and p.person_id is None}
        people = await addressees.load(session, ids)
        by_person, by_contact = await reach.locked(session, ids, contacts)
        missing = ids - by_person.keys()
        return cls(
            session, now, sheaf, people, by_person, by_contact,
            have_contact=await reach.known(session, missing) if missing else set(),
            allowed=await subscriptions.balances(session, by_contact.keys()) if subscribed else {},
            questions=await questions.open_to(session, by_contact.keys(), now),
            closed=await channels.closed(session, now),
            stopped=await broadcasts.stopped_among(session, {p.broadcast_id for p in parcels if p.broadcast_id}),
        )  # fmt: skip

    def address(self, parcel: Parcel, person: Addressee | None) -> Address | None:
        """Where the person is today; None while somebody else holds their contact."""
        if parcel.person_id is None:
            return Address(wechat=self.by_contact.get(parcel.contact_id or 0), allowed=self.allowed)
        if parcel.person_id in self.have_contact:
            return None
        return Address(person, self.by_person.get(parcel.person_id), self.allowed)

    def is_shut(self, rung: str, parcel: Parcel) -> bool:
        """A used-up quota stops a rung until midnight; an alert still tries, since asking costs nothing."""
        return parcel.lane is not Lane.URGENT and rung in self.closed

    # Decisions

    def send(self, envelope: Envelope) -> None:
        self.sorted.send.append(envelope)
        wechat = envelope.to.wechat
        if wechat is not None:
            wechat.busy_until, wechat.busy_with = self.now + due.LEASE, self.claim

    def end(self, parcel: Parcel, state: OutboxState, why: str) -> None:
        self.sorted.moved.setdefault((state, why, None), []).append(parcel)

    async def hold(self, parcel: Parcel, why: str, until: datetime) -> None:
        """Keep it until then. What would be too late by then is lost now, while somebody can still phone."""
        if parcel.not_after is not None and until > parcel.not_after:
            await self.lost(parcel, OutboxState.EXPIRED, why)
            return
        self.sorted.moved.setdefault((OutboxState.HELD, why, until), []).append(parcel)

    async def park(self, parcel: Parcel) -> None:
        """Its broadcast was stopped. What may have gone out already is not said again when it is resumed."""
        if parcel.outcome_unknown:
            await self.lost(parcel, OutboxState.FAILED, "outcome unknown")
            return
        until = broadcasts.parked_until(parcel.not_after) if parcel.not_after is not None else None
        self.sorted.moved.setdefault((OutboxState.HELD, broadcasts.STOPPED, until), []).append(parcel)

    async def lost(self, parcel: Parcel, state: OutboxState, why: str) -> None:
        if await outbox.change(self.session, parcel, state=state, reason=why, finished_at=self.now):
            await lost.follow_up(self.session, parcel, why, self.now)

    def note(self, parcel: Parcel, rung: str, result: str) -> None:
        self.attempts.append(outbox.attempt(parcel, rung, result, self.now))

    async def write(self) -> None:
        for (state, why, until), parcels in self.sorted.moved.items():
            over = {} if until is not None or state is OutboxState.HELD else {"finished_at": self.now}
            await outbox.change_many(self.session, parcels, until, state=state, reason=why, **over)
        by_rung: dict[str, list[Parcel]] = {}
        for envelope in self.sorted.send:
            by_rung.setdefault(envelope.rung.name, []).append(envelope.parcel)
        for name, parcels in by_rung.items():
            await outbox.mark_sending(self.session, name, parcels, self.now)
        people = [e.to.wechat for e in self.sorted.send if e.to.wechat is not None]
        await reach.write_to(self.session, people, self.claim, self.now + due.LEASE)
        await outbox.log_attempts(self.session, self.attempts)
