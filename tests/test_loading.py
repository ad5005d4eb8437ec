"""A programme file: what it brings about, that it may be loaded again, and what it says to a mistake."""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from app.activities import changes
from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.models import Milestone, Occurrence, Plan, Rsvp, Series, State
from app.clock import local
from app.db import Database, ident
from app.duty.models import Duty
from app.escalations.models import DrillPlan, LadderRow
from app.escalations.states import Level
from app.loading import Loaded, LoadError, load, read_programme
from app.messages import service as messages
from app.messages.models import Contact, Outbox
from app.people.models import House, Person, Posting, Programme
from app.people.scope import scope_of
from app.vault import Vault
from bot.lines import lines_of

EXAMPLE = Path(__file__).parents[1] / "deploy" / "programmes" / "duantang.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # a Sunday, 10:00 in Ningbo
QUIET = Quiet(time(21, 30), time(8, 30))
ZONE = "Asia/Shanghai"


@pytest.fixture
async def db(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_file, tmp_path / "house.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", Vault("k" * 32))
    yield database
    await database.close()


async def bring(db: Database, text: str, now: datetime = NOW) -> Loaded:
    async with db.begin() as session:
        return await load(session, read_programme(text), now=now, quiet=QUIET, account="gh_house")


async def write_dates(db: Database, now: datetime = NOW) -> None:
    """What the materialise bell does."""
    async with db.begin() as session:
        for series in await session.scalars(select(Series)):
            await activities.write_dates(session, series, now, QUIET)
            series.due_at = now + timedelta(days=1)


async def everything(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    async with db.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in await connection.exec_driver_sql(f'SELECT * FROM "{table.name}"')]
            for table in SQLModel.metadata.sorted_tables
        }


async def all_of(db: Database, model: type[Any]) -> list[Any]:
    async with db.read() as session:
        return list(await session.scalars(select(model).order_by(model.id)))


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def with_activity(line: str) -> str:
    return f"{TEXT}\n  - {line}\n"


# What a good file brings about


async def test_the_example_sets_a_house_up(db: Database) -> None:
    done = await bring(db, TEXT)
    assert (done.created, done.changed, done.unchanged) == (11, 0, 0)
    assert done.summary == "新增 11，修改 0，没变 0"
    (programme,) = await all_of(db, Programme)
    assert done.programme_id == programme.id
    assert (programme.mood_weekday, programme.mood_at, programme.invite_days) == (2, "16:30", 3)
    assert (programme.region, programme.lines, programme.phone) == ("CN", [], "0574-00000000")
    (house,) = await all_of(db, House)
    assert (house.zone, house.venue) == (ZONE, "段塘街道活动室")
    people = {person.code: person for person in await all_of(db, Person)}
    assert people["xiaohe"].worker_id == people["wangle"].id
    assert people["xiaohe"].backup_id == people["lihong"].id
    assert people["xiaohe"].joined_at is None
    assert people["wangle"].joined_at == NOW
    known = {contact.openid: contact.person_id for contact in await all_of(db, Contact)}
    assert known["o_zhoumin"] == people["zhoumin"].id
    rota = [(duty.weekday, duty.starts, duty.ends) for duty in await all_of(db, Duty)]
    assert rota == [*((day, "08:30", "17:00") for day in range(5)), (5, "09:00", "12:00")]


async def test_the_bell_writes_the_dates_of_a_new_series(db: Database) -> None:
    await bring(db, TEXT)
    assert all(series.due_at == NOW for series in await all_of(db, Series))
    await write_dates(db)
    first = (await all_of(db, Occurrence))[0]
    assert local(first.starts_at, ZONE) == datetime(2026, 11, 25, 14, tzinfo=local(NOW, ZONE).tzinfo)
    assert first.ends_at - first.starts_at == timedelta(minutes=90)


async def test_the_same_file_twice_changes_nothing(db: Database) -> None:
    text = with_activity("{code: qiuyou, house: duantang, title: 秋游, on: 2026-12-05, at: 09:00, minutes: 180}")
    await bring(db, text)
    await write_dates(db)
    before = await everything(db)
    again = await bring(db, text, NOW + timedelta(hours=1))
    assert (again.created, again.changed, again.unchanged) == (0, 0, 12)
    assert again.notes == []
    assert await everything(db) == before


