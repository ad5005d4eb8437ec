"""Bells: APScheduler rings them, and whoever commits something that is due now rings them as well.

A bell only wakes its own task, which works off everything that is due and goes back to sleep. So a ring
costs nothing, rings never pile up, and it does not matter how many processes have bells.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()

Work = Callable[[], Awaitable[int]]


@dataclass
class Bell:
    """`every` is in seconds of real time; `work` answers how much it did, and 0 when nothing is left."""

    name: str
    every: float
    work: Work
    # When the turn that is under way began, on the event loop's own clock.
    _began: float | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def ring(self) -> None:
        self._wake.set()

    async def drain(self) -> int:
        """Work until nothing is due."""
        done = 0
        async with self._busy:
            while n := await self._turn():
                done += n
        return done

    async def _turn(self) -> int:
        self._began = asyncio.get_running_loop().time()
        try:
            return await self.work()
        finally:
            self._began = None

    def hangs(self, patience: float) -> bool:
        """Whether one turn of its work has taken longer than `patience` seconds and is not done yet."""
        return self._began is not None and asyncio.get_running_loop().time() - self._began > patience

    async def keep(self) -> None:
        """Sleep, wake, drain, for ever. An error is logged and the next ring tries again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.drain()
            except Exception as error:
                log.error("bell broke", bell=self.name, error=type(error).__name__, exc_info=True)


class Tower:
    """All the bells of a process."""

    def __init__(self, bells: Iterable[Bell]) -> None:
        self.bells = {bell.name: bell for bell in bells}
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._keepers: list[asyncio.Task[None]] = []

    def start(self, names: Collection[str] | None = None) -> None:
        """Ring all bells from now on, or only those named."""
        for bell in self.bells.values():
            if names is not None and bell.name not in names:
                continue
            self._keepers.append(asyncio.create_task(bell.keep(), name=f"bell {bell.name}"))
            self._scheduler.add_job(
                bell.ring, "interval", seconds=bell.every, id=bell.name, coalesce=True, max_instances=1,
                misfire_grace_time=None,
            )  # fmt: skip
            bell.ring()
        if self._keepers:
            self._scheduler.start()

    async def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()

    def ring(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.bells:
                self.bells[name].ring()

    def hanging(self, patience: float) -> list[str]:
        """The bells that are of no use any more: a turn of their work does not end, or nobody waits for their ring."""
        ended = {keeper.get_name().removeprefix("bell ") for keeper in self._keepers if keeper.done()}
        return [name for name, bell in self.bells.items() if name in ended or bell.hangs(patience)]

    async def settle(self) -> int:
        """Drain every bell until none has anything left to do now."""
        done = 0
        while n := sum([await bell.drain() for bell in self.bells.values()]):
            done += n
        return done
