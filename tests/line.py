"""A line to the platform in a box: a real socket, so that what the house sends goes over HTTP as it does to WeChat."""

import functools
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.request import getproxies

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.worlds import for_many_senders


class Line:
    """A server on a free port of this machine. Whoever is connected last answers."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._box: ASGIApp | None = None

    def connect(self, box: ASGIApp) -> None:
        self._box = box

    def client(self) -> httpx.AsyncClient:
        """The very client that the house has for WeChat."""
        return for_many_senders(self.url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._box is not None, "nobody is connected"
        await self._box(scope, receive, send)


@asynccontextmanager
async def open_line() -> AsyncIterator[Line]:
    # TCP by name: asyncio does not take it for TCP otherwise, and an answer in two pieces waits 40 ms in between.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        line = Line(listener.getsockname()[1])
        config = uvicorn.Config(line, log_config=None, lifespan="off")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Not `serve`, which would take Ctrl-C from pytest; and not `shutdown`, which waits for a tenth of a second.
        await server.startup(sockets=[listener])
        try:
            yield line
        finally:
            for listening in server.servers:
                listening.close()
                await listening.wait_closed()


def nobody_listens() -> str:
    """An address of this machine where a connection is refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


_context = functools.cache(ssl.create_default_context)


def plain(patch: pytest.MonkeyPatch) -> None:
    """No proxy of this machine's environment, which leads to no port of this machine; the certificates read once."""
    for name in getproxies():
        patch.delenv(f"{name}_proxy", raising=False)
        patch.delenv(f"{name.upper()}_PROXY", raising=False)
    patch.setattr(ssl, "create_default_context", _context)
