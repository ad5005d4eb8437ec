"""The link on an alert leads to a page with one button. Looking at it does nothing; pressing takes the case, once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.escalations.models import CaseEvent, CaseRow, Referral
from app.escalations.states import Outcome, State
from app.people.models import Person, Role
from bot.simulator import Phone
from tests.conftest import MONDAY, Story
from tests.stories.visits import Form, Visit
from tests.stories.ways import registered

WORDS = "不想活了，药都攒好了"
TAKE = "我来处理"


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.joined()


@pytest.fixture
async def visit(story: Story) -> AsyncIterator[Visit]:
    async with Visit(story) as opened:
        yield opened


@pytest.fixture
async def link(story: Story, member: Phone) -> str:
    """小河 has written what nobody should be alone with, and the card on 王乐's phone leads here."""
    await member.says(WORDS)
    return (await (await story.phone("王乐")).sees_card("待办提醒"))["url"]


async def the_case(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        return (await session.scalars(select(CaseRow))).one()


async def owner_of(story: Story) -> str | None:
    case = await the_case(story)
    async with story.house.db.read() as session:
        owner = await session.get(Person, case.owner_id) if case.owner_id is not None else None
        return owner.name if owner is not None else None


async def logged(story: Story, *kinds: str) -> list[tuple[str, str]]:
    """What was done to the case by hand, and by which way."""
    async with story.house.db.read() as session:
        entries = await session.scalars(select(CaseEvent).order_by(col(CaseEvent.seq)))
        return [(entry.kind, entry.detail.get("via", "")) for entry in entries if entry.kind in kinds]


async def link_of(story: Story, name: str) -> str:
    """What the next alert on this phone leads to."""
    phone = await story.phone(name)
    return (await phone.sees_card("待办提醒"))["url"]


# Taking


async def test_one_tap_on_the_page_takes_the_case_and_everybody_hears_who_has_it(
    story: Story, member: Phone, visit: Visit
) -> None:
    backup = await story.phone("李红")
    await backup.says("待办")
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await backup.sees_card("待办提醒")
    page = await visit.opens(await link_of(story, "王乐"))
    assert "还没有人接手" in page
    assert "您是王乐" in page
    assert visit.buttons == [TAKE]
    page = await visit.presses(TAKE)
    assert visit.status == 200
    assert "您在处理" in page
    assert TAKE not in visit.buttons
    assert await owner_of(story) == "王乐"
    await member.hears("王乐看到您的消息了", "今天 09:40 前")
    await backup.hears("王乐 已接手 A-0001")
    assert await logged(story, "Taken") == [("Taken", "page")]


async def test_whoever_comes_second_is_told_who_has_it(story: Story, member: Phone, visit: Visit) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await visit.opens(await link_of(story, "李红"))
    await (await story.phone("王乐")).says("接")
    page = await visit.presses(TAKE)
    assert "刚才没有接成：王乐 已经接手了。" in page
    assert "王乐 在处理" in page
    assert visit.buttons == ["我也来一起处理"]
    assert (await owner_of(story), await logged(story, "Taken")) == ("王乐", [("Taken", "chat")])


async def test_pressing_twice_takes_it_once_and_says_the_same(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    button = visit.form(TAKE)
    first = await visit.presses(button)
    assert "您在处理" in await visit.presses(button)
    assert "您在处理" in first
    assert len(await logged(story, "Taken")) == 1


async def test_an_old_pages_button_changes_nothing_after_the_case_was_handed_over(
    story: Story, link: str, visit: Visit
) -> None:
    await visit.opens(link)
    old = visit.form(TAKE)
    await visit.presses(old)
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    await worker.says("转 李红")
    await backup.says("接 A-0001")
    assert "刚才没有接成：李红 已经接手了。" in await visit.presses(old)
    assert await owner_of(story) == "李红"


async def test_an_old_pages_button_changes_nothing_after_the_case_has_come_back(
    story: Story, link: str, visit: Visit
) -> None:
    await visit.opens(link)
    old = visit.form(TAKE)
    await visit.presses(old)
    await story.clock.forward(minutes=50)  # nobody was reached: it is everybody's again
    assert (await the_case(story)).state is State.OPEN
    page = await visit.presses(old)
    assert "刚才那一页是旧的" in page
    assert (await the_case(story)).state is State.OPEN
    assert "您在处理" in await visit.presses(TAKE)


async def test_were_the_age_of_a_button_not_judged_an_old_one_would_take_it(
    story: Story, link: str, visit: Visit
) -> None:
    """The control of the one before: the same form, as if it had been made for an entry that is yet to come."""
    await visit.opens(link)
    old = visit.form(TAKE)
    await visit.presses(old)
    await story.clock.forward(minutes=50)
    vault, now = story.house.db.vault, story.house.clock.now()
    made_for = vault.read_link("take", old.fields["token"], now=now)
    token = vault.link("take", {**made_for, "seq": 10_000}, now=now, lasts=timedelta(hours=1))
    assert "您在处理" in await visit.presses(old, token=token)


async def test_what_a_colleague_offers_can_be_accepted_on_the_page(story: Story, link: str, visit: Visit) -> None:
    await (await story.phone("王乐")).says("接")
    await (await story.phone("王乐")).says("转 李红")
    assert "王乐 想把这件事转给您" in await visit.opens(await link_of(story, "李红"))
    assert "您在处理" in await visit.presses(TAKE)
    assert await owner_of(story) == "李红"


async def test_a_page_of_a_case_that_has_ended_has_nothing_to_press(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    old = visit.form(TAKE)
    worker = await story.phone("王乐")
    for said in ("接", "结果", "6"):
        await worker.says(said)
    assert "已经结束" in await visit.presses(old)
    assert set(visit.buttons).isdisjoint({TAKE, "已联系上", "记下结果"})  # what the words were can still be said
    assert (await the_case(story)).state is State.RESOLVED


# Looking


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_mail_scanner_that_follows_every_link_takes_nothing(
    story: Story, link: str, visit: Visit, method: str
) -> None:
    for _ in range(3):
        await visit.opens(link, method)
        assert visit.status == 200
    assert (await the_case(story)).state is State.OPEN
    assert await logged(story, "Viewed") == ([("Viewed", "page")] * 3 if method == "GET" else [])


async def test_the_address_that_a_form_is_sent_to_cannot_be_opened(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.opens(f"{link}/take", "HEAD")
    assert visit.status == 405
    assert (await the_case(story)).state is State.OPEN


async def test_neither_the_address_nor_the_title_says_what_it_is_about(story: Story, link: str, visit: Visit) -> None:
    page = await visit.opens(link)
    title = page.partition("<title>")[2].partition("</title>")[0]
    assert title == "待办 A-0001"
    assert link.startswith("http://house/p/case/")
    assert "小河" not in link


# What is not listened to


async def test_a_link_is_over_after_a_day_and_so_is_its_button(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    button = visit.form(TAKE)
    await story.clock.forward(hours=24, seconds=1)
    assert "链接过期了" in await visit.presses(button)
    assert visit.status == 410
    assert "链接过期了" in await visit.opens(link)
    assert await logged(story, "Taken") == []


async def test_a_token_that_was_changed_takes_nothing(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    form = visit.form(TAKE)
    token = form.fields["token"]
    middle = len(token) // 2
    changed = f"{token[:middle]}{'B' if token[middle] == 'A' else 'A'}{token[middle + 1 :]}"
    for forged in (changed, "", link.rsplit("/", 1)[1]):
        assert "链接不完整" in await visit.presses(form, token=forged)
        assert visit.status == 410
    assert (await the_case(story)).state is State.OPEN


async def test_a_button_does_what_it_was_made_for_and_nothing_else(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    contacted = visit.form("已联系上").fields
    result = Form(visit.form("记下结果").action, contacted)
    assert "链接不完整" in await visit.presses(result, outcome="false_alarm")
    assert (await the_case(story)).state is State.ACKNOWLEDGED


async def test_a_button_of_one_worker_does_not_work_on_the_page_of_another(
    story: Story, member: Phone, visit: Visit
) -> None:
    await member.says(WORDS)
    await story.clock.forward(minutes=10)
    await visit.opens(await link_of(story, "王乐"))
    his = visit.form(TAKE)
    await visit.opens(await link_of(story, "李红"))
    await visit.presses(Form(visit.form(TAKE).action, his.fields))
    assert visit.status == 404
    assert (await the_case(story)).state is State.OPEN


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=["its origin", "what the browser says", "a neighbour"],
)
async def test_what_another_site_sends_is_refused(
    story: Story, link: str, visit: Visit, headers: dict[str, str]
) -> None:
    await visit.opens(link)
    assert "不是从我们的页面上按的" in await visit.presses(TAKE, headers=headers)
    assert visit.status == 403
    assert (await the_case(story)).state is State.OPEN


@pytest.mark.parametrize(
    "headers", [{"origin": "http://house"}, {"sec-fetch-site": "same-origin", "origin": "null"}, {"origin": "null"}]
)
async def test_what_our_own_page_sends_is_listened_to(
    story: Story, link: str, visit: Visit, headers: dict[str, str]
) -> None:
    await visit.opens(link)
    assert "您在处理" in await visit.presses(TAKE, headers=headers)


async def test_whoever_is_no_longer_posted_there_can_take_nothing(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    async with story.house.db.begin() as session:
        worker = await session.get(Person, (await registered(story, "wangle")).id)
        assert worker is not None
        worker.role = Role.COUNSELLOR
    await visit.presses(TAKE)
    assert visit.status == 404
    assert (await the_case(story)).state is State.OPEN


async def test_what_is_no_form_is_refused(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    form = visit.form(TAKE)
    await visit.presses(form, padding="x" * 10_000)
    assert visit.status == 400
    await visit.presses(Form("/p/case/nonsense/take", form.fields))
    assert visit.status == 410
    await visit.presses(Form(form.action.replace("/take", "/give"), form.fields))
    assert visit.status == 404
    assert (await the_case(story)).state is State.OPEN


# How it goes on


async def test_the_case_is_carried_to_its_end_on_the_page(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    assert visit.buttons[:2] == ["已联系上", "记下结果"]
    await visit.presses("已联系上")
    assert "已联系上" not in visit.buttons
    assert "三天后　11月26日（周四）" in visit.page
    assert "已经结束" in await visit.presses("记下结果", outcome="called", grade="1", next="3")
    case = await the_case(story)
    assert (case.state, case.outcome, case.next_contact) == (
        State.RESOLVED, Outcome.CALLED, MONDAY.date().replace(day=26),
    )  # fmt: skip
    assert await logged(story, "Taken", "Contacted", "Closed") == [
        ("Taken", "page"), ("Contacted", "page"), ("Closed", "page"),
    ]  # fmt: skip


async def test_where_somebody_was_referred_to_is_kept_once(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    form = visit.form("记下结果")
    for _ in range(2):
        await visit.presses(form, outcome="referred", grade="4", whereto="区三院，周四上午", next="3")
    case = await the_case(story)
    assert (case.state, case.grade) == (State.RESOLVED, 4)
    async with story.house.db.read() as session:
        (referral,) = (await session.scalars(select(Referral))).all()
    assert (referral.grade, referral.whereto, referral.by_id) == (4, "区三院，周四上午", case.owner_id)


async def test_another_day_can_be_written(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    await visit.presses("记下结果", outcome="met", grade="0", next="other", day="2026-12-24")
    case = await the_case(story)
    assert case.next_contact is not None
    assert case.next_contact.isoformat() == "2026-12-24"


@pytest.mark.parametrize(
    ("filled_in", "said"),
    [
        ({"outcome": "called"}, "请选下次哪天联系"),
        ({"outcome": "called", "next": "other"}, "请选下次哪天联系"),
        ({"outcome": "called", "grade": "0", "day": "2026-11-22"}, "已经过去了"),
        ({"outcome": "called", "next": "1"}, "请选危险程度"),
        ({"outcome": "called", "next": "1", "grade": "3"}, "请写转到哪里"),
        ({"outcome": "called", "next": "1", "grade": "3", "whereto": "12"}, "请写转到哪里"),
        ({"outcome": "referred", "next": "1", "grade": "0"}, "请写转到哪里"),
        ({"outcome": "met", "grade": "4", "whereto": "三院", "day": "2026-12-24"}, "要在 14 天内再联系"),
        ({"outcome": "met", "grade": "6", "next": "1"}, "请选一个结果"),
        ({"outcome": "called", "day": "2062-11-24"}, "日期要在一年以内"),
        ({"outcome": "called", "day": "soon"}, "日期要在一年以内"),
        ({"next": "1"}, "请选一个结果"),
        ({"outcome": "drowned", "next": "1"}, "请选一个结果"),
    ],
)
async def test_what_is_missing_in_the_result_is_asked_for_and_what_was_chosen_stays(
    story: Story, link: str, visit: Visit, filled_in: dict[str, str], said: str
) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    assert said in await visit.presses("记下结果", **filled_in)
    assert visit.status == 422
    assert (await the_case(story)).state is State.ACKNOWLEDGED
    kept = visit.form("记下结果")
    assert kept.fields.get("next") == filled_in.get("next")
    await visit.presses(kept, outcome="called", grade="1", next="1", day="")
    assert (await the_case(story)).state is State.RESOLVED


async def test_not_reaching_somebody_is_no_ending_and_is_written_down_once(
    story: Story, link: str, visit: Visit
) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    unreached = visit.form("记下结果")
    await visit.presses(unreached, outcome="unreached")
    before = await the_case(story)
    await story.clock.forward(minutes=5)
    await visit.presses(unreached, outcome="unreached")
    after = await the_case(story)
    assert (after.state, after.due_at) == (State.ACKNOWLEDGED, before.due_at)
    assert len(await logged(story, "Closed")) == 1


async def test_an_old_button_puts_no_clock_back(story: Story, link: str, visit: Visit) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    contacted = visit.form("已联系上")
    await visit.presses(contacted)
    due = (await the_case(story)).due_at
    await story.clock.forward(hours=1)
    await visit.presses(contacted)
    assert (await the_case(story)).due_at == due


async def test_a_result_for_a_case_that_is_somebody_elses_by_now_is_not_written_down(
    story: Story, link: str, visit: Visit
) -> None:
    await visit.opens(link)
    await visit.presses(TAKE)
    result = visit.form("记下结果")
    await story.clock.forward(minutes=50)
    await (await story.phone("李红")).says("接 A-0001")
    assert "已经不在您手上" in await visit.presses(result, outcome="false_alarm")
    assert await owner_of(story) == "李红"
    assert (await the_case(story)).state is State.ACKNOWLEDGED


async def test_a_link_of_somebody_who_may_not_read_it_shows_nothing(story: Story, member: Phone, visit: Visit) -> None:
    await member.says(WORDS)
    counsellor = (await registered(story, "lilaoshi")).id or 0
    await visit.opens(story.house.links.case((await the_case(story)).id or 0, counsellor, story.house.clock.now()))
    assert visit.status == 404
    assert WORDS not in visit.page
