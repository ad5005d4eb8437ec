"""Activities at the console, with a thumb and no script: the calendar, the list, a change that is looked at first."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.activities import sheet
from app.activities.machine import Absence, Answer
from app.activities.models import Attendance, Occurrence, Rsvp, State
from app.db import ident
from app.messages.models import Outbox
from app.people.models import Person, Role
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.console.clerk import Clerk
from tests.stories.test_meetings import handicraft, person, there, told

ROOM_LEFT = 50_000  # of the 80 kB of a page, beside the script and the style as they are sent


async def address(story: Story) -> str:
    async with story.house.db.read() as session:
        return f"/console/activities/{(await handicraft(session)).id}"


async def number(story: Story, name: str) -> int:
    async with story.house.db.read() as session:
        return ident(await person(session, name))


async def coming(story: Story, *names: str) -> dict[str, Phone]:
    """These people are in, and say that they come to the handicraft group."""
    phones = {name: await story.joined(name, mood=False) for name in names}
    for phone in phones.values():
        await phone.says("1")
    return phones


# The calendar


@pytest.mark.parametrize("name", ["李老师", "王乐", "周敏"])
async def test_the_calendar_shows_what_is_on_and_who_comes(story: Story, name: str) -> None:
    await coming(story, "小河", "阿珠")
    async with Clerk(story, name) as clerk:
        page = await clerk.opens("/console/activities")
        assert "2026年11月" in page
        assert "手工课" in page
        assert "来 2" in page
        assert "11月25日 周三" in page
        await clerk.opens(re.findall(r'href="([^"]*month=2026-12[^"]*)"', page)[0].replace("&amp;", "&"))
        assert "2026年12月" in clerk.page
        assert "12月2日" in clerk.page
        grid = await clerk.opens("/console/activities?month=2026-11&view=grid")
        assert grid.count('scope="col"') == 7
        assert "手工课" in grid
        for odd in ("2026-13", "x", "9999-12", "0001-01"):
            assert "2026年11月" in await clerk.opens(f"/console/activities?month={odd}")


async def test_an_activity_is_arranged_once_however_often_the_form_is_sent(story: Story) -> None:
    member = await story.joined()
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens("/console/activities")
        await clerk.opens("/console/activities/new")
        pressed = clerk.button("安排好")
        for _ in range(2):
            page = await clerk.presses(pressed, title="包饺子", day="2026-11-24", at="14:00")
            assert "包饺子" in page
            assert "11月24日（周二）14:00-15:30" in page
    async with story.house.db.read() as session:
        assert len((await session.scalars(select(Occurrence).where(Occurrence.title == "包饺子"))).all()) == 1
    await story.until(9, days=1)
    await member.hears("包饺子")


async def test_a_series_is_arranged_from_its_first_day(story: Story) -> None:
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens("/console/activities/new")
        page = await clerk.presses("安排好", title="散步", day="2026-12-03", rhythm="fortnightly", until="2026-12-31")
        assert page.count("散步") == 3
        assert all(f"12月{day}日" in page for day in (3, 17, 31))
        assert "没想好 0" in page


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"title": " "}, "请写活动名称"),
        ({"title": "很" * 21}, "20 个字以内"),
        ({"title": "精神病友会"}, "请换一个平常的说法"),
        ({"venue": ""}, "请写在哪里"),
        ({"venue": "精神病院一楼"}, "请换一个说法"),
        ({"day": ""}, "请选是哪天"),
        ({"day": "2026-11-20"}, "这个时间已经过了"),
        ({"at": "下午"}, "比如 14:00"),
        ({"minutes": "一个半小时"}, "比如 90"),
        ({"minutes": "5"}, "10 到 720"),
        ({"rhythm": "weekly", "until": "2026-11-25"}, "在开始之前"),
        ({"rhythm": "monthly_last", "day": "2026-12-01"}, "不是这个月最后一个"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_that_was_typed_is_lost(
    story: Story, filled: dict[str, str], said: str
) -> None:
    given = {"title": "下棋", "day": "2026-11-28", "at": "15:00", "minutes": "60", "venue": "二楼小房间", **filled}
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens("/console/activities/new")
        before = clerk.button("安排好").form.fields["token"]
        page = await clerk.presses("安排好", **given)
        assert (clerk.status, said in page) == (422, True)
        again = clerk.button("安排好").form.fields
        assert {name: again[name] for name in given} == given
        assert again["token"] == before
    async with story.house.db.read() as session:
        assert (await session.scalars(select(Occurrence).where(Occurrence.title == "下棋"))).all() == []


async def test_nothing_is_arranged_in_a_house_of_others(story: Story) -> None:
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens("/console/activities/new")
        form = clerk.button("安排好").form
        for house in ("999", "x", "", "²"):
            sent = [(name, value) for name, value in form.filled({}) if name != "house"]
            await clerk.posts("/console/activities/new", [*sent, ("house", house)])
            assert clerk.status == 404


# The list


async def test_the_list_is_ticked_in_one_form_without_a_script(story: Story) -> None:
    await coming(story, "小河", "阿珠")
    await story.wednesday(14)
    here, pearl, light = [await number(story, name) for name in ("小河", "阿珠", "阿光")]
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/list")
        assert clerk.button("记下").form.choices["there"] == [f"{n}.0" for n in (here, pearl, light)]
        pressed = clerk.button("记下")
        page = await clerk.presses(pressed, there=[f"{here}.0", f"{light}.0"])
        assert "记下了 2 人" in page
        assert "到了 2" in page
        assert "李老师 记的" in page
        page = await clerk.presses(pressed, there=[f"{here}.0", f"{light}.0"])
        assert "2 人之前已经记过" in page
    assert await there(story) == {"小河", "阿光"}
    async with story.house.db.read() as session:
        marks = {m.person_id: m.walk_in for m in await session.scalars(select(Attendance))}
        assert marks == {here: False, light: True}


async def test_an_old_form_on_a_second_phone_unticks_nobody_and_puts_nobody_back(story: Story) -> None:
    await coming(story, "小河", "阿珠")
    await story.wednesday(14)
    here, pearl = [await number(story, name) for name in ("小河", "阿珠")]
    async with Clerk(story, "李老师") as teacher, Clerk(story, "王乐") as wangle:
        for clerk in (teacher, wangle):
            await clerk.opens(f"{await address(story)}/list")
        old = teacher.button("记下")
        await wangle.presses("记下", there=f"{here}.0")
        await teacher.presses(old, there=f"{pearl}.0")
        assert await there(story) == {"小河", "阿珠"}
        await wangle.opens(f"{await address(story)}/people/{here}/undo")
        await wangle.presses("取消签到", because="wrong_person")
        assert await there(story) == {"阿珠"}
        page = await teacher.presses(old, there=[f"{here}.0", f"{pearl}.0"])
        assert "有 1 人刚才被同事取消了" in page
        assert await there(story) == {"阿珠"}
        (shown,) = [value for value in teacher.button("记下").form.choices["there"] if value.startswith(f"{here}.")]
        await teacher.presses("记下", there=shown)
        assert await there(story) == {"小河", "阿珠"}


async def test_taking_back_twice_takes_back_once_and_not_what_was_ticked_since(story: Story) -> None:
    await coming(story, "小河")
    await story.wednesday(14)
    here = await number(story, "小河")
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/list")
        await clerk.presses("记下", there=f"{here}.0")
        await clerk.opens(f"{await address(story)}/people/{here}/undo")
        taking_back = clerk.button("取消签到")
        await clerk.presses(taking_back, because="not_here")
        (shown,) = [v for v in clerk.button("记下").form.choices["there"] if v.startswith(f"{here}.")]
        await clerk.presses("记下", there=shown)
        await clerk.presses(taking_back, because="not_here")
        assert await there(story) == {"小河"}
        await clerk.opens(f"{await address(story)}/people/{await number(story, '阿珠')}/undo")
        assert "没有签到，不用取消" in clerk.page


@pytest.mark.parametrize("value", ["x", "1", "1.x", "²." + "0", "1.1.1", "999999.0", "9" * 30 + ".0"])
async def test_a_tick_that_no_list_of_ours_has_ticks_nobody(story: Story, value: str) -> None:
    await story.wednesday(14)
    async with Clerk(story, "李老师") as clerk:
        here = await number(story, "小河")
        await clerk.opens(f"{await address(story)}/list")
        sent = [("csrf", clerk.csrf), ("there", f"{here}.0"), ("there", value)]
        await clerk.posts(f"{await address(story)}/list", sent)
        assert clerk.status == 404
    assert await there(story) == set()


async def test_too_early_is_said_and_nobody_is_marked(story: Story) -> None:
    await coming(story, "小河")
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{await address(story)}/list")
        assert "开始前半小时起可以签到" in page
        await clerk.posts(
            f"{await address(story)}/list", [("csrf", clerk.csrf), ("there", f"{await number(story, '小河')}.0")]
        )
        assert clerk.status == 422
        assert "没有记下" in clerk.page
    assert await there(story) == set()


async def test_a_big_house_has_its_expected_people_in_one_form_and_the_others_page_by_page(story: Story) -> None:
    await story.wednesday(14)
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        for n in range(250):
            member = Person(
                programme_id=1, house_id=what.house_id, code=f"m{n}", role=Role.MEMBER, name=f"同伴{n}"
            )  # fmt: skip
            session.add(member)
            await session.flush()
            if n < 100:
                session.add(
                    Rsvp(
                        occurrence_id=ident(what), person_id=ident(member), house_id=what.house_id,
                        answer=Answer.GOING, asked_at=MONDAY,
                    )
                )  # fmt: skip
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{await address(story)}/list")
        assert len(page.encode()) < ROOM_LEFT
        choices = clerk.button("记下").form.choices["there"]
        assert len(choices) == 100 + sheet.A_PAGE
        page = await clerk.presses("记下", there=choices)
        assert "记下了 160 人" in page
        seen = {*choices, *clerk.button("记下").form.choices["there"]}
        while "下一页" in page:
            (link,) = re.findall(r'href="([^"]*list\?page=\d+)"', page)
            page = await clerk.opens(link)
            seen |= set(clerk.button("记下").form.choices.get("there", []))
        assert len({value.split(".")[0] for value in seen}) >= 250


# Another place


async def test_a_counsellor_sees_who_would_hear_of_another_place_before_anybody_does(story: Story) -> None:
    phones = await coming(story, "小河", "阿珠", "阿光")
    await phones["阿珠"].says("去不了了")
    await phones["阿光"].says("退订")
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(await address(story))
        await clerk.opens(f"{await address(story)}/change")
        page = await clerk.presses("看看会告诉谁", venue="石碶文化站一楼")
        assert clerk.status == 200
        assert "【换地方了】周三手工课" in page
        for heading, name in (("会收到消息", "小河"), ("说过不要提醒", "阿光"), ("说了不来", "阿珠")):
            assert name in page.split(heading)[1].split("</section>")[0]
        await phones["小河"].hears_not("换地方了")
        page = await clerk.presses("就这样改，告诉大家")
        assert "改好了" in page
        assert "石碶文化站一楼" in page
    await phones["小河"].hears("换地方了", "原来：段塘街道活动室", "现在：石碶文化站一楼")
    assert await told(story, "moved") == ({"小河"}, set())


async def test_if_somebody_answers_meanwhile_the_preview_is_shown_again(story: Story) -> None:
    phones = await coming(story, "小河")
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/change")
        await clerk.presses("看看会告诉谁", venue="石碶文化站一楼")
        await phones["小河"].says("去不了了")
        page = await clerk.presses("就这样改，告诉大家")
        assert (clerk.status, "请再看一遍" in page) == (422, True)
        assert await told(story, "moved") == (set(), set())
        page = await clerk.presses("就这样改，告诉大家")
        assert "改好了" in page
    assert await told(story, "moved") == (set(), set())


async def test_another_day_asks_everybody_again_and_says_so_first(story: Story) -> None:
    phones = await coming(story, "小河")
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/change")
        page = await clerk.presses("看看会告诉谁", day="2026-11-26", at="15:00")
        assert "会重新问大家来不来" in page
        page = await clerk.presses("就这样改，告诉大家")
        assert "没想好 1" in page
        assert "11月26日（周四）15:00" in page
    await phones["小河"].hears("改时间了")


async def test_a_form_of_no_change_and_one_of_the_past_are_answered_with_a_sentence(story: Story) -> None:
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/change")
        assert "没有要改的" in await clerk.presses("看看会告诉谁")
        assert "已经过了" in await clerk.presses("看看会告诉谁", day="2026-11-01", venue="公园")
        assert clerk.button("看看会告诉谁").form.fields["venue"] == "公园"
    await story.wednesday(14, 10)
    async with Clerk(story, "李老师") as clerk:
        assert "已经开始了" in await clerk.opens(f"{await address(story)}/change")
        await clerk.posts(f"{await address(story)}/change", [("csrf", clerk.csrf), ("venue", "公园")])
        assert (clerk.status, "请当面告诉大家" in clerk.page) == (422, True)


async def test_an_activity_is_called_off_after_a_look_at_who_hears_of_it(story: Story) -> None:
    phones = await coming(story, "小河", "阿珠")
    await phones["阿珠"].says("去不了了")
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{await address(story)}/cancel")
        assert "取消了，不用来了" in page
        twice = clerk.button("取消活动，告诉大家")
        page = await clerk.presses(twice)
        assert "这次活动取消了" in page
        assert "签到名单</a>" not in page
        await clerk.presses(twice)
        assert (clerk.status, "已经取消" in clerk.page) == (422, True)
    await phones["小河"].hears("取消了，不用来了")
    assert await told(story, "called_off") == ({"小河"}, set())


async def test_a_name_is_changed_and_nobody_is_told(story: Story) -> None:
    await coming(story, "小河")
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(await address(story))
        assert "剪纸课" in await clerk.presses("改名称", title="剪纸课")
        await clerk.presses("改名称", title="")
        assert (clerk.status, "请写活动名称" in clerk.page) == (422, True)
    async with story.house.db.read() as session:
        assert (await session.scalars(select(Outbox).where(Outbox.kind == "moved"))).all() == []


# When it is over


async def test_the_list_is_closed_with_what_is_known_of_who_did_not_come(story: Story) -> None:
    await coming(story, "小河", "阿珠", "阿光")
    await story.wednesday(14)
    here, pearl, light = [await number(story, name) for name in ("小河", "阿珠", "阿光")]
    async with Clerk(story, "李老师") as clerk:
        await clerk.opens(f"{await address(story)}/list")
        await clerk.presses("记下", there=f"{here}.0")
        assert "结束了再收" in await clerk.opens(f"{await address(story)}/close")
        await story.wednesday(16)
        assert "还剩 24 小时" in await clerk.opens(await address(story))
        page = await clerk.opens(f"{await address(story)}/close")
        closing = clerk.button("收好")
        assert closing.form.fields[f"absence-{pearl}"] == "unknown"
        assert f"absence-{here}" not in closing.form.choices
        page = await clerk.presses(closing, **{f"absence-{light}": "excused"})
        assert "名单收好了" in page
        await clerk.presses(closing, **{f"absence-{light}": "no_show"})
        async with story.house.db.read() as session:
            absences = {
                r.person_id: r.absence for r in await session.scalars(select(Rsvp).where(Rsvp.occurrence_id == 1))
            }
            what = await handicraft(session)
        absences = {n: a for n, a in absences.items() if n in (here, pearl, light)} if what.id == 1 else {}
        assert absences == {here: None, pearl: Absence.UNKNOWN, light: Absence.EXCUSED}
        await clerk.posts(f"{await address(story)}/list", [("csrf", clerk.csrf), ("there", f"{pearl}.0")])
        assert (clerk.status, "没有记下" in clerk.page) == (422, True)
        await clerk.opens(await address(story))
        assert "没来，事先说过" in clerk.page
        await clerk.presses("再打开名单")
        assert "记下" in clerk.buttons
        page = await clerk.opens(await address(story))
        assert "李老师 又打开了名单" in page


async def test_a_list_that_is_late_stands_out_and_leads_to_where_it_is_closed(story: Story) -> None:
    await coming(story, "小河")
    async with story.house.db.read() as session:
        ends_at = (await handicraft(session)).ends_at
    await story.clock.forward_to(ends_at + timedelta(hours=25))
    async with Clerk(story, "李老师") as clerk:
        assert "名单没收" in await clerk.opens("/console/activities")
        assert "名单还没收" in await clerk.opens(await address(story))
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/inbox?tab=tasks")
        assert f"{await address(story)}/close" in page
        assert "手工课 2026-11-25 14:00" in page


# What hangs on the wall


async def test_the_sign_in_sheet_has_names_and_lines_and_nothing_else_about_anybody(story: Story) -> None:
    await coming(story, "小河", "阿珠")
    async with story.house.db.begin() as session:
        (await person(session, "小河")).phone = "13812345678"
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{await address(story)}/sheet")
        assert "<h1>手工课</h1>" in page
        assert re.findall(r'<th scope="row">(.*?)</th>', page) == ["小河", "阿珠"]
        assert "138" not in page
        assert "能来" not in page


async def test_the_poster_has_the_code_of_the_door_and_its_four_digits(story: Story) -> None:
    member = (await coming(story, "小河"))["小河"]
    await story.wednesday(13, 40)
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{await address(story)}/poster")
        async with story.house.db.read() as session:
            what = await handicraft(session)
        assert what.door_code in page
        assert "<svg" in page
        assert "style=" not in page
        assert story.platform.qr_codes[-1].scene_str == what.scene
    await member.scans(what.scene)
    await member.hears("欢迎，小河")


async def test_without_a_code_of_wechat_the_digits_do(story: Story) -> None:
    async with Clerk(story, "李老师") as clerk:
        story.platform.break_next("*qrcode/create", errcode=45009, times=5)
        page = await clerk.opens(f"{await address(story)}/poster")
        assert (clerk.status, "<svg" in page, "先用四个数字" in page) == (200, False, True)
        async with story.house.db.begin() as session:
            what = await handicraft(session)
            what.state = State.CANCELLED
        assert "不用码了" in await clerk.opens(f"{await address(story)}/poster")


async def test_a_code_lasts_thirty_days_and_no_earlier_poster_is_made(story: Story) -> None:
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        what.starts_at, what.ends_at = what.starts_at + timedelta(days=40), what.ends_at + timedelta(days=40)
        at = f"/console/activities/{what.id}"
    async with Clerk(story, "李老师") as clerk:
        page = await clerk.opens(f"{at}/poster")
        assert "三十天以内再打印" in page
        assert "<svg" not in page


async def test_no_page_of_an_activity_shows_a_counsellor_what_somebody_wrote(story: Story) -> None:
    phones = await coming(story, "小河")
    await phones["小河"].says("心情2 昨天没睡好")
    await story.wednesday(14)
    async with Clerk(story, "李老师") as clerk:
        for page in ("", "/list", "/change", "/cancel", "/sheet", "/poster", "/close"):
            await clerk.opens(f"{await address(story)}{page}")
            assert clerk.status == 200
            assert "没睡好" not in clerk.page
            assert "心情" not in clerk.page
