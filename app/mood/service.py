"""Verbs of the mood room: ask, note the answer, and see when it asks for a person."""

from datetime import datetime, time, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import due
from app.clock import local, wall
from app.db import ident, insert_once
from app.messages import service as messages
from app.mood.models import MoodPlan, MoodPrompt, PromptState
from app.people import service as people
from app.people.models import Person, Topic
from app.people.scope import Scope, within

WEEKLY_WINDOW = timedelta(hours=48)
LOW = 2
NO_ANSWER, UNREAD = "no answer", "unread"


def next_time(plan_weekday: int, at: time, zone_name: str, now: datetime) -> datetime:
    """The next `plan_weekday` (Monday is 0), `at` by the wall clock, after `now`."""
    today = local(now, zone_name).date()
    for days in range(8):
        moment = wall(today + timedelta(days=days), at, zone_name)
        if moment > now and (today + timedelta(days=days)).weekday() == plan_weekday:
            return moment
    return wall(today + timedelta(days=7), at, zone_name)


async def ask_weekly(session: AsyncSession, who: Person, now: datetime) -> None:
    """From now on, ask this member once a week, at the programme's hour."""
    house = await people.house(session, who.house_id)
    programme = await people.programme(session, who.programme_id)
    due_at = next_time(programme.mood_weekday, time.fromisoformat(programme.mood_at), house.zone, now)
    await insert_once(
        session, MoodPlan, person_id=ident(who), house_id=who.house_id, weekday=programme.mood_weekday,
        at=programme.mood_at, due_at=due_at,
    )  # fmt: skip


async def prompt(session: AsyncSession, plan: MoodPlan, now: datetime, *, case_is_open: bool) -> None:
    """Ask now, or note why not; either way the next week is planned from the wall clock."""
    who = await people.person(session, plan.person_id)
    house = await people.house(session, who.house_id)
    missing = None
    if case_is_open:
        missing = "open case"
    elif not people.wants(who, Topic.MOOD) or not await people.has_consented(session, who, Topic.MOOD):
        missing = "stopped"
    await _expire_open(session, who)
    asked = MoodPrompt(
        person_id=plan.person_id, house_id=who.house_id, asked_at=now, expires_at=now + WEEKLY_WINDOW,
        state=PromptState.MISSING if missing else PromptState.ASKED, missing_because=missing,
    )  # fmt: skip
    session.add(asked)
    await session.flush()
    if missing is None:
        await messages.send(
            session, "mood", key=f"mood:{asked.id}", to=who, subject_id=ident(asked), now=now,
        )  # fmt: skip
    again = next_time(plan.weekday, time.fromisoformat(plan.at), house.zone, now)
    await due.finish(session, plan, due_at=again)


async def _expire_open(session: AsyncSession, who: Person) -> None:
    unanswered = select(MoodPrompt).where(
        col(MoodPrompt.person_id) == who.id, col(MoodPrompt.state) == PromptState.ASKED
    )
    for old in (await session.scalars(unanswered)).all():
        old.state, old.missing_because = PromptState.MISSING, old.missing_because or NO_ANSWER


async def could_not_ask(session: AsyncSession, prompt_id: int, why: str) -> None:
    """The question did not reach the member: the answer is missing for that reason, not for silence."""
    asked = await session.get(MoodPrompt, prompt_id)
    if asked is not None and asked.state is PromptState.ASKED:
        asked.state, asked.missing_because = PromptState.MISSING, why


async def latest_prompt(session: AsyncSession, who: Person) -> MoodPrompt | None:
    found: MoodPrompt | None = await session.scalar(
        select(MoodPrompt).where(col(MoodPrompt.person_id) == who.id).order_by(col(MoodPrompt.id).desc()).limit(1)
    )
    return found


async def note(
    session: AsyncSession, who: Person, prompt_id: int | None, score: int, words: str | None, now: datetime
) -> MoodPrompt:
    """Store an answer under its prompt; told unasked, it is an answer without a question."""
    asked = await session.get(MoodPrompt, prompt_id) if prompt_id else None
    if asked is None or asked.person_id != who.id:
        asked = MoodPrompt(person_id=ident(who), house_id=who.house_id, asked_at=now, expires_at=now)
        session.add(asked)
    late = now > asked.expires_at
    asked.state = PromptState.LATE if late else PromptState.ANSWERED
    asked.missing_because = None
    asked.score, asked.answered_at = score, now
    asked.note = words or asked.note
    await session.flush()
    return asked


async def last_score(session: AsyncSession, person_id: int, since: datetime) -> int | None:
    """What they last answered, 1 to 5, if that was not before `since`."""
    found: MoodPrompt | None = await last_answer(session, person_id)
    return found.score if found is not None and found.answered_at is not None and found.answered_at >= since else None


async def last_answer(session: AsyncSession, person_id: int) -> MoodPrompt | None:
    found: MoodPrompt | None = await session.scalar(
        select(MoodPrompt)
        .where(col(MoodPrompt.person_id) == person_id, col(MoodPrompt.score).is_not(None))
        .order_by(col(MoodPrompt.answered_at).desc(), col(MoodPrompt.id).desc())
        .limit(1)
    )
    return found


async def answered_unread(session: AsyncSession, who: Person, now: datetime) -> None:
    """They answered with what no program reads. A number may still follow; if none does, it was no silence."""
    asked = await latest_prompt(session, who)
    if asked is not None and asked.state is PromptState.ASKED and asked.expires_at >= now:
        asked.missing_because = UNREAD


async def add_words(session: AsyncSession, prompt_id: int, words: str) -> None:
    answered = await session.get(MoodPrompt, prompt_id)
    if answered is not None:
        answered.note = f"{answered.note}\n{words}" if answered.note else words


async def lowest_twice(session: AsyncSession, who: Person) -> bool:
    """Whether the last two answers were both the lowest face."""
    scores = (
        select(col(MoodPrompt.score))
        .where(col(MoodPrompt.person_id) == who.id, col(MoodPrompt.score).is_not(None))
        .order_by(col(MoodPrompt.answered_at).desc(), col(MoodPrompt.id).desc())
        .limit(2)
    )
    return list(await session.scalars(scores)) == [1, 1]


async def prompts_of(session: AsyncSession, who: Person) -> list[MoodPrompt]:
    """Every time this person was asked, or told unasked, oldest first; for themselves to read."""
    rows = select(MoodPrompt).where(col(MoodPrompt.person_id) == who.id).order_by(col(MoodPrompt.id))
    return list(await session.scalars(rows))


def visible_moods(scope: Scope) -> Select[MoodPrompt]:
    return select(MoodPrompt).where(within(scope, MoodPrompt))
