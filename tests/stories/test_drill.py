"""The fire drill: a case about nobody climbs the real ladder; afterwards it is known who answers and who does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from app.activities.calendar import Quiet
from app.clock import Clock, local
from app.db import ident
from app.escalations import drill_report, drills, monthly
from app.escalations import service as escalations
from app.escalations.drill_report import Answer, DrillReport, Fate
from app.escalations.drills import DrillRefused
from app.escalations.models import CaseRow, DrillPlan
from app.escalations.monthly import Monthly
from app.escalations.states import Outcome, State
from app.main import Tongxing, create_app
from app.messages.models import Outbox
from app.people.models import House, Person, Role
from app.settings import Settings
from app.tasks.models import Task
from bot.mail.post import RecordedPost
from bot.notices import drills as words_of_drills
from bot.sms.recorded import RecordedSms
from bot.wording import wording
from tests.conftest import MONDAY, ZONE, Story, open_story
from tests.stories.visits import Visit
from tests.stories.ways import every_way, no_activities, reached_by, registered, without_wechat

DANGER = "不想活了，药都攒好了"


def quiet_of(settings: Settings) -> Quiet:
    return Quiet(settings.quiet_from, settings.quiet_until)


async def begin(story: Story, *, at_night: bool = False) -> CaseRow:
    async with story.house.db.begin() as session:
        house = await session.get_one(House, 1)
        now = story.house.clock.now()
        row = await drills.begin(session, house, now, quiet_of(story.settings), at_night=at_night)
    await story.clock.settle()
    return row


async def the_drill(story: Story) -> CaseRow:
    async with story.house.db.read() as session:
        row = await session.scalar(select(CaseRow).where(CaseRow.drill).order_by(CaseRow.id.desc()))
        assert row is not None
        return row


async def all_drills(story: Story) -> list[CaseRow]:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(CaseRow).where(CaseRow.drill).order_by(CaseRow.id)))


async def reported(story: Story) -> DrillReport:
    async with story.house.db.read() as session:
        return await drill_report.report(session, await session.get_one(CaseRow, ident(await the_drill(story))))


async def as_printed(story: Story) -> list[str]:
    return words_of_drills.lines(await reported(story), "段塘生活小站", wording().say, ZONE)


async def sent_to_members(story: Story) -> list[Outbox]:
    """Everything that was ever to be said to somebody who is no staff, since the beginning."""
    async with story.house.db.read() as session:
        staff = [role for role in Role if role.is_staff]
        rows = select(Outbox).join(Person, Person.id == Outbox.person_id).where(Person.role.not_in(staff))
        return list(await session.scalars(rows))


async def test_the_first_who_is_called_takes_it_and_it_is_over(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await story.phone("李红"), await story.phone("周敏")
    row = await begin(story)
    card = await worker.sees_card("待办提醒", 类型="演练", 提示="这是演练")
    assert "这是演练，没有人有危险" in await story.open_link(card["url"])
    await story.clock.forward(minutes=2)
    await worker.says("接")
    heard = await worker.hears("演练，谢谢", row.code)
    assert "已联系" not in heard
    assert "结果" not in heard
    await story.clock.forward(hours=30)
    for phone in (worker, backup):
        await phone.hears_nothing()
    over = await the_drill(story)
    assert (over.state, over.outcome, over.owner_id) == (State.RESOLVED, Outcome.DRILL, (await who("王乐", story)).id)
    report = await boss.sees_card("待办提醒", 类型="演练结果")
    page = await story.open_link(report["url"])
    assert "王乐 用了 2 分钟接手" in page
    assert "09:00 王乐 微信卡片 送到，09:02 接手" in page
    assert "李红" not in page


async def test_one_tap_on_the_page_takes_it_as_well_and_asks_nothing_more(story: Story) -> None:
    worker = await story.phone("王乐")
    await begin(story)
    card = await worker.sees_card("待办提醒", 类型="演练")
    async with Visit(story) as visit:
        await visit.opens(card["url"])
        assert "登记电话" not in visit.page
        page = await visit.presses("我来处理")
        assert "演练，谢谢" in page
        assert visit.buttons == []
    assert (await the_drill(story)).state is State.RESOLVED


async def who(name: str, story: Story) -> Person:
    async with story.house.db.read() as session:
        people = await session.scalars(select(Person))
        return next(person for person in people if person.name == name)


async def test_nobody_takes_it_so_everybody_is_called_once_more_then_it_ends_and_all_are_named(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await story.phone("李红"), await story.phone("周敏")
    row = await begin(story)
    await worker.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(minutes=10)
    await backup.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(minutes=5)
    await boss.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(minutes=10)
    for phone in (worker, backup, boss):
        await phone.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(minutes=10, seconds=15)
    assert (await the_drill(story)).state is State.RESOLVED
    await story.clock.forward(minutes=2)
    await boss.sees_card("待办提醒", 类型="演练结果")
    for phone in (worker, backup):
        await phone.hears_not("待办提醒")
    said = await as_printed(story)
    assert said[1] == "没有人接手。叫了 3 个人，用了 35 分钟。"
    assert "王乐 没有回应（09:00 微信卡片 送到、09:25 微信卡片 送到）" in said
    assert "李红 没有回应（09:10 微信卡片 送到、09:25 微信卡片 送到）" in said
    assert "周敏 没有回应（09:15 微信卡片 送到、09:25 微信卡片 送到）" in said
    await worker.says(f"接 {row.code}")
    await worker.hears("是演练，已经完了")


async def test_those_who_are_called_hear_who_took_it_or_that_nobody_did(story: Story) -> None:
    worker, backup = await story.phone("王乐"), await story.phone("李红")
    await worker.says("帮助")
    row = await begin(story)
    await story.clock.forward(minutes=10)
    await backup.says("接")
    await worker.hears("【演练】", "李红 已接手")
    report = await reported(story)
    assert [(one.name, one.answer) for one in report.called] == [("王乐", Answer.SILENT), ("李红", Answer.TOOK)]
    assert report.taken_after == timedelta(minutes=10)
    await begin(story)
    await story.clock.forward(minutes=36)
    await worker.hears("【演练】", "没有人接。谢谢")
    assert row.code != (await the_drill(story)).code


async def test_a_drill_opens_nothing_for_anybody_and_no_member_hears_of_it(story: Story) -> None:
    member = await story.joined()
    await no_activities(story)
    before = len(await sent_to_members(story))
    await begin(story)
    await story.clock.forward(minutes=50)
    await member.hears_not("演练")
    assert len(await sent_to_members(story)) == before
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(Task))) == []
        nobody = await session.get_one(Person, (await the_drill(story)).person_id)
        assert (nobody.role, nobody.joined_at) == (Role.GUEST, None)
        assert list(await session.scalars(select(Outbox).where(Outbox.person_id == nobody.id))) == []
    await story.clock.forward(days=8)
    assert (await the_drill(story)).resolved_at is not None


async def test_each_time_it_is_the_turn_of_whoever_was_not_practised_with_for_longest(story: Story) -> None:
    async with story.house.db.begin() as session:
        azhu = await session.scalar(select(Person).where(Person.code == "azhu"))
        assert azhu is not None
        azhu.worker_id, azhu.backup_id = azhu.backup_id, azhu.worker_id
    turns = []
    for _ in range(4):
        await begin(story)
        turns.append((await reported(story)).called[0].name)
        async with story.house.db.read() as session:
            nobody = await session.get_one(Person, (await the_drill(story)).person_id)
            worker = await session.get_one(Person, nobody.worker_id)
        turns[-1] = worker.name
        await story.clock.forward(minutes=40)
    assert turns == ["王乐", "李红", "王乐", "李红"]


async def test_only_one_at_a_time(story: Story) -> None:
    row = await begin(story)
    with pytest.raises(DrillRefused, match="running"):
        await begin(story)
    assert [one.id for one in await all_drills(story)] == [row.id]


# Somebody is in danger


async def test_somebody_in_danger_ends_the_drill_at_once_and_the_real_alert_comes_first(story: Story) -> None:
    worker, backup, boss = await story.phone("王乐"), await story.phone("李红"), await story.phone("周敏")
    member = await story.joined()
    await worker.says("帮助")
    await worker.hears("接 A-0312")
    drill = await begin(story)
    await worker.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(minutes=1)
    await member.says(DANGER)
    await member.hears("我已经请王乐来联系您")
    await worker.sees_card("待办提醒", 类型="尽快联系")
    assert (await the_drill(story)).state is State.RESOLVED
    await worker.hears_nothing()
    await story.clock.forward(seconds=10)
    await worker.hears(f"【演练】{drill.code} 停了", "没有写“演练”的那一条是真的")
    await worker.says("接")
    await worker.hears("已记录：王乐 09:01 接手")
    await member.hears("王乐看到您的消息了")
    await story.clock.forward(minutes=30)
    await backup.hears_nothing()
    await boss.hears_nothing()
    await story.clock.forward(minutes=31)
    await boss.sees_card("待办提醒", 类型="演练结果")
    assert (await as_printed(story))[1] == "中途停了：有真的事要处理。"


async def test_no_drill_while_somebody_is_in_danger(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await member.says(DANGER)
    for said in ("接", "已联系"):
        with pytest.raises(DrillRefused, match="danger"):
            await begin(story)
        await worker.says(said)
    for said in ("结果", "6"):
        await worker.says(said)
    await begin(story)


async def test_a_drill_that_could_not_be_stopped_at_once_ends_by_itself_at_its_next_step(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In other hands at that moment: the real alert does not wait for it."""
    backup, member = await story.phone("李红"), await story.joined()
    await begin(story)

    async def in_other_hands(*_: object) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(escalations, "_make_way", in_other_hands)
        await member.says(DANGER)
    assert (await the_drill(story)).state is State.OPEN
    await story.clock.forward(minutes=10)
    assert (await the_drill(story)).state is State.RESOLVED
    await backup.sees_card("待办提醒", 类型="尽快联系")
    await backup.hears_not("演练")


