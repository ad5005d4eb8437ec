"""What every page of the console shares: signed in or not at all, from our own pages only, kept by nobody."""

import hashlib
import re

import pytest
from sqlalchemy import select

from app.people.models import Person, Role
from tests.conftest import Story
from tests.console.clerk import PASSWORD, Clerk, every_way, has_account

HTMX = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


async def test_whoever_is_not_signed_in_comes_to_the_sign_in_and_then_where_they_wanted(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        page = await somebody.opens("/console")
        assert "账号" in page
        await somebody.presses("登录", login="wangle", password=PASSWORD)
        assert "王乐（社工）" in somebody.page


async def test_a_wrong_password_and_an_unknown_login_are_answered_alike(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        pages = []
        for login in ("wangle", "nobody"):
            pages.append(await somebody.signs_in(login, "wrong wrong wrong"))
            assert somebody.status == 422
        without = [re.sub(r'value="[^"]*"', "", page) for page in pages]
        assert without[0] == without[1]
        assert "账号或密码不对" in pages[0]
        assert 'value="wangle"' in pages[0]


async def test_after_sign_in_nobody_is_sent_to_a_strangers_page(story: Story) -> None:
    await has_account(story, "王乐")
    for to in ("https://elsewhere.example/", "//elsewhere.example", "/console//elsewhere.example", "/console/\\e"):
        async with Clerk(story) as somebody:
            await somebody.opens(f"/console/login?to={to}")
            await somebody.presses("登录", login="wangle", password=PASSWORD)
            assert somebody.at == "http://house/console"


async def test_signing_out_ends_it(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        key = next(iter(wangle._browser.cookies.jar)).value
        await wangle.presses("退出")
        assert "账号" in wangle.page
        wangle._browser.cookies.set("tongxing", key or "")
        assert "账号" in await wangle.opens("/console")


async def test_a_sign_in_that_nobody_used_for_half_a_day_is_over(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        for _ in range(3):
            await story.clock.forward(hours=11)
            assert "王乐" in await wangle.opens("/console")
        await story.clock.forward(hours=13)
        assert "账号" in await wangle.opens("/console")


async def test_the_cookie_is_not_for_scripts_nor_for_other_sites(story: Story) -> None:
    login = await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        await somebody.opens("/console/login")
        pressed = somebody.button("登录")
        fields = pressed.form.filled({"login": login, "password": PASSWORD})
        answer = await somebody._browser.post("/console/login", data=dict(fields))
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://house"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_what_another_site_sends_is_not_done(story: Story, headers: dict[str, str]) -> None:
    async with Clerk(story, "王乐") as wangle:
        await wangle.presses("退出", headers=headers)
        assert wangle.status == 400
        assert "王乐" in await wangle.opens("/console")


async def test_a_form_without_the_mark_of_this_sign_in_is_not_listened_to(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        for fields in ([], [("csrf", "")], [("csrf", "0" * 64)]):
            await wangle.posts("/console/logout", fields)
            assert wangle.status == 400
            assert "没有记下" in wangle.page
        assert "王乐" in await wangle.opens("/console")


async def test_whoever_is_not_on_the_staff_any_more_sees_nothing(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        async with story.house.db.begin() as session:
            who = next(one for one in await session.scalars(select(Person)) if one.name == "王乐")
            who.role = Role.MEMBER
        await wangle.opens("/console")
        assert wangle.status == 404


def test_every_way_of_the_console_names_its_parameters() -> None:
    for _method, path in every_way():
        assert not re.search(r"\{[a-z_]+\}", path), f"{path}: say what kind of parameter it is"


async def test_the_script_is_htmx_as_it_was_published(story: Story) -> None:
    """2.0.11 of the npm package htmx.org: a changed file would run in every page of the console."""
    async with Clerk(story, "王乐") as wangle:
        where = re.search(r'src="([^"]*htmx.min.js)"', wangle.page)
        assert where is not None
        script = await wangle.opens(where[1])
    assert hashlib.sha256(script.encode()).hexdigest() == HTMX
