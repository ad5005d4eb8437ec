"""What belongs to another house is not there: not on one page of the console, whichever they are."""

import re

import pytest

from tests.conftest import Story
from tests.console.clerk import Clerk, every_way
from tests.console.things import another_house, things

WITH_A_PARAMETER = sorted({(method, path) for method, path in every_way() if "{" in path})


def filled(path: str, numbers: dict[str, int]) -> str:
    """The address of these things. A parameter that nobody knows is a mistake: say in `things` what it is."""
    return "/console" + re.sub(r"\{(\w+):int\}", lambda found: str(numbers[found[1]]), path)


@pytest.mark.parametrize("name", ["王乐", "李老师"])
async def test_what_is_of_another_house_is_not_there_on_any_page(story: Story, name: str) -> None:
    elsewhere = await another_house(story.house)
    theirs = await things(story.house, elsewhere)
    async with Clerk(story, name) as clerk:
        mark = clerk.csrf
        for method, path in WITH_A_PARAMETER:
            where = filled(path, theirs)
            if method == "GET":
                await clerk.opens(where)
            else:
                await clerk.posts(where, [("csrf", mark)])
            assert clerk.status == 404, f"{method} {where} answered {clerk.status}"
            assert "小江" not in clerk.page
            assert "散步" not in clerk.page


async def test_what_is_not_there_at_all_is_answered_the_same(story: Story) -> None:
    elsewhere = await another_house(story.house)
    theirs = await things(story.house, elsewhere)
    async with Clerk(story, "王乐") as wangle:
        for method, path in WITH_A_PARAMETER:
            if method == "POST":
                continue
            pages = []
            for numbers in (theirs, dict.fromkeys(theirs, 999_999)):
                pages.append(await wangle.opens(filled(path, numbers)))
            assert pages[0] == pages[1], path


async def test_no_list_of_the_console_names_anybody_of_another_house(story: Story) -> None:
    await things(story.house, await another_house(story.house))
    async with Clerk(story, "王乐") as wangle:
        for method, path in every_way():
            if method == "GET" and "{" not in path:
                await wangle.opens(f"/console{path}")
                assert "小江" not in wangle.page, path
                assert "赵远" not in wangle.page, path


async def test_the_control_a_supervisor_of_the_programme_finds_it_all(story: Story) -> None:
    """If nobody could see these things, the tests above would say nothing."""
    theirs = await things(story.house, await another_house(story.house))
    seen = 0
    async with Clerk(story, "周敏") as zhoumin:
        for method, path in WITH_A_PARAMETER:
            if method == "GET":
                await zhoumin.opens(filled(path, theirs))
                seen += zhoumin.status in (200, 422)
    assert seen >= len([path for method, path in WITH_A_PARAMETER if method == "GET"]) * 0.6
