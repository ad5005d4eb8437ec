"""A letter: what a notice says, for whichever rung will carry it."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import service as activities
from app.activities.machine import Seat
from app.activities.models import Occurrence
from app.messages.outbox import Parcel
from app.people import service as people
from app.people.addressees import Addressee
from app.people.models import House, Person, Programme, Topic
from bot.conversation.talk import CommonWords
from bot.discretion import discreet
from bot.links import Links
from bot.wording import DEFAULT, Wording, wording

Found = TypeVar("Found")
PERSONAL = frozenset({"called", "worker"})


class Dropped(Exception):  # noqa: N818 - it is not an error, it is what became of the row
    """The notice is no longer true; the text says why."""


class CardKind(StrEnum):
    ACTIVITY = "activity"
    DUTY = "duty"


@dataclass(frozen=True)
class Button:
    """A button on a card that can have one (WeCom): `key` comes back to us when it is pressed."""

    key: str
    words: str


@dataclass(frozen=True)
class Card:
    """The fields of a template message, by what they mean; an account's template names them its own way.

    `mark` stands before the number or the title where a way shows too few of the fields to say what they say.
    """

    kind: CardKind
    fields: dict[str, str]
    url: str | None = None
    button: Button | None = None
    mark: str = ""


@dataclass(frozen=True)
class Ask:
    """The question that is open once the letter is out."""

    topic: str
    lasts: timedelta
    subject_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Letter:
    """`repeatable`: saying it twice after a crash does less harm than not saying it.

    `unsolicited`: the person did not ask for it and did not sign up for what it is about, so it counts towards
    the few a day and a week that nobody minds.
    """

    text: str
    card: Card | None = None
    ask: Ask | None = None
    repeatable: bool = True
    unsolicited: bool = False


class Sheaf:
    """What the letters that are written together have in common: looked up once for all of them."""

    def __init__(self, session: AsyncSession, parcels: Sequence[Parcel], now: datetime, links: Links) -> None:
        self.session = session
        self.parcels = parcels
        self.now = now
        self.links = links
        self._known: dict[Hashable, Any] = {}

    async def once(self, about: Hashable, find: Callable[[], Awaitable[Found]]) -> Found:
        if about not in self._known:
            self._known[about] = await find()
        found: Found = self._known[about]
        return found

    def known(self, about: Hashable, make: Callable[[], Found]) -> Found:
        """The same for what needs no waiting."""
        if about not in self._known:
            self._known[about] = make()
        made: Found = self._known[about]
        return made

    def recall(self, about: Hashable) -> Any:
        return self._known.get(about)

    async def house(self, house_id: int) -> House:
        return await self.once(("house", house_id), lambda: people.house(self.session, house_id))

    async def programme(self, programme_id: int) -> Programme:
        return await self.once(("programme", programme_id), lambda: people.programme(self.session, programme_id))

    async def person(self, person_id: int) -> Person:
        return await self.once(("person", person_id), lambda: people.person(self.session, person_id))

    async def occurrence(self, occurrence_id: int) -> Occurrence:
        return await self.once(
            ("occurrence", occurrence_id), lambda: activities.occurrence(self.session, occurrence_id)
        )

    async def seat(self, what: Occurrence, person_id: int) -> Seat:
        """The seat of one of those who are written to about the same occurrence, or of anybody else."""

        async def of_all() -> dict[int, Seat]:
            asked = {p.person_id for p in self.parcels if p.subject_id == what.id and p.person_id is not None}
            return await activities.seats_of(self.session, what, asked)

        seats = await self.once(("seats", what.id), of_all)
        if person_id in seats:
            return seats[person_id]
        others = await self.once(
            ("seats", what.id, person_id), lambda: activities.seats_of(self.session, what, {person_id})
        )
        return others[person_id]

    async def desk(self, parcel: Parcel, person: Addressee | None) -> "Desk":
        """All that composing this one needs."""
        house_id = person.house_id if person is not None else parcel.house_id
        house = await self.house(house_id) if house_id is not None else None
        if house is not None:
            programme: Programme | None = await self.programme(house.programme_id)
        else:
            programme = await self.once("programme", lambda: people.only_programme(self.session))
        worker = await self.person(person.worker_id) if person is not None and person.worker_id else None
        return Desk(self, parcel, person, house, programme, worker)


@dataclass(slots=True)
class Desk:
    """What composing a notice has in its hands. `speaks`: as in a talk, for a notice that answers one."""

    sheaf: Sheaf
    row: Parcel
    person: Addressee | None
    house: House | None
    programme: Programme | None
    worker: Person | None
    speaks: str | None = None
    indiscreet: list[str] = field(default_factory=list)
    personal: bool = False

    @property
    def session(self) -> AsyncSession:
        return self.sheaf.session

    @property
    def now(self) -> datetime:
        return self.sheaf.now

    @property
    def links(self) -> Links:
        return self.sheaf.links

    @property
    def words(self) -> Wording:
        return wording(self.speaks or (self.programme.locale if self.programme else DEFAULT))

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

    def who(self) -> Addressee:
        if self.person is None:
            raise Dropped("no person")
        return self.person

    async def seat(self, what: Occurrence) -> Seat:
        return await self.sheaf.seat(what, self.who().id)

    def say(self, key: str, **data: Any) -> str:
        """A sentence for whoever this is for; a name in it that must not show is replaced by a neutral word."""
        words = self.words
        self.personal |= bool(PERSONAL & words.needs(key))
        discreetly, replaced = discreet(words).data(data)
        self.indiscreet += [name for name in replaced if name not in self.indiscreet]
        common = CommonWords(words, self.programme, self.house, self.worker, self.person, now=self.now)
        common.update(discreetly)
        return words.say_with(key, common)

    def alike(self, about: Hashable, write: Callable[[], Letter]) -> Letter:
        """A letter that says the same to everybody of a house, unless a sentence in it speaks of the person."""
        where = ("letter", about, self.house and self.house.id)
        written: tuple[Letter, list[str]] | None = self.sheaf.recall(where)
        if written is None:
            letter = write()
            if self.personal:
                return letter
            written = self.sheaf.known(where, lambda: (letter, self.indiscreet))
        letter, self.indiscreet = written
        return letter


Compose = Callable[[Desk], Awaitable[Letter]]


@dataclass(frozen=True)
class Notice:
    """How one kind of message is composed and treated.

    `rungs`: the ways it may take, the best one first. `topic`: who stopped it does not get it. `disturbs`: it
    waits for the end of the quiet hours. `call_if_lost`: when no channel is left, somebody has to make a phone
    call. `rides`: it asks nothing and is short, so it may stand below a reply to something else.
    """

    kind: str
    compose: Compose
    rungs: tuple[str, ...]
    topic: Topic | None
    disturbs: bool
    call_if_lost: bool
    rides: bool


CUSTOMER, TEMPLATE, SUBSCRIPTION = "customer", "template", "subscription"
WECOM, ROBOT, SMS, MAIL = "wecom", "robot", "sms", "mail"
TO_MEMBERS = (CUSTOMER, TEMPLATE, SUBSCRIPTION)
NOTICES: dict[str, Notice] = {}


def notice(
    *kinds: str, topic: Topic | None = None, disturbs: bool = True, call_if_lost: bool = False,
    rungs: tuple[str, ...] = TO_MEMBERS, rides: bool = False,
) -> Callable[[Compose], Compose]:  # fmt: skip
    """Declare who composes the outbox rows of these kinds."""

    def declare(compose: Compose) -> Compose:
        for kind in kinds:
            if kind in NOTICES:
                raise ValueError(f"two notices for {kind}")
            NOTICES[kind] = Notice(kind, compose, rungs, topic, disturbs, call_if_lost, rides)
        return compose

    return declare
