"""The books of rules: which one is in force, putting one in force, and going back. They are only ever added to."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.marks.models import RuleBook

BEFORE_ANY = 0  # `again_of` of a row that brings back what was in force before there was any


class NothingEarlier(LookupError):  # noqa: N818 - what it says
    """There is no book before the one in force."""


async def newest_id(session: AsyncSession) -> int:
    """The number of the row that is in force; 0: none ever was."""
    return await session.scalar(select(func.max(col(RuleBook.id)))) or 0


async def newest(session: AsyncSession, n: int = 1) -> list[RuleBook]:
    """The last `n` rows, the one in force first; empty: the rules that came with the program are."""
    return list(await session.scalars(select(RuleBook).order_by(col(RuleBook.id).desc()).limit(n)))


async def in_force(session: AsyncSession) -> RuleBook | None:
    return next(iter(await newest(session)), None)


async def put(session: AsyncSession, source: str, version: str, *, by: str, note: str, now: datetime) -> RuleBook:
    """From now on these rules are in force. The caller has read them and found them good."""
    row = RuleBook(source=source, version=version, digest=digest(source), by=by[:40], note=note[:200], at=now)
    return await _add(session, row)


async def before(session: AsyncSession, now: datetime) -> RuleBook:
    """What was in force before, as a row that is not in the database yet. NothingEarlier: what is in force came with
    the program."""
    here = await in_force(session)
    origin = BEFORE_ANY if here is None else ident(here) if here.again_of is None else here.again_of
    if origin == BEFORE_ANY:
        raise NothingEarlier
    former = await session.scalar(
        select(RuleBook).where(col(RuleBook.id) < origin).order_by(col(RuleBook.id).desc()).limit(1)
    )
    if former is None:
        return RuleBook(again_of=BEFORE_ANY, at=now)
    again_of = ident(former) if former.again_of is None else former.again_of
    return RuleBook(source=former.source, version=former.version, digest=former.digest, again_of=again_of, at=now)


async def again(session: AsyncSession, row: RuleBook, *, by: str, note: str) -> RuleBook:
    """From now on what `before` found is in force."""
    row.by, row.note = by[:40], note[:200]
    return await _add(session, row)


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


async def _add(session: AsyncSession, row: RuleBook) -> RuleBook:
    session.add(row)
    await session.flush()
    return row
