"""The demo: the whole house and WeChat in a box, in one process, and the tour that plays the story through."""

import asyncio
import secrets
import shutil
import socket
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import httpx
import typer
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app import migrations
from app.accounts import service as accounts
from app.activities.calendar import Quiet
from app.clock import Clock, local, wall
from app.loading import load, read_programme
from app.logs import set_up_logs
from app.main import Tongxing, create_app
from app.pages.entrance import SESSION
from app.people import service as people
from app.people.models import Role
from app.settings import GivenSettings, Settings
from app.time_travel import TimeMachine
from app.vault import keep_key_in
from bot.simulator import DEMO_APP_ID, DEMO_CORP_ID, Account, HttpWire, Platform, WorkAccount, WorkPlatform, create_box

PROGRAMME = Path(__file__).parent.parent / "deploy" / "programmes" / "duantang.yaml"
ZONE = "Asia/Shanghai"
MARK = "tongxing-demo"
HOST = "127.0.0.1"
ROBOT_KEY = "the-robot-of-the-demo"
# Said on the page of the box: a demo has nothing to hide, and listens to this machine only.
CONSOLE_PASSWORD = "tongxing-demo"  # noqa: S105


@dataclass
class Demo:
    house: Tongxing
    platform: Platform
    machine: TimeMachine
    app: FastAPI


def next_monday_morning(now: datetime) -> datetime:
    """The coming Monday, 09:00: everybody is at work, and Wednesday's activity is still to be announced."""
    today = local(now, ZONE).date()
    days = (7 - today.weekday()) % 7
    monday = wall(today + timedelta(days=days), time(9), ZONE)
    return monday if monday > now else monday + timedelta(days=7)


def demo_settings(folder: Path, port: int, account: Account, work: WorkAccount) -> Settings:
    """Nothing is read from the environment: a demo never touches a real account or a real database."""
    return GivenSettings.model_validate(
        {
            "data_dir": folder,
            "database_url": f"sqlite+aiosqlite:///{(folder / 'tongxing.db').absolute()}",
            "secret_key": keep_key_in(folder),
            "public_url": f"http://{HOST}:{port}",
            "log_level": "warning",
            "wechat_app_id": account.app_id,
            "wechat_app_secret": account.app_secret,
            "wechat_token": account.token,
            "wechat_encoding_aes_key": account.encoding_aes_key,
            "wechat_api_base": f"http://{HOST}:{port}/box",
            "wechat_oauth_base": f"http://{HOST}:{port}/box",
            "wechat_template_activity": "TPL_ACTIVITY",
            "wechat_template_duty": "TPL_DUTY",
            "wecom_corp_id": work.corp_id,
            "wecom_agent_id": work.agent_id,
            "wecom_secret": work.secret,
            "wecom_token": work.token,
            "wecom_encoding_aes_key": work.encoding_aes_key,
            "wecom_api_base": f"http://{HOST}:{port}/box",
            "wecom_robots": {"duantang": ROBOT_KEY},
            # Whoever tries it out has no authenticator at hand; it can be turned on under 账号.
            "console_totp_for": (),
        }
    )


def demo_account() -> Account:
    return Account(
        app_id=DEMO_APP_ID,
        app_secret=secrets.token_hex(16),
        token=secrets.token_hex(8),
        encoding_aes_key=secrets.token_hex(22)[:43],
    )


def demo_company() -> WorkAccount:
    return WorkAccount(
        corp_id=DEMO_CORP_ID,
        secret=secrets.token_hex(16),
        agent_id=1000002,
        token=secrets.token_hex(8),
        encoding_aes_key=secrets.token_hex(22)[:43],
    )


