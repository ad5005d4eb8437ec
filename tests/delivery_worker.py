"""`tongxing worker` as a process of the crash tests: the whole house with all its bells, until somebody ends it."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from app.clock import Clock
from app.logs import set_up_logs
from app.main import Tongxing
from app.settings import Settings


def work(settings: Settings, ahead: timedelta, name: str, log: Path) -> None:
    """`ahead` of the machine's clock; the platform knows it by its `name`; what it logs goes to a file."""
    sys.stderr = log.open("w", encoding="utf-8", buffering=1)
    set_up_logs("warning")
    for proxy in [variable for variable in os.environ if variable.lower().endswith("_proxy")]:
        del os.environ[proxy]
    asyncio.run(_work(settings, Clock(ahead), name))


async def _work(settings: Settings, clock: Clock, name: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    house = Tongxing.build(settings, clock)
    house.worlds.wechat.headers["User-Agent"] = name
    async with house.running():
        await stop.wait()
