"""Why somebody was alerted, in plain words, for the page of a case: what was read where, and what was known besides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import local
from app.escalations import history
from app.escalations import service as escalations
from app.escalations.models import CaseRow, Flag
from app.messages.models import Inbox
from app.mood import service as mood
from app.people.models import House, Person
from app.people.scope import scope_of
from bot.hearing import TOGETHER
from bot.screening.context import MESSAGES
from bot.screening.model import NAME as MODEL
from bot.screening.model import REASON as BY_MODEL
from bot.screening.screener import in_force
from bot.wording import Wording
from bot.wording.moments import date_words, moment_words

# What opens or joins a case without a rule of the screening; each has a sentence.
OTHER_REASONS = (
    "member.needs-help", "mood.lowest-twice", "mood.wants-a-call", "case.goes-on", "case.unread", "stranger.goes-on",
    "staff.missed", "second-opinion",
)  # fmt: skip


@dataclass(frozen=True)
class Why:
    """One reading: `said` in three pieces, of which the middle one is what the rule read; empty where it had no words.

    `before`: what stood in the messages before it and belongs to it.
    """

    at: str
    said: tuple[str, str, str]
    because: tuple[str, ...]
    before: tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """What was known of somebody before this case."""

    mood: str
    cases: tuple[str, ...]


def explained(
    flags: Sequence[Flag], texts: Sequence[Inbox], words: Wording, house: House, now: datetime
) -> list[Why]:  # fmt: skip
    return [
        Why(
            moment_words(flag.at, now, house.zone), marked(flag), tuple(because(flag, words)),
            _pieces(flag, texts) if "before" in flag.weighed.split() else (),
        )
        for flag in flags
    ]  # fmt: skip


def marked(flag: Flag) -> tuple[str, str, str]:
    """What was said, cut at both ends of what the rule read."""
    said = flag.said or ""
    if flag.start is None or flag.end is None or not 0 <= flag.start < flag.end <= len(said):
        return said, "", ""
    return said[: flag.start], said[flag.start : flag.end], said[flag.end :]


def because(flag: Flag, words: Wording) -> Iterator[str]:
    """The reasons for one reading, without a word of what was said."""
    by_rule = next((rule.reason for rule in in_force().rules.rules if rule.id == flag.rule), None)
    if by_rule is not None:
        yield by_rule
    elif flag.rule == MODEL:
        yield BY_MODEL
    elif flag.rule in OTHER_REASONS:
        yield words.say(f"why.{flag.rule.replace('.', '_').replace('-', '_')}")
    else:  # of an older set of rules
        yield words.say("why.unknown", rule=flag.rule)
    for what in flag.weighed.split():
        yield words.say(f"why.weighed_{what}")


def _pieces(flag: Flag, texts: Sequence[Inbox]) -> tuple[str, ...]:
    near = [
        text.content
        for text in texts
        if text.content and flag.at - TOGETHER <= text.received_at <= flag.at and text.content != flag.said
    ]
    return tuple(near[-MESSAGES:])


async def known_before(
    session: AsyncSession, row: CaseRow, subject: Person, reader: Person, words: Wording, house: House, now: datetime
) -> Before:  # fmt: skip
    """The last mood, for the one worker who may see it, and how earlier cases ended, where the reader may see them."""
    answer = await mood.last_answer(session, row.person_id) if reader.id == subject.worker_id else None
    scope = await scope_of(session, reader)
    cases = [
        words.say(
            "why.case", code=one.code, on=date_words(local(one.opened_at, house.zone).date()),
            level=words.say(f"page.level_{one.level.name.lower()}"),
            outcome=words.say(f"page.outcome_{one.outcome.value}") if one.outcome else "",
        )
        for one in await history.earlier_cases(session, row)
        if escalations.may_see(scope, reader, one)
    ]  # fmt: skip
    if answer is None or answer.answered_at is None:
        return Before("", tuple(cases))
    told = words.say("why.mood", score=answer.score, at=moment_words(answer.answered_at, now, house.zone))
    return Before(told, tuple(cases))
