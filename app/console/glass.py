"""Breaking the glass: a worker opens somebody of another house for an hour; whoever leads looks at it."""

from app.console.desk import CASES, LEADS, Answer, Back, Desk, Page, Room
from app.db import ident
from app.people import glass as glasses
from app.people import service as people
from app.people.models import GlassBroken, Role
from app.tasks import glass
from bot.wording.moments import moment_words

room = Room("glass")

MOST = 50


@room.get("/glass", roles=CASES)
async def index(desk: Desk) -> Answer:
    """To a worker: the form. To whoever leads: what was broken, what nobody has looked at first."""
    if desk.who.role is Role.WORKER:
        return _form(desk)
    broken = await glasses.broken_in(desk.session, desk.scope, MOST)
    return Page("glass/list.html", broken=broken, known=await _known(desk, broken), at=_moments(desk, broken))


@room.post("/glass", roles=(Role.WORKER,))
async def break_glass(desk: Desk) -> Answer:
    code, why = desk.form.get("code", "").strip(), desk.form.get("why", "").strip()
    if len(why) < glasses.SHORTEST_WHY:
        return _form(desk, "console_glass.no_why")
    if len(why) > glasses.LONGEST_WHY:
        return _form(desk, "console_glass.long_why")
    try:
        who = await glasses.behind(desk.session, desk.who, code)
        if who is not None and desk.scope.covers(who.house_id):
            return Back(f"/console/people/{who.id}")  # theirs to see anyway: nothing is broken
        broken = await glass.break_for(desk.session, desk.who, code, why, desk.now)
    except LookupError:
        return _form(desk, "console_glass.no_code")
    return Back(f"/console/people/{broken.person_id}")


@room.get("/glass/{glass:int}", roles=LEADS)
async def show(desk: Desk) -> Answer:
    broken = await glasses.visible(desk.session, desk.scope, desk.path("glass"))
    return Page("glass/show.html", one=broken, known=await _known(desk, [broken]), at=_moments(desk, [broken]))


@room.post("/glass/{glass:int}/clear", roles=LEADS)
async def clear(desk: Desk) -> Answer:
    broken = await glass.clear(desk.session, desk.scope, desk.who, desk.path("glass"), desk.now)
    return Back(f"/console/glass/{broken.id}")


def _moments(desk: Desk, broken: list[GlassBroken]) -> dict[int, tuple[str, str]]:
    """From when until when each of them was open."""
    return {
        ident(one): (moment_words(one.at, desk.now, desk.zone), moment_words(one.until, desk.now, desk.zone))
        for one in broken
    }


def _form(desk: Desk, trouble: str = "") -> Page:
    return Page(
        "glass/form.html", 422 if trouble else 200, trouble=trouble, form=desk.form, longest=glasses.LONGEST_WHY
    )  # fmt: skip


async def _known(desk: Desk, broken: list[GlassBroken]) -> dict[int, str]:
    """What those are called who broke it, were looked at, or looked at it."""
    numbers = {n for one in broken for n in (one.by_id, one.person_id, one.cleared_by) if n is not None}
    return {n: one.known_as for n, one in (await people.people_by_id(desk.session, numbers)).items()}
