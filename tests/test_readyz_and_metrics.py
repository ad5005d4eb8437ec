"""What the machine room asks: is this process ready, and if not, why; and how do things stand."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import col, select

from app import readiness
from app.main import create_app
from app.messages.models import Contact
from app.watch import service as watch
from app.watch.models import Role
from tests.beginnings import database_file
from tests.conftest import Story
from tests.stories.ways import registered
from tests.test_spool import database_away

TOKEN = "a-token-that-only-tests-use"
WORDS = "不想活了，药都攒好了"


async def get(story: Story, path: str, **headers: str) -> httpx.Response:
    app = create_app(story.house, bells=())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house") as browser:
        return await browser.get(path, headers=headers)


async def why_not(story: Story) -> list[str]:
    answer = await get(story, "/readyz")
    why: list[str] = answer.json()["why"]
    assert (answer.status_code, answer.json()["ready"]) == ((503, False) if why else (200, True))
    return why


# Ready


async def test_a_house_that_works_is_ready_and_alive(story: Story) -> None:
    assert await why_not(story) == []
    assert (await get(story, "/healthz")).text == "ok"


async def test_without_a_database_it_is_alive_and_not_ready(story: Story) -> None:
    with database_away():
        assert await why_not(story) == [readiness.AWAY]
        assert (await get(story, "/healthz")).status_code == 200


async def test_with_the_tables_of_another_version_it_is_not_ready(story: Story) -> None:
    with closing(sqlite3.connect(database_file(story.settings))) as file, file:
        file.execute("update alembic_version set version_num = '0001'")
    assert await why_not(story) == [readiness.WRONG_TABLES]


@pytest.mark.parametrize("trouble", list(readiness.TROUBLES))
async def test_what_the_watch_has_found_is_a_sentence_each(story: Story, trouble: str) -> None:
    story.house.watch.troubles.add(trouble)
    assert await why_not(story) == [readiness.TROUBLES[trouble]]


async def test_a_worker_that_is_silent_makes_the_web_process_not_ready_until_it_is_back(story: Story) -> None:
    house = story.house
    house.heart.start((Role.WEB,))
    for _ in range(8):
        house.clock.forward(seconds=10)
        await house.heart.beat()
        await house.watch.round()
    assert await why_not(story) == ["到点做事的程序（worker）一分钟没有动静"]
    for _ in range(2):
        house.clock.forward(seconds=10)
        async with house.db.begin() as session:
            await watch.beat(session, {Role.WORKER: "worker-1"}, house.clock.now())
        await house.watch.round()
    assert await why_not(story) == []


async def test_a_watch_that_does_not_go_its_rounds_any_more_is_noticed(story: Story) -> None:
    await story.house.watch.round()
    assert await why_not(story) == []
    story.house.watch.began_at = -1000.0
    assert await why_not(story) == [readiness.ASLEEP]


async def test_a_red_case_that_stands_still_makes_it_not_ready(story: Story) -> None:
    member = await story.joined()
    await member.says(WORDS)
    story.house.clock.forward(minutes=12)
    assert await why_not(story) == []
    story.house.clock.forward(seconds=1)
    assert await why_not(story) == ["有 1 件紧急的事过了时间没有往下叫人"]
    await story.clock.settle()
    assert await why_not(story) == []


async def test_staff_whom_no_channel_reaches_make_it_not_ready(story: Story) -> None:
    async with story.house.db.begin() as session:
        contacts = list(await session.scalars(select(Contact)))
        for contact in contacts[1:]:
            contact.following = False
    assert await why_not(story) == []
    async with story.house.db.begin() as session:
        for contact in await session.scalars(select(Contact)):
            contact.following = False
    assert await why_not(story) == [readiness.NOBODY]


async def test_a_house_whose_ladder_leads_to_nobody_makes_it_not_ready_within_a_minute(story: Story) -> None:
    assert await why_not(story) == []
    app = create_app(story.house, bells=())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house") as browser:
        assert (await browser.get("/readyz")).status_code == 200
        async with story.house.db.begin() as session:
            # Somebody can still be told, but nobody whom the ladder means outside of the hours of duty.
            for contact in await session.scalars(select(Contact).where(col(Contact.openid) != "o_lilaoshi")):
                contact.following = False
        assert (await browser.get("/readyz")).status_code == 200
        story.house.clock.forward(seconds=60)
        why = (await browser.get("/readyz")).json()["why"]
    assert why
    assert all("duantang 有同伴求助时，值班以外没有一个收得到消息的人" in reason for reason in why)


# Metrics


@pytest.fixture
async def measured(story: Story) -> Story:
    story.house.settings = story.settings = story.settings.model_copy(
        update={"metrics_token": type(story.settings.metrics_token)(TOKEN)}
    )
    return story


async def scraped(story: Story) -> dict[tuple[str, ...], float]:
    answer = await get(story, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            upper = [labels.pop("le")] if "le" in labels else []
            found[(sample.name.removeprefix("tongxing_"), *labels.values(), *upper)] = sample.value
    return found


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer no"}, {"Authorization": TOKEN},
                                    {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer é"}])  # fmt: skip
async def test_who_does_not_know_the_token_finds_nothing(measured: Story, header: dict[str, Any]) -> None:
    headers = {name: value.encode() for name, value in header.items()}
    assert (await get(measured, "/metrics", **headers)).status_code == 404


async def test_where_no_token_is_set_there_are_no_metrics_for_anybody(story: Story) -> None:
    for given in ("", "Bearer ", "Bearer None"):
        assert (await get(story, "/metrics", Authorization=given)).status_code == 404


async def test_cases_alerts_and_beats_are_counted(measured: Story) -> None:
    member = await measured.joined()
    house = measured.house
    await member.says(WORDS)
    async with house.db.begin() as session:
        await watch.beat(session, {Role.WORKER: "worker-1"}, house.clock.now() - timedelta(seconds=7))
    house.clock.forward(minutes=13)
    found = await scraped(measured)
    assert found["cases", "red", "open"] == 1
    assert found["cases_overdue", "red"] == 1
    assert found["oldest_untaken_red_seconds",] == 780
    assert found["case_seconds_to_alert_bucket", "red", "1.0"] == 1
    assert found["case_seconds_to_alert_count", "red"] == 1
    assert found["case_seconds_to_ack_count", "red"] == 0
    assert found["attempts_total", "sent", "template"] >= 1
    assert found["inbound_total",] > 0
    assert found["heartbeat_age_seconds", "worker"] == 787
    assert found["spool_files",] == 0
    await (await measured.phone("王乐")).says("接")
    found = await scraped(measured)
    assert found["cases", "red", "acknowledged"] == 1
    assert found["oldest_untaken_red_seconds",] == 0
    assert found["case_seconds_to_ack_bucket", "red", "600.0"] == 0
    assert found["case_seconds_to_ack_bucket", "red", "1800.0"] == 1


async def test_metrics_say_nobodys_name_openid_or_number_and_no_house(measured: Story) -> None:
    member = await measured.joined()
    await member.says(WORDS)
    worker = await registered(measured, "wangle")
    said = (await get(measured, "/metrics", Authorization=f"Bearer {TOKEN}")).text
    assert "tongxing_cases" in said
    hidden = [
        "小河",
        "王乐",
        "段塘",
        "duantang",
        "wangle",
        "xiaohe",
        *measured.openids.values(),
        "不想活",
        "A-0001",
        str(worker.phone or "000-"),
    ]
    assert not [word for word in hidden if word in said]
