"""The window through which an account may write to a person, as arithmetic on a ledger row.

WeChat opens it when the person acts, and every action opens it anew: a message for 48 hours and 5
messages, a menu tap, a follow or a scan for 1 minute and 3 messages (WeChat: 客服消息; the numbers are
settings). The ledger is ours: the platform can not be asked, it only refuses (45015, 45047).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.messages.models import Contact
from app.settings import Settings


@dataclass(frozen=True)
class Limits:
    message_count: int
    message_span: timedelta
    tap_count: int
    tap_span: timedelta
    reserve: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            message_count=settings.wechat_window_messages,
            message_span=timedelta(hours=settings.wechat_window_hours),
            tap_count=settings.wechat_tap_messages,
            tap_span=timedelta(seconds=settings.wechat_tap_seconds),
            reserve=settings.wechat_window_reserve,
        )


def opened_by_message(contact: Contact, at: datetime, limits: Limits) -> None:
    _open(contact, "message", limits.message_count, at + limits.message_span)


def opened_by_tap(contact: Contact, at: datetime, limits: Limits) -> None:
    """A tap, follow or scan; it never narrows a window that a message has opened wider."""
    until = at + limits.tap_span
    if contact.window_until is None or contact.window_until <= at or not contact.window_left:
        _open(contact, "tap", limits.tap_count, until)
    elif contact.window_opened_by == "tap":
        _open(contact, "tap", max(limits.tap_count, contact.window_left), until)


def _open(contact: Contact, by: str, count: int, until: datetime) -> None:
    contact.window_opened_by, contact.window_left, contact.window_until = by, count, until


class Window(Protocol):
    """The part of a contact that is its window."""

    window_opened_by: str | None
    window_left: int
    window_until: datetime | None


def may_write(contact: Window, now: datetime, limits: Limits, *, urgent: bool) -> bool:
    """Whether a message may go now; what is not urgent leaves the reserve of a 48-hour window alone."""
    if contact.window_until is None or contact.window_until <= now:
        return False
    kept = limits.reserve if contact.window_opened_by == "message" and not urgent else 0
    return contact.window_left > kept


def spend(contact: Window) -> None:
    contact.window_left = max(0, contact.window_left - 1)


def shut(contact: Contact) -> None:
    """The platform says that our ledger was wrong."""
    contact.window_left = 0


def left(contact: Window, now: datetime) -> tuple[int, datetime] | None:
    """How many messages may still go, and until when ("可回复至 周四 14:05，余 3 条"); None: the window is shut."""
    if contact.window_until is None or contact.window_until <= now or contact.window_left <= 0:
        return None
    return contact.window_left, contact.window_until
