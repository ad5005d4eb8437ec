"""When each house practises by itself: a day of the month in the programme's file."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.db import ident
from app.escalations import drills
from app.escalations.ladders import ladder_for
from app.escalations.states import Ladder, Level
from app.loading.file import ProgrammeFile
from app.loading.tally import Tally
from app.people.models import House, Programme


async def load(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House],
    zones_before: dict[int, str], tally: Tally, *, now: datetime, quiet: Quiet,
) -> None:  # fmt: skip
    """Each house practises as the file says, by its own clock; a house that leaves the file keeps its day."""
    wanted = file.programme.drill
    ladder = await ladder_for(session, ident(programme), Level.RED)
    changed = []
    for house in houses.values():
        if wanted is not None:
            first = await drills.next_time(session, house, wanted, now)
            if not drills.is_calm(ladder, first, quiet, house.zone):
                tally.problems.append(file.problem(file.programme, "drill", _too_late_in_the_day(ladder, quiet)))
                return
        anew = zones_before[ident(house)] != house.zone
        changed.append(await drills.plan(session, house, wanted, now, anew=anew))
    if wanted is not None or any(changed):
        tally.count(changed=any(changed))


def _too_late_in_the_day(ladder: Ladder, quiet: Quiet) -> str:
    minutes = drills.lasts(ladder) // timedelta(minutes=1)
    hours = f"{quiet.starts:%H:%M}-{quiet.ends:%H:%M}"
    return f"会响到安静时段（{hours}）里：没有人接的话，一次演练要 {minutes} 分钟，请写早一点的白天的时间"
