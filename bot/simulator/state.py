"""What the platform remembers: the account, the people, their chats, the log of calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from bot.simulator import links

DEMO_APP_ID = "wx_tongxing_demo"


class RealAccountError(Exception):
    """Somebody tried to start the simulator beside a real account."""


class Refused(Exception):  # noqa: N818 - named as the platform would say it
    """The platform answers with `errcode`; `detail` goes into errmsg, `note` (Chinese) into the log."""

    def __init__(self, errcode: int, detail: str = "", note: str = "") -> None:
        super().__init__(errcode, detail)
        self.errcode, self.detail, self.note = errcode, detail, note


@dataclass(frozen=True)
class Account:
    app_id: str
    app_secret: str
    token: str
    encoding_aes_key: str


class Template(TypedDict):
    """A template of the account: its title and, in order, keyword field -> label."""

    title: str
    fields: Mapping[str, str]


DEMO_TEMPLATES: dict[str, Template] = {
    "TPL_ACTIVITY": {
        "title": "活动提醒",
        "fields": {"thing1": "活动名称", "time2": "时间", "thing3": "地点", "thing4": "温馨提示"},
    },
    "TPL_DUTY": {
        "title": "待办提醒",
        "fields": {"character_string1": "编号", "phrase2": "类型", "time3": "时限", "thing4": "提示"},
    },
}


@dataclass
class ConditionalMenu:
    """A personalised menu: those see it to whom `tag_id` was given last."""

    menu_id: int
    buttons: list[dict[str, Any]]
    tag_id: int


@dataclass
class Limits:
    """Every number of the platform that could differ per account."""

    message_count: int = 5
    message_seconds: float = 48 * 3600
    tap_count: int = 3
    tap_seconds: float = 60
    text_bytes: int = 2048
    dedupe_seconds: float = 600
    daily: dict[str, int] = field(
        default_factory=lambda: {
            "message/custom/send": 500_000,
            "message/template/send": 100_000,
            "message/subscribe/bizsend": 100_000,
            "qrcode/create": 100_000,
            "menu/create": 1_000,
            "menu/addconditional": 2_000,
            "menu/delconditional": 2_000,
        }
    )


@dataclass
class Pages:
    """`domain`: 网页授权域名; empty: any, so that a demo works on every port. `cookies`: what one browser has to forget
    when it plays another phone, since every phone has a browser of its own."""

    domain: str = ""
    cookies: tuple[str, ...] = ()


@dataclass
class Bubble:
    """One thing in a chat. `raw` keeps the links a text came with; `text` is what a person reads.

    In WeCom `kind` is work_text or work_card; a card has its `task_id` and, once a button was `pressed` and the
    bot answered, the words that `replaced` the buttons.
    """

    at: datetime
    who: Literal["me", "account", "system"]
    kind: str
    raw: str = ""
    title: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    url: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    tail: str = ""
    task_id: str = ""
    pressed: str = ""
    replaced: str = ""

    @property
    def at_work(self) -> bool:
        return self.kind.startswith("work_")

    @property
    def buttons(self) -> tuple[tuple[str, str], ...]:
        """The (key, words) that a card shows now."""
        return ((self.pressed, self.replaced),) if self.replaced else self.choices

    @property
    def text(self) -> str:
        lines = [self.title, links.visible(self.raw)]
        lines += [f"{label}：{value}" for label, value in self.fields]
        lines += [words for _, words in self.buttons]
        lines += [self.tail]
        return "\n".join(line for line in lines if line)

    @property
    def segments(self) -> list[links.Segment]:
        return links.segments(self.raw)

    @property
    def headline(self) -> str:
        """What a locked phone shows of it: the title, or the first line."""
        return (self.title or self.text).split("\n", 1)[0]


@dataclass
class Window:
    until: datetime
    left: int


@dataclass
class User:
    openid: str
    name: str
    role: str = ""
    userid: str = ""
    following: bool = False
    followed_at: datetime | None = None
    scene: str = ""
    blocks_notices: bool = False
    loses_notices: bool = False
    in_snapshot: bool = False  # pages open in snapshot mode, which does not say who this is
    tags: list[int] = field(default_factory=list)  # in the order in which they were given
    windows: dict[str, Window] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)
    bubbles: list[Bubble] = field(default_factory=list)
    lock_lines: list[str] = field(default_factory=list)

    @property
    def lock_screen(self) -> str:
        return self.lock_lines[-1] if self.lock_lines else ""

    def spend(self, now: datetime) -> None:
        """Use one customer-service message, or Refused 45015 (closed) / 45047 (used up).

        The windows that are open run down together: a new action replenishes, it does not add up.
        """
        opened = [w for w in self.windows.values() if now < w.until]
        if not self.following or not opened:
            raise Refused(45015)
        if all(w.left <= 0 for w in opened):
            raise Refused(45047)
        for window in opened:
            window.left -= 1

    def messages_left(self, now: datetime) -> int:
        return max((w.left for w in self.windows.values() if now < w.until), default=0)


@dataclass
class Call:
    """One line of the log. `direction`: 入 from the platform to the bot, 出 from the bot to the platform."""

    at: datetime
    direction: Literal["入", "出"]
    what: str
    who: str
    summary: str
    result: str = "等答复…"
    ok: bool = True

    @property
    def waiting(self) -> bool:
        return self.result == "等答复…"


@dataclass
class Fault:
    """What goes wrong on `path` (an API path such as `message/custom/send`, a pattern, `*`, or `door`).

    `latency` in seconds; `drop`: nothing arrives and nothing is answered; `after`: it is carried out, the
    answer is lost; `times`: how often (None: until mended).
    """

    path: str
    errcode: int | None = None
    latency: float = 0.0
    drop: bool = False
    after: bool = False
    times: int | None = 1

    def words(self) -> str:
        parts = [f"errcode {self.errcode}"] if self.errcode is not None else []
        parts += [f"慢 {self.latency:g} 秒"] if self.latency else []
        parts += ["不通"] if self.drop else []
        parts += ["做了但答复丢失"] if self.after else []
        return "、".join(parts) or "无"


@dataclass
class QrCode:
    ticket: str
    scene_str: str
    url: str
    expires_at: datetime | None
    scans: int = 0

    @property
    def used(self) -> bool:
        return self.scans > 0

    def valid(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass
class Delivery:
    """How one callback went. `attempts` counts every post to the door; `seconds` is real time.

    `status` is the HTTP status of the last answer, `replies` the passive reply of each answered delivery.
    """

    attempts: int = 0
    statuses: list[int | None] = field(default_factory=list)
    replies: list[str | None] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def status(self) -> int | None:
        return self.statuses[-1] if self.statuses else None

    @property
    def reply_text(self) -> str | None:
        return self.replies[0] if self.replies else None
