"""WeCom on the page of the box: the same phones, a panel for the groups, forms that need no JavaScript."""

import re
from pathlib import Path

import httpx
import pytest

from app.clock import Clock
from bot.simulator import (
    DEMO_APP_ID,
    Account,
    HttpWire,
    Phone,
    PhoneBook,
    Platform,
    RealAccountError,
    WorkAccount,
    WorkPlatform,
    create_box,
)
from bot.wecom import GroupRobot, WeComClient

from .conftest import CARD, COMPANY, ROBOT, USERID, WORDS, Desk


async def test_messages_and_cards_stand_on_the_phone_and_are_marked(
    web: httpx.AsyncClient, client: WeComClient
) -> None:
    await client.send_text(USERID, WORDS)
    await client.send_card(USERID, CARD, task_id="case-1-0")
    page = (await web.get("/")).text
    assert "有企业微信" in page
    assert page.count('<span class="app">企业微信</span>') == 2
    assert 'name="key" value="take:1:0">接手</button>' in page
    assert "锁屏：企业微信「同行值班」待办提醒" in page
    assert "message/send" in page
    assert USERID not in page


async def test_a_button_is_pressed_without_javascript_and_again(
    web: httpx.AsyncClient, client: WeComClient, desk: Desk
) -> None:
    await client.send_card(USERID, CARD, task_id="case-1-0")
    form = {"task_id": "case-1-0", "key": "take:1:0"}
    assert (await web.post("/phones/o_wangle/press", data=form)).status_code == 303
    page = (await web.get("/")).text
    assert 'value="take:1:0">王乐 已接手</button>' in page
    assert "转给下一位" not in page
    await web.post("/phones/o_wangle/press", data=form)
    assert len(desk.pressed) == 2


@pytest.mark.parametrize("form", [{"task_id": "t", "key": "take:1:0"}, {"task_id": "case-1-0", "key": "x"}, {}])
async def test_a_button_that_is_not_there_cannot_be_pressed(
    web: httpx.AsyncClient, client: WeComClient, desk: Desk, form: dict[str, str]
) -> None:
    await client.send_card(USERID, CARD, task_id="case-1-0")
    assert (await web.post("/phones/o_wangle/press", json=form)).status_code == 400
    assert desk.pressed == []


async def test_the_link_of_a_card_opens_on_its_phone(web: httpx.AsyncClient, client: WeComClient) -> None:
    await client.send_card(USERID, CARD, task_id="case-1-0")
    answer = await web.get("/open", params={"phone": "o_wangle", "url": CARD.url})
    assert answer.headers["location"] == CARD.url


async def test_the_groups_have_a_panel(web: httpx.AsyncClient, robot: GroupRobot) -> None:
    assert "群机器人还没有说话" in (await web.get("/")).text
    await robot.post(ROBOT, "有一件事等人接手 <b>", mention_all=True)
    page = (await web.get("/")).text
    assert "<h2>企业微信群</h2>" in page
    assert "有一件事等人接手 &lt;b&gt;" in page
    assert "@所有人" in page
    assert ROBOT not in page


async def test_without_a_company_nothing_of_wecom_is_there(clock: Clock, door: httpx.AsyncClient) -> None:
    box = Platform(Account(DEMO_APP_ID, "s", "t", COMPANY.encoding_aes_key), clock, door=door)
    box.add_user("o_wangle", "王乐")
    transport = httpx.ASGITransport(app=create_box(box))
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as http:
        assert "企业微信" not in (await http.get("/")).text
        assert (await http.get("/cgi-bin/gettoken")).status_code == 404
        press = await http.post("/phones/o_wangle/press", json={"task_id": "t", "key": "k"})
        assert press.status_code == 400


async def test_over_http_a_phone_reads_and_presses_alike(
    web: httpx.AsyncClient, client: WeComClient, desk: Desk
) -> None:
    wangle = await PhoneBook(HttpWire(web, patience=0)).phone("王乐", openid="o_wangle")
    await client.send_text(USERID, WORDS)
    await client.send_card(USERID, CARD, task_id="case-1-0")
    await wangle.sees_work_message(WORDS)
    await wangle.sees_work_card("待办提醒", 编号="A-0001")
    await wangle.presses("接手")
    assert [p.key for p in desk.pressed] == ["take:1:0"]
    assert "企业微信" in wangle.transcript()
    assert "王乐 已接手" in wangle.transcript()
    await wangle.hears_nothing()


async def test_the_two_chats_are_read_one_by_one(client: WeComClient, platform: Platform, worker: Phone) -> None:
    await client.send_text(USERID, "先来的")
    await platform.message("o_wangle", "在吗")
    await client.send_text(USERID, "后来的")
    await worker.sees_work_message("后来的")
    await worker.hears("没有关注")
    await worker.hears_nothing()


async def test_pressing_what_nobody_sent_is_told_with_the_transcript(worker: Phone) -> None:
    with pytest.raises(AssertionError, match="has no button"):
        await worker.presses("接手")


async def test_the_button_that_ends_the_token_ends_both(
    web: httpx.AsyncClient, client: WeComClient, worker: Phone, platform: Platform
) -> None:
    await client.send_text(USERID, "一")
    await web.post("/faults", data={"fault": "token"})
    await client.send_text(USERID, WORDS)
    await worker.sees_work_message(WORDS)
    assert [call.result[:5] for call in platform.calls if call.what == "message/send"] == ["0 ok", "42001", "0 ok"]


async def test_a_real_company_never_meets_the_box(clock: Clock, door: httpx.AsyncClient) -> None:
    real = WorkAccount("ww_real", "s", 1, "t", COMPANY.encoding_aes_key)
    with pytest.raises(RealAccountError, match="TONGXING_WECOM_CORP_ID") as caught:
        WorkPlatform(real, clock, door=door)
    assert "ww_real" not in str(caught.value)


def test_the_box_knows_nothing_of_our_side_of_the_protocol() -> None:
    room = Path(__file__).parent.parent.parent / "bot" / "simulator"
    for file in room.glob("*.py"):
        assert not re.search(r"bot\.(wecom|wechat|exchange)\b", file.read_text(encoding="utf-8")), file.name