async def test_what_people_decided_themselves_stays(db: Database) -> None:
    await bring(db, TEXT)
    async with db.begin() as session:
        member = await session.scalar(select(Person).where(col(Person.code) == "xiaohe"))
        assert member is not None
        member.called, member.joined_at, member.stopped = "河河", NOW, ["mood"]
    done = await bring(db, TEXT.replace("name: 小河", "name: 大河"))
    assert done.summary == "新增 0，修改 1，没变 10"
    member = next(person for person in await all_of(db, Person) if person.code == "xiaohe")
    assert (member.name, member.called, member.joined_at, member.stopped) == ("大河", "河河", NOW, ["mood"])


async def test_who_is_not_in_the_file_is_left_alone(db: Database) -> None:
    await bring(db, TEXT)
    shorter = TEXT[: TEXT.index("  - code: aguang")] + TEXT[TEXT.index("# 活动。") :]
    assert (await bring(db, shorter)).summary == "新增 0，修改 0，没变 10"
    assert "aguang" in [person.code for person in await all_of(db, Person)]


async def test_the_rota_becomes_what_the_file_says(db: Database) -> None:
    await bring(db, TEXT)
    done = await bring(
        db, TEXT.replace("- 周一至周五 08:30-17:00", "- 周二、周四 9:00—12:00\n      - 周日 22:00-06:00")
    )
    assert done.changed == 1
    rota = sorted((duty.weekday, duty.starts, duty.ends) for duty in await all_of(db, Duty))
    assert rota == [(1, "09:00", "12:00"), (3, "09:00", "12:00"), (5, "09:00", "12:00"), (6, "22:00", "06:00")]


async def test_staff_serve_several_houses(db: Database) -> None:
    second = "  - {code: shiqi, name: 石碶生活小站, venue: 石碶文化站, phone: 0574-00000001, zone: Asia/Urumqi}\n"
    two = TEXT.replace("\n# 工作人员。", f"{second}\n# 工作人员。", 1).replace(
        "# also: [另一个小站的 code]", "also: [shiqi]"
    )
    done = await bring(db, two)
    houses = await all_of(db, House)
    assert [house.zone for house in houses] == [ZONE, "Asia/Urumqi"]
    assert len(await all_of(db, Duty)) == 11
    async with db.read() as session:
        worker = await session.scalar(select(Person).where(col(Person.code) == "wangle"))
        assert worker is not None
        assert (await scope_of(session, worker)).houses == {house.id for house in houses}
    assert done.created == 12
    await bring(db, two.replace("also: [shiqi]", ""))
    assert await all_of(db, Posting) == []
    assert len(await all_of(db, Duty)) == 6


LADDER = """  ladders:
    red:
      steps:
        - {targets: [assigned, duty], after: 0}
        - {targets: [supervisor], after: 5}
      repeat_every: 10
      loops: null
      contact_within: 30
"""


async def test_a_programme_writes_its_own_ladder_and_takes_it_back(db: Database) -> None:
    own = TEXT.replace("\nhouses:", f"{LADDER}\nhouses:", 1)
    await bring(db, own)
    (ladder,) = await all_of(db, LadderRow)
    assert ladder.level == Level.RED
    assert ladder.plan["steps"][1] == {"targets": ["supervisor"], "after": 5}
    assert (await bring(db, own)).changed == 0
    assert (await bring(db, TEXT)).changed == 1
    assert await all_of(db, LadderRow) == []


MONTHLY = "  invite_days: 3  "


def practising(words: str, text: str = TEXT) -> str:
    return text.replace(MONTHLY, f"  drill: {words}\n{MONTHLY}", 1)


async def drill_plans(db: Database) -> list[tuple[int, datetime | None]]:
    async with db.read() as session:
        plans = await session.scalars(select(DrillPlan).order_by(col(DrillPlan.house_id)))
        return [(plan.house_id, plan.due_at and local(plan.due_at, ZONE)) for plan in plans]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("每月第二个周二 10:00", datetime(2026, 12, 8, 10)),  # noqa: DTZ001
        ("每月第1个星期三 09:30", datetime(2026, 12, 2, 9, 30)),  # noqa: DTZ001
        ("每个月最后一个周一 14：00", datetime(2026, 11, 30, 14)),  # noqa: DTZ001
    ],
)
async def test_each_house_practises_on_the_day_that_the_file_names(db: Database, words: str, day: datetime) -> None:
    await bring(db, practising(words))
    [(_, due_at)] = await drill_plans(db)
    assert due_at is not None
    assert due_at.replace(tzinfo=None) == day


