"""Verbs of the marks room: a person says what a message was. Nothing is retrained by it, and no case ends by it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.escalations import handling
from app.escalations import service as escalations
from app.escalations.handling import Ending, Handled
from app.escalations.models import CaseRow, Flag, Via
from app.escalations.states import Level, Outcome
from app.marks.models import Mark, MarkKind, Urgency, Why
from app.messages import service as messages
from app.messages.models import Inbox
from app.people import service as people
from app.people.models import Person, Role
from app.people.scope import Scope, scope_of, within

# Flags that no reading led to: there is nothing that screening said of them.
NOT_READ = frozenset({"member.needs-help", "case.goes-on", "case.unread", "stranger.goes-on", "staff.missed"})
LOOKED_THROUGH = timedelta(days=7)  # for words that were missed
MOST_MEANT = 3  # people who wrote the same words: for more of them no case is opened on a guess
UNKNOWN = "distress"  # the category of what was missed, where nothing better is known
NONE = "none"


class NothingToMark(LookupError):  # noqa: N818 - what it says
    """Practice, or a case without words that screening has read."""


@dataclass(frozen=True)
class Judged:
    """What a person says: a false alarm (`why`, if they say so), or real and as urgent as `level`."""

    level: Urgency
    why: Why | None = None

    @property
    def kind(self) -> MarkKind:
        return MarkKind.FALSE_ALARM if self.level is Urgency.NONE else MarkKind.LEVEL


@dataclass(frozen=True)
class Screen:
    """What reads messages just now, and what it makes of the words that were missed."""

    rules_version: str
    model: str = ""
    category: str = NONE


@dataclass
class Missed:
    """What came of it: the marks, and the cases that stand now because of it. `people`: how many wrote the words."""

    people: int = 0
    marks: list[Mark] = field(default_factory=list)
    cases: list[CaseRow] = field(default_factory=list)
    opened: bool = False


# Finding


def visible_marks(scope: Scope) -> Select[Mark]:
    return select(Mark).where(within(scope, Mark))


async def all_marks(session: AsyncSession) -> list[Mark]:
    """Every mark, the oldest first; for whoever runs the program, not for staff in a chat."""
    return list(await session.scalars(select(Mark).order_by(col(Mark.id))))


async def markable(session: AsyncSession, row: CaseRow) -> list[Flag]:
    """What screening has read in a case, oldest first; of practice there is nothing."""
    if row.drill:
        return []
    return [flag for flag in await escalations.flags_of(session, row) if flag.said and flag.rule not in NOT_READ]


async def mark_of(session: AsyncSession, flag: Flag) -> Mark | None:
    found: Mark | None = await session.scalar(select(Mark).where(col(Mark.flag_id) == flag.id))
    return found


# Marking what was found


async def mark_newest(
    session: AsyncSession, who: Person, row: CaseRow, judged: Judged, now: datetime, *, via: Via
) -> Mark:
    """This is what the newest words of a case were. NothingToMark; LookupError where the case is not theirs to see."""
    readings = await _readings_of(session, who, row)
    return await _mark(session, who, readings[-1], judged, now, via)


async def mark_flag(
    session: AsyncSession, who: Person, row: CaseRow, flag_id: int, judged: Judged, now: datetime, *, via: Via
) -> Mark:
    """The same of one reading of this case, whichever it is. NothingToMark: it has no such reading."""
    found = next((one for one in await _readings_of(session, who, row) if one.id == flag_id), None)
    if found is None:
        raise NothingToMark
    return await _mark(session, who, found, judged, now, via)


async def _readings_of(session: AsyncSession, who: Person, row: CaseRow) -> list[Flag]:
    """What `who` may mark in this case, one at least. NothingToMark; LookupError where it is not theirs to see."""
    if not await handling.may_act(session, who, row):
        raise LookupError("not theirs to see")
    readings = await markable(session, row)
    if not readings:
        raise NothingToMark
    return readings


async def close(
    session: AsyncSession, who: Person, row: CaseRow, end: Ending, now: datetime, *, via: Via, seq: int | None = None
) -> Handled:
    """`handling.close`; where it ends as a false alarm, whatever screening had read in it is marked as one."""
    handled = await handling.close(session, who, row, end, now, via=via, seq=seq)
    if handled.done and end.outcome is Outcome.FALSE_ALARM:
        for flag in await markable(session, row):
            mark = await mark_of(session, flag)
            if mark is None or mark.kind is not MarkKind.FALSE_ALARM:
                await _mark(session, who, flag, Judged(Urgency.NONE), now, via)
    return handled


async def unexplained(session: AsyncSession, row: CaseRow) -> bool:
    """Whether something in this case was marked as a false alarm, and nobody said why."""
    return any(mark.why is None for mark in await _false_alarms(session, row))


async def say_why(session: AsyncSession, who: Person, row: CaseRow, why: Why, now: datetime, *, via: Via) -> int:
    """Why a case was a false alarm: noted with its marks that say so; how many."""
    if not await handling.may_act(session, who, row):
        return 0
    found = await _false_alarms(session, row)
    for mark in found:
        mark.why, mark.by_id, mark.via, mark.at = why, ident(who), via, now
    return len(found)


async def _false_alarms(session: AsyncSession, row: CaseRow) -> list[Mark]:
    flags = [flag.id for flag in await markable(session, row)]
    marked = select(Mark).where(col(Mark.flag_id).in_(flags), col(Mark.kind) == MarkKind.FALSE_ALARM)
    return list(await session.scalars(marked.order_by(col(Mark.id))))


async def _mark(session: AsyncSession, who: Person, flag: Flag, judged: Judged, now: datetime, via: Via) -> Mark:
    mark = await mark_of(session, flag)
    if mark is None:
        mark = Mark(
            house_id=flag.house_id, person_id=flag.person_id, flag_id=ident(flag), said=flag.said or "",
            speaker=speaker_of(await people.person(session, flag.person_id)),
            screen_level=Urgency(flag.level.name.lower()), screen_category=flag.category, rule=flag.rule,
            rules_version=flag.rules_version, model=flag.model, kind=judged.kind, level=judged.level,
            category=NONE, by_id=ident(who), via=via, at=now,
        )  # fmt: skip
        session.add(mark)
    mark.kind, mark.level, mark.why = judged.kind, judged.level, judged.why
    mark.category = NONE if judged.level is Urgency.NONE else flag.category
    mark.by_id, mark.via, mark.at = ident(who), via, now
    await session.flush()
    return mark


# What was missed


async def missed(
    session: AsyncSession, who: Person, text: str, level: Urgency, screen: Screen, now: datetime, *, via: Via
) -> Missed:
    """Somebody of the houses of `who` wrote this, and nobody was called: it is marked, and from orange on acted on.

    Looked for among what came in during the last seven days. The words are kept even where they are not found.
    """
    if who.role not in handling.MAY_TAKE:
        raise LookupError("only whoever reads what people wrote")
    scope = await scope_of(session, who)
    found = await _who_wrote(session, scope, text, now)
    came = Missed(people=len(found))
    category = screen.category if screen.category != NONE else UNKNOWN
    meant: Sequence[Inbox | None] = found if 0 < len(found) <= MOST_MEANT else [None]
    for inbox in meant:
        mark = await _mark_missed(session, who, inbox, text, level, category, screen, now, via)
        came.marks.append(mark)
        if mark.person_id is not None and level in (Urgency.ORANGE, Urgency.RED):
            row, opened = await _act(session, mark, Level[level.name], now)
            came.cases.append(row)
            came.opened = came.opened or opened
    return came


async def _mark_missed(
    session: AsyncSession, who: Person, inbox: Inbox | None, text: str, level: Urgency, category: str, screen: Screen,
    now: datetime, via: Via,
) -> Mark:  # fmt: skip
    mark = None
    speaker, person_id, house_id, before = Role.MEMBER.value, None, who.house_id, Urgency.NONE
    if inbox is not None:
        mark = await session.scalar(select(Mark).where(col(Mark.inbox_id) == inbox.id))
        person_id, house_id, before = inbox.person_id, inbox.house_id or who.house_id, Urgency(inbox.level)
        speaker = speaker_of(await people.person(session, person_id or 0))
    # What was seen and taken too lightly is no miss.
    kind = MarkKind.MISSED if before is Urgency.NONE else MarkKind.LEVEL
    if mark is None:
        mark = Mark(
            house_id=house_id, person_id=person_id, inbox_id=inbox.id if inbox else None, kind=kind,
            said=inbox.content if inbox and inbox.content else text, speaker=speaker, screen_level=before,
            screen_category=NONE, rules_version=screen.rules_version, model=screen.model, level=level,
            category=category, by_id=ident(who), via=via, at=now,
        )  # fmt: skip
        session.add(mark)
    mark.level, mark.category = level, category
    mark.by_id, mark.via, mark.at = ident(who), via, now
    await session.flush()
    return mark


async def _act(session: AsyncSession, mark: Mark, level: Level, now: datetime) -> tuple[CaseRow, bool]:
    """Somebody answers for this person from here on; whether that is new. A case that is as urgent stays as it is.

    Their contact is held as if they wrote themselves: what they write in the same instant waits, and finds the case.
    """
    subject = await people.person(session, mark.person_id or 0)
    contact = await messages.contact_of(session, ident(subject))
    if contact is not None:
        await messages.contact_for(session, contact.account, contact.openid, now)
    row = await escalations.open_case_of(session, subject)
    if row is not None and row.level >= level:
        return row, False
    row = await escalations.flag(
        session, subject, level, mark.category, rule="staff.missed", rules_version="1", said=mark.said, now=now
    )
    return row, True


async def _who_wrote(session: AsyncSession, scope: Scope, text: str, now: datetime) -> list[Inbox]:
    """The newest message of each person of these houses who wrote exactly this, held until this work ends."""
    wanted = same_words(text)
    found: dict[int, int] = {}
    for number, person_id, content in await messages.texts_in(session, scope, now - LOOKED_THROUGH):
        if person_id not in found and same_words(content) == wanted:
            found[person_id] = number
    rows = select(Inbox).where(col(Inbox.id).in_(found.values())).order_by(col(Inbox.id)).with_for_update()
    return list(await session.scalars(rows))


def same_words(text: str) -> str:
    """A text without what only decorates it: width, case, marks and blanks; a text of marks alone as it is."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", plain) or "".join(plain.split())


def speaker_of(who: Person) -> str:
    """How the corpus calls them."""
    return who.role.value if who.role in (Role.FAMILY, Role.COUNSELLOR) else Role.MEMBER.value
