"""`tongxing account`: the first account of a house, and what whoever sits at the machine can do with the others."""

import re

import pytest
from sqlalchemy import select

from app import account_command
from app.people.models import Person
from tests.conftest import Story
from tests.console.clerk import PASSWORD, Clerk, has_account
from tests.console.test_signin import NEW, events, invited, is_in, turns_it_on
from tests.test_cli import Desk, desk, ready, typist

__all__ = ["desk", "ready", "typist"]


def link_in(said: str) -> str:
    found = re.search(r"http://house(/console/invitation/[\w-]{43})$", said)
    assert found, said
    return found[1]


async def test_the_first_account_of_a_house_is_made_at_the_keyboard(story: Story) -> None:
    said = await account_command.invite(story.settings, story.house.clock, "zhoumin")
    assert "72 小时" in said
    assert "只显示这一次" in said
    async with Clerk(story) as zhoumin:
        await zhoumin.opens(link_in(said))
        await zhoumin.presses("定好了", password=NEW, again=NEW)
        assert is_in(zhoumin)
    assert await events(story, "周敏") == ["invited", "joined", "signed_in"]


async def test_the_list_says_how_it_is_with_everybody_and_shows_no_name_and_no_secret(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, codes = await turns_it_on(story, wangle)
    await invited(story, "李红")
    said = await account_command.show(story.settings, story.house.clock)
    lines = {line.split("　")[0]: line for line in said.splitlines()}
    assert lines["wangle"] == "wangle　worker　wangle　可以登录　两步验证有"
    assert "没有账号" in lines["lihong"]
    assert "邀请链接到 2026-11-26" in lines["lihong"]
    assert "zhoumin" in lines
    for text in ("王乐", secret, *codes):
        assert text not in said


async def test_disabling_and_letting_in_again(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        assert "停用了" in await account_command.disable(story.settings, story.house.clock, "wangle")
        await wangle.opens("/console")
        assert not is_in(wangle)
        assert "停用" in await account_command.show(story.settings, story.house.clock)
        with pytest.raises(ValueError, match="先 tongxing account enable wangle"):
            await account_command.invite(story.settings, story.house.clock, "wangle")
        with pytest.raises(ValueError, match="先 tongxing account enable wangle"):
            await account_command.reset_second(story.settings, story.house.clock, "wangle")
        await account_command.enable(story.settings, story.house.clock, "wangle")
        await wangle.signs_in("wangle")
        assert is_in(wangle)


async def test_whoever_lost_their_phone_begins_anew_with_a_link(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        await turns_it_on(story, wangle)
        link = link_in(await account_command.reset_second(story.settings, story.house.clock, "wangle"))
        assert "还没有定新密码" in await account_command.show(story.settings, story.house.clock)
        assert "账号或密码不对" in await wangle.signs_in("wangle", PASSWORD)
        await wangle.opens(link)
        await wangle.presses("定好了", password=NEW, again=NEW)
        assert is_in(wangle)


@pytest.mark.parametrize(
    ("code", "says"),
    [("nobody", "没有 code 是 nobody 的人"), ("lihong", "lihong 还没有账号：先 tongxing account invite lihong")],
)
async def test_what_cannot_be_done_is_said_with_what_to_do(story: Story, code: str, says: str) -> None:
    for verb in (account_command.disable, account_command.enable, account_command.reset_second):
        with pytest.raises(ValueError, match=says):
            await verb(story.settings, story.house.clock, code)


async def test_a_member_is_nobody_to_invite(story: Story) -> None:
    await story.joined()
    await has_account(story, "王乐")
    async with story.house.db.read() as session:
        member = next(one for one in await session.scalars(select(Person)) if one.name == "小河")
    with pytest.raises(ValueError, match="不是工作人员"):
        await account_command.invite(story.settings, story.house.clock, member.code)


def test_at_the_keyboard(ready: Desk) -> None:
    env = {"TONGXING_SECRET_KEY": "a key that only tests use"}
    typed = ready.types("account", "list", **env)
    assert typed.code == 0
    assert "先 tongxing load" in typed.said
    ready.types("account", "invite", "nobody", **env).ends_with("没有 code 是 nobody 的人")
    for verb in ("disable", "enable", "reset-second"):
        ready.types("account", verb, "nobody", **env).ends_with("没有 code 是 nobody 的人")
