"""Staff are reached by the best way that is open: a button at work, a card, a text message, a mail; then the next."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from app.clock import Clock
from app.db import ident
from app.escalations.models import CaseEvent, CaseRow
from app.escalations.states import State
from app.messages import channels
from app.messages import service as messages
from app.messages.models import Lane, Outbox, OutboxState
from app.people.models import House, Person, Role
from app.settings import Settings
from bot.mail.post import RecordedPost
from bot.outside import NotSent, PersonUnreachable
from bot.simulator import Phone
from bot.simulator.state import Bubble
from bot.simulator.wecom import WorkPlatform
from bot.sms.recorded import RecordedSms
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import every_way, here, outbox, reached_by, registered, ways_taken, without_wechat

WORDS = "不想活了，药都攒好了"
NUMBER, LANDLINE, ADDRESS = "10000000001", "000-0000-0010", "wangle@example.org"
OPERATOR = "operator@example.org"
NO_TEMPLATE = pytest.mark.parametrize("installation", [{"wechat_template_duty": ""}])
WITH_OPERATOR = pytest.mark.parametrize(
    "installation", [{"mail_host": "mail", "mail_from": "house@example.org", "operator_mail": OPERATOR}]
)


@pytest.fixture
def installation() -> dict[str, Any]:
    """What this installation has set differently."""
    return {}


@pytest.fixture
def sms() -> RecordedSms:
    return RecordedSms()


@pytest.fixture
def post() -> RecordedPost:
    return RecordedPost()


@pytest.fixture
async def story(
    settings: Settings, installation: dict[str, Any], sms: RecordedSms, post: RecordedPost
) -> AsyncIterator[Story]:
    """Monday, 09:00. Every way is set up; 王乐 and 李红 are in WeCom, and nobody's window is open."""
    house = every_way(settings, **installation)
    async with open_story(house, Clock(frozen_at=MONDAY), sms=sms, post=post) as opened:
        await reached_by(opened, "wangle", wecom="WangLe")
        yield opened


@pytest.fixture
async def worker(story: Story) -> Phone:
    return await story.phone("王乐")


@pytest.fixture
async def backup(story: Story) -> Phone:
    return await story.phone("李红")


@pytest.fixture
async def member(story: Story) -> Phone:
    return await here(story)


def company(story: Story) -> WorkPlatform:
    assert story.platform.work is not None
    return story.platform.work


def cards_of(story: Story, userid: str) -> list[Bubble]:
    return [bubble for bubble in company(story).member(userid).bubbles if bubble.kind == "work_card"]


async def press(story: Story, userid: str, card: Bubble) -> str:
    """Press the button of one particular card; what it says from then on."""
    await company(story).press(userid, card.task_id, card.choices[0][0])
    await story.clock.settle()
    return card.replaced


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def owner_of(story: Story) -> str | None:
    case = await the_case(story)
    async with story.house.db.read() as session:
        owner = await session.get(Person, case.owner_id) if case.owner_id is not None else None
        return owner.name if owner is not None else None


async def times_taken(story: Story) -> int:
    async with story.house.db.read() as session:
        return len((await session.scalars(select(CaseEvent).where(CaseEvent.kind == "Taken"))).all())


# A button at work


