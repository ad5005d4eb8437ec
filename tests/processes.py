"""Processes of their own, for tests that kill them."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any, TypeVar

Found = TypeVar("Found")
PATIENCE = 60

# Each one is forked off a process that has read the program already: a fresh one, and at once.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["__main__", "tests.due_worker", "tests.delivery_worker", "tests.watch_worker", "tests.crash.warm"]
)


class Child:
    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        self._process = PROCESSES.Process(target=target, args=args, daemon=True)
        self._process.start()

    def kill(self) -> None:
        """As a power cut would (SIGKILL): no signal that could be caught, no goodbye."""
        self._process.kill()
        self._process.join()

    def stop(self) -> int | None:
        """As a service manager would (SIGTERM), with time for a goodbye: how it ended, 0 if well."""
        self._process.terminate()
        self._process.join(PATIENCE)
        return self._process.exitcode

    def is_alive(self) -> bool:
        return self._process.is_alive()


def wait_until(true: Callable[[], Found | None], *, every: float = 0.005) -> Found:
    """Look `every` so many seconds whether it is true, for a minute at most; what was found then."""
    until = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < until, "the workers got nowhere"
        time.sleep(every)
    return found
