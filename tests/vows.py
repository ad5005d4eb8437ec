"""What holds in a house whatever happens: to its cases, to what is said about them, to who hears of it.

`Vows.keep` looks at the database, at the phones and at the wire between two steps of a story. Everything it says
is said from there, not from what the house believes of itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.db import ident, table_of
from app.escalations import log
from app.escalations import service as escalations
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import Case, Level, State
from app.messages.models import OPEN_STATES, Outbox, OutboxState
from app.messages.outbox import WAITING, our_number
from app.people.models import Person
from tests.mortal import STAFF, MortalHouse

OUTBOX = table_of(Outbox)
WENT_OUT = (OutboxState.SENT, OutboxState.DELIVERED)
LOST = (OutboxState.FAILED, OutboxState.EXPIRED)
TEN_MINUTES = timedelta(minutes=10)
CODE = re.compile(r"[A-Z]-\d{4}")


@dataclass(frozen=True)
class Word:
    """A row of the outbox about a case; `seq` is the entry of its log that it comes from."""

    id: int
    kind: str
    case_id: int
    person_id: int | None
    seq: int
    only: bool
    what: str
    owner: int | None


@dataclass
class Vows:
    """`forbidden`: alerts that were still waiting when somebody took the case."""

    house: MortalHouse
    members: tuple[str, ...]
    logs: defaultdict[int, list[CaseEvent]] = field(default_factory=lambda: defaultdict(list))
    levels: dict[int, Level] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    words: dict[int, Word] = field(default_factory=dict)
    states: dict[int, OutboxState] = field(default_factory=dict)
    forbidden: dict[int, datetime] = field(default_factory=dict)
    looked_at: dict[str, tuple[int, int]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    last_entry: int = 0

    def __post_init__(self) -> None:
        for user in self.house.platform.users.values():  # what they read before does not count
            self.looked_at[user.openid] = (len(user.bubbles), len(user.lock_lines))

    async def keep(self) -> None:
        async with self.house.here.db.read() as session:
            await self._all(session)
        self._nobody_reads_what_is_not_for_them()

    async def _all(self, session: AsyncSession) -> None:
        now = self.house.clock.now()
        if not self.names:
            self.names = {ident(p): p.name for p in await session.scalars(select(Person))}
        rows = {ident(row): row for row in await session.scalars(select(CaseRow))}
        entries = await session.scalars(
            select(CaseEvent).where(col(CaseEvent.id) > self.last_entry).order_by(col(CaseEvent.id))
        )
        news = list(entries)
        for entry in news:
            self.logs[entry.case_id].append(entry)
            self.last_entry = ident(entry)
        before = dict(self.states)
        dues = await self._read_outbox(session)
        for row in rows.values():
            self._a_case(row, now)
        self._one_open_case_each(rows.values())
        for entry in news:
            self._an_entry(rows[entry.case_id], entry, before)
        self._words(rows, before, dues, now)

    async def _read_outbox(self, session: AsyncSession) -> dict[int, datetime | None]:
        """Learn what is new in the outbox; when each row about a case is looked at next."""
        dues = {}
        about_cases = select(OUTBOX.c.id, OUTBOX.c.state, OUTBOX.c.due_at).where(OUTBOX.c.kind.like("case%"))
        for number, state, due_at in await session.execute(about_cases):
            self.states[number], dues[number] = state, due_at
        unknown = self.states.keys() - self.words.keys()
        if unknown:
            for row in await session.scalars(select(Outbox).where(OUTBOX.c.id.in_(unknown))):
                said = row.params
                self.words[ident(row)] = Word(
                    ident(row), row.kind, row.subject_id or 0, row.person_id, said.get("seq", 0), "only" in said,
                    said.get("what", ""), said.get("owner"),
                )  # fmt: skip
        return dues

    # Of each case

    def _a_case(self, row: CaseRow, now: datetime) -> None:
        number, entries = ident(row), self.logs[ident(row)]
        case = escalations.as_case(row)
        assert log.replay(entries) == case, f"the log of {row.code} tells another story"
        assert row.level >= self.levels.get(number, row.level), f"{row.code} was more urgent before"
        self.levels[number] = row.level
        if row.state is State.RESOLVED:
            self._ended(row, entries)
            return
        assert number not in self.ended, f"{row.code} was over, and is open again"
        assert row.next_action_at is not None, f"nothing will happen to {row.code} any more"
        assert row.due_at is not None, f"nobody will look at {row.code} any more"
        assert row.due_at > now, f"{row.code} is due and nobody works"
        # After a death its lease has to run out first.
        assert row.next_action_at > now or row.due_at <= now + due.LEASE, f"{row.code} waits past its moment"
        assert row.next_action_at <= now + _longest_wait(case), f"{row.code} waits longer than its ladder says"
        assert (row.owner_id is None) is (row.state is State.OPEN), f"{row.code}: who has it?"

    def _ended(self, row: CaseRow, entries: list[CaseEvent]) -> None:
        if ident(row) in self.ended:
            return
        self.ended.add(ident(row))
        kinds = [entry for entry in entries if entry.kind in ("Closed", "Due", "Taken", "Undeliverable", "HelpWanted")]
        assert kinds[-1].kind == "Closed", f"{row.code} was ended by {kinds[-1].kind}"
        assert kinds[-1].actor_id == row.owner_id, f"{row.code} was ended by somebody who did not have it"

    def _one_open_case_each(self, rows: Iterable[CaseRow]) -> None:
        whose = [row.person_id for row in rows if row.state is not State.RESOLVED]
        assert len(whose) == len(set(whose)), "two open cases of one person"

    def _case_after(self, entry: CaseEvent) -> Case:
        return log.replay(one for one in self.logs[entry.case_id] if one.seq <= entry.seq)

    def _an_entry(self, row: CaseRow, entry: CaseEvent, before: dict[int, OutboxState]) -> None:
        mine = [word for word in self.words.values() if word.case_id == entry.case_id]
        if entry.kind == "Alerted":
            for person_id in entry.detail["people"]:
                self._was_told(row, person_id, entry, mine)
        if entry.kind == "Taken":
            if row.level > Level.YELLOW:
                self._others_hear_who(row, entry, mine)
            for word in mine:
                if word.kind == "case_alert" and word.seq < entry.seq and before.get(word.id) in WAITING:
                    self.forbidden.setdefault(word.id, entry.at)

    def _was_told(self, row: CaseRow, person_id: int, entry: CaseEvent, mine: list[Word]) -> None:
        said = any(w.kind == "case_alert" and w.person_id == person_id and w.seq < entry.seq for w in mine)
        digest = any(w.kind == "case_week" and w.person_id == person_id for w in self.words.values())
        assert said or digest, f"{row.code}: {self.names[person_id]} was to be told and nothing was written"

    def _others_hear_who(self, row: CaseRow, taken: CaseEvent, mine: list[Word]) -> None:
        called = {
            p
            for entry in self.logs[taken.case_id]
            if entry.kind == "Alerted" and entry.seq < taken.seq
            for p in entry.detail["people"]
        }
        heard = {w.person_id for w in mine if w.what == "taken" and w.seq == taken.seq and w.owner == taken.actor_id}
        missing = {self.names[p] for p in called - heard - {taken.actor_id}}
        assert not missing, f"{row.code} was taken, and {missing} were called and do not hear by whom"

    # Of what is said

    def _words(
        self, rows: dict[int, CaseRow], before: dict[int, OutboxState], dues: dict[int, datetime | None], now: datetime
    ) -> None:
        for number, state in self.states.items():
            word = self.words[number]
            row = rows.get(word.case_id)
            if row is None or word.kind not in ("case_alert", "case_note"):
                continue
            if state in OPEN_STATES:
                at = dues[number]
                assert at is not None, f"{word.kind} of {row.code} is held for ever"
                assert now < at <= now + TEN_MINUTES or row.level is Level.YELLOW, f"{word.kind} of {row.code} waits"
            if word.kind != "case_alert":
                continue
            if number in self.forbidden:
                taken_at = self.forbidden[number]
                assert state not in (*WENT_OUT, OutboxState.SENDING), f"{row.code} was called for after it was taken"
                arrived = self.house.arrived.get(our_number(number))
                assert arrived is None or arrived <= taken_at, f"{row.code}: an alert arrived after it was taken"
            if before.get(number) == state:
                continue
            if number not in before:
                self._nobody_is_called_to_what_somebody_has(row, word)
            if state in LOST:
                self._the_ladder_went_on(row, word)

    def _nobody_is_called_to_what_somebody_has(self, row: CaseRow, word: Word) -> None:
        [entry] = [one for one in self.logs[word.case_id] if one.seq == word.seq]
        if entry.kind != "HelpWanted":
            owner = self._case_after(entry).owner
            assert owner is None, f"{row.code} is in somebody's hands, and {entry.kind} called others"

    def _the_ladder_went_on(self, row: CaseRow, word: Word) -> None:
        """Of several ways at once (`only`) others may have been open; then the next round is what comes."""
        if word.only or row.state is State.RESOLVED or row.owner_id == word.person_id:
            return
        went_on = any(
            entry.kind == "Undeliverable" and entry.detail["person"] == word.person_id and entry.seq > word.seq
            for entry in self.logs[word.case_id]
        )
        assert went_on, f"{row.code}: {self.names[word.person_id or 0]} could not be told, and nothing followed"

    # Of who reads what

    def _nobody_reads_what_is_not_for_them(self) -> None:
        for user in self.house.platform.users.values():
            bubbles, lines = self.looked_at.get(user.openid, (0, 0))
            self.looked_at[user.openid] = (len(user.bubbles), len(user.lock_lines))
            for line in user.lock_lines[lines:] if user.name in STAFF else ():
                assert not any(member in line for member in self.members), f"on {user.name}'s lock screen: {line}"
            for bubble in user.bubbles[bubbles:] if user.name in self.members else ():
                others = [member for member in self.members if member != user.name]
                read = bubble.text if bubble.who == "account" else ""
                assert not any(other in read for other in others), f"{user.name} reads about another member: {read}"
                assert not CODE.search(read), f"{user.name} reads what is for staff: {read}"


def _longest_wait(case: Case) -> timedelta:
    ladder = case.ladder
    if case.state is not State.OPEN:
        return max(ladder.contact_within, ladder.result_within)
    if case.ran_out:
        return timedelta(days=1)
    return max(ladder.repeat_every, *(step.after for step in ladder.steps))
