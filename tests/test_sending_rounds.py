"""A round of the deliverer never waits for what will not come, and one call that hangs keeps nobody else waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from app.clock import Clock
from app.messages.models import Lane
from bot.channels import deliverer
from bot.channels.deliverer import _Round
from bot.exchange import Exchange
from bot.outside import NotSent, OutcomeUnknown
from bot.worlds import for_many_senders
from scheduler.bells import Bell

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
Sending = Callable[[int], Awaitable[None]]


class _NoBucket:
    async def take(self, _lane: Lane) -> None:
        return


class _Way:
    name, bucket, deduplicates = "way", _NoBucket(), False

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    async def send(self, parcel: Any, *_letter_and_address: Any) -> None:
        await self._sending(parcel.id)


class Round(_Round):
    """A real round over rows that stand in a list, with a database that takes a while or is away.

    Each is an alert about a case of its own, unless `notes` says about which case it is a note.
    """

    def __init__(
        self, rows: list[int], sending: Sending, *, senders: int, writing: int = 0, db: Any = None,
        notes: Mapping[int, int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(db, Clock(frozen_at=NOW), None, (Lane.URGENT,), senders)  # type: ignore[arg-type]
        self.rows, self._way, self._passes, self._notes = rows, _Way(sending), writing, notes or {}
        self.written: list[int] = []
        self.writes = asyncio.Event()

    async def _turn(self, room: int) -> int:
        finished, self._finished = self._finished, []
        self._writing = finished
        taken = [self.rows.pop(0) for _ in range(min(room, len(self.rows)))]
        if finished:
            self.writes.set()
        for _ in range(self._passes):
            await asyncio.sleep(0)
        self.written += [outcome.envelope.parcel.id for outcome in finished]
        for number in taken:
            kind = "case_note" if number in self._notes else "case_alert"
            about = self._notes.get(number, number)
            parcel = SimpleNamespace(id=number, lane=Lane.URGENT, kind=kind, subject_id=about, broadcast_id=None)
            later = NOW + timedelta(hours=1)
            self._ready.append(SimpleNamespace(parcel=parcel, rung=self._way, letter=None, to=None, until=later))  # type: ignore[arg-type]
        self._writing = []
        return len(taken)


async def _two_alerts(writing: int, passes: int) -> list[int]:
    """The second answer comes so many passes of the loop after the first begins to be written down."""

    async def answers(number: int) -> None:
        if number == 2:
            await a_round.writes.wait()
            for _ in range(passes):
                await asyncio.sleep(0)

    a_round = Round([1, 2], answers, senders=4, writing=writing)
    async with asyncio.timeout(5):
        await a_round.run()
    return sorted(a_round.written)


@pytest.mark.parametrize("writing", range(1, 12))
async def test_a_round_ends_whenever_the_last_answer_comes(writing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last sender may end in the very pass of the loop in which the turn before it comes back."""
    monkeypatch.setattr(deliverer, "LOOK_AGAIN", 30.0)
    for passes in range(16):
        assert await _two_alerts(writing, passes) == [1, 2]


async def test_an_alert_that_falls_due_while_a_call_hangs_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "LOOK_AGAIN", 0.01)
    begun, hangs, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answers(number: int) -> None:
        begun.set()
        await (hangs.wait() if number == 1 else asyncio.sleep(0))
        if number == 2:
            told.set()

    a_round = Round([1], answers, senders=4)
    work = asyncio.create_task(a_round.run())
    await begun.wait()
    a_round.rows.append(2)
    async with asyncio.timeout(5):
        await told.wait()
        assert not hangs.is_set()
        hangs.set()
        await work
    assert sorted(a_round.written) == [1, 2]


async def _together(notes: Mapping[int, int]) -> list[set[int]]:
    """Which of three messages are under way or not yet written down at the same time, as each of them is called."""
    seen: list[set[int]] = []

    async def answers(number: int) -> None:
        seen.append({number} | (called - set(a_round.written)))
        called.add(number)
        await asyncio.sleep(0)

    called: set[int] = set()
    a_round = Round([1, 2, 3], answers, senders=4, writing=2, notes=notes)
    async with asyncio.timeout(5):
        await a_round.run()
    assert sorted(a_round.written) == [1, 2, 3]
    return seen


async def test_what_follows_from_a_case_leaves_when_what_was_sent_before_is_written_down() -> None:
    assert await _together({1: 7, 2: 7, 3: 7}) == [{1}, {2}, {3}]


async def test_another_case_and_an_alert_wait_for_nobody() -> None:
    assert await _together({1: 7, 2: 7, 3: 8}) == [{1}, {1, 3}, {2}]
    assert await _together({2: 7}) == [{1}, {1, 2}, {1, 2, 3}]


class _Away:
    """A database that cannot be reached."""

    def begin(self) -> "_Away":
        return self

    async def __aenter__(self) -> None:
        raise OperationalError("begin", {}, Exception("away"))

    async def __aexit__(self, *error: object) -> None:
        return


async def test_a_process_stops_although_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "FAREWELL", 0.01)

    begun = asyncio.Event()

    async def hangs(_number: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    a_round = Round(list(range(6)), hangs, senders=2, db=_Away())
    bell = Bell("alert", 1, a_round.run)
    keeper = asyncio.create_task(bell.keep())
    bell.ring()
    await begun.wait()
    keeper.cancel()
    done, _ = await asyncio.wait({keeper}, timeout=5)
    assert done


# A connection that is lost


@pytest.mark.parametrize("resets", [False, True])
async def test_a_connection_that_is_lost_after_the_question_leaves_the_outcome_open(resets: bool) -> None:
    """Whoever takes it for "never left" says it twice."""
    heard = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        if resets:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, for_many_senders(base) as http:
        with pytest.raises(OutcomeUnknown):
            await Exchange(http, 5.0).send("x", "POST", "/x", content=b"{}")
    assert heard.is_set()


async def test_an_answer_that_is_no_http_leaves_the_outcome_open_and_names_no_address() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, for_many_senders(base) as http:
        with pytest.raises(OutcomeUnknown) as failure:
            await Exchange(http, 5.0).send("x", "POST", "/secret-path", content=b"{}")
    assert "secret-path" not in str(failure.value)


async def test_a_connection_that_nobody_takes_never_left() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with for_many_senders(f"http://127.0.0.1:{port}") as http:
        with pytest.raises(NotSent):
            await Exchange(http, 5.0).send("x", "POST", "/x", content=b"{}")
    assert isinstance(http, httpx.AsyncClient)
