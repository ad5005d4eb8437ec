"""What somebody agreed to, with its history."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.people.models import Consent, Person


async def history(session: AsyncSession, who: Person) -> list[Consent]:
    """Every answer, newest first: the first of a kind is in force."""
    answers = select(Consent).where(col(Consent.person_id) == who.id).order_by(col(Consent.id).desc())
    return list(await session.scalars(answers))
