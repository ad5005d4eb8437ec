"""A worker that wakes up after its lease has run out: what somebody else has taken meanwhile is left alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.main import Tongxing
from app.messages.models import OutboxState
from app.messages.outbox import DELIVER
from bot.simulator import Phone
from bot.worlds import Worlds
from tests.conftest import Story
from tests.test_delivery import OFF, TEXT, contact_of, passers_by, row_of, tell, tries_of, window_shuts

A_LEASE = {"seconds": 61}


class SlowWire(httpx.AsyncBaseTransport):
    """Messages arrive at once; the answers are kept back until they are let through, in their order."""

    def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
        self._wire = wire
        self.waiting: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._wire.handle_async_request(request)
        if "/message/" in request.url.path:
            gate = asyncio.Event()
            self.waiting.put_nowait(gate)
            await gate.wait()
        return answer


class Crew:
    """Two workers over one database; what each of them sends is answered when the test says so."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.wires: list[SlowWire] = []
        self.houses: list[Tongxing] = []
        for _ in range(2):
            wire = SlowWire(story.house.worlds.wechat._transport)
            box = httpx.AsyncClient(base_url="http://box", transport=wire)
            self.wires.append(wire)
            worlds = Worlds(wechat=box, wecom=box, plain=box)
            settings = story.settings.model_copy(update={"senders": 2})
            self.houses.append(Tongxing.build(settings, story.house.clock, worlds))

    def works(self, number: int) -> asyncio.Task[int]:
        return asyncio.create_task(self.houses[number].tower.bells[DELIVER].drain())

    async def is_sending(self, number: int) -> asyncio.Event:
        """Until a message of this worker has arrived; set the answer to let the answer through."""
        return await asyncio.wait_for(self.wires[number].waiting.get(), 5)


@pytest.fixture
async def crew(story: Story) -> AsyncIterator[Crew]:
    opened = Crew(story)
    yield opened
    for house in opened.houses:
        await house.worlds.close()
        await house.db.close()


@pytest.fixture
async def member(story: Story) -> Phone:
    phone = await story.joined()
    await story.clock.settle()
    await phone.hears("想来吗")
    return phone


async def state_of(story: Story, key: str, phone: Phone) -> tuple[dict[str, Any], dict[str, Any]]:
    row, contact = await row_of(story, key), await contact_of(story, phone)
    return row.model_dump(), contact.model_dump()


async def test_what_somebody_else_has_sent_meanwhile_is_left_as_it_is(story: Story, member: Phone, crew: Crew) -> None:
    await window_shuts(story, member)
    key = await tell(story, member)
    late = crew.works(0)
    answer = await crew.is_sending(0)
    story.house.clock.forward(**A_LEASE)
    second = crew.works(1)
    (await crew.is_sending(1)).set()
    await second
    before = await state_of(story, key, member)
    assert before[0]["state"] is OutboxState.DELIVERED
    story.house.clock.forward(seconds=5)
    answer.set()
    await late
    assert await state_of(story, key, member) == before
    assert await tries_of(story, key) == [("template", "sent", None), ("template", "sent", None)]
    await member.sees_card("活动提醒")
    await member.hears_nothing()


@pytest.mark.parametrize("errcode", [None, -1, 40003, 45015, 45047, 99999])
async def test_what_somebody_else_is_sending_just_now_is_left_to_them(
    story: Story, member: Phone, crew: Crew, errcode: int | None
) -> None:
    key = await tell(story, member)
    if errcode is not None:
        story.platform.break_next(TEXT, errcode=errcode)
    late = crew.works(0)
    answer = await crew.is_sending(0)
    story.house.clock.forward(**A_LEASE)
    second = crew.works(1)
    other_answer = await crew.is_sending(1)
    before = await state_of(story, key, member)
    assert before[0]["state"] is OutboxState.SENDING
    assert before[1]["busy_with"] is not None
    answer.set()
    await late
    assert await state_of(story, key, member) == before
    other_answer.set()
    await second
    row, contact = await row_of(story, key), await contact_of(story, member)
    assert (row.state, row.attempts, contact.busy_with) == (OutboxState.SENT, 2, None)
    await member.hears(OFF)


async def test_who_stops_after_their_lease_does_not_put_back_what_somebody_else_is_sending(
    story: Story, crew: Crew
) -> None:
    people = await passers_by(story, 3)
    keys = [await tell(story, phone, "text", params={"text": "只说一次"}) for phone in people]
    late = crew.works(0)
    answers = [await crew.is_sending(0) for _ in range(2)]
    key, phone = keys[2], people[2]
    assert (await row_of(story, key)).state is OutboxState.SENDING, "it waits for its turn"
    story.house.clock.forward(**A_LEASE)
    second = crew.works(1)
    for answer_to_other in [await crew.is_sending(1) for _ in range(2)]:
        answer_to_other.set()
    last = await crew.is_sending(1)
    before = await state_of(story, key, phone)
    late.cancel()
    await row_of(story, key)  # it has heard that it is to stop before anything is answered
    for answer in answers:
        answer.set()
    with pytest.raises(asyncio.CancelledError):
        await late
    given_back = {"window_left": before[1]["window_left"] + 1}  # by the first, who did not send it
    assert await state_of(story, key, phone) == (before[0], before[1] | given_back)
    last.set()
    await second
    assert {(await row_of(story, key)).state for key in keys} == {OutboxState.SENT}
    await phone.hears("只说一次")
    await phone.hears_nothing()
