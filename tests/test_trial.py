"""A book of rules on trial: what is said beforehand is what happens afterwards, and nobody waits for it."""

import asyncio
import shutil
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.activities.calendar import Quiet
from app.clock import Clock
from app.marks import books
from app.messages.models import Inbox
from app.people.models import House
from bot import trial
from bot.screening.comparing import Heard, Load
from bot.screening.loader import parse_rules
from bot.screening.reading import Level, Reading
from bot.screening.rules import RuleSet
from bot.simulator import Phone
from bot.trial import Trial
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import here
from tests.test_screen_command import BALLOON, changed, the_bell_rings

RED, ORANGE = "不想活了，药都攒好了", "活着没意思"
SAID = (
    BALLOON, "我要放紫色", "气球", "1", "明天几点", "帮助", "我今晚就去", "跳河", "了", RED, "气球", ORANGE,
    "我要放紫色", "2", "气球", "好的",
)  # fmt: skip


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


def book(**changes: object) -> RuleSet:
    return parse_rules(changed(**changes))  # type: ignore[arg-type]


async def tried(story: Story, rules: RuleSet, **more: int) -> Trial:
    quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
    return await trial.try_out(story.house.db, rules, story.house.clock.now(), quiet, **more)


async def levels(story: Story) -> dict[str, list[str]]:
    """How each text was read when it came, in order."""
    async with story.house.db.read() as session:
        rows = list(await session.scalars(select(Inbox).where(col(Inbox.kind) == "text").order_by(col(Inbox.id))))
    return {row.content or "": [one.level for one in rows if one.content == row.content] for row in rows}


async def say_all(member: Phone) -> None:
    for said in SAID:
        await member.says(said)


async def test_what_the_trial_says_is_what_happens_when_the_same_is_said_again(
    story: Story, member: Phone, tmp_path: Path, migrated_file: Path
) -> None:
    """Pieces, numbers, commands, and what follows on red words are read in the trial as they will be at the door."""
    await say_all(member)
    before = Counter(level for each in (await levels(story)).values() for level in each)
    said = await tried(story, book())
    assert said.found.total(said.found.before, Level.RED) == before["red"]
    assert said.found.total(said.found.before, Level.ORANGE) == before["orange"]
    assert {"test.balloon"} == set(said.found.newly)

    (tmp_path / "again").mkdir()
    file = tmp_path / "again" / "tongxing.db"
    shutil.copy(migrated_file, file)
    there = {"data_dir": file.parent, "database_url": f"sqlite+aiosqlite:///{file}"}
    async with open_story(story.settings.model_copy(update=there), Clock(frozen_at=MONDAY)) as again:
        member_there = await here(again)
        async with again.house.db.begin() as session:
            await books.put(session, changed(), book().version, by="", note="", now=again.house.clock.now())
        await the_bell_rings(again)
        await say_all(member_there)
        after = Counter(level for each in (await levels(again)).values() for level in each)
        everything = await tried(again, book(balloon="", version="t3"))
    for level in (Level.RED, Level.ORANGE, Level.YELLOW):
        assert said.found.total(said.found.after, level) == after[level.word]
        assert everything.found.total(everything.found.before, level) == after[level.word]
    assert after["red"] > before["red"]


async def test_a_month_that_is_too_long_is_read_from_its_end_and_that_is_said(story: Story, member: Phone) -> None:
    for said in ("早上好", BALLOON, "下午见", BALLOON):
        await member.says(said)
    await story.clock.forward(hours=5)
    found = await tried(story, book(), most=3)
    assert (found.looked_at, found.capped, found.of > 3, found.days) == (3, True, True, 1)
    assert len(found.found.newly["test.balloon"]) == 2
    whole = await tried(story, book())
    assert (whole.capped, whole.days) == (False, 30)


async def test_a_trial_holds_neither_the_writer_nor_the_loop(
    story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member.says(BALLOON)
    slow: list[str] = []

    def reads_slowly(*_args: object) -> object:
        time.sleep(0.3)
        slow.append("read")
        return real(*_args)  # type: ignore[arg-type]

    real = trial._compared
    monkeypatch.setattr(trial, "_compared", reads_slowly)
    going = asyncio.create_task(tried(story, book()))
    await asyncio.sleep(0.1)
    async with story.house.db.begin() as session:
        session.add(House(programme_id=1, code="haishu", name="海曙"))
    assert slow == []  # it was written while the trial was reading
    assert (await going).found.newly


async def test_rules_that_were_overtaken_are_not_put_in_force(story: Story) -> None:
    found = await tried(story, book())
    now = story.house.clock.now()
    async with story.house.db.begin() as session:
        await books.put(session, changed(version="t8"), "t8", by="", note="", now=now)
    async with story.house.db.begin() as session:
        with pytest.raises(trial.Overtaken):
            await trial.put(session, changed(), found.new, standing=found.standing, by="", note="", now=now)
        with pytest.raises(trial.AlreadyInForce):
            await trial.put(session, changed(version="t8"), "t8", standing=1, by="", note="", now=now)
        with pytest.raises(trial.Overtaken):
            await trial.take_back(session, standing=found.standing, by="", note="", now=now)


def test_one_person_is_called_for_once_an_hour() -> None:
    load, red = Load(), Reading(Level.RED, "suicide", (), "t")
    for minutes, who, night in ((0, "a", False), (30, "a", False), (40, "b", True), (91, "a", True)):
        moment = MONDAY + timedelta(minutes=minutes)
        load.add(Heard(1, moment.date(), "x", who=who, at=moment, house_id=1, night=night), red)
    load.add(Heard(1, MONDAY.date(), "x", who="c", at=MONDAY, house_id=1), Reading(Level.YELLOW, "suicide", (), "t"))
    assert (load.alarms[1], load.at_night[1]) == (3, 2)
