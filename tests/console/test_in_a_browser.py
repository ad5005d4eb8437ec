"""The console in a real Chromium: with a thumb, with and without a script, in light and in dark, and by axe."""

import re

import httpx
import pyotp
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, Request, expect

from app.accounts import invitations
from app.console.routes import ROOMS
from app.demo import CONSOLE_PASSWORD
from app.people import service as people
from app.people.models import Role
from tests.console.things import things
from tests.test_browser import Looking, browser, in_danger, invite, link_in, looking, sideways

__all__ = ["browser", "looking"]
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HEAVIEST = 80_000  # bytes over the wire
WHO = {Role.WORKER: "wangle", Role.SUPERVISOR: "zhoumin", Role.COUNSELLOR: "lilaoshi", Role.ADMINISTRATOR: "admin"}


async def signed_in(looking: Looking, context: BrowserContext, login: str) -> Page:
    page = await looking.open(context, f"{looking.address}console/login")
    await page.get_by_label("账号").fill(login)
    await page.get_by_label("密码").fill(CONSOLE_PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await page.get_by_role("button", name="退出", exact=True).wait_for()
    return page


async def danger(looking: Looking) -> None:
    """小河 has come in and written what nobody should be alone with."""
    invitation = await invite(looking)
    async with httpx.AsyncClient() as client:
        assert (await client.get(link_in(invitation))).status_code == 200
    await in_danger(looking, invitation)


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
async def test_a_worker_claims_calls_and_closes_a_red_case_with_a_thumb(looking: Looking, script: bool) -> None:
    await danger(looking)
    page = await signed_in(looking, await looking.window(375, script=script), "wangle")
    await page.goto(f"{looking.address}console/inbox")
    card = page.locator("article", has_text="小河")
    await expect(card).to_contain_text("▲ 紧急")
    await expect(page.get_by_text("攒好了")).to_have_count(0)
    await looking.picture(page, f"inbox-375-{'script' if script else 'plain'}")
    await card.get_by_role("button", name="我来处理").click()
    await page.get_by_text("您在处理").wait_for()
    assert await page.get_by_role("link", name="打电话").get_attribute("href")
    if script:
        assert page.url.endswith("/console/inbox")  # in its place
        await card.get_by_role("link", name="原话").click()
        await expect(card.locator("mark")).to_be_visible()
        await card.get_by_role("button", name="已联系上").click()
        await card.get_by_role("button", name="已联系上").wait_for(state="detached")
        await card.get_by_role("link", name="填结果").click()
    else:
        await page.get_by_role("button", name="已联系上").click()
        await page.get_by_role("button", name="已联系上").wait_for(state="detached")
    await page.get_by_text("已通电话，平稳").click()
    await page.get_by_text("口头吵闹").click()
    await page.get_by_role("button", name="记下结果").click()
    await page.get_by_text("请选下次哪天联系").wait_for()
    looking.wrong.clear()  # the browser notes the 422 itself
    await page.get_by_text("三天后").click()
    await page.get_by_role("button", name="记下结果").click()
    await page.get_by_text("已经结束").wait_for()
    assert await sideways(page) <= 0


async def test_two_workers_press_at_the_same_time(looking: Looking) -> None:
    await danger(looking)
    one = await signed_in(looking, await looking.window(375), "wangle")
    other = await signed_in(looking, await looking.window(375), "zhoumin")
    for page in (one, other):
        await page.goto(f"{looking.address}console/inbox")
    await one.get_by_role("button", name="我来处理").click()
    await one.get_by_text("您在处理").wait_for()
    await other.get_by_role("button", name="我来处理").click()
    await other.get_by_text("刚才没有接成：王乐 已经接手了").wait_for()


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
async def test_a_counsellor_changes_the_venue_with_a_thumb(looking: Looking, script: bool) -> None:
    numbers = await things(looking.demo.house, 1)
    await looking.demo.machine.settle()  # who is asked just now changes what a preview says
    page = await signed_in(looking, await looking.window(375, script=script), "lilaoshi")
    await page.goto(f"{looking.address}console/activities/{numbers['occurrence']}")
    await page.get_by_role("link", name="换时间、换地方").click()
    await page.get_by_label("在哪里").fill("石碶文化站一楼")
    await page.get_by_role("button", name="看看会告诉谁").click()
    await page.get_by_text("石碶文化站一楼").first.wait_for()
    await looking.picture(page, f"venue-preview-375-{'script' if script else 'plain'}")
    assert await sideways(page) <= 0
    await page.get_by_role("button", name="就这样改，告诉大家").click()
    await page.get_by_text("改好了").wait_for()
    await expect(page.locator("dd", has_text="石碶文化站一楼")).to_be_visible()


async def every_page(looking: Looking) -> list[tuple[str, str]]:
    """(login, address) of every page of the console, each with somebody who may see it."""
    from sqlalchemy import select

    from app.people.models import House

    async with looking.demo.house.db.read() as session:
        home = (await session.scalars(select(House))).first()
    assert home is not None
    numbers = await things(looking.demo.house, home.id or 0)
    found = []
    for room in ROOMS:
        for way in room.ways:
            if way.method == "GET" and "/pulse" not in way.path:
                login = next(WHO[role] for role in (Role.WORKER, *way.roles) if role in way.roles)
                found.append((login, re.sub(r"\{(\w+):int\}", lambda m: str(numbers[m[1]]), way.path)))
    return found


async def opened(page: Page, url: str) -> int:
    """Open a page as if for the first time; how many bytes came over the wire for it."""
    finished: list[Request] = []

    def note(request: Request) -> None:
        finished.append(request)

    page.on("requestfinished", note)
    await page.goto(url)
    page.remove_listener("requestfinished", note)
    return sum([(await request.sizes())["responseBodySize"] for request in finished])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_from_the_link_to_the_second_step_with_a_thumb(looking: Looking, dark: bool) -> None:
    """An invitation, the picture for the authenticator, the codes on paper, and the next sign-in."""
    house = looking.demo.house
    async with house.db.begin() as session:
        who = await people.find_by_code(session, "zhoumin")
        assert who is not None
        token = await invitations.make(session, who, None, house.clock.now())
    page = await looking.open(await looking.window(375, dark=dark), f"{looking.address}console/invitation/{token}")
    await fits(looking, page, f"invitation{'-dark' if dark else ''}")
    for label in ("新密码", "再填一遍密码"):
        await page.get_by_label(label).fill("又高又蓝的天上有三朵云")
    await page.get_by_role("button", name="定好了").click()
    await page.get_by_role("link", name="账号").click()
    await page.get_by_role("link", name="打开两步验证").click()
    await page.get_by_role("heading", name="打开两步验证").wait_for()
    await fits(looking, page, f"enrol{'-dark' if dark else ''}")
    totp = pyotp.TOTP((await page.locator(".code").inner_text()).replace(" ", ""))
    await page.get_by_label("6 位数字").fill(totp.at(house.clock.now()))
    await page.get_by_role("button", name="打开").click()
    await page.get_by_role("heading", name="备用码").wait_for()
    await fits(looking, page, f"codes{'-dark' if dark else ''}")
    await page.get_by_role("link", name="收好了").click()
    await page.get_by_role("button", name="退出", exact=True).click()
    house.clock.forward(minutes=1)
    await page.get_by_label("账号").fill("zhoumin")
    await page.get_by_label("密码").fill("又高又蓝的天上有三朵云")
    await page.get_by_role("button", name="登录").click()
    await page.get_by_role("heading", name="还差一步").wait_for()
    await fits(looking, page, f"second{'-dark' if dark else ''}")
    await page.get_by_label("验证码").fill(totp.at(house.clock.now()))
    await page.get_by_role("button", name="登录").click()
    await page.get_by_role("button", name="退出", exact=True).wait_for()
    await page.get_by_role("link", name="账号").click()
    await page.get_by_role("heading", name="同事的账号").wait_for()
    await fits(looking, page, f"staff{'-dark' if dark else ''}")
    await page.get_by_role("link", name="看李红").click()
    await page.get_by_role("button", name="给一个新链接").click()
    await page.get_by_text("只显示这一次").wait_for()
    await page.get_by_text("手机丢了，或者不再来了").click()
    await fits(looking, page, f"link{'-dark' if dark else ''}")


async def fits(looking: Looking, page: Page, name: str) -> None:
    """By axe, for a thumb, and at 320 px with type of 200 %."""
    found = await Axe().run(page)
    assert not found.violations_count, f"{name}: {found.generate_report()[:1500]}"
    await looking.picture(page, f"console-{name}-375")
    await page.set_viewport_size({"width": 320, "height": 900})
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await sideways(page) <= 0, name
    for thing in await page.locator("button:visible, a.button:visible, input:visible").all():
        box = await thing.bounding_box()
        assert box is None or box["height"] >= 48, f"{name}: {await thing.inner_text()}"
    await page.evaluate("document.documentElement.style.fontSize = '100%'")
    await page.set_viewport_size({"width": 375, "height": 900})


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_page_is_fit_for_everybody_light_and_small(looking: Looking, dark: bool) -> None:
    await danger(looking)
    wrong: list[str] = []
    pages: dict[str, Page] = {}
    for login, path in [("", "/login"), *await every_page(looking)]:
        if login and login not in pages:
            pages[login] = await signed_in(looking, await looking.window(375, dark=dark), login)
        page = pages[login] if login else await looking.open(await looking.window(375, dark=dark), looking.address)
        head = await page.request.get(f"{looking.address}console{path}")
        if not head.headers["content-type"].startswith("text/html"):
            continue  # a file to take along, not a page
        weight = await opened(page, f"{looking.address}console{path}")
        if weight > HEAVIEST:
            wrong.append(f"{path} weighs {weight}")
        found = await Axe().run(page)
        if found.violations_count:
            wrong.append(f"{path}: {found.generate_report()[:1500]}")
        name = path.strip("/").replace("/", "-") or "home"
        await looking.picture(page, f"console-{name}-375{'-dark' if dark else ''}")
        await page.set_viewport_size({"width": 320, "height": 900})
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        if (by := await sideways(page)) > 0:
            wrong.append(f"{path} scrolls sideways by {by} px at 320 px with type of 200 %")
        for thing in await page.locator(
            "button:not(.skip):visible, a.button:visible, select:visible, input:visible"
        ).all():
            box = await thing.bounding_box()
            kind = await thing.get_attribute("type")
            if box is not None and box["height"] < 48 and kind not in ("radio", "checkbox", "hidden"):
                wrong.append(f"{path}: {await thing.inner_text() or kind} is {box['height']} px high")
        await page.set_viewport_size({"width": 1280, "height": 900})
        await page.evaluate("document.documentElement.style.fontSize = '100%'")
        if not dark:
            await looking.picture(page, f"console-{name}-1280")
        if (by := await sideways(page)) > 0:
            wrong.append(f"{path} scrolls sideways by {by} px at 1280 px")
        await page.set_viewport_size({"width": 375, "height": 900})
    looking.wrong[:] = [one for one in looking.wrong if "422" not in one]  # a page that says what is missing
    assert not wrong, "\n".join(wrong)
