"""One-time subscription notices: one for each time that somebody allowed one, never a second, and none lost."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import Clock
from app.db import Database, ident
from app.messages import service as messages
from app.messages import subscriptions
from app.messages.models import OutboxState, Subscription
from app.settings import Settings
from app.tasks.models import Task
from app.vault import Vault
from bot.channels.rungs import SubscriptionNotice
from bot.simulator import DEMO_TEMPLATES, Phone
from tests.conftest import MONDAY, Story, beginning_of, open_story
from tests.test_delivery import calls, contact_of, row_of, tell, told, tries_of, window_shuts

NOTICE, OTHER = "TPL_NOTICE", "TPL_OTHER"
SEND = "message/subscribe/bizsend"
KEY = "a key that only tests use"
CALL = [("lost_called_off", "000-0000-0001")]

# The ledger, on both databases


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_db")
        return address
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "ledger.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
async def dbs(url: str) -> AsyncIterator[list[Database]]:
    """Two processes on one database, as far as the database can tell."""
    databases = [Database(url, Vault(KEY)) for _ in range(2)]
    yield databases
    for database in databases:
        await database.close()


@pytest.fixture
async def contact(dbs: list[Database]) -> int:
    async with dbs[0].begin() as session:
        return ident(await messages.contact_for(session, "wx", "o_1", MONDAY))


async def balance(db: Database, contact: int, template: str = NOTICE) -> int:
    async with db.read() as session:
        found = await session.scalar(
            select(col(Subscription.balance)).where(
                col(Subscription.contact_id) == contact, col(Subscription.template_id) == template
            )
        )
    return found or 0


async def allow(db: Database, contact: int, times: int = 1, template: str = NOTICE) -> None:
    async with db.begin() as session:
        for _ in range(times):
            await subscriptions.allowed(session, contact, template)


async def spend(db: Database, contact: int, template: str = NOTICE) -> bool:
    async with db.begin() as session:
        return await subscriptions.spend(session, contact, template)


async def test_each_permission_is_worth_one_and_one_that_was_not_used_comes_back(
    dbs: list[Database], contact: int
) -> None:
    db = dbs[0]
    assert not await spend(db, contact)
    await allow(db, contact, times=2)
    assert [await spend(db, contact) for _ in range(3)] == [True, True, False]
    async with db.begin() as session:
        await subscriptions.give_back(session, contact, NOTICE)
    assert [await spend(db, contact) for _ in range(2)] == [True, False]


async def test_a_permission_is_for_one_person_and_one_kind_of_notice(dbs: list[Database], contact: int) -> None:
    db = dbs[0]
    async with db.begin() as session:
        neighbour = ident(await messages.contact_for(session, "wx", "o_2", MONDAY))
    await allow(db, contact)
    assert not await spend(db, contact, OTHER)
    assert not await spend(db, neighbour)
    async with db.read() as session:
        assert await subscriptions.balances(session, [contact, neighbour]) == {(contact, NOTICE): 1}


async def test_who_refuses_takes_back_all_that_they_allowed_and_may_allow_again(
    dbs: list[Database], contact: int
) -> None:
    db = dbs[0]
    await allow(db, contact, times=3)
    async with db.begin() as session:
        await subscriptions.refused(session, contact, NOTICE, MONDAY)
    assert not await spend(db, contact)
    await allow(db, contact)
    assert [await spend(db, contact) for _ in range(2)] == [True, False]


async def test_of_two_hundred_who_want_to_spend_the_same_permission_one_does(dbs: list[Database], contact: int) -> None:
    await allow(dbs[0], contact)
    spent = await asyncio.gather(*(spend(dbs[n % 2], contact) for n in range(200)))
    assert sum(spent) == 1
    assert await balance(dbs[0], contact) == 0


async def test_control_who_looks_first_and_takes_then_takes_what_is_gone(dbs: list[Database], contact: int) -> None:
    await allow(dbs[0], contact)

    async def take(db: Database) -> None:
        async with db.begin() as session:
            await session.execute(
                update(Subscription)
                .where(col(Subscription.contact_id) == contact)
                .values(balance=col(Subscription.balance) - 1)
            )

    seen = await asyncio.gather(*(balance(dbs[n % 2], contact) for n in range(200)))
    await asyncio.gather(*(take(dbs[n % 2]) for n, left in enumerate(seen) if left > 0))
    assert await balance(dbs[0], contact) == -199


# What people tap, and what is sent


@pytest.fixture
async def story(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> AsyncIterator[Story]:
    """小河 has joined. There is no template message; whoever allows it gets a subscription notice."""
    beginning = await beginning_of(settings, tmp_path_factory, migrated_file)
    there = settings.model_copy(update={"wechat_template_activity": "", "wechat_subscription_activity": NOTICE})
    async with open_story(there, Clock(frozen_at=MONDAY), beginning=beginning.later) as opened:
        opened.platform.templates[NOTICE] = {**DEMO_TEMPLATES["TPL_ACTIVITY"], "title": "活动通知"}
        yield opened


@pytest.fixture
async def member(story: Story) -> Phone:
    phone = await story.phone("小河")
    await window_shuts(story, phone)
    return phone


async def left(story: Story, phone: Phone) -> int:
    return await balance(story.house.db, ident(await contact_of(story, phone)))


async def to_call(story: Story) -> list[tuple[str, str | None]]:
    async with story.house.db.read() as session:
        return [(t.reason, t.phone) for t in await session.scalars(select(Task).order_by(Task.id))]


async def event(story: Story, phone: Phone, name: str, **entry: str | int) -> None:
    """An event about subscriptions, as WeChat tells it."""
    holder = "".join(word.capitalize() for word in name.split("_"))
    fields: Mapping[str, Any] = {"MsgType": "event", "Event": name, holder: {"List": entry}}
    await story.platform.send_callback(phone.openid, fields)
    await story.clock.settle()


async def test_one_permission_is_one_notice_and_then_somebody_calls(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    assert await left(story, member) == 1
    key = await told(story, member)
    await member.sees_card("活动通知", 活动名称="书法")
    assert (await left(story, member), (await row_of(story, key)).state) == (0, OutboxState.DELIVERED)
    key = await told(story, member)
    await member.hears_nothing()
    assert await tries_of(story, key) == []
    assert await to_call(story) == CALL
    assert calls(story, SEND) == 1


async def test_two_things_to_say_and_one_permission(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    keys = [await tell(story, member) for _ in range(2)]
    await story.clock.settle()
    await member.sees_card("活动通知")
    await member.hears_nothing()
    states = [(await row_of(story, key)).state for key in keys]
    assert sorted(states) == [OutboxState.DELIVERED, OutboxState.FAILED]
    assert calls(story, SEND) == 1


async def test_every_yes_counts_and_a_yes_that_wechat_tells_twice_counts_once(story: Story, member: Phone) -> None:
    for _ in range(2):
        await member.accepts(NOTICE)
        await story.clock.forward(seconds=1)
    assert await left(story, member) == 2
    for _ in range(2):
        await event(
            story, member, "subscribe_msg_popup_event", TemplateId=NOTICE, SubscribeStatusString="accept", PopupScene=2
        )
    assert await left(story, member) == 3


async def test_a_no_in_the_pop_up_takes_back_what_was_allowed(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    await story.platform.accept_subscription(member.openid, NOTICE, accept=False)
    assert await left(story, member) == 0
    await told(story, member)
    assert (calls(story, SEND), await to_call(story)) == (0, CALL)


async def test_a_no_in_the_settings_takes_back_what_was_allowed(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    await event(story, member, "subscribe_msg_change_event", TemplateId=NOTICE, SubscribeStatusString="reject")
    assert await left(story, member) == 0
    await told(story, member)
    assert (calls(story, SEND), await to_call(story)) == (0, CALL)


async def test_a_no_to_another_notice_takes_nothing_back(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    await event(story, member, "subscribe_msg_change_event", TemplateId=OTHER, SubscribeStatusString="reject")
    assert await left(story, member) == 1


async def test_what_wechat_knows_better_is_put_right(story: Story, member: Phone) -> None:
    """Our ledger says one, WeChat says none (43101)."""
    await allow(story.house.db, ident(await contact_of(story, member)))
    key = await told(story, member)
    assert await tries_of(story, key) == [("subscription", "switch_channel", 43101)]
    assert await left(story, member) == 0
    assert await to_call(story) == CALL


# What becomes of a notice that was sent


@pytest.fixture
def silent(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """WeChat does not say by itself what became of a notice."""
    monkeypatch.setattr(story.platform, "tell_later", lambda *_: None)


async def hears_back(story: Story, member: Phone, errcode: int) -> None:
    await event(
        story, member, "subscribe_msg_sent_event", TemplateId=NOTICE, MsgID=4711, ErrorCode=errcode,
        ErrorStatus="success" if errcode == 0 else "failed",
    )  # fmt: skip


@pytest.mark.usefixtures("silent")
async def test_a_receipt_says_that_it_arrived(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    key = await told(story, member)
    assert (await row_of(story, key)).state is OutboxState.SENT
    await hears_back(story, member, 0)
    assert (await row_of(story, key)).state is OutboxState.DELIVERED
    assert await to_call(story) == []


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("errcode", [43101, 20004])
async def test_a_receipt_that_says_it_did_not_arrive_goes_on_to_the_next_way(
    story: Story, member: Phone, errcode: int
) -> None:
    for _ in range(2):
        await member.accepts(NOTICE)
        await story.clock.forward(seconds=1)
    key = await told(story, member)
    await hears_back(story, member, errcode)
    assert (await row_of(story, key)).state is OutboxState.FAILED
    assert calls(story, SEND) == 1
    assert await left(story, member) == (0 if errcode == 43101 else 1)
    assert await to_call(story) == CALL


@pytest.mark.usefixtures("silent")
async def test_a_text_takes_over_where_the_window_has_opened_meanwhile(story: Story, member: Phone) -> None:
    await member.accepts(NOTICE)
    await told(story, member)
    await member.says("我在")
    await hears_back(story, member, 20004)
    await member.hears("取消了，不用来了")
    assert await to_call(story) == []


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(("errcode", "state"), [(0, OutboxState.DELIVERED), (20004, OutboxState.FAILED)])
async def test_a_receipt_that_is_quicker_than_our_own_notes_counts(
    story: Story, member: Phone, monkeypatch: pytest.MonkeyPatch, errcode: int, state: OutboxState
) -> None:
    await member.accepts(NOTICE)
    send = SubscriptionNotice.send

    async def slow(self: SubscriptionNotice, *what: Any) -> str | None:
        receipt = await send(self, *what)
        fields = {"TemplateId": NOTICE, "MsgID": 4711, "ErrorCode": errcode, "ErrorStatus": "failed"}
        told = {"MsgType": "event", "Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": fields}}
        await story.platform.send_callback(member.openid, told)
        return receipt

    monkeypatch.setattr(SubscriptionNotice, "send", slow)
    key = await told(story, member)
    assert (await row_of(story, key)).state is state
    assert await to_call(story) == ([] if errcode == 0 else CALL)
