"""`/readyz`: why not, one sentence for each reason. `/healthz` says only that the process is alive."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import migrations, weak_ladders
from app.clock import Clock
from app.db import Database, ident
from app.escalations.checks import Weak
from app.messages import health, window
from app.messages.models import Contact
from app.messages.window import Limits
from app.people import service as people
from app.people.models import Person
from app.settings import Settings
from app.watch import audit
from scheduler.watch import Watch

log = structlog.get_logger()

PATIENCE = 10.0  # seconds
LADDERS_EVERY = timedelta(minutes=1)
# Somebody's cry for help would be heard by nobody.
GRAVE = (Weak.UNREADABLE, Weak.NOBODY)
AWAY = "数据库连不上"
WRONG_TABLES = "数据库的表不是这个版本的：请运行 tongxing migrate"
TROUBLES = {
    "web_silent": "接收消息的程序（serve）一分钟没有动静",
    "worker_silent": "到点做事的程序（worker）一分钟没有动静",
    "bells": "这个进程里到点做事的部分停了",
    "database": "数据库写不进去",
    "audit": "自查出错了：请看日志里的 audit broke",
}
ASLEEP = "这个进程的自查停了"
OVERDUE = "有 {n} 件紧急的事过了时间没有往下叫人"
NOBODY = "没有一条通道叫得到工作人员：请运行 tongxing doctor"


@dataclass
class Readiness:
    """Asked often. The ladders of all houses take some reading, and are looked at once a minute."""

    db: Database
    settings: Settings
    clock: Clock
    watch: Watch
    _ladders: tuple[datetime, list[str]] | None = None

    async def why_not(self) -> list[str]:
        """Every reason why this process cannot be relied on just now; empty: it can."""
        why = [TROUBLES[trouble] for trouble in sorted(self.watch.troubles)]
        if self.watch.is_asleep():
            why.append(ASLEEP)
        try:
            async with asyncio.timeout(PATIENCE), self.db.read() as session:
                connection = await session.connection()
                if await connection.run_sync(migrations.revision_of) != migrations.head():
                    return [*why, WRONG_TABLES]
                return why + await self._inside(session, self.clock.now())
        except Exception as error:
            log.error("not ready", error=type(error).__name__)
            return [AWAY, *why]

    async def _inside(self, session: AsyncSession, now: datetime) -> list[str]:
        why = []
        if n := await audit.red_overdue(session, now):
            why.append(OVERDUE.format(n=n))
        staff = await health.staff_and_contacts(session)
        if staff and not any(is_reached(person, contact, self.settings, now) for person, contact in staff):
            return [*why, NOBODY]
        return why + await self._weak_ladders(session, now)

    async def _weak_ladders(self, session: AsyncSession, now: datetime) -> list[str]:
        if self._ladders is None or not timedelta() <= now - self._ladders[0] < LADDERS_EVERY:
            programme = await people.only_programme(session)
            found = await weak_ladders.in_words(session, ident(programme), now, GRAVE) if programme else []
            self._ladders = (now, found)
        return self._ladders[1]


def is_reached(person: Person, contact: Contact | None, settings: Settings, now: datetime) -> bool:
    """Whether some channel that is set up here leads to this member of staff now."""
    by_wechat = (
        contact is not None and contact.following and not contact.unreachable_because
        and (settings.wechat_template_duty or window.may_write(contact, now, Limits.of(settings), urgent=True))
    )  # fmt: skip
    others = (
        (settings.wecom_corp_id, person.wecom),
        (settings.sms_gateway, person.phone),
        (settings.mail_host, person.mail),
    )
    return bool(by_wechat) or any(channel and address for channel, address in others)
