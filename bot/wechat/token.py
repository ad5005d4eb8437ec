"""The access token: one for all processes, renewed by one of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.exchange import Answer, need
from bot.outside import NotSent, OutcomeUnknown

# In its last five minutes WeChat hands out the successor, and both are good.
RENEW_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token of `stable_token`; `expires_at` is UTC."""

    value: str = field(repr=False)
    expires_at: datetime

    def fresh(self, now: datetime) -> bool:
        return self.expires_at - now > RENEW_BEFORE


async def handed_out(
    asking: Awaitable[Answer], api: str, asked_at: datetime, check: Callable[[Answer, str], None]
) -> AccessToken:
    """The token in what `api` answers; `check` raises what a refusal stands for."""
    try:
        answer = await asking
    except OutcomeUnknown as error:
        # Without a token the message that needs it never left.
        raise NotSent(None, api, error.advice) from None
    check(answer, api)
    lifetime = timedelta(seconds=int(need(answer, "expires_in", api)))
    return AccessToken(need(answer, "access_token", api), asked_at + lifetime)


class TokenStore(Protocol):
    """Where the token lies. Shared by every process that sends."""

    async def get(self) -> AccessToken | None:
        """The stored token, fresh or not."""

    async def refresh(self, stale: AccessToken | None, fetch: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
        """Replace `stale`. If another caller already did, return theirs; else call `fetch` once."""


class MemoryTokenStore:
    """For one process."""

    def __init__(self) -> None:
        self._token: AccessToken | None = None
        self._turn = asyncio.Lock()

    async def get(self) -> AccessToken | None:
        return self._token

    async def refresh(self, stale: AccessToken | None, fetch: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
        async with self._turn:
            # By value: WeChat may give the same token again with a new expiry.
            if self._token is None or (stale is not None and self._token.value == stale.value):
                self._token = await fetch()
            return self._token
