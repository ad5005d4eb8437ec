"""Who is in danger is given numbers that answer where they are and now, in the language in which they wrote."""

from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.clock import Clock
from app.people import service as people
from app.settings import GivenSettings, Settings
from bot.simulator import Phone
from tests.conftest import PROGRAMME, Story, open_story

WORDS = "不想活了，药都攒好了"
TRADITIONAL = "我真的不想活了，藥都準備好了"
NZ = ZoneInfo("Pacific/Auckland")
THURSDAY = datetime(2026, 11, 26, 10, 0, tzinfo=NZ)
SATURDAY_NIGHT = THURSDAY.replace(day=28, hour=21)
MONDAY_MORNING = THURSDAY.replace(day=30)
ASIAN = "0800 862 342"


@pytest.fixture
async def harbour(settings: Settings) -> AsyncIterator[Story]:
    """Thursday, 10:00 at Harbour House in Auckland, as its example file sets it up."""
    file, staff = PROGRAMME.with_name("auckland.yaml"), {"陈明": "o_chenming", "美华": "o_meihua", "Linda": "o_linda"}
    there = GivenSettings.model_validate({**settings.model_dump(), "region": "NZ"})
    async with open_story(there, Clock(frozen_at=THURSDAY), programme=file, staff=staff) as opened:
        yield opened


async def joined(story: Story) -> Phone:
    """阿荣 comes in by the code that 陈明 gives."""
    worker = await story.phone("陈明")
    await worker.says("邀请 阿荣")
    invitation = await worker.hears("四个数字")
    member = await story.phone("阿荣")
    await member.follows(await story.scan_page(invitation))
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "2", "3", "阿荣"):
        await member.says(text)
    await member.hears("自动消息", "危险时打 111")
    return member


async def test_on_saturday_night_the_asian_helpline_is_not_among_those_to_call_but_it_is_said_when_it_opens(
    harbour: Story,
) -> None:
    member = await joined(harbour)
    await harbour.clock.forward_to(SATURDAY_NIGHT)
    await member.says(WORDS)
    heard = await member.hears("现在值班的人不在", "最早11月30日（周一）09:00看到", "有危险打 111")
    to_call = heard.split("请先打 ")[1].split("；")[0]
    assert to_call == "1737（免费，24 小时，可打可发短信） 或 0508 828 865（免费，24 小时）"
    assert f"\n{ASIAN}（亚裔热线，免费，接通后按 1 说中文）现在没有人接，11月30日（周一）09:00 起。" in heard
    assert "12356" not in heard
    assert "我已经请" not in heard


async def test_on_monday_morning_the_asian_helpline_is_the_first_to_call_and_the_worker_is_named(
    harbour: Story,
) -> None:
    member = await joined(harbour)
    await harbour.clock.forward_to(MONDAY_MORNING)
    await member.says(WORDS)
    heard = await member.hears("我已经请陈明来联系您", "有危险：打 111")
    assert f"打 {ASIAN}（亚裔热线，免费，接通后按 1 说中文）、1737" in heard
    assert "现在没有人接" not in heard


async def test_off_duty_nobody_is_promised_before_the_next_duty_and_a_holiday_is_none(harbour: Story) -> None:
    member = await joined(harbour)
    await harbour.clock.forward_to(datetime(2026, 12, 25, 11, 0, tzinfo=NZ))  # Christmas Day, a Friday
    await member.says(WORDS)
    heard = await member.hears("现在值班的人不在", "最早12月29日（周二）09:00看到")
    assert f"\n{ASIAN}" in heard
    assert "12月29日（周二）09:00 起" in heard
    assert "陈明" not in heard


async def test_who_writes_in_traditional_characters_is_answered_and_asked_in_them_until_it_is_over(
    harbour: Story,
) -> None:
    worker, member = await harbour.phone("陈明"), await joined(harbour)
    await member.says(TRADITIONAL)
    await member.hears("您不用一個人撐著", "我已經請陈明聯絡您", "亞裔熱線", "1 安全　2 需要幫忙")
    await member.says("嗯")
    await member.hears("安全請回 1，需要幫忙請回 2。有危險打 111")
    await member.says("2")
    await member.hears("請打 111", "我正在找人")
    await worker.says("接")
    await member.hears("陈明看到您的訊息了", "有危險打 111")


async def test_who_answers_in_english_goes_on_in_english(harbour: Story) -> None:
    member = await joined(harbour)
    await member.says(WORDS)
    await member.hears("您不用一个人扛着")
    await member.says("I'm not safe, I need help")
    await member.hears("Please call 111", "I am calling someone")


async def test_a_stranger_is_given_the_numbers_of_the_place_too(harbour: Story) -> None:
    stranger = await harbour.phone("路人")
    await stranger.follows()
    await stranger.says(TRADITIONAL)
    await stranger.hears("我們還不認識您", "有危險打 111", "也可以打 09 000 0000")


async def test_the_help_of_every_day_names_the_same_numbers(harbour: Story) -> None:
    member = await joined(harbour)
    await member.says("帮助")
    await member.hears(ASIAN, "危险打 111")


async def test_in_china_nothing_is_said_of_day_and_night(story: Story) -> None:
    member = await story.joined()
    await member.says(WORDS)
    heard = await member.hears("打 12356。\n有危险：打 120 或 110")
    await story.until(3, days=1)
    await member.says("我现在要跳楼了")
    heard += await member.hears("请先打 12356；有危险打 120 或 110")
    assert "小时" not in heard
    assert "现在没有人接" not in heard


async def test_in_china_who_writes_in_traditional_characters_is_answered_in_them(story: Story) -> None:
    member = await story.joined()
    await member.says(TRADITIONAL)
    await member.hears("我已經請王乐聯絡您", "打 12356")


async def test_a_province_that_answers_day_and_night_says_so_once_it_is_written_down(story: Story) -> None:
    member = await story.joined()
    async with story.house.db.begin() as session:
        programme = await people.only_programme(session)
        assert programme is not None
        programme.lines = [{"number": "12356", "use": "talk", "day_and_night": True}]
    await member.says(WORDS)
    await member.hears("打 12356（24 小时）。")


async def test_a_number_that_cannot_be_read_keeps_nobody_from_being_answered(story: Story) -> None:
    member = await story.joined()
    async with story.house.db.begin() as session:
        programme = await people.only_programme(session)
        assert programme is not None
        programme.lines = [{"number": 1, "use": "chat"}]
    await member.says(WORDS)
    await member.hears("我已经请王乐来联系您", "12356", "120")
