"""One person's story from the first scan to the end of a case, on both databases, and across a restart."""

import asyncio

import pytest
from sqlalchemy import select

from app.clock import Clock
from app.escalations import journal, log
from app.escalations.models import CaseRow
from app.escalations.states import State
from app.settings import Settings
from tests.conftest import MONDAY, Story, open_story


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_db")
        return settings.model_copy(update={"database_url": url})
    return settings


async def test_from_the_first_scan_to_the_end_of_a_case(anywhere: Settings) -> None:
    async with open_story(anywhere, Clock(frozen_at=MONDAY)) as story:
        worker, backup, member = await story.phone("王乐"), await story.phone("李红"), await story.joined()
        mother = await story.phone("小河妈妈")
        await member.says("1")
        await member.hears("给您留位了")
        await member.says("绑定家属")
        code = (await member.hears("六个数字")).splitlines()[1]
        await mother.follows()
        await mother.says(code)
        await mother.says("1")
        await story.clock.forward_to(MONDAY.replace(day=24, hour=10))
        await mother.hears("有活动", "不用特别准备")
        await member.hears("明天下午 2 点")
        await member.says("1")
        await story.wednesday(13, 45)
        await worker.says("签到码")
        await member.scans(await story.scan_page(await worker.hears("今天的四个数字")))
        await member.hears("签到好了")
        await story.wednesday(16, 30)
        await member.hears("今天心情怎么样")
        await member.says("3 还行")
        await member.hears("记下了")
        await member.says("不想活了，药都攒好了")
        await member.hears("您不用一个人扛着")
        await worker.sees_card("待办提醒")
        await story.clock.forward(minutes=10)
        await backup.sees_card("待办提醒")
        await backup.says("接")
        await backup.hears("已记录：李红")
        await member.hears("李红看到您的消息了")
        await backup.says("结果")
        for said in ("1", "0", "3"):
            await backup.says(said)
        await backup.hears("已结束")
        async with story.house.db.read() as session:
            case = await session.scalar(select(CaseRow))
            assert case is not None
            assert case.state is State.RESOLVED
            assert log.replay(await journal.entries(session, case)).state is State.RESOLVED


async def test_an_escalation_goes_on_after_a_restart(anywhere: Settings) -> None:
    async with open_story(anywhere, Clock(frozen_at=MONDAY)) as story:
        member = await story.joined()
        await member.says("不想活了，药都攒好了")
        platform, stopped_at = story.platform, story.house.clock.now()
    # Nobody was there for a quarter of an hour; the moment of the backup has passed meanwhile.
    clock = Clock(frozen_at=stopped_at)
    clock.forward(minutes=15)
    async with open_story(anywhere, clock, platform) as again:
        backup = await again.phone("李红")
        await again.clock.settle()
        assert "待办提醒" in await backup.lock_screen()


async def test_two_processes_on_one_database_send_everything_once(anywhere: Settings) -> None:
    clock = Clock(frozen_at=MONDAY)
    async with open_story(anywhere, clock) as one, open_story(anywhere, clock, one.platform) as two:
        members = [await one.joined(name) for name in ("小河", "阿珠", "阿光")]
        for member in members:
            await member.says("1")
        clock.move_to(MONDAY.replace(day=24, hour=10))
        await _both(one, two)
        for member in members:
            transcript = member.transcript()
            await member.hears("明天下午 2 点")
            assert transcript.count("明天下午 2 点") <= 1
            await member.hears_not("明天下午 2 点")
        await members[0].says("不想活了，药都攒好了")
        await _both(one, two)
        cards = [b for b in one.platform.users["o_wangle"].bubbles if b.title == "待办提醒"]
        assert len(cards) == 1


async def _both(one: Story, two: Story) -> None:
    await asyncio.gather(one.house.tower.settle(), two.house.tower.settle())
    await one.clock.settle()
