"""A worker of the crash tests, a process of its own: claim, "send", finish, until somebody kills it.

Sending is adding the number of the row as a line to a file: what the world has seen, whatever happened after.
"""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from sqlmodel import col

import app.tables  # noqa: F401 - every model has to be there before the first query
from app import due
from app.clock import Clock
from app.db import Database
from app.messages.models import Outbox, OutboxState
from app.vault import Vault

BATCH = 10
KEY = "a key that only tests use"


def work(url: str, file: Path, lease: timedelta) -> None:
    asyncio.run(_work(url, file, lease))


async def _work(url: str, file: Path, lease: timedelta) -> None:
    db, clock = Database(url, Vault(KEY)), Clock()
    letterbox = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def deliver(row: Outbox) -> None:
        os.write(letterbox, f"{row.id}\n".encode())
        await asyncio.sleep(0.002)  # what a kill falls into: sent, and not yet finished
        async with db.begin() as session:
            await due.finish(session, row, state=OutboxState.SENT, finished_at=clock.now())

    while True:
        async with db.begin() as session:
            rows = await due.claim(session, Outbox, clock.now(), n=BATCH, lease=lease, first=[col(Outbox.lane)])
        await asyncio.gather(*(deliver(row) for row in rows))
        if not rows:
            await asyncio.sleep(0.02)
