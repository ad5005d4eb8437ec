"""The numbers of a month: the page and the sheet say the same, to the unit, and others learn nothing about a few."""

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from app import figures_command
from app.activities.models import Attendance, Occurrence
from app.db import ident
from app.issues.models import ReportIssue
from app.people.models import House, Person, Role
from app.people.scope import scope_of
from app.reports import service as reports
from tests.conftest import Story
from tests.console.clerk import Clerk
from tests.stories.ways import crowd, registered
from tests.test_figures import lived


def text(piece: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", piece)).strip()


def on_the_page(page: str) -> list[list[str]]:
    """Every table of a page, line by line, each cell as it is printed."""
    tables = re.findall(r"<table.*?</table>", page, re.S)
    lines = [line for table in tables for line in re.findall(r"<tr>(.*?)</tr>", table, re.S)]
    return [[text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S)] for line in lines]


async def in_the_sheet(clerk: Clerk, **sent: str) -> list[list[str]]:
    """What is downloaded: its lines without what is empty at their end."""
    content = await downloaded(clerk, **sent)
    sheet = load_workbook(BytesIO(content)).active
    assert sheet is not None
    return [
        ["" if cell.value is None else str(cell.value) for cell in line][: _filled(line)] for line in sheet.iter_rows()
    ]


def _filled(line: tuple[object, ...]) -> int:
    return max((n for n, cell in enumerate(line, 1) if getattr(cell, "value", None) not in (None, "")), default=0)


async def downloaded(clerk: Clerk, **sent: str) -> bytes:
    """The file behind the button of the page that is open."""
    form = clerk.button("下载这份表（xlsx）").form
    answer = await clerk._browser.post(form.action, data={**dict(form.filled({})), **sent})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert re.fullmatch(r'attachment; filename="2026-11-[a-z]+(-shared)?\.xlsx"', answer.headers["content-disposition"])
    return answer.content


def line_of(lines: list[list[str]], name: str) -> list[str]:
    return next(line for line in lines if line and line[0] == name)


async def a_meeting(story: Story, present: int, *, asked_by: str = "wangle", house: House | None = None) -> None:
    """A meeting of last week at which so many of the crowd were."""
    worker, now = await registered(story, asked_by), story.house.clock.now()
    async with story.house.db.begin() as session:
        where = ident(house) if house else worker.house_id
        number = len(list(await session.scalars(select(Occurrence.id))))
        what = Occurrence(
            house_id=where, slot=f"once:{number}", title="手工课", starts_at=now - timedelta(days=3),
            ends_at=now - timedelta(days=3) + timedelta(hours=2), venue="活动室", door_code="1234", scene=f"s{number}",
        )  # fmt: skip
        session.add(what)
        await session.flush()
        members = select(Person).where(Person.house_id == where, Person.role == Role.MEMBER).order_by(Person.id)
        for member in list(await session.scalars(members))[:present]:
            session.add(
                Attendance(
                    occurrence_id=ident(what), person_id=ident(member), house_id=where, source="staff",
                    marked_by=ident(worker), at=now,
                )
            )  # fmt: skip


async def another_house(story: Story, name: str = "石碶生活小站", code: str = "shiqi", members: int = 0) -> House:
    programme_id, now = (await registered(story, "wangle")).programme_id, story.house.clock.now()
    async with story.house.db.begin() as session:
        house = House(programme_id=programme_id, code=code, name=name)
        session.add(house)
        await session.flush()
        for n in range(members):
            session.add(
                Person(
                    programme_id=programme_id, house_id=ident(house), code=f"{code}-{n}", role=Role.MEMBER, name="某人",
                    joined_at=now,
                )
            )  # fmt: skip
    return house


async def is_administrator(story: Story, code: str) -> None:
    async with story.house.db.begin() as session:
        await session.execute(update(Person).where(Person.code == code).values(role=Role.ADMINISTRATOR))


async def test_the_sheet_says_what_the_page_says_cell_for_cell(story: Story) -> None:
    await lived(story)
    await crowd(story, 12)
    await a_meeting(story, 9)
    await another_house(story, members=7)
    async with Clerk(story, "周敏") as zhoumin:
        for query in ("", "?shared=1"):
            page = on_the_page(await zhoumin.opens(f"/console/figures{query}"))
            sheet = await in_the_sheet(zhoumin)
            assert len(page) > 60
            tables = [line for line in sheet if len(line) > 1 and line[0] != "制表："]
            assert tables == [line[: max(n for n, cell in enumerate(line, 1) if cell)] for line in page]
            around = [line[0] for line in sheet if len(line) == 1]
            assert [one for one in around if one not in text(zhoumin.page)] == []
            assert "审核：" in sheet[-1]


