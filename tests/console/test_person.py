"""The page of a person: who sees what, that looking is written down, and talking to somebody from there."""

import re

import pytest
from sqlalchemy import select

from app.console.access import access
from app.db import ident
from app.messages.models import Outbox
from app.mood.models import MoodPrompt, PromptState
from app.people.models import GlassBroken, House, Person, PersonNote, PersonView, Reason, Role
from app.people.service import find_by_code
from tests.conftest import MONDAY, Story
from tests.console.clerk import Clerk


async def page_of(story: Story, code: str = "xiaohe") -> str:
    async with story.house.db.read() as session:
        found = await find_by_code(session, code)
    assert found is not None
    return f"/console/people/{found.id}"


async def looked(story: Story) -> list[tuple[str, Reason, str | None]]:
    async with story.house.db.read() as session:
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        views = await session.scalars(select(PersonView).order_by(PersonView.id))
        return [(names[one.by_id], one.reason, one.said) for one in views]


# Finding


async def test_the_list_shows_the_members_of_the_house_and_a_name_is_in_no_address(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/people")
        assert "小河" in page
        assert "阿珠" in page
        page = await wangle.presses("找", name="阿")
        assert "阿珠" in page
        assert "小河" not in page
        assert wangle.at == "http://house/console/people/search"
        assert "没有这个名字" in await wangle.presses("找", name="查无此人")
        await wangle.presses("找", name="  ")
        assert wangle.status == 422


# Who sees what


async def test_the_members_own_worker_sees_the_whole_of_it_without_a_reason_and_it_is_written_down(
    story: Story,
) -> None:
    member = await story.joined()
    await member.says("今天天气真好")
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(await page_of(story))
    assert "您看了这一页，已经记下：是他的社工" in page
    assert "今天天气真好" in page
    assert re.search(r"可回复至 .*余 \d 条", page)
    assert "tel:000-0000-0001" in page
    assert "每周问心情" in page
    assert "加入，记下回复和到场" in page
    assert await looked(story) == [("王乐", Reason.OWN, None)]


async def test_a_colleague_says_why_first_and_sees_neither_words_nor_moods_of_whom_they_do_not_look_after(
    story: Story,
) -> None:
    member = await story.joined()
    await member.says("今天天气真好")
    async with story.house.db.begin() as session:
        who = await find_by_code(session, "xiaohe")
        assert who is not None
        who.backup_id = None
    async with Clerk(story, "李红") as lihong:
        path = await page_of(story)
        page = await lihong.opens(path)
        assert "为什么要看这一页" in page
        assert "000-0000-0001" not in page
        assert await looked(story) == []
        await lihong.presses("看这一页")
        assert lihong.status == 422
        page = await lihong.presses("看这一页", reason="other", said=" ")
        assert "请写几个字" in page
        page = await lihong.presses("看这一页", reason="other", said="王乐请我代看")
        assert "已经记下：其他" in page
        assert "写来一句话" in page
        assert "今天天气真好" not in page
        assert "心情只有他的社工王乐能看到" in page
        await story.clock.forward(minutes=59)
        assert "写来一句话" in await lihong.opens(path)
        await story.clock.forward(minutes=2)
        assert "为什么要看这一页" in await lihong.opens(path)
    assert await looked(story) == [("李红", Reason.OTHER, "王乐请我代看")] * 3  # the choice, and two looks


async def test_a_counsellor_sees_activities_and_attendance_and_nothing_else(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await member.says("今天天气真好")
    async with Clerk(story, "李老师") as counsellor:
        path = await page_of(story)
        page = await counsellor.opens(path)
        assert "手工课（11月25日）：能来" in page
        for hidden in ("今天天气真好", "写来一句话", "000-0000", "心情", "记事", "同意"):
            assert hidden not in page.split("<main")[1]
        csrf = counsellor.csrf
        for verb in ("reason", "say", "back", "notes"):
            await counsellor.posts(f"{path}/{verb}", [("csrf", csrf)])
            assert counsellor.status == 404
        await counsellor.opens(f"{path}/views")
        assert counsellor.status == 404
    assert await looked(story) == [("李老师", Reason.ACTIVITIES, None)]


async def test_a_supervisor_reads_who_looked_and_why(story: Story) -> None:
    await story.joined()
    path = await page_of(story)
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(path)
        await wangle.opens(f"{path}/views")
        assert wangle.status == 404
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(path)
        await zhoumin.presses("看这一页", reason="supervision")
        page = await zhoumin.opens(f"{path}/views")
    assert "王乐" in page
    assert "是他的社工" in page
    assert "督导" in page


async def test_staff_and_practice_have_no_page(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        for code in ("wangle", "zhoumin"):
            await zhoumin.opens(await page_of(story, code))
            assert zhoumin.status == 404
        await zhoumin.opens("/console/people/999999")
        assert zhoumin.status == 404


def test_the_table_of_who_sees_what() -> None:
    """docs/adr/0035, row by row."""
    worker, other = Person(id=1, role=Role.WORKER), Person(id=2, role=Role.WORKER)
    lead, counsellor = Person(id=3, role=Role.SUPERVISOR), Person(id=4, role=Role.COUNSELLOR)
    runs = Person(id=5, role=Role.ADMINISTRATOR)
    member = Person(id=9, role=Role.MEMBER, worker_id=1, backup_id=7)
    backup = Person(id=7, role=Role.WORKER)

    def sees(who: Person, *, covered: bool = True, holds: bool = False, glass: bool = False) -> set[str] | None:
        found = access(who, member, covered=covered, holds=holds, glass=GlassBroken() if glass else None)
        return None if found is None else {name for name, value in vars(found).items() if value is True}

    everything = {"whole", "words", "moods", "notes", "speaks", "freely"}
    assert sees(worker) == everything
    assert sees(backup) == {"whole", "words", "notes", "speaks"}
    assert sees(other) == {"whole", "notes", "speaks"}
    assert sees(other, holds=True) == sees(other, covered=False, holds=True) == everything - {"moods"}
    assert sees(lead) == {"whole", "words", "notes", "speaks", "log"}
    assert sees(counsellor) == set()
    assert sees(other, covered=False, glass=True) == {"whole", "speaks"}
    for nobody in (other, lead, counsellor):
        assert sees(nobody, covered=False) is None
    assert sees(counsellor, covered=False, glass=True) is None
    assert sees(runs) is sees(runs, glass=True) is None


# Moods


async def test_the_picture_of_moods_is_for_their_own_worker_and_gaps_are_gaps(story: Story) -> None:
    await story.joined()
    async with story.house.db.begin() as session:
        who = await find_by_code(session, "xiaohe")
        assert who is not None
        now = story.house.clock.now()
        for weeks, score, why in ((4, 4, None), (3, 2, None), (2, None, "no answer"), (1, 3, None)):
            at = MONDAY.fromtimestamp(now.timestamp() - weeks * 7 * 86400, tz=now.tzinfo)
            session.add(
                MoodPrompt(
                    person_id=ident(who), house_id=who.house_id, asked_at=at, expires_at=at, score=score,
                    answered_at=at if score else None, missing_because=why,
                    state=PromptState.ANSWERED if score else PromptState.MISSING,
                )
            )  # fmt: skip
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(await page_of(story))
    assert (
        page.count("近 90 天 3 次记录，最低 2，最近 3（5 最好）。没有回答的 1 次。") == 2
    )  # below the title, and in it
    assert page.count("<circle") == 3
    assert page.count("<polyline") == 1
    assert "<td>没有回答</td>" in page


# Talking


async def test_a_worker_writes_to_a_member_and_hands_back(story: Story) -> None:
    member = await story.joined()
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(await page_of(story))
        page = await wangle.presses("发给他", text="中午方便接电话吗？")
        assert "王乐 正在和他说话" in page
        assert "发出了" in page
        await member.hears("王乐：", "中午方便接电话吗")
        await member.says("1")
        await member.hears_nothing()
        page = await wangle.presses("交还给小站")
        assert "正在和他说话" not in page
        await member.says("我的活动")
        await member.hears("您接下来的活动")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("记得吃药，明天去医院复诊", "这些字会在锁屏上让旁人看到"),
        ("  ", "请写几个字"),
        ("好" * 301, "写了 301 个字，最多 300 个"),
    ],
)
async def test_what_must_not_show_is_named_nothing_is_sent_and_nothing_typed_is_lost(
    story: Story, text: str, sentence: str
) -> None:
    await story.joined()
    async with Clerk(story, "王乐") as wangle:
        await wangle.opens(await page_of(story))
        page = await wangle.presses("发给他", text=text)
        assert wangle.status == 422
        assert sentence in page
        assert text.strip() in page
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(Outbox).where(Outbox.kind == "spoken"))) == []


