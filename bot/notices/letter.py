"""A letter: what a notice says, for whichever rung will carry it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.messages.models import Outbox
from app.people import service as people
from app.people.models import House, Person, Programme, Topic
from bot.conversation.talk import common_words
from bot.links import Links
from bot.wording import Wording, wording


class Dropped(Exception):  # noqa: N818 - it is not an error, it is what became of the row
    """The notice is no longer true; the text says why."""


class CardKind(StrEnum):
    ACTIVITY = "activity"
    DUTY = "duty"


@dataclass(frozen=True)
class Card:
    """The fields of a template message, by what they mean; an account's template names them its own way."""

    kind: CardKind
    fields: dict[str, str]
    url: str | None = None


@dataclass(frozen=True)
class Ask:
    """The question that is open once the letter is out."""

    topic: str
    lasts: timedelta
    subject_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Letter:
    """`repeatable`: saying it twice after a crash does less harm than not saying it."""

    text: str
    card: Card | None = None
    ask: Ask | None = None
    repeatable: bool = True


@dataclass
class Desk:
    """What composing a notice has in its hands."""

    session: AsyncSession
    row: Outbox
    now: datetime
    links: Links
    person: Person | None
    house: House | None
    programme: Programme | None
    worker: Person | None

    @property
    def words(self) -> Wording:
        return wording(self.programme.locale if self.programme else "zh-Hans")

    @property
    def zone(self) -> str:
        if self.house is not None:
            return self.house.zone
        return self.programme.zone if self.programme else "Asia/Shanghai"

    @property
    def subject_id(self) -> int:
        if self.row.subject_id is None:
            raise Dropped("no subject")
        return self.row.subject_id

    def who(self) -> Person:
        if self.person is None:
            raise Dropped("no person")
        return self.person

    def say(self, key: str, **data: Any) -> str:
        common = common_words(self.words, self.programme, self.house, self.worker, self.person)
        return self.words.say(key, **common, **data)

    @classmethod
    async def open(cls, session: AsyncSession, row: Outbox, now: datetime, links: Links) -> "Desk":
        person = await people.person(session, row.person_id) if row.person_id else None
        house = await people.house(session, person.house_id) if person else None
        programme = (
            await people.programme(session, person.programme_id) if person else await people.only_programme(session)
        )
        worker = await people.person(session, person.worker_id) if person and person.worker_id else None
        return cls(session, row, now, links, person, house, programme, worker)


Compose = Callable[[Desk], Awaitable[Letter]]


@dataclass(frozen=True)
class Notice:
    """How one kind of message is composed and treated.

    `topic`: who stopped it does not get it. `disturbs`: it waits for the end of the quiet hours.
    `call_if_lost`: when no channel is left, somebody has to make a phone call.
    """

    kind: str
    compose: Compose
    rungs: tuple[str, ...]
    topic: Topic | None
    disturbs: bool
    call_if_lost: bool


CUSTOMER, TEMPLATE = "customer", "template"
NOTICES: dict[str, Notice] = {}


def notice(
    *kinds: str, topic: Topic | None = None, disturbs: bool = True, call_if_lost: bool = False,
    rungs: tuple[str, ...] = (CUSTOMER, TEMPLATE),
) -> Callable[[Compose], Compose]:  # fmt: skip
    """Declare who composes the outbox rows of these kinds."""

    def declare(compose: Compose) -> Compose:
        for kind in kinds:
            if kind in NOTICES:
                raise ValueError(f"two notices for {kind}")
            NOTICES[kind] = Notice(kind, compose, rungs, topic, disturbs, call_if_lost)
        return compose

    return declare
