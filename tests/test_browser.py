"""What a person sees: the simulator and the pages behind our links, in a real Chromium."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from app.demo import Demo, serving_demo
from bot.simulator import HttpWire, Phone, PhoneBook
from tests.needs import chromium

# One event loop and one Chromium for all of them: it takes longer to start than most of what is looked at.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = os.environ.get("TONGXING_TEST_PICTURES")  # a folder to keep screenshots in, to look at


@dataclass
class Looking:
    demo: Demo
    address: str
    browser: Browser
    book: PhoneBook
    wrong: list[str]

    async def window(self, width: int, *, script: bool = True, dark: bool = False) -> BrowserContext:
        return await self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, locale="zh-CN",
            color_scheme="dark" if dark else "light",
        )  # fmt: skip

    async def open(self, context: BrowserContext, url: str) -> Page:
        page = await context.new_page()
        page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith((self.address, "data:")) else self.wrong.append(request.url),
        )
        await page.goto(url)
        return page

    async def phone(self, name: str, openid: str) -> Phone:
        return await self.book.phone(name, openid=openid)

    async def picture(self, page: Page, name: str) -> None:
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = chromium()
    assert program
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def looking(tmp_path: Path, browser: Browser) -> AsyncIterator[Looking]:
    async with (
        serving_demo(tmp_path) as (demo, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/box/", timeout=30) as client,
    ):
        seen = Looking(demo, f"http://127.0.0.1:{port}/", browser, PhoneBook(HttpWire(client)), [])
        try:
            yield seen
        finally:
            for context in browser.contexts:
                await context.close()
        assert seen.wrong == []


async def sideways(page: Page) -> int:
    """By how many pixels the page scrolls sideways."""
    width: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


async def invite(looking: Looking) -> str:
    worker = await looking.phone("王乐", "o_wangle")
    await worker.says("邀请 小河")
    return await worker.hears("四个数字")


async def in_danger(looking: Looking, invitation: str) -> str:
    """小河 comes in by the code that was opened last, and writes; the link on the card that 王乐 sees."""
    member = await looking.phone("小河", "o_xiaohe")
    async with httpx.AsyncClient(base_url=f"{looking.address}box/") as client:
        scene = (await client.get("state.json")).json()["qr_codes"][-1]["scene"]
    await member.follows(scene)
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "2", "3", "小河", "不想活了，药都攒好了"):
        await member.says(text)
    worker = await looking.phone("王乐", "o_wangle")
    return (await worker.sees_card("待办提醒"))["url"]


def link_in(message: str) -> str:
    return next(word for word in message.split() if word.startswith("http"))


async def test_the_story_can_be_played_with_mouse_and_keyboard(looking: Looking) -> None:
    await invite(looking)
    context = await looking.window(1280)
    page = await looking.open(context, looking.address)
    worker = page.locator(".phone", has=page.get_by_role("heading", name="王乐"))
    await worker.get_by_placeholder("说点什么").fill("帮助")
    await worker.get_by_role("button", name="发送").click()
    await worker.get_by_text("已联系 A-0312：跟他联系上了").wait_for()
    await expect(page.locator("#clock")).to_contain_text("09:00")
    await page.get_by_role("button", name="+1 小时").click()
    await expect(page.locator("#clock")).to_contain_text("10:00")
    assert await sideways(page) <= 0
    await looking.picture(page, "simulator-1280")


async def test_on_a_small_screen_nothing_scrolls_sideways(looking: Looking) -> None:
    await invite(looking)
    page = await looking.open(await looking.window(375), looking.address)
    await page.get_by_role("heading", name="小河妈妈").wait_for()
    assert await sideways(page) <= 0
    await looking.picture(page, "simulator-375")


async def test_the_simulator_works_without_javascript(looking: Looking) -> None:
    page = await looking.open(await looking.window(1280, script=False), looking.address)
    worker = page.locator(".phone", has=page.get_by_role("heading", name="王乐"))
    await worker.get_by_placeholder("说点什么").fill("名单")
    await worker.get_by_role("button", name="发送").click()
    await page.get_by_text("现在没有可以签到的活动").last.wait_for()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_pages_behind_our_links_read_well_on_a_phone(looking: Looking, dark: bool) -> None:
    invitation = await invite(looking)
    context = await looking.window(375, script=False, dark=dark)
    qr = await looking.open(context, link_in(invitation))
    assert await qr.locator("svg").bounding_box() is not None
    assert (await qr.locator("svg").bounding_box() or {})["width"] > 200
    await looking.picture(qr, f"qr-{'dark' if dark else 'light'}")

    worker = await looking.phone("王乐", "o_wangle")
    await in_danger(looking, invitation)
    await worker.says("接")
    case = await looking.open(context, link_in(await worker.hears("已记录")))
    words = case.get_by_text("药都攒好了").first
    assert not await words.is_visible()
    await case.get_by_text("原话（点开看）").click()
    assert await words.is_visible()
    call = await case.get_by_text("打电话").bounding_box()
    assert call is not None
    assert call["height"] >= 48
    await looking.picture(case, f"case-{'dark' if dark else 'light'}")
    for page in (qr, case):
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_a_link_that_is_over_says_what_to_do(looking: Looking) -> None:
    page = await looking.open(await looking.window(375), f"{looking.address}p/case/nonsense")
    looking.wrong.clear()  # the browser notes the 410 itself
    await page.get_by_text("请从消息里重新点开").wait_for()


@pytest.mark.parametrize(
    ("width", "type_size", "script", "dark"),
    [(375, 100, True, False), (375, 100, False, True), (320, 200, False, False), (1280, 100, True, True)],
    ids=["375", "375 without script, dark", "320 with type of 200 %", "1280, dark"],
)
async def test_a_case_is_taken_and_carried_to_its_end_with_a_thumb(
    looking: Looking, width: int, type_size: int, script: bool, dark: bool
) -> None:
    name = f"one-tap-{width}-{type_size}-{'dark' if dark else 'light'}"
    context = await looking.window(width, script=script, dark=dark)
    invitation = await invite(looking)
    await looking.open(context, link_in(invitation))
    page = await looking.open(context, await in_danger(looking, invitation))

    async def look(n: int) -> None:
        """Nothing to press is too small for a thumb, and nothing scrolls sideways."""
        await page.evaluate("size => { document.documentElement.style.fontSize = size }", f"{type_size}%")
        assert await sideways(page) <= 0
        for thing in await page.locator(
            "button:visible, a.button:visible, label:visible, input[type=date]:visible"
        ).all():
            box = await thing.bounding_box()
            assert box is not None
            assert box["height"] >= 48, await thing.inner_text()
        await looking.picture(page, f"{name}-{n}")

    await look(1)
    button = page.get_by_role("button", name="我来处理")
    bottom = await button.evaluate("button => button.getBoundingClientRect().bottom")
    assert bottom < 900  # seen without scrolling
    assert await button.evaluate("button => parseFloat(getComputedStyle(button).fontSize)") >= 20
    await button.click()
    await page.get_by_text("您在处理").wait_for()
    await page.get_by_text("填结果").click()
    await page.get_by_text("原话（点开看）").click()
    assert await page.locator("mark").is_visible()
    await look(2)
    await page.get_by_role("button", name="已联系上").click()
    await page.get_by_role("button", name="已联系上").wait_for(state="detached")
    await page.get_by_text("已通电话，平稳").click()
    await page.get_by_text("口头吵闹").click()
    await page.get_by_role("button", name="记下结果").click()
    await page.get_by_text("请选下次哪天联系").wait_for()
    looking.wrong.clear()  # the browser notes the 422 itself
    assert await page.get_by_label("已通电话，平稳").is_checked()
    await look(3)
    await page.get_by_text("三天后").click()
    await page.get_by_role("button", name="记下结果").click()
    await page.get_by_text("已经结束").wait_for()
    await look(4)
