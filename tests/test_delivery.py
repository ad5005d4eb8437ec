"""How what we have to say reaches people: by which way, how often, and what happens when it does not."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from app.activities.calendar import Quiet
from app.activities.models import Occurrence
from app.clock import wall
from app.db import Database, ident
from app.messages import service as messages
from app.messages import window
from app.messages.models import Attempt, Contact, Lane, Outbox, OutboxState
from app.messages.outbox import ALERT, DELIVER
from app.messages.window import Limits
from app.people.models import Person
from app.tasks.models import Task
from app.vault import Vault
from bot.channels import deliverer
from bot.channels.deliverer import Deliverer
from bot.channels.ladder import wechat_rungs
from bot.channels.rungs import TemplateMessage
from bot.channels.settling import Outcome
from bot.channels.sorting import Enough, Sorter
from bot.simulator import Phone
from tests.conftest import MONDAY, ZONE, Story

TEXT, CARD, TOKEN = "message/custom/send", "message/template/send", "stable_token"
OFF = "取消了，不用来了"
WORDS = "不想活了，药都攒好了"
_numbers = count()


async def contact_of(story: Story, phone: Phone) -> Contact:
    async with story.house.db.read() as session:
        found = await session.scalar(select(Contact).where(Contact.openid == phone.openid))
        assert found is not None
        return found


async def occurrence(story: Story, title: str = "书法") -> Occurrence:
    async with story.house.db.read() as session:
        found = await session.scalar(
            select(Occurrence).where(Occurrence.title == title).order_by(Occurrence.starts_at)
        )  # fmt: skip
        assert found is not None
        return found


async def tell(story: Story, phone: Phone, kind: str = "called_off", *, title: str = "书法", **how: Any) -> str:
    """Put something for the owner of a phone into the outbox (that an activity is off, by default); its key."""
    contact = await contact_of(story, phone)
    what = ident(await occurrence(story, title))
    key = f"test:{next(_numbers)}"
    async with story.house.db.begin() as session:
        who = await session.get(Person, contact.person_id) if contact.person_id else None
        to: dict[str, Any] = {"to": who} if who is not None else {"contact": contact}
        await messages.send(
            session, kind, key=key, subject_id=how.pop("subject_id", what), now=story.house.clock.now(), **to, **how
        )  # fmt: skip
    return key


async def told(story: Story, phone: Phone, **how: Any) -> str:
    """The same, and let it go out."""
    key = await tell(story, phone, **how)
    await story.clock.settle()
    return key


async def row_of(story: Story, key: str) -> Outbox:
    async with story.house.db.read() as session:
        found = await session.scalar(select(Outbox).where(Outbox.key == key))
        assert found is not None
        return found


async def tries_of(story: Story, key: str) -> list[tuple[str, str, int | None]]:
    number = (await row_of(story, key)).id
    async with story.house.db.read() as session:
        found = await session.scalars(select(Attempt).where(Attempt.outbox_id == number).order_by(Attempt.id))
        return [(a.rung, a.result, a.errcode) for a in found if a.rung != "receipt"]


async def to_call(story: Story) -> list[str | None]:
    """The phone numbers on the list of people to be called."""
    async with story.house.db.read() as session:
        return [t.phone for t in await session.scalars(select(Task)) if t.kind == "call"]


def calls(story: Story, what: str) -> int:
    return sum(1 for call in story.platform.calls if call.direction == "出" and call.what == what)


async def window_shuts(story: Story, phone: Phone) -> None:
    """Two days pass for this person's window, and for nothing else."""
    story.platform.users[phone.openid].windows.clear()
    async with story.house.db.begin() as session:
        contact = await session.get(Contact, (await contact_of(story, phone)).id)
        assert contact is not None
        window.shut(contact)


