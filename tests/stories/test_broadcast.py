"""One text to very many: stopped at once, resumed without a repeat, and never in the way of what is urgent."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.clock import Clock
from app.messages import broadcasts
from app.messages.models import OutboxState
from app.messages.outbox import ALERT, DELIVER
from app.settings import GivenSettings, Settings
from bot.channels import deliverer
from bot.channels.settling import Outcome
from tests.conftest import MONDAY, Story, open_story
from tests.stories.ways import BareApi, announce, crowd, here, instead_of_wechat, no_activities, tasks

WORDS = "不想活了，药都攒好了"
MANY = 200
SENDERS = 8
# What can be in the senders' hands at one moment, with what lies ready for them.
IN_HAND = 2 * SENDERS


@pytest.fixture
def installation() -> dict[str, Any]:
    return {"senders": SENDERS}


@pytest.fixture
async def story(settings: Settings, installation: dict[str, Any]) -> AsyncIterator[Story]:
    """Monday, 09:00, and nothing planned."""
    house = GivenSettings.model_validate({**settings.model_dump(), "wechat_calls_a_second": 1e6, **installation})
    async with open_story(house, Clock(frozen_at=MONDAY)) as opened:
        await no_activities(opened)
        yield opened


@pytest.fixture
async def api(story: Story) -> BareApi:
    """Nobody plays the members: WeChat only takes what it is given."""
    api = BareApi()
    instead_of_wechat(story, api)
    return api


@pytest.fixture
async def everybody(story: Story, api: BareApi) -> int:
    await crowd(story, MANY)
    return MANY


async def stop(story: Story, cast: int) -> int:
    async with story.house.db.begin() as session:
        return await broadcasts.stop(session, cast)


async def resume(story: Story, cast: int) -> int:
    async with story.house.db.begin() as session:
        return await broadcasts.resume(session, cast, story.house.clock.now())


async def counts(story: Story, cast: int) -> dict[OutboxState, int]:
    async with story.house.db.read() as session:
        return await broadcasts.counts(session, cast)


def going_out(story: Story) -> asyncio.Task[int]:
    """The deliverer at its work, while the test goes on."""
    return asyncio.create_task(story.house.tower.bells[DELIVER].drain())


def everybody_once(n: int) -> Counter[str]:
    return Counter(f"o_c{number}" for number in range(n))


async def test_everybody_who_joined_is_told_once(story: Story, api: BareApi, everybody: int) -> None:
    cast = await announce(story)
    await going_out(story)
    assert Counter(api.openids) == everybody_once(everybody)
    assert await counts(story, cast) == {OutboxState.SENT: everybody}


async def test_once_it_is_stopped_nothing_more_leaves_but_what_was_in_hand(
    story: Story, api: BareApi, everybody: int
) -> None:
    cast = await announce(story)
    work = going_out(story)
    await api.after(50)
    await stop(story, cast)
    told, in_hand = len(api.taken), (await counts(story, cast)).get(OutboxState.SENDING, 0)
    await work
    assert in_hand <= IN_HAND
    assert len(api.taken) <= told + IN_HAND
    assert await counts(story, cast) == {
        OutboxState.SENT: len(api.taken), OutboxState.HELD: everybody - len(api.taken),
    }  # fmt: skip
    await story.clock.forward(hours=2)
    assert len(api.taken) <= told + IN_HAND


async def test_what_lies_ready_when_it_is_stopped_is_put_back(story: Story, api: BareApi, everybody: int) -> None:
    cast = await announce(story)
    api.slower = 0.05  # so that the stop is seen before all that lies ready has been begun
    work = going_out(story)
    await api.asked(SENDERS)
    assert await counts(story, cast) == {OutboxState.SENDING: IN_HAND, OutboxState.QUEUED: everybody - IN_HAND}
    await stop(story, cast)
    await work
    assert len(api.taken) < IN_HAND
    await resume(story, cast)
    api.slower = 0
    await going_out(story)
    assert Counter(api.openids) == everybody_once(everybody)


async def test_resumed_it_goes_to_everybody_else_and_to_nobody_twice(
    story: Story, api: BareApi, everybody: int
) -> None:
    cast = await announce(story)
    for told in (40, 90, 130):
        work = going_out(story)
        await api.after(told)
        await stop(story, cast)
        assert await stop(story, cast) == 0
        await work
        left = everybody - len(api.taken)
        assert left > 0
        assert await resume(story, cast) == left
    assert await resume(story, cast) == 0
    await going_out(story)
    assert Counter(api.openids) == everybody_once(everybody)
    assert await counts(story, cast) == {OutboxState.SENT: everybody}


async def test_what_may_have_left_before_a_crash_is_not_said_again_when_it_is_resumed(
    story: Story, api: BareApi, everybody: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, died = deliverer.settle, []

    async def dies(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
        if not died and len(api.taken) > 50:
            died.extend(outcome.envelope.parcel.id for outcome in outcomes)
        if any(outcome.envelope.parcel.id in died for outcome in outcomes):
            raise RuntimeError("kill -9")
        await settle(session, outcomes, now)

    monkeypatch.setattr(deliverer, "settle", dies)
    cast = await announce(story)
    with capture_logs():  # a crash writes none
        work = going_out(story)
        await api.after(60)
        await stop(story, cast)
        await work
    await story.clock.forward(minutes=5)
    await resume(story, cast)
    await going_out(story)
    assert Counter(api.openids) == everybody_once(everybody)
    assert await counts(story, cast) == {OutboxState.SENT: everybody - len(died), OutboxState.FAILED: len(died)}
    assert await tasks(story) == []


async def test_one_that_nobody_resumes_ends_when_it_is_too_old(story: Story, api: BareApi, everybody: int) -> None:
    cast = await announce(story)
    await stop(story, cast)
    await story.clock.forward(hours=24)
    assert await counts(story, cast) == {OutboxState.HELD: everybody}
    await story.clock.forward(seconds=1)
    assert await counts(story, cast) == {OutboxState.EXPIRED: everybody}
    assert (api.taken, await tasks(story)) == ([], [])


async def test_resumed_too_late_it_is_not_said_any_more(story: Story, api: BareApi, everybody: int) -> None:
    cast = await announce(story)
    await stop(story, cast)
    story.house.clock.forward(days=2)
    await resume(story, cast)
    await story.clock.settle()
    assert await counts(story, cast) == {OutboxState.EXPIRED: everybody}
    assert api.taken == []


async def test_what_is_urgent_goes_out_in_the_middle_of_it(story: Story, api: BareApi, everybody: int) -> None:
    member = await here(story)
    cast = await announce(story)
    story.house.tower.start((DELIVER, ALERT))
    await api.after(50)
    raised = len(api.taken)
    await story.platform.message(member.openid, WORDS)
    await api.after(everybody + 2)  # to each of them, to 小河, and to 王乐
    at = api.openids.index("o_wangle")
    assert raised <= at < everybody
    assert at - raised < everybody // 2
    await story.house.tower.stop()
    await going_out(story)
    assert await counts(story, cast) == {OutboxState.SENT: everybody + 1}


async def test_only_whoever_follows_and_wants_to_hear_is_told(story: Story, api: BareApi) -> None:
    for code, name in (("xiaohe", "小河"), ("azhu", "阿珠"), ("aguang", "阿光")):
        await here(story, code, name)
    await story.platform.message("o_azhu", "退订")
    await story.platform.unfollow("o_aguang")
    await announce(story)
    await going_out(story)
    assert api.openids == ["o_xiaohe"]


async def test_at_night_it_waits_for_the_morning_and_can_be_stopped_until_then(
    story: Story, api: BareApi, everybody: int
) -> None:
    await story.until(22)
    cast = await announce(story)
    await story.clock.settle()
    assert await stop(story, cast) == everybody
    await story.until(9, days=1)
    assert api.taken == []
    await resume(story, cast)
    await story.clock.settle()
    assert Counter(api.openids) == everybody_once(everybody)


# As many as an account may have


@pytest.mark.slow
@pytest.mark.parametrize("installation", [{"senders": 50}])
async def test_a_hundred_thousand_are_stopped_resumed_and_overtaken(story: Story, api: BareApi) -> None:
    n, in_hand, api.patience = 100_000, 75, 600
    await crowd(story, n)
    member = await here(story)
    cast = await announce(story)
    story.house.tower.start((DELIVER, ALERT))
    await api.after(20_000)
    await stop(story, cast)
    told = len(api.taken)
    await going_out(story)
    assert len(api.taken) <= told + in_hand
    await resume(story, cast)
    await api.after(50_000)
    began = time.perf_counter()
    await story.platform.message(member.openid, WORDS)
    await api.after(60_000)
    alerted = next(at for openid, at in api.taken if openid == "o_wangle")
    assert alerted - began < 10
    await going_out(story)
    assert Counter(api.openids) == everybody_once(n) + Counter(["o_wangle", member.openid])
    assert await counts(story, cast) == {OutboxState.SENT: n + 1}
