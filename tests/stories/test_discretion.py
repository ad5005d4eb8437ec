"""A phone lies on a table: what would tell others too much never shows, and somebody is asked to change the name."""

import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from app import menu_command
from app.activities import changes
from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.models import Occurrence
from app.clock import Clock
from app.messages.models import OutboxState
from app.people.models import House
from app.settings import Settings
from bot.discretion import Shows, banned
from bot.simulator import Phone
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import (
    alarms,
    announce,
    every_way,
    here,
    no_activities,
    occurrence,
    outbox,
    reached_by,
    registered,
    tasks,
)

TELLING, PLACE = "心理康复讲座", "街道精神卫生中心三楼"
NEUTRAL = "老师有件事想跟您说。方便时请回：找人"
WORDS = "不想活了，药都攒好了"
LINK = re.compile(r"https?://[^\s，。]+")


@pytest.fixture
async def story(settings: Settings) -> AsyncIterator[Story]:
    """Monday, 09:00, and nothing planned; 小河 may be written to, 阿珠 gets cards only."""
    async with open_story(settings, Clock(frozen_at=MONDAY)) as opened:
        await no_activities(opened)
        await here(opened)
        await here(opened, "azhu", "阿珠", window_open=False)
        yield opened


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.phone("小河")


async def planned(story: Story, title: str, place: str = "日湖公园") -> Occurrence:
    """On Thursday at 14:00; at ten everybody has been asked."""
    quiet = Quiet(story.settings.quiet_from, story.settings.quiet_until)
    async with story.house.db.begin() as session:
        await activities.schedule(
            session, house_id=(await registered(story, "xiaohe")).house_id, slot=title, title=title,
            starts_at=MONDAY.replace(day=26, hour=14), minutes=60, venue=place, now=story.house.clock.now(),
            quiet=quiet,
        )  # fmt: skip
    await story.until(10)
    return await occurrence(story, title)


async def called_off(story: Story, what: Occurrence) -> None:
    async with story.house.db.begin() as session:
        await changes.cancel(
            session,
            await session.merge(what),
            story.house.clock.now(),
            Quiet(story.settings.quiet_from, story.settings.quiet_until),
        )
    await story.clock.settle()


def everything_shown(story: Story) -> list[str]:
    """All that any phone showed: what its owner did not write, and what lit it up."""
    return [
        shown
        for user in story.platform.users.values()
        for shown in (*user.lock_lines, *(bubble.text for bubble in user.bubbles if bubble.who == "account"))
    ]


def cards_shown(story: Story) -> list[str]:
    """The fields of every card, judged as strictly as fields are."""
    bubbles = [bubble for user in story.platform.users.values() for bubble in user.bubbles]
    return [value for bubble in bubbles for _, value in bubble.fields]


def telling(texts: list[str], where: Shows = Shows.LOCK_SCREEN) -> list[str]:
    return [text for text in texts if banned(text, where)]


# A name that tells too much


async def test_everything_said_of_an_activity_with_a_telling_name_reads_well_without_it(
    story: Story, member: Phone
) -> None:
    await planned(story, TELLING)
    await member.hears("周四下午 2 点有活动，想来吗？", "地点：日湖公园")
    card = await (await story.phone("阿珠")).sees_card("活动提醒", 活动名称="活动")
    assert card["地点"] == "日湖公园"
    await member.says("1")
    await member.says("我的活动")
    await member.hears("14:00 活动，日湖公园")
    await story.until(9, days=2)
    await member.says("谢谢")
    await story.until(10)
    await member.hears("明天下午 2 点，活动，日湖公园。")
    await member.says("改")
    await member.hears("您现在是：周四活动 · 能来")
    await member.says("1")
    await story.until(12, days=1)
    await member.hears("今天下午 2 点见。日湖公园。")
    assert telling(everything_shown(story)) == []
    assert telling(cards_shown(story), Shows.CARD) == []


async def test_a_telling_place_is_replaced_alike(story: Story, member: Phone) -> None:
    what = await planned(story, "讲座", PLACE)
    await member.hears("有讲座，想来吗？", "地点：老师说的地方")
    card = await (await story.phone("阿珠")).sees_card("活动提醒", 活动名称="讲座")
    assert card["地点"] == "老师说的地方"
    await member.says("1")
    await called_off(story, what)
    await member.hears("讲座取消了，不用来了")
    assert telling(everything_shown(story)) == []


