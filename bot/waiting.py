"""Who is next at the desk: first come, first served; but words that signal danger go before everybody else's.

What the same person wrote before goes with them: an answer that overtook its question would mean something else.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.conversation.on_page import OnPage
from bot.wechat import Inbound


@dataclass
class Slip:
    """One delivery and the promise of its answer. `late`: nobody waits for it any more. `first`: before the others."""

    heard: Inbound | OnPage
    answer: "asyncio.Future[str | None]" = field(repr=False)
    late: bool = False
    first: bool = False


class WaitingLine(asyncio.Queue[Slip]):
    def _init(self, maxsize: int) -> None:
        del maxsize
        self._first, self._others = deque[Slip](), deque[Slip]()

    def qsize(self) -> int:
        return len(self._first) + len(self._others)

    def empty(self) -> bool:
        return not self.qsize()

    def _put(self, slip: Slip) -> None:
        if not slip.first:
            self._others.append(slip)
            return
        before = [other for other in self._others if other.heard.openid == slip.heard.openid]
        self._others = deque(other for other in self._others if other not in before)
        self._first.extend((*before, slip))

    def _get(self) -> Slip:
        return (self._first or self._others).popleft()

    def put_back(self, slips: Sequence[Slip]) -> None:
        """There was no time for these, which have been here longer than all others."""
        ahead = {slip.heard.openid for slip in self._first} | {slip.heard.openid for slip in slips if slip.first}
        for slip in reversed(slips):
            (self._first if slip.heard.openid in ahead else self._others).appendleft(slip)
