"""求助阶梯 in the console: written by whoever leads, looked at beforehand, refused where it would find nobody."""

import pytest
from sqlalchemy import select, update

from app.escalations.ladders import DEFAULTS
from app.escalations.models import CaseRow, LadderChange, LadderRow
from app.escalations.states import Level
from app.people.models import Person, Role
from tests.conftest import MONDAY, Story
from tests.console.clerk import Clerk

RED, ORANGE, YELLOW = (f"/console/ladders/{level.value}" for level in (Level.RED, Level.ORANGE, Level.YELLOW))
WORDS = "不想活了，药都攒好了"


async def ladders_of(story: Story) -> list[LadderRow]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(LadderRow)))


def foretold(page: str) -> str:
    """What the preview says, without its marks."""
    inside = page.split('id="preview"', 1)[1].split("<ol", 1)[1].split("</ol>", 1)[0]
    for mark in ("<strong>", "</strong>"):
        inside = inside.replace(mark, "")
    return inside


async def test_the_three_ladders_are_shown_in_words(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        page = await zhoumin.opens("/console/ladders")
    for words in ("▲ 紧急", "第 1 步，马上：负责的社工、正在值班的人", "第 2 步，10 分钟后：候补社工", "直到有人接手"):
        assert words in page
    assert "最多 2 遍" in page
    assert "系统平时的阶梯" in page


@pytest.mark.parametrize("name", ["王乐", "李老师"])
async def test_only_whoever_leads_sees_them(story: Story, name: str) -> None:
    async with Clerk(story, name) as clerk:
        assert "求助阶梯" not in clerk.page
        for path in ("/console/ladders", RED):
            await clerk.opens(path)
            assert clerk.status == 404
        await clerk.opens("/console")
        await clerk.posts(RED, [("csrf", clerk.csrf), ("do", "save")])
        assert clerk.status == 404


async def test_the_preview_says_who_is_told_when_and_how(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        said = foretold(await zhoumin.opens(RED))
        assert "09:00 王乐 微信" in said
        assert "→ 09:10 李红 微信" in said
        assert "→ 09:15 周敏 微信" in said
        assert "→ 09:25 再找一遍：王乐 微信、李红 微信、周敏 微信" in said
        assert "直到有人接手" in said
        await zhoumin.presses("看会找谁", moment="night")
        assert "23:40 王乐 微信" in foretold(zhoumin.page)
        assert "1 天后 00:05" in foretold(zhoumin.page)


async def test_a_step_that_leads_to_nobody_is_said_to_take_no_time(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(RED)
        await zhoumin.presses("加一步")
        await zhoumin.presses(
            "看会找谁", **{"targets-0": ["duty"], "targets-3": ["assigned"], "after-3": "5"}, moment="night"
        )
        said = foretold(zhoumin.page)
        assert "23:40 第 1 步没有人，直接下一步" in said
        assert "23:40 李红 微信" in said
    assert await ladders_of(story) == [], "looking changes nothing"


async def test_steps_come_and_go_and_nothing_that_was_typed_is_lost(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(RED)
        await zhoumin.presses("加一步", **{"after-1": "七", "repeat_every": "12"})
        fields = zhoumin.button("存好").form.fields
        assert (fields["after-1"], fields["repeat_every"], fields["after-3"]) == ("七", "12", "")
        assert "第 2 步等几分钟，请写一个整数" in zhoumin.page
        await zhoumin.presses("存好")
        assert zhoumin.status == 422
        assert zhoumin.button("存好").form.fields["after-1"] == "七"
        await zhoumin.presses("去掉这一步", nth=1)
        fields = zhoumin.button("存好").form.fields
        assert (fields["after-1"], fields["repeat_every"]) == ("5", "12")
        assert "第 3 步还没有选找谁" in zhoumin.page
    assert await ladders_of(story) == []


async def test_saving_says_what_changed_and_by_whom_and_open_cases_keep_theirs(story: Story) -> None:
    member = await story.joined()
    await member.says(WORDS)
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(RED)
        assert "已经在找人的事，还按它开始时的阶梯走" in zhoumin.page
        await zhoumin.presses("存好", **{"after-1": "5", "channel-1": ["wecom"]})
        assert "存好了" in zhoumin.page
        assert "周敏 今天 09:00 改了" in zhoumin.page
        assert "原来：第 2 步，10 分钟后：候补社工" in zhoumin.page
        assert "现在：第 2 步，5 分钟后：候补社工（先用企业微信）" in zhoumin.page
        assert "原来：第 1 步" not in zhoumin.page
        await zhoumin.presses("存好")
        assert "没有改动" in zhoumin.page
        await zhoumin.presses("交还给项目文件")
        assert "现在先用系统平时的阶梯" in zhoumin.page
        assert "交还给项目文件" not in zhoumin.buttons
    async with story.house.db.read() as session:
        (case,) = await session.scalars(select(CaseRow))
        assert case.ladder["steps"][1]["after"] == 10
        assert len(list(await session.scalars(select(LadderChange)))) == 2
    assert await ladders_of(story) == []


async def test_a_ladder_that_leads_to_nobody_is_refused_with_what_was_typed(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ORANGE)
        alone = {"targets-0": ["duty"], "targets-1": ["duty"], "targets-2": ["duty"]}
        await zhoumin.presses("存好", **alone)
        assert zhoumin.status == 422
        assert "值班以外的时间，有的小站里没有一个收得到消息的人" in zhoumin.page
        assert zhoumin.button("存好").form.fields["targets-2"] == "duty"
        async with story.house.db.begin() as session:
            await session.execute(update(Person).values(backup_id=None))
        await zhoumin.opens(RED)
        await zhoumin.presses("存好")
        assert "第 2 步在有的小站里一个人也找不到" in zhoumin.page
    assert await ladders_of(story) == []


async def test_red_has_no_end_to_choose_and_one_that_is_sent_all_the_same_is_not_kept(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(RED)
        form = zhoumin.button("存好").form
        assert "loops" not in form.fields
        await zhoumin.posts(RED, [*form.filled({"repeat_every": "7"}), ("loops", "1"), ("do", "save")])
    (row,) = await ladders_of(story)
    assert (row.plan["loops"], row.plan["repeat_every"]) == (None, 7)


async def test_yellow_waits_for_the_morning_in_the_preview_too(story: Story) -> None:
    await story.clock.forward_to(MONDAY.replace(hour=11))
    async with Clerk(story, "周敏") as zhoumin:
        said = foretold(await zhoumin.opens(YELLOW))
    assert "1 天后 09:00 王乐 微信" in said
    assert "没有人可以找了" in said


async def test_the_enter_key_changes_nothing(story: Story) -> None:
    """A browser presses the first button of a form: it must not be the one that takes a step away."""
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(RED)
        first = zhoumin.button("存好").form.buttons[0]
        assert first.value == "preview"
        await zhoumin.presses("看会找谁")
        assert len(zhoumin.button("存好").form.filled({"repeat_every": "1"})) > 10
        assert zhoumin.page.count("去掉这一步") == 3


async def test_an_administrator_writes_them_as_well(story: Story) -> None:
    async with story.house.db.begin() as session:
        boss = next(one for one in await session.scalars(select(Person)) if one.name == "周敏")
        session.add(
            Person(
                programme_id=boss.programme_id, house_id=boss.house_id, code="gly", role=Role.ADMINISTRATOR, name="管理"
            )
        )
    async with Clerk(story, "管理") as admin:
        await admin.opens(ORANGE)
        await admin.presses("存好", **{"loops": "3"})
        assert "最多 3 遍" in admin.page
    (row,) = await ladders_of(story)
    assert row.plan == {**DEFAULTS[Level.ORANGE], "loops": 3}
