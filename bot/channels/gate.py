"""The last look before something leaves: what must not show is replaced by a neutral form, and reported.

Names that people gave to activities and places are replaced already when a sentence speaks of them
(`Desk.say`). This looks at the whole of what would show, whatever it was made of.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.messages import channels
from app.messages.outbox import Parcel
from app.people import service as people
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.discretion import Shows, banned, discreet
from bot.notices import NOTICES, activities
from bot.notices.letter import ROBOT, Card, Letter, Notice
from bot.wording import Wording

# Whatever is said of one activity, it is the same name that has to be changed.
OF_AN_ACTIVITY = frozenset(kind for kind, notice in NOTICES.items() if notice.compose.__module__ == activities.__name__)


def looked_over(letter: Letter, notice: Notice, words: Wording) -> tuple[str, Card | None, list[str]]:
    """Text and card as they may leave, and what was replaced (the words found, or the meaning of a field)."""
    eye = discreet(words)
    where = Shows.ROBOT if ROBOT in notice.rungs else Shows.LOCK_SCREEN
    text, found = eye.text(letter.text, eye.neutral["text"], where)
    card = letter.card
    if card is not None:
        fields, replaced = eye.card(card.fields)
        found += replaced
        url = card.url
        if url is not None and banned(url):
            url, found = None, [*found, "url"]
        if replaced or url is not card.url:
            card = replace(card, fields=fields, url=url)
    return text, card, found


async def report(session: AsyncSession, parcel: Parcel, found: list[str], now: datetime) -> None:
    """Staff hear once about each subject that a name has to be changed; operators, once an hour, which words."""
    words = " ".join(dict.fromkeys(found))[:64]
    await channels.alarm(session, "discretion", "indiscreet", now, code=parcel.kind, detail=words)
    about = await people.person(session, parcel.person_id) if parcel.person_id is not None else None
    subject = "activity" if parcel.kind in OF_AN_ACTIVITY else parcel.kind
    await tasks.ask_a_person(
        session, TaskKind.CLEAR, "indiscreet", key=f"indiscreet:{subject}:{parcel.subject_id}", now=now, about=about
    )
