"""The deliverer: claims what is due, sends it, writes down what came of it; over and over, many at a time.

A row is marked `sending` before the call, in the unit of work that claims it. After a crash such a row says:
nobody knows whether this went out. Then the rung decides whether saying it again does more good than harm.

Two of these run side by side: one for what is urgent, with senders of its own, and one for everything else, so
that an alert never stands behind a broadcast. Finished calls are written down together while others are under way.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import due
from app.clock import Clock
from app.db import Database, is_database_trouble
from app.messages import broadcasts, outbox
from app.messages.models import Lane
from app.messages.outbox import Parcel
from bot.channels.settling import Outcome, settle, unsent
from bot.channels.sorting import A_MOMENT, Envelope, Sorted, Sorter
from bot.outside import OutsideError

log = structlog.get_logger()

GATHER_FOR = 0.05  # seconds to wait for more finished calls before they are written down together
LOOK_AGAIN = 0.5  # seconds after which a new row is looked for although no call has ended
FAREWELL = 5.0  # seconds that calls under way have to end when the process is asked to stop
WRITE_TRIES = 20
DOUBT_EVERY = due.LEASE / 2
ABOUT_A_CASE = ("case_note", "case_taken", "case_reminder", "case_follow_up", "case_missed")


class Deliverer:
    def __init__(self, db: Database, clock: Clock, sorter: Sorter, *, senders: int, urgent_senders: int) -> None:
        self._db = db
        self._clock = clock
        self._sorter = sorter
        self._senders = senders
        self._urgent_senders = urgent_senders

    async def drain(self) -> int:
        """Send what is due and can wait for nobody's convenience; how many rows. Several processes may do so."""
        return await _Round(self._db, self._clock, self._sorter, (Lane.NORMAL, Lane.BROADCAST), self._senders).run()

    async def drain_urgent(self) -> int:
        """The same for alerts alone: they wait for no batch of anything else."""
        return await _Round(self._db, self._clock, self._sorter, (Lane.URGENT,), self._urgent_senders).run()


