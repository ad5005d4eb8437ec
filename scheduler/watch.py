"""The watch of a process over itself, the others and the cases: a loop of its own, with none of the bells.

What it finds wrong it tells by the watchman, past the outbox and its ladder, and leaves an alarm where the
database lets it. It works while the database is away, while bells hang, and where there is one process only.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import httpx
import structlog

from app.clock import Clock
from app.db import Database
from app.messages import channels
from app.watch import audit
from app.watch import service as watch
from app.watch.audit import Auditor, Trouble
from app.watch.models import Heartbeat, Role
from bot.watchman import Watchman
from bot.wording import wording
from scheduler import systemd
from scheduler.bells import Tower
from scheduler.heart import Heart, Pulses

log = structlog.get_logger()

CHANNEL = "watch"
ROUND = 10  # seconds
STALE = timedelta(seconds=60)
AUDIT_EVERY = timedelta(seconds=60)
PING_EVERY = timedelta(seconds=60)
LOOK = 15.0  # seconds for the database to answer
HANGS = 300.0  # seconds: no turn of any work takes as long
PING = 10.0  # seconds
FORGET = timedelta(days=1)

BELLS, DATABASE, AUDIT = "bells", "database", "audit"
SILENCE = {Role.WEB: "web_silent", Role.WORKER: "worker_silent"}


class Watch:
    """`nudge` rings the bells of the ladder in this process, whatever became of who rings them otherwise."""

    def __init__(
        self, db: Database, clock: Clock, heart: Heart, tower: Tower, watchman: Watchman, *,
        nudge: Callable[[], None], http: httpx.AsyncClient, ping_url: str = "",
    ) -> None:  # fmt: skip
        self._db, self._clock, self._heart, self._tower = db, clock, heart, tower
        self._watchman, self._nudge = watchman, nudge
        self._http, self._ping_url = http, ping_url
        self.auditor = Auditor()
        self.pulses = Pulses()
        # The last round, on the event loop's own clock.
        self.began_at: float | None = None
        # What is wrong now, by the name of its sentence in the wording.
        self.troubles: set[str] = set()
        self._cases: set[Trouble] = set()
        self._told: dict[str, datetime] = {}
        self._owed: set[str] = set()
        self._last: dict[Role, datetime] = {}
        self._silent: dict[Role, str] = {}
        self._away_since: datetime | None = None
        self._audited_at: datetime | None = None
        self._pinged_at: datetime | None = None

    async def keep(self) -> None:
        """Go on for ever; an error of one round is logged, and the next one begins."""
        systemd.notify(systemd.READY)
        while True:
            try:
                await self.round()
            except Exception as error:
                log.error("watch broke", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(ROUND)

    async def round(self) -> None:
        now = self._clock.now()
        self.began_at = asyncio.get_running_loop().time()
        self.pulses.wake(now)
        await self._own_bells(now)
        beats = await self._look(now)
        await self._database(beats, now)
        if beats is not None:
            await self._others(beats, now)
            if self.pulses.awake_for(now) >= STALE and _is_time(self._audited_at, AUDIT_EVERY, now):
                self._audited_at = now
                await self._audit(now)
        await self._ping(now)
        self.pulses.sleep(self._clock.now())

    def is_asleep(self) -> bool:
        """Whether it has begun, and then no round for too long."""
        return self.began_at is not None and asyncio.get_running_loop().time() - self.began_at > HANGS

    # This process

    async def _own_bells(self, now: datetime) -> None:
        """Only where its bells ring does systemd hear that this process lives: one that hangs is started anew."""
        self.pulses.look(BELLS, {BELLS: self._heart.rings}, now)
        hang = self._tower.hanging(HANGS)
        if hang:
            log.error("bells hang", bells=hang)
        if hang or self.pulses.silent_for(BELLS, now) > STALE:
            self.troubles.add(BELLS)
            await self._tell(BELLS, now)
        else:
            self.troubles.discard(BELLS)
            systemd.notify(systemd.ALIVE)

    async def _look(self, now: datetime) -> list[Heartbeat] | None:
        """Who has beaten; None while the database does not answer."""
        try:
            async with asyncio.timeout(LOOK), self._db.read() as session:
                beats = await watch.beats(session)
        except Exception as error:
            log.error("watch is blind", error=type(error).__name__)
            self._away_since = self._away_since or now
            return None
        if self._away_since is not None:
            # Nobody could beat: they all have as long as after a start.
            self.pulses.start_anew(now)
        return beats

    async def _database(self, beats: list[Heartbeat] | None, now: datetime) -> None:
        """It is away, or our own heart beats and does not get written."""
        mine = set(self._heart.names.values())
        if beats is not None:
            self._away_since = None
            self.pulses.look(DATABASE, {beat.name: beat.at for beat in beats if beat.name in mine}, now)
        away = now - self._away_since if self._away_since else timedelta()
        unwritten = self.pulses.silent_for(DATABASE, now) if BELLS not in self.troubles and beats else timedelta()
        if max(away, unwritten) > STALE:
            self.troubles.add(DATABASE)
            await self._tell(DATABASE, now)
        elif DATABASE in self.troubles and beats is not None and self.pulses.has_moved(DATABASE):
            self.troubles.discard(DATABASE)
            await self._say("watch.database_back", now)

    # The other processes

    async def _others(self, beats: Sequence[Heartbeat], now: datetime) -> None:
        """Each role that this process does not have itself must be seen to beat."""
        for role in Role:
            if role in self._heart.names or not self._heart.names:
                continue
            what = SILENCE[role]
            theirs = {beat.name: beat.at for beat in beats if beat.role is role}
            self.pulses.look(what, theirs, now)
            if theirs:
                self._last[role] = max(theirs.values())
            if self.pulses.silent_for(what, now) > STALE:
                # By its last beat every process that watches knows the same silence.
                last = self._last.get(role, now.replace(minute=0, second=0, microsecond=0))
                code = self._silent.setdefault(role, f"{last:%Y%m%d%H%M%S}")
                self.troubles.add(what)
                await self._tell(what, now, codes=(code,), once_a="")
            elif role in self._silent and self.pulses.has_moved(what):
                self.troubles.discard(what)
                async with asyncio.timeout(LOOK), self._db.begin() as session:
                    first = await channels.alarm_is_over(session, CHANNEL, what, now, code=self._silent[role])
                del self._silent[role]
                if first:
                    await self._say(f"watch.{role.value}_back", now)

    # The cases

    async def _audit(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(LOOK), self._db.read() as session:
                found = await self.auditor.audit(session, now)
            if found:
                async with asyncio.timeout(LOOK), self._db.begin() as session:
                    await audit.mend(session, [one.code for one in found], now)
                self._nudge()
        except Exception as error:
            log.error("audit broke", error=type(error).__name__, exc_info=True)
            self.troubles.add(AUDIT)
            await self._tell(AUDIT, now)
            return
        self.troubles.discard(AUDIT)
        self._cases = {one.trouble for one in found}
        for trouble, ones in groupby(sorted(found, key=lambda one: one.trouble), key=lambda one: one.trouble):
            await self._tell(trouble.value, now, codes=tuple(one.code for one in ones))

    # Telling

    async def _tell(
        self, what: str, now: datetime, *, codes: tuple[str, ...] = ("",), once_a: str = channels.HOUR
    ) -> None:
        """Say it once for each code and hour (`once_a` "": once for each code), by whichever process is the first.

        What no way takes is given back: the next round tries again, and so does whoever mails alarms.
        """
        self._told = {key: at for key, at in self._told.items() if at > now - FORGET}
        keys = {code: channels.alarm_key(CHANNEL, what, now, code=code, once_a=once_a) for code in codes}
        claimed = await self._claimed(what, {c: key for c, key in keys.items() if key not in self._told}, now, once_a)
        if not claimed:
            return
        mine = [keys[code] for code in claimed]
        if not self._watchman.ways or await self._say(f"watch.{what}", now, codes="、".join(claimed)):
            self._told |= dict.fromkeys(mine, now)
            self._owed -= set(mine)
            return
        self._owed |= set(mine)
        if numbers := [number for number in claimed.values() if number is not None]:
            async with asyncio.timeout(LOOK), self._db.begin() as session:
                await channels.untold(session, numbers)

    async def _claimed(
        self, what: str, keys: Mapping[str, str], now: datetime, once_a: str
    ) -> dict[str, int | None]:  # fmt: skip
        """Those codes that are ours to tell, with their alarms; all of them where the database is away."""
        if not keys or self._away_since is not None:
            return dict.fromkeys(keys)
        claimed: dict[str, int | None] = {}
        try:
            async with asyncio.timeout(LOOK), self._db.begin() as session:
                for code, key in keys.items():
                    about = code if once_a and code else None
                    number = await channels.claim_alarm(
                        session, CHANNEL, what, now, code=code, detail=about, once_a=once_a
                    )
                    if number is not None or key in self._owed:
                        claimed[code] = number
        except Exception as error:
            log.error("alarm not kept", what=what, error=type(error).__name__)
            return dict.fromkeys(keys)
        return claimed

    async def _say(self, key: str, now: datetime, **data: str) -> bool:
        way = await self._watchman.tell(wording().say(key, **data), now)
        log.critical("watch told", what=key, way=way)
        return way is not None

    # The outside

    async def _ping(self, now: datetime) -> None:
        """Once a minute, and only while all is well: whoever misses it knows, even when this machine is gone."""
        if not self._ping_url or Role.WEB not in self._heart.names or not _is_time(self._pinged_at, PING_EVERY, now):
            return
        if not await self._all_is_well(now):
            return
        try:
            answer = await self._http.get(self._ping_url, timeout=PING)
        except Exception as error:
            log.warning("outside not reached", error=type(error).__name__)
            return
        if answer.is_success:
            self._pinged_at = now
        else:
            log.warning("outside not reached", status=answer.status_code)

    async def _all_is_well(self, now: datetime) -> bool:
        """Known to be well, not only not known to be ill: everything was seen to move since we are awake."""
        others = [what for role, what in SILENCE.items() if role not in self._heart.names]
        if self.troubles or self._cases or not all(map(self.pulses.has_moved, (BELLS, DATABASE, *others))):
            return False
        try:
            async with asyncio.timeout(LOOK), self._db.read() as session:
                return not await audit.red_overdue(session, now)
        except Exception as error:
            log.error("watch is blind", error=type(error).__name__)
            return False


def _is_time(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or not timedelta() <= now - last < every
