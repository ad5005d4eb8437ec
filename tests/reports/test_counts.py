"""What each room counts: who was asked, what they said, who came, who was asked how they are, who left."""

from datetime import timedelta

from app.activities.figures import activities
from app.messages.figures import messages
from app.mood.figures import moods
from app.people.figures import Tally
from tests.conftest import MONDAY, Story
from tests.stories.ways import no_activities, occurrence, registered

WEEK = timedelta(days=7)


def counted(tally: Tally) -> tuple[int, int]:
    """人数 and 人次."""
    everything = tally.of(tally.by_house)
    return len(everything), everything.total()


def test_somebody_who_comes_to_two_houses_is_one_person() -> None:
    tally = Tally.over([(1, 7, 2), (2, 7, 3), (2, 8, 1)])
    assert (tally.of([1]), tally.of([1, 2]).total(), len(tally.of([1, 2]))) == ({7: 2}, 6, 2)
    assert counted(tally - Tally.over([(2, 7, 3), (2, 9, 1)])) == (2, 3)
    assert counted(tally | Tally.over([(3, 9, 1)])) == (3, 7)


async def test_who_was_asked_and_what_they_said_and_whether_they_came(story: Story) -> None:
    member, worker = await story.joined(), await story.phone("李老师")
    what = await occurrence(story, "手工课")
    await story.clock.forward(hours=2)
    await member.says("1")
    await story.clock.forward_to(what.starts_at + timedelta(minutes=5))
    await worker.says("签到 小河")
    async with story.house.db.read() as session:
        house, now = [(await registered(story, "wangle")).house_id], story.house.clock.now()
        found = await activities(session, house, what.starts_at, what.starts_at + timedelta(minutes=1), now)
        assert found.held == {house[0]: 1}
        assert [counted(one) for one in (found.asked, found.going, found.silent)] == [(1, 1), (1, 1), (0, 0)]
        assert [counted(one) for one in (found.attended, found.first_time, found.walk_in, found.came)] == [
            (1, 1), (1, 1), (0, 0), (1, 1)
        ]  # fmt: skip
        before = await activities(session, house, what.starts_at, what.ends_at, what.starts_at - timedelta(hours=1))
        assert (before.held, counted(before.asked)) == ({}, (0, 0))
        assert counted((await activities(session, [999], MONDAY, MONDAY + WEEK, now)).asked) == (0, 0)


async def test_a_question_that_was_answered_and_a_mood_that_was_told_unasked(story: Story) -> None:
    member = await story.joined()
    await no_activities(story)
    await story.wednesday(16)
    await member.says("你好")
    await story.wednesday(16, 31)
    await member.says("4")
    async with story.house.db.read() as session:
        found = await moods(session, [(await registered(story, "wangle")).house_id], MONDAY, MONDAY + WEEK)
    assert [counted(one) for one in (found.due, found.deliverable, found.answered, found.late, found.unasked)] == [
        (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)
    ]  # fmt: skip


async def test_whoever_stopped_following_has_left_until_they_come_back(story: Story) -> None:
    member = await story.joined()
    await no_activities(story)

    async def left() -> tuple[int, int]:
        async with story.house.db.read() as session:
            house = [(await registered(story, "wangle")).house_id]
            return counted((await messages(session, house, MONDAY, MONDAY + WEEK)).left)

    assert await left() == (0, 0)
    await member.unfollows()
    assert await left() == (1, 1)
    await story.clock.forward(minutes=1)
    await member.follows()
    assert await left() == (0, 0)
