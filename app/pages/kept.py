"""What we keep about one person, gathered for that person alone: to read on a page, and to take along as a file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import service as activities
from app.activities.machine import Answer
from app.db import ident
from app.messages import service as messages
from app.mood import service as mood
from app.people import service as people
from app.people import staff
from app.people.models import Person, Role

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
MOST_WORDS = 100_000
SHOWN = 12  # lines of each kind on the page; the file has them all


@dataclass(frozen=True)
class Went:
    """One activity: what was answered, and whether they came."""

    title: str
    place: str
    starts_at: datetime
    answer: Answer | None
    came: datetime | None


@dataclass(frozen=True)
class Felt:
    """One answer about how they are, or a gap: `score` None means that there was no answer, never zero."""

    at: datetime
    score: int | None
    words: str | None


@dataclass(frozen=True)
class Agreed:
    what: str
    granted: bool
    at: datetime


@dataclass(frozen=True)
class Kept:
    """`worker` sees the moods; `others` are who runs the activities."""

    who: Person
    worker: Person | None
    others: tuple[str, ...]
    relatives: tuple[str, ...]
    went: tuple[Went, ...]
    felt: tuple[Felt, ...]
    agreed: tuple[Agreed, ...]
    said: tuple[tuple[datetime, str], ...]

    def as_data(self) -> dict[str, Any]:
        """The same for a program; moments in UTC."""
        return {
            "name": self.who.name,
            "called": self.who.called,
            "phone": self.who.phone,
            "joined_at": self.who.joined_at.isoformat() if self.who.joined_at else None,
            "stopped": list(self.who.stopped),
            "seen_by": {"moods": self.worker.name if self.worker else None, "activities": list(self.others)},
            "relatives": list(self.relatives),
            "activities": [
                {
                    "title": one.title, "place": one.place, "starts_at": one.starts_at.isoformat(),
                    "answer": one.answer.value if one.answer else None,
                    "checked_in_at": one.came.isoformat() if one.came else None,
                }
                for one in self.went
            ],
            "moods": [{"at": one.at.isoformat(), "score": one.score, "words": one.words} for one in self.felt],
            "consents": [
                {"what": one.what, "granted": one.granted, "at": one.at.isoformat()} for one in self.agreed
            ],
            "messages": [{"at": at.isoformat(), "words": words} for at, words in self.said],
        }  # fmt: skip


async def gather(session: AsyncSession, who: Person) -> Kept:
    """Everything of theirs. Nothing of anybody else's: of a relative, what they are called."""
    is_family = who.role is Role.FAMILY
    tied = await (people.members_linked_to(session, ident(who)) if is_family else people.relatives_of(session, who))
    worker = await people.person(session, who.worker_id) if who.worker_id else None
    went = [] if is_family else await activities.history_of(session, who)
    felt = [] if is_family else await mood.prompts_of(session, who)
    said = await messages.said_by(session, who, BEGINNING, n=MOST_WORDS)
    runs = await staff.counsellors_of(session, who.house_id)
    return Kept(
        who=who,
        worker=worker,
        others=tuple(dict.fromkeys(one.name for one in [worker, *runs] if one is not None and one.id != who.id)),
        relatives=tuple(one.known_as for one in tied),
        went=tuple(Went(what.title, what.venue, what.starts_at, answer, came) for what, answer, came in went),
        felt=tuple(Felt(one.answered_at or one.asked_at, one.score, one.note) for one in felt),
        agreed=tuple(Agreed(one.kind, one.granted, one.at) for one in await people.consents_of(session, who)),
        said=tuple((one.received_at, one.content) for one in said if one.content),
    )
