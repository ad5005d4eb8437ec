"""The page of one activity, for the one person whose card leads to it: when, where, and coming or not.

Looking does nothing (ADR 0024). A relative sees time and place. The address is good for this activity alone.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from icalendar import Alarm, Calendar, Event
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.activities import service as activities
from app.activities.machine import Answer, Outcome
from app.activities.models import Occurrence, State
from app.clock import local
from app.db import ident
from app.messages import questions
from app.messages import service as messages
from app.messages.models import QuestionState
from app.pages.entrance import MEMBERS, MemberShell
from app.pages.shell import HEADERS, with_kind_errors
from app.people import service as people
from app.people.models import House, Person, Role, Topic
from bot.conversation import rsvp
from bot.discretion import discreet
from bot.lines import region_of
from bot.links import PAGE_LASTS
from bot.wording import Wording, wording
from bot.wording.moments import full_words

# What is said above the activity after a button was pressed; what cannot be changed any more, it says itself.
SAID_ABOVE = (Outcome.RECORDED, Outcome.CHANGED, Outcome.UNCHANGED)
MOVED = "moved"
REMIND_BEFORE = timedelta(hours=2)
# 地图 URI API › 地点搜索 (lbs.qq.com/webApi/uriV1): no coordinates are needed; nothing is asked of it before a tap.
MAPS = {
    "CN": "https://apis.map.qq.com/uri/v1/search?keyword={place}&referer=tongxing",
    "": "https://www.openstreetmap.org/search?query={place}",
}


class MeetingPage(MemberShell):
    @with_kind_errors
    async def show(self, request: Request) -> Response:
        """GET: when, where, what was answered."""
        claims = self.claims("rsvp", request)
        return await self._show(claims, request.path_params["token"], came=request.query_params.get("came", ""))

    @with_kind_errors
    async def answer(self, request: Request) -> Response:
        """POST: one of three answers, as often as somebody likes, and back to the page, which says what is true."""
        form = await self.form_of(request)
        if isinstance(form, Response):
            return form
        claims, now, token = self.claims("rsvp", request), self.clock.now(), request.path_params["token"]
        made_for = self.db.vault.read_link("answer", form.get("token", ""), now=now)
        if (made_for["occ"], made_for["by"]) != (claims["occ"], claims["by"]):
            raise LookupError
        said = next((one for one in Answer if one.value == form.get("said")), None)
        if said is None:
            return RedirectResponse(f"../{token}", status_code=303, headers=HEADERS)
        async with self.db.begin() as session:
            who, what = await _found(session, claims)
            if who.role not in MEMBERS:
                raise LookupError
            came = MOVED
            if made_for["version"] == what.version:
                await _settle_question(session, who, what, now)  # holds the contact, as whoever hears a message does
                came = (await activities.answer(session, what, who, said, now)).value
        return RedirectResponse(f"../{token}?came={came}", status_code=303, headers=HEADERS)

    @with_kind_errors
    async def calendar(self, request: Request) -> Response:
        """GET: the activity as a file for a calendar, which rings two hours before, on a lock screen."""
        claims, now = self.claims("rsvp", request), self.clock.now()
        async with self.db.read() as session:
            _, what = await _found(session, claims)
            house = await people.house(session, what.house_id)
            words = wording((await people.programme(session, house.programme_id)).locale)
        file = calendar_of(what, house, words, now)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="activity.ics"'}
        return Response(file, media_type="text/calendar; charset=utf-8", headers=headers)

    async def _show(self, claims: dict[str, Any], token: str, *, came: str) -> Response:
        now = self.clock.now()
        async with self.db.read() as session:
            who, what = await _found(session, claims)
            house = await people.house(session, what.house_id)
            programme = await people.programme(session, house.programme_id)
            seat = await activities.seat_of(session, what, who)
        words = wording(programme.locale)
        answers = who.role in MEMBERS
        state = _state(what, now, present=answers and seat.present)
        made_for = {"occ": ident(what), "by": ident(who), "version": what.version}
        form = self.db.vault.link("answer", made_for, now=now, lasts=PAGE_LASTS)
        known = came if came in (*SAID_ABOVE, MOVED) else ""
        return self.render(
            "meeting.html", words=words, room="member", here=token, what=what, seat=seat, state=state, came=known,
            answers=list(Answer) if answers and not state else [], is_family=not answers, form=form,
            when=full_words(what.starts_at, house.zone, words.locale),
            map=map_of(what, region_of(programme.region, programme.zone, house.zone)),
        )  # fmt: skip


async def _found(session: AsyncSession, claims: dict[str, Any]) -> tuple[Person, Occurrence]:
    """Whose link it is, and the activity. LookupError for somebody whom it does not concern any more."""
    who = await people.person(session, claims["by"])
    what = await activities.occurrence(session, claims["occ"])
    if who.role is Role.FAMILY:
        tied = await people.members_linked_to(session, ident(who))
        if not any(people.wants(member, Topic.FAMILY) and member.house_id == what.house_id for member in tied):
            raise LookupError
    elif who.role not in MEMBERS:
        raise LookupError
    return who, what


async def _settle_question(session: AsyncSession, who: Person, what: Occurrence, now: datetime) -> None:
    """The same question may stand open in the chat: it has its answer, and nothing waits behind it."""
    known = await messages.contact_of(session, ident(who))
    if known is None:
        return
    contact = await messages.contact_for(session, known.account, known.openid, now)
    question = await questions.current(session, contact, now)
    if question is not None and (question.topic, question.subject_id) == (rsvp.TOPIC, what.id):
        await questions.close(session, contact, question, QuestionState.ANSWERED, now)


def _state(what: Occurrence, now: datetime, *, present: bool) -> str:
    """Why nothing can be answered any more; empty while it can."""
    if what.state is State.CANCELLED:
        return "cancelled"
    if what.ends_at <= now:
        return "over"
    return "there" if present else ""


def map_of(what: Occurrence, region: str) -> str:
    """A plain link to a map that looks for the place."""
    return MAPS.get(region, MAPS[""]).format(place=quote(what.venue, safe=""))


def calendar_of(what: Occurrence, house: House, words: Wording, now: datetime) -> bytes:
    """One VEVENT with an alarm (RFC 5545), without a name that must not show."""
    shown, _ = discreet(words).data({"title": what.title, "place": what.venue})
    event = Event()
    event.add("uid", f"activity-{what.id}@tongxing")
    event.add("dtstamp", now)
    event.add("dtstart", local(what.starts_at, house.zone))
    event.add("dtend", local(what.ends_at, house.zone))
    event.add("summary", shown["title"])
    event.add("location", shown["place"])
    event.add("sequence", what.version)
    event.add("status", "CANCELLED" if what.state is State.CANCELLED else "CONFIRMED")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", shown["title"])
    alarm.add("trigger", -REMIND_BEFORE)
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//Tongxing//activities//")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
