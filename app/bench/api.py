"""The other side of a measurement: an API that says `errcode 0` after a while, and costs as little as it can.

Run as `python -m app.bench.api LATENCY`, in a process of its own; it prints the port it listens on.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

ANSWER = b'{"errcode":0,"errmsg":"ok","msgid":%d}'
TOKEN = b'{"access_token":"a-token-of-the-measurement","expires_in":7200}'

Heard = Callable[[bytes, bytes, int], None]


class Api:
    """`latency`: seconds from a request to its answer. `heard` gets the head, the body and the number of each
    request but those for a token, as soon as its last byte is there."""

    def __init__(self, latency: float, heard: Heard | None = None) -> None:
        self.latency = latency
        self.heard = heard
        self.numbers = count(1)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its base address, for a while."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class _Connection(asyncio.Protocol):
    """Just enough of HTTP/1.1: headers, a body of the announced length, one answer for each."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._answer_later(head, body)

    def _answer_later(self, head: bytes, body: bytes) -> None:
        answer = TOKEN
        if b"stable_token" not in head:
            number = next(self._api.numbers)
            answer = ANSWER % number
            if self._api.heard is not None:
                self._api.heard(head, body, number)
        headers = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        asyncio.get_running_loop().call_later(self._api.latency, self._write, headers + answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(latency: float) -> None:
    async with Api(latency).listening() as base:
        sys.stdout.write(f"{base.rsplit(':', 1)[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
