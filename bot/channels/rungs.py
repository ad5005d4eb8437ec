"""The rungs of the ladder: how a letter goes out by each of them, and whether one is open just now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from app.db import ident
from app.messages import window
from app.messages.models import Contact, Lane, Outbox
from app.messages.window import Limits
from app.settings import Settings
from bot.channels import fields
from bot.notices.letter import CUSTOMER, TEMPLATE, Card, CardKind, Letter
from bot.wechat import WeChatClient

DEDUPED_FOR = timedelta(minutes=10)


class Rung(Protocol):
    """One way to reach a person. `send` answers with WeChat's receipt number, where there is one."""

    name: str

    def is_open(self, row: Outbox, letter: Letter, contact: Contact, now: datetime) -> bool: ...

    async def send(self, row: Outbox, letter: Letter, contact: Contact) -> str | None: ...

    def may_repeat(self, row: Outbox, letter: Letter, now: datetime) -> bool:
        """Whether to send again when nobody knows if the last call was carried out."""
        ...


@dataclass
class CustomerMessage:
    """客服消息: a text inside the window that the person opened."""

    client: WeChatClient
    limits: Limits
    name: str = CUSTOMER

    def is_open(self, row: Outbox, letter: Letter, contact: Contact, now: datetime) -> bool:
        return window.may_write(contact, now, self.limits, urgent=row.lane is Lane.URGENT)

    async def send(self, row: Outbox, letter: Letter, contact: Contact) -> str | None:
        await self.client.send_text(contact.openid, letter.text)
        return None

    def may_repeat(self, row: Outbox, letter: Letter, now: datetime) -> bool:
        return letter.repeatable


@dataclass
class TemplateMessage:
    """模板消息: fixed fields, any time while the person follows."""

    client: WeChatClient
    templates: Mapping[CardKind, "TemplateOf"]
    name: str = TEMPLATE

    def is_open(self, row: Outbox, letter: Letter, contact: Contact, now: datetime) -> bool:
        return letter.card is not None and letter.card.kind in self.templates

    async def send(self, row: Outbox, letter: Letter, contact: Contact) -> str | None:
        if letter.card is None:
            raise ValueError("a template message needs a card")
        template = self.templates[letter.card.kind]
        return await self.client.send_template(
            contact.openid, template.template_id, template.fill(letter.card), url=letter.card.url,
            client_msg_id=f"tx-{ident(row)}",
        )  # fmt: skip

    def may_repeat(self, row: Outbox, letter: Letter, now: datetime) -> bool:
        same_id_still_counts = row.first_sent_at is not None and now - row.first_sent_at < DEDUPED_FOR
        return same_id_still_counts or letter.repeatable


@dataclass(frozen=True)
class TemplateOf:
    """An account's template: its id, and its own names (`thing1`) for what the fields mean (`title`)."""

    template_id: str
    keywords: Mapping[str, str] = field(default_factory=dict)

    def fill(self, card: Card) -> dict[str, str]:
        """The data of the message; ContentRefused names a field that its value does not fit into."""
        return fields.fill("message/template/send", self.keywords, card.fields)


def templates_of(settings: Settings) -> dict[CardKind, TemplateOf]:
    """The templates that this installation has; a kind without a template id has no such rung."""
    configured = {
        CardKind.ACTIVITY: TemplateOf(settings.wechat_template_activity, settings.wechat_template_activity_fields),
        CardKind.DUTY: TemplateOf(settings.wechat_template_duty, settings.wechat_template_duty_fields),
    }
    return {kind: template for kind, template in configured.items() if template.template_id}
