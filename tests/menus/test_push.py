"""`tongxing menu diff` and `push`, against the platform in a box."""

import pytest
from sqlmodel import select

from app.messages.models import Contact
from bot.menus.reading import MenusError
from bot.menus.tagging import TAG_BELL
from bot.outside import Misconfigured, NotSent, OutcomeUnknown
from tests.conftest import Story
from tests.menus.conftest import Operator, names


async def test_a_new_account_gets_its_tags_and_menus_and_a_second_push_changes_nothing(
    story: Story, operator: Operator
) -> None:
    done = await operator.push()
    assert done[:3] == ["建了标签「A组」", "建了标签「B组」", "建了标签「C组」"]
    assert len(done) == 7
    assert names(story.platform.menu) == ["我的活动", "帮助"]
    assert [names(menu.buttons) for menu in story.platform.conditional_menus] == [
        ["我的活动", "今天如何", "帮助"],
        ["找人", "帮助"],
        ["待办", "今天", "帮助"],
    ]
    asked = operator.asked()
    assert await operator.push() == []
    assert await operator.diff() == []
    assert operator.asked()[len(asked) :] == ["menu/get", "tags/get"] * 2


async def test_looking_changes_nothing(story: Story, operator: Operator) -> None:
    found = await operator.diff()
    assert len(found) == 7
    assert set(operator.asked()) == {"menu/get", "tags/get"}
    assert story.platform.conditional_menus == []


async def test_only_what_differs_is_made_anew(story: Story, operator: Operator) -> None:
    await operator.push()
    member, family, staff = story.platform.conditional_menus
    operator.writes(lambda text: text.replace("name: 待办", "name: 要办的"))
    assert [words.split("：")[0] for words in await operator.diff()] == [
        "工作人员（C组）没有这个菜单",
        "工作人员（C组）的这个菜单和文件里不一样，或多了一份",
    ]
    assert len(await operator.push()) == 2
    assert story.platform.conditional_menus[:2] == [member, family]
    assert names(story.platform.conditional_menus[2].buttons) == ["要办的", "今天", "帮助"]
    assert staff not in story.platform.conditional_menus
    assert await operator.push() == []


async def test_a_push_that_was_cut_off_goes_on_where_it_was(story: Story, operator: Operator) -> None:
    story.platform.break_next("menu/addconditional", errcode=48001)
    with pytest.raises(Misconfigured):
        await operator.push()
    assert [change.split("：")[0] for change in await operator.push()] == [
        "建了同伴（A组）的菜单",
        "建了家属（B组）的菜单",
        "建了工作人员（C组）的菜单",
    ]


async def test_a_push_whose_answer_was_lost_makes_nothing_twice(story: Story, operator: Operator) -> None:
    for api in ("tags/create", "menu/create", "menu/addconditional"):
        story.platform.break_next(api, lose_answer=True)
        with pytest.raises(OutcomeUnknown):
            await operator.push()
    await operator.push()
    assert len(story.platform.conditional_menus) == 3
    assert [name for name in story.platform.tags.values() if name.endswith("组")] == ["星标组", "A组", "B组", "C组"]


async def test_without_a_token_nothing_is_touched(story: Story, operator: Operator) -> None:
    story.platform.break_next("stable_token", drop=True)
    with pytest.raises(NotSent):
        await operator.push()
    assert operator.asked() == []


async def test_somebody_who_deleted_the_menu_in_the_back_end_is_noticed(story: Story, operator: Operator) -> None:
    await operator.push()
    story.platform.menu = []
    story.platform.conditional_menus.clear()
    assert len(await operator.diff()) == 4
    assert len(await operator.push()) == 4
    assert await operator.diff() == []


async def test_a_word_that_says_too_much_is_refused_before_anything_is_called(story: Story, operator: Operator) -> None:
    operator.writes(lambda text: text.replace("name: 今天如何", "name: 心理测试"))
    with pytest.raises(MenusError, match="同伴的菜单里的「心理测试」里有“心理”：菜单和标签谁都看得见，请换成中性的词"):
        await operator.push()
    assert operator.asked() == []
    assert story.platform.tags == {2: "星标组"}
    assert "“心理”" in (await operator.diff())[0]


async def test_whoever_had_a_tag_that_is_made_anew_gets_it_again(story: Story, operator: Operator) -> None:
    await operator.push()
    await story.house.tower.bells[TAG_BELL].drain()
    worker = story.platform.users["o_wangle"]
    [old] = worker.tags
    del story.platform.tags[old]
    for user in story.platform.users.values():
        user.tags.clear()
    await operator.push()
    async with story.house.db.read() as session:
        assert set(await session.scalars(select(Contact.tag))) == {None}
    for _ in range(2):  # the first ring finds out that the number it knows is gone
        await story.house.tower.bells[TAG_BELL].drain()
    assert [story.platform.tags[tag] for tag in worker.tags] == ["C组"]
