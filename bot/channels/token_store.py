"""The access token in the database, where every process of the house finds it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.clock import Clock
from app.db import Database
from app.messages import channels, tokens
from app.messages.models import Token
from bot.outside import NotSent, OutsideError
from bot.wechat import AccessToken

RENEWAL_LASTS = timedelta(seconds=30)
LOOK_EVERY = 0.05
MOST_LOOKS = 600


class DatabaseTokenStore:
    """One token for all processes, renewed by one of them while the others look until it is there.

    No transaction is held open while WeChat is asked: whoever renews holds a lease of half a minute in the
    token's row. A process that dies while it renews is followed by another.
    """

    def __init__(self, db: Database, account: str, clock: Clock) -> None:
        self._db = db
        self._account = account
        self._clock = clock
        self._turn = asyncio.Lock()
        self._seen: AccessToken | None = None
        self._looked = False

    async def get(self) -> AccessToken | None:
        """The last token this process saw, while it is fresh: a thousand messages need no thousand queries."""
        if self._looked and (self._seen is None or self._is_fresh()):
            return self._seen
        async with self._turn:  # one looks for all
            if not self._looked or not self._is_fresh():
                self._seen, self._looked = await self._stored(), True
            return self._seen

    async def refresh(self, stale: AccessToken | None, fetch: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
        async with self._turn:
            if self._seen is not None and self._is_fresh() and (stale is None or self._seen.value != stale.value):
                return self._seen
            for _ in range(MOST_LOOKS):
                found, ours = await self._look(stale)
                if found is not None:
                    self._seen = found
                    return found
                if ours:
                    return await self._renew(fetch)
                await asyncio.sleep(LOOK_EVERY)
        raise NotSent(None, "stable_token", "another process renews it and does not come to an end")

    def _is_fresh(self) -> bool:
        return self._seen is not None and self._seen.fresh(self._clock.now())

    async def _renew(self, fetch: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
        try:
            renewed = await fetch()
        except OutsideError as error:
            async with self._db.begin() as session:
                await tokens.give_up_renewal(session, self._account)
                await channels.alarm(
                    session, "token", error.error_class.value, self._clock.now(), code=error.code, errcode=error.errcode
                )
            raise
        async with self._db.begin() as session:
            await tokens.store(session, self._account, renewed.value, renewed.expires_at)
        self._seen = renewed
        return renewed

    async def _look(self, stale: AccessToken | None) -> tuple[AccessToken | None, bool]:
        """A newer token, if another process has put it there; if not, whether it is ours to renew it."""
        if (stored := await self._stored()) is not None and _newer(stored, stale):
            return stored, False
        async with self._db.begin() as session:
            ours = await tokens.begin_renewal(session, self._account, self._clock.now(), RENEWAL_LASTS)
            if not ours:
                return None, False
            # Looked at again: whoever renewed it may have come to an end between the two.
            stored = _token(await tokens.stored(session, self._account))
            if stored is None or not _newer(stored, stale):
                return None, True
            await tokens.give_up_renewal(session, self._account)
            return stored, False

    async def _stored(self) -> AccessToken | None:
        async with self._db.read() as session:
            return _token(await tokens.stored(session, self._account))


def _token(row: Token | None) -> AccessToken | None:
    return AccessToken(row.value, row.expires_at) if row else None


def _newer(stored: AccessToken, stale: AccessToken | None) -> bool:
    return stale is None or stored.value != stale.value
