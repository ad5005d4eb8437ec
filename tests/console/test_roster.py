"""值班 in the console: what it shows, who is put on and taken off, swaps, weekly hours, and who may do what."""

from datetime import UTC, datetime

from sqlalchemy import select

from app.duty.models import CalendarDay, Change, ChangeState, Duty, RotaEdit
from app.people.models import House, Person
from tests.conftest import MONDAY, Story
from tests.console.clerk import Clerk
from tests.console.things import another_house, things

ROTA = "/console/roster"


async def number(story: Story, name: str) -> str:
    async with story.house.db.read() as session:
        return str(next(one.id for one in await session.scalars(select(Person)) if one.name == name))


async def changes_made(story: Story) -> list[Change]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(Change).order_by(Change.id)))


# What it shows


async def test_the_rota_shows_who_is_there_in_the_next_fourteen_days_and_when_nobody_is(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(ROTA)
    assert "现在值班：王乐，到今天 17:00" in page
    assert page.count('<li class="card') == 14
    assert "11月23日周一" in page
    assert "12月6日周日" in page
    assert "王乐 08:30-17:00" in page
    assert "李红 09:00-12:00" in page
    assert "没有人值班 17:00-08:30" in page
    assert "没有人值班 12:00-11月30日 08:30" in page
    assert page.count("这一天没有人值班") == 2, "both Sundays"


async def test_a_counsellor_sees_the_rota_and_can_change_nothing_of_it(story: Story) -> None:
    async with Clerk(story, "李老师") as lilaoshi:
        assert "王乐 08:30-17:00" in await lilaoshi.opens(ROTA)
        assert lilaoshi.buttons == []
        mark, house = lilaoshi.csrf, (await things(story.house, 1))["house"]
        for path in ("on", "off", "swaps", "lines", "days"):
            await lilaoshi.posts(f"{ROTA}/{house}/{path}", [("csrf", mark)])
            assert lilaoshi.status == 404


async def test_a_worker_can_ask_for_a_swap_and_cannot_put_anybody_on(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(ROTA)
        assert wangle.buttons == ["问一问"]
        await wangle.posts(f"{ROTA}/1/on", [("csrf", wangle.csrf), ("person", "1")])
        assert wangle.status == 404


# A supervisor says who is there


async def test_a_supervisor_puts_somebody_on_and_sees_what_became_different(story: Story) -> None:
    lihong = await story.phone("李红")
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ROTA)
        await zhoumin.presses(
            "排上", person=await number(story, "李红"), day="2026-11-24", starts="18:00", ends="06:00"
        )  # fmt: skip
        assert zhoumin.status == 200
        assert "加了 李红 11月24日（周二）18:00-06:00" in zhoumin.page
        assert "多了 李红 11月24日（周二）18:00-06:00" in zhoumin.page
        assert "少了" not in zhoumin.page
        assert "改过" in zhoumin.page
        assert "（周敏 今天 09:00 记的）" in zhoumin.page
        await lihong.sees_card("待办提醒")
        await zhoumin.presses("撤回")
        assert "撤回了 李红" in zhoumin.page
        assert "少了 李红 11月24日（周二）18:00-06:00" in zhoumin.page
        assert "撤回" not in zhoumin.buttons
    assert [change.state for change in await changes_made(story)] == [ChangeState.WITHDRAWN], "the history stays"


async def test_taking_off_the_only_one_is_done_and_warned_of(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ROTA)
        await zhoumin.presses("记下不值班", person=await number(story, "王乐"), day="2026-11-24", last="2026-11-25")
        assert "少了 王乐 11月24日（周二）08:30-17:00" in zhoumin.page
        assert "少了 王乐 11月25日（周三）08:30-17:00" in zhoumin.page
        assert "11月24日（周二）08:30-17:00 没有人值班了" in zhoumin.page
        assert zhoumin.page.count("这一天没有人值班") == 3 or "没有人值班 17:00-11月26日 08:30" in zhoumin.page


async def test_a_ladder_that_would_find_nobody_is_said_after_a_change(story: Story) -> None:
    async with story.house.db.begin() as session:
        for one in await session.scalars(select(Person).where(Person.backup_id.is_not(None))):  # type: ignore[union-attr]
            one.backup_id = None
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ROTA)
        await zhoumin.presses("记下不值班", person=await number(story, "王乐"), day="2026-11-24")
        assert "请留意，这样有人求助时" in zhoumin.page
        assert "第 2 步一个人也找不到" in zhoumin.page


async def test_what_has_begun_ends_when_it_is_undone_and_what_was_worked_stays(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ROTA)
        await zhoumin.presses(
            "排上", person=await number(story, "李红"), day="2026-11-23", starts="10:00", ends="12:00"
        )  # fmt: skip
        await story.until(11)
        await zhoumin.opens(ROTA)
        await zhoumin.presses("撤回")
    (change,) = await changes_made(story)
    assert (change.state, change.ends_at) == (ChangeState.AGREED, datetime(2026, 11, 23, 3, 0, tzinfo=UTC))