class _Round:
    """One drain: from the first row that is due to the last."""

    def __init__(self, db: Database, clock: Clock, sorter: Sorter, lanes: Sequence[Lane], senders: int) -> None:
        self._db, self._clock, self._sorter = db, clock, sorter
        self._lanes, self._senders = lanes, senders
        self._ready: deque[Envelope] = deque()
        self._crew: set[asyncio.Task[None]] = set()
        self._under_way: dict[int, Envelope] = {}
        self._finished: list[Outcome] = []
        self._writing: list[Outcome] = []
        self._news = asyncio.Event()
        self._step: asyncio.Task[int] | None = None
        self._looked_at: datetime | None = None

    async def run(self) -> int:
        done, more = 0, True
        try:
            while more or self._ready or self._under_way or self._finished:
                room = self._room() if more else 0
                if room or self._finished:
                    wrote = bool(self._finished)
                    taken = await self._whole(self._turn(room))
                    done += taken
                    # Whoever waited for a message to the same person may go now.
                    more = wrote or (more if not room else taken > 0)
                self._start()
                if self._crew:
                    more |= await self._wait(enough=max(1, self._senders // 8))
        except asyncio.CancelledError:
            back, self._ready = list(self._ready), deque()
            await asyncio.shield(self._wind_up(back))
            raise
        return done

    def _room(self) -> int:
        """How many more rows to claim: as many as keep all senders busy until the next turn, not one by one."""
        room = 2 * self._senders - len(self._ready) - len(self._under_way)
        return room if room >= max(1, self._senders // 8) or not self._under_way else 0

    async def _whole(self, step: Coroutine[Any, Any, int]) -> int:
        """A step that is not broken off in the middle when the process is asked to stop."""
        self._step = asyncio.create_task(step)
        try:
            return await asyncio.shield(self._step)
        finally:
            if self._step.done():
                self._step = None

    async def _turn(self, room: int) -> int:
        """Write down what has ended and claim up to `room` rows, together; how many of them are dealt with."""
        finished, self._finished = self._finished, []
        self._writing = finished
        try:
            async with self._db.begin() as session:
                if finished:
                    await settle(session, finished, self._clock.now())
                taken, sorted_ = await self._take(session, room) if room else (0, Sorted())
        except Exception:
            if not finished:
                raise
            # Whatever is wrong with what was to be claimed: what has ended is written down first, by itself.
            await self._write(finished)
            return 0
        finally:
            self._writing = []
        self._ready.extend(sorted_.send)
        return taken

    async def _take(self, session: AsyncSession, n: int) -> tuple[int, Sorted]:
        """Claim up to `n` rows and decide about them; how many of them are dealt with or on their way."""
        now = self._clock.now()
        stopped = await broadcasts.stopped_among(
            session, {e.parcel.broadcast_id for e in self._ready if e.parcel.broadcast_id}
        )
        if stopped:
            await self._call_back(session, stopped)
        parcels = await outbox.claim(session, now, n, self._lanes, in_doubt_too=self._looks_for_doubt(now))
        if not parcels:
            return 0, Sorted()
        sorted_ = await self._sorter.sort(session, parcels, now)
        mine, others = self._busy_with(sorted_)
        await outbox.put_back(session, mine)
        await outbox.put_back(session, others, now + A_MOMENT)
        return len(parcels) - len(mine), sorted_

    def _looks_for_doubt(self, now: datetime) -> bool:
        """At the beginning of a round and twice a minute: that is as often as leases run out."""
        if self._looked_at is not None and now - self._looked_at < DOUBT_EVERY:
            return False
        self._looked_at = now
        return True

    def _busy_with(self, found: Sorted) -> tuple[list[Parcel], list[Parcel]]:
        """Rows for people to whom a message is on its way: by us (over in a moment), or by somebody else."""
        ours = [*self._ready, *self._under_way.values(), *(o.envelope for o in self._finished), *found.send]
        writing_to = {e.parcel.person_id or -(e.parcel.contact_id or 0) for e in ours}
        mine = [p for p in found.busy if (p.person_id or -(p.contact_id or 0)) in writing_to]
        return mine, [p for p in found.busy if p not in mine]

    async def _call_back(self, session: AsyncSession, stopped: set[int]) -> None:
        back = [e for e in self._ready if e.parcel.broadcast_id in stopped]
        self._ready = deque(e for e in self._ready if e.parcel.broadcast_id not in stopped)
        await unsent(session, back, self._clock.now(), stopped=True)

    def _start(self) -> None:
        """As many senders as there is work for; each goes on while anything may leave."""
        while len(self._crew) < self._senders and (envelope := self._next()) is not None:
            sender = asyncio.create_task(self._send_on(envelope), name="sender")
            self._crew.add(sender)
            sender.add_done_callback(self._leave)

    def _next(self) -> Envelope | None:
        """The first that may leave now; it is under way from here on.

        What follows from a case leaves one after the other where the other side would show it twice: whatever is
        under way when the process dies is said again, and of one case that is one message at the most.
        """
        for at, envelope in enumerate(self._ready):
            case = _one_by_one(envelope)
            if case is None or case not in self._cases_under_way():
                del self._ready[at]
                self._under_way[envelope.parcel.id] = envelope
                return envelope
        return None

    def _cases_under_way(self) -> set[int | None]:
        ended = (outcome.envelope for outcome in (*self._finished, *self._writing))
        return {_one_by_one(envelope) for envelope in (*self._under_way.values(), *ended)}

    def _leave(self, sender: "asyncio.Task[None] | None") -> None:
        if sender is not None:
            self._crew.discard(sender)
        self._news.set()

    async def _send_on(self, first: Envelope) -> None:
        envelope: Envelope | None = first
        try:
            while envelope is not None:
                try:
                    outcome = await _send(envelope, self._clock)
                    self._finished.append(outcome)  # in a line of its own: while we waited, the list was another one
                finally:
                    del self._under_way[envelope.parcel.id]
                    self._news.set()
                envelope = self._next()
        finally:
            # Now, and not when the loop comes to the callback: nobody must wait for a sender that has ended.
            self._leave(asyncio.current_task())

    async def _wait(self, enough: int) -> bool:
        """Until a few calls have ended, or one and nothing more for a moment.

        True: nothing ended for a while. A call that hangs must not keep what falls due meanwhile waiting.
        """
        if not self._finished and self._crew:
            self._news.clear()
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._news.wait()
            except TimeoutError:
                return True
        try:
            async with asyncio.timeout(GATHER_FOR):
                while self._crew and len(self._finished) < enough:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass
        return False

    async def _write(self, outcomes: Sequence[Outcome]) -> int:
        """Write down what came of calls. It must not be lost because the database is away for a moment."""
        for again in range(WRITE_TRIES):
            try:
                async with self._db.begin() as session:
                    await settle(session, outcomes, self._clock.now())
                break
            except Exception as error:
                if is_database_trouble(error) and again + 1 < WRITE_TRIES:
                    await asyncio.sleep(0.05 * (again + 1))
                    continue
                if len(outcomes) > 1:
                    log.warning("writing down one by one", n=len(outcomes), error=type(error).__name__)
                    for outcome in outcomes:
                        await self._write([outcome])
                    break
                row = outcomes[0].envelope.parcel
                log.error("outcome lost", outbox=row.id, kind=row.kind, error=type(error).__name__, exc_info=True)
                break
        return len(outcomes)

    async def _wind_up(self, back: list[Envelope]) -> None:
        """The process stops: what has not left goes back, what is under way gets a moment to end."""
        if self._step is not None:
            await asyncio.wait({self._step})
        back += self._ready  # a turn that was under way may have claimed more
        self._ready.clear()
        if back:
            try:
                async with self._db.begin() as session:
                    await unsent(session, back, self._clock.now())
            except Exception as error:  # their lease brings them back
                log.error("not put back", n=len(back), error=type(error).__name__)
        if self._crew:
            await asyncio.wait(set(self._crew), timeout=FAREWELL)
        for sender in list(self._crew):
            sender.cancel()
        if self._finished:
            await self._write(self._finished)


def _one_by_one(envelope: Envelope) -> int | None:
    """The case whose messages wait for one another; None: this one waits for nobody, as every alert."""
    at_once = envelope.parcel.kind not in ABOUT_A_CASE or envelope.rung.deduplicates
    return None if at_once else envelope.parcel.subject_id


async def _send(envelope: Envelope, clock: Clock) -> Outcome:
    parcel, rung = envelope.parcel, envelope.rung
    try:
        await rung.bucket.take(parcel.lane)
        if clock.now() > envelope.until:
            return Outcome(envelope, in_time=False)
        return Outcome(envelope, sent=True, receipt=await rung.send(parcel, envelope.letter, envelope.to))
    except OutsideError as error:
        log.warning("not sent", rung=rung.name, kind=parcel.kind, errcode=error.errcode, advice=error.advice)
        return Outcome(envelope, error=error)
    except Exception as error:
        log.error("rung broke", rung=rung.name, kind=parcel.kind, error=type(error).__name__, exc_info=True)
        return Outcome(envelope)
