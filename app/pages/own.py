"""What is somebody's own, opened from the menu in WeChat: my activities, how I am, what is kept, what I agreed to."""

import json
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.activities import service as activities
from app.activities.machine import Answer
from app.activities.models import Occurrence
from app.db import ident
from app.mood import service as mood
from app.pages.entrance import MEMBERS, Entrance, own_page
from app.pages.kept import SHOWN, Kept, gather
from app.pages.meeting import map_of
from app.pages.shell import HEADERS, with_kind_errors
from app.pages.trend import trend
from app.people import service as people
from app.people.models import Person, Role, Topic
from bot.conversation import agreeing
from bot.lines import region_of
from bot.links import PAGE_LASTS, Links
from bot.wording import Wording, wording
from bot.wording.moments import date_in_full, full_words

FORM_LASTS = timedelta(hours=1)
MOST_AHEAD = 20
EVERYTHING = "everything"
FILES = {"html": "text/html; charset=utf-8", "json": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class Ahead:
    """One activity to come. `answer` is None for a relative, who sees time and place only."""

    what: Occurrence
    when: str
    link: str
    map: str
    answer: Answer | None


@dataclass(frozen=True)
class Choice:
    """One thing that somebody may have or not; `form` turns it round."""

    topic: Topic
    on: bool
    since: str
    form: str


class OwnPages(Entrance):
    @own_page("activities")
    async def activities(self, _request: Request, who: Person) -> Response:
        """GET: what is to come, each with the page on which the answer is changed."""
        now, links = self.clock.now(), Links(self.settings.public_url, self.db.vault)
        async with self.db.read() as session:
            house = await people.house(session, who.house_id)
            programme = await people.programme(session, house.programme_id)
            words = wording(programme.locale)
            tied = await people.members_linked_to(session, ident(who)) if who.role is Role.FAMILY else []
            asked = [member for member in tied if people.wants(member, Topic.FAMILY)] if tied else [who]
            found: dict[int, Ahead] = {}
            for one in asked if who.role in MEMBERS or tied else []:
                for what in await activities.ahead_of(session, one, now, n=MOST_AHEAD):
                    seat = await activities.seat_of(session, what, one)
                    found[ident(what)] = Ahead(
                        what, full_words(what.starts_at, house.zone, words.locale),
                        links.rsvp(ident(what), ident(who), now, until=what.ends_at),
                        map_of(what, region_of(programme.region, programme.zone, house.zone)),
                        seat.answer if who.role in MEMBERS else None,
                    )  # fmt: skip
        ahead = sorted(found.values(), key=lambda one: one.what.starts_at)
        return self.render(
            "activities.html", words=words, room="member", ahead=ahead, is_family=who.role is Role.FAMILY
        )  # fmt: skip

    @own_page("mood")
    async def mood(self, _request: Request, who: Person) -> Response:
        """GET: to the page of the question, the same as the one behind a link; what is open is what it answers."""
        words, now = await self.words_for(who), self.clock.now()
        if who.role not in MEMBERS:
            return await self.kindly("member.not_for_family", status=403, words=words)
        async with self.db.read() as session:
            latest = await mood.latest_prompt(session, who)
        is_open = latest is not None and latest.score is None and latest.expires_at > now
        prompt = latest.id if latest is not None and is_open else None
        to = self.db.vault.link("mood", {"by": ident(who), "prompt": prompt}, now=now, lasts=PAGE_LASTS)
        return RedirectResponse(f"mood/{to}", status_code=303, headers=HEADERS)

    # What is kept

    @own_page("data")
    async def data(self, _request: Request, who: Person) -> Response:
        """GET: everything that is theirs, the newest first, and who can see it."""
        now = self.clock.now()
        file = self.db.vault.link("file", {"by": ident(who)}, now=now, lasts=PAGE_LASTS)
        return self._kept(await self._gathered(who), await self.words_for(who), await self._zone(who), file)

    @with_kind_errors
    async def file(self, request: Request) -> Response:
        """GET: the same as a file. The address is good for a day, and only on the phone of that person."""
        kind = request.path_params["kind"]
        claims = self.claims("file", request)
        who = await self.whose(request)
        if who is None:
            return self.ask("data", request)
        if who.id != claims["by"] or kind not in FILES:
            raise LookupError
        kept, words, zone = await self._gathered(who), await self.words_for(who), await self._zone(who)
        if kind == "json":
            body = json.dumps(kept.as_data(), ensure_ascii=False, indent=1).encode()
        else:
            body = bytes(self._kept(kept, words, zone, "").body)
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="mine.{kind}"'}
        return Response(body, media_type=FILES[kind], headers=headers)

    async def _gathered(self, who: Person) -> Kept:
        async with self.db.read() as session:
            return await gather(session, who)

    async def _zone(self, who: Person) -> str:
        async with self.db.read() as session:
            return (await people.house(session, who.house_id)).zone

    def _kept(self, kept: Kept, words: Wording, zone: str, file: str) -> Response:
        """The page; without `file` it is the file itself: everything, and nothing to press."""
        shown = SHOWN if file else None
        felt, went = kept.felt[-shown:] if shown else kept.felt, kept.went[-shown:] if shown else kept.went

        def day(one: object) -> str:
            return date_in_full(one, zone, words.locale)  # type: ignore[arg-type]

        return self.render(
            "data.html", words=words, room="member", kept=kept, felt=list(reversed(felt)), went=list(reversed(went)),
            day=day, at=lambda moment: full_words(moment, zone, words.locale), file=file,
            trend=trend([one.score for one in felt]) if any(one.score for one in felt) else None,
            worker=kept.worker.name if kept.worker else words.say("people.somebody"),
            is_family=kept.who.role is Role.FAMILY,
        )  # fmt: skip

    # What was agreed to

    @own_page("consent")
    async def consent(self, request: Request, who: Person) -> Response:
        """GET: each thing by itself, on or off."""
        words = await self.words_for(who)
        async with self.db.read() as session:
            house = await people.house(session, who.house_id)
            answered = {one.kind: one.at for one in await people.consents_of(session, who)}
            worker = await people.person(session, who.worker_id) if who.worker_id else None
            choices = []
            for topic in Topic if who.role in MEMBERS else ():
                on = await agreeing.is_agreed(session, who, topic)
                at = answered.get(topic, who.joined_at)
                since = date_in_full(at, house.zone, words.locale) if at is not None else ""
                choices.append(Choice(topic, on, since, self._form(who, topic, on=not on)))
        return self.render(
            "consent.html", words=words, room="member", choices=choices, is_family=who.role is Role.FAMILY,
            worker=worker.name if worker else words.say("people.somebody"), done="done" in request.query_params,
            everything=self._form(who, EVERYTHING, on=False), anything=any(people.wants(who, topic) for topic in Topic),
            joined=date_in_full(who.joined_at, house.zone, words.locale) if who.joined_at else "",
        )  # fmt: skip

    def _form(self, who: Person, what: str, *, on: bool) -> str:
        made_for = {"by": ident(who), "what": what, "on": on}
        return self.db.vault.link("agree", made_for, now=self.clock.now(), lasts=FORM_LASTS)

    @with_kind_errors
    async def choose(self, request: Request) -> Response:
        """POST: turn one thing on or off, or everything off. Pressed twice, it is written down once."""
        form = await self.form_of(request)
        if isinstance(form, Response):
            return form
        made_for = self.db.vault.read_link("agree", form.get("token", ""), now=self.clock.now())
        who = await self.whose(request)
        if who is None:  # not by way of WeChat: a browser follows no form to another site
            return await self.kindly("member.tap_again", status=401, to="consent")
        if made_for["by"] != who.id:
            raise LookupError
        words, now = await self.words_for(who), self.clock.now()
        async with self.db.begin() as session:
            person = await people.person(session, ident(who))
            if made_for["what"] == EVERYTHING:
                await agreeing.stop_everything(session, person, now)
            elif person.role in MEMBERS:
                topic = Topic(made_for["what"])
                if await agreeing.is_agreed(session, person, topic) is not made_for["on"]:
                    turn = agreeing.agree if made_for["on"] else agreeing.stop
                    await turn(session, person, topic, words.written_in("member"), now)
        return RedirectResponse("consent?done", status_code=303, headers=HEADERS)
