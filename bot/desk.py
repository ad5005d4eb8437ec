"""The desk behind the door: deliveries that arrive together share one transaction and one commit.

Each has a savepoint of its own, so that one that breaks takes nothing else with it; and if the commit
itself fails, they are handled one by one, so that a bad row cannot refuse its neighbours. What they share is short:
whoever sends alerts waits for it, and with SQLite so does everything else that writes.
"""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

import structlog

from app.clock import Clock
from app.db import Database, is_database_trouble
from bot.conversation.on_page import OnPage
from bot.reception import Reception
from bot.screening import Level, screen
from bot.waiting import Slip, WaitingLine
from bot.wechat import Inbound, Text

log = structlog.get_logger()

MOST_AT_ONCE = 64
SHARED_FOR = 0.1  # seconds after which what is handled is committed, and whoever is next then comes next


class Desk:
    def __init__(self, db: Database, clock: Clock, reception: Reception) -> None:
        self._db = db
        self._clock = clock
        self._reception = reception
        self._slips = WaitingLine()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._task = asyncio.create_task(self._work(), name="desk")

    async def close(self) -> None:
        """Finish what lies on the desk, then stop."""
        if self._task is None:
            return
        await self._slips.join()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def hand_in(self, heard: Inbound | OnPage) -> Slip:
        slip = Slip(heard, asyncio.get_running_loop().create_future(), first=_signals_danger(heard))
        self._slips.put_nowait(slip)
        return slip

    async def put_before_a_person(self, heard: Inbound | OnPage, key: str) -> None:
        """What no program could handle, twice over: a person reads it."""
        async with self._db.begin() as session:
            await self._reception.put_before_a_person(session, heard, key, self._clock.now())

    async def _work(self) -> None:
        while True:
            slips = [await self._slips.get()]
            while not self._slips.empty() and len(slips) < MOST_AT_ONCE:
                slips.append(self._slips.get_nowait())
            handled = len(slips)
            try:
                handled = await self._handle(slips)
                self._slips.put_back(slips[handled:])
            finally:
                for _ in range(handled):
                    self._slips.task_done()

    async def _handle(self, slips: Sequence[Slip]) -> int:
        """Handle the first of these, as many as there is time for in one unit of work; how many."""
        late_already = [slip.late for slip in slips]
        try:
            answers = await self._together(slips)
        except Exception as error:
            if len(slips) == 1:
                _settle(slips[0], error)
                return 1
            log.warning("shared commit failed, handling one by one", n=len(slips), error=type(error).__name__)
            await self._one_by_one(slips)
            return len(slips)
        unheard = []
        for slip, answer, was_late in zip(slips, answers, late_already, strict=False):
            if slip.late and not was_late and isinstance(answer, str):
                unheard.append((slip, answer))
            else:
                _settle(slip, answer)
        for slip, answer in unheard:
            await self._follow_up(slip, answer)
        return len(answers)

    async def _one_by_one(self, slips: Sequence[Slip]) -> None:
        """A bad row refuses only itself; a database that is away is waited for once, not once for each."""
        for at, slip in enumerate(slips):
            await self._handle([slip])
            error = slip.answer.exception()
            if error is not None and is_database_trouble(error):
                for other in slips[at + 1 :]:
                    _settle(other, error)
                return

    async def _follow_up(self, slip: Slip, answer: str) -> None:
        """The door gave up on this one while it was being handled: its answer goes out as a message."""
        try:
            async with self._db.begin() as session:
                await self._reception.say_late(session, slip.heard, self._clock.now())
        except Exception as error:
            # It is stored, and what followed from it happened; only the words of the answer are missing.
            log.error("late answer not sent", kind=type(slip.heard).__name__, error=type(error).__name__)
        _settle(slip, answer)

    async def _together(self, slips: Sequence[Slip]) -> list[str | Exception | None]:
        answers: list[str | Exception | None] = []
        elapsed = asyncio.get_running_loop().time
        async with self._db.begin() as session:
            until = elapsed() + SHARED_FOR
            for slip in slips:
                if answers and elapsed() > until:
                    break
                try:
                    # Alone, it has the unit of work to itself.
                    async with session.begin_nested() if len(slips) > 1 else nullcontext():
                        now = self._clock.now()
                        answers.append(await self._reception.receive(session, slip.heard, now, late=slip.late))
                except Exception as error:
                    if len(slips) == 1:
                        raise
                    answers.append(error)
        return answers


def _signals_danger(heard: Inbound | OnPage) -> bool:
    """What cannot be read goes first as well: it will be put before a person."""
    try:
        return isinstance(heard, Text) and screen(heard.content).level is Level.RED
    except Exception as error:
        log.critical("screening failed at the desk", error=type(error).__name__)
        return True


def _settle(slip: Slip, answer: str | BaseException | None) -> None:
    if slip.answer.done():
        return
    if isinstance(answer, BaseException):
        slip.answer.set_exception(answer)
        # Whoever gave up waiting never asks; the error is logged where it is spooled.
        slip.answer.exception()
    else:
        slip.answer.set_result(answer)