async def test_staff_read_no_telling_name_on_their_screens_either(story: Story) -> None:
    await planned(story, TELLING)
    worker = await story.phone("王乐")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=13, minute=45))
    for said in ("签到码", "名单", "签到 阿珠"):
        await worker.says(said)
        await worker.hears("活动")
    assert telling(everything_shown(story)) == []


async def test_a_house_with_a_telling_name_greets_without_it(story: Story) -> None:
    async with story.house.db.begin() as session:
        await session.execute(update(House).values(name="段塘康复小站"))
    worker = await story.phone("王乐")
    await worker.says("邀请 阿光")
    newcomer = await story.phone("阿光")
    await newcomer.follows(await story.scan_page(await worker.hears("四个数字")))
    await newcomer.hears("您好，这里是「小站」")


async def test_staff_get_one_task_and_operators_one_alarm(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    what = await planned(story, TELLING)
    (task,) = await tasks(story)
    assert task.reason == "indiscreet"
    (alarm,) = await alarms(story, MONDAY)
    assert (alarm.channel, alarm.what, alarm.detail) == ("discretion", "indiscreet", "title")
    page = await story.open_link((await worker.sees_card("待办提醒", 提示="请点开看"))["url"])
    assert "请改名" in page
    await member.says("1")
    await story.until(12, days=3)
    await called_off(story, what)
    assert len(await tasks(story)) == 1


async def test_a_harmless_name_troubles_nobody(story: Story, member: Phone) -> None:
    await planned(story, "书法展")
    await member.hears("有书法展，想来吗？")
    assert (await tasks(story), await alarms(story, MONDAY)) == ([], [])


# A text that tells too much


@pytest.mark.parametrize("said", ["明天来做心理测评", "请大家按时服药", "康 复 治 疗 改到周五", "精神科王医生来讲课"])
async def test_a_telling_text_to_everybody_never_leaves(story: Story, member: Phone, said: str) -> None:
    await announce(story, said)
    await story.clock.settle()
    await member.hears(NEUTRAL)
    await (await story.phone("阿珠")).sees_card("活动提醒", 活动名称="小站通知")
    shown = everything_shown(story)
    assert telling(shown) == []
    assert not [text for text in shown if said in text]
    assert [task.reason for task in await tasks(story)] == ["indiscreet"]
    (alarm,) = await alarms(story, MONDAY)
    assert alarm.channel == "discretion"
    assert said not in (alarm.detail or "")
    assert {row.state for row in await outbox(story, "broadcast")} <= {OutboxState.SENT, OutboxState.DELIVERED}


async def test_a_harmless_text_is_said_as_it_is(story: Story, member: Phone) -> None:
    await announce(story, "开心理发店来给大家免费理发")
    await story.clock.settle()
    await member.hears("开心理发店来给大家免费理发")
    assert await tasks(story) == []


# What shows beside the words


async def test_no_tag_scene_address_or_menu_tells_anything(settings: Settings) -> None:
    house = every_way(settings)
    async with open_story(house, Clock(frozen_at=MONDAY)) as story:
        await reached_by(story, "wangle", wecom="wangle")
        await menu_command.push(house, story.house.clock, story.house.worlds.wechat)
        worker, member = await story.phone("王乐"), await story.joined()
        await member.says("1")
        await story.wednesday(13, 45)
        await worker.says("签到码")
        await story.open_link(await worker.hears("扫码签到的图"))
        await member.says("找人")
        await worker.says("待办")
        await member.says(WORDS)
        await worker.presses("我来处理")
        box = story.platform
        links = {link for text in everything_shown(story) for link in LINK.findall(text)}
        links |= {bubble.url for user in box.users.values() for bubble in user.bubbles if bubble.url}
        scenes = [code.scene_str for code in box.qr_codes]
        menus = [str(box.menu), *(str(menu.buttons) for menu in box.conditional_menus)]
        tags = [tag for number, tag in box.tags.items() if number != 2]
        assert min(len(links), len(scenes), len(menus), len(tags)) > 1
        assert telling([*links, *scenes, *menus, *tags], Shows.CARD) == []
        assert all(
            re.fullmatch(r"http://house/p/((case|tasks|qr|rsvp|mood)/[\w-]+|data|consent)", link) for link in links
        )
        assert all(re.fullmatch(r"[\w-]{16,64}", scene) for scene in scenes)
        assert telling(everything_shown(story)) == []
        assert box.work is not None
        posts = box.work.group("duantang")
        assert posts
        assert all(banned(post, Shows.ROBOT, ["小河", "王乐", "李红", "周敏"]) == [] for post in posts)
