"""A program sees what its worker may see of activities, members, the rota and the figures, and marks who is there."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from sqlalchemy import select

from app.activities.models import Attendance, Occurrence
from app.api import activity_shapes, problems, shapes
from app.people.models import Person, Role
from app.people.scope import scope_of
from app.people.tokens import May
from app.reports.service import Asked, month_of, report_for
from bot.simulator import Phone
from tests.conftest import Story
from tests.console.things import another_house, things
from tests.stories.ways import crowd, occurrence, registered
from tests.test_api import Program, http, member, program_of  # noqa: F401 - fixtures

GOING = "1"


async def program(story: Story, http: httpx.AsyncClient, *may: May) -> Program:  # noqa: F811
    return await program_of(story, http, "wangle", frozenset(may or May))


async def test_what_is_planned_comes_a_page_at_a_time(story: Story, http: httpx.AsyncClient) -> None:  # noqa: F811
    mine = await program(story, http)
    found = await mine.asks("GET", "/activities")
    assert found["next"] is None
    everything = [one["number"] for one in found["activities"]]
    assert len(everything) > 4
    assert [one["starts_at"] for one in found["activities"]] == sorted(o["starts_at"] for o in found["activities"])
    paged: list[int] = []
    where = "?limit=3"
    while where:
        found = await mine.asks("GET", f"/activities{where}")
        assert len(found["activities"]) <= 3
        paged += [one["number"] for one in found["activities"]]
        where = f"?limit=3&after={found['next']}" if found["next"] else ""
    assert paged == everything
    few = await mine.asks("GET", "/activities?from=2026-11-25&until=2026-11-26")
    assert {one["starts_at"][:10] for one in few["activities"]} == {"2026-11-25"}


async def test_who_comes_is_only_for_a_token_that_may_read(
    story: Story, http: httpx.AsyncClient, member: Phone  # noqa: F811
) -> None:  # fmt: skip
    number = (await occurrence(story, "手工课")).id
    await story.clock.forward(hours=2)
    await member.says(GOING)
    seen = await (await program(story, http)).asks("GET", f"/activities/{number}")
    assert [(one["called"], one["answer"], one["present"]) for one in seen["people"]] == [("小河", "going", False)]
    blind = await (await program(story, http, May.TAKE)).asks("GET", f"/activities/{number}")
    assert (blind["people"], blind["going"]) == (None, 1)


async def test_somebody_is_marked_as_there_once(story: Story, http: httpx.AsyncClient, member: Phone) -> None:  # noqa: F811
    mine, what = await program(story, http), await occurrence(story, "手工课")
    path, sent = f"/activities/{what.id}/attendance", {"json": {"person": "xiaohe"}}
    await mine.is_refused("POST", path, 409, "not-yet", **sent)
    await story.clock.forward_to(what.starts_at)
    assert await mine.asks("POST", path, **sent) == {"present": True, "again": False, "walk_in": True}
    assert (await mine.asks("POST", path, **sent))["again"] is True
    async with story.house.db.read() as session:
        (mark,) = await session.scalars(select(Attendance))
    assert (mark.source, mark.marked_by) == ("api", (await registered(story, "wangle")).id)
    await story.clock.forward_to(what.ends_at + timedelta(minutes=1))
    await crowd(story, 1)
    await mine.is_refused("POST", path, 409, "door-closed", json={"person": "c0"})
    await mine.is_refused("POST", path, 404, "not-found", json={"person": "lihong"})
    reader = await program(story, http, May.READ)
    await reader.is_refused("POST", path, 403, "not-allowed", **sent)


async def test_members_come_a_page_at_a_time_and_only_with_read(story: Story, http: httpx.AsyncClient) -> None:  # noqa: F811
    await crowd(story, 7)
    await things(story.house, await another_house(story.house))
    mine = await program(story, http)
    everybody = await mine.asks("GET", "/people")
    assert {one["house"] for one in everybody["people"]} == {"duantang"}
    codes: list[str] = []
    after = 0
    while after is not None:
        page = await mine.asks("GET", f"/people?limit=4&after={after}")
        codes += [one["code"] for one in page["people"]]
        after = page["next"]
    assert codes == [one["code"] for one in everybody["people"]]
    assert "thing-2" not in codes
    await (await program(story, http, May.TAKE)).is_refused("GET", "/people", 403, "not-allowed")


async def test_who_is_there_is_told_for_the_days_ahead(story: Story, http: httpx.AsyncClient) -> None:  # noqa: F811
    found = await (await program(story, http)).asks("GET", "/duty?days=7")
    (house,) = found["houses"]
    assert house["house"] == "duantang"
    first = house["shifts"][0]
    assert (first["who"]["code"], first["ends_at"]) == ("wangle", "2026-11-23T09:00:00Z")
    assert [one["who"]["code"] for one in house["shifts"]].count("lihong") == 1


async def test_the_figures_are_those_of_the_page(story: Story, http: httpx.AsyncClient, member: Phone) -> None:  # noqa: F811
    mine = await program(story, http)
    for query, shared in (("", False), ("?shared=true&house=duantang", True)):
        said = await mine.asks("GET", f"/figures/2026-11{query}")
        async with story.house.db.read() as session:
            who, now = await registered(story, "wangle"), story.house.clock.now()
            scope = await scope_of(session, who)
            asked = Asked(await month_of(session, scope, "2026-11", now), None, shared)
            report, _ = await report_for(session, who, scope, asked, now)
        printed = [[list(row.cells) for row in grid.rows] for grid in report.grids]
        assert [[row["cells"] for row in grid["rows"]] for grid in said["grids"]] == printed
    refused = await mine.is_refused("GET", "/figures/november", 422, "invalid")
    assert refused["where"] == ["path.month"]
    await another_house(story.house)
    answers = [
        await mine.is_refused("GET", f"/figures/2026-11?house={one}", 404, "not-found") for one in ("elsewhere", "none")
    ]
    assert answers[0] == answers[1]


BODIES: dict[str, dict[str, Any]] = {
    "attendance": {"person": "xiaohe"}, "close": {"outcome": "met"}, "offer": {"to": "wangle"},
    "mark": {"level": "none"},
}  # fmt: skip


async def test_what_is_of_another_house_is_not_there_on_any_path(story: Story, http: httpx.AsyncClient) -> None:  # noqa: F811
    """每条带参数的路，都拿别的小站的东西去试，和没有这样东西是同一个回答。"""
    theirs = await things(story.house, await another_house(story.house))
    mine = await program(story, http)
    described = await mine.asks("GET", "/openapi.json")
    async with story.house.db.read() as session:
        what = await session.get_one(Occurrence, theirs["occurrence"])
        assert what.title == "散步"
        assert (await session.get_one(Person, theirs["person"])).role is Role.MEMBER
    paths = [
        (method.upper(), path) for path, ways in described["paths"].items() for method in ways if "{" in path
    ]  # fmt: skip
    assert len(paths) >= 9
    numbers = {"code": ("A-0001", "A-9999"), "number": (str(what.id), "999999")}
    for method, path in paths:
        (name,) = re.findall(r"\{(\w+)\}", path)
        if name == "month":
            continue  # every month is everybody's; whose houses it speaks of is tested above
        answers = []
        for value in numbers[name]:
            where = path.replace(f"{{{name}}}", value)
            more = {"json": BODIES.get(path.rsplit("/", 1)[1], {})} if method == "POST" else {}
            answers.append(await mine.is_refused(method, where, 404, "not-found", **more))
            await story.clock.forward(seconds=1)
        assert answers[0] == answers[1], path


@pytest.mark.parametrize("name", [
    *("ActivityOut", "ActivitiesOut", "Arrived", "ArrivedOut", "MemberOut", "MembersOut", "ShiftOut", "DutyOut"),
    *("DutiesOut", "FiguresOut", "Case", "Button", "Offer", "Close", "MarkIn", "Marked", "MissedIn", "MissedOut"),
    "ProblemOut",
])  # fmt: skip
def test_every_example_is_one(name: str) -> None:
    model = next(getattr(room, name) for room in (activity_shapes, shapes, problems) if hasattr(room, name))
    example = model.model_config["json_schema_extra"]["example"]
    read = TypeAdapter(model).validate_python(example)
    assert {**example, **read.model_dump(mode="json", include=set(example))} == example


async def test_every_shape_of_an_answer_has_an_example(story: Story, http: httpx.AsyncClient) -> None:  # noqa: F811
    described = await (await program(story, http)).asks("GET", "/openapi.json")
    for path, ways in described["paths"].items():
        for way in ways.values():
            answer = way["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
            shape = described["components"]["schemas"][answer]
            assert "example" in shape or answer == "Cases", f"{path} {answer}"
