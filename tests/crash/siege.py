"""A life without a death, and then the same life once for each of its points, with a death at that point."""

import asyncio
import os
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.db import Database
from app.escalations import journal, log
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.settings import Settings
from app.vault import Vault
from tests.crash.life import LIFE, live, opened
from tests.crash.shelves import Shelf
from tests.crash.warm import REHEARSAL
from tests.crash.world import Scene, World, scene_of
from tests.line import open_line
from tests.processes import PROCESSES

AT_ONCE = 2
# What differs from run to run: the time, and links, which have it sealed in.
PASSING = re.compile(r"https?://\S+|\d")
Rows = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Ending:
    """What there is at the end of a step: what each person was shown, what the case's log says, and the other rows."""

    shown: Counter[tuple[str, str]]
    log: Rows
    rows: Rows

    @classmethod
    async def of(cls, world: World, settings: Settings) -> "Ending":
        """AssertionError unless the log of the case says all that it is."""
        shown = Counter(
            (user.name, PASSING.sub("", f"{bubble.kind}: {bubble.text}"))
            for user in world.platform.users.values() for bubble in user.bubbles if bubble.who != "me"
        )  # fmt: skip
        db = Database(world.shelf.url, Vault(settings.secret_key.get_secret_value()))
        async with db.read() as session:
            row = (await session.scalars(select(CaseRow))).one()
            entries = await journal.entries(session, row)
        await db.close()
        assert log.replay(entries) == escalations.as_case(row)
        rows = world.select(
            "'case', state, next_action_at IS NULL FROM cases",
            "'outbox', key, kind, person_id FROM outbox ORDER BY key",
            "'task', kind, reason FROM task ORDER BY id",
            "'flag', rule FROM flag ORDER BY id",
            "'follow-up', reminded, due_at IS NULL FROM follow_up ORDER BY id",
            "'inbox', kind, count(*) FROM inbox GROUP BY kind ORDER BY kind",
        )
        return cls(shown, tuple((entry.kind, entry.actor_id, str(entry.detail)) for entry in entries), tuple(rows))


@dataclass(frozen=True)
class Unharmed:
    """The life in which nobody dies: for each step the scene at its beginning, the points it passes, and its end."""

    scenes: tuple[Scene, ...]
    points: tuple[tuple[str, ...], ...]
    endings: tuple[Ending, ...]


@dataclass(frozen=True)
class Death:
    """What came of a death, held against the life without one. Of `repeated` and `skipped`: whose phone, and what.

    `wrong`: what else is not as it was, in words.
    """

    step: str
    point: str
    died: bool
    repeated: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    wrong: str = ""

    @property
    def harmless(self) -> bool:
        """The ladder went on, nobody was skipped, and no more than one notice was said again."""
        return self.died and not self.skipped and not self.wrong and len(self.repeated) <= 1

    def __str__(self) -> str:
        what = f"repeated {self.repeated}, skipped {self.skipped}, {self.wrong}" if self.died else "nobody died"
        return f"{self.step}, {self.point}: {what}"


@dataclass(frozen=True)
class Run:
    """The life from one step to the end of another, with a death at a point of the first one."""

    begins: int
    ends: int
    scene: Scene
    expected: Ending
    point: str
    without: str | None


