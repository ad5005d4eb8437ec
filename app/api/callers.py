"""Who calls, and whether they may: a bearer token made for one member of staff, and not too often."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive

from app.api.problems import Problem
from app.clock import Clock
from app.db import Database, ident
from app.escalations.handling import MAY_TAKE
from app.people import service as people
from app.people import tokens
from app.people.tokens import May
from bot.channels.buckets import Bucket

RATE, BURST = 2.0, 20.0  # calls a second and at once, for each token

LONGEST_BODY = 64 * 1024
BEARER = HTTPBearer(auto_error=False, description="`tongxing token make --for CODE --days 90 --may take,read`")


@dataclass(frozen=True)
class Caller:
    person_id: int
    may: frozenset[str]

    @property
    def may_read(self) -> bool:
        return May.READ in self.may

    def needs(self, may: May) -> None:
        if may not in self.may:
            raise Problem("not_allowed", 403)


async def _let_in_before(request: Request, _sent: Annotated[Any, Depends(BEARER)]) -> Caller:
    caller: Caller = request.state.caller
    return caller


# Whoever was let in by a route of `guarded`, before anything else of the call was looked at.
LetIn = Annotated[Caller, Depends(_let_in_before)]


class Gate:
    """Lets calls in. The same answer for a token that never was, has run out, or was taken back."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._buckets: dict[int, Bucket] = {}

    async def let_in(self, sent: HTTPAuthorizationCredentials | None) -> Caller:
        """Whoever this token was made for. Problem: no good token, or too often."""
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
        return Caller(ident(who), frozenset(row.may))


def guarded(gate: Gate) -> type[APIRoute]:
    """Routes that look at the token before they read a body, and read none that is too long."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def first_the_token(request: Request) -> Response:
                request.state.caller = await gate.let_in(await BEARER(request))
                return await handle(Request(request.scope, _again(await _body(request), request.receive)))

            return first_the_token

    return Guarded


async def _body(request: Request) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > LONGEST_BODY:
        raise Problem("too_large", 413)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_BODY:
                raise Problem("too_large", 413)
    except ClientDisconnect as gone:
        raise Problem("invalid", 400) from gone
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read can be read once more."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return left.pop() if left else await receive()

    return read
