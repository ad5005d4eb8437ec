"""The pages for members in a real Chromium: big, quiet, and nothing on them that a shaking hand cannot hit."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from bot.simulator import Phone
from bot.simulator.state import User
from tests.test_browser import Looking, browser, invite, link_in, looking, sideways

__all__ = ["browser", "looking"]
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LOOKS = [(375, 100, False), (375, 100, True), (320, 200, False), (1280, 100, True)]
NAMES = ["375", "375, dark", "320 with type of 200 %", "1280, dark"]


@pytest_asyncio.fixture(loop_scope="module")
async def member(looking: Looking, browser: Browser) -> AsyncIterator[Phone]:
    """小河 has joined and agreed to be asked how they are."""
    invitation = await invite(looking)
    async with httpx.AsyncClient(base_url=looking.address, follow_redirects=True) as client:
        assert (await client.get(link_in(invitation))).status_code == 200
        scene = (await client.get("box/state.json")).json()["qr_codes"][-1]["scene"]
    phone = await looking.phone("小河", "o_xiaohe")
    await phone.follows(scene)
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "1", "3", "小河"):
        await phone.says(text)
    yield phone


def user(looking: Looking) -> User:
    return looking.demo.platform.user("o_xiaohe")


def link_in_chat(looking: Looking, words: str) -> str:
    """The link of the newest bubble that says this."""
    bubble = next(bubble for bubble in reversed(user(looking).bubbles) if words in bubble.text)
    return next(part.href for part in bubble.segments if part.href)


async def opened(looking: Looking, context: BrowserContext, url: str) -> Page:
    """A tap on a link in 小河's chat."""
    return await looking.open(context, f"{looking.address}box/open?phone=o_xiaohe&url={quote(url, safe='')}")


async def look(looking: Looking, page: Page, name: str, type_size: int) -> None:
    await page.evaluate("size => { document.documentElement.style.fontSize = size }", f"{type_size}%")
    assert await sideways(page) <= 0, name
    assert await page.locator("script").count() == 0
    for thing in await page.locator("button:visible, a:visible, textarea:visible").all():
        box = await thing.bounding_box()
        assert box is not None
        assert box["height"] >= 48, (name, await thing.inner_text())
        size = await thing.evaluate("thing => parseFloat(getComputedStyle(thing).fontSize)")
        assert size >= 20 * type_size / 100, (name, await thing.inner_text())
    await looking.picture(page, f"member-{name}")
    found = await Axe().run(page)
    assert found.violations_count == 0, (name, found.generate_report())


@pytest.mark.parametrize(("width", "type_size", "dark"), LOOKS, ids=NAMES)
async def test_a_member_answers_how_they_are_and_whether_they_come(
    looking: Looking,
    member: Phone, width: int, type_size: int, dark: bool,
) -> None:  # fmt: skip
    context = await looking.window(width, dark=dark)
    tail = f"{width}-{type_size}{'-dark' if dark else ''}"

    await member.says("心情")
    page = await opened(looking, context, link_in_chat(looking, "用大字选"))
    await look(looking, page, f"mood-{tail}", type_size)
    await page.get_by_role("button", name="2 不太好").click()
    await page.get_by_text("要不要王乐给您回个电话").wait_for()
    await look(looking, page, f"mood-low-{tail}", type_size)
    await page.get_by_label("想多说一句").fill("睡不好")
    await page.get_by_role("button", name="发送").click()
    await page.get_by_text("记下了，谢谢您").wait_for()

    await looking.demo.machine.forward(hours=2)  # the house has asked who comes on Wednesday
    page = await looking.open(context, f"{looking.address}p/activities")
    await page.get_by_text("手工课").wait_for()
    await look(looking, page, f"activities-{tail}", type_size)
    await page.get_by_role("link", name="选一下来不来").first.click()
    await page.get_by_role("button", name="能来").first.click()
    await page.get_by_text("好的，给您留位了").wait_for()
    await look(looking, page, f"rsvp-{tail}", type_size)

    page = await looking.open(context, f"{looking.address}p/data")
    await page.get_by_text("睡不好").wait_for()
    await look(looking, page, f"data-{tail}", type_size)
    page = await looking.open(context, f"{looking.address}p/consent")
    await look(looking, page, f"consent-{tail}", type_size)
    await page.get_by_role("button", name="每周问一次心情").click()
    await page.get_by_text("好，改好了").wait_for()


async def test_words_of_danger_are_answered_on_the_page_with_two_big_buttons(
    looking: Looking,
    member: Phone,
) -> None:  # fmt: skip
    await member.says("心情")
    context = await looking.window(375, script=False)
    page = await opened(looking, context, link_in_chat(looking, "用大字选"))
    await page.get_by_role("textbox").fill("不想活了，药都攒好了")
    await page.get_by_role("button", name="1 很难受").click()
    await page.get_by_text("您不用一个人扛着").wait_for()
    await looking.picture(page, "member-danger")
    await page.get_by_role("button", name="需要帮忙").click()
    await page.get_by_text("我正在叫人").wait_for()
    await (await looking.phone("王乐", "o_wangle")).sees_card("待办提醒")


async def test_a_snapshot_says_what_to_do(looking: Looking, member: Phone) -> None:
    user(looking).in_snapshot = True
    await member.says("我的资料")
    page = await opened(looking, await looking.window(375), link_in_chat(looking, "自己先看看"))
    await page.get_by_text("使用完整服务").wait_for()
    looking.wrong.clear()  # the browser notes the 403 itself
    await look(looking, page, "snapshot", 100)


async def test_two_phones_in_one_browser_do_not_see_each_others_pages(
    looking: Looking,
    member: Phone,
) -> None:  # fmt: skip
    await member.says("我的资料")
    link = link_in_chat(looking, "自己先看看")
    context = await looking.window(375)
    page = await opened(looking, context, link)
    await page.get_by_text("每周问一次心情").wait_for()
    mama = await looking.phone("小河妈妈", "o_mama")
    await mama.follows()
    await mama.says(link)  # a link that somebody forwards stands in their chat
    looking.demo.platform.user("o_mama").bubbles[-1].url = link
    page = await looking.open(context, f"{looking.address}box/open?phone=o_mama&url={quote(link, safe='')}")
    await page.get_by_text("我还不认识您").wait_for()
    looking.wrong.clear()  # the browser notes the 403 itself
