"""`tongxing drill`: begin one, follow it line by line until it is over, print what came of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.clock import Clock, local
from app.db import Database, ident
from app.escalations import drill_report, drills
from app.escalations.drill_report import DrillReport, Fate
from app.escalations.drills import DrillRefused
from app.escalations.models import CaseRow
from app.installation import own_database
from app.people import service as people
from app.people.models import House
from app.settings import Settings
from app.watch import service as watch
from app.watch.models import Role
from bot.notices import drills as words_of_drills
from bot.wording import Wording, wording

LOOK_EVERY = 0.5  # seconds
ALIVE = timedelta(minutes=1)  # since its last heartbeat
SOMEBODY_SENDS_WITHIN = timedelta(seconds=10)
RECEIPTS_WITHIN = timedelta(seconds=10)
WHY_NOT = {
    "running": "这个小站正在演练（{code}），一次只能一个：接了就完了，或者等它自己完",
    "danger": "这个小站有紧急的事还没有结束，或者别处紧急的事等着要叫的人接，现在不演练：请等填了结果再来",
    "quiet": "现在演练会响到安静时段里（没有人接的话要 {minutes} 分钟）：请在白天做，一定要现在做就加 --now-at-night",
}
START_IT = "请先启动 tongxing serve（用 PostgreSQL 的还要 tongxing worker）"
NOTHING_RUNS = f"没有到点做事的程序在运行，演练不了：{START_IT}"
NOBODY_SENDS = f"10 秒里没有程序来发消息，演练取消了，没有人收到：{START_IT}"

Wait = Callable[[float], Awaitable[object]]
Print = Callable[[str], object]


async def run(
    settings: Settings, clock: Clock, house_code: str | None, show: Print, *, at_night: bool = False,
    follow: bool = True, wait: Wait = asyncio.sleep,
) -> bool:  # fmt: skip
    """Begin a drill and, with `follow`, stay until it is over; whether somebody took it (or it has begun).

    ValueError says why there is none, or that nobody sends anything just now. `wait` lets seconds pass.
    """
    async with own_database(settings) as db:
        async with db.begin() as session:
            house = await _house(session, house_code)
            if not await _somebody_works(session, clock.now()):
                raise ValueError(NOTHING_RUNS)
            row = await _begin(session, house, clock.now(), Quiet(settings.quiet_from, settings.quiet_until), at_night)
            words = await _words(session, house)
        watched = _Watched(db, clock, ident(row), house, words, show, wait)
        await watched.until_somebody_sends()
        if not follow:
            show(f"演练 {row.code} 开始了。看结果：tongxing drill report {row.code}")
            return True
        try:
            return await watched.until_it_is_over()
        except asyncio.CancelledError:
            show(f"演练还在进行。看结果：tongxing drill report {row.code}")
            raise


async def report(settings: Settings, code: str, show: Print) -> None:
    """What came of an earlier one. `code`: A-0012, or its digits. ValueError where there was none."""
    found = re.fullmatch(r"([A-Za-z]?)[ -]?([0-9]{1,4})", code.strip())
    if found is None:
        raise ValueError("请写演练的编号，比如 A-0012")
    code = f"{found[1].upper() or 'A'}-{int(found[2]):04d}"
    async with own_database(settings) as db, db.read() as session:
        row = await drills.find(session, code)
        if row is None:
            raise ValueError(f"没有编号是 {code} 的演练：请看一下编号")
        house = await people.house(session, row.house_id)
        words = await _words(session, house)
        for line in words_of_drills.lines(await drill_report.report(session, row), house.name, words.say, house.zone):
            show(line)


async def _house(session: AsyncSession, code: str | None) -> House:
    programme = await people.only_programme(session)
    if programme is None:
        raise ValueError("数据库里还没有项目：请先运行 tongxing load")
    numbers = sorted(await people.houses_of(session, ident(programme)))
    houses = [await people.house(session, number) for number in numbers]
    codes = "、".join(house.code for house in houses)
    if code is None:
        if len(houses) != 1:
            raise ValueError(f"有好几个小站：请加 --house，写其中一个的 code（{codes}）")
        return houses[0]
    found = next((house for house in houses if house.code == code), None)
    if found is None:
        raise ValueError(f"没有代码是 {code} 的小站：有 {codes}")
    return found


async def _somebody_works(session: AsyncSession, now: datetime) -> bool:
    """Whether a process that does what is due has lately been heard of; one that was killed is, for a minute."""
    return any(one.role is Role.WORKER and now - one.at < ALIVE for one in await watch.beats(session))


async def _begin(session: AsyncSession, house: House, now: datetime, quiet: Quiet, at_night: bool) -> CaseRow:
    try:
        return await drills.begin(session, house, now, quiet, at_night=at_night)
    except DrillRefused as refused:
        running = await drills.running(session, house)
        minutes = await drills.minutes(session, house)
        raise ValueError(
            WHY_NOT[refused.why].format(code=running.code if running is not None else "", minutes=minutes)
        ) from None


async def _words(session: AsyncSession, house: House) -> Wording:
    return wording((await people.programme(session, house.programme_id)).locale)


class _Watched:
    """A drill that somebody at a keyboard looks at."""

    def __init__(
        self, db: Database, clock: Clock, case_id: int, house: House, words: Wording, show: Print, wait: Wait
    ) -> None:  # fmt: skip
        self._db, self._clock, self._wait = db, clock, wait
        self._case_id, self._house, self._words, self._show = case_id, house, words, show
        self._said: set[str] = set()

    async def look(self) -> DrillReport:
        async with self._db.read() as session:
            row = await session.get_one(CaseRow, self._case_id)
            return await drill_report.report(session, row)

    async def until_somebody_sends(self) -> None:
        """ValueError when nobody has taken the first alert in hand for a while: the drill is called off then."""
        since = self._clock.now()
        while True:
            rings = [ring for one in (await self.look()).called for ring in one.rings]
            if not rings or any(ring.in_hand for ring in rings):
                return
            if self._clock.now() - since > SOMEBODY_SENDS_WITHIN:
                break
            await self._wait(LOOK_EVERY)
        async with self._db.begin() as session:
            await drills.nobody_sends(session, self._case_id, self._clock.now())
        raise ValueError(NOBODY_SENDS)

    async def until_it_is_over(self) -> bool:
        """Say each thing as it happens, then the report; whether somebody took it."""
        began = await self.look()
        self._say(f"{self._at(began.began_at)} 演练 {began.code} 开始：{self._house.name}")
        while True:
            found = await self.look()
            self._tell(found)
            if found.ended_at is not None and not self._more_will_be_known(found, found.ended_at):
                break
            await self._wait(LOOK_EVERY)
        self._show("")
        for line in words_of_drills.lines(found, self._house.name, self._words.say, self._house.zone):
            self._show(line)
        return found.taken_by is not None

    def _more_will_be_known(self, found: DrillReport, ended: datetime) -> bool:
        """Whether receipts of what has just gone out may still come in."""
        fates = {ring.fate for one in found.called for ring in one.rings}
        return Fate.WAITING in fates and self._clock.now() - ended < RECEIPTS_WITHIN

    def _tell(self, found: DrillReport) -> None:
        for moment, said in sorted(self._events(found)):
            self._say(f"{self._at(moment)} {said}")
        for name in found.unreachable:
            self._say(self._words.say("drill.no_way", who=name))

    def _events(self, found: DrillReport) -> list[tuple[datetime, str]]:
        say = self._words.say
        events = [
            (ring.delivered_at or ring.sent_at or ring.queued_at, f"{one.name} {words_of_drills.ring_words(ring, say)}")
            for one in found.called
            for ring in one.rings
            if ring.fate is not Fate.WAITING
        ]
        if found.taken_by is not None and found.taken_at is not None:
            events.append((found.taken_at, f"{found.taken_by} 接手"))
        return events

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._show(line)

    def _at(self, moment: datetime) -> str:
        return f"{local(moment, self._house.zone):%H:%M:%S}"
