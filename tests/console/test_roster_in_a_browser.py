"""A supervisor edits the rota and a ladder in a real Chromium, on a phone, with and without a script."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.console.test_in_a_browser import HEAVIEST, opened, signed_in
from tests.test_browser import Looking, browser, looking, sideways

__all__ = ["browser", "looking"]
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def is_fit(looking: Looking, page: Page, name: str) -> None:
    found = await Axe().run(page)
    assert not found.violations_count, found.generate_report()[:2000]
    await looking.picture(page, name)
    assert await sideways(page) <= 0


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
async def test_a_supervisor_edits_the_rota(looking: Looking, script: bool) -> None:
    page = await signed_in(looking, await looking.window(375, script=script), "zhoumin")
    assert await opened(page, f"{looking.address}console/roster") < HEAVIEST
    form = page.locator("section", has=page.get_by_role("heading", name="加一个人值班"))
    await form.get_by_label("谁").select_option(label="李红")
    day = await form.get_by_label("哪一天").get_attribute("max")
    assert day
    await form.get_by_label("几点开始").fill("18:00")
    await form.get_by_role("button", name="排上").click()
    await page.get_by_text("请选一天").wait_for()
    looking.wrong.clear()  # the browser notes the 422 itself
    await expect(form.get_by_label("几点开始")).to_have_value("18:00")
    first = await page.locator("ol.days h3").nth(1).inner_text()
    tomorrow = await form.get_by_label("哪一天").get_attribute("min")
    assert tomorrow
    await form.get_by_label("哪一天").fill(tomorrow)
    await form.get_by_label("几点结束").fill("06:00")
    await form.get_by_role("button", name="排上").click()
    await page.get_by_text("今后十四天里").wait_for()
    assert first
    await is_fit(looking, page, f"roster-375-{'script' if script else 'plain'}")
    await page.get_by_role("button", name="撤回").first.click()
    await page.get_by_text("撤回了 李红").wait_for()
    await page.set_viewport_size({"width": 1280, "height": 900})
    await is_fit(looking, page, "roster-1280")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_pages_of_whoever_leads_are_fit_for_everybody(looking: Looking, dark: bool) -> None:
    page = await signed_in(looking, await looking.window(375, dark=dark), "zhoumin")
    for path in ("roster/1", "roster/1/weekly", "ladders", "ladders/3", "ladders/2"):
        weight = await opened(page, f"{looking.address}console/{path}")
        assert weight < HEAVIEST, path
        await is_fit(looking, page, f"console-{path.replace('/', '-')}-zhoumin{'-dark' if dark else ''}")
        await page.set_viewport_size({"width": 320, "height": 900})
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await sideways(page) <= 0, path
        for thing in await page.locator("main button:visible, main select:visible, main input:visible").all():
            box, kind = await thing.bounding_box(), await thing.get_attribute("type")
            hidden = await thing.get_attribute("tabindex") == "-1"
            if box is not None and kind not in ("radio", "checkbox", "hidden") and not hidden:
                assert box["height"] >= 48, f"{path}: {await thing.inner_text()}"
        await page.evaluate("document.documentElement.style.fontSize = '100%'")
        await page.set_viewport_size({"width": 375, "height": 900})


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
async def test_a_ladder_is_edited_step_by_step(looking: Looking, script: bool) -> None:
    page = await signed_in(looking, await looking.window(375, script=script), "zhoumin")
    await page.goto(f"{looking.address}console/ladders/3")
    await page.get_by_role("button", name="加一步").click()
    await page.get_by_role("group", name="第 4 步").get_by_label("以上所有人").check()
    await page.get_by_role("group", name="第 4 步").get_by_label("等几分钟").fill("9")
    await page.get_by_role("button", name="看会找谁").last.click()
    await expect(page.locator("#preview ol")).to_contain_text("王乐")
    await page.get_by_role("button", name="存好").click()
    await page.get_by_text("存好了").wait_for()
    await is_fit(looking, page, f"ladder-375-{'script' if script else 'plain'}")
