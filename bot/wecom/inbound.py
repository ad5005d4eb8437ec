"""What WeCom tells us, as typed values.

Source: 接收消息与事件 › 消息格式 and 事件格式 › 模板卡片事件推送 (developer.work.weixin.qq.com/document/path/90239
and /90240). `repr` of these values is fit for a log: it shows no words, no person and no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from wechatpy import parse_message

from bot.wechat.callback import digest, needed, optional
from bot.wechat.errors import MalformedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReceived:
    """What every callback has.

    `userid`: who (WeCom does not tell upper from lower case in it); `corp_id`: the company; `sent_at`: UTC,
    exact to a second; `dedupe_key`: the same when WeCom delivers again, unique together with company and member.
    """

    userid: str = field(repr=False)
    corp_id: str = field(repr=False)
    sent_at: datetime
    dedupe_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed(WorkReceived):
    """A button of a card was pressed: perhaps a second time, perhaps on an old card.

    `key`: as the button had it; `response_code`: good for one update of the card within 72 hours.
    """

    key: str = field(repr=False)
    task_id: str
    response_code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkText(WorkReceived):
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOther(WorkReceived):
    """Anything that no program here acts on; `kind` is WeCom's Event, or MsgType: enter_agent, image, …"""

    kind: str


WorkInbound = ButtonPressed | WorkText | WorkOther


class _Common(TypedDict):
    userid: str
    corp_id: str
    sent_at: datetime
    dedupe_key: str


def parse(xml: bytes | str) -> WorkInbound:
    """The callback in `xml` (decrypted). MalformedMessage for everything that is not one."""
    try:
        return _read(parse_message(xml)._data)
    except Exception as error:
        fault = type(error).__name__
    # Outside of the handler: the first exception holds what was said.
    raise MalformedMessage(fault)


def _read(data: Mapping[str, Any]) -> WorkInbound:
    kind = needed(data, "MsgType").lower()
    if kind == "event":
        event = needed(data, "Event").lower()
        key, task = optional(data, "EventKey") or "", optional(data, "TaskId") or ""
        common = _common(data, f"e:{needed(data, 'CreateTime')}:{digest(f'{event}|{task}|{key}')}")
        if event != "template_card_event":
            return WorkOther(**common, kind=event)
        return ButtonPressed(
            **common, key=needed(data, "EventKey"), task_id=task, response_code=optional(data, "ResponseCode") or ""
        )
    common = _common(data, f"m:{needed(data, 'MsgId')}")
    if kind == "text":
        return WorkText(**common, content=optional(data, "Content") or "")
    return WorkOther(**common, kind=kind)


def _common(data: Mapping[str, Any], key: str) -> _Common:
    return _Common(
        userid=needed(data, "FromUserName"),
        corp_id=needed(data, "ToUserName"),
        sent_at=datetime.fromtimestamp(int(needed(data, "CreateTime")), UTC),
        dedupe_key=key,
    )
