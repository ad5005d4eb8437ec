"""One case in the console: its page, the forms that can be opened in its card, and what they do."""

from typing import Any

from app import casework
from app.casework import ACTS, SAID_ABOVE, Pressed
from app.console.desk import CASES, Answer, Back, Desk, Handler, Page, Room
from app.db import ident
from app.escalations import handling, journal, lists
from app.escalations.handling import Came
from app.escalations.models import CaseRow, Via
from app.escalations.states import State
from app.marks.service import NothingToMark
from app.pages.posting import FormError, whole
from app.people import service as people

room = Room("cases")


@room.get("/cases/{case:int}", roles=CASES, writes=True)
async def show(desk: Desk) -> Answer:
    row = await _row(desk)
    came = next((one.value for one in SAID_ABOVE if one.value == desk.query("came")), "")
    return Page("cases/show.html", **await _shown(desk, row), came=came)


@room.get("/cases/{case:int}/words", roles=CASES, writes=True)
async def words(desk: Desk) -> Answer:
    """What they wrote, to be put into a card when somebody taps for it."""
    row = await _row(desk)
    return Page("cases/words.html", **await _shown(desk, row))


@room.get("/cases/{case:int}/offer", roles=CASES)
async def offer(desk: Desk) -> Answer:
    row = await _row(desk, held=False)
    return await _part(desk, row, "cases/offer.html")


@room.get("/cases/{case:int}/result", roles=CASES)
async def result(desk: Desk) -> Answer:
    row = await _row(desk, held=False)
    return await _part(desk, row, "cases/result.html")


def _does(verb: str) -> Handler:
    async def act(desk: Desk) -> Answer:
        row = await _row(desk)
        house = await people.house(desk.session, row.house_id)
        seq = whole(desk.form.get("token", ""))
        if seq is None:
            raise FormError("no entry of the log")
        pressed = Pressed(desk.session, desk.who, row, house, seq, desk.form, desk.now, Via.CONSOLE)
        try:
            handled = await ACTS[verb](pressed)
        except NothingToMark:
            raise LookupError("nothing to mark") from None
        except FormError:
            if verb != "result":
                raise
            return await _again(desk, row, "page.form_incomplete")
        if handled.came is Came.NOT_FOR_YOU:
            raise LookupError("not theirs")
        if handled.came in (*handling.MISSING, Came.NEWS):
            return await _again(desk, row, f"page.{handled.came.value}")
        said = f"?came={handled.came.value}" if handled.came in SAID_ABOVE else ""
        # With a script the card of the inbox is put in the place of the old one; without, the case opens.
        in_card = desk.request.headers.get("hx-target", "") == f"case-{row.id}"
        return Back(f"/console/{'inbox' if in_card else 'cases'}/{row.id}{said}")

    act.__name__ = verb
    return act


for _verb in ACTS:
    room.post(f"/cases/{{case:int}}/{_verb}", roles=CASES)(_does(_verb))


async def _row(desk: Desk, *, held: bool = True) -> CaseRow:
    row = await lists.visible_case(desk.session, desk.scope, desk.who, desk.path("case"), held=held)
    if not await handling.may_act(desk.session, desk.who, row):
        raise LookupError("not theirs to act on")
    return row


async def _shown(desk: Desk, row: CaseRow) -> dict[str, Any]:
    shown = await casework.view(desk.session, desk.who, row, desk.words, desk.now, via=Via.CONSOLE)
    return {**shown, "forms": dict.fromkeys(shown["verbs"], shown["seq"])}


async def _again(desk: Desk, row: CaseRow, trouble: str) -> Answer:
    """The form as it was filled in, and what is missing."""
    if desk.request.headers.get("hx-target", "") == f"case-{row.id}":
        return await _part(desk, row, "cases/result.html", status=422, trouble=trouble)
    return Page("cases/show.html", 422, **await _shown(desk, row), trouble=trouble, form=desk.form)


async def _part(desk: Desk, row: CaseRow, template: str, status: int = 200, trouble: str = "") -> Answer:
    """A form by itself, for a card. LookupError where there is nothing that they could fill in."""
    if row.owner_id != desk.who.id or row.state is State.RESOLVED:
        return Back(f"/console/inbox/{row.id}")
    form = await casework.result_form(desk.session, row, desk.who, desk.now)
    seq = await journal.newest(desk.session, row)
    return Page(
        template, status, **form, trouble=trouble, form=desk.form,
        forms={"result": seq, "offer": seq}, subject=await people.person(desk.session, row.person_id),
        heirs=await casework.heirs(desk.session, row, desk.who, desk.now), number=ident(row),
    )  # fmt: skip
