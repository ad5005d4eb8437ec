"""The list of an activity, what is said before a change is made, and what follows when it is over."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.activities import arranging, changes, closing, sheet
from app.activities import service as activities
from app.activities.calendar import Quiet, Rhythm, recurrence
from app.activities.closing import Closing
from app.activities.machine import Absence, Answer, Door, Hears
from app.activities.models import Attendance, ListEvent, Occurrence, Plan, Rsvp, State, Undone
from app.clock import local, wall
from app.db import ident
from app.messages.models import Outbox
from app.people.models import House, Person, Role
from app.people.scope import scope_of
from app.tasks.models import Task
from tests.conftest import MONDAY, ZONE, Story

VENUE = "石碶文化站一楼"


def quiet_of(story: Story) -> Quiet:
    return Quiet(story.settings.quiet_from, story.settings.quiet_until)


async def handicraft(session: object) -> Occurrence:
    """Of the first week."""
    found = select(Occurrence).where(Occurrence.title == "手工课").order_by(Occurrence.starts_at)
    what: Occurrence = (await session.scalars(found)).first()  # type: ignore[attr-defined]
    return what


async def person(session: object, name: str) -> Person:
    everybody: Iterable[Person] = await session.scalars(select(Person))  # type: ignore[attr-defined]
    return next(one for one in everybody if one.name == name)


async def crowd(story: Story) -> dict[str, Answer | None]:
    """Everybody of the house in a different position; 小河 comes, 阿珠 does not, 阿光 stopped, 石榴 is out of reach."""
    said: dict[str, Answer | None] = {"小河": Answer.GOING, "阿珠": Answer.NOT_GOING, "阿光": Answer.GOING}
    river, pearl, light = [await story.joined(name, mood=False) for name in said]
    await river.says("1")
    await pearl.says("2")
    await light.says("1")
    await light.says("退订")
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        unreached = Person(
            programme_id=1, house_id=what.house_id, code="shiliu", role=Role.MEMBER, name="石榴", phone="000-0000-0042"
        )  # fmt: skip
        session.add(unreached)
        await session.flush()
        await activities.answer(session, what, unreached, Answer.UNDECIDED, story.house.clock.now())
        said["石榴"] = Answer.UNDECIDED
    return said


async def told(story: Story, kind: str) -> tuple[set[str], set[str]]:
    """(who was told, who stands on the list of calls) of this kind of message."""
    async with story.house.db.read() as session:
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        sent = await session.scalars(select(Outbox).where(Outbox.kind == kind))
        by_message = {names[row.person_id] for row in sent if row.state.value in ("sent", "delivered")}
        calls = await session.scalars(select(Task).where(Task.reason == f"lost_{kind}"))
        return by_message, {names[task.person_id] for task in calls}


# What is shown before a change, and what happens then


@pytest.mark.parametrize(
    ("starts_at", "venue", "asked_again"),
    [(None, VENUE, False), (MONDAY.replace(day=25, hour=14, minute=30), None, False),
     (MONDAY.replace(day=26, hour=15), VENUE, True)],
    ids=["another place", "half an hour later", "another day"],
)  # fmt: skip
async def test_what_the_preview_says_is_what_happens_to_the_person(
    story: Story, starts_at: datetime | None, venue: str | None, asked_again: bool
) -> None:
    await crowd(story)
    async with story.house.db.begin() as session:
        what, now = await handicraft(session), story.house.clock.now()
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        plan = await changes.plan_move(session, what, now, quiet_of(story), starts_at=starts_at, venue=venue)
        again = await changes.plan_move(session, what, now, quiet_of(story), starts_at=starts_at, venue=venue)
        assert (plan, plan.stamp) == (again, again.stamp)
        await changes.carry_out(session, what, plan, now, quiet_of(story))
    await story.clock.settle()
    shown = {hears: {names[n] for n in plan.who(hears)} for hears in Hears}
    by_message, by_phone = await told(story, "moved")
    assert (by_message, by_phone) == (shown[Hears.TOLD], shown[Hears.CALLED])
    assert plan.again is asked_again
    assert shown[Hears.STOPPED] == {"阿光"}
    assert shown[Hears.SAID_NO] == (set() if asked_again else {"阿珠"})
    assert shown[Hears.TOLD] == ({"小河", "阿珠"} if asked_again else {"小河"})
    assert shown[Hears.CALLED] == {"石榴"}
    async with story.house.db.read() as session:
        answers = {
            names[r.person_id]: r.answer
            for r in await session.scalars(select(Rsvp).where(Rsvp.occurrence_id == what.id))
        }
    if asked_again:
        assert set(answers.values()) == {Answer.UNDECIDED}
    else:
        assert answers["小河"] is Answer.GOING


async def test_calling_off_tells_those_whom_the_preview_named(story: Story) -> None:
    await crowd(story)
    async with story.house.db.begin() as session:
        what, now = await handicraft(session), story.house.clock.now()
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        plan = await changes.plan_cancel(session, what, now, quiet_of(story))
        assert await changes.carry_out(session, what, plan, now, quiet_of(story))
        assert not await changes.carry_out(session, what, plan, now, quiet_of(story))
    await story.clock.settle()
    by_message, by_phone = await told(story, "called_off")
    assert by_message == {names[n] for n in plan.who(Hears.TOLD)} == {"小河"}
    assert by_phone == {names[n] for n in plan.who(Hears.CALLED)} == {"石榴"}


async def test_what_could_be_said_only_after_the_start_is_a_matter_for_the_telephone(story: Story) -> None:
    member = await story.joined()
    await story.clock.forward_to(MONDAY.replace(day=24, hour=11))
    await member.hears("书法")
    await member.says("1")
    await story.clock.forward_to(MONDAY.replace(day=26, hour=23))  # it begins at half past nine the next morning
    async with story.house.db.begin() as session:
        now = story.house.clock.now()
        what = (
            await session.scalars(select(Occurrence).where(Occurrence.title == "书法").order_by(Occurrence.starts_at))
        ).first()
        assert what is not None
        early = wall(date(2026, 11, 27), local(what.starts_at, ZONE).time().replace(hour=8, minute=0), ZONE)
        plan = await changes.plan_move(session, what, now, quiet_of(story), starts_at=early)
        assert [hears for _person, hears in plan.people] == [Hears.CALLED]
        await changes.carry_out(session, what, plan, now, quiet_of(story))
    await story.clock.settle()
    assert await told(story, "moved") == (set(), {"小河"})


async def test_an_answer_that_comes_in_between_changes_the_preview(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    stamps = []
    for answer in ("1", "去不了了"):
        await member.says(answer)
        async with story.house.db.read() as session:
            what = await handicraft(session)
            plan = await changes.plan_move(session, what, story.house.clock.now(), quiet_of(story), venue=VENUE)
            stamps.append(plan.stamp)
    assert stamps[0] != stamps[1]


async def test_another_length_concerns_nobody_and_moves_what_follows_the_end(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    async with story.house.db.begin() as session:
        what, now = await handicraft(session), story.house.clock.now()
        before = {
            p.milestone: p.due_at for p in await session.scalars(select(Plan).where(Plan.occurrence_id == what.id))
        }
        plan = await changes.plan_move(session, what, now, quiet_of(story), minutes=150)
        assert plan.people == ()
        assert await changes.carry_out(session, what, plan, now, quiet_of(story))
        after = {
            p.milestone: p.due_at for p in await session.scalars(select(Plan).where(Plan.occurrence_id == what.id))
        }
        assert {m.value for m in before if before[m] != after[m]} == {"missed", "close"}
        assert what.version == 1
    await story.clock.settle()
    assert await told(story, "moved") == (set(), set())


# Arranging


async def test_a_form_that_is_sent_twice_arranges_one_activity(story: Story) -> None:
    await story.joined()
    async with story.house.db.begin() as session:
        house = (await session.scalars(select(House))).one()
        for _ in range(2):
            what = await arranging.once(
                session, house, "token-of-a-form", title="包饺子", starts_at=MONDAY.replace(day=28, hour=14),
                minutes=90, venue="活动室", now=story.house.clock.now(), quiet=quiet_of(story),
            )  # fmt: skip
            assert what.title == "包饺子"
            series = await arranging.again_and_again(
                session, house, "token-of-a-form", title="散步", rule=recurrence(Rhythm.FORTNIGHTLY, date(2026, 12, 3)),
                first=date(2026, 12, 3), at=MONDAY.time().replace(hour=15), minutes=60, venue="公园",
                now=story.house.clock.now(), quiet=quiet_of(story),
            )  # fmt: skip
        days = await session.scalars(
            select(Occurrence).where(Occurrence.series_id == series.id).order_by(Occurrence.starts_at)
        )
        assert [local(o.starts_at, ZONE).day for o in days] == [3, 17, 31, 14]
        assert len((await session.scalars(select(Occurrence).where(Occurrence.title == "包饺子"))).all()) == 1
        with pytest.raises(ValueError, match="token"):
            await arranging.once(
                session, house, "", title="包饺子", starts_at=MONDAY, minutes=90, venue="", now=MONDAY,
                quiet=quiet_of(story),
            )  # fmt: skip


async def test_members_are_invited_to_what_was_arranged(story: Story) -> None:
    member = await story.joined()
    async with story.house.db.begin() as session:
        house = (await session.scalars(select(House))).one()
        await arranging.once(
            session, house, "token-of-a-form", title="包饺子", starts_at=MONDAY.replace(day=24, hour=14), minutes=90,
            venue="活动室", now=story.house.clock.now(), quiet=quiet_of(story),
        )  # fmt: skip
    await story.until(9, days=1)
    await member.hears("包饺子", "活动室")


# The list


async def tick(story: Story, names: dict[str, int], by: str = "李老师") -> sheet.Ticked:
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        who = {ident(await person(session, name)): shown for name, shown in names.items()}
        return await sheet.tick(session, what, who, await person(session, by), story.house.clock.now())


async def undo(story: Story, name: str, by: str = "王乐") -> int:
    """Take back the mark that this person has now: its number."""
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        mark = (await sheet.last_marks(session, what))[ident(await person(session, name))]
        await sheet.undo(session, what, mark, Undone.NOT_HERE, await person(session, by), story.house.clock.now())
        return ident(mark)


async def there(story: Story) -> set[str]:
    async with story.house.db.read() as session:
        what = await handicraft(session)
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        return {names[mark.person_id] for mark in await activities.present_at(session, what)}


async def test_a_form_that_arrives_twice_ticks_once(story: Story) -> None:
    await story.joined()
    await story.wednesday(14)
    first = await tick(story, {"小河": 0, "阿珠": 0})
    second = await tick(story, {"小河": 0, "阿珠": 0})
    assert [len(first.done), len(second.done), len(second.already)] == [2, 0, 2]
    async with story.house.db.read() as session:
        assert {(m.source, m.walk_in) for m in await session.scalars(select(Attendance))} == {("list", True)}


async def test_an_old_form_neither_unticks_nor_puts_back_what_was_taken_back(story: Story) -> None:
    await story.wednesday(14)
    await tick(story, {"小河": 0})
    await tick(story, {"阿珠": 0})  # from a list that did not show that 小河 is here
    assert await there(story) == {"小河", "阿珠"}
    taken_back = await undo(story, "小河")
    again = await tick(story, {"小河": 0})  # the first form once more, after a broken connection
    assert ([p.name for p in again.old], await there(story)) == (["小河"], {"阿珠"})
    await tick(story, {"小河": taken_back})  # from a list that shows that it was taken back
    assert await there(story) == {"小河", "阿珠"}
    async with story.house.db.read() as session:
        marks = await session.scalars(select(Attendance).where(Attendance.undone_at.is_not(None)))  # type: ignore[union-attr]
        assert [(m.undone_because, m.undone_by is not None) for m in marks] == [(Undone.NOT_HERE, True)]


async def test_whose_mark_was_taken_back_can_come_in_by_the_door(story: Story) -> None:
    counsellor, member = await story.phone("李老师"), await story.joined()
    await member.says("1")
    await story.wednesday(14)
    await counsellor.says("签到 小河")
    await counsellor.hears("小河到了", "现在 1 人")
    await counsellor.says("改签到 小河")
    await counsellor.hears("改好了：小河没有到")
    await counsellor.says("改签到 小河")
    await counsellor.hears("小河没有签到")
    await counsellor.says("改签到")
    await counsellor.hears("请写：改签到 名字")
    await counsellor.says("名单")
    await counsellor.hears("到了 0 人", "没到：小河")
    async with story.house.db.read() as session:
        digits = (await handicraft(session)).door_code
    await member.says(digits)
    await member.hears("欢迎，小河")
    assert await there(story) == {"小河"}


async def test_the_list_may_be_completed_after_the_end_until_it_is_closed(story: Story) -> None:
    counsellor, member = await story.phone("李老师"), await story.joined()
    await member.says("1")
    await story.wednesday(13, 20)
    assert (await tick(story, {"小河": 0})).refused is Door.NOT_YET
    await story.wednesday(15, 50)
    await member.says("到了")
    await member.hears("现在没有可以签到的活动")
    await counsellor.says("签到 小河")
    await counsellor.hears("小河到了")
    async with story.house.db.begin() as session:
        what, teacher = await handicraft(session), await person(session, "李老师")
        assert await closing.close(session, what, teacher, {}, story.house.clock.now()) is Closing.DONE
        assert await closing.close(session, what, teacher, {}, story.house.clock.now()) is Closing.ALREADY
    assert (await tick(story, {"阿珠": 0})).refused is Door.CLOSED
    async with story.house.db.begin() as session:
        what = await handicraft(session)
        mark = (await activities.present_at(session, what))[0]
        assert not await sheet.undo(session, what, mark, Undone.OTHER, teacher, story.house.clock.now())
    assert await there(story) == {"小河"}


async def test_nobody_of_another_house_gets_onto_a_list(story: Story) -> None:
    await story.wednesday(14)
    async with story.house.db.begin() as session:
        home = (await session.scalars(select(House))).one()
        other = House(programme_id=home.programme_id, code="other", name="另一个小站")
        session.add(other)
        await session.flush()
        stranger = Person(
            programme_id=home.programme_id, house_id=ident(other), code="x1", role=Role.MEMBER, name="远远"
        )  # fmt: skip
        session.add(stranger)
    with pytest.raises(LookupError):
        await tick(story, {"小河": 0, "远远": 0})
    assert await there(story) == set()


# Afterwards


async def test_who_was_expected_and_is_not_there_is_unknown_unless_somebody_knows_better(story: Story) -> None:
    for name in ("小河", "阿珠", "阿光"):
        member = await story.joined(name, mood=False)
        await member.says("1")
    await story.wednesday(14)
    await tick(story, {"小河": 0})
    async with story.house.db.begin() as session:
        what, teacher = await handicraft(session), await person(session, "李老师")
        assert await closing.close(session, what, teacher, {}, story.house.clock.now()) is Closing.NOT_OVER
    await story.wednesday(16)
    async with story.house.db.begin() as session:
        what, teacher = await handicraft(session), await person(session, "李老师")
        known = {ident(await person(session, name)): Absence.EXCUSED for name in ("小河", "阿光")}
        await closing.close(session, what, teacher, known, story.house.clock.now())
        lines = {line.person.name: (line.present, line.absence) for line in await sheet.expected(session, what)}
    assert lines == {
        "小河": (True, None), "阿珠": (False, Absence.UNKNOWN), "阿光": (False, Absence.EXCUSED),
    }  # fmt: skip


async def test_a_list_that_nobody_closes_is_put_before_a_counsellor_after_a_day(story: Story) -> None:
    counsellor, member = await story.phone("李老师"), await story.joined()
    await member.says("1")
    await counsellor.says("你好")
    async with story.house.db.read() as session:
        ends_at = (await handicraft(session)).ends_at
    await story.clock.forward_to(ends_at + timedelta(hours=23, minutes=59))
    assert await open_lists(story) == []
    await story.clock.forward(minutes=2)
    assert await open_lists(story) == [("李老师", "手工课 2026-11-25 14:00")]
    await counsellor.says("待办")
    page = await story.open_link(await counsellor.hears("1 件待办"))
    assert "签到名单还没有收好" in page
    assert "手工课" in page
    async with story.house.db.begin() as session:
        what, teacher = await handicraft(session), await person(session, "李老师")
        await closing.close(session, what, teacher, {}, story.house.clock.now())
    assert await open_lists(story) == []


async def open_lists(story: Story) -> list[tuple[str, str | None]]:
    async with story.house.db.read() as session:
        names = {one.id: one.name for one in await session.scalars(select(Person))}
        waiting = await session.scalars(select(Task).where(Task.reason == "list_open", Task.done_at.is_(None)))  # type: ignore[union-attr]
        return [(names[task.assignee_id], task.note) for task in waiting]


async def test_a_list_is_opened_again_and_it_stays_known_by_whom(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    await story.wednesday(16)
    async with story.house.db.begin() as session:
        what, now = await handicraft(session), story.house.clock.now()
        teacher, worker = await person(session, "李老师"), await person(session, "王乐")
        await closing.close(session, what, teacher, {}, now)
        assert await closing.reopen(session, what, worker, now)
        assert not await closing.reopen(session, what, worker, now)
    await tick(story, {"小河": 0})
    async with story.house.db.read() as session:
        what = await handicraft(session)
        assert [(e.closed, e.by_id) for e in await closing.history(session, what)] == [
            (True, teacher.id), (False, worker.id),
        ]  # fmt: skip
        assert what.closed_at is None
        assert [r.absence for r in await session.scalars(select(Rsvp).where(Rsvp.occurrence_id == what.id))] == [None]
    await story.clock.forward(hours=24, minutes=1)
    assert [name for name, _note in await open_lists(story)] == ["李老师"]


async def test_no_list_of_what_was_called_off_is_asked_for(story: Story) -> None:
    member = await story.joined()
    await member.says("1")
    async with story.house.db.begin() as session:
        what, now = await handicraft(session), story.house.clock.now()
        await changes.cancel(session, what, now, quiet_of(story))
        assert what.state is State.CANCELLED
        teacher = await person(session, "李老师")
        assert await closing.close(session, what, teacher, {}, now) is Closing.CANCELLED
    await story.clock.forward_to(MONDAY.replace(day=27, hour=12))
    assert await open_lists(story) == []
    async with story.house.db.read() as session:
        assert (await session.scalars(select(ListEvent))).all() == []


async def test_a_counsellor_sees_no_task_that_holds_what_somebody_wrote(story: Story) -> None:
    counsellor, member = await story.phone("李老师"), await story.joined()
    await member.says("哦那个东西")
    await member.says("就是那个")
    await counsellor.says("待办")
    await counsellor.hears("现在没有待办")


async def test_what_is_of_another_scope_is_not_there(story: Story) -> None:
    async with story.house.db.read() as session:
        what, worker = await handicraft(session), await person(session, "王乐")
        scope = await scope_of(session, worker)
        assert await activities.visible_occurrence(session, scope, ident(what)) is what
        for bad in (scope.__class__(scope.programme_id, frozenset()), scope.__class__(1, frozenset({999}))):
            with pytest.raises(LookupError):
                await activities.visible_occurrence(session, bad, ident(what))