async def test_an_alert_comes_to_work_as_a_card_with_a_button_and_names_nobody(
    story: Story, worker: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    card = await worker.sees_work_card("待办提醒", "我来处理", 编号="A-0001", 时限="09:30")
    shown = f"{card} {await worker.lock_screen()}"
    for word in ("小河", "不想活", "药", "心理", "危机"):
        assert word not in shown
    assert WORDS in await story.open_link(card["url"])
    await worker.hears_nothing()


async def test_pressing_it_takes_the_case_and_everybody_hears_who_has_it(
    story: Story, worker: Phone, backup: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await backup.sees_work_card("待办提醒")
    await worker.presses("我来处理")
    await worker.work_card_shows("王乐 已接手")
    await member.hears("王乐看到您的消息了", "今天 09:40 前")
    await backup.sees_work_message("王乐 已接手 A-0001")
    case = await the_case(story)
    assert (case.state, await owner_of(story)) == (State.ACKNOWLEDGED, "王乐")
    await story.clock.forward(minutes=20)
    assert len(cards_of(story, "lihong")) == 1


async def test_whoever_presses_second_is_told_who_has_it(
    story: Story, worker: Phone, backup: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await worker.presses("我来处理")
    await backup.presses("我来处理")
    await backup.work_card_shows("王乐 已接手")
    assert (await owner_of(story), await times_taken(story)) == ("王乐", 1)


async def test_an_old_card_changes_nothing_after_the_case_was_taken_and_given_up(
    story: Story, worker: Phone, backup: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    (old,) = cards_of(story, "lihong")
    await worker.presses("我来处理")
    await story.clock.forward(minutes=50)  # nobody was reached: it is everybody's again
    assert (await the_case(story)).state is State.OPEN
    assert await press(story, "lihong", old) == "请看最新的一条"
    assert (await the_case(story)).state is State.OPEN
    assert await press(story, "lihong", cards_of(story, "lihong")[-1]) == "李红 已接手"
    assert await owner_of(story) == "李红"


async def test_a_press_that_is_delivered_twice_counts_once(story: Story, worker: Phone, member: Phone) -> None:
    await member.says(WORDS)
    story.platform.break_next("door", lose_answer=True)
    await worker.presses("我来处理")
    await worker.work_card_shows("王乐 已接手")
    await member.hears("王乐看到您的消息了")
    await member.hears_nothing()
    assert await times_taken(story) == 1


async def test_a_card_of_a_case_that_has_ended_says_so(
    story: Story, worker: Phone, backup: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await worker.presses("我来处理")
    await worker.says("结果 A-0001")
    await worker.says("6")
    await backup.presses("我来处理")
    await backup.work_card_shows("已经结束")


async def test_a_counsellor_cannot_take_a_case(story: Story, worker: Phone, member: Phone) -> None:
    await reached_by(story, "lilaoshi", wecom="lilaoshi")
    await member.says(WORDS)
    card = forwarded(story, "lilaoshi")
    assert await press(story, "lilaoshi", card) == "您接不了这件"
    assert (await the_case(story)).state is State.OPEN


async def test_a_worker_of_another_house_cannot_take_a_case(story: Story, worker: Phone, member: Phone) -> None:
    programme_id = (await registered(story, "wangle")).programme_id
    async with story.house.db.begin() as session:
        elsewhere = House(programme_id=programme_id, code="shiqi", name="石碶生活小站")
        session.add(elsewhere)
        await session.flush()
        session.add(
            Person(
                programme_id=programme_id, house_id=ident(elsewhere), code="qianjin", role=Role.WORKER, name="钱进",
                wecom="qianjin",
            )
        )  # fmt: skip
    company(story).add_member("qianjin", "钱进")
    await member.says(WORDS)
    assert await press(story, "qianjin", forwarded(story, "qianjin")) == "您接不了这件"
    assert (await the_case(story)).state is State.OPEN


async def test_a_colleague_whom_the_house_does_not_know_cannot_take_a_case(
    story: Story, worker: Phone, member: Phone
) -> None:
    company(story).add_member("somebody", "某人")
    await member.says(WORDS)
    assert await press(story, "somebody", forwarded(story, "somebody")) == "您接不了这件"
    assert (await the_case(story)).state is State.OPEN


def forwarded(story: Story, userid: str) -> Bubble:
    """王乐's card, as if it had got into somebody else's chat."""
    (card,) = cards_of(story, "wangle")
    copy = Bubble(**vars(card))
    company(story).member(userid).bubbles.append(copy)
    return copy


# When work does not reach them


@pytest.mark.parametrize("lenient", [True, False], ids=["invaliduser", "81013"])
async def test_who_cannot_be_reached_at_work_gets_a_card_in_wechat_at_once(
    story: Story, worker: Phone, member: Phone, lenient: bool
) -> None:
    company(story).lenient = lenient
    company(story).member("wangle").visible = False
    await member.says(WORDS)
    await worker.sees_card("待办提醒", 编号="A-0001")
    assert await ways_taken(story, await outbox(story, "case_alert")) == [
        ("wecom", "unreachable"),
        ("template", "sent"),
    ]


@pytest.mark.parametrize("lenient", [True, False], ids=["invaliduser", "81013"])
async def test_who_cannot_be_reached_at_all_is_passed_over_at_once(
    story: Story, worker: Phone, backup: Phone, member: Phone, lenient: bool
) -> None:
    await without_wechat(story, "wangle")
    company(story).lenient = lenient
    company(story).member("wangle").visible = False
    await member.says(WORDS)
    await backup.sees_work_card("待办提醒")
    first, _second = await outbox(story, "case_alert")
    assert (first.state, first.reason) == (OutboxState.FAILED, "no channel")


async def test_what_is_wrong_with_wecom_does_not_take_wechat_away(story: Story, worker: Phone, member: Phone) -> None:
    company(story).member("wangle").visible = False
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    async with story.house.db.read() as session:
        who = await registered(story, "wangle")
        contact = await messages.contact_of(session, ident(who))
        assert contact is not None
        assert contact.unreachable_because is None


@pytest.mark.parametrize("in_wechat", [True, False], ids=["then WeChat", "then mail"])
async def test_what_wecom_would_swallow_in_a_busy_minute_goes_another_way(
    story: Story, worker: Phone, member: Phone, post: RecordedPost, in_wechat: bool
) -> None:
    await reached_by(story, "wangle", mail=ADDRESS)
    if not in_wechat:
        await without_wechat(story, "wangle")
    await member.says(WORDS)
    await many_alerts(story, 36)
    assert len(cards_of(story, "wangle")) == 30
    assert not [call for call in story.platform.calls if "丢弃" in call.result]
    in_chat = sum(bubble.kind == "card" for bubble in story.platform.users["o_wangle"].bubbles)
    assert (in_chat, len(post.sent)) == ((7, 0) if in_wechat else (0, 7))
    await story.clock.forward(minutes=1)
    await many_alerts(story, 1)
    assert len(cards_of(story, "wangle")) == 31


async def many_alerts(story: Story, n: int) -> None:
    """More about the same case, all at once."""
    case, worker = await the_case(story), await registered(story, "wangle")
    async with story.house.db.begin() as session:
        for number in range(n):
            await messages.send(
                session, "case_alert", key=f"more:{story.house.clock.now()}:{number}", to=worker, subject_id=case.id,
                params={"version": case.version, "seq": 1}, now=story.house.clock.now(), lane=Lane.URGENT,
            )  # fmt: skip
    await story.clock.settle()


# A text message, a mail


@NO_TEMPLATE
async def test_where_neither_window_nor_template_is_there_a_text_message_says_code_and_time_only(
    story: Story, worker: Phone, member: Phone, sms: RecordedSms
) -> None:
    await reached_by(story, "wangle", wecom=None, phone=NUMBER)
    await member.says(WORDS)
    (message,) = sms.sent
    assert (message.phone, message.fields) == (NUMBER, {"code": "A-0001", "time": "09:30"})
    await worker.hears_nothing()


@NO_TEMPLATE
async def test_without_a_phone_a_mail_says_it_and_the_words_lie_behind_its_link(
    story: Story, worker: Phone, member: Phone, post: RecordedPost
) -> None:
    await reached_by(story, "wangle", wecom=None, mail=ADDRESS)
    await member.says(WORDS)
    (mail,) = post.sent
    assert (mail.to, mail.subject) == (ADDRESS, "待办提醒")
    for word in ("小河", "不想活", "药"):
        assert word not in mail.text
    assert WORDS in await story.open_link(mail.text)


@NO_TEMPLATE
async def test_a_number_that_the_gateway_refuses_is_followed_by_a_mail(
    story: Story, worker: Phone, member: Phone, sms: RecordedSms, post: RecordedPost
) -> None:
    await reached_by(story, "wangle", wecom=None, phone=LANDLINE, mail=ADDRESS)
    await member.says(WORDS)
    assert (sms.sent, len(post.sent)) == ([], 1)
    assert await ways_taken(story, await outbox(story, "case_alert")) == [("sms", "unreachable"), ("mail", "sent")]


@NO_TEMPLATE
async def test_when_the_mail_server_refuses_as_well_the_next_person_is_called_at_once(
    story: Story, worker: Phone, backup: Phone, member: Phone, sms: RecordedSms, post: RecordedPost
) -> None:
    await reached_by(story, "wangle", wecom=None, phone=NUMBER, mail=ADDRESS)
    sms.failures.append(PersonUnreachable(None, "recorded/SendSms", code="number"))
    post.failures.append(PersonUnreachable(550, "smtp/to"))
    await member.says(WORDS)
    await backup.sees_work_card("待办提醒")
    first, _second = await outbox(story, "case_alert")
    assert await ways_taken(story, [first]) == [("sms", "unreachable"), ("mail", "unreachable")]


@NO_TEMPLATE
async def test_a_text_message_is_for_what_is_urgent_alone(
    story: Story, worker: Phone, member: Phone, sms: RecordedSms, post: RecordedPost
) -> None:
    await reached_by(story, "wangle", wecom=None, phone=NUMBER, mail=ADDRESS)
    await member.says("找人")
    assert (sms.sent, len(post.sent)) == ([], 1)
    assert "想找人说话" in await story.open_link(post.sent[0].text)


# The group


async def test_the_group_hears_beside_the_alert_that_something_is_to_be_done_and_nothing_else(
    story: Story, worker: Phone, member: Phone
) -> None:
    await member.says(WORDS)
    await worker.sees_work_card("待办提醒")
    assert company(story).group("duantang") == [
        "A-0001 需要尽快联系，时限 09:30 前。请值班的同事到微信或企业微信里接手。"
    ]
    await worker.presses("我来处理")
    await story.clock.forward(minutes=25)
    assert len(company(story).group("duantang")) == 1


async def test_a_robot_that_was_removed_keeps_nobody_from_being_called(
    story: Story, worker: Phone, member: Phone
) -> None:
    company(story).groups.clear()
    await member.says(WORDS)
    await worker.sees_work_card("待办提醒")
    (to_the_group,) = await outbox(story, "case_group")
    assert to_the_group.state is OutboxState.FAILED


# Who counts as reachable


@pytest.mark.parametrize("way", ["wecom", "phone", "mail"])
async def test_one_way_is_enough_to_be_called_first(
    story: Story, member: Phone, sms: RecordedSms, post: RecordedPost, way: str
) -> None:
    addresses = {"wecom": "wangle", "phone": NUMBER, "mail": ADDRESS}
    await without_wechat(story, "wangle")
    await reached_by(story, "wangle", **{name: value if name == way else None for name, value in addresses.items()})
    await member.says(WORDS)
    assert (len(cards_of(story, "wangle")), len(sms.sent), len(post.sent)) == (
        way == "wecom", way == "phone", way == "mail",
    )  # fmt: skip
    assert [await name_of(story, row) for row in await outbox(story, "case_alert")] == ["王乐"]


async def test_whom_no_way_reaches_is_not_waited_for(story: Story, backup: Phone, member: Phone) -> None:
    await reached_by(story, "wangle", wecom=None)
    await without_wechat(story, "wangle")
    await member.says(WORDS)
    await backup.sees_work_card("待办提醒")
    assert [await name_of(story, row) for row in await outbox(story, "case_alert")] == ["李红"]


async def name_of(story: Story, row: Outbox) -> str:
    async with story.house.db.read() as session:
        who = await session.get(Person, row.person_id)
        assert who is not None
        return who.name


# Whoever runs the program


async def broken(story: Story, *names: str) -> None:
    async with story.house.db.begin() as session:
        for name in names:
            await channels.alarm(session, name, "configuration", story.house.clock.now(), errcode=48001)


@WITH_OPERATOR
async def test_whoever_runs_the_program_is_mailed_each_alarm_once(story: Story, post: RecordedPost) -> None:
    await broken(story, "template", "sms", "template")
    await story.house.tower.bells["operators"].drain()
    (mail,) = post.sent
    assert (mail.to, mail.subject) == (OPERATOR, "同行：有发不出去的消息，请处理")
    lines = [line for line in mail.text.splitlines() if "48001" in line]
    assert [line.split("　")[1] for line in lines] == ["template", "sms"]
    await story.clock.forward(minutes=5)
    await broken(story, "template")
    await story.house.tower.bells["operators"].drain()
    assert len(post.sent) == 1


@WITH_OPERATOR
async def test_an_alarm_that_could_not_be_mailed_is_mailed_at_the_next_ring(story: Story, post: RecordedPost) -> None:
    await broken(story, "template")
    post.failures.append(NotSent(None, "smtp/connect"))
    await story.house.tower.bells["operators"].drain()
    assert post.sent == []
    await broken(story, "sms")
    await story.house.tower.bells["operators"].drain()
    (mail,) = post.sent
    assert "template" in mail.text
    assert "sms" in mail.text


@WITH_OPERATOR
async def test_a_wecom_that_is_set_up_wrongly_is_an_alarm_and_the_alert_goes_by_wechat(
    story: Story, worker: Phone, member: Phone, post: RecordedPost
) -> None:
    story.platform.break_next("message/send", errcode=60020, times=None)
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    await story.house.tower.bells["operators"].drain()
    (mail,) = post.sent
    assert "wecom" in mail.text
    assert "60020" in mail.text
