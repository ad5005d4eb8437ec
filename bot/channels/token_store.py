"""The access token in the database, where every process of the house finds it."""

import asyncio
from collections.abc import Awaitable, Callable

from app.db import Database
from app.messages import service as messages
from bot.wechat import AccessToken


class DatabaseTokenStore:
    """One token for all processes; within a process one caller renews it and the others wait.

    No transaction is held open while WeChat is asked. Two processes that renew in the same moment get the
    same token from `stable_token`, so the second answer does no harm.
    """

    def __init__(self, db: Database, account: str) -> None:
        self._db = db
        self._account = account
        self._turn = asyncio.Lock()

    async def get(self) -> AccessToken | None:
        async with self._db.read() as session:
            row = await messages.stored_token(session, self._account)
            return AccessToken(row.value, row.expires_at) if row else None

    async def refresh(self, stale: AccessToken | None, fetch: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
        async with self._turn:
            stored = await self.get()
            if stored is not None and (stale is None or stored.value != stale.value):
                return stored
            renewed = await fetch()
            async with self._db.begin() as session:
                await messages.store_token(session, self._account, renewed.value, renewed.expires_at)
            return renewed
