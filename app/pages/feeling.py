"""How are you: five faces and a sentence if they like, then what the house says to it, word for word as in the chat.

What is pressed and written here goes over the same desk as a message (`bot/conversation/on_page.py`): it is read for
danger before anything else, opens a case, and is kept once, however often the same form is sent.
"""

import re
from typing import Any, get_args

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.clock import Clock
from app.db import Database, ident
from app.messages import questions
from app.messages import service as messages
from app.messages.models import Contact
from app.pages.entrance import MEMBERS, MemberShell
from app.pages.posting import Form
from app.pages.shell import HEADERS, with_kind_errors
from app.people import service as people
from app.people.models import House, Person, Programme, Topic
from app.settings import Settings
from app.vault import LinkError
from bot.conversation import danger, mood
from bot.conversation.on_page import Item, MoodOnPage, OnPage, PressedOnPage, key_of
from bot.desk import Desk
from bot.lines import lines_of, region_of
from bot.links import MOOD_LASTS, PAGE_LASTS
from bot.webhook import stateless_answer
from bot.wording import Wording, wording

log = structlog.get_logger()

LONGEST_WORDS = 500  # characters: with every one of them escaped, a form is still as long as a form may be
# What the chat has just asked, and the buttons that answer it: (what is sent, what stands on it).
BUTTONS: dict[str, tuple[tuple[Item, str], ...]] = {
    danger.TOPIC: (("safe", "member.safe"), ("not_safe", "member.not_safe")),
    mood.CALL: (("call", "member.call"), ("no_call", "member.no_call")),
}


