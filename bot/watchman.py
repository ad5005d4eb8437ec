"""The watch's own way out: straight to whoever runs the program, past the outbox, its ladder and the database.

The ways are tried in their order until one takes the message. A robot's group, a mailbox and a phone may show
it on a lock screen: it says numbers of cases and names of programs, never a person's name or a word of theirs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from app.clock import Clock, local
from app.settings import Settings
from bot.wecom.robot import GroupRobot
from bot.wording import wording
from bot.worlds import Worlds

log = structlog.get_logger()

# Seconds for each way, whatever it is waiting for.
PATIENCE = 12.0
SMS_CODE = "SYS"
BEIJING = "Asia/Shanghai"

Say = Callable[[str, datetime], Awaitable[object]]


@dataclass(frozen=True)
class Watchman:
    """`ways` by name, the best first; empty where none is set up."""

    ways: dict[str, Say]

    @classmethod
    def of(cls, settings: Settings, clock: Clock, worlds: Worlds) -> "Watchman":
        """A WeCom robot of the operators, their mail, an SMS to their phone: those that are set up."""
        ways: dict[str, Say] = {}
        if key := settings.operator_robot.get_secret_value():
            robot = GroupRobot(worlds.wecom, clock=clock, timeout=settings.wechat_timeout)
            ways["robot"] = lambda words, _now: robot.post(key, words)
        if (post := worlds.post) and settings.operator_mail:
            ways["mail"] = lambda words, now: post.send(
                settings.operator_mail, wording().say("watch.subject"), words, message_id=f"watch-{_number(now)}"
            )
        if (sms := worlds.sms) and (phone := settings.operator_phone.get_secret_value()):
            ways["sms"] = lambda _words, now: sms.send(
                phone, {"code": SMS_CODE, "time": f"{local(now, BEIJING):%H:%M}"}, reference=f"watch-{_number(now)}"
            )
        return cls(ways)

    async def tell(self, words: str, now: datetime) -> str | None:
        """Say it by the first way that takes it; its name, or None if there is none or none did.

        One whose outcome is unknown counts as not taken: told twice is better than not at all.
        """
        for name, say in self.ways.items():
            try:
                async with asyncio.timeout(PATIENCE):
                    await say(words, now)
            except Exception as error:
                log.error("watch not told", way=name, error=type(error).__name__)
            else:
                return name
        return None


def _number(now: datetime) -> str:
    return f"{now:%Y%m%d%H%M%S%f}"
