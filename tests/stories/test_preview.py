"""What the preview of a ladder says is what the ladder then does, when the clock runs and nobody takes it."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.clock import Clock, local
from app.duty import changes
from app.escalations import preview
from app.escalations.ladders import DEFAULTS, ladder_for, read_ladder
from app.escalations.models import CaseEvent, CaseRow, LadderRow
from app.escalations.preview import Moment, What
from app.escalations.states import Level, Target
from app.messages import service as messages
from app.messages.models import Attempt, Outbox
from app.people import service as people
from app.people.models import Person
from app.settings import Settings
from app.tasks.models import Task
from bot.channels.foretold import WAY_OF, ways_in_order
from tests.conftest import MONDAY, ZONE, Story, open_story
from tests.stories.ways import every_way, here, reached_by, registered

RED_WORDS, ORANGE_WORDS = "不想活了，药都攒好了", "活着没意思，真的撑不住了"
Told = tuple[datetime, tuple[int, ...]]


async def foretold(story: Story, member: Person, level: Level) -> list[Moment]:
    async with story.house.db.read() as session:
        house = await people.house(session, member.house_id)
        ladder = await ladder_for(session, member.programme_id, level)
        subject = preview.somebody(house, member.worker_id, member.backup_id)
        return await preview.foretell(session, house, subject, level, ladder, story.house.clock.now())


async def what_happened(story: Story) -> list[Told]:
    """Who was called to the case, and when, by its log."""
    async with story.house.db.read() as session:
        entries = await session.scalars(select(CaseEvent).order_by(CaseEvent.seq))
        return [(e.at, tuple(e.detail["people"])) for e in entries if e.kind == "Alerted"]


async def write(story: Story, level: Level, plan: dict[str, Any]) -> None:
    async with story.house.db.begin() as session:
        session.add(LadderRow(programme_id=1, level=level, plan=plan))


def drawn(seed: int) -> dict[str, Any]:
    """Some ladder or other; a step may lead to nobody."""
    chance = random.Random(seed)  # noqa: S311 - the same ladder each time
    steps = [
        {
            "targets": chance.sample([t.value for t in Target], chance.randint(1, 2)),
            "after": chance.choice([0, 3, 10, 45]),
            **({"channels": chance.sample(["wechat", "mail", "wecom"], 2)} if chance.random() < 0.5 else {}),
        }
        for _ in range(chance.randint(1, 4))
    ]  # fmt: skip
    return {"steps": steps, "repeat_every": chance.choice([5, 20, 90]), "loops": None, "contact_within": 30}


def told_by(found: list[Moment]) -> list[Told]:
    return [(moment.at, moment.people) for moment in found if moment.people]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_ladder_and_the_hour(story: Story, seed: int) -> None:
    chance = random.Random(1000 + seed)  # noqa: S311 - the same hour each time
    await write(story, Level.RED, drawn(seed))
    member = await here(story)
    begins = MONDAY + timedelta(minutes=chance.randint(0, 7 * 24 * 60))
    await story.clock.forward_to(begins)
    said = await foretold(story, await registered(story, "xiaohe"), Level.RED)
    await member.says(RED_WORDS)
    await story.clock.forward_to(max(moment.at for moment in said))
    assert [told for told in await what_happened(story) if told[0] <= said[-1].at] == told_by(said)


async def test_with_nobody_behind_a_step(story: Story) -> None:
    await write(story, Level.RED, {**DEFAULTS[Level.RED], "steps": [
        {"targets": ["duty"], "after": 0}, {"targets": ["assigned"], "after": 7},
        {"targets": ["supervisor"], "after": 3},
    ]})  # fmt: skip
    member = await here(story)
    await story.clock.forward_to(MONDAY.replace(hour=23, minute=40))
    said = await foretold(story, await registered(story, "xiaohe"), Level.RED)
    assert [moment.what for moment in said[:2]] == [What.EMPTY, What.STEP]
    assert said[0].at == said[1].at
    await member.says(RED_WORDS)
    await story.clock.forward_to(said[-1].at)
    assert await what_happened(story) == told_by(said)


async def test_whoever_comes_on_duty_meanwhile_is_foretold_as_well(story: Story) -> None:
    boss, lihong = await registered(story, "zhoumin"), await registered(story, "lihong")
    async with story.house.db.begin() as session:
        house = await people.house(session, boss.house_id)
        begins = MONDAY.replace(hour=20, minute=20)
        await changes.put_on(session, house, lihong, begins, begins + timedelta(hours=2), by=boss, now=MONDAY)
    await write(story, Level.RED, {**DEFAULTS[Level.RED], "steps": [{"targets": ["assigned"], "after": 0}],
                                   "repeat_every": 30})  # fmt: skip
    member = await here(story)
    await story.clock.forward_to(MONDAY.replace(hour=20))
    said = await foretold(story, await registered(story, "xiaohe"), Level.RED)
    assert [(local(m.at, ZONE).strftime("%H:%M"), m.what) for m in said][:2] == [
        ("20:00", What.STEP), ("20:20", What.COMING),
    ]  # fmt: skip
    await member.says(RED_WORDS)
    await story.clock.forward_to(said[-1].at)
    assert await what_happened(story) == told_by(said)


async def test_an_orange_one_ends_on_the_list_of_what_nobody_handles(story: Story) -> None:
    member = await here(story)
    said = await foretold(story, await registered(story, "xiaohe"), Level.ORANGE)
    assert [moment.what for moment in said] == [What.STEP] * 3 + [What.AGAIN] * 2 + [What.NOBODY]
    await member.says(ORANGE_WORDS)
    async with story.house.db.read() as session:
        (case,) = await session.scalars(select(CaseRow))
        assert case.level is Level.ORANGE
    await story.clock.forward_to(said[-1].at)
    assert await what_happened(story) == told_by(said)
    async with story.house.db.read() as session:
        assert [task.reason for task in await session.scalars(select(Task))] == ["unhandled"]


async def test_each_is_told_by_the_way_that_was_foretold(settings: Settings) -> None:
    async with open_story(every_way(settings), Clock(frozen_at=MONDAY)) as story:
        await reached_by(story, "wangle", wecom="WangLe")
        await write(story, Level.RED, {**DEFAULTS[Level.RED], "steps": [
            {"targets": ["assigned"], "after": 0}, {"targets": ["backup"], "after": 5, "channels": ["wechat"]},
            {"targets": ["supervisor"], "after": 5},
        ]})  # fmt: skip
        member = await here(story)
        said = await foretold(story, await registered(story, "xiaohe"), Level.RED)
        steps = [moment for moment in said if moment.what is What.STEP]
        async with story.house.db.read() as session:
            ways = await messages.ways_to(session, {p for moment in steps for p in moment.people})
        expected = [
            (p, ways_in_order("case_alert", {"first": list(m.channels)} if m.channels else {}, ways[p])[0])
            for m in steps for p in m.people
        ]  # fmt: skip
        assert [way for _, way in expected] == ["wecom", "wechat", "wechat"]
        await member.says(RED_WORDS)
        await story.clock.forward_to(steps[-1].at)
        async with story.house.db.read() as session:
            sent = await session.execute(
                select(Outbox.person_id, Attempt.rung).join(Attempt, Attempt.outbox_id == Outbox.id)
                .where(Outbox.kind == "case_alert").order_by(Attempt.id)
            )  # fmt: skip
            assert [(person, WAY_OF[rung]) for person, rung in sent if rung in WAY_OF] == expected


def test_the_plans_that_are_drawn_are_ladders() -> None:
    assert all(read_ladder(drawn(seed)).steps for seed in range(8))
