"""How fast an API may be called: a token bucket each, in which what is urgent never stands in line.

Real seconds of the event loop, not the house's time: it protects the other side, whatever our clock says.
"""

import asyncio

from app.messages.models import Lane


class Bucket:
    """`rate` calls a second, `burst` at once. Urgent calls may take it below zero, and the others wait that out."""

    def __init__(self, rate: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = burst if burst is not None else max(1.0, rate)
        self._level = self._burst
        self._at: float | None = None

    async def take(self, lane: Lane) -> None:
        """Wait until one more call is all right, and count it."""
        while True:
            wait = self._wait()
            if not wait or lane is Lane.URGENT:
                self._level -= 1
                return
            await asyncio.sleep(wait)

    def try_take(self) -> float:
        """Count one more call if that is all right now: 0; otherwise the seconds until it would be."""
        wait = self._wait()
        if not wait:
            self._level -= 1
        return wait

    def _wait(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1 - self._level) / self._rate)
