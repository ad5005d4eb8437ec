"""The web page and the JSON surface of the box."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from app.clock import Clock
from bot.simulator import HttpWire, PhoneBook, Platform, Upcoming, create_box

from .conftest import NOON, Api, Door


class House:
    """Controls with one thing to come."""

    zone, title = "Asia/Shanghai", "段塘生活小站"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    async def forward_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)

    async def next_at(self) -> datetime | None:
        return NOON + timedelta(hours=2)

    async def upcoming(self, limit: int = 12) -> list[Upcoming]:
        return [Upcoming(NOON + timedelta(hours=2), "签到码生效", "活动 14:00 开始")][:limit]


@pytest.fixture
async def page(box: Platform, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount("/box", create_box(box, House(clock)))])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://demo/box/") as client:
        yield client


async def test_the_page_shows_phones_clock_faults_and_what_comes_next(page: httpx.AsyncClient, box: Platform) -> None:
    await box.message("o_he", "会来 <script>")
    answer = await page.get("")
    for words in ("小河", "2026-11-25（周三）12:00", "今天 14:00", "签到码生效", "活动 14:00 开始", "额度用完 45009"):
        assert words in answer.text
    assert "会来 &lt;script&gt;" in answer.text
    assert "锁屏：微信「段塘生活小站」收到：会来" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert 'src="/' not in answer.text
    assert 'action="/' not in answer.text


async def test_without_controls_the_page_hides_what_it_cannot_do(web: httpx.AsyncClient) -> None:
    answer = await web.get("/")
    assert "接下来会自动发生" not in answer.text
    assert "到下一件事" not in answer.text


async def test_forms_work_without_javascript(page: httpx.AsyncClient, box: Platform, door: Door) -> None:
    for path, form in (
        ("phones", {"name": "小河妈妈", "role": "家属"}),
        (f"phones/{quote('o_小河妈妈')}/follow", {}),
        (f"phones/{quote('o_小河妈妈')}/say", {"text": "能带他去吗"}),
        ("phones/o_he/click", {"key": "today"}),
        ("phones/o_he/unreadable", {"kind": "voice"}),
        ("faults", {"fault": "slow"}),
    ):
        answer = await page.post(path, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/box/"), path
    assert door.events == ["subscribe", "text", "CLICK", "voice"]
    assert "慢 6 秒" in (await page.get("")).text


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"seconds": 3600}, NOON + timedelta(hours=1)),
        ({"next": True}, NOON + timedelta(hours=2)),
        ({"tomorrow": "09:00"}, NOON + timedelta(hours=21)),
        ({"to": "2026-11-26T00:00:00+08:00"}, NOON + timedelta(hours=12)),
    ],
)
async def test_the_clock_moves(page: httpx.AsyncClient, clock: Clock, body: dict[str, object], at: datetime) -> None:
    assert (await page.post("clock", json=body)).status_code == 200
    assert clock.now() == at


async def test_a_clock_without_controls_moves_alone(web: httpx.AsyncClient, clock: Clock) -> None:
    await web.post("/clock", data={"tomorrow": "09:00"})
    assert clock.now() == NOON + timedelta(hours=21)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_post_from_another_site_is_refused(
    page: httpx.AsyncClient, door: Door, headers: dict[str, str]
) -> None:
    answer = await page.post("phones/o_he/say", data={"text": "1"}, headers=headers)
    assert answer.status_code == 403
    assert door.heard == []


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://demo"}, {}])
async def test_a_post_from_the_page_itself_is_taken(
    page: httpx.AsyncClient, door: Door, headers: dict[str, str]
) -> None:
    await page.post("phones/o_he/say", data={"text": "1"}, headers=headers)
    assert len(door.heard) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {}),
        ("clock", {"to": "soon"}),
        ("faults", {"fault": "none"}),
        ("phones", {}),
        ("phones", {"name": " "}),
        ("phones/o_nobody/say", {"text": "1"}),
        ("phones/o_he/dance", {}),
        ("phones/o_he/say", {}),
    ],
)
async def test_what_cannot_be_done_is_said(page: httpx.AsyncClient, path: str, body: dict[str, str]) -> None:
    answer = await page.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_every_fault_button_works(page: httpx.AsyncClient, box: Platform) -> None:
    from bot.simulator.page import FAULT_BUTTONS

    for name in FAULT_BUTTONS:
        assert (await page.post("faults", json={"fault": name})).status_code == 200
    assert box.faults == []
    answer = await page.post("faults", json={"path": "message/*", "errcode": 45011, "times": 2})
    assert answer.json()["faults"] == ["message/*：errcode 45011（2 次）"]


async def test_a_link_in_the_chat_opens_for_this_phone_alone(page: httpx.AsyncClient, box: Platform, api: Api) -> None:
    await box.message("o_he", "1")
    await api.custom('详情请看 <a href="https://example.org/p/1?a=1&amp;b=2">这里</a> 或 https://example.org/p/2。')
    texts = (await page.get("")).text
    assert "https%3A%2F%2Fexample.org%2Fp%2F1%3Fa%3D1%26b%3D2" in texts
    answer = await page.get("open", params={"phone": "o_he", "url": "https://example.org/p/2"})
    assert answer.headers["location"] == "https://example.org/p/2"
    assert "box_phone=o_he" in answer.headers["set-cookie"]
    for query in (
        {"phone": "o_he", "url": "https://evil.example"},
        {"phone": "o_x", "url": "https://example.org/p/2"},
    ):
        assert (await page.get("open", params=query)).status_code == 404


async def test_a_menu_page_is_opened_and_told_to_the_door(page: httpx.AsyncClient, box: Platform, door: Door) -> None:
    box.menu = [{"type": "view", "name": "页", "url": "https://example.org/p"}]
    await page.get("open", params={"phone": "o_he", "url": "https://example.org/p", "menu": "1"})
    assert door.events == ["VIEW"]


async def test_a_phone_over_http_reads_like_a_phone_in_process(
    page: httpx.AsyncClient, box: Platform, api: Api, door: Door
) -> None:
    book = PhoneBook(HttpWire(page, patience=0))
    mother = await book.phone("小河妈妈", "家属")
    await mother.follows()
    await mother.says("能带他去吗")
    await mother.hears("收到", "能带他去吗")
    await api.post(
        "message/custom/send",
        {
            "touser": mother.openid,
            "msgtype": "msgmenu",
            "msgmenu": {"head_content": "来吗", "list": [{"id": "y", "content": "来"}]},
        },
    )
    await mother.hears("来吗")
    await mother.taps("来")
    assert door.heard[-1]._data["bizmsgmenuid"] == "y"
    await mother.taps("今天")
    assert door.events[-1] == "CLICK"
    await api.template(to=mother.openid)
    assert (await mother.sees_card("活动提醒", 地点="活动室"))["时间"] == "2026年11月25日 14:00"
    assert await mother.lock_screen() == "微信「段塘生活小站」活动提醒"
    assert "能带他去吗" in book.transcript()
    await mother.unfollows()
    await mother.says("还在吗")
    await mother.hears("还没有关注")