async def passers_by(story: Story, n: int) -> list[Phone]:
    """People whom nobody knows, and to whom we may write."""
    phones = [await story.phone(f"路人{number}") for number in range(n)]
    for phone in phones:
        await story.platform.follow(phone.openid)
        await story.platform.message(phone.openid, "你好")
    return phones


@pytest.fixture
async def story(story: Story) -> Story:
    """Monday, 09:00 in Duantang; 小河 has just joined."""
    await story.joined()
    return story


@pytest.fixture
async def member(story: Story) -> Phone:
    """小河 has joined, was invited, and has an open window with four messages left in it."""
    phone = await story.phone("小河")
    await phone.hears("手工课", "想来吗")
    return phone


# What WeChat answers, and what follows from it


@pytest.mark.parametrize(("errcode", "seconds"), [(-1, 5), (45011, 60)])
async def test_a_busy_wechat_is_asked_again_after_a_pause(
    story: Story, member: Phone, errcode: int, seconds: int
) -> None:
    story.platform.break_next(TEXT, errcode=errcode)
    key = await told(story, member)
    await story.clock.forward(seconds=seconds - 1)
    await member.hears_nothing()
    await story.clock.forward(seconds=1)
    await member.hears(OFF)
    assert await tries_of(story, key) == [("customer", "retry", errcode), ("customer", "sent", None)]


async def test_a_wechat_that_stays_busy_is_not_asked_for_ever(story: Story, member: Phone) -> None:
    story.platform.break_next(TEXT, errcode=-1, times=None)
    key = await told(story, member)
    await story.clock.forward(hours=2)
    await member.sees_card("活动提醒", 温馨提示="取消了，不用来")
    assert [rung for rung, _, _ in await tries_of(story, key)] == ["customer"] * 8 + ["template"]


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_a_token_that_is_no_good_is_renewed_once_and_the_message_goes_out(
    story: Story, member: Phone, errcode: int
) -> None:
    before, sent = calls(story, TOKEN), calls(story, TEXT)
    story.platform.expire_token(errcode)
    key = await told(story, member)
    await member.hears(OFF)
    assert (calls(story, TOKEN) - before, calls(story, TEXT) - sent) == (1, 2)
    assert await tries_of(story, key) == [("customer", "sent", None)]


async def test_many_messages_at_once_renew_a_token_once(story: Story) -> None:
    people = await passers_by(story, 6)
    await told(story, people[0], kind="text", params={"text": "一"})
    before = calls(story, TOKEN)
    story.platform.expire_token()
    for phone in people:
        await tell(story, phone, "text", params={"text": "二"})
    await story.clock.settle()
    for phone in people:
        await phone.hears("二")
    assert calls(story, TOKEN) - before == 1


async def test_a_token_that_is_refused_again_is_not_renewed_again_and_the_next_way_is_tried(
    story: Story, member: Phone
) -> None:
    before, sent = calls(story, TOKEN), calls(story, TEXT)
    story.platform.break_next(TEXT, errcode=40001, times=None)
    await told(story, member)
    await member.sees_card("活动提醒")
    assert (calls(story, TOKEN) - before, calls(story, TEXT) - sent) == (1, 2)


@pytest.mark.parametrize("errcode", [45015, 45047])
async def test_where_a_message_may_not_go_a_card_goes_and_the_ledger_learns_it(
    story: Story, member: Phone, errcode: int
) -> None:
    story.platform.break_next(TEXT, errcode=errcode)
    key = await told(story, member)
    await member.sees_card("活动提醒", 活动名称="书法", 温馨提示="取消了，不用来")
    assert await tries_of(story, key) == [("customer", "switch_channel", errcode), ("template", "sent", None)]
    assert (await contact_of(story, member)).window_left == 0
    sent = calls(story, TEXT)
    await told(story, member)
    await member.sees_card("活动提醒")
    assert calls(story, TEXT) == sent


