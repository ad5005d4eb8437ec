"""How people come in, and what they agree to."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.people.models import Consent, Person
from tests.conftest import Story


async def test_a_member_joins_by_their_own_code_and_agrees_to_one_thing_at_a_time(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    invitation = await worker.hears("请当面打开让他扫", "四个数字")
    pin = invitation.rsplit("：", 1)[1][:4]
    await member.follows(await story.scan_page(invitation))
    await member.hears("想加入，请回复：好")
    await member.says("好的")
    await member.hears("老师当面给您的四个数字")
    await member.says(pin)
    await member.hears("我们会记下", "王乐", "同意请回：1")
    await member.says("1")
    await member.hears("每周问一次您的心情")
    await member.says("可以")
    await member.hears("要不要也发给家里人")
    await member.says("3")
    await member.hears("怎么称呼您")
    await member.says("小河")
    await member.hears("好的，小河", "不是一直有人看着", "12356", "120")
    async with story.house.db.read() as session:
        agreed = (await session.scalars(select(Consent).order_by(Consent.id))).all()
        assert [(c.kind, c.granted) for c in agreed] == [("joining", True), ("mood", True)]


async def test_a_forwarded_picture_does_not_let_a_stranger_in(story: Story) -> None:
    worker, stranger = await story.phone("王乐"), await story.phone("路人")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    pin = invitation.rsplit("：", 1)[1][:4]
    await stranger.follows(await story.scan_page(invitation))
    await stranger.says("好")
    wrong = "0000" if pin != "0000" else "1111"
    for _ in range(5):
        await stranger.says(wrong)
        await stranger.hears("数字对不上")
    await stranger.says(pin)
    await stranger.hears("这个码过期了，不是您的问题")


async def test_a_code_lets_one_person_in_and_then_nobody(story: Story) -> None:
    await story.plays_joining("小河")
    used = story.platform.qr_codes[-1].scene_str
    other = await story.phone("路人")
    await other.follows(used)
    await other.hears("这个码过期了")


async def test_a_code_runs_out_after_seven_days(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    scene = await story.scan_page(invitation)
    story.platform.qr_codes[-1].expires_at += timedelta(days=30)
    await story.clock.forward(days=7, minutes=1)
    await member.follows(scene)
    await member.hears("这个码过期了")


async def test_who_says_no_is_not_written_down_and_not_asked_again(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    await member.follows(await story.scan_page(invitation))
    await member.says("好")
    await member.says(invitation.rsplit("：", 1)[1][:4])
    await member.says("3")
    await member.hears("没关系", "没有给您登记")
    async with story.house.db.read() as session:
        person = await session.scalar(select(Person).where(Person.code == "xiaohe"))
        assert person is not None
        assert person.joined_at is None
    await story.clock.forward(days=2)
    await member.hears_nothing()


async def test_who_wants_to_ask_first_is_answered_by_their_worker(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.phone("小河")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    await member.follows(await story.scan_page(invitation))
    await member.says("好")
    await member.says(invitation.rsplit("：", 1)[1][:4])
    await member.says("先问问")
    await member.hears("同意请回 1")
    await member.says("2")
    await member.hears("我请王乐来跟您说")
    await worker.hears("有一件事请您看一下")


async def test_somebody_without_a_code_hears_where_to_get_one(story: Story) -> None:
    stranger = await story.phone("路人")
    await stranger.follows()
    await stranger.hears("扫那个码", "家里人")


@pytest.mark.parametrize("name", ["邀请 小红花", "邀请 小明"])
async def test_only_registered_people_can_be_invited(story: Story, name: str) -> None:
    worker = await story.phone("王乐")
    await worker.says(name)
    await worker.hears("请先登记")


async def test_a_new_worker_joins_with_the_same_kind_of_code_and_is_asked_nothing_else(story: Story) -> None:
    boss, phone = await story.phone("周敏"), await story.phone("李红的新手机")
    await boss.says("邀请 李红")
    invitation = await boss.hears("四个数字")
    await phone.follows(await story.scan_page(invitation))
    await phone.says("好")
    await phone.says(invitation.rsplit("：", 1)[1][:4])
    await phone.hears("接 A-0312")


async def test_a_new_member_hears_of_what_the_others_were_asked_already(story: Story) -> None:
    member = await story.plays_joining("小河")
    await member.hears("手工课", "想来吗")


@pytest.mark.parametrize("who", ["王乐", "李老师"])
async def test_only_a_supervisor_lets_a_worker_in(story: Story, who: str) -> None:
    phone = await story.phone(who)
    await phone.says("邀请 李红")
    await phone.hears("没有叫“李红”的人")
