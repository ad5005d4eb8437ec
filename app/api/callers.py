"""Who calls, and whether they may: a bearer token made for one member of staff, and not too often."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.problems import Problem
from app.clock import Clock
from app.db import Database, ident
from app.escalations.handling import MAY_TAKE
from app.people import service as people
from app.people import tokens
from app.people.tokens import May
from bot.channels.buckets import Bucket

RATE, BURST = 2.0, 20.0  # calls a second and at once, for each token

Sent = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="`tongxing token make --for CODE --days 90 --may take,read`")),
]


@dataclass(frozen=True)
class Caller:
    person_id: int
    may: frozenset[str]

    @property
    def may_read(self) -> bool:
        return May.READ in self.may


class Gate:
    """Lets calls in. The same answer for a token that never was, has run out, or was taken back."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._buckets: dict[int, Bucket] = {}

    async def let_in(self, sent: HTTPAuthorizationCredentials | None, may: May | None = None) -> Caller:
        """Whoever this token was made for. Problem: no good token, too often, or not for this."""
        now = self._clock.now()
        async with self._db.read() as session:
            row = await tokens.find(session, sent.credentials, now) if sent else None
            who = await people.person(session, row.person_id) if row else None
        if row is None or who is None or who.role not in MAY_TAKE:
            raise Problem("no_token", 401, headers={"WWW-Authenticate": "Bearer"})
        wait = self._buckets.setdefault(ident(row), Bucket(RATE, BURST)).try_take()
        if wait:
            raise Problem("too_often", 429, headers={"Retry-After": str(int(wait) + 1)})
        if tokens.to_be_noted(row, now):
            async with self._db.begin() as session:
                await tokens.note_use(session, ident(row), now)
        if may is not None and may not in row.may:
            raise Problem("not_allowed", 403)
        return Caller(ident(who), frozenset(row.may))
