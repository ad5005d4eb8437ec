"""Time travel for the demo and the tests: the clock goes from one due moment to the next, never past one."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app import agenda
from app.main import SPOOL, Tongxing
from bot.simulator import Upcoming

STUCK = 200
A_STEP = timedelta(seconds=1)


class TimeMachine:
    """Moves the clock of a house that runs in this process, and lets everything happen in its order."""

    def __init__(
        self, house: Tongxing, outside: Callable[[], Awaitable[object]], *, zone: str = "Asia/Shanghai", title: str = ""
    ) -> None:
        self._house = house
        self._outside = outside
        self.zone = zone
        self.title = title

    async def settle(self) -> None:
        """Let everything that is due now happen, receipts from outside included."""
        bells = self._house.tower.bells
        while True:
            await self._outside()
            spooled = await bells[SPOOL].drain()
            at = await self.next_at()
            if not spooled and (at is None or at > self._house.clock.now()):
                return
            for bell in bells.values():
                await bell.drain()

    async def forward_to(self, moment: datetime) -> None:
        clock = self._house.clock
        await self.settle()
        at_same_moment = 0
        while (at := await self.next_at()) is not None and at <= moment:
            at_same_moment = at_same_moment + 1 if at <= clock.now() else 0
            # A row that stays due (its handler breaks) must not stop time for everybody else.
            clock.move_to(at if at_same_moment < STUCK else clock.now() + A_STEP)
            await self.settle()
        clock.move_to(moment)
        await self.settle()

    async def forward(self, **span: float) -> None:
        await self.forward_to(self._house.clock.now() + timedelta(**span))

    async def next_at(self) -> datetime | None:
        return await self._house.works.next_due()

    async def upcoming(self, limit: int = 12) -> list[Upcoming]:
        async with self._house.db.read() as session:
            return [Upcoming(e.at, e.what, e.why) for e in await agenda.entries(session, limit)]
