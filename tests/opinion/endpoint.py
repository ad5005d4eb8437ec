"""An endpoint that speaks as OpenAI's does, or as badly as a test wants it to: real HTTP, on a line of this machine."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "sk-a-key-that-only-tests-use"
MODEL = "a-model-of-tests"
Behave = Callable[[str], Awaitable[Response]]


def envelope(content: Any, **message: Any) -> Response:
    """What an endpoint wraps around what its model says."""
    said = {"role": "assistant", "content": content, **message}
    return JSONResponse({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": said}]})


def finding(level: str, quote: str = "", category: str = "suicide", **more: Any) -> str:
    answer = {"level": level, "category": category, "quote": quote, "reason": "因为这样说", **more}
    return json.dumps(answer, ensure_ascii=False)


@dataclass
class Endpoint:
    """`asked`: the bodies of the requests; `about`: the message in each, as it arrived."""

    behave: Behave | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def about(self) -> list[str]:
        return [json.loads(body["messages"][1]["content"])["message"] for body in self.asked]

    def says(self, content: Any, **message: Any) -> None:
        async def say(_text: str) -> Response:
            return envelope(content, **message)

        self.behave = say

    def finds(self, level: str, quote: str = "", category: str = "suicide") -> None:
        self.says(finding(level, quote, category))

    def answers(self, response: Response) -> None:
        async def answer(_text: str) -> Response:
            return response

        self.behave = answer

    def hangs(self) -> None:
        async def hang(_text: str) -> Response:
            await asyncio.Event().wait()
            raise AssertionError("nobody waits for ever")

        self.behave = hang

    def app(self) -> Starlette:
        async def chat(request: Request) -> Response:
            self.asked.append(await request.json())
            self.headers.append(dict(request.headers))
            self.came.set()
            assert self.behave is not None, "nobody said what to answer"
            return await self.behave(self.about[-1])

        async def elsewhere(request: Request) -> Response:
            raise AssertionError(f"{request.url.path} is nowhere that was set")

        paths = [Route("/v1/chat/completions", chat, methods=["POST"])]
        return Starlette(routes=[*paths, Route("/{rest:path}", elsewhere, methods=["GET", "POST"])])
