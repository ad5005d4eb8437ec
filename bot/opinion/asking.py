"""Asking, after the commit: claims what is to be asked about, asks while no transaction is open, and raises.

An answer can do one thing: open a case, or make the open one more urgent than our own reading did. Our own alert left
before; nothing of it is waited for, taken back or lowered here.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import due
from app.activities.calendar import Quiet
from app.clock import Clock
from app.db import Database, ident, is_database_trouble
from app.escalations import service as escalations
from app.escalations import states
from app.messages import channels
from app.messages import service as messages
from app.messages.models import Contact, Inbox, Lane
from app.opinions import service as opinions
from app.opinions.models import Outcome, SecondOpinion
from app.people import known
from app.people import service as people
from app.people.models import Person, Role
from bot.conversation.danger import asks_whether_safe, red_words
from bot.conversation.talk import Talk
from bot.links import Links
from bot.opinion.answer import Finding, Unusable, prompt
from bot.opinion.client import SOON, Endpoint
from bot.opinion.redaction import redact
from bot.outside import OutsideError, TryLater
from bot.screening import Level, Reading
from bot.screening.screener import ABOUT_ONESELF
from bot.wechat import Text

log = structlog.get_logger()

CHANNEL = "second-opinion"
RULE = "second-opinion"
AT_ONCE = 4
TRIES = 3
MOST_IN_A_ROW = 5
A_DAY = timedelta(days=1)
LONGEST_VERSION = 24

Heard = Finding | Unusable | OutsideError


@dataclass
class InARow:
    """So many failures one after the other, in this process."""

    failed: int = 0
    unusable: int = 0


@dataclass
class Asker:
    """`endpoint` None: nobody is asked, and what was put down before that is finished."""

    db: Database
    clock: Clock
    links: Links
    quiet: Quiet
    endpoint: Endpoint | None
    a_day: int
    _in_a_row: InARow = field(default_factory=InARow)

    async def work(self) -> int:
        now = self.clock.now()
        async with self.db.begin() as session:
            rows = await opinions.claim(session, now, AT_ONCE)
            to_ask = await self._sorted_out(session, list(rows), now) if rows else []
        for row, heard in await self._ask(to_ask):
            try:
                async with self.db.begin() as session:
                    await self._settle(session, row, heard, self.clock.now())
            except Exception as error:
                # Its lease brings it back in a minute; the others go on.
                log.error("second opinion broke", row=row.id, error=type(error).__name__, exc_info=True)
        return len(rows)

    # Before

    async def _sorted_out(
        self, session: AsyncSession, rows: list[SecondOpinion], now: datetime
    ) -> list[SecondOpinion]:  # fmt: skip
        """Those that are asked about now. From here on each counts as asked, whatever happens to this process."""
        shut = (await channels.closed(session, now)).get(CHANNEL)
        left = self.a_day - await opinions.calls_since(session, now - A_DAY)
        to_ask: list[SecondOpinion] = []
        for row in rows:
            if self.endpoint is None:
                await due.finish(session, row, outcome=Outcome.OFF)
            elif now >= row.not_after:
                await due.finish(session, row, outcome=Outcome.LATE)
            elif shut is not None:
                await due.finish(session, row, due_at=min(shut.until, row.not_after))
            elif len(to_ask) >= left:
                await due.finish(session, row, outcome=Outcome.LIMIT)
                await channels.alarm(session, CHANNEL, "limit", now, detail=str(self.a_day), once_a="%Y%m%d")
            else:
                row.calls += 1
                to_ask.append(row)
        return to_ask

    async def _ask(self, rows: list[SecondOpinion]) -> list[tuple[SecondOpinion, Heard]]:
        if not rows or self.endpoint is None:
            return []
        async with self.db.read() as session:
            texts = [await _words(session, row) for row in rows]
        heard = await asyncio.gather(*(_heard(self.endpoint, text) for text in texts))
        return [(row, one) for row, one in zip(rows, heard, strict=True) if one is not None]

    # After

    async def _settle(self, session: AsyncSession, row: SecondOpinion, heard: Heard, now: datetime) -> None:
        match heard:
            case Finding():
                self._in_a_row = InARow()
                await self._answered(session, row, heard, now)
            case Unusable():
                self._in_a_row.failed = 0
                self._in_a_row.unusable += 1
                log.warning("second opinion unusable", row=row.id, why=str(heard))
                await due.finish(session, row, outcome=Outcome.UNUSABLE)
                if self._in_a_row.unusable == MOST_IN_A_ROW:
                    await channels.alarm(session, CHANNEL, "unusable", now, detail=str(heard)[:64])
            case _:
                self._in_a_row.failed += 1
                log.warning("second opinion failed", row=row.id, error=type(heard).__name__, code=heard.code)
                await self._again_or_not(session, row, heard, now)
                await self._rest(session, heard, now)

    async def _again_or_not(
        self, session: AsyncSession, row: SecondOpinion, failure: OutsideError, now: datetime
    ) -> None:  # fmt: skip
        again = now + (failure.retry_after if isinstance(failure, TryLater) else SOON)
        if row.calls >= TRIES:
            await due.finish(session, row, outcome=Outcome.FAILED)
        else:
            await due.finish(session, row, due_at=min(again, row.not_after))

    async def _rest(self, session: AsyncSession, failure: OutsideError, now: datetime) -> None:
        """Whoever fails again and again is left alone for a while, by every process; operators hear of it once."""
        if self._in_a_row.failed < MOST_IN_A_ROW:
            return
        await channels.close(session, CHANNEL, now + channels.REST, failure.error_class.value)
        if self._in_a_row.failed == MOST_IN_A_ROW:
            detail = f"{type(failure).__name__} {failure.code}".strip()
            await channels.alarm(session, CHANNEL, "resting", now, detail=detail[:64])

    async def _answered(self, session: AsyncSession, row: SecondOpinion, found: Finding, now: datetime) -> None:
        raises = found.urgency > row.read_as
        inbox = await opinions.message_of(session, row)
        # As whoever takes messages in does: one at a time for each person.
        contact = await messages.contact_for(session, inbox.account, inbox.openid, now)
        who = await people.person(session, row.person_id)
        before = await escalations.open_case_of(session, who)
        # What was flagged when it came was in a case; if that is over, a person has judged these very words.
        judged = row.read_as > Level.NONE and before is None
        outcome = Outcome.AGREED if not raises else Outcome.SETTLED if judged else Outcome.RAISED
        finished = await due.finish(
            session, row, outcome=outcome, said=int(found.urgency), category=found.category,
            quote=found.quote or None, version=f"{prompt().version}/{self._model}"[:80],
        )  # fmt: skip
        if not finished or outcome is not Outcome.RAISED:
            return
        nothing_said_yet = row.read_as < Level.ORANGE and (before is None or before.level < states.Level.RED)
        case_id = await self._raise(session, inbox, who, found, now)
        if found.urgency is Level.RED and nothing_said_yet:
            await self._say(session, row, inbox, contact, who, found, case_id, now)

    async def _raise(
        self, session: AsyncSession, inbox: Inbox, who: Person, found: Finding, now: datetime
    ) -> int:  # fmt: skip
        version = f"p{prompt().version}/{self._model}"[:LONGEST_VERSION]
        case = await escalations.flag(
            session, who, states.Level(int(found.urgency)), _category(who, inbox, found), rule=RULE,
            rules_version=version, said=inbox.content, now=now,
        )  # fmt: skip
        log.info("second opinion raised", inbox=inbox.id, case=case.id, level=found.level)
        return ident(case)

    async def _say(
        self, session: AsyncSession, row: SecondOpinion, inbox: Inbox, contact: Contact, who: Person, found: Finding,
        case_id: int, now: datetime,
    ) -> None:  # fmt: skip
        """What somebody in danger is told, as a message of its own, if nothing was said to them about danger yet.

        The case stands and the alert is on its way; that must not be undone because a sentence is missing.
        """
        number = row.id
        try:
            async with session.begin_nested():
                heard = Text(
                    openid=inbox.openid, account=inbox.account, key=inbox.key, sent_at=inbox.sent_at,
                    content=inbox.content or "",
                )  # fmt: skip
                talk = Talk(session, now, contact, heard, self.links, self.quiet, inbox_id=inbox.id)
                await talk.meet(who)
                category = _category(who, inbox, found)
                talk.reading = Reading(found.urgency, category, (), f"p{prompt().version}")
                text = await red_words(talk)
                asks = asks_whether_safe(talk)
                await messages.send(
                    session, "danger_reply", key=f"danger_reply:{number}", to=who, subject_id=case_id, now=now,
                    params={"text": text, "asks": asks, "locale": talk.words.locale}, lane=Lane.URGENT,
                )  # fmt: skip
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("red reply failed", row=number, error=type(error).__name__, exc_info=True)

    @property
    def _model(self) -> str:
        return self.endpoint.model if self.endpoint is not None else ""


async def _words(session: AsyncSession, row: SecondOpinion) -> str:
    """What is sent: the words of one message, without names, numbers and places."""
    inbox = await opinions.message_of(session, row)
    around = await known.around(session, await people.person(session, row.person_id))
    return redact(inbox.content or "", names=around.names, ids=around.ids, places=around.places)


async def _heard(endpoint: Endpoint, text: str) -> Heard | None:
    """None: our own mistake; the row comes back when its lease is over, until it is too late."""
    try:
        return await endpoint.ask(text)
    except (Unusable, OutsideError) as what:
        return what
    except Exception as error:
        log.error("second opinion broke", error=type(error).__name__)
        return None


def _category(who: Person, inbox: Inbox, found: Finding) -> str:
    """A relative writes about the member, unless they say 我."""
    about_another = who.role is Role.FAMILY and "我" not in (inbox.content or "")
    return "third_party" if about_another and found.category in ABOUT_ONESELF else found.category
