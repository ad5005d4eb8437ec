"""WeCom in a box: one company with one application, its members and its group robots.

It joins a `Platform` (`Platform(…, work=WorkPlatform(…))`), shares its log and its faults, and shows what its
members get on their phones. Sources: 「发送应用消息」「群机器人」「获取access_token」「回调配置」「事件格式」
「被动回复消息格式」 of developer.work.weixin.qq.com.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx

from app.clock import Clock
from bot.simulator.callbacks import Fields, Reply, write_xml
from bot.simulator.state import Bubble, Call, Delivery, Fault, RealAccountError, Refused, User
from bot.simulator.wecom_door import WorkAccount, WorkDoor, WorkTokens

DEMO_CORP_ID = "ww_tongxing_demo"
UNTRUSTED = "203.0.113.7"
MINUTE = timedelta(minutes=1)
WORK_ERRORS: dict[int, tuple[str, str]] = {
    -1: ("system busy", "系统繁忙"),
    40001: ("invalid credential", "Secret 不对"),
    40008: ("invalid message type", "消息类型不对"),
    40013: ("invalid corpid", "企业 ID 不对"),
    40014: ("invalid access_token", "access_token 无效"),
    40056: ("invalid agentid", "AgentId 不对"),
    40058: ("invalid Request Parameter", "参数不合要求"),
    41001: ("access_token missing", "没带 access_token"),
    42001: ("access_token expired", "access_token 过期"),
    42014: ("task_id has been used", "task_id 用过了"),
    44002: ("empty post data", "请求体是空的"),
    44004: ("text content is empty", "内容是空的"),
    45009: ("api freq out of limit", "一分钟里太多"),
    45033: ("api concurrent out of limit", "同时太多"),
    47001: ("data format error", "不是合法的 JSON"),
    60020: (f"not allow to access from your ip, from ip: {UNTRUSTED}", "IP 不在可信名单里"),
    81013: ("user & party & tag all invalid", "接收人都不在可见范围"),
    93000: ("invalid webhook url", "没有这个群机器人"),
}
_TASK_ID = re.compile(r"[A-Za-z0-9_@-]{1,128}", re.ASCII)

Body = Mapping[str, Any]
Answer = dict[str, Any]
NOTE = "_note"  # words for the log, taken out before the answer leaves


@dataclass
class WorkLimits:
    member_a_minute: int = 30
    robot_a_minute: int = 20
    text_bytes: int = 2048


@dataclass
class Member:
    """`visible`: whether the application may write to this member at all."""

    userid: str
    name: str
    visible: bool = True
    phone: User | None = None
    bubbles: list[Bubble] = field(default_factory=list)
    taken_at: list[datetime] = field(default_factory=list)
    shown: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Post:
    at: datetime
    text: str
    everybody: bool


@dataclass
class Group:
    name: str
    key: str
    posts: list[Post] = field(default_factory=list)
    taken_at: list[datetime] = field(default_factory=list)


class Host(Protocol):
    """What WeCom shares with the platform that it lives beside."""

    bad_signature_next: bool

    def log(self, call: Call) -> Call: ...
    def take_fault(self, path: str) -> Fault | None: ...


class WorkPlatform:
    """The demo's company. RealAccountError for any other corp id.

    `door` reaches the bot (base_url); `answer_limit` and `retry_pauses` are real seconds. With `lenient` a
    message that nobody may get is answered with errcode 0 and `invaliduser`, as has been seen, else with 81013.
    """

    def __init__(
        self,
        account: WorkAccount,
        clock: Clock,
        *,
        door: httpx.AsyncClient,
        door_path: str = "/wecom",
        answer_limit: float = 5.0,
        retry_pauses: Sequence[float] = (0.0, 0.0, 0.0),
        name: str = "同行值班",
    ) -> None:
        if account.corp_id != DEMO_CORP_ID:
            raise RealAccountError(
                f"企业微信模拟器只能用演示企业 {DEMO_CORP_ID}，不能和真实的企业 ID 一起启动。"
                "请去掉 TONGXING_WECOM_CORP_ID，或者不要启动模拟器。"
            )
        self.account, self.clock, self.name = account, clock, name
        self.limits = WorkLimits()
        self.lenient = False
        self.tokens = WorkTokens(account, clock)
        self.members: dict[str, Member] = {}
        self.groups: dict[str, Group] = {}
        self.task_ids: set[str] = set()
        self.host: Host
        self.door = WorkDoor(account, clock, door, door_path, answer_limit, retry_pauses)
        self._counter = 0

    # Who is there

    def add_member(self, userid: str, name: str = "", *, visible: bool = True, phone: User | None = None) -> Member:
        """A new member, or the one of this userid; what they get shows on `phone`."""
        member = self.members.setdefault(userid.lower(), Member(userid, name or userid, visible))
        if phone is not None:
            member.phone, phone.userid = phone, member.userid
        return member

    def member(self, userid: str) -> Member:
        return self.members[userid.lower()]

    def names(self, touser: str) -> str:
        """Who a message is for, as the log says it."""
        found = [self.members.get(userid.lower()) for userid in touser.split("|")]
        return "、".join(member.name for member in found if member is not None)

    def add_group(self, name: str, key: str) -> Group:
        """A group with a robot of this key."""
        return self.groups.setdefault(key, Group(name, key))

    def group(self, name: str) -> list[str]:
        """What the robot posted to the group of this name. KeyError if there is none."""
        posts = {group.name: group.posts for group in self.groups.values()}[name]
        return [post.text for post in posts]

    # What people do

    async def press(self, userid: str, task_id: str, key: str) -> Delivery:
        """Press a button of a card, now or again; KeyError if this member has no such card or button."""
        member = self.member(userid)
        cards = [b for b in member.bubbles if b.task_id == task_id and task_id]
        if not cards or key not in dict(cards[-1].choices):
            raise KeyError(f"{task_id} {key}")
        fields: dict[str, str | int] = {
            **self._event("template_card_event", key),
            "TaskId": task_id,
            "CardType": "button_interaction",
            "ResponseCode": secrets.token_urlsafe(32),
        }
        delivery, reply = await self._deliver(member, fields, f"按钮 {dict(cards[-1].choices)[key]}")
        if reply is not None:
            cards[-1].pressed, cards[-1].replaced = key, reply.text
        return delivery

    async def says(self, userid: str, text: str) -> Delivery:
        """Write to the application."""
        fields: dict[str, str | int] = {"MsgType": "text", "Content": text, "MsgId": self._next_id()}
        return (await self._deliver(self.member(userid), fields, f"「{text}」"))[0]

    async def enters(self, userid: str) -> Delivery:
        """Open the application's chat."""
        return (await self._deliver(self.member(userid), self._event("enter_agent", ""), "进入应用"))[0]

    def _event(self, event: str, key: str) -> dict[str, str | int]:
        return {"MsgType": "event", "Event": event, "EventKey": key}

    async def _deliver(self, member: Member, fields: Fields, summary: str) -> tuple[Delivery, Reply | None]:
        full: dict[str, Any] = {
            "ToUserName": self.account.corp_id,
            "FromUserName": member.userid,
            "CreateTime": int(self.clock.now().timestamp()),
            **fields,
            "AgentID": self.account.agent_id,
        }
        forge, self.host.bad_signature_next = self.host.bad_signature_next, False
        call = self.host.log(Call(self.clock.now(), "入", "企业微信", member.name, summary))
        delivery, reply = await self.door.deliver(
            member.userid, write_xml(full), fault=lambda: self.host.take_fault("door"), forge=forge
        )
        call.ok = delivery.error is None
        resent = f" · 重发 {delivery.attempts - 1} 次" if delivery.attempts > 1 else ""
        call.result = (delivery.error or f"{'更新按钮' if reply else '空'} {delivery.seconds:.2f} s") + resent
        return delivery, reply

    # What the bot asks

    def message_send(self, body: Body) -> Answer:
        """Text or a card with buttons. 40008, 40056, 40058, 42014, 44004, 81013.

        The 31st message to a member in a minute is accepted and shown to nobody.
        """
        if body.get("agentid") != self.account.agent_id:
            raise Refused(40056)
        bubble = self._bubble(body)
        names = [name for name in str(body.get("touser") or "").split("|") if name]
        found = [self.members.get(name.lower()) for name in names]
        reached = [member for member in found if member is not None and member.visible]
        if not reached and not self.lenient:
            raise Refused(81013)
        if bubble.task_id:
            self.task_ids.add(bubble.task_id)
        notes = [note for member in reached if (note := self._show(member, replace(bubble), body))]
        invalid = [n.lower() for n, m in zip(names, found, strict=True) if m is None or not m.visible]
        answer: Answer = {"msgid": self._next_id(), NOTE: "、".join(notes)}
        if invalid:
            answer["invaliduser"] = "|".join(invalid)
        if bubble.task_id:
            answer["response_code"] = secrets.token_urlsafe(32)
        return answer

    def _show(self, member: Member, bubble: Bubble, body: Body) -> str:
        now = self.clock.now()
        if body.get("enable_duplicate_check") == 1:
            interval = timedelta(seconds=int(body.get("duplicate_check_interval", 1800)))
            if bubble.text in member.shown and now - member.shown[bubble.text] < interval:
                return "已去重"
            member.shown[bubble.text] = now
        if not _within(member.taken_at, now, self.limits.member_a_minute):
            return f"一分钟超过 {self.limits.member_a_minute} 条，丢弃"
        member.bubbles.append(bubble)
        if member.phone is not None:
            member.phone.bubbles.append(bubble)
            member.phone.lock_lines.append(f"企业微信「{self.name}」{bubble.headline}")
        return ""

    def _bubble(self, body: Body) -> Bubble:
        part = body.get(str(body.get("msgtype")))
        match body.get("msgtype"), part:
            case "text", {"content": str(content)} if content:
                words = content.encode()[: self.limits.text_bytes].decode(errors="ignore")
                return Bubble(self.clock.now(), "account", "work_text", words)
            case "text", _:
                raise Refused(44004)
            case "template_card", {"card_type": "button_interaction"}:
                return self._card(part)
        raise Refused(40008, note=f"msgtype {body.get('msgtype') or '没有'}")

    def _card(self, card: Any) -> Bubble:
        task_id = str(card.get("task_id", ""))
        if not _TASK_ID.fullmatch(task_id):
            raise Refused(40058, "template_card.task_id", "task_id 不合要求")
        if task_id in self.task_ids:
            raise Refused(42014)
        title = str((card.get("main_title") or {}).get("title") or "")
        if not title:
            raise Refused(40058, "template_card.main_title", "卡片没有标题")
        fields = _pairs(card, "horizontal_content_list", "keyname", "value", least=0)
        buttons = _pairs(card, "button_list", "key", "text", least=1)
        if len(dict(buttons)) < len(buttons) or any(len(key.encode()) > 1024 for key, _ in buttons):
            raise Refused(40058, "template_card.button_list", "按钮 key 重复或太长")
        action = card.get("card_action") or {}
        url = str(action.get("url") or "") if action.get("type") == 1 else ""
        return Bubble(
            self.clock.now(),
            "account",
            "work_card",
            title=title,
            fields=fields,
            url=url,
            choices=buttons,
            task_id=task_id,
        )

    def webhook_send(self, query: Body, body: Body) -> Answer:
        """A robot's text. 93000 (no such key), 45009 (the 21st in a minute), 40008, 44004, 40058 (too long)."""
        group = self.groups.get(str(query.get("key", "")))
        if group is None:
            raise Refused(93000)
        text = body.get("text")
        if body.get("msgtype") != "text" or not isinstance(text, Mapping):
            raise Refused(40008)
        words = str(text.get("content") or "")
        if not words:
            raise Refused(44004)
        if len(words.encode()) > self.limits.text_bytes:
            raise Refused(40058, "text.content exceed max length", "太长")
        now = self.clock.now()
        if not _within(group.taken_at, now, self.limits.robot_a_minute):
            raise Refused(45009)
        group.posts.append(Post(now, words, "@all" in (text.get("mentioned_list") or [])))
        return {NOTE: group.name}

    def _next_id(self) -> str:
        self._counter += 1
        return f"{7_100_000_000_000_000_000 + self._counter}"


def refuse(refusal: Refused) -> tuple[str, Answer]:
    """What our log says of a refusal; and as WeCom writes it, with a hint that differs each time."""
    code = refusal.errcode
    words, told = WORK_ERRORS.get(code, ("unknown error", "其他错误"))
    more = f"more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
    parts = (words, refusal.detail, f"hint: [{secrets.token_hex(8)}]", more)
    return told, {"errcode": code, "errmsg": ", ".join(part for part in parts if part)}


def _within(taken_at: list[datetime], now: datetime, most: int) -> bool:
    """Whether one more fits into this minute; it is then counted."""
    taken_at[:] = [at for at in taken_at if now - at < MINUTE]
    if len(taken_at) >= most:
        return False
    taken_at.append(now)
    return True


def _pairs(card: Any, name: str, first: str, second: str, *, least: int) -> tuple[tuple[str, str], ...]:
    entries = card.get(name) or []
    pairs = tuple((str(e.get(first) or ""), str(e.get(second) or "")) for e in entries)
    if not least <= len(pairs) <= 6 or not all(one and other for one, other in pairs):
        raise Refused(40058, f"template_card.{name}", f"{name} 个数不对或有空的")
    return pairs
