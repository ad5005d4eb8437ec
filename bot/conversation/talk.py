"""What a dialogue has in its hands: who spoke, what they said, and the words to answer with."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.db import ident
from app.duty.service import next_duty, on_duty
from app.escalations import service as escalations
from app.messages import questions
from app.messages import service as messages
from app.messages.models import Contact, Question, QuestionState
from app.people import service as people
from app.people.addressees import Addressee
from app.people.models import House, Person, Programme, Role
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.conversation.on_page import OnPage
from bot.discretion import discreet
from bot.lines import HOME, lines_of, region_of, zone_in
from bot.lines.spoken import Callables
from bot.links import Links
from bot.screening import Level, Reading
from bot.wechat.inbound import Inbound
from bot.wording import DEFAULT, Wording, wording
from bot.wording.moments import moment_words


@dataclass
class Talk:
    """One delivery on its way through the conversation, inside one unit of work.

    `region`: whose numbers are said where there is no programme. `speaks`: the locale in which somebody in danger
    wrote, where that is not the programme's.
    """

    session: AsyncSession
    now: datetime
    contact: Contact
    heard: Inbound | OnPage
    links: Links
    quiet: Quiet
    programme: Programme | None = None
    person: Person | None = None
    house: House | None = None
    worker: Person | None = None
    reading: Reading | None = None
    inbox_id: int | None = None
    region: str = HOME
    speaks: str | None = None
    aside: list[str] = field(default_factory=list)

    @property
    def words(self) -> Wording:
        return wording(self.speaks or self.locale)

    @property
    def locale(self) -> str:
        """The locale of the programme."""
        return self.programme.locale if self.programme else DEFAULT

    @property
    def zone(self) -> str:
        if self.house is not None:
            return self.house.zone
        return self.programme.zone if self.programme else "Asia/Shanghai"

    def say(self, key: str, **data: Any) -> str:
        """A sentence of this person's locale; who they are and whom they can call is filled in.

        A name in it that must not show is replaced by a neutral word: an answer lights up a screen as well.
        """
        common = CommonWords(
            self.words, self.programme, self.house, self.worker, self.person, now=self.now, region=self.region
        )
        common.update(self.discreetly(data))
        return self.words.say_with(key, common)

    def discreetly(self, data: dict[str, Any]) -> dict[str, Any]:
        """What a sentence will speak of, with neutral words in the place of names that must not show."""
        return discreet(self.words).data(data)[0]

    def who(self) -> Person:
        if self.person is None:
            raise LookupError("this dialogue is for people we know")
        return self.person

    def at_house(self) -> House:
        if self.house is None:
            raise LookupError("this dialogue is for people of a house")
        return self.house

    async def meet(self, person: Person | None) -> None:
        """From here on the talk is with `person`."""
        self.person = person
        if person is None:
            return
        self.house = await people.house(self.session, person.house_id)
        self.programme = await people.programme(self.session, person.programme_id)
        self.worker = await people.person(self.session, person.worker_id) if person.worker_id else None

    async def becomes(self, person: Person) -> None:
        """We know now who this WeChat user is; what they said as a stranger in danger goes with them."""
        stranger = self.person if self.person is not None and self.person.role is Role.GUEST else None
        await messages.bind(self.session, self.contact, person)
        if stranger is not None:
            await escalations.adopt(self.session, stranger, person, self.now)
        await self.meet(person)

    # Questions

    async def ask(self, topic: str, *, lasts: timedelta, subject_id: int | None = None, **data: Any) -> Question:
        return await questions.ask(
            self.session, self.contact, topic, now=self.now, lasts=lasts, subject_id=subject_id, data=data,
            house_id=self.house.id if self.house else None,
        )  # fmt: skip

    async def answered(self, question: Question) -> None:
        self.contact.misunderstood = 0
        await questions.close(self.session, self.contact, question, QuestionState.ANSWERED, self.now)

    # People

    async def hand_over(self, kind: TaskKind, reason: str, key: str, note: str | None = None) -> None:
        """Put this person on somebody's list, and tell that somebody that there is something to look at."""
        await tasks.ask_a_person(self.session, kind, reason, key=key, now=self.now, about=self.person, note=note)

    async def when_back(self) -> str:
        """When a person will look, promising only what the rota can keep."""
        if self.house is None:
            return self.say("help.back_unknown")
        if await on_duty(self.session, self.house, self.now):
            return self.say("help.back_today")
        back = await next_duty(self.session, self.house, self.now)
        if back is None:
            return self.say("help.back_unknown")
        return self.say("help.back_from", next_duty=moment_words(back, self.now, self.zone))

    @property
    def in_danger(self) -> bool:
        return self.reading is not None and self.reading.level >= Level.ORANGE

    def key(self, about: str) -> str:
        """A business key that is new each time this person says something."""
        return f"{about}:{ident(self.contact)}:{self.inbox_id}"


class CommonWords(dict[str, Any]):
    """What any sentence may speak of: where we are, whom one can call, who is meant. Each is looked up when said."""

    def __init__(
        self, words: Wording, programme: Programme | None, house: House | None, worker: Person | None,
        person: Person | Addressee | None, *, now: datetime, region: str = HOME,
    ) -> None:  # fmt: skip
        """`region`: where we are when there is no programme."""
        super().__init__()
        self._now, self._region = now, region
        self._words, self._programme, self._house = words, programme, house
        self._worker, self._person = worker, person

    def __missing__(self, name: str) -> str:
        programme, house = self._programme, self._house
        match name:
            case "home":
                said = (house.name if house else None) or (programme.name if programme else "")
                return str(discreet(self._words).data({name: said})[0][name]) or self._words.say("people.house")
            case "phone":
                return (house.phone if house else "") or (programme.phone if programme else "")
            case "support":
                return self._callables.support()
            case "later":
                return self._callables.later()
            case "emergency":
                return self._callables.emergency()
            case "worker":
                return self._worker.name if self._worker else self._words.say("people.somebody")
            case "called":
                return self._person.known_as if self._person else ""
        raise KeyError(name)

    @property
    def _callables(self) -> Callables:
        """Who can be called now, by the region of the house and what its programme wrote down."""
        programme, house = self._programme, self._house
        if programme is None:
            return Callables(lines_of(self._region), self._words, self._now, zone_in(self._region))
        region = region_of(programme.region, programme.zone, house.zone if house else None)
        own = programme.lines if region == programme.region else ()
        lines = lines_of(region, own, programme.zone)
        return Callables(lines, self._words, self._now, house.zone if house else programme.zone)
