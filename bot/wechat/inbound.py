"""What WeChat tells us, as typed values.

Source: 接收普通消息, 接收事件推送, 模板消息 and 订阅通知 › 事件推送 (developers.weixin.qq.com/doc/service/).

`repr` of these values is fit for a log: it shows no words, no person and no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypedDict

from wechatpy import parse_message

from bot.wechat.callback import digest, needed, optional
from bot.wechat.errors import MalformedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What every callback has.

    `openid`: who; `account`: the official account's own id; `sent_at`: UTC, exact to a second; `key`:
    the same when WeChat delivers again, unique together with account and openid.
    """

    openid: str = field(repr=False)
    account: str
    sent_at: datetime
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Received):
    """Written words, or a tap on a menu message (then `menu_id`, where the account sends one)."""

    content: str = field(repr=False)
    menu_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Received):
    """A message that no program here reads; `kind` is WeChat's MsgType: voice, image, video, …"""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Received):
    """`scene`: the code in the QR picture that led here, None if there was none."""

    scene: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollowed(Received):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Received):
    """Somebody who follows already scanned a QR picture with a scene."""

    scene: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked(Received):
    """`item`: the key of a button in the account's menu."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed(Received):
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReceipt(Received):
    """What became of a template message; `message_id` is what sending it returned."""

    message_id: str
    status: Literal["success", "blocked", "failed"]
    raw_status: str


class PopupAnswer(NamedTuple):
    template_id: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPopup(Received):
    answers: tuple[PopupAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChange(Received):
    """`rejected`: the templates that this person no longer wants."""

    rejected: tuple[str, ...]


class SentResult(NamedTuple):
    template_id: str
    message_id: str
    errcode: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSent(Received):
    results: tuple[SentResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRevoked(Received):
    """The person withdrew what they shared, or closed their WeChat account: delete or anonymise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNotice(Received):
    """About the official account itself (verification, yearly renewal): operators must hear of it."""

    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvent(Received):
    event: str


Inbound = (
    Text
    | Unreadable
    | Followed
    | Unfollowed
    | Scanned
    | Clicked
    | Viewed
    | TemplateReceipt
    | SubscriptionPopup
    | SubscriptionChange
    | SubscriptionSent
    | AuthorizationRevoked
    | AccountNotice
    | OtherEvent
)

ACCOUNT_NOTICES = frozenset(
    {
        "annual_renew",
        "naming_verify_fail",
        "naming_verify_success",
        "qualification_verify_fail",
        "qualification_verify_success",
        "verify_expired",
    }
)

LONGEST_KEY = 100


class _Common(TypedDict):
    openid: str
    account: str
    sent_at: datetime
    key: str


def parse(xml: bytes | str) -> Inbound:
    """The callback in `xml` (decrypted). MalformedMessage for everything that is not one."""
    try:
        return _read(xml)
    except Exception as error:
        # Whatever wechatpy and expat raise; anything else than a typed error would become a 5xx, and
        # WeChat would tell somebody in distress that the service is broken.
        fault = type(error).__name__
    # Outside of the handler: the first exception holds the text of the message.
    raise MalformedMessage(fault)


def _read(xml: bytes | str) -> Inbound:
    data = parse_message(xml)._data
    if (kind := needed(data, "MsgType").lower()) == "event":
        return _event(data)
    message_id = optional(data, "MsgId")
    # A message without an id is answered, too; delivered again it is the same to the byte.
    key = f"m:{message_id}" if message_id and int(message_id) else f"x:{digest(xml)}"
    common = _common(data, key)
    if kind == "text":
        return Text(**common, content=optional(data, "Content") or "", menu_id=optional(data, "bizmsgmenuid"))
    return Unreadable(**common, kind=kind)


def _event(data: Mapping[str, Any]) -> Inbound:
    event = needed(data, "Event").lower()
    # wechatpy renames a follow by QR picture, and cuts `qrscene_` off its key.
    by_scene = event == "subscribe_scan"
    if event.startswith("subscribe_scan"):
        event = "subscribe"
    item = optional(data, "EventKey")
    entries = _entries(data)
    common = _common(data, _event_key(data, event, item, entries))
    match event:
        case "subscribe":
            return Followed(**common, scene=item if by_scene else None)
        case "unsubscribe":
            return Unfollowed(**common)
        case "scan":
            return Scanned(**common, scene=item or "")
        case "click":
            return Clicked(**common, item=item or "")
        case "view":
            return Viewed(**common, url=item or "")
        case "templatesendjobfinish":
            raw = needed(data, "Status")
            return TemplateReceipt(**common, message_id=needed(data, "MsgID"), status=_receipt(raw), raw_status=raw)
        case "subscribe_msg_popup_event":
            return SubscriptionPopup(
                **common,
                answers=tuple(
                    PopupAnswer(needed(entry, "TemplateId"), _answer(entry) == "accept") for entry in entries
                ),
            )
        case "subscribe_msg_change_event":
            return SubscriptionChange(
                **common,
                rejected=tuple(needed(entry, "TemplateId") for entry in entries if _answer(entry) == "reject"),
            )
        case "subscribe_msg_sent_event":
            return SubscriptionSent(**common, results=tuple(_sent(entry) for entry in entries))
        case "user_authorization_revoke" | "user_authorization_cancellation":
            # FromUserName is WeChat's own pushing service here; the person is in OpenID.
            common["openid"] = optional(data, "OpenID") or common["openid"]
            return AuthorizationRevoked(**common)
        case _ if event in ACCOUNT_NOTICES:
            return AccountNotice(**common, event=event)
    return OtherEvent(**common, event=event)


def _common(data: Mapping[str, Any], key: str) -> _Common:
    return _Common(
        openid=needed(data, "FromUserName"),
        account=needed(data, "ToUserName"),
        sent_at=datetime.fromtimestamp(int(needed(data, "CreateTime")), UTC),
        key=key,
    )


def _event_key(data: Mapping[str, Any], event: str, item: str | None, entries: list[Mapping[str, Any]]) -> str:
    last = optional(data, "MsgID") or optional(data, "Ticket") or ""
    if entries:
        last = digest("|".join(f"{name}={value}" for entry in entries for name, value in entry.items()))
    key = f"e:{needed(data, 'CreateTime')}:{event}:{item or ''}:{last}"
    return key if len(key) <= LONGEST_KEY else f"e:{digest(key)}"


def _entries(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The `List` of a subscribe_msg event: in an element of its own or not, one object or several."""
    holders = [data[name] for name in data if name.lower().startswith("subscribemsg")]
    entries = next((holder["List"] for holder in [*holders, data] if holder and "List" in holder), None)
    if isinstance(entries, list):
        return entries
    return [entries] if entries else []


def _answer(entry: Mapping[str, Any]) -> str:
    return needed(entry, "SubscribeStatusString").lower()


def _sent(entry: Mapping[str, Any]) -> SentResult:
    return SentResult(
        template_id=needed(entry, "TemplateId"),
        message_id=needed(entry, "MsgID"),
        errcode=int(needed(entry, "ErrorCode")),
        status=optional(entry, "ErrorStatus") or "",
    )


def _receipt(raw: str) -> Literal["success", "blocked", "failed"]:
    words = raw.lower()
    if words == "success":
        return "success"
    return "blocked" if "block" in words else "failed"
