"""Words that work at any point: help, a person, stop, resume, my records."""

import pytest
from sqlalchemy import select

from app.messages.models import Contact, Outbox, OutboxState
from app.tasks.models import Task
from tests.conftest import MONDAY, Story


@pytest.mark.parametrize("word", ["帮助", "？", "菜单", "help"])
async def test_help_says_what_can_be_done_and_numbers_work(story: Story, word: str) -> None:
    member = await story.joined()
    await member.says(word)
    await member.hears("我能做这几件事", "3 找王乐", "12356")
    await member.says("1")
    await member.hears("您接下来的活动", "手工课")


async def test_help_works_in_the_middle_of_joining(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    await member.follows(await story.scan_page(await worker.hears("四个数字")))
    await member.says("帮助")
    await member.hears("扫那个码")
    await member.says("好")
    await member.hears("四个数字")


@pytest.mark.parametrize("word", ["退订", "停", "TD", "别发了"])
async def test_one_word_stops_everything_and_one_word_brings_it_back(story: Story, word: str) -> None:
    member = await story.joined()
    await member.says("1")
    await member.says(word)
    await member.hears("以后不再发提醒了", "恢复", "活动照样欢迎您来")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=12))
    await member.hears_nothing()
    await member.says("恢复")
    await member.hears("继续提醒您")
    await member.hears("书法", "想来吗")


async def test_a_stopped_member_in_danger_is_answered_and_reaches_a_person(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("退订")
    await member.says("不想活了，药都攒好了")
    await member.hears("您不用一个人扛着")
    await worker.sees_card("待办提醒")
    await worker.says("接")
    await member.hears("王乐看到您的消息了")


async def test_unfollowing_stops_everything_and_nobody_chases(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("1")
    await member.unfollows()
    await worker.hears("有一位同伴已停止提醒")
    await story.clock.forward(days=3)
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(Task))) == []
        sent_after = await session.scalars(select(Outbox).where(Outbox.state == OutboxState.SENT))
        assert all(row.kind != "remind_day" for row in sent_after)


async def test_coming_back_needs_no_new_code_and_starts_nothing_unasked(story: Story) -> None:
    member = await story.joined()
    await member.unfollows()
    await story.clock.forward(hours=1)
    await member.follows()
    await member.hears("欢迎回来", "恢复")
    await story.clock.forward(days=1, hours=3)
    await member.hears_nothing()


async def test_asking_for_a_person_names_one_and_promises_what_the_rota_keeps(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("找人")
    await member.hears("已经告诉王乐", "值班时间会回您")
    page = await story.open_link(await worker.hears("请您看一下"))
    assert "想找人说话" in page
    assert "tel:" in page
    await story.clock.forward_to(MONDAY.replace(hour=20))
    await member.says("人工")
    await member.hears("最早明天 08:30看到")


async def test_wanting_ones_records_brings_a_person_who_does_it(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("我的资料")
    await member.hears("我请王乐来帮您办")
    assert "自己的记录" in await story.open_link(await worker.hears("请您看一下"))


async def test_the_menu_does_the_same_as_the_words(story: Story) -> None:
    member = await story.joined()
    await member.taps("help")
    await member.hears("我能做这几件事")
    await member.taps("activities")
    await member.hears("手工课")
    await member.taps("mood")
    await member.hears("今天心情怎么样")


async def test_a_new_phone_takes_the_place_of_the_old_one(story: Story) -> None:
    worker, old = await story.phone("王乐"), await story.joined()
    await worker.says("邀请 小河")
    invitation = await worker.hears("小河已经加入了", "四个数字")
    new = await story.phone("小河的新手机")
    await new.follows(await story.scan_page(invitation))
    await new.says("好")
    await new.says(invitation.rsplit("：", 1)[1][:4])
    await new.says("1")
    await new.says("2")
    await new.says("3")
    await new.says("小河")
    await new.hears("自动消息")
    async with story.house.db.read() as session:
        bound = list(await session.scalars(select(Contact.openid).where(Contact.person_id.is_not(None))))
    assert new.openid in bound
    assert old.openid not in bound


async def test_staff_see_only_their_own_house(story: Story) -> None:
    counsellor = await story.phone("李老师")
    await story.joined("小河")
    await counsellor.says("邀请 张三")
    missing = await counsellor.hears("没有叫“张三”的人")
    assert "请先登记" in missing
    await counsellor.says("接")
    await counsellor.hears("没有等人接手的事")


@pytest.mark.parametrize("question", ["几点啊", "3点还是2点？几点", "在哪里", "啥时候开始"])
async def test_when_and_where_are_answered(story: Story, question: str) -> None:
    member = await story.joined()
    await member.says(question)
    await member.hears("11月25日（周三）14:00", "段塘街道活动室")


async def test_whoever_is_confused_while_joining_stays_in_their_question(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    await member.follows(await story.scan_page(invitation))
    await member.says("好")
    for _ in range(3):
        await member.says("忘了数字")
        await member.hears("四个数字")
    await member.says(invitation.rsplit("：", 1)[1][:4])
    await member.hears("同意请回")


async def test_an_answer_of_not_sure_leaves_the_numbers_open(story: Story) -> None:
    member = await story.joined()
    await member.says("3")
    await member.hears("回 1 或 2 就行")
    await member.says("1")
    await member.hears("能来")
