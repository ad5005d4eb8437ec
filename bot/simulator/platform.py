"""The WeChat platform in a box: its state, and what people do on their phones.

The web page and the tests drive the same object, in process or over HTTP, so that the two cannot drift.
What the bot asks of the platform is in `services.py`; how it travels is in `api.py` and `callbacks.py`.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import httpx

from app.clock import Clock, local
from bot.simulator.callbacks import BROKEN, Door, Fields, Reply, write_xml
from bot.simulator.state import (
    DEMO_APP_ID,
    DEMO_TEMPLATES,
    Account,
    Bubble,
    Call,
    ConditionalMenu,
    Delivery,
    Fault,
    Limits,
    Pages,
    QrCode,
    RealAccountError,
    Refused,
    Template,
    User,
    Window,
)
from bot.simulator.tokens import TokenShop
from bot.simulator.wecom import WorkPlatform

BEIJING = "Asia/Shanghai"
LOG_LINES = 2000
UNREADABLE = {
    "voice": ("语音", {"MediaId": "media_voice", "Format": "amr", "Recognition": ""}),
    "image": ("图片", {"MediaId": "media_image", "PicUrl": "http://mmbiz.qpic.cn/box/image.jpg"}),
    "video": ("视频", {"MediaId": "media_video", "ThumbMediaId": "media_thumb"}),
    "shortvideo": ("小视频", {"MediaId": "media_video", "ThumbMediaId": "media_thumb"}),
    "location": (
        "位置",
        {"Location_X": "29.86", "Location_Y": "121.54", "Scale": "15", "Label": "某街道"},
    ),
    "link": ("链接", {"Title": "一篇文章", "Description": "", "Url": "http://mp.weixin.qq.com/s/box"}),
}
DEFAULT_MENU: list[dict[str, Any]] = [
    {"type": "click", "name": "我的活动", "key": "activities"},
    {"type": "click", "name": "今天心情", "key": "mood"},
    {"type": "click", "name": "帮助", "key": "help"},
]


class Platform:
    """One demo account, its users, its rules.

    `door` reaches the bot (base_url); `answer_limit` and `retry_pauses` are real seconds, everything else
    follows `clock`. RealAccountError for any app id but the demo's.
    """

    def __init__(
        self,
        account: Account,
        clock: Clock,
        *,
        door: httpx.AsyncClient,
        door_path: str = "/wechat",
        answer_limit: float = 5.0,
        retry_pauses: Sequence[float] = (0.0, 0.0),
        templates: Mapping[str, Template] | None = None,
        name: str = "生活小站",
        work: WorkPlatform | None = None,
    ) -> None:
        if account.app_id != DEMO_APP_ID:
            raise RealAccountError(
                f"微信模拟器只能用演示账号 {DEMO_APP_ID}，不能和真实的 AppID（{account.app_id}）一起启动。"
                "请去掉 TONGXING_WECHAT_APP_ID，或者不要启动模拟器。"
            )
        self.account, self.clock, self.name = account, clock, name
        self.templates: dict[str, Template] = dict(DEMO_TEMPLATES if templates is None else templates)
        self.limits = Limits()
        self.tokens = TokenShop(account, clock)
        self.users: dict[str, User] = {}
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.qr_codes: list[QrCode] = []
        self.menu: list[dict[str, Any]] = list(DEFAULT_MENU)
        self.conditional_menus: list[ConditionalMenu] = []
        self.tags: dict[int, str] = {2: "星标组"}  # every account has it
        self.last_tag_id = 99
        self.media: set[str] = set()
        self.sent_ids: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.oauth_codes: dict[str, tuple[str, datetime, bool]] = {}
        self.pages = Pages()
        self.bad_signature_next = self.hold_next = False
        self.deliver_next, self.receipt_status = 1, "success"
        self._door = Door(account, clock, door, door_path, answer_limit, retry_pauses)
        self._answer_limit = answer_limit
        self._used: dict[tuple[str, str], int] = {}
        self._spent: set[tuple[str, str]] = set()
        self._held: list[tuple[User, Fields, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = 24_000_000_000_000_000
        self.work = work
        if work is not None:
            work.host = self

    # People and their phones

    def add_user(self, openid: str, name: str = "", role: str = "", *, following: bool = False) -> User:
        """A new phone, or the one that has this openid already (its name and role are then updated)."""
        user = self.users.setdefault(openid, User(openid, name or openid, following=following))
        user.name, user.role = name or user.name, role or user.role
        return user

    def user(self, openid: str) -> User:
        """The person behind `openid`; a stranger becomes a follower, as somebody who writes must be one."""
        return self.users.get(openid) or self.add_user(openid, following=True)

    async def message(self, openid: str, content: str, *, menu_id: str | None = None, deliveries: int = 1) -> Delivery:
        """A text, or (`menu_id`) a tap on a msgmenu, which opens only the short window.

        `deliveries` > 1: the same MsgId comes again although it was answered.
        """
        fields: dict[str, str | int] = {"MsgType": "text", "Content": content}
        if menu_id is not None:
            fields["bizmsgmenuid"] = menu_id
        opens = "message" if menu_id is None else "tap"
        return await self._say(self.user(openid), content, fields, opens, deliveries)

    async def unreadable(self, openid: str, kind: str) -> Delivery:
        """Something that is not text: voice, image, video, shortvideo, location, link or any other kind."""
        label, extra = UNREADABLE.get(kind, (kind, {"MediaId": f"media_{kind}"}))
        return await self._say(self.user(openid), f"[{label}]", {"MsgType": kind, **extra}, "message", 1)

    async def follow(self, openid: str, scene: str | None = None) -> Delivery:
        user = self.add_user(openid)
        if scene is not None:
            return await self.scan(openid, scene)
        return await self._follow(user, "", {})

    async def unfollow(self, openid: str) -> Delivery:
        user = self.user(openid)
        if not user.following:
            return Delivery(error="本来就没有关注")
        user.following = False
        user.windows.clear()
        user.consents.clear()
        user.tags.clear()
        self.show(user, Bubble(self.clock.now(), "system", "system", "已取消关注"))
        return await self._deliver(user, _event("unsubscribe"), shows_failure=False)

    async def scan(self, openid: str, scene: str) -> Delivery:
        """Scan the QR code that carries `scene`; somebody who does not follow yet follows by it."""
        user = self.add_user(openid)
        now = self.clock.now()
        code = next((c for c in self.qr_codes if c.scene_str == scene and c.valid(now)), None)
        if code is None:
            self.show(user, Bubble(now, "system", "system", "二维码已过期或不存在"))
            return Delivery(error="二维码已过期或不存在")
        code.scans += 1
        if not user.following:
            return await self._follow(user, f"qrscene_{scene}", {"Ticket": code.ticket})
        self.open_window(user, "tap")
        return await self._deliver(user, _event("SCAN", scene, Ticket=code.ticket))

    async def click(self, openid: str, key: str) -> Delivery:
        user = self.user(openid)
        if not user.following:
            return self._stranger(user)
        self.open_window(user, "tap")
        return await self._deliver(user, _event("CLICK", key))

    async def view(self, openid: str, url: str) -> Delivery:
        user = self.user(openid)
        if not user.following:
            return self._stranger(user)
        return await self._deliver(user, _event("VIEW", url), shows_failure=False)

    async def accept_subscription(self, openid: str, template_id: str, *, accept: bool = True) -> Delivery:
        """The answer in a one-time subscription pop-up: an accept is worth one send."""
        user = self.user(openid)
        if accept:
            user.consents[template_id] = user.consents.get(template_id, 0) + 1
        status = "accept" if accept else "reject"
        item: Fields = {"TemplateId": template_id, "SubscribeStatusString": status, "PopupScene": 2}
        fields: Fields = {
            **_event("subscribe_msg_popup_event"),
            "SubscribeMsgPopupEvent": {"List": item},
        }
        return await self._deliver(user, fields, shows_failure=False)

    async def send_callback(self, openid: str, fields: Fields) -> Delivery:
        """Any callback; ToUserName, FromUserName, CreateTime and (not for events) MsgId are filled in."""
        return await self._deliver(self.user(openid), fields)

    # Breaking things

    def break_next(
        self,
        path: str,
        *,
        errcode: int | None = None,
        latency: float = 0.0,
        drop: bool = False,
        lose_answer: bool = False,
        times: int | None = 1,
    ) -> None:
        """The next `times` requests on `path` go wrong; see Fault."""
        self.faults.append(Fault(path, errcode, latency, drop, lose_answer, times))

    def take_fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path == path or (path != "door" and fnmatchcase(path, fault.path)):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def expire_token(self, errcode: int = 42001) -> None:
        self.tokens.spoil(errcode)

    def use_up_quota(self, path: str) -> None:
        """45009 on `path` until 00:00 in Beijing."""
        self._spent.add((path, self._day()))

    def mend(self) -> None:
        """Take back every fault and every used-up quota."""
        self.faults.clear()
        self._spent.clear()
        self.bad_signature_next, self.hold_next, self.deliver_next = False, False, 1
        self.receipt_status = "success"

    def count(self, path: str) -> str:
        """Count one accepted call; what the log says about today's quota."""
        key = (path, self._day())
        self._used[key] = self._used.get(key, 0) + 1
        limit = self.limits.daily.get(path)
        return f"今日 {self._used[key]}/{limit}" if limit else ""

    def check_quota(self, path: str) -> None:
        key = (path, self._day())
        limit = self.limits.daily.get(path)
        if key in self._spent or (limit is not None and self._used.get(key, 0) >= limit):
            raise Refused(45009, note="今天的额度用完，北京时间 0 点恢复")

    def today(self) -> str:
        return self._day()

    def _day(self) -> str:
        return local(self.clock.now(), BEIJING).date().isoformat()

    # What appears on phones, and what is told later

    def show(self, user: User, bubble: Bubble) -> None:
        user.bubbles.append(bubble)
        if bubble.who == "account":
            user.lock_lines.append(f"微信「{self.name}」{bubble.headline}")

    def open_window(self, user: User, kind: str) -> None:
        count, seconds = (
            (self.limits.message_count, self.limits.message_seconds)
            if kind == "message"
            else (self.limits.tap_count, self.limits.tap_seconds)
        )
        user.windows[kind] = Window(self.clock.now() + timedelta(seconds=seconds), count)

    def next_tag_id(self) -> int:
        self.last_tag_id += 1
        return self.last_tag_id

    def next_id(self) -> int:
        self._counter += 1
        return self._counter

    def log(self, call: Call) -> Call:
        self.calls.append(call)
        del self.calls[:-LOG_LINES]
        return call

    def tell_later(self, user: User, fields: Fields) -> None:
        """Post a receipt once the request that caused it has been answered."""

        async def tell() -> None:
            await self._deliver(user, fields, shows_failure=False)

        self._start(tell())

    async def settle(self) -> None:
        """Wait until held callbacks and receipts are with the door, and (one answer limit) late answers."""
        await self._release()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        late = self._door.late | (self.work.door.late if self.work is not None else set())
        if late:
            await asyncio.wait(late, timeout=self._answer_limit)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Inside

    def _stranger(self, user: User) -> Delivery:
        words = f"还没有关注「{self.name}」，发不出去"
        self.show(user, Bubble(self.clock.now(), "system", "system", words))
        return Delivery(error=words)

    async def _say(
        self, user: User, words: str, fields: Mapping[str, str | int], opens: str, deliveries: int
    ) -> Delivery:
        if not user.following:
            return self._stranger(user)
        self.show(user, Bubble(self.clock.now(), "me", str(fields["MsgType"]), words))
        self.open_window(user, opens)
        return await self._deliver(user, fields, deliveries=deliveries)

    async def _follow(self, user: User, event_key: str, extra: Mapping[str, str]) -> Delivery:
        user.following, user.followed_at = True, self.clock.now()
        user.scene = event_key.removeprefix("qrscene_")
        self.open_window(user, "tap")
        return await self._deliver(user, _event("subscribe", event_key, **extra))

    async def _deliver(
        self, user: User, fields: Fields, *, deliveries: int = 1, shows_failure: bool = True
    ) -> Delivery:
        full: dict[str, Any] = {
            "ToUserName": self._door.account_id,
            "FromUserName": user.openid,
            "CreateTime": int(self.clock.now().timestamp()),
            **fields,
        }
        if full.get("MsgType") != "event":
            full.setdefault("MsgId", self.next_id())
        if self.hold_next and shows_failure:
            self.hold_next = False
            self._held.append((user, full, deliveries))
            return Delivery(error="扣下了，下一条之后再送")
        if shows_failure and self.deliver_next > 1:
            deliveries, self.deliver_next = self.deliver_next, 1
        delivery = await self._post(user, full, shows_failure=shows_failure)
        for _ in range(deliveries - 1):
            again = await self._post(user, full, shows_failure=shows_failure, again=True)
            delivery.attempts += again.attempts
            delivery.statuses += again.statuses
            delivery.replies += again.replies
            delivery.seconds += again.seconds
        await self._release()
        return delivery

    async def _release(self) -> None:
        held, self._held = self._held, []
        for user, fields, deliveries in held:
            for index in range(deliveries):
                await self._post(user, fields, again=index > 0, shows_failure=True)

    async def _post(self, user: User, fields: Fields, *, shows_failure: bool, again: bool = False) -> Delivery:
        forge, self.bad_signature_next = self.bad_signature_next, False
        summary = _summary(fields) + ("（同一条再来一次）" if again else "") + ("（签名错）" if forge else "")
        call = self.log(Call(self.clock.now(), "入", str(fields["MsgType"]), user.name, summary))
        delivery, reply = await self._door.deliver(
            user.openid, write_xml(fields), fault=lambda: self.take_fault("door"), forge=forge
        )
        call.ok = delivery.error is None
        resent = f" · 重发 {delivery.attempts - 1} 次" if delivery.attempts > 1 else ""
        answered = f"{'被动回复' if reply else 'success'} {delivery.seconds:.2f} s"
        call.result = (delivery.error or answered) + resent
        if delivery.error is not None and shows_failure:
            self.show(user, Bubble(self.clock.now(), "system", "system", BROKEN))
        elif reply is not None and not again:
            self.show(user, self._passive(reply))
        return delivery

    def _passive(self, reply: Reply) -> Bubble:
        now = self.clock.now()
        return Bubble(now, "account", reply.kind, reply.text, title=reply.title, url=reply.url)


def _event(name: str, key: str | None = None, **extra: str) -> dict[str, str | int]:
    keyed = {} if key is None else {"EventKey": key}
    return {"MsgType": "event", "Event": name, **keyed, **extra}


def _summary(fields: Fields) -> str:
    if fields.get("MsgType") == "event":
        extra = fields.get("EventKey") or fields.get("Status") or ""
        return f"{fields.get('Event')} {extra}".strip()
    return f"「{fields['Content']}」" if "Content" in fields else f"[{fields['MsgType']}]"


def new_ticket() -> str:
    return secrets.token_urlsafe(48)
