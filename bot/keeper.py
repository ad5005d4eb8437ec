"""Keeps the rules that are in force in this process those that were last put in force, in any of them."""

import asyncio
from dataclasses import replace

import structlog

from app.clock import Clock
from app.db import Database, ident
from app.marks import books
from app.marks.models import RuleBook
from app.messages import channels
from bot.screening.loader import parse_rules
from bot.screening.screener import Screener, put_in_force, shipped

log = structlog.get_logger()

RULES = "rules"  # the bell, and what the alarm is called
EVERY = 5.0  # seconds
LOOKS_BACK = 5  # books, at a start at which the newest cannot be read


def screener_of(book: RuleBook | None) -> Screener:
    """What reads with this book; None, or a book without a text: what came with the program. RuleError: it is bad."""
    if book is None or book.source is None:
        return shipped()
    return replace(shipped(), rules=parse_rules(book.source))


class RuleKeeper:
    """`look` by a bell, and once before the first message is read. A book that cannot be read changes nothing."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._seen: int | None = None  # the newest book that was looked at
        self._put = False  # whether what is in force came from here

    async def look(self) -> int:
        """Put the newest book in force if it is another one than before: 1; 0: it is not."""
        async with self._db.read() as session:
            newest = await books.newest_id(session)
            if newest == self._seen:
                return 0
            starts = self._seen is None
            rows = await books.newest(session, LOOKS_BACK if starts else 1)
        for row in rows:
            screener = await self._read(row)
            if screener is not None:
                put_in_force(screener)
                self._put = True
                log.info("rules in force", book=row.id, version=screener.rules.version)
                break
        self._seen = newest
        return 1

    def leave(self) -> None:
        """This house is over: its rules go with it, and nobody else's."""
        if self._put:
            put_in_force(None)
        self._seen, self._put = None, False

    async def _read(self, row: RuleBook) -> Screener | None:
        """Read away from the loop that answers everybody: it takes a while. None: it is bad, and that was said."""
        try:
            return await asyncio.to_thread(screener_of, row)
        except Exception as error:
            # Never the sentence of the error: it repeats the file, and somebody may have pasted real words into it.
            log.error("rule book broke", book=row.id, version=row.version, error=type(error).__name__)
        async with self._db.begin() as session:
            await channels.alarm(
                session, "watch", RULES, self._clock.now(), code=str(ident(row)), detail=row.version, once_a=""
            )
        return None