async def test_a_fault_in_stopping_the_drill_does_not_stop_the_real_alert(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await begin(story)
    await worker.sees_card("待办提醒", 类型="演练")
    of_everything = escalations.carry_out

    async def broken(session: object, row: CaseRow, *rest: object) -> None:
        if row.drill:
            raise RuntimeError("a fault of ours")
        await of_everything(session, row, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(escalations, "carry_out", broken)
        await member.says(DANGER)
    await member.hears("我已经请王乐来联系您")
    await worker.sees_card("待办提醒", 类型="尽快联系")


async def another_house(story: Story) -> House:
    """There is nobody but those who lead the programme; one of them is 王乐, who works here as well."""
    async with story.house.db.begin() as session:
        here = await session.get_one(House, 1)
        there = House(programme_id=here.programme_id, code="haishu", name="海曙生活小站", phone="0574-00000000")
        session.add(there)
        wangle = (await session.scalars(select(Person).where(Person.code == "wangle"))).one()
        wangle.role = Role.SUPERVISOR
        await session.flush()
        return there


async def begin_in(story: Story, house: House) -> None:
    async with story.house.db.begin() as session:
        await drills.begin(session, house, story.house.clock.now(), quiet_of(story.settings))


async def test_danger_ends_what_is_practised_elsewhere_with_those_who_are_called(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await begin_in(story, await another_house(story))
    await member.says(DANGER)
    assert (await the_drill(story)).state is State.RESOLVED
    await worker.says("接")
    await worker.hears("已记录：王乐")


async def test_what_is_practised_elsewhere_with_others_goes_on_until_its_next_step(story: Story) -> None:
    member = await story.joined()
    there = await another_house(story)
    async with story.house.db.begin() as session:
        await session.merge(
            Person(
                programme_id=there.programme_id, house_id=ident(there), code="n", role=Role.MEMBER, name="某人",
                worker_id=(await who("李红", story)).id,
            )
        )  # fmt: skip
    await begin_in(story, there)
    await member.says(DANGER)
    assert (await the_drill(story)).state is State.OPEN
    await story.clock.forward(minutes=10)
    assert (await the_drill(story)).state is State.RESOLVED


async def test_nobody_is_practised_with_whom_a_case_of_danger_elsewhere_waits_for(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    there = await another_house(story)
    await member.says(DANGER)
    with pytest.raises(DrillRefused, match="danger"):
        await begin_in(story, there)
    await worker.says("接")
    await begin_in(story, there)


# The hours


async def test_nobody_is_woken_for_a_drill_unless_it_is_asked_for(story: Story) -> None:
    worker = await story.phone("王乐")
    await story.clock.forward_to(MONDAY.replace(hour=21, minute=10))
    with pytest.raises(DrillRefused, match="quiet"):
        await begin(story)  # it would still ring at 21:45
    await story.clock.forward_to(MONDAY.replace(hour=23, minute=40))
    with pytest.raises(DrillRefused, match="quiet"):
        await begin(story)
    await begin(story, at_night=True)
    await worker.sees_card("待办提醒", 类型="演练")


# Every way


@pytest.fixture
def sms() -> RecordedSms:
    return RecordedSms()


@pytest.fixture
def post() -> RecordedPost:
    return RecordedPost()


@pytest.fixture
async def reachable(settings: Settings, sms: RecordedSms, post: RecordedPost) -> AsyncIterator[Story]:
    """Every way is set up; 王乐 is in WeCom, 李红 has a mobile phone only, 周敏 a mail address only."""
    async with open_story(every_way(settings), Clock(frozen_at=MONDAY), sms=sms, post=post) as opened:
        await reached_by(opened, "wangle", wecom="WangLe")
        await reached_by(opened, "lihong", wecom=None, phone="10000000001")
        await reached_by(opened, "zhoumin", mail="zhoumin@example.org")
        await without_wechat(opened, "lihong", "zhoumin")
        yield opened


async def test_by_every_way_it_says_that_it_is_a_drill(
    reachable: Story, sms: RecordedSms, post: RecordedPost
) -> None:  # fmt: skip
    worker = await reachable.phone("王乐")
    row = await begin(reachable)
    await worker.sees_work_card("演练 待办提醒", "我来处理", 编号=row.code, 类型="演练")
    assert reachable.platform.work is not None
    [group] = reachable.platform.work.group("duantang")
    assert group.startswith(f"【演练】{row.code}")
    await reachable.clock.forward(minutes=15)
    [text] = sms.sent
    assert text.fields["code"] == f"演练{row.code}"
    [mail] = post.sent
    assert mail.subject == "演练 待办提醒"
    assert mail.text.startswith("【演练】")
    await worker.presses("我来处理")
    await worker.work_card_shows("演练，谢谢")
    await worker.says(f"接 {row.code}")
    await worker.hears("是演练，已经完了")
    said = await as_printed(reachable)
    assert "09:00 王乐 企业微信 发出，09:15 接手" in said
    assert "李红 没有回应（09:10 短信 发出）" in said
    assert "周敏 还没来得及，别人接了（09:15 邮件 发出）" in said


async def test_whom_no_way_leads_to_is_named(story: Story) -> None:
    await without_wechat(story, "lihong")
    await begin(story)
    assert (await reported(story)).unreachable == ("李红",)
    assert "李红 叫不到：没有一种办法通得到，请给他设一种" in await as_printed(story)


async def test_whom_nothing_arrived_at_is_named_and_the_next_one_is_called_at_once(story: Story) -> None:
    story.platform.user("o_wangle").following = False  # we have not heard of it yet
    backup = await story.phone("李红")
    await begin(story)
    await backup.sees_card("待办提醒", 类型="演练")
    report = await reported(story)
    worker = report.called[0]
    assert (worker.name, worker.answer) == ("王乐", Answer.UNREACHED)
    assert {ring.fate for ring in worker.rings} == {Fate.FAILED}


async def test_only_who_leads_or_works_in_the_house_can_open_the_report(story: Story) -> None:
    row = await begin(story)
    for code, status in (("zhoumin", 200), ("lilaoshi", 404), ("xiaohe", 404)):
        reader = await registered(story, code)
        link = story.house.links.drill(ident(row), ident(reader), story.house.clock.now())
        app = create_app(story.house, bells=())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as browser:
            assert (await browser.get(link)).status_code == status


# Every month by itself


async def planned(story: Story) -> DrillPlan:
    async with story.house.db.read() as session:
        plan = await session.scalar(select(DrillPlan))
        assert plan is not None
        return plan


async def every_second_tuesday(story: Story) -> None:
    async with story.house.db.begin() as session:
        house = await session.get_one(House, 1)
        await drills.plan(session, house, Monthly(2, 1, "10:00"), story.house.clock.now(), anew=False)


def at(*day_and_hour: int) -> datetime:
    return MONDAY.replace(**dict(zip(("month", "day", "hour", "minute"), day_and_hour, strict=False)))


async def test_the_monthly_one_comes_on_its_day_and_then_in_the_next_month(story: Story) -> None:
    worker = await story.phone("王乐")
    await every_second_tuesday(story)
    await story.clock.forward_to(at(12, 8, 9, 59))
    assert await all_drills(story) == []
    await story.clock.forward_to(at(12, 8, 10, 0))
    await worker.sees_card("待办提醒", 类型="演练")
    await story.clock.forward(days=20)
    assert len(await all_drills(story)) == 1
    assert local((await planned(story)).planned_at, ZONE) == datetime(2027, 1, 12, 10, tzinfo=MONDAY.tzinfo)


async def test_of_two_processes_one_begins_it(story: Story) -> None:
    await every_second_tuesday(story)
    await story.clock.forward_to(at(12, 8, 9, 59))
    story.house.clock.move_to(at(12, 8, 10, 0))
    beside = Tongxing.build(story.settings, story.house.clock, story.house.worlds)
    done = await asyncio.gather(*[house.works.drills() for house in (story.house, beside) * 5])
    await beside.db.close()
    assert sum(done) == 1
    assert len(await all_drills(story)) == 1


async def test_where_somebody_is_in_danger_on_that_day_it_is_tried_the_next_day(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await every_second_tuesday(story)
    await story.clock.forward_to(at(12, 8, 9, 50))
    await member.says(DANGER)
    for said in ("接", "已联系"):
        await worker.says(said)
    await story.clock.forward_to(at(12, 8, 11, 0))
    assert await all_drills(story) == []
    for said in ("结果", "6"):
        await worker.says(said)
    await story.clock.forward_to(at(12, 9, 10, 0))
    assert len(await all_drills(story)) == 1
    assert local((await planned(story)).planned_at, ZONE).date() == datetime(2027, 1, 12, tzinfo=MONDAY.tzinfo).date()


async def test_nobody_is_called_at_another_hour_because_the_machine_was_off(story: Story) -> None:
    await every_second_tuesday(story)
    story.house.clock.move_to(at(12, 8, 15, 0))  # nothing ran meanwhile
    await story.clock.settle()
    assert await all_drills(story) == []
    await story.clock.forward_to(at(12, 9, 10, 0))
    assert len(await all_drills(story)) == 1


@pytest.mark.parametrize(
    ("wanted", "after", "zone", "expected"),
    [
        (Monthly(1, 1, "10:00"), "2026-12-01T09:59+08:00", "Asia/Shanghai", "2026-12-01T10:00+08:00"),
        (Monthly(1, 1, "10:00"), "2026-12-01T10:00+08:00", "Asia/Shanghai", "2027-01-05T10:00+08:00"),
        (Monthly(monthly.LAST, 0, "14:30"), "2026-11-23T09:00+08:00", "Asia/Shanghai", "2026-11-30T14:30+08:00"),
        (Monthly(monthly.LAST, 6, "09:00"), "2027-02-01T00:00+08:00", "Asia/Shanghai", "2027-02-28T09:00+08:00"),
        (Monthly(4, 6, "10:00"), "2026-09-20T00:00+12:00", "Pacific/Auckland", "2026-09-27T10:00+13:00"),
    ],
)
def test_the_day_of_the_month(wanted: Monthly, after: str, zone: str, expected: str) -> None:
    moment = monthly.next_time(wanted, datetime.fromisoformat(after), zone)
    assert moment == datetime.fromisoformat(expected)


async def test_on_a_holiday_nobody_practises_but_on_the_next_working_day(story: Story) -> None:
    """1 January 2027 is a Friday; a house that practises on Saturdays goes on doing so."""
    async with story.house.db.read() as session:
        house = await session.get_one(House, 1)
        first_friday = await drills.next_time(session, house, Monthly(1, 4, "10:00"), at(12, 20))
        first_saturday = await drills.next_time(session, house, Monthly(1, 5, "10:00"), at(12, 1))
    assert local(first_friday, ZONE) == datetime(2027, 1, 4, 10, tzinfo=MONDAY.tzinfo)
    assert local(first_saturday, ZONE) == at(12, 5, 10, 0)


def test_a_day_off_is_moved_and_comes_once() -> None:
    """Whoever knows the holidays says where to."""
    two_later = lambda day: day + timedelta(days=2)  # noqa: E731
    wanted = Monthly(2, 1, "10:00")
    tuesday = monthly.next_time(wanted, at(12, 1, 0, 0), ZONE, moved=two_later)
    assert local(tuesday, ZONE) == at(12, 10, 10, 0)
    assert local(monthly.next_time(wanted, tuesday, ZONE, moved=two_later), ZONE).month == 1
