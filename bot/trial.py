"""A book of rules on trial: what it would read in what people wrote lately, beside the book that is in force.

Reading takes a while and is done beside the loop that answers people, a little at a time, with nothing of the
database held meanwhile. Whoever puts a book in force has seen its trial first.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.clock import local
from app.db import Database, unsealed
from app.marks import books
from app.marks.models import RuleBook
from app.messages import service as messages
from app.messages.service import Letter
from app.people import houses
from app.people import service as people
from app.people.models import Role
from bot import hearing
from bot.conversation import grammar
from bot.keeper import screener_of
from bot.screening.comparing import Difference, Heard, compare
from bot.screening.context import Speaker
from bot.screening.loader import RuleError
from bot.screening.rules import RuleSet
from bot.screening.screener import Screener, shipped

LOOKS_BACK = timedelta(days=30)
MOST = 10_000  # messages, the newest: measured, 3 000 take 8 s on two busy cores, and no proxy waits a minute
PAGE = 500
ZONE = "Asia/Shanghai"  # of strangers, where several programmes share an account
# However many look at once, one thread reads: the others wait in line.
_ONE_AT_A_TIME = ThreadPoolExecutor(1, thread_name_prefix="trial")
AT_WORK, RESTS = 0.004, 0.004  # seconds: whoever answers people gets their turn in between


class AlreadyInForce(Exception):  # noqa: N818 - what it says
    """These very rules are in force."""


class Overtaken(Exception):  # noqa: N818 - what it says
    """Somebody put other rules in force since the trial."""


@dataclass(frozen=True)
class Trial:
    """`old`, `new`: the versions; `standing`: the number of the book in force. `looked_at`: how many of the `of`
    messages, the newest; `since`: when the oldest of these came in, or the beginning of the 30 days."""

    old: str
    new: str
    standing: int
    found: Difference
    looked_at: int
    of: int
    since: datetime
    now: datetime

    @property
    def days(self) -> int:
        """How many days they are, rounded up."""
        return max(-(-(self.now - self.since) // timedelta(days=1)), 1)

    @property
    def capped(self) -> bool:
        return self.looked_at < self.of


async def try_out(db: Database, rules: RuleSet, now: datetime, quiet: Quiet, *, most: int | None = None) -> Trial:
    """What `rules` would read in the last 30 days, beside what is in force; `most`: in so many messages, the newest.

    No unit of work may be open meanwhile.
    """
    async with db.read() as session:
        standing = await books.newest_id(session)
        book = await books.in_force(session)
        of = await messages.how_many_letters(session, now - LOOKS_BACK)
        found = await _letters(session, now - LOOKS_BACK, most if most is not None else of)
        zones = await _zones(session)
    loop = asyncio.get_running_loop()
    old = await loop.run_in_executor(_ONE_AT_A_TIME, reads_now, book)
    new = Screener(rules, old.model)
    difference = await loop.run_in_executor(_ONE_AT_A_TIME, _compared, found, zones, quiet, old, new)
    since = found[-1].received_at if found and len(found) < of else now - LOOKS_BACK
    return Trial(old.rules.version, rules.version, standing, difference, len(found), of, since, now)


@dataclass(frozen=True)
class Former:
    """What was in force before book number `standing`."""

    row: RuleBook
    rules: RuleSet
    standing: int


async def former(db: Database, now: datetime) -> Former:
    """What would be taken back. books.NothingEarlier; RuleError: this version of the program cannot read it."""
    async with db.read() as session:
        standing = await books.newest_id(session)
        row = await books.before(session, now)
    return Former(row, (await asyncio.to_thread(screener_of, row)).rules, standing)


async def put(
    session: AsyncSession, source: str, version: str, *, standing: int, by: str, note: str, now: datetime
) -> RuleBook:
    """In force from now on, in every process within seconds. `standing`: what was in force when it was tried.

    AlreadyInForce; Overtaken.
    """
    book = await books.in_force(session)
    if book is not None and book.digest == books.digest(source):
        raise AlreadyInForce
    if await books.newest_id(session) != standing:
        raise Overtaken
    return await books.put(session, source, version, by=by, note=note, now=now)


async def take_back(session: AsyncSession, *, standing: int, by: str, note: str, now: datetime) -> RuleBook:
    """What was in force before is so again. The caller has read it. books.NothingEarlier; Overtaken."""
    if await books.newest_id(session) != standing:
        raise Overtaken
    return await books.again(session, await books.before(session, now), by=by, note=note)


def reads_now(book: RuleBook | None) -> Screener:
    """What reads with the newest book. Where that can be read no more, it is what came with the program."""
    try:
        return screener_of(book)
    except RuleError:
        return shipped()


# What people wrote


async def words_of(db: Database, now: datetime, numbers: Collection[int]) -> list[tuple[int, str]]:
    """What these messages say, the oldest first; for whoever runs the program, not for staff."""
    async with db.read() as session:
        of = await messages.how_many_letters(session, now - LOOKS_BACK)
        found = await _letters(session, now - LOOKS_BACK, of)
    return [(one.number, unsealed(one.sealed) or "") for one in reversed(found) if one.number in numbers]


async def _letters(session: AsyncSession, since: datetime, most: int) -> list[Letter]:
    """The newest `most`, the newest first; a page at a time, so that nobody waits for all of them."""
    found: list[Letter] = []
    while len(found) < most:
        page = await messages.letters(session, since, min(PAGE, most - len(found)), found[-1].number if found else None)
        found += page
        if len(page) < PAGE:
            break
    return found


async def _zones(session: AsyncSession) -> dict[int | None, str]:
    programme = await people.only_programme(session)
    return {**await houses.zones(session), None: programme.zone if programme is not None else ZONE}


class _Breath:
    """Lets go of the interpreter for a moment, after each stretch of work."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since >= AT_WORK:
            time.sleep(RESTS)
            self._since = time.monotonic()


def _compared(
    newest_first: Sequence[Letter], zones: dict[int | None, str], quiet: Quiet, old: Screener, new: Screener
) -> Difference:
    heard = (_heard(letter, zones.get(letter.house_id, zones[None]), quiet) for letter in reversed(newest_first))
    return compare((one for one in heard if one is not None), old, new, _Breath())


def _heard(letter: Letter, zone: str, quiet: Quiet) -> Heard | None:
    text = unsealed(letter.sealed)
    if not text:
        return None
    command = grammar.command(text) is not None
    return Heard(
        letter.number, local(letter.received_at, zone).date(), text,
        speaker=hearing.SPEAKERS.get(letter.role or Role.MEMBER, Speaker.MEMBER), who=letter.whose,
        at=letter.sent_at, read=not command, part=hearing.is_part_of_a_sentence(text), house_id=letter.house_id,
        night=quiet.holds(letter.received_at, zone),
    )  # fmt: skip