async def test_people_and_times_stand_apart_and_a_rate_says_of_how_many(story: Story) -> None:
    await story.joined()
    await crowd(story, 12)
    for _ in range(2):
        await a_meeting(story, 9)
    async with Clerk(story, "王乐") as wangle:
        lines = on_the_page(await wangle.opens("/console/figures"))
        assert line_of(lines, "到场")[:4] == ["到场", "9", "18", "人次"]
        how = line_of(lines, "参与率")
        assert how[4:7] == ["9", "13", "69.2%"]
        assert "÷ 已加入的人数" in how[7]
        assert line_of(lines, "每场到场")[4:7] == ["18", "2", "9.0"]


async def test_what_others_see_says_less_than_five_where_it_is_less_than_five(story: Story) -> None:
    await lived(story)
    async with Clerk(story, "周敏") as zhoumin:
        inside = on_the_page(await zhoumin.opens("/console/figures"))
        assert line_of(inside, "▲ 紧急")[1:3] == ["1", "2"]
        assert line_of(inside, "wangle") == ["wangle", "1"]
        lines = on_the_page(await zhoumin.opens("/console/figures?shared=1"))
        assert line_of(lines, "▲ 紧急")[1:3] == ["<5", "<5"]
        assert "wangle" not in zhoumin.page
        assert await in_the_sheet(zhoumin)


async def test_one_house_with_few_cannot_be_worked_out_from_the_total_nor_from_another_report(story: Story) -> None:
    """段塘 9 个人，石碶 2 个人，望春 30 个人：石碶写 <5，段塘也就不写，它自己的那一份里也不写。"""
    await story.joined()
    await crowd(story, 12)
    few = await another_house(story, members=5)
    many = await another_house(story, "望春生活小站", "wangchun", members=30)
    await a_meeting(story, 9)
    await a_meeting(story, 2, house=few)
    await a_meeting(story, 30, house=many)
    async with Clerk(story, "周敏") as zhoumin:
        lines = on_the_page(await zhoumin.opens("/console/figures?shared=1"))
        at = next(line for line in lines if "到场（人）" in line).index("到场（人）")
        shown = {name: line_of(lines, name)[at] for name in ("段塘生活小站", "石碶生活小站", "望春生活小站", "合计")}
        assert shown == {"段塘生活小站": "—", "石碶生活小站": "<5", "望春生活小站": "30", "合计": "41"}
        house = (await registered(story, "wangle")).house_id
        alone = on_the_page(await zhoumin.opens(f"/console/figures?shared=1&house={house}"))
        assert line_of(alone, "到场")[1] == "—"
        assert line_of(on_the_page(await zhoumin.opens(f"/console/figures?house={house}")), "到场")[1] == "9"


async def test_a_correction_changes_the_report_and_the_report_says_which_number(story: Story) -> None:
    await story.joined()
    await crowd(story, 12)
    await a_meeting(story, 9)
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens("/console/figures")
        first = await in_the_sheet(wangle)
        assert not [line for line in first if line and line[0].startswith("和 ")]
        async with story.house.db.begin() as session:
            last = (await session.scalars(select(Attendance).order_by(Attendance.id.desc()).limit(1))).one()
            await session.delete(last)
        lines = on_the_page(await wangle.opens("/console/figures"))
        assert ["二、活动 · 到场 · 人数", "9", "8"] in lines
        assert ["二、活动 · 参与率 · 比率", "69.2%", "61.5%"] in lines
        assert ["二、活动 · 到场 · 人数", "9", "8"] in await in_the_sheet(wangle)
        page = await wangle.opens("/console/figures")
        assert "2026-11-23 09:00 王乐，比上一份改了" in page
        assert ["二、活动 · 到场 · 人数", "9", "8"] in on_the_page(page)
    async with story.house.db.read() as session:
        one, two = await session.scalars(select(ReportIssue).order_by(ReportIssue.id))
    assert (one.changed, one.digest == two.digest, one.by_id) == (0, False, (await registered(story, "wangle")).id)
    assert (one.numbers["activities.attended.people"], two.numbers["activities.attended.people"]) == ("9", "8")


async def test_given_out_again_unchanged_there_is_nothing_to_say(story: Story) -> None:
    await story.joined()
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens("/console/figures")
        assert await in_the_sheet(wangle) == await in_the_sheet(wangle)
        assert "不一样的" not in await wangle.opens("/console/figures")


async def test_a_counsellor_sees_who_came_and_not_who_is_in_danger(story: Story) -> None:
    await lived(story)
    async with Clerk(story, "李老师") as lilaoshi:
        page = await lilaoshi.opens("/console/figures")
        assert "二、活动" in page
        assert not [word for word in ("紧急", "误报", "回答率", "下班以后") if word in page]


