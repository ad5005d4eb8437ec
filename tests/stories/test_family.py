"""A relative hears time and place, if the member wants it, for as long as both do."""

import pytest

from bot.simulator import Phone
from tests.conftest import MONDAY, Story


async def code_of(member: Phone) -> str:
    await member.says("绑定家属")
    return (await member.hears("六个数字", "15 分钟内有效")).splitlines()[1].replace(" ", "")


async def bound(story: Story) -> tuple[Phone, Phone]:
    member, mother = await story.joined(), await story.phone("小河妈妈", "家属")
    await member.says("1")
    code = await code_of(member)
    await mother.follows()
    await mother.says(code)
    await mother.hears("小河同意让您收到活动时间", "不发他说的话", "愿意请回 1")
    await mother.says("1")
    await mother.hears("会告诉您时间和地点")
    await member.hears("已经能收到")
    return member, mother


async def test_a_relative_is_reminded_of_time_and_place_and_of_nothing_else(story: Story) -> None:
    _member, mother = await bound(story)
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    heard = await mother.hears("11月25日（周三）14:00有活动", "段塘街道活动室")
    assert "小河" not in heard
    await story.clock.forward_to(MONDAY.replace(day=27, hour=20))
    await mother.hears_nothing()


async def test_a_relative_never_sees_what_the_member_says_or_feels(story: Story) -> None:
    member, mother = await bound(story)
    await member.says("心情 1 很难受")
    await member.says("不想活了，药都攒好了")
    await story.clock.forward(minutes=30)
    await mother.hears_nothing()


async def test_unbinding_stops_the_next_message_and_says_so_kindly(story: Story) -> None:
    member, mother = await bound(story)
    await member.says("解绑")
    await member.hears("以后不再发给家里人了")
    await mother.hears("小河的活动提醒不再发到这里了", "谢谢您一直以来的陪伴")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=12))
    await mother.hears_nothing()


@pytest.mark.parametrize("word", ["退订", "解绑"])
async def test_a_relative_leaves_with_one_word(story: Story, word: str) -> None:
    _member, mother = await bound(story)
    await mother.says(word)
    await mother.hears("以后不再发给您了")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=12))
    await mother.hears_nothing()


async def test_a_code_is_good_once_and_for_a_quarter_of_an_hour(story: Story) -> None:
    member, aunt = await story.joined(), await story.phone("姑姑", "家属")
    await aunt.follows()
    late = await code_of(member)
    await story.clock.forward(minutes=15)
    await aunt.says(late)
    await aunt.hears("对不上，或者过期了")
    fresh = await code_of(member)
    await aunt.says(fresh)
    await aunt.says("1")
    await aunt.hears("会告诉您时间和地点")
    uncle = await story.phone("姑父", "家属")
    await uncle.follows()
    await uncle.says(fresh)
    await uncle.hears("对不上，或者过期了")


async def test_codes_cannot_be_guessed(story: Story) -> None:
    member, stranger = await story.joined(), await story.phone("路人")
    code = await code_of(member)
    await stranger.follows()
    for n in range(5):
        await stranger.says(f"{(int(code) + n + 1) % 1_000_000:06d}")
        await stranger.hears("对不上")
    await stranger.says(code)
    await stranger.hears("试得太多了")


async def test_only_who_has_joined_can_bind_a_relative(story: Story) -> None:
    worker, stranger = await story.phone("王乐"), await story.phone("路人")
    await stranger.follows()
    await stranger.says("绑定家属")
    await stranger.hears("扫那个码")
    await worker.says("绑定家属")
    await worker.hears("要您自己先加入才能开")


async def test_a_relative_in_need_is_called_by_the_social_worker(story: Story) -> None:
    worker = await story.phone("王乐")
    _member, mother = await bound(story)
    await mother.says("他这两天不怎么吃饭，我不知道怎么办好")
    await mother.hears("需要我们联系您吗")
    await mother.says("1")
    await mother.hears("已经转告社工")
    await worker.hears("有一件事请您看一下")


async def test_a_member_who_is_not_going_is_not_given_away(story: Story) -> None:
    member, mother = await bound(story)
    await member.says("不去了")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=12))
    await mother.hears_nothing()
