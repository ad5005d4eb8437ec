"""The rungs that lead to staff beside WeChat: WeCom, the group of a house, SMS, mail."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.messages.models import Lane
from app.messages.outbox import Parcel, our_number
from bot.channels.address import Address
from bot.channels.buckets import Bucket
from bot.channels.rungs import Free, deduplicated
from bot.mail.post import Post
from bot.notices.letter import MAIL, ROBOT, SMS, WECOM, Card, CardKind, Letter
from bot.sms.gateway import SmsGateway
from bot.wecom.client import DUPLICATE_SECONDS, WeComClient, WorkCard
from bot.wecom.robot import GroupRobot
from bot.wording import wording

A_MINUTE = timedelta(minutes=1)
WECOM_DEDUPES_FOR = timedelta(seconds=DUPLICATE_SECONDS)


@dataclass
class PerMinute:
    """At most `most` a minute for each name: what WeCom gets beyond it, it drops without a word."""

    most: int
    clock: Clock
    _lately: dict[str, deque[datetime]] = field(default_factory=dict)

    def has_room(self, name: str) -> bool:
        lately = self._lately.get(name)
        while lately and lately[0] <= self.clock.now() - A_MINUTE:
            lately.popleft()
        return lately is None or len(lately) < self.most

    def take(self, name: str) -> bool:
        """Count one more; False: there is no room. What is then not sent after all stays counted."""
        if not self.has_room(name):
            return False
        self._lately.setdefault(name, deque()).append(self.clock.now())
        return True


class Paced(Free, ABC):
    """A rung that carries only so many messages a minute to one name."""

    pace: PerMinute

    @abstractmethod
    def reaches(self, to: Address) -> bool: ...

    @abstractmethod
    def name_of(self, to: Address) -> str:
        """Whose minute it is that a message to them counts in."""

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        return self.reaches(to) and self.pace.has_room(self.name_of(to))

    def has_room_at(self, to: Address, now: datetime) -> datetime | None:
        return now + A_MINUTE if self.reaches(to) and not self.pace.has_room(self.name_of(to)) else None

    async def reserve(self, session: AsyncSession, letter: Letter, to: Address) -> bool:
        # Here and not when it is sent: a handful is decided about before the first of them leaves.
        return self.pace.take(self.name_of(to))


@dataclass
class WorkMessage(Paced):
    """企业微信应用消息: a card with a button that takes the case, or a text. 30 a minute and member."""

    client: WeComClient
    bucket: Bucket
    pace: PerMinute
    name: str = WECOM
    deduplicates = True

    def reaches(self, to: Address) -> bool:
        return to.person is not None and to.person.wecom is not None and to.person.role.is_staff

    def name_of(self, to: Address) -> str:
        userid = to.who().wecom
        if userid is None:
            raise LookupError("this member of staff has no WeCom id")
        return userid

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        card = letter.card
        if card is None or card.button is None:
            await self.client.send_text(self.name_of(to), letter.text)
            return None
        work_card = WorkCard(_title(card), _labelled(card), card.url, ((card.button.key, card.button.words),))
        await self.client.send_card(
            self.name_of(to), work_card, task_id=our_number(parcel.id), repeated=parcel.tries > 1
        )
        return None

    def may_repeat(self, parcel: Parcel, letter: Letter, now: datetime) -> bool:
        return deduplicated(parcel, now, WECOM_DEDUPES_FOR) or letter.repeatable


@dataclass
class GroupMessage(Paced):
    """企业微信群机器人: to the group of a house; a number and a time, no name and no word that anybody wrote."""

    robot: GroupRobot
    keys: Mapping[str, str]
    bucket: Bucket
    pace: PerMinute
    name: str = ROBOT

    def reaches(self, to: Address) -> bool:
        return to.house is not None and to.house in self.keys

    def name_of(self, to: Address) -> str:
        return to.house or ""

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        await self.robot.post(self.keys[self.name_of(to)], letter.text)
        return None


@dataclass
class TextMessage(Free):
    """短信: the number of a case and until when, to a member of staff whom nothing else reaches; urgent things only."""

    gateway: SmsGateway
    bucket: Bucket
    name: str = SMS

    def reaches(self, to: Address) -> bool:
        return to.person is not None and to.person.role.is_staff and to.person.sealed_phone is not None

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        about_duty = letter.card is not None and letter.card.kind is CardKind.DUTY
        return parcel.lane is Lane.URGENT and about_duty and self.reaches(to)

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        if letter.card is None:
            raise ValueError("an SMS needs a card")
        code = f"{letter.card.mark}{letter.card.fields['code']}"
        fields = {"code": code, "time": letter.card.fields["time"][-5:]}
        await self.gateway.send(to.who().phone or "", fields, reference=str(parcel.id))
        return None


@dataclass
class Mail(Free):
    """邮件: the last way to staff; the subject names nobody, and the words lie behind the link."""

    post: Post
    bucket: Bucket
    name: str = MAIL

    def reaches(self, to: Address) -> bool:
        return to.person is not None and to.person.role.is_staff and to.person.sealed_mail is not None

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        return self.reaches(to)

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        lines = [letter.text]
        if letter.card is not None and letter.card.url is not None and letter.card.url not in letter.text:
            lines.append(letter.card.url)
        mark = letter.card.mark if letter.card is not None else ""
        subject = f"{mark} {wording().say('card.title_duty')}".lstrip()
        await self.post.send(to.who().mail or "", subject, "\n".join(lines), message_id=f"outbox-{parcel.id}")
        return None


def _title(card: Card) -> str:
    title = wording().say("card.title_duty" if card.kind is CardKind.DUTY else "card.title_family")
    return f"{card.mark} {title}".lstrip()


def _labelled(card: Card) -> dict[str, str]:
    say = wording().say
    return {say(f"card.label_{meaning}"): value for meaning, value in card.fields.items()}