async def test_an_administrator_sees_only_what_may_leave_the_house(story: Story) -> None:
    await lived(story)
    await is_administrator(story, "zhoumin")
    async with Clerk(story, "周敏") as zhoumin:
        for query in ("", f"?house={(await registered(story, 'wangle')).house_id}"):
            lines = on_the_page(await zhoumin.opens(f"/console/figures{query}"))
            assert line_of(lines, "▲ 紧急")[1:3] == ["<5", "<5"]
            assert "wangle" not in zhoumin.page


async def test_another_house_is_not_there_for_a_worker_of_this_one(story: Story) -> None:
    house = await another_house(story)
    async with Clerk(story, "王乐") as wangle:
        for which in (str(house.id), "999999", "x", "99999999999999999999", "-1"):
            await wangle.opens(f"/console/figures?house={which}&month=nonsense")
            assert wangle.status == 404
            await wangle.opens("/console/figures")
            await wangle.posts("/console/figures", [("csrf", wangle.csrf), ("house", which), ("month", "nonsense")])
            assert wangle.status == 404
        assert "石碶" not in await wangle.opens("/console/figures")


async def test_what_is_no_month_stays_in_the_field_and_a_sentence_says_how_to_write_it(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/figures?month=november")
        assert wangle.status == 422
        assert "月份要写成 2026-11 这样" in page
        assert 'value="november"' in page
        await wangle.posts("/console/figures", [("csrf", wangle.csrf), ("month", "2026-13")])
        assert wangle.status == 422
        assert 'value="2026-13"' in wangle.page
        assert line_of(on_the_page(await wangle.opens("/console/figures?month=2026-10")), "登记")[1] != ""


async def test_what_people_are_called_is_never_a_formula(story: Story) -> None:
    await another_house(story, "=1+1", "evil")
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens("/console/figures")
        cells = [
            cell
            for line in load_workbook(BytesIO(await downloaded(zhoumin))).active.iter_rows()  # type: ignore[union-attr]
            for cell in line
            if cell.value == "=1+1"
        ]
        assert [cell.data_type for cell in cells] == ["s"]


@pytest.mark.parametrize("query", ["", "?shared=1"])
async def test_a_hundred_houses_are_paged_and_the_page_stays_light(story: Story, query: str) -> None:
    for n in range(112):
        await another_house(story, f"第 {n} 生活小站", f"h{n:03d}")
    async with Clerk(story, "周敏") as zhoumin:
        page = await zhoumin.opens(f"/console/figures{query}")
        assert len(page.encode()) < 35_000
        assert "后面的小站" in page
        last = await zhoumin.opens(f"/console/figures?page=3&{query[1:]}")
        assert "第 111 生活小站" in text(last[last.index("<table") :])
        assert line_of(on_the_page(last), "合计")
        assert len([line for line in await in_the_sheet(zhoumin) if line and "生活小站" in line[0]]) >= 113


async def test_the_first_page_can_show_some_numbers_that_this_role_may_see(story: Story) -> None:
    await lived(story)
    async with story.house.db.read() as session:
        said = {}
        for code in ("zhoumin", "wangle", "lilaoshi"):
            who = await registered(story, code)
            found = await reports.at_a_glance(session, who, await scope_of(session, who), story.house.clock.now())
            said[code] = dict(found)
    assert said["zhoumin"] == said["wangle"] == {
        "已加入": "1", "活动": "0", "到场": "0", "▲ 紧急": "2", "回答率": "—"
    }  # fmt: skip
    assert said["lilaoshi"] == {"已加入": "1", "活动": "0", "到场": "0"}


async def test_the_command_writes_the_same_sheet(story: Story, tmp_path: Path) -> None:
    await lived(story)
    file = tmp_path / "2026-11.xlsx"
    said = await figures_command.sheet(
        story.settings, story.house.clock, file, month="2026-11", house="duantang", share=False
    )  # fmt: skip
    assert said == f"段塘生活小站 2026 年 11 月报：写在 {file} 里了"
    async with Clerk(story, "周敏") as zhoumin:
        page = on_the_page(await zhoumin.opens("/console/figures"))
        assert "命令行" in zhoumin.page
    sheet = load_workbook(file).active
    assert sheet is not None
    printed = [["" if cell.value is None else str(cell.value) for cell in line] for line in sheet.iter_rows()]
    assert [line for line in page if [*line, *[""] * (8 - len(line))] not in printed] == []
    with pytest.raises(ValueError, match="没有 code 是 nowhere 的小站"):
        await figures_command.sheet(story.settings, story.house.clock, file, month=None, house="nowhere", share=True)
