"""What came after cases, counted: referrals, contacts that were agreed on, and how often the house practised."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.escalations.models import CaseRow, FollowUp, Referral
from app.people.figures import Tally


@dataclass(frozen=True)
class Aftermath:
    """`due`: contacts agreed on for a day of the month; `made`: those of them that have been made by now.

    `drills`: how many in each house.
    """

    referred: Tally
    due: Tally
    made: Tally
    drills: dict[int, int]


async def aftermath(
    session: AsyncSession, houses: Collection[int], since: datetime, until: datetime, *, first: date, last: date
) -> Aftermath:
    """Referrals and drills from `since` on and before `until`; contacts for the days `first` to `last`."""
    referred = (
        select(col(Referral.house_id), col(Referral.person_id), func.count())
        .where(col(Referral.house_id).in_(houses), col(Referral.at) >= since, col(Referral.at) < until)
        .group_by(col(Referral.house_id), col(Referral.person_id))
    )

    async def contacts(*those: ColumnElement[bool]) -> Tally:
        rows = (
            select(col(FollowUp.house_id), col(CaseRow.person_id), func.count())
            .join(CaseRow, col(CaseRow.id) == col(FollowUp.case_id))
            .where(col(FollowUp.house_id).in_(houses), col(FollowUp.on).between(first, last), *those)
            .group_by(col(FollowUp.house_id), col(CaseRow.person_id))
        )
        return Tally.over(await session.execute(rows))

    drills = (
        select(col(CaseRow.house_id), func.count())
        .where(col(CaseRow.drill), col(CaseRow.house_id).in_(houses))
        .where(col(CaseRow.opened_at) >= since, col(CaseRow.opened_at) < until)
        .group_by(col(CaseRow.house_id))
    )
    return Aftermath(
        referred=Tally.over(await session.execute(referred)),
        due=await contacts(),
        made=await contacts(col(FollowUp.done_at).is_not(None)),
        drills=dict((await session.execute(drills)).all()),
    )
