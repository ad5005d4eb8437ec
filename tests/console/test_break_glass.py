"""A worker opens somebody of another house in an emergency: for an hour, with a reason, and whoever leads hears it."""

from sqlalchemy import select

from app.db import ident
from app.messages.models import Lane, Outbox
from app.people.models import GlassBroken, House, Person, PersonView, Programme, Reason
from app.people.service import find_by_code
from app.tasks.models import Task
from tests.conftest import Story
from tests.console.clerk import Clerk
from tests.console.test_person import page_of


async def moves_away(story: Story, code: str = "xiaohe", *, programme: bool = False) -> None:
    """This member belongs to another house from now on, or to another programme."""
    async with story.house.db.begin() as session:
        who = await find_by_code(session, code)
        assert who is not None
        number = who.programme_id
        if programme:
            other = Programme(code="other", name="别的项目")
            session.add(other)
            await session.flush()
            number = ident(other)
        elsewhere = House(programme_id=number, code="elsewhere", name="另一个小站")
        session.add(elsewhere)
        await session.flush()
        who.house_id, who.programme_id = ident(elsewhere), number


async def breaks(clerk: Clerk, code: str = "xiaohe", why: str = "他打电话来求助，他的社工联系不上") -> str:
    await clerk.opens("/console/glass")
    return await clerk.presses("打开一小时，并告诉督导", code=code, why=why)


async def test_an_hour_with_a_reason_and_every_look_is_marked(story: Story) -> None:
    await story.joined()
    await moves_away(story)
    path = await page_of(story)
    async with Clerk(story, "李红") as lihong:
        await lihong.opens(path)
        assert lihong.status == 404
        page = await breaks(lihong)
        assert "您在急事里打开了他的资料" in page
        assert "tel:000-0000-0001" in page
        assert "记事" not in page
        await lihong.posts(f"{path}/notes", [("csrf", lihong.csrf), ("note", "x")])
        assert lihong.status == 404
        await lihong.opens(path)
        await story.clock.forward(minutes=61)
        await lihong.opens(path)
        assert lihong.status == 404
    async with story.house.db.read() as session:
        (broken,) = await session.scalars(select(GlassBroken))
        views = list(await session.scalars(select(PersonView)))
    assert [(view.reason, view.glass_id) for view in views] == [(Reason.GLASS, broken.id)] * 2


async def test_whoever_leads_hears_at_once_and_clears_it(story: Story) -> None:
    lead, worker = await story.phone("周敏"), await story.phone("王乐")
    await story.joined()
    await moves_away(story)
    await lead.says("待办")  # and so words reach her, not only a card
    async with Clerk(story, "李红") as lihong:
        await breaks(lihong)
    heard = await lead.hears("李红 打开了一份不归自己小站的资料")
    assert "小河" not in heard
    assert "求助" not in heard
    async with story.house.db.read() as session:
        (row,) = await session.scalars(select(Outbox).where(Outbox.kind == "glass_broken"))
        (task,) = await session.scalars(select(Task).where(Task.reason == "glass_broken"))
        zhoumin = await find_by_code(session, "zhoumin")
    assert zhoumin is not None
    assert (row.lane, task.assignee_id, task.done_at) == (Lane.URGENT, zhoumin.id, None)
    await lead.says(f"办好 T-{task.id:04d}")
    await lead.hears("要督导在控制台里看过")
    async with Clerk(story, "周敏") as desk:
        page = await desk.opens("/console/glass")
        assert "他打电话来求助" in page
        assert "小河" in page
        await desk.opens(heard.split()[-1].removeprefix("http://house"))
        assert "周敏 看过了" in await desk.presses("看过了，没有问题或已经问清楚")
        assert "▲ 急事打开" in await desk.opens(f"{await page_of(story)}/views")
    async with story.house.db.read() as session:
        done = await session.get(Task, task.id)
    assert done is not None
    assert done.done_at is not None
    await worker.hears_not("打开了一份")


async def test_breaking_it_twice_alarms_once_and_without_a_reason_not_at_all(story: Story) -> None:
    await story.joined()
    await moves_away(story)
    async with Clerk(story, "李红") as lihong:
        page = await breaks(lihong, why="急")
        assert lihong.status == 422
        assert 'value="xiaohe"' in page
        assert "为什么要看" in page
        await breaks(lihong)
        await breaks(lihong)
    async with story.house.db.read() as session:
        assert len(list(await session.scalars(select(GlassBroken)))) == 1
        assert len(list(await session.scalars(select(Outbox).where(Outbox.kind == "glass_broken")))) == 1


async def test_nothing_is_broken_for_somebody_who_is_theirs_anyway(story: Story) -> None:
    await story.joined()
    async with Clerk(story, "王乐") as wangle:
        assert "是他的社工" in await breaks(wangle)
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(GlassBroken))) == []


async def test_not_into_another_programme_nor_to_a_colleague_nor_for_a_code_that_is_none(story: Story) -> None:
    await story.joined()
    await moves_away(story, programme=True)
    async with Clerk(story, "李红") as lihong:
        for code in ("xiaohe", "zhoumin", "nobody"):
            assert "没有这个编号" in await breaks(lihong, code)
            assert lihong.status == 422


async def test_never_for_counsellors_and_never_cleared_by_a_worker(story: Story) -> None:
    await story.joined()
    await moves_away(story)
    async with Clerk(story, "李红") as lihong:
        await breaks(lihong)
        async with story.house.db.read() as session:
            (broken,) = await session.scalars(select(GlassBroken))
        await lihong.posts(f"/console/glass/{broken.id}/clear", [("csrf", lihong.csrf)])
        assert lihong.status == 404
        await lihong.opens(f"/console/glass/{broken.id}")
        assert lihong.status == 404
    async with Clerk(story, "李老师") as counsellor:
        await counsellor.posts("/console/glass", [("csrf", counsellor.csrf), ("code", "xiaohe"), ("why", "想看看他")])
        assert counsellor.status == 404
        await counsellor.opens("/console/glass")
        assert counsellor.status == 404
    async with story.house.db.read() as session:
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        (broken,) = await session.scalars(select(GlassBroken))
    assert (names[broken.by_id], broken.cleared_at) == ("李红", None)
