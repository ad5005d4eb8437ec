"""`tongxing worker` as a process that the tests of the watch kill: all the bells, and one role."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from app.clock import Clock
from app.logs import set_up_logs
from app.main import Tongxing
from app.settings import Settings
from app.watch.models import Role


def work(settings: Settings, log: Path) -> None:
    sys.stderr = log.open("w", encoding="utf-8", buffering=1)
    set_up_logs("warning")
    for proxy in [variable for variable in os.environ if variable.lower().endswith("_proxy")]:
        del os.environ[proxy]
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Tongxing.build(settings, Clock()).running(roles=(Role.WORKER,)):
        await stop.wait()
