"""Turns, hours that hold on holidays, and days, as a programme's file writes them."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from app.clock import wall
from app.db import Database, insert_once
from app.duty import changes, keeping
from app.duty import service as duty
from app.duty.models import CalendarDay, DayKind, Duty, DutyWatch, Rotation
from app.escalations.models import LadderRow
from app.loading import read_programme
from app.loading.weekly import Shift, read_shifts, read_turn
from app.people.models import House, Person
from tests.test_loading import NOW, TEXT, ZONE, all_of, bring, db, problems_in

__all__ = ["db"]

ROTA = """
rota:
  - code: yeban
    house: duantang
    hours:
      - 每天 22:00-06:00 节假日也在
    people: [wangle, lihong]
    starts_on: 2026-11-30
    turn: 每周
"""
DAYS = """
days:
  - {day: 2027-02-20, kind: 上班, hours_of: 周五}
  - {day: 2027-01-20, kind: 放假, house: duantang}
"""
WITH_BOTH = TEXT + ROTA + DAYS
RED_IN_FILE = """
  ladders:
    red:
      steps:
        - {targets: [assigned, supervisor], after: 0}
      repeat_every: 15
      contact_within: 30
"""


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return wall(day, time(hour, minute), ZONE)


async def there(database: Database, moment: datetime) -> list[str]:
    """Who is on duty, by their code."""
    async with database.read() as session:
        house = (await session.scalars(select(House))).one()
        numbers = await duty.on_duty(session, house, moment)
        people = await session.scalars(select(Person).where(Person.id.in_(numbers)))  # type: ignore[union-attr]
        return sorted(person.code for person in people)


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("周三 08:30-17:00", Shift(2, "08:30", "17:00")),
        ("周三 08:30-17:00 节假日也在", Shift(2, "08:30", "17:00", True)),
        ("周三 08:30—17:00（节假日也在）", Shift(2, "08:30", "17:00", True)),
        ("周三 08:30-17:00，节假日也值班", Shift(2, "08:30", "17:00", True)),
        ("周三 00:00-24:00", Shift(2, "00:00", "00:00")),
    ],
)  # fmt: skip
def test_how_a_line_says_that_it_holds_on_holidays(text: str, shift: Shift) -> None:
    assert read_shifts(text) == (shift,)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("每周", 7),
        ("每两周", 14),
        ("每 2 周", 14),
        ("2周", 14),
        ("每天", 1),
        ("每 3 天", 3),
        ("每三天", 3),
        ("一个周", 7),
    ],
)
def test_how_long_a_turn_lasts(text: str, days: int) -> None:
    assert read_turn(text) == days


@pytest.mark.parametrize("text", ["每月", "常常", "0 天", "每周一", "7"])
def test_what_is_no_length_of_a_turn(text: str) -> None:
    with pytest.raises(ValueError, match="要写成 每周"):
        read_turn(text)


async def test_a_file_with_turns_and_days_twice_changes_nothing_the_second_time(db: Database) -> None:
    done = await bring(db, WITH_BOTH)
    assert done.created == 14
    again = await bring(db, WITH_BOTH, NOW + timedelta(hours=1))
    assert (again.created, again.changed, again.unchanged) == (0, 0, 14)


async def test_the_two_take_the_nights_in_turn_week_after_week_on_holidays_too(db: Database) -> None:
    await bring(db, WITH_BOTH)
    for monday, who in ((date(2026, 11, 30), "wangle"), (date(2026, 12, 7), "lihong"), (date(2026, 12, 28), "wangle")):
        for n in range(7):
            assert await there(db, at(monday + timedelta(days=n), 23)) == [who]
    assert await there(db, at(date(2026, 11, 29), 23)) == []


async def test_a_day_that_the_file_closes_and_one_that_it_makes_a_friday(db: Database) -> None:
    await bring(db, WITH_BOTH)
    assert await there(db, at(date(2027, 1, 19), 10)) == ["wangle"]
    assert await there(db, at(date(2027, 1, 20), 10)) == []
    assert await there(db, at(date(2027, 2, 20), 15)) == ["wangle"], "like a Friday, though it is a Saturday"
    assert await there(db, at(date(2027, 2, 13), 10)) == ["lihong"], "a Saturday like any other"


async def test_hours_that_hold_on_holidays_hold_on_new_year(db: Database) -> None:
    await bring(db, TEXT)
    assert await there(db, at(date(2027, 1, 1), 10)) == []
    done = await bring(db, TEXT.replace("周一至周五 08:30-17:00", "周一至周五 08:30-17:00 节假日也在"))
    assert done.changed == 1
    assert await there(db, at(date(2027, 1, 1), 10)) == ["wangle"]
    assert all(row.on_holidays for row in await all_of(db, Duty) if row.weekday < 5)


async def test_what_is_taken_out_of_the_file_is_taken_out_here_and_what_is_changed_is_changed(db: Database) -> None:
    await bring(db, WITH_BOTH)
    done = await bring(db, (TEXT + ROTA).replace("每周\n", "每 3 天\n").replace("[wangle, lihong]", "[lihong]"))
    assert done.changed == 3
    assert await all_of(db, CalendarDay) == []
    (turns,) = await all_of(db, Rotation)
    assert (turns.turn_days, len(turns.people)) == (3, 1)
    await bring(db, TEXT)
    assert await all_of(db, Rotation) == []


async def test_a_day_that_staff_noted_themselves_is_not_touched_by_the_file(db: Database) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        house = (await session.scalars(select(House))).one()
        boss = (await session.scalars(select(Person).where(Person.code == "zhoumin"))).one()
        day = date(2027, 1, 20)
        await changes.note_day(session, house.programme_id, house, day, DayKind.WORKING, by=boss, now=NOW)
    done = await bring(db, WITH_BOTH)
    assert done.notes == ["2027-01-20 已经由工作人员改过，文件里写的没有用上"]
    assert await there(db, at(date(2027, 1, 20), 10)) == ["wangle"]
    await bring(db, TEXT)
    assert [row.day for row in await all_of(db, CalendarDay)] == [day]
    async with db.begin() as session:
        assert await changes.forget_day(session, house.programme_id, house, day, by=boss, now=NOW)
        assert not await changes.forget_day(session, house.programme_id, house, day, by=boss, now=NOW)


async def test_what_the_house_says_of_a_day_stands_before_what_the_programme_says(db: Database) -> None:
    both = "\ndays:\n  - {day: 2026-12-01, kind: off}\n  - {day: 2026-12-01, kind: working, house: duantang}\n"
    await bring(db, TEXT + both)
    assert await there(db, at(date(2026, 12, 1), 10)) == ["wangle"]
    await bring(db, TEXT + both.replace("\n  - {day: 2026-12-01, kind: working, house: duantang}", ""))
    assert await there(db, at(date(2026, 12, 1), 10)) == []


async def test_a_changed_file_makes_somebody_look_again_at_once_and_an_unchanged_one_does_not(db: Database) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        house = (await session.scalars(select(House))).one()
        await insert_once(session, DutyWatch, house_id=house.id, there=[], due_at=NOW + timedelta(days=1))
    await bring(db, TEXT)
    assert (await all_of(db, DutyWatch))[0].due_at == NOW + timedelta(days=1)
    await bring(db, TEXT + ROTA)
    assert (await all_of(db, DutyWatch))[0].due_at == NOW


@pytest.mark.parametrize(
    ("good", "wrong", "where", "said"),
    [
        ("每天 22:00-06:00 节假日也在", "每天 晚上", "每天 晚上", "要写成 周一至周五 08:30-17:00"),
        ("turn: 每周", "turn: 每月", "turn: 每月", "要写成 每周、每两周、每天 或 每 3 天"),
        ("[wangle, lihong]", "[wangle, lihogn]", "lihogn", "不在 staff 里，是不是想写 lihong？"),
        ("[wangle, lihong]", "[wangle, lilaoshi]", "[wangle, lilaoshi]", "lilaoshi 是同伴辅导员，不排值班"),
        ("[wangle, lihong]", "[]", "people: []", "轮流的人的 code"),
        ("    starts_on: 2026-11-30\n", "", "- code: yeban", "第一个人从哪天开始"),
        ("code: yeban\n    house: duantang", "code: yeban\n    house: x", "house: x\n    hours", "不在 houses 里"),
        ("kind: 放假", "kind: 休息", "kind: 休息", "只能写 off（放假、关门）或 working（上班、补班）"),
        ("kind: 放假, house: duantang", "kind: 放假, hours_of: 周一", "kind: 放假", "只用在上班的日子"),
        ("day: 2027-01-20", "day: 2027-01-32", "day: 2027-01-32", "真有的日期"),
        ("{day: 2027-01-20, kind: 放假, house: duantang}", "{day: 2027-02-20, kind: off}", "kind: off}", "重复了"),
        ("house: duantang}\n", "house: dauntang}\n", "dauntang", "是不是想写 duantang？"),
    ],
)  # fmt: skip
def test_what_is_written_wrong_is_said_with_its_line(good: str, wrong: str, where: str, said: str) -> None:
    assert good in WITH_BOTH
    text = TEXT + (ROTA + DAYS).replace(good, wrong, 1)
    ((line, words),) = problems_in(text)
    assert line == text[: text.index(where, len(TEXT))].count("\n") + 1
    assert said in words


def test_who_takes_turns_serves_the_house() -> None:
    second = "  - {code: shiqi, name: 石碶生活小站, venue: 石碶文化站}\n"
    text = (TEXT + ROTA).replace("\n# 工作人员。", f"{second}\n# 工作人员。", 1)
    text = text.replace("code: yeban\n    house: duantang", "code: yeban\n    house: shiqi")
    assert [words for _line, words in problems_in(text)] == [
        f"rota[0].people[{n}] {code} 不负责这个小站，请在 {code} 的 also 里加上 shiqi"
        for n, code in enumerate(("wangle", "lihong"))
    ]


def test_the_commented_example_of_the_file_is_right_when_the_marks_are_taken_away() -> None:
    begins, ends = TEXT.index("# rota:"), TEXT.index("# 同伴。worker")
    lines = [line.removeprefix("# ") if not line.startswith(("# 放假", "# 小站自己")) else line
             for line in TEXT[begins:ends].splitlines()]  # fmt: skip
    file = read_programme(TEXT[:begins] + "\n".join(lines) + "\n" + TEXT[ends:])
    assert (len(file.rota), len(file.days)) == (1, 2)


# What whoever leads keeps in the console


async def test_hours_that_were_edited_in_the_console_stay_when_the_file_is_loaded_until_they_are_handed_back(
    db: Database,
) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        house = (await session.scalars(select(House))).one()
        staff = {one.code: one for one in await session.scalars(select(Person))}
        wangle, boss = staff["wangle"], staff["zhoumin"]
        lines = [line for line in await keeping.lines(session, house) if line.person_id == wangle.id]
        await keeping.remove_line(session, lines[0], by=boss, now=NOW)
        night = (time(22), time(6))
        assert await keeping.add_lines(session, house, wangle, [6], night, by=boss, now=NOW) is None
    loaded = await bring(db, TEXT)
    assert "wangle 在 duantang 的值班时间已经在控制台改过" in "".join(loaded.notes)
    assert {line.weekday for line in await all_of(db, Duty) if line.person_id == wangle.id} == {1, 2, 3, 4, 6}
    async with db.begin() as session:
        assert await keeping.back_to_file(session, house, wangle.id or 0, by=boss, now=NOW)
        assert not await keeping.back_to_file(session, house, wangle.id or 0, by=boss, now=NOW)
    loaded = await bring(db, TEXT)
    assert not [note for note in loaded.notes if "值班时间" in note]
    assert {line.weekday for line in await all_of(db, Duty) if line.person_id == wangle.id} == {0, 1, 2, 3, 4}


async def test_hours_that_say_what_the_file_says_are_not_spoken_of(db: Database) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        house = (await session.scalars(select(House))).one()
        boss = next(one for one in await session.scalars(select(Person)) if one.code == "zhoumin")
        line = (await keeping.lines(session, house))[0]
        who = await session.get_one(Person, line.person_id)
        hours = (time.fromisoformat(line.starts), time.fromisoformat(line.ends))
        weekday = line.weekday
        await keeping.remove_line(session, line, by=boss, now=NOW)
        assert await keeping.add_lines(session, house, who, [weekday], hours, by=boss, now=NOW) is None
    assert not [note for note in (await bring(db, TEXT)).notes if "值班时间" in note]


async def test_nobody_edits_the_hours_of_a_house_that_is_none_of_theirs(db: Database) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        house = (await session.scalars(select(House))).one()
        who = next(one for one in await session.scalars(select(Person)) if one.code == "wangle")
        other = House(programme_id=house.programme_id, code="elsewhere", name="石碶小站", zone=ZONE)
        session.add(other)
        await session.flush()
        with pytest.raises(LookupError):
            await keeping.add_lines(session, other, who, [6], (time(9), time(12)), by=who, now=NOW)


async def test_a_ladder_that_was_written_in_the_console_stays_when_the_file_is_loaded(db: Database) -> None:
    in_file = TEXT.replace("houses:", RED_IN_FILE + "\nhouses:", 1)
    await bring(db, in_file)
    async with db.begin() as session:
        boss = next(one for one in await session.scalars(select(Person)) if one.code == "zhoumin")
        row = (await session.scalars(select(LadderRow))).one()
        assert row.plan["repeat_every"] == 15
        row.plan, row.made_by, row.made_at = {**row.plan, "repeat_every": 5}, boss.id, NOW
    for text in (in_file, TEXT):
        loaded = await bring(db, text)
        assert ("red 的求助阶梯已经在控制台改过" in "".join(loaded.notes)) is (text is in_file)
        assert [row.plan["repeat_every"] for row in await all_of(db, LadderRow)] == [5]
