"""Five hundred cases at once cost no more queries than one; what a program sends is bounded before it is read."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import event

from app.api.callers import LONGEST_BODY
from app.db import ident
from app.escalations import handling, lists, log
from app.escalations import service as escalations
from app.escalations.events import Taken
from app.escalations.handling import Ending
from app.escalations.ladders import ladder_for, write_ladder
from app.escalations.models import CaseEvent, CaseRow, Via
from app.escalations.states import Level, Outcome
from app.main import create_app
from app.people.models import House, Person, Programme, Role
from app.people.scope import scope_of
from tests.conftest import Story
from tests.stories.ways import registered
from tests.test_api import Program, program_of

MANY = 500


@pytest.fixture
async def http(story: Story) -> AsyncIterator[httpx.AsyncClient]:
    await story.joined()
    transport = httpx.ASGITransport(create_app(story.house, bells=()))
    async with httpx.AsyncClient(transport=transport, base_url=story.settings.public_url) as client:
        yield client


@pytest.fixture
async def program(story: Story, http: httpx.AsyncClient) -> Program:
    return await program_of(story, http, "wangle")


@contextmanager
def counted(story: Story) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            asked.append(statement)

    engine = story.house.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def waiting(
    story: Story, n: int, level: Level = Level.YELLOW, *, prefix: str = "x", owner: str | None = None,
    house: House | None = None, drill: bool = False,
) -> None:  # fmt: skip
    """So many cases of people of the house, for each of whom 王乐 was called."""
    worker = await registered(story, "wangle")
    owner_id = (await registered(story, owner)).id if owner else None
    now, later = story.house.clock.now(), story.house.clock.now() + timedelta(days=1)
    programme_id, house_id = (house.programme_id, ident(house)) if house else (worker.programme_id, worker.house_id)
    async with story.house.db.begin() as session:
        ladder = await ladder_for(session, worker.programme_id, level)
        called = {"people": [worker.id], "step": 1}
        entries = [(*log.opened(level, ladder, drill=drill), now), (log.MENDED, {}, later)]
        entries += [("Alerted", called, now), ("Alerted", called, now)]
        if owner_id is not None:
            entries.append((*log.encode(Taken(owner_id)), now))
        for i in range(n):
            member = Person(
                programme_id=programme_id, house_id=house_id, code=f"{prefix}{i}", role=Role.MEMBER, name="阿珠"
            )
            session.add(member)
            await session.flush()
            row = CaseRow(
                code=f"{prefix}{i}", programme_id=programme_id, house_id=house_id, person_id=ident(member),
                category="sleep", level=level, ladder=write_ladder(ladder), opened_at=now, drill=drill,
                next_action_at=later, due_at=later,
            )  # fmt: skip
            session.add(row)
            await session.flush()
            told = [
                CaseEvent(case_id=ident(row), house_id=house_id, seq=seq, at=at, kind=kind, detail=detail)
                for seq, (kind, detail, at) in enumerate(entries, 1)
            ]
            session.add_all(told)
            case = log.replay(told)
            row.state, row.owner_id, row.version = case.state, case.owner, case.version
            row.next_action_at = row.due_at = case.next_action_at


async def elsewhere(story: Story) -> House:
    async with story.house.db.begin() as session:
        programme = Programme(code="other", name="别处")
        session.add(programme)
        await session.flush()
        house = House(programme_id=ident(programme), code="faraway", name="远处小站")
        session.add(house)
    return house


async def test_the_morning_message_about_five_hundred_yellow_cases_is_one_query(story: Story, http: object) -> None:
    await waiting(story, MANY)
    await waiting(story, 3, prefix="far", house=await elsewhere(story))
    await waiting(story, 3, prefix="own", owner="lihong")
    worker, other = await registered(story, "wangle"), await registered(story, "lihong")
    async with story.house.db.read() as session:
        with counted(story) as asked:
            rows = await escalations.to_take_this_week(session, ident(worker))
        assert await escalations.to_take_this_week(session, ident(other)) == []
    assert [row.code for row in rows] == [f"x{i}" for i in range(MANY)]
    assert len(asked) == 1


async def test_what_colleagues_have_is_asked_for_and_nothing_else(story: Story, http: object) -> None:
    await waiting(story, 3, prefix="hers", owner="lihong")
    await waiting(story, 3, prefix="his", owner="wangle")
    await waiting(story, 3, prefix="none")
    await waiting(story, 1, prefix="far", owner="lihong", house=await elsewhere(story))
    async with story.house.db.begin() as session:
        ending, at = Ending(Outcome.FALSE_ALARM), story.house.clock.now()
        hers = await session.get_one(CaseRow, 1)
        await handling.close(session, await registered(story, "lihong"), hers, ending, at, via=Via.CHAT)
    worker = await registered(story, "wangle")
    async with story.house.db.read() as session:
        rows = await lists.with_others(session, await scope_of(session, worker), worker)
    assert [row.code for row in rows] == ["hers1", "hers2"]


async def test_a_page_of_five_hundred_cases_takes_a_handful_of_queries(story: Story, program: Program) -> None:
    await waiting(story, MANY)
    await program.asks("GET", "/cases")  # the use of the token is noted once a minute
    headers = {"authorization": f"Bearer {program.key}"}
    with counted(story) as asked:
        first = (await program.http.get("/api/v1/cases", headers=headers)).json()
    assert (len(first["cases"]), first["cases"][0]["seq"]) == (50, 4)
    assert first["cases"][0]["member"]["called"] == "阿珠"
    assert len(asked) <= 10


async def test_page_by_page_every_case_comes_once_and_danger_comes_first(story: Story, program: Program) -> None:
    await waiting(story, 70, prefix="y")
    await waiting(story, 70, prefix="m", owner="wangle")
    await waiting(story, 20, prefix="h", owner="lihong")
    await waiting(story, 3, Level.RED, prefix="r")
    await waiting(story, 2, Level.RED, prefix="d", drill=True)
    codes: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await program.asks("GET", "/cases", params={"limit": 33, **after})
        codes += [case["code"] for case in page["cases"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    in_order = [f"{prefix}{i}" for prefix, n in (("r", 3), ("m", 70), ("y", 70)) for i in range(n)]
    assert codes == in_order


@pytest.mark.parametrize("asked", [{"limit": "101"}, {"limit": "0"}, {"after": "9"}, {"after": "3.1.9999999999"}])
async def test_a_page_that_cannot_be_is_refused(program: Program, asked: dict[str, str]) -> None:
    said = await program.is_refused("GET", "/cases", 422, "invalid", params=asked)
    assert said["where"] == [f"query.{next(iter(asked))}"]


# What it is sent


async def test_numbers_and_days_have_an_end(story: Story, program: Program) -> None:
    await waiting(story, 1, Level.RED)
    for verb, sent in (("take", {}), ("contacted", {}), ("close", {"outcome": "false_alarm"})):
        for seq in (2**31, 10**30):
            await program.is_refused("POST", f"/cases/x0/{verb}", 422, "invalid", json={**sent, "seq": seq})
    await program.asks("POST", "/cases/x0/take", json={"seq": 2**31 - 1})
    today = story.house.clock.now().date()
    ended = {"outcome": "called", "grade": 1}
    for day in (today + timedelta(days=101), "9999-12-31"):
        sent = {**ended, "next_contact": str(day)}
        said = await program.is_refused("POST", "/cases/x0/close", 422, "next-contact-too-far", json=sent)
        assert "100 天" in said["detail"]
    ended["next_contact"] = str(today + timedelta(days=100))
    assert (await program.asks("POST", "/cases/x0/close", json=ended))["state"] == "resolved"


class Long:
    """A body without a length that notes how much of it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(30 * 1024):
            self.read += 1024
            yield b" " * 1024


async def test_nothing_of_a_body_is_read_before_the_token_and_not_much_after_it(
    story: Story, program: Program, http: httpx.AsyncClient
) -> None:
    await waiting(story, 1)
    headers = {"content-type": "application/json"}
    body = Long()
    for path in ("/cases/x0/take", "/cases/x0/close"):
        answer = await http.post(f"/api/v1{path}", content=body, headers=headers)
        assert (answer.status_code, body.read) == (401, 0)
    await program.is_refused("POST", "/cases/x0/take", 413, "too-large", content=body)
    assert body.read <= LONGEST_BODY + 1024
    await program.is_refused("POST", "/cases/x0/take", 413, "too-large", content=b" " * (LONGEST_BODY + 1))


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"seq": ' + b"9" * 60_000 + b"}", b'{"seq": "\xff"}'])
async def test_json_that_nobody_can_read_is_invalid(program: Program, http: httpx.AsyncClient, body: bytes) -> None:
    headers = {"authorization": f"Bearer {program.key}", "content-type": "application/json"}
    answer = await http.post("/api/v1/cases/A-0001/take", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid")