@dataclass(frozen=True)
class Siege:
    """A life and the processes that play it again and again, with a death in each."""

    settings: Settings
    shelf: Shelf
    life: Unharmed
    pool: ProcessPoolExecutor

    def deaths(self, only: str = "", *, steps: int = len(LIFE)) -> list[Death]:
        """One at each point; `only` those whose name begins so. `steps`: how many are played after the death's own."""
        points = [(n, point) for n, there in enumerate(self.life.points) for point in there if point.startswith(only)]
        return [begun.result() for begun in [self._begin(n, point, steps) for n, point in points]]

    def death(self, step: str, point: str, *, without: str | None = None) -> Death:
        """One at this point, in a house that lacks a guard; a step later."""
        n = next(n for n, known in enumerate(LIFE) if known.name == step)
        return self._begin(n, point, 1, without).result()

    def _begin(self, n: int, point: str, steps: int, without: str | None = None) -> Future[Death]:
        until = min(n + steps, len(LIFE) - 1)
        run = Run(n, until, self.life.scenes[n], self.life.endings[until], point, without)
        return self.pool.submit(_death, self.settings, self.shelf, run)

    def told(self, deaths: Sequence[Death]) -> str:
        """How much was tried and what came of it, in a line."""
        kinds = Counter(_kind(death.point) for death in deaths)
        tried = ", ".join(f"{kinds[kind]} {kind}" for kind in ("statements", "commits", "calls", "answers"))
        once = sum(len(death.repeated) == 1 for death in deaths)
        more = sum(len(death.repeated) > 1 for death in deaths)
        return (
            f"points: {tried}; died {sum(death.died for death in deaths)} times; a notice repeated: {once}, "
            f"more than one: {more}; skipped: {sum(len(death.skipped) for death in deaths)}"
        )


def _kind(point: str) -> str:
    if "COMMIT" in point:
        return "commits"
    if "answering" in point:
        return "answers"
    return "calls" if point.startswith(("CALL", "ANSWER")) else "statements"


@contextmanager
def besieged(settings: Settings, shelf: Shelf) -> Iterator[Siege]:
    rehearsal = settings.data_dir / "rehearsal"
    rehearsal.write_bytes(pickle.dumps((settings, shelf)))
    pool = ProcessPoolExecutor(AT_ONCE, PROCESSES, initializer=_rehearse, initargs=(rehearsal,))
    try:
        yield Siege(settings, shelf, pool.submit(_unharmed, settings, shelf).result(), pool)
    finally:
        pool.shutdown(cancel_futures=True)


# In the processes of the pool


def _rehearse(rehearsal: Path) -> None:
    """Read where this process forks its houses off."""
    os.environ[REHEARSAL] = str(rehearsal)


def _unharmed(settings: Settings, shelf: Shelf) -> Unharmed:
    return asyncio.run(_without_a_death(settings, shelf))


async def _without_a_death(settings: Settings, shelf: Shelf) -> Unharmed:
    async with opened(settings, shelf) as story:
        pass
    shelf.keep("scene_0")
    scenes, points, endings = [scene_of("scene_0", story.platform)], [], []
    async with open_line() as line:
        for n, step in enumerate(LIFE, start=1):
            world = World.open(settings, shelf, line, scenes[-1])
            try:
                await live(world.book, world, [step])
                points.append(tuple(await world.passed()))
            finally:
                await world.close()
            endings.append(await Ending.of(world, settings))
            scenes.append(world.scene(f"scene_{n}"))
    return Unharmed(tuple(scenes), tuple(points), tuple(endings))


def _death(settings: Settings, shelf: Shelf, run: Run) -> Death:
    return asyncio.run(_with_a_death(settings, shelf, run))


async def _with_a_death(settings: Settings, shelf: Shelf, run: Run) -> Death:
    step = LIFE[run.begins].name
    async with open_line() as line:
        world = World.open(settings, shelf, line, run.scene, dies_at=run.point, without=run.without)
        try:
            await live(world.book, world, LIFE[run.begins : run.ends + 1])
            ending = await Ending.of(world, settings)
        except Exception as error:
            return Death(step, run.point, bool(world.keeper.deaths), wrong=f"{type(error).__name__}: {error}")
        finally:
            await world.close()
    repeated, skipped = ending.shown - run.expected.shown, run.expected.shown - ending.shown
    wrong = _difference(ending.log, run.expected.log) + _difference(ending.rows, run.expected.rows)
    died = world.keeper.deaths == 1
    return Death(step, run.point, died, tuple(repeated.elements()), tuple(skipped.elements()), wrong)


def _difference(found: Rows, expected: Rows) -> str:
    if found == expected:
        return ""
    more, less = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
    return f"more: {list(more)}, less: {list(less)}, or in another order. "
