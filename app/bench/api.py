"""The other side of a measurement: an API that says `errcode 0` after a while, and costs as little as it can.

Run as `python -m app.bench.api LATENCY`, in a process of its own; it prints the port it listens on.
"""

import asyncio
import sys

ANSWER = b'{"errcode":0,"errmsg":"ok","msgid":%d}'
TOKEN = b'{"access_token":"a-token-of-the-measurement","expires_in":7200}'


class Answering(asyncio.Protocol):
    """Just enough of HTTP/1.1: headers, a body of the announced length, one answer for each."""

    latency = 0.05
    count = 0

    def __init__(self) -> None:
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
            self._buffer = self._buffer[end + 4 + length :]
            self._answer_later(is_token=b"stable_token" in head)

    def _answer_later(self, *, is_token: bool) -> None:
        Answering.count += 1
        body = TOKEN if is_token else ANSWER % Answering.count
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        asyncio.get_running_loop().call_later(self.latency, self._write, head + body)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(latency: float) -> None:
    Answering.latency = latency
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