async def test_a_button_pressed_on_an_old_page_changes_nothing(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(ROTA)
        await zhoumin.presses(
            "排上", person=await number(story, "李红"), day="2026-11-23", starts="10:00", ends="12:00"
        )  # fmt: skip
        old = zhoumin.button("撤回")
        await story.until(13)
        await zhoumin.presses(old)
        assert "没有改动：这一条已经过了" in zhoumin.page


async def test_what_is_typed_wrong_is_said_and_nothing_of_it_is_lost(story: Story) -> None:
    who = await number(story, "李红")
    async with Clerk(story, "周敏") as zhoumin:
        for filled, sentence in (
            ({"person": "", "day": "2026-11-24", "starts": "08:00", "ends": "09:00"}, "请选是谁"),
            ({"person": who, "day": "", "starts": "08:00", "ends": "09:00"}, "请选一天"),
            ({"person": who, "day": "2026-11-24", "starts": "08:00", "ends": ""}, "请写几点开始、几点结束"),
            ({"person": who, "day": "2026-11-24", "starts": "08:00", "ends": "08:00"}, "同一个时间"),
            ({"person": who, "day": "2028-11-24", "starts": "08:00", "ends": "09:00"}, "半年以内"),
            ({"person": who, "day": "2026-11-23", "starts": "07:00", "ends": "08:00"}, "已经过了"),
        ):
            await zhoumin.opens(ROTA)
            await zhoumin.presses("排上", **filled)
            assert zhoumin.status == 422
            assert sentence in zhoumin.page
            kept = next(form for form in zhoumin.forms if form.action.endswith("/on")).fields
            assert {name: kept[name] for name in filled} == filled
        await zhoumin.presses("记下不值班", person=who, day="2026-11-24")
        assert "李红 在这里没有班" in zhoumin.page
        await zhoumin.presses("记下不值班", person=who, day="2026-11-28", last="2026-11-27")
        assert "最后一天比第一天早" in zhoumin.page
    assert await changes_made(story) == []


# Swaps


async def test_a_swap_is_asked_agreed_and_shown(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle, Clerk(story, "李红") as lihong:
        await wangle.opens(ROTA)
        await wangle.presses("问一问", person=await number(story, "李红"), day="2026-11-24", back="2026-11-28")
        assert "已经问了。对方同意以前，班都不变" in wangle.page
        assert "王乐 08:30-17:00" in wangle.page
        await lihong.opens(ROTA)
        assert "王乐 想和您换班：您值 11月24日（周二）08:30-17:00，王乐 值 11月28日（周六）09:00-12:00" in lihong.page
        old = lihong.button("不行")
        await lihong.presses("可以")
        assert "多了 李红 11月24日（周二）08:30-17:00" in lihong.page
        assert "李红 替 王乐 11月24日（周二）08:30-17:00" in lihong.page
        await lihong.presses(old)
        assert "这次换班已经不算了" in lihong.page
    worker = await story.phone("王乐")
    await worker.sees_card("待办提醒")
    assert {change.state for change in await changes_made(story)} == {ChangeState.AGREED}


async def test_a_swap_is_declined_or_taken_back(story: Story) -> None:
    lihong_is = await number(story, "李红")
    async with Clerk(story, "王乐") as wangle, Clerk(story, "李红") as lihong:
        await wangle.opens(ROTA)
        await wangle.presses("问一问", person=lihong_is, day="2026-11-24")
        await lihong.opens(ROTA)
        await lihong.presses("不行")
        assert "好，不换" in lihong.page
        await wangle.presses("问一问", person=lihong_is, day="2026-11-25")
        await wangle.presses("不换了")
        assert "好，不换了" in wangle.page
    assert [c.state for c in await changes_made(story)] == [ChangeState.DECLINED, ChangeState.WITHDRAWN]


async def test_nobody_says_yes_for_somebody_else(story: Story) -> None:
    """Neither with the row that stands for the swap nor with one of the others that belong to it."""
    async with Clerk(story, "王乐") as wangle, Clerk(story, "周敏") as zhoumin:
        await wangle.opens(ROTA)
        await wangle.presses("问一问", person=await number(story, "李红"), day="2026-11-24", back="2026-11-28")
        for change in await changes_made(story):
            for clerk in (wangle, zhoumin):
                await clerk.opens(ROTA)
                await clerk.posts(f"{ROTA}/swaps/{change.id}/agree", [("csrf", clerk.csrf)])
                assert clerk.status == 404
    assert {change.state for change in await changes_made(story)} == {ChangeState.PROPOSED}


async def test_what_cannot_be_swapped_is_said_in_the_words_of_the_chat(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(ROTA)
        await wangle.presses("问一问", person=await number(story, "李红"), day="2026-11-28")
        assert wangle.status == 422
        assert "您 11月28日 没有班" in wangle.page


# Weekly hours and special days


async def test_weekly_hours_are_added_and_removed_and_whose_word_holds_is_said(story: Story) -> None:
    weekly = f"{ROTA}/1/weekly"
    who = await number(story, "李红")
    async with Clerk(story, "周敏") as zhoumin:
        page = await zhoumin.opens(weekly)
        assert "周六 09:00 到 12:00" in page
        assert "项目文件" in page
        await zhoumin.presses("加上", person=who, weekday=["1", "2"], starts="22:00", ends="06:00")
        assert "周二 22:00 到第二天 06:00" in zhoumin.page
        assert "多了 李红 11月24日（周二）22:00-06:00" in zhoumin.page
        assert "李红 的班在这里改过" in zhoumin.page
        assert "在这里改过" in zhoumin.page
        await zhoumin.presses("加上", person=who, weekday="1", starts="08:00", ends="09:00")
        assert zhoumin.status == 422
        assert "李红 周二 22:00 到第二天 06:00 已经有班了" in zhoumin.page
        await zhoumin.presses("加上", person=who, weekday=[], starts="08:00", ends="09:00")
        assert "请选周几" in zhoumin.page
        await zhoumin.opens(weekly)
        before = len(zhoumin.buttons)
        await zhoumin.presses("去掉", nth=zhoumin.buttons.count("去掉") - 1)
        assert "少了 李红 11月28日（周六）09:00-12:00" in zhoumin.page
        assert len(zhoumin.buttons) == before - 1
        await zhoumin.presses("交还给项目文件")
        assert "李红 的班在这里改过" not in zhoumin.page
        assert "交还给项目文件" in zhoumin.page, "the log says so"
    async with story.house.db.read() as session:
        edits = [edit.what.value for edit in await session.scalars(select(RotaEdit).order_by(RotaEdit.id))]
        assert edits == ["line_added", "line_removed", "file_again"]
        assert len(list(await session.scalars(select(Duty).where(Duty.person_id == int(who))))) == 2


async def test_a_house_is_closed_on_a_day_and_open_again(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(f"{ROTA}/1/weekly")
        await zhoumin.presses("记下", day="2026-11-24")
        assert "请选放假还是上班" in zhoumin.page
        await zhoumin.presses("记下", day="2026-11-24", kind="off")
        assert "少了 王乐 11月24日（周二）08:30-17:00" in zhoumin.page
        assert "放假（周敏 记的）" in zhoumin.page
        await zhoumin.presses("记下", day="2026-11-28", kind="working", hours_of="0")
        assert "多了 王乐 11月28日（周六）08:30-17:00" in zhoumin.page
        assert "上班，按周一的班（周敏 记的）" in await zhoumin.opens(ROTA)
        await zhoumin.opens(f"{ROTA}/1/weekly")
        await zhoumin.presses("不算了")
        assert "多了 王乐 11月24日（周二）08:30-17:00" in zhoumin.page
    async with story.house.db.read() as session:
        assert len(list(await session.scalars(select(CalendarDay)))) == 1


async def test_national_day_is_shown_with_who_says_so(story: Story) -> None:
    await story.clock.forward_to(MONDAY.replace(month=12, day=28))
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(ROTA)
        assert "1月1日周五" in page
        assert "放假（国家日历）" in page
        assert "2027 年哪天调休还不知道" in page


# Another house


async def test_a_supervisor_of_the_programme_chooses_among_the_houses(story: Story) -> None:
    elsewhere = await another_house(story.house)
    async with Clerk(story, "周敏") as zhoumin, Clerk(story, "王乐") as wangle:
        assert "石碶小站" in await zhoumin.opens(ROTA)
        assert "石碶小站值班" in await zhoumin.opens(f"{ROTA}/{elsewhere}")
        await zhoumin.posts(
            f"{ROTA}/{elsewhere}/on",
            [("csrf", zhoumin.csrf), ("person", await number(story, "王乐")), ("day", "2026-11-24")],
        )
        assert zhoumin.status == 404, "nobody of that house"
        assert "石碶小站" not in await wangle.opens(ROTA)
        theirs = await things(story.house, elsewhere)
        await wangle.opens(f"{ROTA}?edit=1")
        for path in (f"changes/{theirs['change']}/undo", f"lines/{theirs['line']}/remove"):
            await wangle.opens(ROTA)
            await wangle.posts(f"{ROTA}/{path}", [("csrf", wangle.csrf)])
            assert wangle.status == 404


async def test_an_edit_of_another_house_is_not_there(story: Story) -> None:
    elsewhere = await another_house(story.house)
    async with Clerk(story, "周敏") as zhoumin, Clerk(story, "王乐") as wangle:
        await zhoumin.opens(f"{ROTA}/{elsewhere}/weekly")
        await zhoumin.presses("记下", day="2026-11-24", kind="off")
        edit = zhoumin.at.rsplit("=", 1)[1]
        await wangle.opens(f"{ROTA}?edit={edit}")
        assert wangle.status == 404
    async with story.house.db.read() as session:
        assert len(list(await session.scalars(select(House)))) == 2
