"""The ledger of WeChat's window: never a message too many, and always two left for what is urgent."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select
from sqlmodel import col

from app.messages.models import Contact
from app.messages.window import Limits, left, may_write, opened_by_message, opened_by_tap, shut, spend
from app.settings import Settings
from tests.conftest import Story

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LIMITS = Limits.of(Settings())
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def somebody() -> Contact:
    return Contact(account="wx", openid="o")


def after_a_message(at: datetime = NOON) -> Contact:
    contact = somebody()
    opened_by_message(contact, at, LIMITS)
    return contact


def after_a_tap(at: datetime = NOON) -> Contact:
    contact = somebody()
    opened_by_tap(contact, at, LIMITS)
    return contact


def how_many(contact: Contact, now: datetime, *, urgent: bool) -> int:
    """How many messages can be sent one after the other."""
    sent = 0
    while may_write(contact, now, LIMITS, urgent=urgent):
        spend(contact)
        sent += 1
    return sent


def test_the_numbers_are_those_of_wechat() -> None:
    assert Limits(5, 48 * HOUR, 3, MINUTE, reserve=2) == LIMITS


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "not urgent"])
def test_to_somebody_who_never_wrote_nothing_may_be_written(urgent: bool) -> None:
    assert not may_write(somebody(), NOON, LIMITS, urgent=urgent)


@pytest.mark.parametrize(
    ("urgent", "messages"), [(True, 5), (False, 3)], ids=["urgent: five", "not urgent: three, two are kept back"]
)
def test_a_message_opens_the_window_for_five_messages(urgent: bool, messages: int) -> None:
    assert how_many(after_a_message(), NOON, urgent=urgent) == messages


def test_what_was_kept_back_is_there_for_what_is_urgent() -> None:
    contact = after_a_message()
    assert how_many(contact, NOON, urgent=False) == 3
    assert how_many(contact, NOON, urgent=True) == 2


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "not urgent"])
def test_a_tap_opens_the_window_for_three_messages_and_keeps_none_back(urgent: bool) -> None:
    assert how_many(after_a_tap(), NOON, urgent=urgent) == 3


@pytest.mark.parametrize(
    ("contact", "lasts"), [(after_a_message(), 48 * HOUR), (after_a_tap(), MINUTE)], ids=["a message", "a tap"]
)
def test_the_window_closes_when_its_time_is_over(contact: Contact, lasts: timedelta) -> None:
    assert may_write(contact, NOON + lasts - SECOND, LIMITS, urgent=True)
    assert not may_write(contact, NOON + lasts, LIMITS, urgent=True)


def test_every_message_opens_the_window_anew() -> None:
    contact = after_a_message()
    how_many(contact, NOON, urgent=True)
    opened_by_message(contact, NOON + 47 * HOUR, LIMITS)
    assert how_many(contact, NOON + 90 * HOUR, urgent=True) == 5


def test_every_tap_opens_its_minute_anew() -> None:
    contact = after_a_tap()
    spend(contact)
    opened_by_tap(contact, NOON + 30 * SECOND, LIMITS)
    assert how_many(contact, NOON + 80 * SECOND, urgent=False) == 3


@pytest.mark.parametrize("spent", range(5))
def test_a_tap_never_narrows_what_a_message_opened_wider(spent: int) -> None:
    contact = after_a_message()
    for _ in range(spent):
        spend(contact)
    opened_by_tap(contact, NOON + HOUR, LIMITS)
    assert how_many(contact, NOON + 47 * HOUR, urgent=True) == 5 - spent


@pytest.mark.parametrize("used_up", [True, False], ids=["all five are used up", "the 48 hours are over"])
def test_a_tap_opens_a_window_that_a_message_no_longer_holds_open(used_up: bool) -> None:
    contact, now = after_a_message(), NOON + (HOUR if used_up else 49 * HOUR)
    if used_up:
        how_many(contact, NOON, urgent=True)
    opened_by_tap(contact, now, LIMITS)
    assert how_many(contact, now, urgent=False) == 3


def test_a_message_after_a_tap_opens_the_wide_window() -> None:
    contact = after_a_tap()
    opened_by_message(contact, NOON + SECOND, LIMITS)
    assert how_many(contact, NOON + 47 * HOUR, urgent=True) == 5


def test_when_wechat_says_no_the_window_is_shut_until_the_person_acts() -> None:
    contact = after_a_message()
    shut(contact)
    assert not may_write(contact, NOON, LIMITS, urgent=True)
    opened_by_message(contact, NOON + SECOND, LIMITS)
    assert may_write(contact, NOON + SECOND, LIMITS, urgent=False)


def test_spending_more_than_there_is_leaves_nothing_and_no_debt() -> None:
    contact = after_a_tap()
    for _ in range(9):
        spend(contact)
    assert contact.window_left == 0
    opened_by_tap(contact, NOON + SECOND, LIMITS)
    assert how_many(contact, NOON + SECOND, urgent=True) == 3


def test_the_ledger_says_how_many_may_still_go_and_until_when() -> None:
    contact = after_a_message()
    for number in (5, 4, 3):
        assert left(contact, NOON + HOUR) == (number, NOON + 48 * HOUR)
        spend(contact)
    assert left(after_a_tap(), NOON) == (3, NOON + MINUTE)


def test_of_a_window_that_is_shut_the_ledger_says_nothing() -> None:
    assert left(somebody(), NOON) is None
    contact = after_a_message()
    assert left(contact, NOON + 48 * HOUR) is None
    shut(contact)
    assert left(contact, NOON) is None


async def test_opening_a_link_of_the_menu_opens_no_window(story: Story) -> None:
    member = await story.joined()
    await story.clock.forward(hours=49)

    async def may_write_to_member() -> bool:
        async with story.house.db.read() as session:
            contact = (await session.scalars(select(Contact).where(col(Contact.openid) == member.openid))).one()
        return may_write(contact, story.house.clock.now(), LIMITS, urgent=True)

    assert not await may_write_to_member()
    await story.platform.view(member.openid, "http://house/p/help")
    assert not await may_write_to_member()
    await story.platform.click(member.openid, "help")
    assert await may_write_to_member()


class WindowLife(RuleBasedStateMachine):
    """A person writes and taps, we write; the platform counts by its own rule and must never have to refuse."""

    @initialize()
    def nobody_has_written(self) -> None:
        self.now = NOON
        self.contact = somebody()
        # What the platform knows: each opening gives so many messages until then, the newest of each kind counts.
        self.granted: dict[str, tuple[int, datetime]] = {}

    @rule(span=st.sampled_from([SECOND, 30 * SECOND, MINUTE, HOUR, 47 * HOUR]))
    def time_passes(self, span: timedelta) -> None:
        self.now += span

    @rule()
    def the_person_writes(self) -> None:
        opened_by_message(self.contact, self.now, LIMITS)
        self.granted = {"message": (5, self.now + 48 * HOUR)}
        assert may_write(self.contact, self.now, LIMITS, urgent=False)

    @rule()
    def the_person_taps(self) -> None:
        could = may_write(self.contact, self.now, LIMITS, urgent=True)
        opened_by_tap(self.contact, self.now, LIMITS)
        self.granted["tap"] = (3, self.now + MINUTE)
        assert may_write(self.contact, self.now, LIMITS, urgent=True) >= could

    @precondition(lambda self: may_write(self.contact, self.now, LIMITS, urgent=False))
    @rule()
    def we_write(self) -> None:
        self.spend()
        if self.contact.window_opened_by == "message":
            assert self.contact.window_left >= LIMITS.reserve, "the reserve is for what is urgent"

    @precondition(lambda self: may_write(self.contact, self.now, LIMITS, urgent=True))
    @rule()
    def we_write_something_urgent(self) -> None:
        self.spend()

    def spend(self) -> None:
        spend(self.contact)
        open_now = {kind: count for kind, (count, until) in self.granted.items() if until > self.now and count}
        assert open_now, "the platform would have refused this one"
        # The platform takes it from the window that closes first; ours must hold even so.
        kind = min(open_now, key=lambda name: self.granted[name][1])
        count, until = self.granted[kind]
        self.granted[kind] = (count - 1, until)

    @invariant()
    def our_ledger_never_promises_more_than_the_platform_gives(self) -> None:
        gives = sum(count for count, until in self.granted.values() if until > self.now)
        ours = self.contact.window_left if may_write(self.contact, self.now, LIMITS, urgent=True) else 0
        assert 0 <= ours <= gives


TestWindowLife = WindowLife.TestCase