async def test_where_the_window_is_shut_the_page_says_to_call(story: Story) -> None:
    await story.joined()
    await story.clock.forward(days=3)
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens(await page_of(story))
        assert "请打电话" in page
        page = await wangle.presses("发给他", text="在吗")
        assert wangle.status == 422
        assert "微信里现在发不了，没有发。请打电话" in page


async def test_a_colleague_has_phrases_and_no_words_of_their_own(story: Story) -> None:
    member = await story.joined()
    async with Clerk(story, "李红") as lihong:
        path = await page_of(story)
        page = await lihong.opens(path)  # the backup: no reason is asked for
        assert "由他的社工" in page
        await lihong.presses("发这一句", phrase="read")
        await member.hears("李红：", "您的话我看到了")
        await lihong.posts(f"{path}/say", [("csrf", lihong.csrf), ("text", "我自己写的")])
        assert lihong.status == 404


async def test_whoever_holds_the_case_speaks_freely(story: Story) -> None:
    lihong_phone, member = await story.phone("李红"), await story.joined()
    await member.says("不想活了，药都攒好了")
    await lihong_phone.says("接")
    async with Clerk(story, "李红") as lihong:
        page = await lihong.opens(await page_of(story))
        assert "他的事在您手上" in page
        await lihong.presses("发给他", text="我在，你慢慢说")
        await member.hears("李红：", "我在，你慢慢说")


