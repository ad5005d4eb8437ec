"""The heartbeat of this process, and how another one's is judged."""

import asyncio
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from app.clock import Clock
from app.db import Database
from app.watch import service as watch
from app.watch.models import Role

log = structlog.get_logger()

EVERY = 10  # seconds
# In time travel a moment takes no time, and one beat in it is enough.
TOO_SOON = timedelta(seconds=5)
GOODBYE = 5.0  # seconds
NAP = timedelta(seconds=30)


class Heart:
    """Beats by a bell, so that it stops when the bells do; `rings` counts what the bell did, database or not."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.rings = 0
        self.names: dict[Role, str] = {}
        self._beaten_at: datetime | None = None

    def start(self, roles: Collection[Role]) -> None:
        """From now on this process has these roles; before, a beat says nothing."""
        self.names = {role: f"{role.value}-{secrets.token_hex(4)}" for role in roles}

    async def beat(self) -> int:
        self.rings += 1
        now = self._clock.now()
        if self.names and (self._beaten_at is None or now - self._beaten_at >= TOO_SOON):
            async with self._db.begin() as session:
                await watch.beat(session, self.names, now)
            self._beaten_at = now
        return 0

    async def stop(self) -> None:
        """Leave in good order: nobody need miss us. Where the database is away, they will."""
        if self._beaten_at is None:
            return
        try:
            async with asyncio.timeout(GOODBYE), self._db.begin() as session:
                await watch.leave(session, self.names.values())
        except Exception as error:
            log.warning("left without a goodbye", error=type(error).__name__)


@dataclass
class Pulses:
    """When things were last seen to move, in time through which we were awake ourselves.

    Judged is whether a value changes, by our own clock: another machine's clock may be wrong. After a pause
    (a suspended machine, a clock that was moved) everybody has as long as after a start.
    """

    since: datetime | None = None
    _asleep_at: datetime | None = None
    _seen: dict[str, dict[str, object]] = field(default_factory=dict)
    _moved: dict[str, datetime] = field(default_factory=dict)

    def wake(self, now: datetime) -> None:
        if self._asleep_at is None or not timedelta() <= now - self._asleep_at <= NAP:
            self.start_anew(now)

    def sleep(self, now: datetime) -> None:
        self._asleep_at = now

    def start_anew(self, now: datetime) -> None:
        self.since = now
        self._moved.clear()

    def look(self, what: str, values: Mapping[str, object], now: datetime) -> None:
        """`what` lives where any of its values is another one than before, or new; one that is gone says nothing."""
        before = self._seen.get(what)
        self._seen[what] = dict(values)
        if before is not None and any(before.get(name) != value for name, value in values.items()):
            self._moved[what] = now

    def has_moved(self, what: str) -> bool:
        return what in self._moved

    def silent_for(self, what: str, now: datetime) -> timedelta:
        return now - self._moved.get(what, self.since or now)

    def awake_for(self, now: datetime) -> timedelta:
        return now - (self.since or now)
