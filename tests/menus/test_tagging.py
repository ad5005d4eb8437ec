"""Who sees which menu: a follower gets the tag that their role wants, and nothing is asked when nothing is to do."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from app import doctor
from app.clock import Clock
from app.messages.models import Contact
from app.people.models import Person, Role
from app.settings import Settings
from bot.menus.tagging import TAG_BELL
from tests.conftest import MONDAY, Story, open_story
from tests.menus.conftest import Operator, names
from tests.stories.test_family import bound

TAGGING, UNTAGGING = "tags/members/batchtagging", "tags/members/batchuntagging"


async def sees(story: Story, name: str) -> list[str]:
    phone = await story.phone(name)
    return names(await phone._wire.menu(phone.openid))


async def ring(story: Story) -> int:
    return await story.house.tower.bells[TAG_BELL].drain()


async def tag_of(story: Story, openid: str) -> str | None:
    async with story.house.db.read() as session:
        return await session.scalar(select(Contact.tag).where(Contact.openid == openid))


async def test_until_a_menu_was_pushed_nothing_is_asked_and_everybody_sees_one_menu(
    story: Story, operator: Operator
) -> None:
    await story.joined()
    assert await ring(story) == 0
    assert operator.asked() == []
    assert await sees(story, "王乐") == await sees(story, "小河")


async def test_each_sees_the_menu_of_their_role(story: Story, operator: Operator) -> None:
    await operator.push()
    await story.joined()
    await ring(story)
    await (await story.phone("路人")).follows()
    assert await sees(story, "小河") == ["我的活动", "今天如何", "帮助"]
    assert await sees(story, "王乐") == await sees(story, "李老师") == ["待办", "今天", "帮助"]
    assert await sees(story, "路人") == ["我的活动", "帮助"]


async def test_a_relative_sees_theirs(story: Story, operator: Operator) -> None:
    await operator.push()
    await bound(story)
    await ring(story)
    assert await sees(story, "小河妈妈") == ["找人", "帮助"]


async def test_the_entries_for_staff_do_what_the_words_do(story: Story, operator: Operator) -> None:
    await operator.push()
    worker = await story.phone("王乐")
    await ring(story)
    await worker.taps("待办")
    await worker.hears("没有")
    await worker.taps("名单")
    await worker.hears("没有")
    await worker.taps("签到码")
    await worker.hears("没有")
    await worker.taps("帮助")
    await worker.hears("接")


async def test_an_entry_for_staff_is_no_door_for_anybody_else(story: Story) -> None:
    member = await story.joined()
    await member.taps("tasks")
    await member.hears("我能做这几件事")


async def test_the_entry_that_asks_for_a_person_brings_one(story: Story, operator: Operator) -> None:
    await operator.push()
    worker, member = await story.phone("王乐"), await story.joined()
    await ring(story)
    await member.taps("找人")
    await member.hears("王乐")
    await worker.hears("请您看一下")


async def test_when_nothing_differs_nothing_is_asked(story: Story, operator: Operator) -> None:
    await operator.push()
    await ring(story)
    asked = operator.asked()
    story.house.clock.forward(minutes=5)
    assert await ring(story) == 0
    assert operator.asked() == asked


async def test_a_new_role_takes_the_old_tag_away_and_gives_the_new_one(story: Story, operator: Operator) -> None:
    await operator.push()
    member = await story.joined()
    await ring(story)
    async with story.house.db.begin() as session:
        contact = (await session.scalars(select(Contact).where(Contact.openid == member.openid))).one()
        (await session.get(Person, contact.person_id)).role = Role.COUNSELLOR
    await ring(story)
    user = story.platform.users[member.openid]
    assert [story.platform.tags[tag] for tag in user.tags] == ["C组"]
    assert await tag_of(story, member.openid) == "C组"


async def test_a_phone_that_is_nobodys_any_more_loses_its_tag(story: Story, operator: Operator) -> None:
    await operator.push()
    member = await story.joined()
    await ring(story)
    assert story.platform.users[member.openid].tags
    async with story.house.db.begin() as session:
        (await session.scalars(select(Contact).where(Contact.openid == member.openid))).one().person_id = None
    await ring(story)
    assert story.platform.users[member.openid].tags == []
    assert await tag_of(story, member.openid) is None


async def test_whoever_leaves_and_comes_back_gets_their_menu_back(story: Story, operator: Operator) -> None:
    await operator.push()
    member = await story.joined()
    await ring(story)
    assert await tag_of(story, member.openid) == "A组"
    await member.unfollows()
    assert await tag_of(story, member.openid) is None
    await member.follows()
    await ring(story)
    assert await sees(story, "小河") == ["我的活动", "今天如何", "帮助"]


async def a_crowd(story: Story, n: int, role: Role = Role.MEMBER) -> None:
    async with story.house.db.begin() as session:
        model = (await session.scalars(select(Person).limit(1))).one()
        for number in range(n):
            person = Person(
                programme_id=model.programme_id, house_id=model.house_id, code=f"crowd-{number}", role=role, name="某"
            )
            session.add(person)
            await session.flush()
            openid = f"o_crowd_{number}"
            session.add(Contact(account=story.settings.wechat_app_id, openid=openid, person_id=person.id))
            story.platform.add_user(openid, "某", following=True)


async def test_many_are_done_fifty_at_a_time(story: Story, operator: Operator) -> None:
    await operator.push()
    await ring(story)
    asked = len(operator.asked())
    await a_crowd(story, 120)
    assert await ring(story) == 120
    assert operator.asked()[asked:] == [TAGGING] * 3
    assert sum("A组" in [story.platform.tags[t] for t in u.tags] for u in story.platform.users.values()) == 120


async def test_one_who_is_no_follower_any_more_keeps_nobody_else_from_their_menu(
    story: Story, operator: Operator
) -> None:
    await operator.push()
    await a_crowd(story, 8)
    story.platform.users["o_crowd_3"].following = False  # and the callback that says so was lost
    del story.platform.users["o_crowd_6"]
    await ring(story)
    assert [await tag_of(story, f"o_crowd_{n}") for n in range(8)] == [
        "A组", "A组", "A组", None, "A组", "A组", None, "A组",
    ]  # fmt: skip
    asked = operator.asked()
    assert await ring(story) == 0
    assert operator.asked() == asked


@pytest.mark.parametrize("errcode", [-1, 45011, 48001, 45009, 12345])
async def test_a_refusal_is_logged_once_and_the_next_ring_tries_again(
    story: Story, operator: Operator, errcode: int
) -> None:
    await operator.push()
    story.platform.break_next(TAGGING, errcode=errcode, times=None)
    with capture_logs() as logs:
        assert await ring(story) == 0
    assert [line["event"] for line in logs] == ["tags not given"]
    assert "o_wangle" not in str(logs)
    story.platform.mend()
    await story.clock.forward(days=1, hours=1)
    await ring(story)
    assert await tag_of(story, "o_wangle") == "C组"


async def test_an_api_that_is_not_allowed_or_used_up_is_left_alone_for_a_while(
    story: Story, operator: Operator
) -> None:
    await operator.push()
    story.platform.break_next(TAGGING, errcode=48001)
    await ring(story)
    asked = operator.asked()
    story.house.clock.forward(minutes=59)
    assert await ring(story) == 0
    assert operator.asked() == asked
    story.house.clock.forward(minutes=1)
    assert await ring(story) == 4


async def test_a_tag_that_was_deleted_in_the_back_end_is_asked_for_once_an_hour(
    story: Story, operator: Operator
) -> None:
    await operator.push()
    staff = next(tag for tag, name in story.platform.tags.items() if name == "C组")
    del story.platform.tags[staff]
    with capture_logs() as logs:
        for _ in range(3):
            assert await ring(story) == 0
    assert [line["event"] for line in logs] == ["tag missing"]
    story.house.clock.move_to(story.house.clock.now() + timedelta(hours=1))
    await operator.push()
    assert await ring(story) == 4


async def test_a_tag_that_was_made_anew_behind_our_back_is_found_again(story: Story, operator: Operator) -> None:
    await operator.push()
    await ring(story)
    old = next(tag for tag, name in story.platform.tags.items() if name == "C组")
    del story.platform.tags[old]
    await operator.push()
    with capture_logs() as logs:
        assert await ring(story) == 0
        assert await ring(story) == 4
    assert [line["event"] for line in logs] == ["tags not given"]


@pytest.mark.postgres
async def test_on_postgres_each_gets_their_tag_as_well(settings: Settings, postgres_db: str, tmp_path: Path) -> None:
    there = settings.model_copy(update={"database_url": postgres_db})
    async with open_story(there, Clock(frozen_at=MONDAY)) as story:
        operator = Operator(story, tmp_path)
        await operator.push()
        assert await ring(story) == 4
        await story.joined()
        await ring(story)
        assert await ring(story) == 0
        assert (await tag_of(story, "o_wangle"), await sees(story, "小河")) == ("C组", ["我的活动", "今天如何", "帮助"])
        found = await doctor.examine(there, story.house.clock, story.house.worlds.wechat)
        assert [line.what for line in found if line.bad] == ["网址", "网页授权域名", "出事告诉谁"]
