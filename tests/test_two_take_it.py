"""Two workers take the same case in the same instant: one has it, and the other is told who.

Two hundred times, each time an open red case and two processes of the house on one database. Each worker writes
接 to the account or presses the button in WeCom, signed and sealed, through the door of either process; or what
the console does is done at once by the service. Every pair of ways comes up about two dozen times.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import col

from app.clock import Clock
from app.db import Database, ident
from app.escalations import events
from app.escalations import service as escalations
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import Level, State
from app.main import Tongxing, create_app
from app.messages.models import Outbox
from app.people.models import Person, Role
from app.settings import Settings
from app.vault import Vault
from bot.simulator.callbacks import Door, write_xml
from bot.simulator.wecom_door import WorkDoor
from bot.worlds import Worlds
from tests.conftest import ACCOUNT, COMPANY, MONDAY, open_story
from tests.stories.ways import every_way, reached_by
from tests.test_due import Meeting

ROUNDS = 200
WAYS = ("writes", "presses", "by the service")
DUTY = {"王乐": ("o_wangle", "wangle"), "李红": ("o_lihong", "lihong")}
STAMP = int(MONDAY.timestamp())


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "house.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"


@dataclass(frozen=True)
class Raised:
    """An open red case, and what the button of its alert stands for."""

    number: int
    code: str
    button: str


class Process:
    """One of the processes of the house: what staff do comes in at its doors. Each answers what they are told."""

    def __init__(self, house: Tongxing, settings: Settings, numbers: Iterator[int]) -> None:
        self.house, self._numbers = house, numbers
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(house, bells=())), base_url=settings.public_url
        )
        self._wechat = Door(ACCOUNT, house.clock, self._client, "/wechat", 5, ())
        self._wecom = WorkDoor(COMPANY, house.clock, self._client, "/wecom", 5, ())

    async def aclose(self) -> None:
        await self._client.aclose()

    async def take(self, way: str, who: Person, case: Raised) -> str:
        if way == "writes":
            return await self._writes(DUTY[who.name][0], f"接 {case.code}")
        if way == "presses":
            return await self._presses(DUTY[who.name][1], case.button)
        async with self.house.db.begin() as session:
            return await taken_by(session, who, case.number, escalations.case)

    async def _writes(self, openid: str, words: str) -> str:
        message = {"MsgType": "text", "Content": words, "MsgId": next(self._numbers)}
        xml = write_xml({"ToUserName": "gh", "FromUserName": openid, "CreateTime": STAMP, **message})
        return await self._answer(self._wechat, openid, xml)

    async def _presses(self, userid: str, button: str) -> str:
        event = {"MsgType": "event", "Event": "template_card_event", "EventKey": button, "TaskId": button}
        xml = write_xml({"ToUserName": COMPANY.corp_id, "FromUserName": userid, "CreateTime": STAMP, **event})
        return await self._answer(self._wecom, userid, xml)

    @staticmethod
    async def _answer(door: Door, who: str, xml: str) -> str:
        delivery, reply = await door.deliver(who, xml, fault=lambda: None)
        assert (delivery.error, delivery.attempts) == (None, 1)
        assert reply is not None
        return reply.text


Look = Callable[[AsyncSession, int], Awaitable[CaseRow]]


async def taken_by(session: AsyncSession, who: Person, number: int, look: Look) -> str:
    row = await look(session, number)
    refused = await escalations.happened(session, row, events.Taken(ident(who)), MONDAY, actor=who)
    assert row.owner_id is not None
    owner = (await session.get_one(Person, row.owner_id)).name
    assert not refused or not isinstance(refused[0], events.Refused) or refused[0].owner == row.owner_id
    return f"{owner} 已接手"


@pytest.fixture
async def processes(url: str, settings: Settings) -> AsyncIterator[Sequence[Process]]:
    """Two processes on one database. Monday, 09:00: 王乐 and 李红 have WeChat and WeCom."""
    house = every_way(settings, database_url=url)
    async with AsyncExitStack() as open_ones:
        story = await open_ones.enter_async_context(open_story(house, Clock(frozen_at=MONDAY)))
        await reached_by(story, "wangle", wecom="wangle")
        nobody = httpx.AsyncClient()
        other = Tongxing.build(house, Clock(frozen_at=MONDAY), Worlds(nobody, nobody, nobody))
        await open_ones.enter_async_context(other.running(bells=()))
        numbers = count(1)  # WeChat's numbers of what people write, whichever process it comes to
        both = [Process(each, house, numbers) for each in (story.house, other)]
        for process in both:
            open_ones.push_async_callback(process.aclose)
        yield both


@pytest.fixture
async def dbs(url: str, settings: Settings) -> AsyncIterator[Sequence[Database]]:
    """The same database with no house in it: what two processes have of it, and what looks on."""
    async with open_story(every_way(settings, database_url=url), Clock(frozen_at=MONDAY)):
        pass
    opened = [Database(url, Vault(settings.secret_key.get_secret_value())) for _ in range(3)]
    yield opened
    for db in opened:
        await db.close()


async def staff(db: Database) -> tuple[Person, Person]:
    async with db.read() as session:
        found = {p.name: p for p in await session.scalars(select(Person).where(col(Person.role) == Role.WORKER))}
    return found["王乐"], found["李红"]


async def members_of(db: Database, worker: Person, n: int) -> list[Person]:
    place = {"programme_id": worker.programme_id, "house_id": worker.house_id, "worker_id": worker.id}
    async with db.begin() as session:
        members = [Person(code=f"two{i}", role=Role.MEMBER, name=f"成员{i}", **place) for i in range(n)]
        session.add_all(members)
    return members


async def raised(db: Database, member: Person) -> Raised:
    """An open red case of this member; the alerts are on their way."""
    async with db.begin() as session:
        case = await escalations.flag(
            session, member, Level.RED, "suicide", rule="r", rules_version="1", said="不想活了", now=MONDAY
        )
        alert = await session.scalar(
            select(Outbox).where(col(Outbox.kind) == "case_alert", col(Outbox.subject_id) == case.id)
        )
        assert alert is not None
        return Raised(ident(case), case.code, f"take:{case.id}:{alert.params['seq']}")


@dataclass(frozen=True)
class Ending:
    """What stands in the database about a case: its owner, who took it by its log, who was promised to the member."""

    owner: int | None
    taken_by: list[int]
    promised: list[int]


async def endings(db: Database, cases: Sequence[Raised]) -> dict[int, Ending]:
    async with db.read() as session:
        rows = {row.id: row for row in await session.scalars(select(CaseRow))}
        log = list(await session.scalars(select(CaseEvent).where(col(CaseEvent.kind) == "Taken")))
        promises = list(await session.scalars(select(Outbox).where(col(Outbox.kind) == "case_taken")))
    assert all(rows[case.number].state is State.ACKNOWLEDGED for case in cases)
    return {
        case.number: Ending(
            owner=rows[case.number].owner_id,
            taken_by=[entry.actor_id or 0 for entry in log if entry.case_id == case.number],
            promised=[p.params["owner"] for p in promises if p.subject_id == case.number],
        )
        for case in cases
    }


async def test_two_hundred_times_one_has_it_and_the_other_is_told_who(processes: Sequence[Process]) -> None:
    db = processes[0].house.db
    wangle, lihong = await staff(db)
    members = await members_of(db, wangle, ROUNDS)
    told: dict[Raised, dict[int | None, str]] = {}
    for n, member in enumerate(members):
        case, start = await raised(db, member), asyncio.Barrier(2)

        async def at_once(
            who: Person, way: str, door: Process, case: Raised = case, start: asyncio.Barrier = start
        ) -> str:
            await start.wait()
            return await door.take(way, who, case)

        first, second = (wangle, lihong) if n % 2 else (lihong, wangle)
        words = await asyncio.gather(
            at_once(first, WAYS[n % 3], processes[0]), at_once(second, WAYS[n // 3 % 3], processes[n // 9 % 2])
        )
        told[case] = {first.id: words[0], second.id: words[1]}
    names = {who.id: who.name for who in (wangle, lihong)}
    ended = await endings(db, list(told))
    for case, words_to in told.items():
        owner, taken_by, promised = astuple(ended[case.number])
        assert (taken_by, promised) == ([owner], [owner]), case
        for who, said in words_to.items():
            assert f"{names[owner]} 已接手" in said or (who == owner and said.startswith("已记录")), (case, said)


# What the guard is for


async def as_it_was_read(session: AsyncSession, number: int) -> CaseRow:
    return await session.get_one(CaseRow, number)


async def locked_but_not_read_again(session: AsyncSession, number: int) -> CaseRow:
    return (await session.scalars(select(CaseRow).where(col(CaseRow.id) == number).with_for_update())).one()


@pytest.mark.parametrize(
    ("look", "guarded"),
    [(escalations.case, True), (as_it_was_read, False), (locked_but_not_read_again, False)],
    ids=["one has it", "control: read once, and both have it", "control: locked, not read again, and both have it"],
)
async def test_two_who_have_read_that_nobody_has_it(dbs: Sequence[Database], look: Look, guarded: bool) -> None:
    """Both have read the case before either takes it. What keeps the second one out is the row's lock, after which
    it is read again, and on SQLite that a unit of work that writes begins by saying so."""
    onlooker, *own = dbs
    two = await staff(onlooker)
    case = await raised(onlooker, (await members_of(onlooker, two[0], 1))[0])
    meeting = Meeting(2)

    async def take(who: Person, db: Database) -> str:
        async with unit_of_work(db, guarded=guarded) as session:
            row = await as_it_was_read(session, case.number)
            await meeting.wait()
            told = await taken_by(session, who, case.number, look)
            assert row.owner_id is not None  # it is the same object, which a session forgets if nobody holds it
            return told

    told = await asyncio.gather(*map(take, two, own))
    ending = (await endings(onlooker, [case]))[case.number]
    if guarded:
        assert (ending.taken_by, ending.promised) == ([ending.owner], [ending.owner])
        assert told[0] == told[1]
    else:
        assert sorted(ending.taken_by) == sorted(ending.promised) == sorted(ident(who) for who in two)
        assert told == ["王乐 已接手", "李红 已接手"]


@asynccontextmanager
async def unit_of_work(db: Database, *, guarded: bool) -> AsyncIterator[AsyncSession]:
    """As ours begins, or as the driver of the database has it."""
    if guarded:
        async with db.begin() as session:
            yield session
        return
    plain = create_async_engine(db.url)
    async with AsyncSession(plain, expire_on_commit=False) as session, session.begin():
        yield session
    await plain.dispose()
