"""`tongxing drill`: what somebody at the keyboard sees while the house practises."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import drill_command
from app.escalations.models import CaseRow
from app.escalations.states import State
from app.messages.models import Outbox, OutboxState
from app.people.models import House
from app.watch import service as watch
from app.watch.models import Role
from tests.conftest import MONDAY, Story

TAKES_AT = MONDAY + timedelta(minutes=12)


class Screen:
    """What was printed, without the seconds of each line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, line: str) -> None:
        self.lines.append(line)


def lives_on(story: Story, meanwhile: Callable[[], Awaitable[object]] | None = None) -> drill_command.Wait:
    """While the command waits, half a minute goes by and everything happens that is due."""
    done = False

    async def wait(_seconds: float) -> None:
        nonlocal done
        await story.clock.forward(seconds=30)
        if meanwhile is not None and not done and story.house.clock.now() >= TAKES_AT:
            done = True
            await meanwhile()

    return wait


@pytest.fixture(autouse=True)
async def _a_worker_runs(story: Story) -> None:
    await beats(story)


async def beats(story: Story) -> None:
    async with story.house.db.begin() as session:
        await watch.beat(session, {Role.WORKER: "worker-of-the-test"}, story.house.clock.now())


async def cases(story: Story) -> list[CaseRow]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.id)))


async def another_house(story: Story) -> None:
    async with story.house.db.begin() as session:
        here = await session.get_one(House, 1)
        session.add(House(programme_id=here.programme_id, code="haishu", name="海曙生活小站"))


async def test_each_thing_is_printed_as_it_happens_and_then_the_report(story: Story) -> None:
    backup, screen = await story.phone("李红"), Screen()

    async def takes() -> None:
        await backup.says("接")

    taken = await drill_command.run(
        story.settings, story.house.clock, None, screen.show, wait=lives_on(story, takes)
    )  # fmt: skip
    assert taken
    assert screen.lines == [
        "09:00:00 演练 A-0001 开始：段塘生活小站",
        "09:00:00 王乐 微信卡片 送到",
        "09:10:00 李红 微信卡片 送到",
        "09:12:00 李红 接手",
        "",
        "演练 A-0001，段塘生活小站，11月23日 09:00",
        "李红 用了 12 分钟接手。",
        "第一条消息 0 秒后发出。",
        "第 1 步",
        "王乐 没有回应（09:00 微信卡片 送到）",
        "第 2 步",
        "09:10 李红 微信卡片 送到，09:12 接手",
    ]


async def test_where_nobody_takes_it_the_command_says_so_and_fails(story: Story) -> None:
    screen = Screen()
    taken = await drill_command.run(
        story.settings, story.house.clock, "duantang", screen.show, wait=lives_on(story)
    )  # fmt: skip
    assert not taken
    assert "没有人接手。叫了 3 个人，用了 35 分钟。" in screen.lines
    assert len([line for line in screen.lines if "没有回应" in line]) == 3


async def test_an_old_report_is_printed_again(story: Story) -> None:
    screen, again = Screen(), Screen()
    await drill_command.run(story.settings, story.house.clock, None, screen.show, wait=lives_on(story))
    for code in ("A-0001", "1", "a0001"):
        again.lines.clear()
        await drill_command.report(story.settings, code, again.show)
        assert again.lines == screen.lines[screen.lines.index("") + 1 :]
    for code, said in (("A-0002", "没有编号是 A-0002 的演练"), ("昨天的", "请写演练的编号")):
        with pytest.raises(ValueError, match=said):
            await drill_command.report(story.settings, code, again.show)


async def test_where_nothing_runs_that_could_send_the_drill_is_called_off_and_nobody_hears_of_it(story: Story) -> None:
    worker, boss, screen = await story.phone("王乐"), await story.phone("周敏"), Screen()

    async def nothing_runs(seconds: float) -> None:
        story.house.clock.forward(seconds=seconds)

    with pytest.raises(ValueError, match="10 秒里没有程序来发消息，演练取消了，没有人收到"):
        await drill_command.run(story.settings, story.house.clock, None, screen.show, wait=nothing_runs)
    assert story.house.clock.now() - MONDAY < timedelta(seconds=12)
    [row] = await cases(story)
    assert row.state is State.RESOLVED
    await story.clock.forward(hours=2)  # somebody starts it
    for phone in (worker, boss):
        await phone.hears_nothing()
    async with story.house.db.read() as session:
        assert {one.state for one in await session.scalars(select(Outbox).where(Outbox.kind == "case_alert"))} == {
            OutboxState.CLEARED
        }


async def test_where_no_worker_was_heard_of_lately_it_does_not_even_begin(story: Story) -> None:
    await story.clock.forward(minutes=1)
    with pytest.raises(ValueError, match="没有到点做事的程序在运行，演练不了：请先启动 tongxing serve"):
        await drill_command.run(story.settings, story.house.clock, None, Screen().show, wait=lives_on(story))
    assert await cases(story) == []


async def test_who_does_not_want_to_wait_is_told_where_the_report_will_be(story: Story) -> None:
    screen = Screen()
    assert await drill_command.run(
        story.settings, story.house.clock, None, screen.show, follow=False, wait=lives_on(story)
    )
    assert screen.lines == ["演练 A-0001 开始了。看结果：tongxing drill report A-0001"]


async def test_what_is_wrong_is_one_sentence(story: Story) -> None:
    def run(house: str | None) -> Awaitable[bool]:
        return drill_command.run(story.settings, story.house.clock, house, Screen().show, wait=lives_on(story))

    with pytest.raises(ValueError, match="没有代码是 duantan 的小站：有 duantang"):
        await run("duantan")
    await another_house(story)
    with pytest.raises(ValueError, match=r"有好几个小站：请加 --house，写其中一个的 code（duantang、haishu）"):
        await run(None)
    await drill_command.run(
        story.settings, story.house.clock, "duantang", Screen().show, follow=False, wait=lives_on(story)
    )
    with pytest.raises(ValueError, match="这个小站正在演练（A-0001）"):
        await run("duantang")
    await story.clock.forward_to(MONDAY.replace(hour=21, minute=15))
    await beats(story)
    with pytest.raises(ValueError, match=r"会响到安静时段里（没有人接的话要 35 分钟）.*--now-at-night"):
        await run("duantang")
    assert len(await cases(story)) == 1


async def test_in_a_house_where_somebody_is_in_danger_there_is_none(story: Story) -> None:
    member = await story.joined()
    await beats(story)
    await member.says("不想活了，药都攒好了")
    with pytest.raises(ValueError, match=r"有紧急的事还没有结束.*现在不演练"):
        await drill_command.run(story.settings, story.house.clock, None, Screen().show, wait=lives_on(story))
    assert [row.drill for row in await cases(story)] == [False]
