"""A counsellor with a phone at the door of Wednesday's activity."""

import httpx
import pytest
from playwright.async_api import expect

from app.activities import service as activities
from app.activities.machine import OPENS_BEFORE
from bot.simulator import Phone
from tests.console.test_in_a_browser import signed_in
from tests.test_browser import Looking, browser, invite, link_in, looking

__all__ = ["browser", "looking"]
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def comes_on_wednesday(looking: Looking) -> Phone:
    """小河 has joined and said that they come to the handicraft group."""
    invitation = await invite(looking)
    async with httpx.AsyncClient() as client:
        assert (await client.get(link_in(invitation))).status_code == 200
        state = await client.get(f"{looking.address}box/state.json")
    member = await looking.phone("小河", "o_xiaohe")
    await member.follows(state.json()["qr_codes"][-1]["scene"])
    for text in ("好", invitation.rsplit("：", 1)[1][:4], "1", "2", "3", "小河"):
        await member.says(text)
    await looking.demo.machine.forward(hours=2)  # the house asks who comes
    await member.hears("手工课，想来吗")
    await member.says("1")
    return member


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
async def test_the_list_at_the_door_is_ticked_on_a_network_that_comes_and_goes(looking: Looking, script: bool) -> None:
    await comes_on_wednesday(looking)
    context = await looking.window(375, script=script)
    page = await signed_in(looking, context, "lilaoshi")
    await page.get_by_role("link", name="活动", exact=True).click()
    await page.get_by_role("link", name="手工课").first.click()
    here = page.url
    async with looking.demo.house.db.read() as session:
        what = await activities.occurrence(session, int(here.rsplit("/", 1)[1]))
    await looking.demo.machine.forward_to(what.starts_at - OPENS_BEFORE / 2)
    await page.goto(f"{looking.address}console/login")  # the days between ended the first sign-in
    page = await signed_in(looking, context, "lilaoshi")
    await page.goto(f"{here}/list")
    await page.get_by_label("小河").check()
    if script:
        await context.set_offline(True)
        await page.get_by_role("button", name="记下").click()
        await expect(page.get_by_label("小河")).to_be_checked()  # what was ticked is still there
        await context.set_offline(False)
    await page.get_by_role("button", name="记下").click()
    await expect(page.get_by_role("heading", name="到了 1")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="到了 1")).to_be_visible()
    looking.wrong.clear()  # the browser notes itself that it was offline
