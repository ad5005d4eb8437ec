"""The API as an application of its own, to be mounted under `/api/v1`."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.activities import activity_routes
from app.api.callers import Gate
from app.api.cases import cases
from app.api.houses import house_routes
from app.api.missed import missed
from app.api.problems import speak_problems
from app.clock import Clock
from app.db import Database

ABOUT = """What chat, the button and the pages do, for programs. Each token acts for one member of staff and sees what
they may see. Problems are `application/problem+json`: `type` is stable, `detail` is a sentence for people."""


class _Unkept:
    """Nothing of it is kept by anybody on the way, or read as something that it is not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, with_headers)


def create_api(db: Database, clock: Clock) -> ASGIApp:
    api = FastAPI(
        title="同行 Tongxing", version="1", description=ABOUT, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    speak_problems(api)
    gate = Gate(db, clock)
    api.include_router(cases(db, clock, gate))
    api.include_router(missed(db, clock, gate))
    api.include_router(activity_routes(db, clock, gate))
    api.include_router(house_routes(db, clock, gate))
    return _Unkept(api)