@pytest.mark.parametrize("errcode", [40003, 43004, 43019, 48002, 50005, 70000])
async def test_whom_wechat_cannot_reach_somebody_calls(story: Story, member: Phone, errcode: int) -> None:
    story.platform.break_next(TEXT, errcode=errcode)
    key = await told(story, member)
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.FAILED, "unreachable")
    assert await to_call(story) == ["000-0000-0001"]
    sent = calls(story, TEXT), calls(story, CARD)
    await told(story, member)
    assert (calls(story, TEXT), calls(story, CARD)) == sent
    await member.says("我在")
    await told(story, member)
    await member.hears(OFF)


async def test_content_that_wechat_refuses_is_never_sent_again_and_somebody_calls(story: Story, member: Phone) -> None:
    await window_shuts(story, member)
    fields = story.platform.templates["TPL_ACTIVITY"]["fields"]
    renamed = {("thing9" if name == "thing4" else name): label for name, label in fields.items()}
    story.platform.templates["TPL_ACTIVITY"] = {"title": "活动提醒", "fields": renamed}
    with capture_logs() as log:
        key = await told(story, member)
    await story.clock.forward(hours=2)
    assert calls(story, CARD) == 1
    assert await tries_of(story, key) == [("template", "fix_content", 47003)]
    assert (await row_of(story, key)).state is OutboxState.FAILED
    assert await to_call(story) == ["000-0000-0001"]
    assert {"content refused": "thing4"}.items() <= {e["event"]: e.get("field") for e in log}.items()


async def test_a_used_up_quota_closes_that_way_until_midnight_in_beijing(story: Story, member: Phone) -> None:
    story.platform.use_up_quota(TEXT)
    sent = calls(story, TEXT)
    key = await told(story, member)
    await member.sees_card("活动提醒")
    assert await tries_of(story, key) == [("customer", "quota", 45009), ("template", "sent", None)]
    await told(story, member)
    await member.sees_card("活动提醒")
    assert calls(story, TEXT) - sent == 1
    await story.until(9, days=1)
    await told(story, member)
    await member.hears(OFF)


async def test_what_has_no_other_way_waits_for_midnight(story: Story, member: Phone) -> None:
    story.platform.use_up_quota(TEXT)
    await told(story, member)
    key = await told(story, member, kind="text", params={"text": "明天也行"}, max_lateness=timedelta(days=1))
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.HELD, "quota")
    await story.until(0, 1, days=1)
    await member.hears("明天也行")