class FeelingPage(MemberShell):
    def __init__(self, db: Database, clock: Clock, settings: Settings, desk: Desk) -> None:
        super().__init__(db, clock, settings)
        self._desk = desk

    @with_kind_errors
    async def show(self, request: Request) -> Response:
        """GET: the question; or, after an answer, what was said to it."""
        claims = self.claims("mood", request)
        try:
            said = self.db.vault.read_link("said", request.query_params.get("said", ""), now=self.clock.now())
        except LinkError:
            said = {}
        if said.get("by") == claims["by"]:
            return await self._reply(claims, said["key"], request.path_params["token"])
        return await self._ask(claims, request.path_params["token"])

    @with_kind_errors
    async def tell(self, request: Request) -> Response:
        """POST: a face, words, or both."""
        form, claims = await self._form(request, "tell")
        if isinstance(form, Response):
            return form
        token, words = form["token"], form.get("words", "").strip()
        score = next((one for one in mood.SCORES if str(one) == form.get("score")), None)
        if score is None and not words:
            return await self._ask(claims, f"../{request.path_params['token']}", trouble="member.mood_not_yet")
        who, contact = await self._member(claims)
        if not await self._agreed(who):
            if not words:
                return await self._ask(claims, "")
            score = None  # who took that back since is heard, and no face of theirs is kept
        heard = MoodOnPage(
            openid=contact.openid, account=contact.account, sent_at=self.clock.now(), content=words, score=score,
            key=key_of(token, score, words), prompt_id=claims["prompt"],
        )  # fmt: skip
        return await self._hand_in(request, claims, who, heard)

    @with_kind_errors
    async def press(self, request: Request) -> Response:
        """POST: a button below the answer."""
        form, claims = await self._form(request, "press")
        if isinstance(form, Response):
            return form
        item = next((one for one in get_args(Item) if one == form.get("item")), None)
        if item is None:
            raise LookupError
        who, contact = await self._member(claims)
        heard = PressedOnPage(
            openid=contact.openid, account=contact.account, sent_at=self.clock.now(), item=item,
            key=key_of(form["token"], item),
        )  # fmt: skip
        return await self._hand_in(request, claims, who, heard)

    async def _form(self, request: Request, purpose: str) -> tuple[Form | Response, dict[str, Any]]:
        """What was sent, and whose link it was sent to. LinkError, LookupError for a form that is not of that link."""
        claims = self.claims("mood", request)
        form = await self.form_of(request)
        if not isinstance(form, Response):
            made_for = self.db.vault.read_link(purpose, form.get("token", ""), now=self.clock.now())
            if made_for["by"] != claims["by"]:
                raise LookupError
        return form, claims

    async def _hand_in(self, request: Request, claims: dict[str, Any], who: Person, heard: OnPage) -> Response:
        """Over the desk, like whatever WeChat delivers; what cannot be kept is said, and nothing typed is lost."""
        token = request.path_params["token"]
        try:
            await self._desk.hand_in(heard).answer
        except Exception as error:
            log.critical("page not taken in", error=type(error).__name__)
            return await self._not_kept(claims, f"../{token}", heard)
        reply = {"by": ident(who), "key": heard.key}
        said = self.db.vault.link("said", reply, now=self.clock.now(), lasts=PAGE_LASTS)
        return RedirectResponse(f"../{token}?said={said}", status_code=303, headers=HEADERS)

    async def _not_kept(self, claims: dict[str, Any], here: str, heard: OnPage) -> Response:
        """Without the database: whom to call, if the words are such, and the form with what was written in it."""
        words = heard.content if isinstance(heard, MoodOnPage) else ""
        now = self.clock.now()
        told = stateless_answer(heard, self.settings.region, now, kept=False) if words else None
        return self.render(
            "feeling.html", words=wording(), room="member", status=503, here=here, typed=words, faces=FACES,
            longest=LONGEST_WORDS, form=self._token("tell", claims), told=told or "", trouble="member.not_kept",
            worker=wording().say("people.somebody"),
        )  # fmt: skip

    async def _ask(self, claims: dict[str, Any], here: str, *, trouble: str = "") -> Response:
        who, _ = await self._member(claims)
        words = await self.words_for(who)
        if not await self._agreed(who):
            return await self.kindly("member.mood_not_agreed", status=200, words=words)
        async with self.db.read() as session:
            worker = await _worker(session, who, words)
        return self.render(
            "feeling.html", words=words, room="member", status=422 if trouble else 200, here=here, typed="",
            faces=FACES, longest=LONGEST_WORDS, form=self._token("tell", claims), told="", trouble=trouble,
            worker=worker,
        )  # fmt: skip

    async def _reply(self, claims: dict[str, Any], key: str, here: str) -> Response:
        who, contact = await self._member(claims)
        words, now = await self.words_for(who), self.clock.now()
        async with self.db.read() as session:
            inbox = await messages.already_taken_in(session, contact.account, contact.openid, key)
            asked = (await questions.open_to(session, [ident(contact)], now)).get(ident(contact))
            put = await questions.last_put(session, ident(who), danger.TOPIC)
            house = await people.house(session, who.house_id)
            programme = await people.programme(session, house.programme_id)
        said, topic = inbox.reply or words.say("mood.words"), asked.topic if asked is not None else ""
        # Somebody in danger is answered in the language in which they wrote.
        in_theirs = put.data.get("locale") if put is not None and topic == danger.TOPIC else None
        language = in_theirs or words.locale
        return self.render(
            "feeling_said.html", words=words, room="member", here=here, said=said, language=language,
            buttons=[(item, wording(language).say(on_it)) for item, on_it in BUTTONS.get(topic, ())],
            numbers=_numbers_in(said, programme, house), more=topic != danger.TOPIC, longest=LONGEST_WORDS,
            form=self._token("tell", claims), press=self._token("press", claims),
        )  # fmt: skip

    async def _agreed(self, who: Person) -> bool:
        async with self.db.read() as session:
            return await people.has_consented(session, who, Topic.MOOD)

    def _token(self, purpose: str, claims: dict[str, Any]) -> str:
        return self.db.vault.link(purpose, {"by": claims["by"]}, now=self.clock.now(), lasts=MOOD_LASTS)

    async def _member(self, claims: dict[str, Any]) -> tuple[Person, Contact]:
        """Whose link it is, and the WeChat user who would have written it. LookupError where there is none."""
        async with self.db.read() as session:
            who = await people.person(session, claims["by"])
            contact = await messages.contact_of(session, ident(who))
        if contact is None or who.role not in MEMBERS or who.joined_at is None:
            raise LookupError
        return who, contact


def _numbers_in(said: str, programme: Programme, house: House) -> list[tuple[str, str]]:
    """Whom the answer tells to call: the number as it is said and as a phone dials it."""
    region = region_of(programme.region, programme.zone, house.zone)
    own = programme.lines if region == programme.region else ()
    known = [line.number for line in lines_of(region, own, programme.zone)]
    known += [number for number in (house.phone, programme.phone) if number]
    return [(number, re.sub(r"[^0-9+]", "", number)) for number in dict.fromkeys(known) if number in said]


FACES = ((5, "😄"), (4, "🙂"), (3, "😐"), (2, "🙁"), (1, "😣"))


async def _worker(session: AsyncSession, who: Person, words: Wording) -> str:
    """Who sees it, by name."""
    return (await people.person(session, who.worker_id)).name if who.worker_id else words.say("people.somebody")