async def test_the_day_of_practice_is_armed_once_changed_and_taken_out_again(db: Database) -> None:
    await bring(db, practising("每月第二个周二 10:00"))
    before = await everything(db)
    assert (await bring(db, practising("每月第二个周二 10:00"), NOW + timedelta(days=1))).changed == 0
    assert await everything(db) == before
    assert (await bring(db, practising("每月第三个周二 10:00"))).changed == 1
    assert [due_at and due_at.day for _, due_at in await drill_plans(db)] == [15]
    await bring(db, TEXT)
    assert await drill_plans(db) == []


async def test_a_house_in_another_zone_practises_by_its_own_clock(db: Database) -> None:
    house = "  - code: duantang\n    name: 段塘生活小站\n    venue"
    two = practising("每月第二个周二 10:00").replace(
        house, "  - {code: auckland, name: 奥克兰小站, venue: 老地方, zone: Pacific/Auckland}\n" + house, 1
    )
    await bring(db, two)
    hours = {due_at.hour for _, due_at in await drill_plans(db) if due_at is not None}
    assert hours == {5, 10}  # 10:00 in Auckland is 05:00 in Ningbo


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("每月 10:00", "要写成 每月第二个周二 10:00"),
        ("每月第五个周二 10:00", "第一个到第四个，或者最后一个"),
        ("每月第二个周二 25:00", "24 小时制"),
    ],
)
def test_a_day_of_practice_that_cannot_be_read(words: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        read_programme(practising(words))


async def test_nobody_practises_in_the_quiet_hours(db: Database) -> None:
    for words in ("每月第二个周二 23:00", "每月第二个周二 21:10"):
        with pytest.raises(LoadError, match="会响到安静时段（21:30-08:30）里：没有人接的话，一次演练要 35 分钟"):
            await bring(db, practising(words))


async def test_nobody_is_cut_off_from_the_wechat_they_joined_with(db: Database) -> None:
    await bring(db, TEXT)
    done = await bring(db, TEXT.replace("openid: o_wangle", "openid: o_other"))
    assert done.notes == ["wangle 已经用另一个微信加入了，文件里的 openid 没有用上"]
    assert done.changed == 0


async def test_an_openid_that_is_somebody_elses_is_refused(db: Database) -> None:
    await bring(db, TEXT)
    text = TEXT.replace("code: lihong", "code: lihong2").replace("backup: lihong", "backup: lihong2")
    with pytest.raises(LoadError) as refused:
        await bring(db, text)
    assert [problem.line for problem in refused.value.problems] == [line_of(text, "openid: o_lihong")]
    assert "另一个人" in str(refused.value)
    assert "lihong2" not in [person.code for person in await all_of(db, Person)]


# When an activity changes


async def ask(db: Database, code: str) -> int:
    """Somebody was asked to the first date of a series."""
    async with db.begin() as session:
        member = await session.scalar(select(Person).where(col(Person.code) == code))
        first = await session.scalar(select(Occurrence).order_by(col(Occurrence.starts_at)).limit(1))
        assert member is not None
        assert first is not None
        member.joined_at = NOW
        session.add(Rsvp(occurrence_id=ident(first), person_id=ident(member), house_id=first.house_id, asked_at=NOW))
        return ident(first)


async def test_a_changed_venue_moves_what_is_ahead_and_tells_who_was_asked(db: Database) -> None:
    await bring(db, TEXT)
    await write_dates(db)
    first = await ask(db, "xiaohe")
    later = datetime(2026, 12, 1, 2, tzinfo=UTC)  # the first date of each series is over
    await bring(db, TEXT.replace("title: 书法", "title: 书法课"))
    done = await bring(db, TEXT.replace("every: 周三", "every: 周三\n    venue: 文化站二楼"), NOW)
    assert done.changed == 2  # 书法课 is 书法 again
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课"]
    assert {(what.venue, what.version) for what in crafts} == {("文化站二楼", 2)}
    assert {what.version for what in await all_of(db, Occurrence) if what.title == "书法"} == {1}
    (told,) = await all_of(db, Outbox)
    assert (told.kind, told.subject_id) == ("moved", first)
    await bring(db, TEXT, later)
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课"]
    assert [what.version for what in crafts if what.starts_at < later] == [2]
    assert {(what.venue, what.version) for what in crafts if what.starts_at > later} == {("段塘街道活动室", 3)}


async def test_another_hour_and_length_move_the_dates_and_what_follows_them(db: Database) -> None:
    await bring(db, TEXT)
    await write_dates(db)
    await bring(db, TEXT.replace("at: 14:00\n    minutes: 90", "at: 15:00\n    minutes: 120"))
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课"]
    assert {local(what.starts_at, ZONE).hour for what in crafts} == {15}
    assert {what.ends_at - what.starts_at for what in crafts} == {timedelta(hours=2)}
    after = {plan.occurrence_id: plan.due_at for plan in await all_of(db, Plan) if plan.milestone is Milestone.MISSED}
    assert all(after[what.id] == what.ends_at + timedelta(minutes=30) for what in crafts)
    assert next(series for series in await all_of(db, Series) if series.code == "shougong").due_at == NOW


async def test_one_date_that_was_arranged_otherwise_stays_so(db: Database) -> None:
    await bring(db, TEXT)
    await write_dates(db)
    async with db.begin() as session:
        what = await activities.occurrence(session, 1)
        await changes.move(session, what, NOW, QUIET, venue="公园")
    await bring(db, TEXT.replace("every: 周三", "every: 周三\n    venue: 文化站二楼"))
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课"]
    assert [what.venue for what in crafts[:2]] == ["公园", "文化站二楼"]


async def test_another_weekday_calls_off_what_people_were_asked_to_and_may_come_back(db: Database) -> None:
    await bring(db, TEXT)
    await write_dates(db)
    first = await ask(db, "xiaohe")
    await bring(db, TEXT.replace("every: 周三", "every: 周四"))
    await write_dates(db)
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课"]
    assert [what.id for what in crafts if what.state is State.CANCELLED] == [first]
    assert {local(what.starts_at, ZONE).weekday() for what in crafts if what.id != first} == {3}
    assert [row.kind for row in await all_of(db, Outbox)] == ["called_off"]
    await bring(db, TEXT)
    await write_dates(db)
    crafts = [what for what in await all_of(db, Occurrence) if what.title == "手工课" and what.id != first]
    assert {local(what.starts_at, ZONE).weekday() for what in crafts} == {2}


async def test_something_that_happens_once_is_planned_moved_and_cancelled(db: Database) -> None:
    trip = "{code: qiuyou, house: duantang, title: 秋游, on: 2026-12-05, at: 09:00, minutes: 180%s}"
    assert (await bring(db, with_activity(trip % ""))).created == 12
    moved = with_activity(trip.replace("12-05", "12-06") % "")
    assert (await bring(db, moved)).changed == 1
    (what,) = await all_of(db, Occurrence)
    assert (local(what.starts_at, ZONE).date(), what.version) == (date(2026, 12, 6), 2)
    off = with_activity(trip.replace("12-05", "12-06") % ", cancelled: true")
    assert (await bring(db, off)).changed == 1
    assert (await bring(db, off)).changed == 0
    assert (await all_of(db, Occurrence))[0].state is State.CANCELLED
    back = await bring(db, moved)
    assert back.changed == 0
    assert back.notes == ["活动 qiuyou 已经取消，不会再恢复；要重新办，请换一个 code"]


async def test_what_is_over_is_not_planned(db: Database) -> None:
    done = await bring(
        db, with_activity("{code: old, house: duantang, title: 秋游, on: 2026-11-01, at: 09:00, minutes: 60}")
    )
    assert done.notes == ["活动 old 的时间已经过了，没有安排"]
    assert await all_of(db, Occurrence) == []


async def test_a_recurring_activity_does_not_become_a_single_one(db: Database) -> None:
    await bring(db, TEXT)
    text = TEXT.replace("every: 周三", "on: 2026-12-05")
    with pytest.raises(LoadError) as refused:
        await bring(db, text)
    assert [problem.line for problem in refused.value.problems] == [line_of(text, "code: shougong")]


async def test_without_an_account_nobody_is_tied_to_a_wechat_user(db: Database) -> None:
    async with db.begin() as session:
        done = await load(session, read_programme(TEXT), now=NOW, quiet=QUIET)
        assert len([note for note in done.notes if "openid" in note]) == 4
        assert await messages.reachable(session, range(1, 8)) == set()


# Whom people call

LINES = """  lines:
    - number: 12356
      use: talk
      hours: [每天 08:00-02:00 节假日也在]
    - {number: 0574-00000001, use: talk, name: 本市热线, languages: [zh, yue], free: true, texts: 是}
    - {number: 0574-00000002, use: talk, day_and_night: true}
"""


def calling(lines: str) -> str:
    return TEXT.replace("  invite_days: 3", f"{lines}  invite_days: 3", 1)


async def test_a_programme_brings_lines_of_its_own_and_they_are_read_as_they_are_kept(db: Database) -> None:
    await bring(db, calling(LINES))
    assert (await bring(db, calling(LINES))).changed == 0
    (programme,) = await all_of(db, Programme)
    assert programme.lines[1] == {
        "number": "0574-00000001", "use": "talk", "name": "本市热线", "languages": ["zh", "yue"], "free": True,
        "texts": True,
    }  # fmt: skip
    lines = lines_of(programme.region, programme.lines, programme.zone)
    assert [line.number for line in lines] == ["12356", "0574-00000001", "0574-00000002", "120", "110"]
    assert [(h.weekday, h.opens, h.closes, h.on_holidays) for h in lines[0].hours] == [
        (day, time(8), time(2), True) for day in range(7)
    ]
    assert [line.day_and_night for line in lines] == [False, False, True, False, False]
    assert (await bring(db, TEXT)).changed == 1
    (programme,) = await all_of(db, Programme)
    assert programme.lines == []


@pytest.mark.parametrize(
    ("zone", "region"), [("Asia/Shanghai", "CN"), ("Asia/Urumqi", "CN"), ("Pacific/Auckland", "NZ")]
)
async def test_the_region_is_the_one_in_which_the_time_zone_lies(db: Database, zone: str, region: str) -> None:
    await bring(db, TEXT.replace("  zone: Asia/Shanghai", f"  zone: {zone}", 1))
    assert [programme.region for programme in await all_of(db, Programme)] == [region]


async def test_the_example_of_new_zealand_sets_a_house_up(db: Database) -> None:
    done = await bring(db, EXAMPLE.with_name("auckland.yaml").read_text(encoding="utf-8"))
    assert done.notes == []  # every step of its ladders finds somebody
    (programme,) = await all_of(db, Programme)
    assert (programme.region, programme.zone, programme.lines) == ("NZ", "Pacific/Auckland", [])
    assert {house.zone for house in await all_of(db, House)} == {"Pacific/Auckland"}


def test_the_lines_that_the_examples_show_can_be_taken_as_they_are() -> None:
    for name, numbers in (("duantang.yaml", ["12356"]), ("auckland.yaml", ["09 000 0001"])):
        text = EXAMPLE.with_name(name).read_text(encoding="utf-8")
        shown = re.search(r"^  # lines:.*\n(?:^  # .*\n)+", text, re.MULTILINE)
        assert shown is not None
        lines = shown[0].split("  mood:")[0].split("  # drill")[0]
        told = read_programme(text.replace(lines, re.sub("^  # ", "  ", lines, flags=re.MULTILINE)))
        assert [line.number for line in told.programme.lines] == numbers


ELSEWHERE = "  region: OTHER\n  lines:\n    - {number: 1925, use: talk}\n    - {number: 119, use: danger}\n"
WRONG_LINES = [
    ("  region: NZ\n", "region: NZ", "region 是 NZ，时区却在 CN"),
    ("  region: TW\n", "region: TW", "只能写 CN、NZ、OTHER"),
    ("  region: OTHER\n", "region: OTHER", "请在 lines 里写"),
    ("  lines:\n    - {number: 1, use: talk}\n", "- {number: 1", "电话号码"),
    ("  lines:\n    - {number: 12355, use: chat}\n", "- {number: 12355", "只能写 talk、danger"),
    ("  lines:\n    - {number: 12355, use: talk}\n    - {number: '12355', use: talk}\n", "- {number: '1", "写了两遍"),
    ("  lines:\n    - {number: 119, use: danger, hours: [周一 09:00-10:00]}\n", "- {number: 119", "什么时候都打得通"),
    ("  lines:\n    - {number: 12355, use: talk, hours: [周一 09:00-10:00], day_and_night: true}\n", "- {number: 12355",
     "只能写一样"),
    ("  lines:\n    - {number: 12355, use: talk, name: 心理热线}\n", "- {number: 12355", "锁屏"),
    ("  lines:\n    - {number: 12355, use: talk, languages: [普通话]}\n", "- {number: 12355", "zh（普通话）"),
    ("  lines:\n    - {number: 12355}\n", "- {number: 12355", "talk（想说话）或 danger（有危险）"),
    ("  support_line: 12356\n", "support_line", "现在不这样写了"),
    ("  emergency_line: 120 或 110\n", "emergency_line", "use: danger"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "where", "said"), WRONG_LINES, ids=[lines for lines, _, _ in WRONG_LINES])
def test_a_number_that_would_not_help_is_named_with_its_line(lines: str, where: str, said: str) -> None:
    text = calling(lines)
    found = problems_in(text)
    assert [line for line, words in found if said in words] == [line_of(text, where)], found


def test_where_no_number_is_known_a_programme_must_bring_its_own() -> None:
    away = TEXT.replace("  zone: Asia/Shanghai", "  zone: Asia/Taipei", 1)
    assert [words for _, words in problems_in(away) if "请写 region" in words]
    read_programme(away.replace("  invite_days: 3", f"{ELSEWHERE}  invite_days: 3", 1))


def test_a_house_in_a_place_whose_numbers_nobody_knows_is_refused() -> None:
    house = "  - code: duantang\n    name: 段塘生活小站\n    venue"
    text = TEXT.replace(house, "  - {code: taibei, name: 台北小站, venue: 老地方, zone: Asia/Taipei}\n" + house, 1)
    assert [words for _, words in problems_in(text) if "不知道这个时区用哪里的求助电话" in words]


# What a mistake is answered with


def problems_in(text: str) -> list[tuple[int, str]]:
    with pytest.raises(LoadError) as refused:
        read_programme(text)
    assert str(refused.value) == "\n".join(f"第 {p.line} 行：{p.text}" for p in refused.value.problems)
    return [(problem.line, problem.text) for problem in refused.value.problems]


MISTAKES = [
    # (what stands in the example, what is written instead, the line that is named, what is said)
    ("code: wangle\n", "cod: wangle\n", "cod: wangle", "是不是想写 code？"),
    ("role: supervisor", "role: supervisr", "role: supervisr", "是不是想写 supervisor？"),
    ("    weekday: 周三", "    weekday: 三月", "weekday: 三月", "周一至周五"),
    ("    at: 16:30", "    at: 16点半", "at: 16点半", "要写成 14:00 这样"),
    ("  zone: Asia/Shanghai", "  zone: Asia/Shanhai", "zone: Asia/Shanhai", "是不是想写 Asia/Shanghai？"),
    ("  zone: Asia/Shanghai", "  zone: 北京", "zone: 北京", "中国请写 Asia/Shanghai"),
    ("invite_days: 3 ", "invite_days: 三天", "invite_days: 三天", "0 到 60 之间的整数"),
    ("  phone: 0574-00000000 ", "  x: ", "  x:", "不认识"),
    ("worker: wangle\n", "worker: wangl\n", "worker: wangl\n", "xiaohe 的 worker 写的 wangl 不在 staff 里，是不是"),
    ("worker: wangle\n", "worker: lilaoshi\n", "worker: lilaoshi", "lilaoshi 不是"),
    ("worker: wangle\n", "worker: 王乐\n", "worker: 王乐", "不要写姓名"),
    ("backup: lihong\n", "backup: wangle\n", "backup: wangle", "同一个人"),
    ("code: azhu\n", "code: xiaohe\n", "code: xiaohe\n    name: 阿珠", "重复了"),
    ("name: 阿珠\n", "name: '小河'\n", "name: '小河'", "azhu 和 xiaohe 在同一个小站里同名"),
    ("openid: o_lihong", "openid: 'o_wangle'", "openid: 'o_wangle'", "重复了"),
    ("- 周六 09:00-12:00", "- 周六 09:00-09:00", "- 周六", "整天值班请写 00:00-24:00"),
    ("- 周六 09:00-12:00", "- 周六 九点到十二点", "- 周六", "要写成 周一至周五 08:30-17:00"),
    ("- 周六 09:00-12:00", "- 周六 09:00-12:00\n      - 周末 1:00-2:00", "- 周末", "周一至周五"),
    ("title: 书法", "title: 康复书法", "title: 康复书法", "锁屏"),
    ("  name: 段塘生活小站\n  zone", "  name: 段塘心理小站\n  zone", "name: 段塘心理小站", "“心理”"),
    ("every: 周五", "on: 2026-02-30", "on: 2026-02-30", "真有的日期"),
    ("every: 周五", "rule: FREQ=WEEKLI", "rule: FREQ", "RRULE"),
    ("every: 周五", "rule: FREQ=SECONDLY", "rule: FREQ", "RRULE"),
    ("every: 周五", "rule: FREQ=DAILY;INTERVAL=0", "rule: FREQ", "INTERVAL"),
    ("every: 周五", "rule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "rule: FREQ", "排不出任何日子"),
    ("every: 周五", "rule: FREQ=DAILY;UNTIL=20270101T000000Z", "rule: FREQ", "UNTIL 只写日期"),
    ("every: 周五", "every: 周五\n    on: 2026-12-05", "on: 2026-12-05", "只能写一个"),
    ("every: 周五", "every: 周五\n    cancelled: true", "cancelled", "只用在写了 on 的活动上"),
    ("    every: 周五\n", "", "code: shufa", "every（每周几）"),
    ("house: duantang\n    title: 书", "house: duantan\n    title: 书", "house: duantan\n", "是不是想写 duantang？"),
    ("    venue: 段塘街道活动室", "    #", "code: shougong", "请写活动的地点"),
    ("    name: 阿光\n", "    name:\n", "    name:\n", "空着，请写同伴的姓名"),
    ("    name: 阿光\n", "    name: 阿光\n    name: 阿亮\n", "name: 阿亮", "写了两遍"),
    ("    name: 阿光\n", "    name: [阿光]\n", "name: [阿光]", "一段文字"),
    ("      - 周六 09:00-12:00\n", "      周六 09:00-12:00\n", "duty:\n      周六", "要写成列表"),
    ("  - code: aguang\n", "  - 阿光\n  - code: aguang\n", "  - 阿光\n", "名称: 内容"),
    ("    name: 王乐", "    name：王乐", "name：王乐", "英文的 :"),
    ("    name: 王乐", "    name:王乐", "name:王乐", "空一格"),
    ("    name: 王乐", "\tname: 王乐", "\tname", "Tab"),
    ("    name: 王乐", "      name: 王乐", "      name: 王乐", "对齐"),
    ("    name: 王乐", '    name: "王乐', 'name: "王乐', "引号"),
    ("    name: 王乐", "    name: &a 王乐", "name: &a", "引用"),
    ("    name: 王乐", "    name: !!int 王乐", "name: !!int", "类型标签"),
    ("    name: 王乐", "    name: @王乐", "name: @", "加英文引号"),
    ("    name: 王乐", "    name: 王\x07乐", "name: 王\x07", "控制字符"),
    ("houses:\n", "---\nhouses:\n", "---\nhouses", "一个文件只写一个项目"),
    ("members:\n", "member:\n", "member:\n", "是不是想写 members？"),
    ("code: aguang", "code: guest-7", "code: guest-7", "不能以 family- 或 guest- 开头"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "wrong", "where", "said"), MISTAKES, ids=[wrong.strip() for _, wrong, _, _ in MISTAKES]
)
def test_a_mistake_is_named_with_its_line(good: str, wrong: str, where: str, said: str) -> None:
    assert good in TEXT
    text = TEXT.replace(good, wrong, 1)
    found = problems_in(text)
    assert any(line == line_of(text, where) and said in words for line, words in found), found
    assert len(found) <= 3


@pytest.mark.parametrize("private", ["王乐", "阿珠", "000-0000-0002"])
def test_names_and_numbers_are_not_repeated(private: str) -> None:
    text = TEXT.replace("name: 王乐", "name: [王乐]").replace("name: 阿珠", "name: {阿珠: 1}")
    text = text.replace("phone: 000-0000-0002", "phone: [000-0000-0002]").replace("worker: wangle", "worker: 王乐")
    assert private not in "".join(words for _line, words in problems_in(text))


def test_a_house_needs_a_telephone() -> None:
    text = TEXT.replace("  phone: 0574-00000000 ", "  # ", 1)
    assert problems_in(text) == [
        (
            line_of(text, "- code: duantang\n    name"),
            "houses[0].phone 少了，请写小站的电话（或者在 programme 里写一个各小站共用的 phone）",
        )
    ]


def test_everything_wrong_is_said_at_once() -> None:
    text = (
        TEXT.replace("invite_days: 3 ", "invite_days: x ")
        .replace("role: supervisor", "role: boss")
        .replace("worker: wangle", "worker: nobody", 1)
        .replace("at: 09:30", "at: 25:00")
        .replace("name: 阿光", "name: 阿光\n    nmae: 阿光")
    )
    wheres = ["invite_days: x", "role: boss", "worker: nobody", "nmae:", "at: 25:00"]
    assert [line for line, _words in problems_in(text)] == [line_of(text, where) for where in wheres]


@pytest.mark.parametrize("text", ["", "# 只有一句话\n", "- a\n", "段塘\n", "{}\n", "programme:\n", "[" * 500, "\ufeff"])
def test_what_is_no_programme_at_all(text: str) -> None:
    assert problems_in(text)[0][0] == 1


def test_a_windows_file_with_a_byte_order_mark_is_read() -> None:
    assert read_programme("\ufeff" + TEXT.replace("\n", "\r\n")).programme.code == "duantang"


@pytest.mark.parametrize(
    ("good", "wrong", "where", "said"),
    [
        ("[supervisor]", "[supervizor]", "[supervizor]", "是不是想写 supervisor？"),
        ("loops: null", "loops: 3", "loops: 3", "一直找下去"),
        ("      repeat_every: 10\n", "", "    red:", "每隔几分钟"),
        ("after: 5", "after: -5", "after: -5", "整数"),
        ("{targets: [supervisor], after: 5}", "{targets: [], after: 5}", "targets: []", "这一步找谁"),
    ],
)
def test_a_ladder_with_a_mistake(good: str, wrong: str, where: str, said: str) -> None:
    text = TEXT.replace("\nhouses:", f"{LADDER.replace(good, wrong)}\nhouses:", 1)
    ((line, words),) = problems_in(text)
    assert line == line_of(text, where)
    assert said in words


def test_a_red_step_must_lead_to_somebody() -> None:
    text = TEXT.replace("\nhouses:", f"{LADDER}\nhouses:", 1).replace("role: supervisor", "role: worker")
    ((line, words),) = problems_in(text)
    assert line == line_of(text, "        - {targets: [supervisor]")
    assert "一个也没有" in words


def test_a_member_for_whom_nobody_answers() -> None:
    only_assigned = LADDER.replace("[assigned, duty]", "[assigned]").replace(
        "        - {targets: [supervisor], after: 5}\n", ""
    )
    text = TEXT.replace("\nhouses:", f"{only_assigned}\nhouses:", 1).replace("    worker: wangle\n", "", 1)
    ((line, words),) = problems_in(text)
    assert line == line_of(text, "- code: xiaohe")
    assert "xiaohe 求助时不一定有人可找" in words


def test_a_programme_without_worker_and_supervisor() -> None:
    start, end = TEXT.index("  - code: wangle"), TEXT.index("  - code: lilaoshi")
    text = TEXT[:start] + TEXT[end : TEXT.index("# 同伴。")] + TEXT[TEXT.index("# 活动。") :]
    ((line, words),) = problems_in(text)
    assert line == line_of(text, "\nstaff:") + 1
    assert "没有社工也没有督导" in words


def test_a_worker_who_does_not_serve_the_house_of_a_member() -> None:
    second = "  - {code: shiqi, name: 石碶生活小站, venue: 石碶文化站}\n"
    text = TEXT.replace("\n# 工作人员。", f"{second}\n# 工作人员。", 1)
    text = text.replace(
        "code: aguang\n    name: 阿光\n    house: duantang", "code: aguang\n    name: 阿光\n    house: shiqi"
    )
    assert [words for _line, words in problems_in(text)] == [
        "members[2].worker wangle 不负责 aguang 的小站，请在 wangle 的 also 里加上 shiqi",
        "members[2].backup lihong 不负责 aguang 的小站，请在 lihong 的 also 里加上 shiqi",
    ]


async def test_a_second_programme_is_refused_because_its_people_belong_to_another_account(db: Database) -> None:
    await bring(db, TEXT)
    with pytest.raises(LoadError, match="已经有项目 duantang"):
        await bring(db, TEXT.replace("code: duantang\n", "code: other\n", 1))
