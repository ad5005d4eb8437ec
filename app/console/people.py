"""The list of those a house is there for, and finding one by name. A name is never part of an address."""

from app.console.desk import EVERYBODY, Answer, Desk, Page, Room
from app.pages.posting import whole
from app.people import finding
from app.people import service as people
from app.people.models import Role

room = Room("people", nav="/console/people", roles=EVERYBODY)

A_PAGE = 30
MOST_FOUND = 50
LONGEST = 40


@room.get("/people", roles=EVERYBODY)
async def index(desk: Desk) -> Answer:
    """Members, by the order in which they were registered."""
    found = await finding.page(
        desk.session, desk.scope, (Role.MEMBER,), A_PAGE + 1, whole(desk.query("after")) or 0
    )  # fmt: skip
    return await _page(desk, found[:A_PAGE], more=found[A_PAGE - 1].number if len(found) > A_PAGE else None)


@room.post("/people/search", roles=EVERYBODY)
async def search(desk: Desk) -> Answer:
    """By a form and not by an address: what somebody is called stands in no history and no log."""
    words = desk.form.get("name", "").strip()[:LONGEST]
    if not words:
        return await _page(desk, [], name="", trouble="console_people.no_name", status=422)
    found = await finding.by_name(desk.session, desk.scope, _seen_by(desk), words, MOST_FOUND + 1)
    return await _page(desk, found[:MOST_FOUND], name=words, too_many=len(found) > MOST_FOUND)


def _seen_by(desk: Desk) -> tuple[Role, ...]:
    return (Role.MEMBER,) if desk.who.role is Role.COUNSELLOR else (Role.MEMBER, Role.FAMILY, Role.GUEST)


async def _page(
    desk: Desk, found: list[finding.Found], *, name: str | None = None, more: int | None = None,
    too_many: bool = False, trouble: str = "", status: int = 200,
) -> Page:  # fmt: skip
    workers = await people.people_by_id(desk.session, {one.worker_id for one in found if one.worker_id is not None})
    return Page(
        "people/index.html", status, found=found, workers=workers, name=name, more=more, too_many=too_many,
        trouble=trouble, longest=LONGEST, first=desk.query("after") == "",
    )  # fmt: skip