async def test_an_alert_still_tries_a_way_whose_quota_is_used_up(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await window_shuts(story, member)
    story.platform.use_up_quota(CARD)
    await told(story, member)
    assert calls(story, CARD) == 1
    await told(story, member)
    assert calls(story, CARD) == 1
    await member.says(WORDS)
    assert calls(story, CARD) == 2
    await worker.hears("需要尽快联系", "回 接 表示我来处理")


@pytest.mark.parametrize("errcode", [48001, 48004, 40164, 50002, 40200, 43101, 99999])
async def test_what_wechat_refuses_for_any_other_reason_goes_the_next_way(
    story: Story, member: Phone, errcode: int
) -> None:
    story.platform.break_next(TEXT, errcode=errcode)
    key = await told(story, member)
    await member.sees_card("活动提醒")
    first, second = await tries_of(story, key)
    assert (first[0], first[2], second) == ("customer", errcode, ("template", "sent", None))
    await member.hears_nothing()


async def test_when_no_way_is_left_somebody_calls(story: Story, member: Phone) -> None:
    story.platform.break_next("message/*", errcode=99999, times=None)
    key = await told(story, member)
    assert [code for _, _, code in await tries_of(story, key)] == [99999, 99999]
    assert (await row_of(story, key)).reason == "no channel"
    assert await to_call(story) == ["000-0000-0001"]
    await story.clock.forward(days=1)
    assert await to_call(story) == ["000-0000-0001"]


# A network that fails


class Unplugged(httpx.AsyncBaseTransport):
    """No connection, a number of times."""

    def __init__(self, plugged: httpx.AsyncBaseTransport, times: int) -> None:
        self.plugged, self.times = plugged, times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.times -= 1
        if self.times >= 0:
            raise httpx.ConnectError("no route to host")
        return await self.plugged.handle_async_request(request)


async def test_what_never_left_the_house_is_sent_again(
    story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = story.house.worlds.wechat
    monkeypatch.setattr(http, "_transport", Unplugged(http._transport, 2))
    key = await told(story, member)
    await member.hears_nothing()
    await story.clock.forward(seconds=35)
    await member.hears(OFF)
    await member.hears_nothing()
    assert [result for _, result, _ in await tries_of(story, key)] == ["retry", "retry", "sent"]


async def test_what_was_lost_on_the_way_is_said_after_all(story: Story, member: Phone) -> None:
    story.platform.break_next(TEXT, drop=True)
    await told(story, member)
    await member.hears_nothing()
    await story.clock.forward(seconds=5)
    await member.hears(OFF)
    await member.hears_nothing()


async def test_a_card_whose_answer_is_lost_is_repeated_and_shown_once(story: Story, member: Phone) -> None:
    await window_shuts(story, member)
    story.platform.break_next(CARD, lose_answer=True)
    key = await told(story, member)
    await story.clock.forward(minutes=1)
    await member.sees_card("活动提醒")
    await member.hears_nothing()
    assert calls(story, CARD) == 2
    assert (await row_of(story, key)).state in (OutboxState.SENT, OutboxState.DELIVERED)


async def test_a_message_whose_answer_is_lost_is_rather_said_twice_than_never(story: Story, member: Phone) -> None:
    story.platform.break_next(TEXT, lose_answer=True)
    await told(story, member)
    await story.clock.forward(minutes=1)
    await member.hears(OFF)
    await member.hears(OFF)
    await member.hears_nothing()


async def asked_how_they_are(story: Story, member: Phone) -> None:
    """Until a minute before the weekly question, with the window open."""
    await story.until(10, days=1)
    await member.says("1")
    await story.wednesday(16, 29)


async def test_how_are_you_is_not_asked_twice_when_an_answer_is_lost(story: Story, member: Phone) -> None:
    await asked_how_they_are(story, member)
    story.platform.break_next(TEXT, lose_answer=True)
    await story.clock.forward(minutes=2)
    await member.hears("今天心情怎么样")
    await story.clock.forward(hours=3)
    await member.hears_not("今天心情怎么样")
    assert await to_call(story) == []


# A crash between sending and writing down that it was sent


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of messages whose sending the process does not survive; each once."""
    kinds: list[str] = []
    dead: set[tuple[int, int]] = set()
    settle = deliverer.settle

    async def dies(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
        for outcome in outcomes:
            parcel = outcome.envelope.parcel
            if parcel.kind in kinds:
                kinds.remove(parcel.kind)
                dead.add((parcel.id, parcel.attempts))
            if (parcel.id, parcel.attempts) in dead:
                raise RuntimeError("kill -9")
        await settle(session, outcomes, now)

    monkeypatch.setattr(deliverer, "settle", dies)
    return kinds


async def test_an_alert_of_which_nobody_knows_is_sent_again_and_within_ten_minutes_shown_once(
    story: Story, member: Phone, crash: list[str]
) -> None:
    worker = await story.phone("王乐")
    crash.append("case_alert")
    await member.says(WORDS)
    await worker.sees_card("待办提醒")
    await story.clock.forward(seconds=59)
    assert calls(story, CARD) == 1
    await story.clock.forward(seconds=1)
    assert calls(story, CARD) == 2
    await worker.hears_nothing()


async def test_an_alert_of_which_nobody_knows_is_shown_twice_rather_than_never(
    story: Story, member: Phone, crash: list[str]
) -> None:
    worker = await story.phone("王乐")
    crash.append("case_alert")
    await member.says(WORDS)
    story.house.clock.forward(minutes=11)  # the machine was down for that long
    await story.clock.settle()
    await worker.sees_card("待办提醒")
    await worker.sees_card("待办提醒")


async def test_how_are_you_of_which_nobody_knows_is_not_asked_again(
    story: Story, member: Phone, crash: list[str]
) -> None:
    await asked_how_they_are(story, member)
    crash.append("mood")
    await story.clock.forward(minutes=1)
    await member.hears("今天心情怎么样")
    await story.clock.forward(hours=1)
    await member.hears_not("今天心情怎么样")
    async with story.house.db.read() as session:
        row = await session.scalar(select(Outbox).where(Outbox.kind == "mood"))
        assert row is not None
        assert (row.state, row.reason) == (OutboxState.FAILED, "outcome unknown")


async def test_a_row_that_cannot_be_composed_keeps_nobody_else_waiting(story: Story, member: Phone) -> None:
    await tell(story, member, subject_id=99999)
    await tell(story, member, kind="something of an older version")
    await told(story, member)
    await member.hears(OFF)


async def test_a_letter_that_can_never_be_composed_ends_with_a_telephone_call(story: Story, member: Phone) -> None:
    key = await told(story, member, subject_id=99999)
    await story.clock.forward(minutes=5)
    row = await row_of(story, key)
    assert (row.state, row.reason, row.attempts) == (OutboxState.FAILED, "broken", 3)
    assert await to_call(story) == ["000-0000-0001"]


# Receipts


async def alert_of(story: Story) -> Outbox:
    async with story.house.db.read() as session:
        found = await session.scalar(select(Outbox).where(Outbox.kind == "case_alert").order_by(Outbox.id))
        assert found is not None
        return found


async def test_a_receipt_says_that_it_arrived(story: Story, member: Phone) -> None:
    await window_shuts(story, member)
    key = await told(story, member)
    await member.sees_card("活动提醒")
    assert (await row_of(story, key)).state is OutboxState.DELIVERED


@pytest.mark.parametrize(("status", "state"), [("success", "delivered"), ("failed: system failed", "failed")])
async def test_a_receipt_that_is_quicker_than_our_own_notes_counts(
    story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch, status: str, state: str
) -> None:
    await window_shuts(story, member)
    story.platform.receipt_status = status
    send = TemplateMessage.send

    async def slow(self: TemplateMessage, *what: Any) -> str | None:
        receipt = await send(self, *what)
        await asyncio.gather(*story.platform._tasks)
        return receipt

    monkeypatch.setattr(TemplateMessage, "send", slow)
    key = await told(story, member)
    assert (await row_of(story, key)).state == state


async def test_an_alert_that_somebody_has_blocked_goes_to_the_next_person_at_once(story: Story, member: Phone) -> None:
    backup = await story.phone("李红")
    story.platform.users["o_wangle"].blocks_notices = True
    await member.says(WORDS)
    await backup.sees_card("待办提醒")
    assert (await alert_of(story)).state is OutboxState.FAILED


async def test_an_alert_that_wechat_lost_goes_the_other_way(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    story.platform.receipt_status = "failed: system failed"
    await member.says(WORDS)
    await worker.hears("需要尽快联系", "回 接 表示我来处理")


async def test_an_alert_that_wechat_lost_goes_to_the_next_person_where_there_is_no_other_way(
    story: Story, member: Phone
) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    await window_shuts(story, worker)
    story.platform.users["o_wangle"].loses_notices = True
    await member.says(WORDS)
    await backup.sees_card("待办提醒")
    assert (await alert_of(story)).state is OutboxState.FAILED


async def test_a_reminder_that_wechat_lost_is_said_by_telephone(story: Story, member: Phone) -> None:
    await window_shuts(story, member)
    story.platform.receipt_status = "failed: system failed"
    key = await told(story, member)
    await member.hears_nothing()
    assert (await row_of(story, key)).state is OutboxState.FAILED
    assert calls(story, CARD) == 1
    assert await to_call(story) == ["000-0000-0001"]


# The window


async def test_of_five_messages_two_are_kept_for_what_is_urgent(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    await member.says(WORDS)
    for _ in range(3):
        await told(story, member)
        await member.hears(OFF)
    await told(story, member)
    await member.sees_card("活动提醒")
    assert (await contact_of(story, member)).window_left == 2
    await worker.says("接")
    await member.hears("王乐看到您的消息了")
    assert (await contact_of(story, member)).window_left == 1


async def test_every_message_of_a_person_opens_five_again(story: Story, member: Phone) -> None:
    for _ in range(3):
        await member.says("谢谢")
        for _ in range(3):
            await told(story, member)
            await member.hears(OFF)


async def test_after_48_hours_only_a_card_may_go(story: Story, member: Phone) -> None:
    await story.clock.forward(hours=47, minutes=59)
    await told(story, member)
    await member.hears(OFF)
    await story.clock.forward(minutes=2)
    await told(story, member)
    await member.sees_card("活动提醒")
    assert all(call.ok for call in story.platform.calls)


async def test_a_tap_opens_one_minute_in_which_nothing_is_kept_back(story: Story, member: Phone) -> None:
    await window_shuts(story, member)
    await member.taps("activities")
    for _ in range(3):
        await told(story, member)
        await member.hears(OFF)
    await told(story, member)
    await member.sees_card("活动提醒")
    await member.taps("activities")
    await story.clock.forward(minutes=1)
    await told(story, member)
    await member.sees_card("活动提醒")
    assert all(call.ok for call in story.platform.calls)


# When it goes out


async def test_nobody_is_disturbed_at_night_and_everybody_hears_in_the_morning(story: Story, member: Phone) -> None:
    await story.until(22)
    key = await told(story, member)
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.HELD, "quiet")
    await story.until(8, 29, days=1)
    await member.hears_not(OFF)
    await story.clock.forward(minutes=1)
    await member.hears(OFF)


async def test_what_is_urgent_is_said_at_night(story: Story, member: Phone) -> None:
    await story.until(23)
    await told(story, member, lane=Lane.URGENT)
    await member.hears(OFF)


async def test_who_stopped_hears_nothing_more_and_is_still_looked_after(story: Story, member: Phone) -> None:
    worker = await story.phone("王乐")
    waiting = await tell(story, member, kind="moved", params={"start": MONDAY.isoformat(), "venue": "旧"})
    await story.platform.message(member.openid, "退订")
    assert (await row_of(story, waiting)).state is OutboxState.CLEARED
    key = await told(story, member)
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.MUTED, "stopped")
    await story.wednesday(17)
    await member.hears("以后不再发提醒了")
    await member.hears_nothing()
    assert await to_call(story) == []
    await member.says(WORDS)
    await member.hears("您不用一个人扛着")
    await worker.sees_card("待办提醒")
    await worker.says("接")
    await member.hears("王乐看到您的消息了")


async def test_who_starts_again_hears_again(story: Story, member: Phone) -> None:
    await member.says("退订")
    await member.says("恢复")
    await told(story, member)
    await member.hears(OFF)


async def moved(story: Story, member: Phone, title: str) -> str:
    old = wall(MONDAY.date(), MONDAY.time(), ZONE).isoformat()
    return await told(story, member, kind="moved", title=title, params={"start": old, "venue": "旧地方"})


async def test_a_fresh_question_keeps_its_numbers_for_an_hour_at_most(story: Story, member: Phone) -> None:
    key = await moved(story, member, "书法")
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.HELD, "question")
    await story.clock.forward(minutes=59)
    await member.hears_nothing()
    await story.clock.forward(minutes=1)
    await member.hears("改时间了", "书法")


async def test_once_it_is_answered_the_next_question_comes_at_once(story: Story, member: Phone) -> None:
    await moved(story, member, "书法")
    await member.says("1")
    await member.hears("给您留位了")
    await member.hears("改时间了", "书法")


async def test_news_of_what_was_asked_about_do_not_wait(story: Story, member: Phone) -> None:
    await moved(story, member, "手工课")
    await member.hears("改时间了", "手工课")


async def test_what_asks_nothing_does_not_wait_for_an_answer(story: Story, member: Phone) -> None:
    await told(story, member)
    await member.hears(OFF)


async def test_what_is_too_late_is_not_said_and_somebody_calls(story: Story, member: Phone) -> None:
    key = await tell(story, member, max_lateness=timedelta(hours=1))
    story.house.clock.forward(hours=1, seconds=1)
    await story.clock.settle()
    row = await row_of(story, key)
    assert (row.state, row.reason) == (OutboxState.EXPIRED, "too late")
    await member.hears_not(OFF)
    assert await to_call(story) == ["000-0000-0001"]


async def test_who_has_left_is_not_written_to(story: Story, member: Phone) -> None:
    await member.unfollows()
    begun = len(story.platform.calls)
    muted = await told(story, member)
    unreachable = await told(story, member, kind="text", params={"text": "晚了"}, lane=Lane.URGENT)
    assert (await row_of(story, muted)).state is OutboxState.MUTED
    assert (await row_of(story, unreachable)).state is OutboxState.FAILED
    assert not [call for call in story.platform.calls[begun:] if call.who == "小河"]


async def test_one_person_hears_things_in_the_order_they_were_said(story: Story, member: Phone) -> None:
    await member.says("谢谢")
    for n in "一二三":
        await tell(story, member, kind="text", params={"text": f"第{n}句"})
    await story.clock.settle()
    for n in "一二三":
        await member.hears(f"第{n}句")


async def test_what_is_urgent_goes_before_two_hundred_others(story: Story) -> None:
    now, account = story.house.clock.now(), story.settings.wechat_app_id
    async with story.house.db.begin() as session:
        for n in range(200):
            contact = await messages.contact_for(session, account, f"o_{n}", now)
            window.opened_by_message(contact, now, Limits.of(story.settings))
            await messages.send(session, "text", key=f"n{n}", contact=contact, params={"text": "早"}, now=now)
    worker = await story.phone("王乐")
    await story.platform.message(worker.openid, "帮助")
    for n in range(200):
        story.platform.open_window(story.platform.add_user(f"o_{n}", following=True), "message")
    key = await tell(story, worker, kind="text", params={"text": "急"}, lane=Lane.URGENT)
    begun = len(story.platform.calls)
    bells = story.house.tower.bells
    await asyncio.gather(bells[DELIVER].work(), bells[ALERT].work())
    assert (await row_of(story, key)).state is OutboxState.SENT
    sent = [call.who for call in story.platform.calls[begun:] if call.what == TEXT]
    assert len(sent) == 201
    assert sent.index("王乐") <= 3 * story.settings.senders


async def test_two_deliverers_on_one_database_say_everything_once(story: Story) -> None:
    people = await passers_by(story, 12)
    for phone in people:
        await tell(story, phone, "text", params={"text": "只说一次"})
    settings = story.settings
    other = Database(settings.database, Vault(settings.secret_key.get_secret_value()))
    quiet = Quiet(settings.quiet_from, settings.quiet_until)
    rungs = {rung.name: rung for rung in wechat_rungs(story.house.client, settings)}
    sorter = Sorter(story.house.links, rungs, quiet, Enough.of(settings), lambda _house: False)
    deliverers = [
        Deliverer(db, story.house.clock, sorter, senders=4, urgent_senders=2) for db in (story.house.db, other)
    ]
    taken = await asyncio.gather(*(deliverer.drain() for deliverer in deliverers))
    assert sum(taken) == 12
    await other.close()
    for phone in people:
        await phone.hears("只说一次")
        await phone.hears_nothing()