# Notes


async def test_notes_are_never_changed_and_a_correction_names_what_it_corrects(story: Story) -> None:
    await story.joined()
    async with Clerk(story, "王乐") as wangle:
        path = await page_of(story)
        await wangle.opens(path)
        page = await wangle.presses("记下", note="周二去看过他，精神不错")
        assert "周二去看过他" in page
        async with story.house.db.read() as session:
            (note,) = await session.scalars(select(PersonNote))
        page = await wangle.presses("记下", note="是周三", corrects=str(note.id))
        assert "周二去看过他" in page
        assert f"更正 N-{note.id}" in page
        await wangle.presses("记下", note=" ")
        assert wangle.status == 422
        await wangle.posts(f"{path}/notes", [("csrf", wangle.csrf), ("note", "x"), ("corrects", "99")])
        assert wangle.status == 404


# Somebody else's house


async def test_another_house_is_not_there_for_any_of_it(story: Story) -> None:
    await story.joined()
    path = await page_of(story)
    async with story.house.db.begin() as session:
        who = await find_by_code(session, "xiaohe")
        assert who is not None
        elsewhere = House(programme_id=who.programme_id, code="elsewhere", name="另一个小站")
        session.add(elsewhere)
        await session.flush()
        who.house_id = ident(elsewhere)
    async with Clerk(story, "王乐") as wangle:
        assert "小河" not in await wangle.opens("/console/people")
        csrf = wangle.csrf
        for looks in ("", "/views"):
            await wangle.opens(path + looks)
            assert wangle.status == 404
        for does in ("/reason", "/say", "/back", "/notes"):
            await wangle.posts(path + does, [("csrf", csrf)])
            assert wangle.status == 404
    assert await looked(story) == []
