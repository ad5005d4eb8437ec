"""The rungs of the ladder that are WeChat's: whether each is open just now, what it costs, and how it sends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.messages import reach, subscriptions, window
from app.messages.models import Lane
from app.messages.outbox import Parcel, our_number
from app.messages.window import Limits
from app.settings import Settings
from bot.channels import fields
from bot.channels.address import Address
from bot.channels.buckets import Bucket
from bot.notices.letter import CUSTOMER, SUBSCRIPTION, TEMPLATE, Card, CardKind, Letter
from bot.outside import ChannelClosed, OutsideError
from bot.wechat import WeChatClient

DEDUPED_FOR = timedelta(minutes=10)


class Rung(Protocol):
    """One way to reach a person. `name` stands in the notices that may use it.

    `reaches`: whether it leads to this person at all; `is_open` asks our own ledgers whether it may be used now.
    `has_room_at`: when it may be used again, if it only has been used too often in the last minute.
    `reserve` takes what a message costs, in the unit of work that marks the row as being sent; `give_back` puts
    it back when it surely was not sent, and `learn` corrects the ledger when the other side says that it was
    wrong. `send` makes the call and answers with the number that a receipt will name, where there are receipts.
    `may_repeat`: whether to send again when nobody knows what became of it. `deduplicates`: what is sent again
    soon is shown once.
    """

    name: str
    bucket: Bucket
    deduplicates: bool

    def reaches(self, to: Address) -> bool: ...

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool: ...

    def has_room_at(self, to: Address, now: datetime) -> datetime | None: ...

    async def reserve(self, session: AsyncSession, letter: Letter, to: Address) -> bool: ...

    async def give_back(self, session: AsyncSession, letter: Letter, to: Address) -> None: ...

    async def learn(
        self, session: AsyncSession, letter: Letter, to: Address, error: OutsideError, now: datetime
    ) -> None: ...

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None: ...

    def may_repeat(self, parcel: Parcel, letter: Letter, now: datetime) -> bool: ...


def deduplicated(parcel: Parcel, now: datetime, lasts: timedelta) -> bool:
    """Whether the other side still knows our number of this message, `lasts` after it was first sent."""
    return parcel.first_sent_at is not None and now - parcel.first_sent_at < lasts


class Free:
    """What a rung does that has no ledger of its own, and whose other side takes a repeated message for a new one."""

    deduplicates = False

    def has_room_at(self, to: Address, now: datetime) -> datetime | None:
        return None

    async def reserve(self, session: AsyncSession, letter: Letter, to: Address) -> bool:
        return True

    async def give_back(self, session: AsyncSession, letter: Letter, to: Address) -> None:
        return

    async def learn(
        self, session: AsyncSession, letter: Letter, to: Address, error: OutsideError, now: datetime
    ) -> None:
        return

    def may_repeat(self, parcel: Parcel, letter: Letter, now: datetime) -> bool:
        return letter.repeatable


class _ByWeChat(Free):
    def reaches(self, to: Address) -> bool:
        return to.wechat is not None and to.wechat.follows


@dataclass
class CustomerMessage(_ByWeChat):
    """客服消息: a text inside the window that the person opened."""

    client: WeChatClient
    limits: Limits
    bucket: Bucket
    name: str = CUSTOMER

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        urgent = parcel.lane is Lane.URGENT
        return self.reaches(to) and window.may_write(to.openid(), now, self.limits, urgent=urgent)

    async def reserve(self, session: AsyncSession, letter: Letter, to: Address) -> bool:
        window.spend(to.openid())
        to.openid().spent = True
        return True

    async def give_back(self, session: AsyncSession, letter: Letter, to: Address) -> None:
        await reach.refund(session, to.openid().id)

    async def learn(
        self, session: AsyncSession, letter: Letter, to: Address, error: OutsideError, now: datetime
    ) -> None:
        if isinstance(error, ChannelClosed):
            await reach.shut(session, to.openid().id)

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        await self.client.send_text(to.openid().openid, letter.text)
        return None


@dataclass
class TemplateMessage(_ByWeChat):
    """模板消息: fixed fields, any time while the person follows."""

    client: WeChatClient
    templates: Mapping[CardKind, "TemplateOf"]
    bucket: Bucket
    name: str = TEMPLATE
    deduplicates = True

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        return self.reaches(to) and letter.card is not None and letter.card.kind in self.templates

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        card, template = _of(letter, self.templates)
        return await self.client.send_template(
            to.openid().openid, template.template_id, template.fill(card, "message/template/send"), url=card.url,
            client_msg_id=our_number(parcel.id),
        )  # fmt: skip

    def may_repeat(self, parcel: Parcel, letter: Letter, now: datetime) -> bool:
        return deduplicated(parcel, now, DEDUPED_FOR) or letter.repeatable


@dataclass
class SubscriptionNotice(_ByWeChat):
    """订阅通知 (one-time): one for each time that the person allowed one."""

    client: WeChatClient
    templates: Mapping[CardKind, "TemplateOf"]
    bucket: Bucket
    name: str = SUBSCRIPTION

    def is_open(self, parcel: Parcel, letter: Letter, to: Address, now: datetime) -> bool:
        template = self.templates.get(letter.card.kind) if letter.card is not None else None
        if template is None or not self.reaches(to):
            return False
        return to.allowed.get((to.openid().id, template.template_id), 0) > 0

    async def reserve(self, session: AsyncSession, letter: Letter, to: Address) -> bool:
        _, template = _of(letter, self.templates)
        return await subscriptions.spend(session, to.openid().id, template.template_id)

    async def give_back(self, session: AsyncSession, letter: Letter, to: Address) -> None:
        _, template = _of(letter, self.templates)
        await subscriptions.give_back(session, to.openid().id, template.template_id)

    async def learn(
        self, session: AsyncSession, letter: Letter, to: Address, error: OutsideError, now: datetime
    ) -> None:
        if isinstance(error, ChannelClosed) and error.reason == "consent":
            _, template = _of(letter, self.templates)
            await subscriptions.refused(session, to.openid().id, template.template_id, now)

    async def send(self, parcel: Parcel, letter: Letter, to: Address) -> str | None:
        card, template = _of(letter, self.templates)
        data = template.fill(card, "message/subscribe/bizsend")
        receipt = await self.client.send_subscription(to.openid().openid, template.template_id, data, page=card.url)
        return receipt or our_number(parcel.id)

    def may_repeat(self, parcel: Parcel, letter: Letter, now: datetime) -> bool:
        return False  # one was allowed; a second one would be refused, and the first may have arrived


def _of(letter: Letter, templates: Mapping[CardKind, "TemplateOf"]) -> tuple[Card, "TemplateOf"]:
    if letter.card is None:
        raise ValueError("this way needs a card")
    return letter.card, templates[letter.card.kind]


@dataclass(frozen=True)
class TemplateOf:
    """An account's template: its id, and its own names (`thing1`) for what the fields mean (`title`)."""

    template_id: str
    keywords: Mapping[str, str] = field(default_factory=dict)

    def fill(self, card: Card, api: str) -> dict[str, str]:
        """The data of the message; ContentRefused names a field that its value does not fit into."""
        return fields.fill(api, self.keywords, card.fields)


def subscriptions_of(settings: Settings) -> dict[CardKind, TemplateOf]:
    """The one-time subscription templates that this installation has."""
    template_id, keywords = settings.wechat_subscription_activity, settings.wechat_subscription_activity_fields
    return {CardKind.ACTIVITY: TemplateOf(template_id, keywords)} if template_id else {}


def templates_of(settings: Settings) -> dict[CardKind, TemplateOf]:
    """The templates that this installation has; a kind without a template id has no such rung."""
    configured = {
        CardKind.ACTIVITY: TemplateOf(settings.wechat_template_activity, settings.wechat_template_activity_fields),
        CardKind.DUTY: TemplateOf(settings.wechat_template_duty, settings.wechat_template_duty_fields),
    }
    return {kind: template for kind, template in configured.items() if template.template_id}
