"""A program does for a worker what the worker may do: bearer tokens, cases, and problems that say what is wrong."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.api.callers import BURST
from app.db import ident
from app.escalations import handling
from app.escalations import service as escalations
from app.escalations.models import CaseEvent, Via
from app.escalations.states import Level
from app.main import create_app
from app.marks.models import Mark, MarkKind
from app.messages.models import Contact
from app.people import tokens
from app.people.models import ApiToken, House, Person, Role
from app.people.tokens import May
from bot.simulator import Phone
from tests.beginnings import pages
from tests.conftest import Story
from tests.stories.ways import here, registered

WORDS = "不想活了，药都攒好了"
EVERYTHING = frozenset(May)


@dataclass
class Program:
    """A program of somebody's, with a token for one member of staff."""

    story: Story
    http: httpx.AsyncClient
    number: int = 0
    key: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(0))

    async def asks(self, method: str, path: str, status: int = 200, **how: Any) -> dict[str, Any]:
        """One call; what it answers, with this status."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        self.answer = await self.http.request(method, f"/api/v1{path}", headers=headers, **how)
        await self.story.clock.settle()
        assert self.answer.status_code == status, self.answer.text
        assert self.answer.headers["cache-control"] == "no-store"
        assert not [name for name in self.answer.headers if name.startswith("access-control")]
        self.said = self.answer.json()
        return self.said

    async def is_refused(self, method: str, path: str, status: int, kind: str, **how: Any) -> dict[str, Any]:
        said = await self.asks(method, path, status, **how)
        assert self.answer.headers["content-type"] == "application/problem+json"
        assert (said["type"], said["status"]) == (f"/problems/{kind}", status)
        assert said["detail"]
        return said

    async def takes(self, status: int = 200, **how: Any) -> dict[str, Any]:
        return await self.asks("POST", "/cases/A-0001/take", status, **how)


@pytest.fixture
async def http(story: Story) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(story.house, bells=()))
    async with httpx.AsyncClient(transport=transport, base_url=story.settings.public_url) as client:
        yield client


async def program_of(
    story: Story, http: httpx.AsyncClient, code: str, may: frozenset[May] = EVERYTHING, days: int = 90
) -> Program:
    who = await registered(story, code)
    async with story.house.db.begin() as session:
        row, key = await tokens.make(session, who, may, story.house.clock.now(), lasts=timedelta(days=days))
    return Program(story, http, ident(row), key)


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.joined()


@pytest.fixture
async def raised(member: Phone) -> Phone:
    """小河 has written what nobody should be alone with."""
    await member.says(WORDS)
    return member


@pytest.fixture
async def program(story: Story, raised: Phone, http: httpx.AsyncClient) -> Program:
    return await program_of(story, http, "wangle")


async def logged(story: Story, *kinds: str) -> list[tuple[str, str]]:
    async with story.house.db.read() as session:
        entries = await session.scalars(select(CaseEvent).order_by(col(CaseEvent.seq)))
        return [(entry.kind, entry.detail.get("via", "")) for entry in entries if entry.kind in kinds]


# What there is to see


async def test_what_waits_and_what_is_mine_is_listed(program: Program) -> None:
    (case,) = (await program.asks("GET", "/cases"))["cases"]
    assert (case["code"], case["level"], case["state"], case["house"]) == ("A-0001", "red", "open", "duantang")
    assert (case["owner"], case["yours"]) == (None, False)
    assert case["member"] == {"called": "小河", "phone": None}
    assert case["words"] is None
    await program.takes()
    (case,) = (await program.asks("GET", "/cases"))["cases"]
    assert (case["owner"], case["yours"]) == ({"code": "wangle", "name": "王乐"}, True)


async def test_words_and_names_are_only_for_a_token_that_may_read(
    story: Story, program: Program, http: httpx.AsyncClient
) -> None:
    case = await program.asks("GET", "/cases/A-0001")
    assert case["member"]["called"] == "小河"
    assert case["words"][0]["said"] == WORDS
    assert await logged(story, "Viewed") == [("Viewed", "api")]
    blind = await program_of(story, http, "wangle", frozenset({May.TAKE}))
    for path in ("/cases", "/cases/A-0001"):
        assert (await blind.asks("GET", path)) is not None
        for word in ("小河", WORDS, "000-0000-0001"):
            assert word not in json.dumps(blind.said, ensure_ascii=False)
    assert len(await logged(story, "Viewed")) == 1


# What can be done


async def test_taking_it_tells_the_member_and_a_second_time_changes_nothing(
    story: Story, program: Program, raised: Phone
) -> None:
    assert (await program.takes())["state"] == "acknowledged"
    await raised.hears("王乐看到您的消息了")
    assert (await program.takes())["yours"] is True
    assert await logged(story, "Taken") == [("Taken", "api")]


async def test_somebody_else_has_it_and_the_answer_says_who(story: Story, program: Program) -> None:
    await (await story.phone("李红")).says("接 A-0001")
    said = await program.is_refused("POST", "/cases/A-0001/take", 409, "taken")
    assert said["owner"] == {"code": "lihong", "name": "李红"}
    assert "李红 已经接手了" in said["detail"]
    said = await program.is_refused("POST", "/cases/A-0001/contacted", 409, "not-yours")
    assert said["owner"]["code"] == "lihong"


async def test_a_button_that_was_shown_before_it_changed_hands_changes_nothing(story: Story, program: Program) -> None:
    seq = (await program.asks("GET", "/cases/A-0001"))["seq"]
    await (await story.phone("李红")).says("接 A-0001")
    await story.clock.forward(minutes=50)  # nobody was reached: it is everybody's again
    await program.is_refused("POST", "/cases/A-0001/take", 409, "out-of-date", json={"seq": seq})
    seq = (await program.asks("GET", "/cases/A-0001"))["seq"]
    assert (await program.takes(json={"seq": seq}))["yours"] is True


async def test_a_case_is_carried_to_its_end(story: Story, program: Program) -> None:
    await program.takes()
    assert (await program.asks("POST", "/cases/A-0001/contacted"))["state"] == "contacted"
    for wrong, kind in (
        ({}, "needs-next-contact"),
        ({"next_contact": "2026-11-22"}, "next-contact-is-over"),
        ({"next_contact": "2026-11-26"}, "needs-grade"),
        ({"next_contact": "2026-11-26", "grade": 3}, "needs-referral"),
        ({"next_contact": "2026-12-24", "grade": 3, "whereto": "区三院"}, "next-contact-too-late"),
    ):
        await program.is_refused("POST", "/cases/A-0001/close", 422, kind, json={"outcome": "called", **wrong})
    ended = await program.asks(
        "POST", "/cases/A-0001/close", json={"outcome": "called", "grade": 2, "next_contact": "2026-11-26"}
    )  # fmt: skip
    assert (ended["state"], ended["outcome"], ended["next_contact"]) == ("resolved", "called", "2026-11-26")
    for verb, sent in (("take", {}), ("contacted", {}), ("offer", {"to": "lihong"}), ("close", {"outcome": "met"})):
        await program.is_refused("POST", f"/cases/A-0001/{verb}", 409, "resolved", json=sent)
    assert (await program.asks("GET", "/cases"))["cases"] == []
    assert await logged(story, "Contacted", "Closed") == [("Contacted", "api"), ("Closed", "api")]


async def test_not_reaching_somebody_is_no_ending(program: Program) -> None:
    await program.takes()
    case = await program.asks("POST", "/cases/A-0001/close", json={"outcome": "unreached"})
    assert (case["state"], case["outcome"]) == ("acknowledged", "unreached")


async def test_a_colleague_is_asked_and_it_stays_until_they_take_it(
    story: Story, program: Program, http: httpx.AsyncClient
) -> None:
    await program.takes()
    case = await program.asks("POST", "/cases/A-0001/offer", json={"to": "lihong"})
    assert (case["owner"]["code"], case["offered_to"]["code"]) == ("wangle", "lihong")
    await (await story.phone("李红")).sees_card("待办提醒", 编号="A-0001")
    hers = await program_of(story, http, "lihong")
    assert (await hers.takes())["owner"]["code"] == "lihong"
    for nobody in ("nobody", "lilaoshi", "xiaohe", "lihong"):
        await hers.is_refused("POST", "/cases/A-0001/offer", 422, "no-colleague", json={"to": nobody})
    story.platform.users["o_wangle"].following = False
    async with story.house.db.begin() as session:
        wangle = (await registered(story, "wangle")).id
        contact = (await session.scalars(select(Contact).where(Contact.person_id == wangle))).one()
        contact.following = False
    await hers.is_refused("POST", "/cases/A-0001/offer", 409, "unreachable", json={"to": "wangle"})


# Who may


async def test_what_is_out_of_scope_answers_like_what_is_not_there(
    story: Story, raised: Phone, http: httpx.AsyncClient
) -> None:
    programme_id = (await registered(story, "wangle")).programme_id
    async with story.house.db.begin() as session:
        elsewhere = House(programme_id=programme_id, code="shiqi", name="石碶生活小站")
        session.add(elsewhere)
        await session.flush()
        worker = Person(
            programme_id=programme_id, house_id=ident(elsewhere), code="qianjin", role=Role.WORKER, name="钱进"
        )
        session.add(worker)
    stranger = await program_of(story, http, "qianjin")
    assert await stranger.asks("GET", "/cases") == {"cases": [], "next": None}
    for code in ("A-0001", "A-9999", "nonsense"):
        answers = [await stranger.is_refused("GET", f"/cases/{code}", 404, "not-found")]
        for verb, sent in (("take", {}), ("contacted", {}), ("offer", {"to": "wangle"}), ("close", {"outcome": "met"})):
            answers.append(await stranger.is_refused("POST", f"/cases/{code}/{verb}", 404, "not-found", json=sent))
        assert all(answer == answers[0] for answer in answers)
    assert await logged(story, "Taken", "Viewed") == []


async def test_a_token_that_may_only_read_can_do_nothing(story: Story, raised: Phone, http: httpx.AsyncClient) -> None:
    reading = await program_of(story, http, "wangle", frozenset({May.READ}))
    assert (await reading.asks("GET", "/cases/A-0001"))["words"]
    for verb, sent in (("take", {}), ("contacted", {}), ("offer", {"to": "lihong"}), ("close", {"outcome": "met"})):
        await reading.is_refused("POST", f"/cases/A-0001/{verb}", 403, "not-allowed", json=sent)
    assert await logged(story, "Taken") == []


async def is_let_in(program: Program) -> bool:
    answer = await program.http.get("/api/v1/cases", headers={"authorization": f"Bearer {program.key}"})
    return answer.status_code == 200


async def test_a_token_runs_out(story: Story, http: httpx.AsyncClient) -> None:
    program = await program_of(story, http, "wangle", days=1)
    await story.clock.forward(hours=23, minutes=59)
    assert await is_let_in(program)
    await story.clock.forward(minutes=1)
    await program.is_refused("GET", "/cases", 401, "no-token")
    assert program.answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_was_taken_back_opens_nothing(story: Story, program: Program) -> None:
    assert await is_let_in(program)
    async with story.house.db.begin() as session:
        assert await tokens.revoke(session, program.number, story.house.clock.now())
    await program.is_refused("POST", "/cases/A-0001/take", 401, "no-token")


async def test_whoever_is_no_worker_any_more_has_no_token_either(story: Story, program: Program) -> None:
    async with story.house.db.begin() as session:
        (await session.get_one(Person, (await registered(story, "wangle")).id)).role = Role.COUNSELLOR
    await program.is_refused("GET", "/cases", 401, "no-token")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer tongxing_nonsense", "Basic d2FuZ2xlOg=="])
async def test_without_a_good_token_there_is_nothing(
    program: Program, http: httpx.AsyncClient, header: str | None
) -> None:
    for method, path in (("GET", "/cases"), ("GET", "/cases/A-0001"), ("POST", "/cases/A-0001/take")):
        headers = {} if header is None else {"authorization": header}
        answer = await http.request(method, f"/api/v1{path}", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/no-token")


async def test_only_a_hash_of_a_token_is_kept_and_when_it_was_used(story: Story, program: Program) -> None:
    async with story.house.db.read() as session:
        assert (await session.get_one(ApiToken, program.number)).used_at is None
    at = story.house.clock.now()
    await program.asks("GET", "/cases")
    async with story.house.db.read() as session:
        row = await session.get_one(ApiToken, program.number)
    assert row.used_at == at
    assert len(row.hash) == 64
    assert program.key not in str(row.model_dump())
    assert program.key.encode() not in pages(story.settings)


async def test_a_program_that_asks_too_often_waits_and_the_others_do_not(
    story: Story, program: Program, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.callers.RATE", 0.001)  # however slow the machine, nothing comes back meanwhile
    for _ in range(int(BURST)):
        assert await is_let_in(program)
    await program.is_refused("GET", "/cases", 429, "too-often")
    assert int(program.answer.headers["retry-after"]) >= 1
    assert await is_let_in(await program_of(story, http, "lihong"))


# What the machine read


async def test_a_program_says_what_the_words_were(program: Program) -> None:
    said = await program.asks("POST", "/cases/A-0001/mark", json={"level": "none", "why": "joke"})
    assert (said["kind"], said["level"], said["why"], said["screen_level"]) == ("false_alarm", "none", "joke", "red")
    assert said["rules_version"]
    said = await program.asks("POST", "/cases/A-0001/mark", json={"level": "orange", "why": "joke"})
    assert (said["kind"], said["level"], said["why"]) == ("level", "orange", None)
    (case,) = (await program.asks("GET", "/cases"))["cases"]
    assert (case["level"], case["state"]) == ("red", "open")


async def test_what_is_closed_as_a_false_alarm_is_marked(story: Story, program: Program) -> None:
    await program.takes()
    await program.asks("POST", "/cases/A-0001/close", json={"outcome": "false_alarm"})
    async with story.house.db.read() as session:
        (mark,) = await session.scalars(select(Mark))
    assert (mark.kind, mark.via, mark.said) == (MarkKind.FALSE_ALARM, Via.API, WORDS)


async def test_what_nobody_was_called_for_is_acted_on(program: Program, raised: Phone) -> None:
    another = await here(program.story, "azhu", "阿珠")
    await another.says("我把猫送给隔壁阿姨了")
    said = await program.asks("POST", "/missed", json={"said": "我把猫送给隔壁阿姨了", "level": "red"})
    assert said == {"people": 1, "cases": ["A-0002"], "opened": True}
    assert (await program.asks("GET", "/cases/A-0002"))["level"] == "red"
    said = await program.asks("POST", "/missed", json={"said": "没有人写过这句"})
    assert said == {"people": 0, "cases": [], "opened": False}


async def test_a_token_that_may_only_read_marks_nothing(
    story: Story, program: Program, http: httpx.AsyncClient
) -> None:
    reader = await program_of(story, http, "wangle", frozenset({May.READ}))
    await reader.is_refused("POST", "/cases/A-0001/mark", 403, "not-allowed", json={"level": "none"})
    await reader.is_refused("POST", "/missed", 403, "not-allowed", json={"said": WORDS})


async def test_where_nothing_was_read_there_is_nothing_to_mark(story: Story, program: Program) -> None:
    who = await registered(story, "azhu")
    async with story.house.db.begin() as session:
        await escalations.flag(
            session, who, Level.RED, "distress", rule="member.needs-help", rules_version="1", said="帮帮我",
            now=story.house.clock.now(),
        )  # fmt: skip
    await program.is_refused("POST", "/cases/A-0002/mark", 409, "nothing-to-mark", json={"level": "none"})


# What it is sent


@pytest.mark.parametrize(
    ("verb", "sent", "where"),
    [
        ("close", {"json": {}}, ["body.outcome"]),
        ("close", {"json": {"outcome": "drowned"}}, ["body.outcome"]),
        ("close", {"json": {"outcome": "called", "grade": 6}}, ["body.grade"]),
        ("close", {"json": {"outcome": "called", "next_contact": "soon"}}, ["body.next_contact"]),
        ("close", {"json": {"outcome": "called", "nxt": "2026-11-26"}}, ["body.nxt"]),
        ("close", {"content": "{", "headers": {"content-type": "application/json"}}, ["body.1"]),
        ("offer", {"json": {"to": 7}}, ["body.to"]),
        ("take", {"json": {"seq": "-1"}}, ["body.seq"]),
        ("take", {"json": ["A-0001"]}, ["body"]),
        ("mark", {"json": {"level": "purple"}}, ["body.level"]),
        ("mark", {"json": {"level": "none", "why": "drowned"}}, ["body.why"]),
    ],
)
async def test_wrong_json_is_refused_by_name_and_not_repeated(
    program: Program, verb: str, sent: dict[str, Any], where: list[str]
) -> None:
    headers = {"authorization": f"Bearer {program.key}", **sent.pop("headers", {})}
    answer = await program.http.post(f"/api/v1/cases/A-0001/{verb}", headers=headers, **sent)
    said = answer.json()
    assert (answer.status_code, said["type"], said["where"]) == (422, "/problems/invalid", where)
    assert "drowned" not in answer.text


async def test_what_is_not_there_is_a_problem_too(program: Program) -> None:
    await program.is_refused("GET", "/nothing", 404, "not-found")
    await program.is_refused("GET", "/cases/A-0001/take", 405, "no-such-method")
    await program.is_refused("OPTIONS", "/cases", 405, "no-such-method")


async def test_trouble_of_our_own_is_one_sentence(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_args: object, **_more: object) -> None:
        raise RuntimeError(WORDS)

    monkeypatch.setattr("app.api.cases.handling.take", breaks)
    transport = httpx.ASGITransport(create_app(program.story.house, bells=()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
        answer = await client.post(
            "/api/v1/cases/A-0001/take", headers={"authorization": f"Bearer {program.key}"}
        )  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/broken")
    assert WORDS not in answer.text


async def test_it_describes_itself_with_examples(program: Program) -> None:
    described = await program.asks("GET", "/openapi.json")
    assert described["servers"] == [{"url": "/api/v1"}]
    assert set(described["paths"]) == {
        "/missed", "/cases", "/cases/{code}", "/activities", "/activities/{number}", "/activities/{number}/attendance",
        "/people", "/duty", "/figures/{month}",
        *(f"/cases/{{code}}/{verb}" for verb in ("take", "contacted", "close", "offer", "mark")),
    }  # fmt: skip
    shapes = described["components"]["schemas"]
    for shape in ("Case", "Close", "Offer", "Button", "MarkIn", "Marked", "MissedIn", "MissedOut", "ProblemOut"):
        assert shapes[shape]["example"]
    assert "HTTPValidationError" not in json.dumps(described["paths"])
    assert shapes["Close"]["properties"]["outcome"]["enum"] == [one.value for one in handling.OUTCOMES]
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"HTTPBearer": []}]
            assert {"401", "429"} <= operation["responses"].keys()
