"""A life without a death, and then the same life once for each point of it, with a death at that point."""

import asyncio
import os
import pickle
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.db import Database
from app.escalations import log
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import State
from app.settings import Settings
from app.vault import Vault
from tests.crash.life import LIFE, live, opened
from tests.crash.shelves import Shelf
from tests.crash.world import Scene, World, scene_of
from tests.crash.warm import REHEARSAL
from tests.line import open_line
from tests.processes import PROCESSES

# What differs from run to run: the time, and links, which have it sealed in.
PASSING = re.compile(r"https?://\S+|\d")


@dataclass(frozen=True)
class Ending:
    """What there is in the end: what each person was shown, what the log of the case says, and the rows of the rest."""

    shown: Counter[tuple[str, str]]
    log: tuple[tuple[Any, ...], ...]
    rows: tuple[tuple[Any, ...], ...]
    state: State
    replays: bool

    @classmethod
    async def of(cls, world: World, settings: Settings) -> "Ending":
        shown = Counter(
            (user.name, PASSING.sub("", f"{bubble.kind}: {bubble.text}"))
            for user in world.platform.users.values() for bubble in user.bubbles if bubble.who != "me"
        )  # fmt: skip
        db = Database(world.shelf.url, Vault(settings.secret_key.get_secret_value()))
        async with db.read() as session:
            row = (await session.scalars(select(CaseRow))).one()
            timeline = await escalations.timeline(session, row)
        await db.close()
        return cls(
            shown,
            tuple((entry.kind, entry.actor_id, str(entry.detail)) for entry in timeline),
            (
                *world.select("'outbox', key, kind, person_id FROM outbox ORDER BY key"),
                *world.select("'task', kind, reason FROM task ORDER BY id"),
                *world.select("'flag', rule FROM flag ORDER BY id"),
                *world.select("'inbox', kind, count(*) FROM inbox GROUP BY kind ORDER BY kind"),
            ),
            row.state,
            log.replay(timeline) == escalations._read(row),
        )


@dataclass(frozen=True)
class Death:
    """What came of a death, held against the life without one; `wrong` in words, nothing if all is well."""

    step: str
    point: str
    died: bool
    repeated: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    wrong: str = ""


@dataclass(frozen=True)
class Unharmed:
    """The life in which nobody dies: a scene for the beginning of each step, the points that each step passes."""

    scenes: tuple[Scene, ...]
    points: tuple[tuple[str, ...], ...]
    ending: Ending


async def unharmed(settings: Settings, shelf: Shelf) -> Unharmed:
    async with opened(settings, shelf) as story:
        pass
    shelf.keep("scene_0")
    scenes, points = [scene_of("scene_0", story.platform)], []
    async with open_line() as line:
        for n, step in enumerate(LIFE, start=1):
            world = World.open(settings, shelf, line, scenes[-1])
            await live(world.book, world, [step])
            points.append(tuple(await world.passed()))
            await world.close()
            scenes.append(world.scene(f"scene_{n}"))
        return Unharmed(tuple(scenes[:-1]), tuple(points), await Ending.of(world, settings))


async def death(settings: Settings, shelf: Shelf, n: int, scene: Scene, point: str, expected: Ending) -> Death:
    """The life from step `n` on, with a death at this point of the step."""
    async with open_line() as line:
        world = World.open(settings, shelf, line, scene, point)
        step = LIFE[n]
        try:
            await live(world.book, world, LIFE[n:])
            ending = await Ending.of(world, settings)
        except Exception as error:
            return Death(step.name, point, bool(world.keeper.deaths), wrong=f"{type(error).__name__}: {error}")
        finally:
            await world.close()
    skipped, repeated = expected.shown - ending.shown, ending.shown - expected.shown
    wrong = ""
    if ending.state is not State.RESOLVED or not ending.replays:
        wrong = f"{ending.state} replays={ending.replays}"
    elif ending.log != expected.log:
        wrong = f"log: {_difference(ending.log, expected.log)}"
    elif ending.rows != expected.rows:
        wrong = f"rows: {_difference(ending.rows, expected.rows)}"
    died = world.keeper.deaths == 1
    return Death(step.name, point, died, tuple(repeated.elements()), tuple(skipped.elements()), wrong)


def _difference(found: Sequence[Any], expected: Sequence[Any]) -> str:
    more, less = Counter(map(str, found)) - Counter(map(str, expected)), Counter(map(str, expected)) - Counter(map(str, found))
    return f"more {list(more)}, less {list(less)}"


def _unharmed(settings: Settings, shelf: Shelf) -> Unharmed:
    return asyncio.run(unharmed(settings, shelf))


def _death(settings: Settings, shelf: Shelf, n: int, scene: Scene, point: str, expected: Ending) -> Death:
    return asyncio.run(death(settings, shelf, n, scene, point, expected))


def _may_rehearse(rehearsal: Path) -> None:
    os.environ[REHEARSAL] = str(rehearsal)


def lay_siege(settings: Settings, shelf: Shelf, wanted: Any = lambda n, point: True, *, at_once: int = 2) -> list[Death]:
    rehearsal = settings.data_dir / "rehearsal"
    rehearsal.write_bytes(pickle.dumps((settings, shelf)))
    with ProcessPoolExecutor(at_once, PROCESSES, initializer=_may_rehearse, initargs=(rehearsal,)) as pool:
        life = pool.submit(_unharmed, settings, shelf).result()
        todo = [
            (n, point) for n, points in enumerate(life.points) for point in points if wanted(n, point)
        ]
        futures = [
            pool.submit(_death, settings, shelf, n, life.scenes[n], point, life.ending) for n, point in todo
        ]
        return [future.result() for future in futures]
