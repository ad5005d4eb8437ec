"""A reply that signals danger reaches a person who answers for it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.activities.machine import Answer
from app.activities.models import Rsvp
from app.escalations import journal, log
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.escalations.states import Level, State
from bot.simulator import Phone
from tests.conftest import MONDAY, Story

WORDS = "不想活了，药都攒好了"


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def test_on_duty_the_member_hears_a_name_and_the_worker_is_alerted_at_once(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await member.hears("您不用一个人扛着", "我已经请王乐来联系您", "12356", "您现在安全吗")
    card = await worker.sees_card("待办提醒", 提示="回 接 表示我来处理")
    assert "药" not in str(card)
    assert "小河" not in str(card)
    case = await the_case(story)
    assert case.level is Level.RED


async def test_at_night_the_reply_promises_only_the_next_staffed_hour_and_the_worker_is_called_all_the_same(
    story: Story,
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await story.clock.forward_to(MONDAY.replace(hour=23, minute=40))
    await member.says(WORDS)
    heard = await member.hears("现在值班的人不在", "最早明天 08:30看到")
    assert "我已经请" not in heard
    await worker.sees_card("待办提醒")


async def test_nobody_takes_it_so_the_backup_then_the_supervisor_then_everybody_again_and_again(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await story.phone("李红"), await story.phone("周敏")
    member = await story.joined()
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    await story.clock.forward(minutes=9)
    await backup.hears_nothing()
    await story.clock.forward(minutes=1)
    await backup.sees_card("待办提醒")
    await story.clock.forward(minutes=5)
    await boss.sees_card("待办提醒")
    for _ in range(3):
        await story.clock.forward(minutes=10)
        for phone in (worker, backup, boss):
            await phone.sees_card("待办提醒")
    case = await the_case(story)
    assert case.due_at is not None
    assert case.due_at > story.house.clock.now()


async def test_taking_it_ends_the_alerts_and_tells_everybody_who_has_it(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await story.phone("李红"), await story.phone("周敏")
    member = await story.joined()
    await member.says(WORDS)
    await story.clock.forward(minutes=12)
    await backup.sees_card("待办提醒")
    await backup.says("接")
    taken = await backup.hears("已记录：李红 09:12 接手", "联系上了回")
    await member.hears("李红看到您的消息了", "今天 09:42 前")
    page = await story.open_link(taken)
    assert "药都攒好了" in page
    assert "tel:" in page
    await story.clock.forward(minutes=25)
    await boss.hears_nothing()
    await worker.says("接 A-0001")
    await worker.hears("李红 已接手 A-0001")


async def test_who_took_it_and_reached_nobody_is_reminded_and_then_it_is_everybodys_again(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    member = await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await story.clock.forward(minutes=30)
    await worker.hears("还没记下联系上了")
    await story.clock.forward(minutes=10)
    await worker.hears("已经请别的同事一起处理")
    await backup.sees_card("待办提醒")
    assert (await the_case(story)).state is State.OPEN


async def test_a_case_ends_with_an_outcome_and_the_next_contact(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("已联系")
    await worker.hears("A-0001 已联系上")
    await worker.says("结果")
    await worker.hears("1 已通电话，平稳", "6 误报")
    await worker.says("1")
    await worker.hears("危险程度，是几级")
    await worker.says("1")
    await worker.hears("下次哪天联系")
    await worker.says("2")
    await worker.hears("A-0001 已结束，下次 11月26日 联系")
    case = await the_case(story)
    assert case.state is State.RESOLVED
    assert case.next_contact == MONDAY.date() + timedelta(days=3)
    await story.clock.forward(hours=20)
    await worker.hears_not("A-0001")


async def test_a_member_who_says_they_are_fine_does_not_close_the_case(story: Story) -> None:
    member = await story.joined()
    await member.says(WORDS)
    await member.says("1")
    await member.hears("王乐看到后会联系您")
    await member.says("没事了")
    assert (await the_case(story)).state is State.OPEN


async def test_a_member_who_needs_help_now_makes_the_next_person_ring_at_once(story: Story) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    await member.says(WORDS)
    await member.says("2")
    await member.hears("请打 120 或 110", "我正在叫人")
    await backup.sees_card("待办提醒")


async def test_no_longer_wanting_to_live_and_not_coming_is_an_alert_and_a_no(story: Story) -> None:
    member = await story.joined()
    await member.says("不想活了，不去了")
    heard = await member.hears("您不用一个人扛着", "记下了：来不了")
    assert "手工课" in heard
    async with story.house.db.read() as session:
        assert (await session.scalar(select(Rsvp.answer))) is Answer.NOT_GOING
    assert (await the_case(story)).level is Level.RED


async def test_more_words_join_the_open_case_and_ring_nobody_twice(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    await worker.says("接")
    await worker.hears("已记录")
    await member.says("真的想死，遗书写好了")
    await member.hears("您不用一个人扛着")
    await worker.hears("又有新的消息")
    async with story.house.db.read() as session:
        cases = (await session.scalars(select(CaseRow))).all()
        assert len(cases) == 1
        assert len(await escalations.flags_of(session, cases[0])) == 2
        assert cases[0].state is State.ACKNOWLEDGED


async def test_a_case_is_handed_over_only_when_the_other_one_takes_it(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    member = await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("转 李红")
    await worker.hears("等对方接手后您才算放下")
    await backup.sees_card("待办提醒", 编号="A-0001")
    case = await the_case(story)
    async with story.house.db.read() as session:
        assert case.owner_id is not None
        from app.people import service as people

        assert (await people.person(session, case.owner_id)).name == "王乐"
    await backup.says("接 A-0001")
    await backup.hears("已记录：李红")
    await worker.hears("您可以放下了")


async def test_a_colleague_may_help_without_taking_it_away(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    member = await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await backup.says("协助 A-0001")
    page = await story.open_link(await backup.hears("王乐 知道您一起处理"))
    assert "药都攒好了" in page
    await worker.hears("李红 一起处理 A-0001")


async def test_an_alert_that_reaches_nobody_goes_to_the_next_person_now(story: Story) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    story.platform.users["o_wangle"].following = False
    await member.says(WORDS)
    await backup.sees_card("待办提醒")


@pytest.mark.parametrize("errcode", [40003, 43004, 45009, 48001, 40164, 99999])
async def test_whatever_wechat_answers_an_alert_finds_a_person(story: Story, errcode: int) -> None:
    worker, backup, member = await story.phone("王乐"), await story.phone("李红"), await story.joined()
    await story.clock.forward(days=3)  # nobody's window is open: the card is the only way
    story.platform.break_next("message/template/send", errcode=errcode)
    await member.says(WORDS)
    await story.clock.forward(minutes=1)
    lit = [await phone.lock_screen() for phone in (worker, backup)]
    assert any("待办提醒" in line for line in lit)


async def test_somebody_who_is_not_registered_is_in_danger_too(story: Story) -> None:
    boss, stranger = await story.phone("周敏"), await story.phone("路人")
    await stranger.follows()
    await stranger.says("我不想活了，今晚就走")
    heard = await stranger.hears("12356", "120", "把电话写给我")
    assert "我已经请" not in heard
    await story.clock.forward(minutes=20)
    await boss.sees_card("待办提醒")
    await boss.says("接")
    link = await boss.hears("已记录")
    await stranger.says("13800000000")
    await boss.hears("又有新的消息")
    assert "13800000000" in await story.open_link(link)


async def test_a_mother_who_was_in_danger_before_we_knew_her_can_still_be_bound(story: Story) -> None:
    member, mother = await story.joined(), await story.phone("小河妈妈", "家属")
    await mother.follows()
    await mother.says("我不想活了，今晚就走")
    await member.says("绑定家属")
    code = (await member.hears("六个数字")).splitlines()[1]
    await mother.says(code)
    await mother.says("1")
    await mother.hears("会告诉您时间和地点")


async def test_a_relative_who_reports_danger_is_told_to_stay_and_the_worker_is_alerted(story: Story) -> None:
    worker, member, mother = await story.phone("王乐"), await story.joined(), await story.phone("小河妈妈", "家属")
    await member.says("绑定家属")
    code = (await member.hears("六个数字")).splitlines()[1]
    await mother.follows()
    await mother.says(code)
    await mother.says("1")
    await mother.says("我儿子说不想活了，药都攒好了")
    await mother.hears("先不要留他一个人", "120")
    await worker.sees_card("待办提醒")


async def test_the_log_of_a_case_says_everything_the_case_is(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await story.clock.forward(minutes=16)
    await worker.says("接")
    await story.clock.forward(minutes=5)
    await worker.says("已联系")
    await worker.says("结果 A-0001")
    for said in ("4", "2", "区里的门诊，已约好", "12月3日"):
        await worker.says(said)
    await worker.hears("下次 12月3日 联系")
    async with story.house.db.read() as session:
        case = await the_case(story)
        replayed = log.replay(await journal.entries(session, case))
    assert replayed == escalations.as_case(case)


async def test_words_of_danger_never_reach_a_lock_screen(story: Story) -> None:
    member = await story.joined()
    begun = {user.openid: len(user.lock_lines) for user in story.platform.users.values()}
    await member.says(WORDS)
    await story.clock.forward(hours=1)
    others = [user for user in story.platform.users.values() if user.name != "小河"]
    lines = [line for user in others for line in user.lock_lines[begun[user.openid] :]]
    assert lines
    for word in ("小河", "不想活", "药", "危机", "自杀", "心理", "风险"):
        assert not [line for line in lines if word in line]


async def test_a_voice_message_is_never_passed_over(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.sends_voice()
    await member.hears("我只看得懂字", "王乐")
    page = await story.open_link(await worker.hears("请您看一下"))
    assert "语音" in page


# What a fresh pair of eyes found


async def test_every_further_cry_is_told_to_whoever_has_the_case(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.hears("已记录")
    for text in ("真的想死，遗书写好了", "我要跳楼了，在楼顶"):
        await story.clock.forward(minutes=2)
        await member.says(text)
        await worker.hears("又有新的消息")


async def test_a_cry_for_help_after_the_case_was_closed_opens_a_new_one(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("结果 A-0001")
    await worker.says("6")
    await worker.hears("是误报")
    await story.clock.forward(minutes=30)
    await member.says("2")
    await member.hears("我正在叫人")
    await worker.sees_card("待办提醒", 编号="A-0002")


@pytest.mark.parametrize("cry", ["帮忙", "帮助", "救救我", "1 不安全", "需要帮忙", "找人", "2"])
async def test_a_cry_for_help_is_never_a_menu_and_never_a_yes(story: Story, cry: str) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    await member.says(WORDS)
    await member.says(cry)
    await member.hears("我正在叫人")
    await backup.sees_card("待办提醒")


async def test_a_reminder_does_not_take_the_digits_from_are_you_safe(story: Story) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=8, minute=45))
    await member.says(WORDS)
    await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
    await member.hears_not("明天下午 2 点")
    before = len(story.platform.users[backup.openid].bubbles)
    await member.says("2")
    await member.hears("我正在叫人")
    assert len(story.platform.users[backup.openid].bubbles) > before


async def test_are_you_safe_can_still_be_answered_the_next_day(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("已联系")
    await story.clock.forward(hours=13)
    await member.says("2")
    await member.hears("我正在叫人")


async def test_if_screening_breaks_the_words_go_before_a_person_at_once(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("a rule that nobody tested")

    monkeypatch.setattr(escalations, "flag", broken)
    await member.says(WORDS)
    heard = await member.hears("12356")
    assert "我已经请" not in heard
    page = await story.open_link(await worker.hears("请您看一下"))
    assert "药都攒好了" in page


async def test_an_owner_who_is_gone_does_not_keep_the_case(story: Story) -> None:
    worker, backup, member = await story.phone("王乐"), await story.phone("李红"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("已联系")
    await worker.unfollows()
    await member.says("我现在要跳楼了")
    await backup.sees_card("待办提醒")
    assert (await the_case(story)).state is State.OPEN


async def test_no_name_is_promised_that_no_alert_can_reach(story: Story) -> None:
    member = await story.joined()
    for openid in ("o_wangle", "o_lihong", "o_zhoumin"):
        await (await story.book.phone(openid, openid=openid)).unfollows()
    await member.says(WORDS)
    heard = await member.hears("12356")
    assert "我已经请" not in heard


async def test_a_counsellor_sees_no_words_of_danger(story: Story) -> None:
    counsellor, worker, member = await story.phone("李老师"), await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    for said in ("协助 A-0001", "接 A-0001", "结果 A-0001"):
        await counsellor.says(said)
        heard = await counsellor.hears("")
        assert "http" not in heard


async def test_on_the_day_that_was_agreed_the_worker_is_reminded(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    await worker.says("结果 A-0001")
    for said in ("2", "0", "1"):
        await worker.says(said)
    await worker.hears("下次 11月24日 联系")
    await story.clock.forward_to(MONDAY.replace(day=24, hour=9))
    await worker.hears("A-0001 约好的联系，该做了")


async def test_a_stranger_in_danger_who_turns_out_to_be_a_member_keeps_their_case(story: Story) -> None:
    worker, boss, member = await story.phone("王乐"), await story.phone("周敏"), await story.phone("小河")
    await member.follows()
    await member.says("我不想活了，今晚就走")
    await boss.says("接")
    await boss.hears("已记录")
    await worker.says("邀请 小河")
    invitation = await worker.hears("四个数字")
    await member.scans(await story.scan_page(invitation))
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "2", "3", "小河"):
        await member.says(text)
    await member.hears("自动消息")
    page = await story.open_link(await _say(boss, "接 A-0001", "已经是您在处理"))
    assert "小河" in page


async def _say(phone: Phone, text: str, heard: str) -> str:
    await phone.says(text)
    return await phone.hears(heard)


async def test_staff_do_their_tasks_and_take_them_off_the_list(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says("找人")
    await worker.says("待办")
    assert "想找人说话" in await story.open_link(await worker.hears("有 1 件待办"))
    await worker.says("办好 T-0001")
    await worker.hears("T-0001 办好了")
    await worker.says("待办")
    await worker.hears("现在没有待办")


# What a person found who played it


async def test_after_no_matter_a_cry_for_help_still_calls_somebody(story: Story) -> None:
    backup, member = await story.phone("李红"), await story.joined()
    await member.says(WORDS)
    await member.says("没事了")
    await member.hears("王乐看到后会联系您")
    await member.says("帮帮我")
    await member.hears("我正在叫人", "120")
    await backup.sees_card("待办提醒")


@pytest.mark.parametrize("words", ["怎么没人来", "好累好累", "脑子很乱"])
async def test_whoever_goes_on_while_a_case_is_open_hears_the_lines_and_is_heard(story: Story, words: str) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says("接")
    link = await worker.hears("已记录")
    await member.says("1")
    await member.says(words)
    await member.hears("120")
    await worker.hears("又有新的消息")
    assert words in await story.open_link(link)


async def test_never_mind_while_we_ask_are_you_safe_cancels_no_activity(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.says(WORDS)
    await member.says("算了")
    await member.hears("您现在安全吗", "120")
    async with story.house.db.read() as session:
        assert (await session.scalar(select(Rsvp.answer))) is Answer.GOING


async def test_a_mother_in_danger_herself_is_not_answered_about_her_son(story: Story) -> None:
    member, mother = await story.joined(), await story.phone("小河妈妈", "家属")
    await member.says("绑定家属")
    code = (await member.hears("六个数字")).splitlines()[1]
    await mother.follows()
    await mother.says(code)
    await mother.says("1")
    await mother.says("我也不想活了，药都准备好了")
    await mother.hears("您不用一个人扛着", "您现在安全吗")


async def test_no_call_is_promised_to_whom_nobody_can_call(story: Story) -> None:
    boss, stranger = await story.phone("周敏"), await story.phone("路人")
    await stranger.follows()
    await stranger.says("我不想活了，今晚就走")
    await boss.says("接")
    heard = await stranger.hears("周敏看到您的消息了")
    assert "前打给您" not in heard
    assert "电话号码写给我" in heard


async def test_an_alert_that_nobody_took_in_time_says_so(story: Story) -> None:
    boss, member = await story.phone("周敏"), await story.joined()
    await boss.says("待办")
    await member.says(WORDS)
    await story.clock.forward(minutes=45)
    card = await boss.sees_card("待办提醒", 时限="09:30")
    assert card["编号"] == "A-0001"


@pytest.mark.parametrize("said", ["接了", "街", "接 a0001", "好的接"])
async def test_a_worker_in_a_hurry_may_mistype(story: Story, said: str) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(WORDS)
    await worker.says(said)
    await worker.hears("已记录：王乐")


async def test_what_a_worker_mistypes_worse_becomes_no_task(story: Story) -> None:
    worker = await story.phone("王乐")
    for _ in range(3):
        await worker.says("嗒嗒嗒")
        await worker.hears("没看懂", "接 A-0001")
    await worker.says("待办")
    await worker.hears("现在没有待办")


async def test_the_page_of_a_case_says_how_long_one_may_still_write(story: Story) -> None:
    member, worker = await story.joined(), await story.phone("王乐")
    await member.says("不想活了，药都攒好了")
    await worker.says("接")
    page = await story.open_link(await worker.hears("已记录"))
    assert "微信里可回复至 11月25日（周三）09:00，余" in page
    await worker.says("已联系")
    await story.clock.forward(hours=48)
    await worker.says("帮助")
    await worker.says("接 A-0001")
    assert "微信里现在发不了文字" in await story.open_link(await worker.hears("看内容"))
