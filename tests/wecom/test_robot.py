import logging
import traceback

import httpx
import pytest

from app.clock import Clock
from bot.outside import Misconfigured, OutcomeUnknown, OutsideError, TryLater, UnknownError
from bot.simulator import Platform, WorkPlatform
from bot.wecom import GroupRobot

from .conftest import ROBOT, WORDS


async def failure(robot: GroupRobot, key: str = ROBOT) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await robot.post(key, WORDS)
    return caught.value


async def test_a_post_is_read_in_the_group(robot: GroupRobot, work: WorkPlatform) -> None:
    await robot.post(ROBOT, WORDS)
    assert work.group("duantang") == [WORDS]
    assert not work.groups[ROBOT].posts[0].everybody


async def test_everybody_can_be_called(robot: GroupRobot, work: WorkPlatform) -> None:
    await robot.post(ROBOT, WORDS, mention_all=True)
    assert work.groups[ROBOT].posts[0].everybody


async def test_a_long_post_is_cut_before_it_is_refused(robot: GroupRobot, work: WorkPlatform) -> None:
    await robot.post(ROBOT, "好" * 1000)
    assert work.group("duantang") == ["好" * 682]


async def test_the_twenty_first_post_in_a_minute_has_to_wait(
    robot: GroupRobot, work: WorkPlatform, clock: Clock
) -> None:
    for _ in range(20):
        await robot.post(ROBOT, WORDS)
    error = await failure(robot)
    assert isinstance(error, TryLater)
    clock.move_to(clock.now() + error.retry_after)
    await robot.post(ROBOT, WORDS)
    assert len(work.group("duantang")) == 21


@pytest.mark.parametrize(
    ("code", "kind"), [(93000, Misconfigured), (45009, TryLater), (60020, Misconfigured), (99999, UnknownError)]
)
async def test_an_errcode_has_its_handling(
    robot: GroupRobot, platform: Platform, code: int, kind: type[OutsideError]
) -> None:
    platform.break_next("webhook/send", errcode=code)
    assert type(await failure(robot)) is kind


async def test_a_robot_that_was_removed_is_a_matter_for_operators(robot: GroupRobot) -> None:
    assert type(await failure(robot, "key-of-nobody")) is Misconfigured


async def test_an_answer_that_was_lost_leaves_the_outcome_open(
    robot: GroupRobot, platform: Platform, work: WorkPlatform
) -> None:
    platform.break_next("webhook/send", lose_answer=True)
    assert type(await failure(robot)) is OutcomeUnknown
    assert work.group("duantang") == [WORDS]


@pytest.mark.parametrize("code", [None, 93000])
async def test_neither_key_nor_words_are_told(
    robot: GroupRobot, platform: Platform, caplog: pytest.LogCaptureFixture, code: int | None
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.break_next("webhook/send", errcode=code, drop=code is None)
    error = await failure(robot)
    told = "".join(traceback.format_exception(error)) + repr(vars(error)) + caplog.text
    assert ROBOT not in told
    assert WORDS not in told
    await robot.post(ROBOT, WORDS)
    assert ROBOT not in caplog.text


async def test_the_key_travels_in_the_query_alone(clock: Clock) -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"errcode": 0})

    web = httpx.AsyncClient(base_url="http://box", transport=httpx.MockTransport(note))
    robot = GroupRobot(web, clock=clock)
    await robot.post(ROBOT, WORDS)
    assert ROBOT.encode() not in asked[0].content
    assert "access_token" not in asked[0].url.params
