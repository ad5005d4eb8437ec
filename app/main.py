"""The roof: puts the rooms together and builds the ASGI application."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app import migrations
from app.activities.calendar import Quiet
from app.clock import Clock
from app.db import Database
from app.escalations.service import CASES
from app.installation import prove_key
from app.messages.service import ALERT, DELIVER
from app.messages.window import Limits
from app.pages.routes import Pages
from app.settings import Settings
from app.vault import Vault
from bot.channels.deliverer import Deliverer
from bot.channels.rungs import CustomerMessage, TemplateMessage, templates_of
from bot.channels.token_store import DatabaseTokenStore
from bot.desk import Desk
from bot.links import Links
from bot.menus.reading import read_menus
from bot.menus.tagging import TAG_BELL, Tagger
from bot.reception import Reception
from bot.spool import Spool
from bot.webhook import Door
from bot.wechat import Cipher, MenuApi, WeChatClient
from scheduler.bells import Bell, Tower
from scheduler.works import Works

log = structlog.get_logger()

SPOOL = "spool"
# Where workers do the rest: what this process has kept on its own disk, only it can take in.
SPOOL_ONLY = (SPOOL,)


@dataclass
class Tongxing:
    """One process of the house, with everything in it; `http` reaches WeChat."""

    settings: Settings
    clock: Clock
    db: Database
    http: httpx.AsyncClient
    links: Links
    client: WeChatClient
    desk: Desk
    door: Door
    works: Works
    tower: Tower

    @classmethod
    def build(cls, settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None) -> "Tongxing":
        """Put the house together; nothing runs yet. VaultError or ValueError say which setting is wrong."""
        vault = Vault(settings.secret_key.get_secret_value())
        db = Database(settings.database, vault)
        links = Links(settings.public_url, vault)
        quiet = Quiet(settings.quiet_from, settings.quiet_until)
        http = http or httpx.AsyncClient(base_url=settings.wechat_api_base)
        client = WeChatClient(
            http, app_id=settings.wechat_app_id, app_secret=settings.wechat_app_secret.get_secret_value(),
            tokens=DatabaseTokenStore(db, settings.wechat_app_id), clock=clock, timeout=settings.wechat_timeout,
        )  # fmt: skip
        cipher = Cipher(
            settings.wechat_token.get_secret_value(), settings.wechat_encoding_aes_key.get_secret_value(),
            settings.wechat_app_id, fresh_within=settings.wechat_fresh_within,
        )  # fmt: skip
        desk = Desk(db, clock, Reception.of(settings, links))
        door = Door(cipher, clock, desk, Spool(settings.data_dir / "spool", vault), settings)
        rungs = (CustomerMessage(client, Limits.of(settings)), TemplateMessage(client, templates_of(settings)))
        deliverer = Deliverer(db, clock, links, rungs, quiet, senders=settings.senders)
        works = Works(db, clock, quiet)
        tagger = Tagger(db, clock, MenuApi(client), settings.wechat_app_id, read_menus(settings.menus_file))
        tower = Tower(
            (
                Bell(CASES, 1, works.cases),
                Bell(ALERT, 1, deliverer.drain_urgent),
                Bell(DELIVER, 1, deliverer.drain),
                Bell("milestones", 5, works.milestones),
                Bell("moods", 30, works.moods),
                Bell("materialise", 600, works.materialise),
                Bell(TAG_BELL, 60, tagger.work),
                Bell(SPOOL, 15, door.take_in_spool),
            )
        )
        db.on_commit = tower.ring
        return cls(settings, clock, db, http, links, client, desk, door, works, tower)

    @asynccontextmanager
    async def running(self, *, bells: Collection[str] | None = None) -> AsyncIterator["Tongxing"]:
        """Open the house: the key is proved first, then the desk, then the bells (all, or those named)."""
        try:
            await prove_key(self.db)
            self.desk.open()
            self.tower.start(bells)
            yield self
        finally:
            await self.tower.stop()
            await self.desk.close()
            await self.http.aclose()
            await self.db.close()


def create_app(house: Tongxing, *, bells: Collection[str] | None = None) -> FastAPI:
    """The ASGI application of one house."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with house.running(bells=bells):
            yield

    app = FastAPI(title="同行 Tongxing", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # Plain routes: FastAPI's request machinery costs as much as the whole of our own work here.
    app.add_route("/wechat", house.door.knock, methods=["GET"])
    app.add_route("/wechat", house.door.deliver, methods=["POST"])
    pages = Pages(house.db, house.clock, house.client)
    app.add_route("/p/case/{token}", pages.case, methods=["GET"])
    app.add_route("/p/tasks/{token}", pages.tasks, methods=["GET"])
    app.add_route("/p/qr/{token}", pages.qr, methods=["GET"])

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_request: Request) -> Response:
        why = await _not_ready(house)
        return JSONResponse({"ready": not why, "why": why}, status_code=503 if why else 200)

    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readyz, methods=["GET"])
    return app


async def _not_ready(house: Tongxing) -> list[str]:
    try:
        async with house.db.read() as session:
            connection = await session.connection()
            at = await connection.run_sync(migrations.revision_of)
    except Exception as error:
        log.error("not ready", error=type(error).__name__)
        return ["数据库连不上"]
    return [] if at == migrations.head() else ["数据库的表不是这个版本的：请运行 tongxing migrate"]
