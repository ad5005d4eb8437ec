"""What happens to one delivery inside a unit of work: stored once, screened first, then talked about."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.db import ident, is_database_trouble
from app.escalations import service as escalations
from app.escalations import states
from app.messages import service as messages
from app.messages import subscriptions, window
from app.messages.models import Contact, Inbox, InboxState
from app.messages.window import Limits
from app.people import service as people
from app.people.models import Role
from app.settings import Settings
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot import hearing
from bot.channels import receipts
from bot.channels.riding import ride
from bot.conversation import grammar
from bot.conversation.danger import red_reply
from bot.conversation.on_page import MoodOnPage, OnPage, PressedOnPage
from bot.conversation.router import respond
from bot.conversation.talk import Talk
from bot.links import Links
from bot.opinion.band import Band, put_down
from bot.screening import Hit, Level, Reading
from bot.wechat import (
    Clicked,
    Followed,
    Inbound,
    Scanned,
    SubscriptionChange,
    SubscriptionPopup,
    SubscriptionSent,
    TemplateReceipt,
    Text,
    Unfollowed,
    Unreadable,
)
from bot.wording.language import language_of

log = structlog.get_logger()

LONGEST_KEPT = 4000


@dataclass(frozen=True)
class Reception:
    """Everything that handling a delivery needs, except the delivery."""

    settings: Settings
    links: Links
    quiet: Quiet
    limits: Limits
    band: Band | None = None

    @classmethod
    def of(cls, settings: Settings, links: Links) -> "Reception":
        quiet = Quiet(settings.quiet_from, settings.quiet_until)
        return cls(settings, links, quiet, Limits.of(settings), Band.of(settings))

    async def receive(
        self, session: AsyncSession, heard: Inbound | OnPage, now: datetime, *, late: bool = False
    ) -> str | None:
        """Handle one delivery and store the reply with it; a second delivery gets the stored reply.

        `late`: nobody waits for the answer any more, so it goes out as a message of its own.
        """
        account = self.settings.wechat_app_id
        contact = await messages.contact_for(session, account, heard.openid, now)
        inbox = await messages.take_in(
            session, account=account, openid=heard.openid, key=heard.key, now=now, sent_at=heard.sent_at,
            kind=_kind(heard), content=_content(heard),
        )  # fmt: skip
        if inbox is None:
            return (await messages.already_taken_in(session, account, heard.openid, heard.key)).reply
        self._note_in_ledger(contact, heard, now)
        if await self._settled(session, contact, heard, now):
            return None
        inbox.reply = await self._answer(session, contact, inbox, heard, now)
        if late:
            await self._say_as_message(session, contact, inbox, now)
        await session.flush()
        return inbox.reply

    async def say_late(self, session: AsyncSession, heard: Inbound | OnPage, now: datetime) -> None:
        """Say the stored reply to a delivery as a message: whoever waited for it gave up while it was made."""
        contact = await messages.contact_for(session, self.settings.wechat_app_id, heard.openid, now)
        inbox = await messages.already_taken_in(session, self.settings.wechat_app_id, heard.openid, heard.key)
        await self._say_as_message(session, contact, inbox, now)

    async def _say_as_message(self, session: AsyncSession, contact: Contact, inbox: Inbox, now: datetime) -> None:
        if inbox.reply:
            await messages.send(
                session, "text", key=f"late:{inbox.id}", contact=contact, params={"text": inbox.reply}, now=now,
                max_lateness=timedelta(hours=12),
            )  # fmt: skip

    async def _settled(
        self, session: AsyncSession, contact: Contact, heard: Inbound | OnPage, now: datetime
    ) -> bool:  # fmt: skip
        """What WeChat tells about our own messages and ledgers: nobody said anything, and nobody is answered."""
        match heard:
            case TemplateReceipt():
                await receipts.settle(session, heard.message_id, heard.status, now)
            case SubscriptionSent():
                for result in heard.results:
                    await receipts.settle_subscription(session, contact, result, now)
            case SubscriptionPopup():
                for answer in heard.answers:
                    if answer.accepted:
                        await subscriptions.allowed(session, ident(contact), answer.template_id)
                    else:
                        await subscriptions.refused(session, ident(contact), answer.template_id, now)
            case SubscriptionChange():
                for template_id in heard.rejected:
                    await subscriptions.refused(session, ident(contact), template_id, now)
            case _:
                return False
        return True

    def _note_in_ledger(self, contact: Contact, heard: Inbound | OnPage, now: datetime) -> None:
        contact.seen_at = now
        if isinstance(heard, OnPage):
            return  # WeChat does not know of it, and opens nothing for it
        if isinstance(heard, Unfollowed):
            contact.following, contact.tag = False, None  # with the follower their tags are gone
            window.shut(contact)
            return
        if isinstance(heard, Text | Unreadable | Followed | Scanned | Clicked):
            contact.following, contact.unreachable_because = True, None
        if isinstance(heard, Text | Unreadable):
            window.opened_by_message(contact, now, self.limits)
        elif isinstance(heard, Followed | Scanned | Clicked):
            window.opened_by_tap(contact, now, self.limits)

    async def _answer(
        self, session: AsyncSession, contact: Contact, inbox: Inbox, heard: Inbound | OnPage, now: datetime
    ) -> str | None:
        talk = Talk(session, now, contact, heard, self.links, self.quiet, inbox_id=inbox.id)
        talk.region = self.settings.region
        talk.programme = await people.only_programme(session)
        if contact.person_id is not None:
            await talk.meet(await people.person(session, contact.person_id))
        if isinstance(heard, Text) and heard.content and not await self._screened(talk, inbox, heard.content):
            return talk.say("red.unstored" if talk.in_danger else "help.trouble")
        if talk.person is not None:
            inbox.person_id, inbox.house_id = talk.person.id, talk.person.house_id
        await session.flush()
        try:
            async with session.begin_nested():
                reply = await respond(talk)
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("conversation failed", inbox=inbox.id, error=type(error).__name__, exc_info=True)
            return await self._rescue(talk, inbox)
        return await self._with_what_waits(talk, reply)

    async def _with_what_waits(self, talk: Talk, reply: str | None) -> str | None:
        """Short things that wait for this person ride along; but nothing stands beside words about danger."""
        alarming = talk.reading is not None and talk.reading.level is not Level.NONE
        if reply is None or alarming or isinstance(talk.heard, OnPage):
            return reply
        try:
            async with talk.session.begin_nested():
                return await ride(talk, reply)
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("riding broke", inbox=talk.inbox_id, error=type(error).__name__, exc_info=True)
            return reply

    async def _screened(self, talk: Talk, inbox: Inbox, text: str) -> bool:
        """Screen, and do what follows in a savepoint of its own. False: that broke; then a person reads the words."""
        number = ident(inbox)
        try:
            if self._is_read(talk, text):
                talk.reading = hearing.alone(talk, text)
                talk.reading = await self._in_context(talk, inbox, text, talk.reading)
                if talk.in_danger:
                    talk.speaks = language_of(text, talk.locale)
                if talk.reading.level is not Level.NONE or _is_a_stranger(talk):
                    async with talk.session.begin_nested():
                        await self._act_on(talk, inbox, talk.reading, text)
                await put_down(talk, inbox, self.band)
            return True
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.critical("screening failed", inbox=number, error=type(error).__name__, exc_info=True)
        await self._meet_anew(talk)
        await talk.session.refresh(inbox)
        inbox.state = InboxState.UNREAD
        await talk.hand_over(TaskKind.READ, "unscreened", key=f"unscreened:{number}", note=text)
        return False

    async def _in_context(self, talk: Talk, inbox: Inbox, text: str, alone: Reading) -> Reading:
        """What is known besides the words may raise a reading; that it cannot be looked up loses nothing of it."""
        try:
            async with talk.session.begin_nested():
                return await hearing.in_context(talk, inbox, text, alone)
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("context not known", inbox=inbox.id, error=type(error).__name__, exc_info=True)
            return alone

    async def put_before_a_person(
        self, session: AsyncSession, heard: Inbound | OnPage, key: str, now: datetime
    ) -> None:
        contact = await messages.contact_for(session, self.settings.wechat_app_id, heard.openid, now)
        about = await people.person(session, contact.person_id) if contact.person_id else None
        await tasks.ask_a_person(session, TaskKind.READ, "broke", key=key, now=now, about=about, note=_content(heard))

    def _is_read(self, talk: Talk, text: str) -> bool:
        """Everybody's words are read for danger before anybody else sees them, but for those of whoever answers for it
        and what is exactly a command, "help" for one, and nothing else."""
        staff = talk.person is not None and talk.person.role in (Role.WORKER, Role.SUPERVISOR)
        return not staff and grammar.command(text) is None

    async def _act_on(self, talk: Talk, inbox: Inbox, reading: Reading, text: str) -> None:
        """What is found opens a case in this same unit of work."""
        inbox.level = reading.level.word
        if reading.level is Level.NONE:
            await self._a_stranger_goes_on(talk, text)
            return
        if talk.person is None and reading.level >= Level.ORANGE:
            guest = await people.stranger(talk.session, name=talk.say("people.stranger"))
            if guest is not None:
                await messages.bind(talk.session, talk.contact, guest)
                await messages.belong_to(talk.session, talk.contact, guest, inbox.sent_at - hearing.TOGETHER)
                await talk.meet(guest)
        if talk.person is None:
            return
        strongest = max(reading.hits, key=lambda hit: hit.level, default=None)
        await escalations.flag(
            talk.session, talk.person, states.Level(int(reading.level)), reading.category,
            rule=strongest.rule if strongest else "unnamed", rules_version=reading.version, model=reading.model,
            said=text, now=talk.now, span=(strongest.start, strongest.end) if strongest else None,
            weighed=_weighed(reading, strongest),
        )  # fmt: skip

    async def _a_stranger_goes_on(self, talk: Talk, text: str) -> None:
        """What somebody unknown writes after danger may be the only way to find them: it joins the case."""
        if await escalations.open_case_of(talk.session, talk.who()) is not None:
            await escalations.flag(
                talk.session, talk.who(), states.Level.YELLOW, "none", rule="stranger.goes-on", rules_version="1",
                said=text, now=talk.now,
            )  # fmt: skip

    async def _rescue(self, talk: Talk, inbox: Inbox) -> str:
        """The dialogue broke: nothing of it remains, the words do, and a person will read them."""
        await self._meet_anew(talk)
        inbox.state = InboxState.UNREAD
        await talk.hand_over(TaskKind.READ, "broke", key=f"unread:{inbox.id}", note=inbox.content)
        if talk.reading is None or talk.reading.level is not Level.RED or talk.person is None:
            return talk.say("help.trouble")
        without_names = talk.say("red.unstored")
        try:
            async with talk.session.begin_nested():
                return await red_reply(talk)
        except Exception as error:
            if is_database_trouble(error):
                raise
            # The case stands and the alert is on its way; that must not be undone because a sentence is missing.
            log.error("red reply failed", inbox=inbox.id, error=type(error).__name__, exc_info=True)
            return without_names

    async def _meet_anew(self, talk: Talk) -> None:
        """Whom the talk is with, as the database has it: what the broken dialogue had changed is stale in memory."""
        talk.session.expire(talk.contact)
        await talk.session.refresh(talk.contact)
        known = talk.contact.person_id
        talk.house = talk.worker = None
        await talk.meet(await people.person(talk.session, known) if known is not None else None)


def _is_a_stranger(talk: Talk) -> bool:
    return talk.person is not None and talk.person.role is Role.GUEST


def _weighed(reading: Reading, strongest: Hit | None) -> list[str]:
    """What besides the words of the rule made it more or less urgent, one word each, as a flag keeps them."""
    of_the_hit = ["before" if strongest.before else "", strongest.lowered] if strongest else []
    return [word for word in (*of_the_hit, *reading.raised) if word]


def _kind(heard: Inbound | OnPage) -> str:
    """Words are words, wherever they were written."""
    if isinstance(heard, OnPage):
        return "text" if isinstance(heard, Text) and heard.content else "page"
    return type(heard).__name__.lower()


def _content(heard: Inbound | OnPage) -> str | None:
    if isinstance(heard, MoodOnPage):
        return heard.content[:LONGEST_KEPT] or None
    if isinstance(heard, PressedOnPage):
        return heard.item
    if isinstance(heard, Text):
        return heard.content[:LONGEST_KEPT]
    if isinstance(heard, TemplateReceipt):
        return heard.status
    return heard.kind if isinstance(heard, Unreadable) else None
