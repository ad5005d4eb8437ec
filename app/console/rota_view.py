"""The rota of a house as its page shows it: fourteen days, what was arranged, what became different, who waits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import local, wall
from app.db import ident
from app.duty import arranging, changes, edits, grid, keeping
from app.duty import service as duty
from app.duty.edits import DAYS_AHEAD
from app.duty.keeping import Special
from app.duty.models import Change, ChangeKind, Edit, RotaEdit
from app.duty.rota import Shift, Span, present
from app.escalations.checks import Weak, weaknesses
from app.people import service as people
from app.people.models import House, Person
from bot.conversation import swaps
from bot.wording import Wording
from bot.wording.moments import WEEKDAYS, date_words, hours_words, moment_words, span_words, weekday_words

A_DAY = timedelta(days=1)
LATEST = 10


@dataclass(frozen=True)
class Worked:
    """One shift of a day; `changed`: it is not as the rules alone would have it."""

    name: str
    hours: str
    now: bool
    changed: bool


@dataclass(frozen=True)
class Arranged:
    """Something that was arranged and holds."""

    number: int
    words: str
    by: str


@dataclass(frozen=True)
class Day:
    day: date
    title: str
    today: bool
    special: str
    shifts: list[Worked]
    gaps: list[str]
    empty: bool
    arranged: list[Arranged]


@dataclass(frozen=True)
class Effect:
    """What an edit made different, in words; `warnings`: what would leave somebody alone as things are now."""

    head: str
    more: list[str]
    less: list[str]
    alone: list[str]
    warnings: list[str] = field(default_factory=list)


@dataclass
class View:
    """Says things about one house; looks each person up once."""

    session: AsyncSession
    words: Wording
    house: House
    now: datetime
    _names: dict[int, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return local(self.now, self.house.zone).date()

    async def learn(self, numbers: Iterable[int | None]) -> None:
        unknown = {number for number in numbers if number is not None} - self._names.keys()
        if unknown:
            found = await people.people_by_id(self.session, unknown)
            self._names.update({number: person.name for number, person in found.items()})

    def name(self, number: int | None) -> str:
        return self._names.get(number or 0, "")

    def _say(self, key: str, **data: object) -> str:
        return self.words.say(f"console_roster.{key}", **data)

    # The fourteen days

    async def days(self) -> list[Day]:
        zone, first = self.house.zone, self.today
        begins, ends = wall(first, time(), zone), wall(first + A_DAY * DAYS_AHEAD, time(), zone)
        shifts = await duty.plan(self.session, self.house, begins - A_DAY, ends + A_DAY)
        arranged = await changes.agreed(self.session, self.house, begins, ends)
        special = await keeping.special_days(self.session, self.house, first, DAYS_AHEAD)
        await self.learn(s.person_id for s in shifts)
        await self.learn(n for c in arranged for n in (c.person_id, c.instead_of_id, c.made_by))
        await self.learn(s.noted.made_by for s in special.values() if s.noted is not None)
        return [
            Day(
                row.day, f"{date_words(row.day)}{weekday_words(row.day)}", row.day == first,
                self.special_words(special[row.day]) if row.day in special else "",
                [self._worked(shift, arranged) for shift in row.shifts],
                [] if row.is_empty(zone) else [hours_words(*gap, zone) for gap in row.gaps],
                row.is_empty(zone),
                [self._arranged(c) for c in arranged if max(local(c.starts_at, zone).date(), first) == row.day],
            )
            for row in grid.rows(shifts, first, DAYS_AHEAD, zone)
        ]  # fmt: skip

    def _worked(self, shift: Shift, arranged: Collection[Change]) -> Worked:
        changed = any(
            change.kind is not ChangeKind.AWAY and change.person_id == shift.person_id
            and change.starts_at < shift.ends_at and change.ends_at > shift.starts_at
            for change in arranged
        )  # fmt: skip
        hours = hours_words(shift.starts_at, shift.ends_at, self.house.zone)
        return Worked(self.name(shift.person_id), hours, bool(present([shift], self.now)), changed)

    def _arranged(self, change: Change) -> Arranged:
        when = span_words(change.starts_at, change.ends_at, self.house.zone)
        words = self._say(
            f"arranged_{change.kind.value}", name=self.name(change.person_id), other=self.name(change.instead_of_id),
            when=when,
        )  # fmt: skip
        made = moment_words(change.made_at, self.now, self.house.zone)
        return Arranged(ident(change), words, self._say("by", name=self.name(change.made_by), at=made))

    def special_words(self, special: Special) -> str:
        """Off or worked, with which hours, and who says so."""
        what = (
            self._say("day_off") if special.holds.off
            else self._say("day_worked", like=f"周{WEEKDAYS[special.holds.hours_of]}")
        )  # fmt: skip
        by = self.name(special.noted.made_by) if special.noted is not None else ""
        return self._say(f"day_from_{special.source.value}", what=what, name=by)

    async def there(self) -> str:
        """Who is there now and until when, in the words of the chat."""
        shifts = await duty.plan(self.session, self.house, self.now, self.now + A_DAY * 2)
        there = [shift for shift in shifts if shift.starts_at <= self.now < shift.ends_at]
        await self.learn(shift.person_id for shift in there)
        until = min((shift.ends_at for shift in there), default=self.now)
        return self.words.say(
            "rota.now" if there else "rota.nobody_now", names="、".join(self.name(s.person_id) for s in there),
            until=moment_words(until, self.now, self.house.zone),
        )  # fmt: skip

    # What became different

    async def effect(self, edit: RotaEdit) -> Effect:
        difference = edits.effect_of(edit)
        await self.learn([edit.by_id, *(s.person_id for s in (*difference.more, *difference.less))])
        return Effect(
            await self.edit_words(edit), [self._shift(s) for s in difference.more],
            [self._shift(s) for s in difference.less], [self._span(span) for span in difference.alone],
            await self.warnings(),
        )  # fmt: skip

    def _shift(self, shift: Shift) -> str:
        return f"{self.name(shift.person_id)} {self._span((shift.starts_at, shift.ends_at))}"

    def _span(self, span: Span) -> str:
        return span_words(*span, self.house.zone)

    async def latest(self) -> list[str]:
        return [await self.edit_words(edit) for edit in await edits.latest(self.session, self.house, LATEST)]

    async def edit_words(self, edit: RotaEdit) -> str:
        """Who did what, and when."""
        detail = edit.detail
        await self.learn([edit.by_id, detail.get("person"), detail.get("instead")])
        data = {"name": self.name(detail.get("person")), "other": self.name(detail.get("instead"))}
        match edit.what:
            case Edit.PUT_ON | Edit.TAKEN_OFF | Edit.UNDONE | Edit.SWAPPED:
                starts, ends = (datetime.fromisoformat(detail[name]) for name in ("starts", "ends"))
                data["when"] = self._span((starts, ends))
            case Edit.LINE_ADDED | Edit.LINE_REMOVED:
                data["when"] = self.line_words(detail["weekdays"], detail["starts"], detail["ends"])
            case Edit.DAY_NOTED | Edit.DAY_FORGOTTEN:
                data["when"] = date_words(date.fromisoformat(detail["day"]))
        head = self._say(f"edit_{edit.what.value}", **data)
        return self._say(
            "edit", who=self.name(edit.by_id), at=moment_words(edit.at, self.now, self.house.zone), what=head
        )

    def line_words(self, weekdays: Iterable[int], starts: str, ends: str) -> str:
        """`周三、周四 22:00 到第二天 06:00`."""
        days = "、".join(f"周{WEEKDAYS[weekday]}" for weekday in weekdays)
        if (starts, ends) == ("00:00", "00:00"):
            return self._say("line_all_day", days=days)
        return self._say("line_night" if ends <= starts else "line_day", days=days, starts=starts, ends=ends)

    async def warnings(self) -> list[str]:
        """Where a cry for help from this house would find nobody, as things are."""
        crew = {ident(one) for one in await arranging.crew(self.session, self.house)}
        found = await weaknesses(self.session, self.house.programme_id, self.now)
        mine = [w for w in found if w.house_id == self.house.id or (w.person_id in crew and w.kind is Weak.NO_CHANNEL)]
        await self.learn(w.person_id for w in mine)
        return [
            self._say(
                f"weak_{w.kind.value}", name=self.name(w.person_id), step=(w.step or 0) + 1,
                level=self.words.say(f"page.level_{w.level.name.lower()}") if w.level is not None else "",
            )
            for w in mine
        ]  # fmt: skip

    # Swaps

    async def waiting(self, who: Person) -> list[tuple[int, str]]:
        """The swaps that wait for an answer of this person, in the words in which the chat asks."""
        found = []
        for swap in await changes.waiting_for(self.session, who, self.now):
            words = await swaps.words_of(self.session, await changes.swap_rows(self.session, ident(swap)))
            found.append((ident(swap), self._say("swap_back" if words["back"] else "swap", **words)))
        return found

    async def asked(self, who: Person) -> list[tuple[int, str]]:
        """The swaps that this person asked for and nobody has answered."""
        found = []
        for swap in await changes.asked_by(self.session, who, self.now):
            words = await swaps.words_of(self.session, await changes.swap_rows(self.session, ident(swap)))
            found.append((ident(swap), self._say("asked_back" if words["back"] else "asked", **words)))
        return found