async def open_demo(folder: Path, port: int, clock: Clock) -> Demo:
    """A loaded house beside its platform, not yet serving."""
    account = demo_account()
    company = demo_company()
    settings = demo_settings(folder, port, account, company)
    await asyncio.to_thread(migrations.migrate, settings.database)
    house = Tongxing.build(settings, clock)
    programme = read_programme(PROGRAMME.read_text(encoding="utf-8"))
    async with house.db.begin() as session:
        await load(
            session, programme, now=clock.now(), quiet=Quiet(settings.quiet_from, settings.quiet_until),
            account=account.app_id,
        )  # fmt: skip
        hashed = await accounts.hashed(CONSOLE_PASSWORD)
        for person in await people.staff_in(session, [role for role in Role if role.signs_in]):
            await accounts.make(session, person, person.code, hashed, clock.now())
    title = programme.programme.name
    door = httpx.AsyncClient(base_url=settings.public_url, headers={"Connection": "close"}, timeout=30)
    work = WorkPlatform(company, clock, door=door)
    work.add_group("duantang", ROBOT_KEY)
    platform = Platform(account, clock, door=door, name=title, work=work)
    platform.pages.cookies = (SESSION,)
    for openid, name, role, following in (
        ("o_xiaohe", "小河", "同伴", False),
        ("o_mama", "小河妈妈", "家属", False),
        ("o_wangle", "王乐", "社工 · 值班", True),
        ("o_lihong", "李红", "社工 · 第二联系人", True),
        ("o_zhoumin", "周敏", "负责人", True),
        ("o_lilaoshi", "李老师", "同伴辅导员", True),
    ):
        user = platform.add_user(openid, name, role, following=following)
        if name == "李红":
            work.add_member("lihong", name, phone=user)
    machine = TimeMachine(house, platform.settle, zone=ZONE, title=title)
    app = create_app(house)
    app.mount("/box", create_box(platform, machine))

    async def to_the_box(_request: Request) -> Response:
        return RedirectResponse("/box/")

    app.add_route("/", to_the_box, methods=["GET"])
    return Demo(house, platform, machine, app)


def _server(app: FastAPI, port: int) -> uvicorn.Server:
    # Longer than any pause of a client: a kept-alive connection closed under its feet looks like a lost message.
    config = uvicorn.Config(
        app, host=HOST, port=port, log_config=None, access_log=False, timeout_keep_alive=65,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    return uvicorn.Server(config)


async def _started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> bool:
    """Wait until the server listens; False if it gave up. uvicorn has no event to wait for, only a flag."""
    while not server.started and not serving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return server.started


def _fresh_folder(folder: Path) -> Path:
    """An empty folder for the demo. Only one that a demo made is emptied."""
    if folder.exists():
        if not (folder / MARK).exists():
            raise ValueError(f"{folder} 不是演示用的文件夹，不敢清空：请把它移走，或换一个文件夹运行")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def run_demo(port: int, *, browser: bool, folder: Path = Path("var/demo")) -> None:
    """Serve the demo until it is interrupted."""
    set_up_logs("warning")

    async def run() -> None:
        now = Clock().now()
        demo = await open_demo(_fresh_folder(folder), port, Clock(next_monday_morning(now) - now))
        server = _server(demo.app, port)
        serving = asyncio.create_task(server.serve())
        if await _started(server, serving):
            address = f"http://{HOST}:{port}/"
            typer.echo(f"演示开好了：{address}　（按 Ctrl+C 结束）")
            if browser:
                await asyncio.to_thread(webbrowser.open, address)
        await serving

    asyncio.run(run())


@asynccontextmanager
async def serving_demo(folder: Path) -> AsyncIterator[tuple[Demo, int]]:
    """A demo that serves on a free port, its clock standing still until somebody moves it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    clock = Clock(frozen_at=next_monday_morning(Clock().now()))
    demo = await open_demo(folder, port, clock)
    server = _server(demo.app, port)
    serving = asyncio.create_task(server.serve())
    try:
        if not await _started(server, serving):
            raise RuntimeError("the demo server did not start")
        yield demo, port
    finally:
        server.should_exit = True
        await serving


def play_tour() -> int:
    """Play the story over HTTP with time travel; 0 if every step held."""
    set_up_logs("error")

    async def run() -> int:
        from bot.simulator.tour import Tour

        with tempfile.TemporaryDirectory(prefix="tongxing-tour-") as folder:
            async with (
                serving_demo(Path(folder)) as (_demo, port),
                httpx.AsyncClient(base_url=f"http://{HOST}:{port}/box/", timeout=60) as client,
            ):
                return await Tour(HttpWire(client), client, sys.stdout).play()

    return asyncio.run(run())
