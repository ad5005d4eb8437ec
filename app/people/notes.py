"""What workers write down about somebody. Nothing is changed or taken away: a correction is a new note."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import ident
from app.people.models import Person, PersonNote

LONGEST = 1000  # characters


async def write(
    session: AsyncSession, who: Person, by: Person, text: str, now: datetime, *, case_id: int | None = None,
    corrects: int | None = None,
) -> PersonNote:  # fmt: skip
    """LookupError: the note that it corrects is not one about this person. ValueError: it is empty or too long."""
    text = text.strip()
    if not 0 < len(text) <= LONGEST:
        raise ValueError("a note has 1 to 1000 characters")
    if corrects is not None:
        await one(session, who, corrects)
    note = PersonNote(
        house_id=who.house_id, person_id=ident(who), by_id=ident(by), at=now, text=text, case_id=case_id,
        corrects_id=corrects,
    )  # fmt: skip
    session.add(note)
    await session.flush()
    return note


async def one(session: AsyncSession, who: Person, note_id: int) -> PersonNote:
    found = await session.get(PersonNote, note_id)
    if found is None or found.person_id != who.id:
        raise LookupError(f"no note {note_id} about this person")
    return found


async def about(session: AsyncSession, who: Person, n: int) -> list[PersonNote]:
    """The last `n` notes about somebody, newest first."""
    lately = select(PersonNote).where(col(PersonNote.person_id) == who.id).order_by(col(PersonNote.id).desc())
    return list(await session.scalars(lately.limit(n)))
