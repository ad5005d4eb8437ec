"""One question over a real line: whatever an endpoint does, it ends in time, within a size, as an error of ours."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from bot.opinion.answer import Unusable
from bot.opinion.client import BIGGEST, Endpoint
from bot.outside import Misconfigured, NotSent, OutcomeUnknown, OutsideError, TryLater, UnknownError
from tests.line import nobody_listens, open_line, plain
from tests.opinion.endpoint import KEY, MODEL, envelope, finding
from tests.opinion.endpoint import Endpoint as Fake

WORDS = "我把东西都送人了"


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Fake, Endpoint]]:
    plain(monkeypatch)
    async with open_line() as line, httpx.AsyncClient() as http:
        fake = Fake()
        line.connect(fake.app())
        yield fake, Endpoint(http, f"{line.url}/v1/", MODEL, SecretStr(KEY), 5.0)


async def for_ever() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 4096
        await asyncio.sleep(0)  # or nobody else on this machine would ever have their turn


async def test_a_whole_answer_is_a_finding(fake: tuple[Fake, Endpoint]) -> None:
    endpoint, client = fake
    endpoint.finds("orange", "送人了", "distress")
    found = await client.ask(WORDS)
    assert (found.level, found.category, found.quote) == ("orange", "distress", "送人了")
    assert WORDS not in repr(found)
    assert "送人" not in repr(found)


@pytest.mark.parametrize(
    ("respond", "kind"),
    [
        (lambda: Response(status_code=429), TryLater),
        (lambda: Response(status_code=500), OutcomeUnknown),
        (lambda: Response(status_code=503), OutcomeUnknown),
        (lambda: Response(status_code=401), Misconfigured),
        (lambda: Response(status_code=404), Misconfigured),
        (lambda: RedirectResponse("/stolen", 307), Misconfigured),
        (lambda: RedirectResponse("http://elsewhere.example/v1/chat/completions", 308), Misconfigured),
        (lambda: PlainTextResponse("<html>welcome</html>"), UnknownError),
        (lambda: JSONResponse({"choices": []}), UnknownError),
        (lambda: JSONResponse({"choices": [{"message": {"content": ["red"]}}]}), UnknownError),
        (lambda: JSONResponse(["level", "red"]), UnknownError),
        (lambda: Response(b"\xff\xfe\x00"), UnknownError),
        (lambda: Response(b"[" * 50_000), UnknownError),
        (lambda: Response(b" " * (BIGGEST + 1)), UnknownError),
        (lambda: StreamingResponse(for_ever()), UnknownError),
        (lambda: Response(b"{}", headers={"content-encoding": "gzip"}), UnknownError),
        (lambda: Response(status_code=400), Unusable),
        (lambda: Response(status_code=422), Unusable),
        (lambda: envelope(None), Unusable),
        (lambda: envelope(None, tool_calls=[{"function": {"arguments": finding("red", WORDS)}}]), Unusable),
        (lambda: envelope(None, refusal="I cannot help with that"), Unusable),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_an_error_without_a_word_or_the_key(
    fake: tuple[Fake, Endpoint], respond: Callable[[], Response], kind: type[Exception]
) -> None:
    endpoint, client = fake
    endpoint.answers(respond())
    with pytest.raises((OutsideError, Unusable)) as caught:
        await client.ask(WORDS)
    assert type(caught.value) is kind
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert WORDS not in told
    assert KEY not in told
    assert caught.value.__context__ is None
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 60), ("5", 60), ("300", 300), ("86400", 600), ("soon", 60), ("\xb2", 60)]
)
async def test_whoever_wants_to_be_left_alone_is_for_a_while(
    fake: tuple[Fake, Endpoint], said: str, seconds: int
) -> None:
    endpoint, client = fake
    endpoint.answers(Response(status_code=429, headers={"retry-after": said}))
    with pytest.raises(TryLater) as caught:
        await client.ask(WORDS)
    assert caught.value.retry_after.total_seconds() == seconds


@pytest.mark.parametrize("drips", [True, False], ids=["each piece in time", "nothing at all"])
async def test_it_is_waited_for_no_longer_than_was_set(monkeypatch: pytest.MonkeyPatch, drips: bool) -> None:
    async def drop_by_drop() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    plain(monkeypatch)
    async with open_line() as line, httpx.AsyncClient() as http:
        fake = Fake()
        line.connect(fake.app())
        fake.answers(StreamingResponse(drop_by_drop())) if drips else fake.hangs()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await Endpoint(http, f"{line.url}/v1", MODEL, SecretStr(KEY), 0.3).ask(WORDS)
        assert time.monotonic() - began < 3


async def test_where_nobody_listens_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    plain(monkeypatch)
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotSent):
            await Endpoint(http, nobody_listens(), MODEL, SecretStr(KEY), 5.0).ask(WORDS)
