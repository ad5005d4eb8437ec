"""How often members were asked how they are, could be asked, and answered. What they answered is counted nowhere."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.mood.models import MoodPrompt, PromptState
from app.mood.service import NO_ANSWER, UNREAD
from app.people.figures import Tally


@dataclass(frozen=True)
class Moods:
    """`due`: the question was planned. `deliverable`: and reached them, so that an answer was possible.

    `answered`: within its time; `late`: after it; `unasked`: they told by themselves, without a question.
    """

    due: Tally
    deliverable: Tally
    answered: Tally
    late: Tally
    unasked: Tally


async def moods(session: AsyncSession, houses: Collection[int], since: datetime, until: datetime) -> Moods:
    """Of the questions that were due from `since` on and before `until`."""

    async def counted(*those: ColumnElement[bool]) -> Tally:
        rows = (
            select(col(MoodPrompt.house_id), col(MoodPrompt.person_id), func.count())
            .where(col(MoodPrompt.house_id).in_(houses), col(MoodPrompt.asked_at) >= since)
            .where(col(MoodPrompt.asked_at) < until, *those)
            .group_by(col(MoodPrompt.house_id), col(MoodPrompt.person_id))
        )
        return Tally.over(await session.execute(rows))

    # What was told unasked has no time within which it could be answered.
    a_question = col(MoodPrompt.expires_at) > col(MoodPrompt.asked_at)
    was_heard = (col(MoodPrompt.state) != PromptState.MISSING) | col(MoodPrompt.missing_because).in_(
        [NO_ANSWER, UNREAD]
    )
    return Moods(
        due=await counted(a_question),
        deliverable=await counted(a_question, was_heard),
        answered=await counted(a_question, col(MoodPrompt.state) == PromptState.ANSWERED),
        late=await counted(a_question, col(MoodPrompt.state) == PromptState.LATE),
        unasked=await counted(~a_question),
    )
