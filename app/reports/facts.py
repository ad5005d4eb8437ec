"""Asks each room for what it counts, for one month and these houses."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.figures import activities
from app.db import ident
from app.escalations import figures
from app.escalations.aftermath import aftermath
from app.escalations.figures import Life, within_target
from app.escalations.states import Level
from app.messages.figures import messages
from app.mood.figures import moods
from app.people import figures as people_figures
from app.people.figures import Tally
from app.people.models import House
from app.reports.lines import ENDINGS
from app.reports.span import Month


@dataclass(frozen=True)
class Facts:
    """Everything that the report of a month is made of. `tallies` and `plain` are named as in `lines`."""

    month: Month
    now: datetime
    houses: Mapping[int, House]
    tallies: Mapping[str, Tally]
    plain: Mapping[str, Mapping[int, int]]
    lives: tuple[Life, ...]
    woken: Mapping[str, int]


async def gather(session: AsyncSession, month: Month, houses: Collection[House], now: datetime) -> Facts:
    """Of these houses, in this month up to now."""
    ids = [ident(house) for house in houses]
    since, until = month.begins, month.ends
    joined = await people_figures.joined(session, ids, until)
    done = await activities(session, ids, since, until, now)
    said = await messages(session, ids, since, until)
    asked = await moods(session, ids, since, until)
    lives = await figures.lives(session, since=since, until=until, houses=ids)
    after = await aftermath(session, ids, since, until, first=month.first, last=month.last)
    spoken = _cases(life for life in lives if life.contacted_at is not None)
    return Facts(
        month, now, {ident(house): house for house in houses},
        tallies={
            "registered": await people_figures.registered(session, ids),
            "joined": joined,
            "joined_new": await people_figures.joined(session, ids, until, since=since),
            "left": said.left,
            "served": done.attended | said.wrote | asked.answered | asked.late | spoken,
            **{
                name: getattr(done, name)
                for name in (
                    *("asked", "going", "not_going", "undecided", "silent"),
                    *("attended", "first_time", "walk_in", "came"),
                )
            },
            "wrote": said.wrote, "told": said.told, "untold": said.untold,
            "mood_due": asked.due, "mood_deliverable": asked.deliverable, "mood_answered": asked.answered,
            "mood_late": asked.late, "mood_unasked": asked.unasked,
            **_of_cases(lives, now),
            "referred": after.referred, "contact_due": after.due, "contact_made": after.made,
        },
        plain={"held": done.held, "called_off": done.called_off, "drills": after.drills},
        lives=tuple(lives),
        woken=await figures.off_hours(session, since=since, until=until, houses=ids),
    )  # fmt: skip


def _of_cases(lives: Collection[Life], now: datetime) -> dict[str, Tally]:
    found = {
        "untaken": _cases(life for life in lives if life.taken_at is None),
        "ended": _cases(life for life in lives if life.outcome is not None and life.outcome in ENDINGS),
        **{
            f"ended_{ending}": _cases(life for life in lives if life.outcome is not None and life.outcome == ending)
            for ending in ENDINGS
        },
    }
    for level in Level:
        name, these = level.name.lower(), [life for life in lives if life.level is level]
        found[name] = _cases(these)
        found[f"{name}_alerted"] = _cases(life for life in these if life.alerted_at is not None)
        found[f"{name}_taken"] = _cases(life for life in these if life.taken_at is not None)
        found[f"{name}_contacted"] = _cases(life for life in these if life.contacted_at is not None)
        decided = [(life, *within_target([life], now)) for life in these]
        found[f"{name}_within"] = _cases(life for life, within, _ in decided if within)
        found[f"{name}_decided"] = _cases(life for life, _, one in decided if one)
    return found


def _cases(lives: Iterable[Life]) -> Tally:
    return Tally.over((life.house_id, life.person_id, 1) for life in lives)


def total(counted: Mapping[int, int], houses: Iterable[int]) -> int:
    return sum(Counter(counted)[house] for house in houses)
