"""Read before any house is forked off, so that each is at work at once: what a house reads when it starts, and, where
`REHEARSAL` names the settings and the shelf, a life lived through, so that its statements are compiled."""

import asyncio
import os
import pickle
from pathlib import Path

from app import db
from app.settings import Settings
from bot.discretion import discreet
from bot.screening import screen
from bot.wording import wording
from tests import engines
from tests.crash import house  # noqa: F401 - this is what is forked off
from tests.crash.life import LIFE, live, opened
from tests.crash.shelves import Shelf

REHEARSAL = "CRASH_REHEARSAL"


async def rehearse(settings: Settings, shelf: Shelf) -> None:
    async with opened(settings, shelf) as story:
        await live(story.book, story.clock, LIFE)


discreet(wording())
screen("")
if REHEARSAL in os.environ:
    setattr(db, "create_async_engine", engines._create)  # noqa: B010 - as pytest's monkeypatch does
    asyncio.run(rehearse(*pickle.loads(Path(os.environ[REHEARSAL]).read_bytes())))  # noqa: S301 - we wrote it
