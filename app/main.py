"""The roof: puts the rooms together and builds the ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.activities.calendar import Quiet
from app.api.application import create_api
from app.clock import Clock
from app.console.desk import Tools
from app.console.routes import console_routes
from app.db import Database
from app.duty.changes import DUTY
from app.escalations.aftercare import FOLLOW_UPS
from app.escalations.drills import DRILLS
from app.escalations.service import CASES
from app.installation import prove_key
from app.messages import channels
from app.messages.outbox import ALERT, DELIVER
from app.metrics import Metrics
from app.opinions.service import OPINIONS
from app.pages.case import CasePage
from app.pages.mounting import add_member_pages
from app.pages.routes import Pages
from app.readiness import Readiness
from app.settings import Settings
from app.vault import Vault
from app.watch.models import Role
from bot.channels.deliverer import Deliverer
from bot.channels.ladder import account_client, staff_rungs, wechat_rungs, work_client
from bot.channels.operators import Operators
from bot.channels.sorting import Enough, Sorter
from bot.channels.token_store import DatabaseTokenStore
from bot.desk import Desk
from bot.discretion import discreet
from bot.keeper import EVERY as RULES_EVERY
from bot.keeper import RULES, RuleKeeper
from bot.links import Links
from bot.menus.reading import read_menus
from bot.menus.tagging import TAG_BELL, Tagger
from bot.opinion.asking import Asker
from bot.opinion.client import Endpoint
from bot.reception import Reception
from bot.spool import Spool
from bot.watchman import Watchman
from bot.webhook import Door
from bot.wechat import Cipher, MenuApi, WeChatClient
from bot.wecom.client import WeComClient
from bot.wecom.door import WorkDoor
from bot.wording import wording
from bot.work import Presses
from bot.worlds import Worlds
from scheduler.bells import Bell, Tower
from scheduler.heart import EVERY, Heart
from scheduler.watch import Watch
from scheduler.works import Works

SPOOL, HEART = "spool", "heart"
# Where workers do the rest. What this process has kept on its own disk, only it can take in; and a worker that has
# died must not silence a case: whoever is alive advances it and sends its alerts (ADR 0022).
WEB_BELLS = (SPOOL, HEART, CASES, ALERT, RULES)
ALONE = (Role.WEB, Role.WORKER)


@dataclass
class Tongxing:
    """One process of the house, with everything in it; `worlds` is everything outside of it."""

    settings: Settings
    clock: Clock
    db: Database
    worlds: Worlds
    links: Links
    client: WeChatClient
    desk: Desk
    door: Door
    work_door: WorkDoor | None
    channels: tuple[str, ...]
    works: Works
    tower: Tower
    heart: Heart
    watch: Watch
    rules: RuleKeeper

    @classmethod
    def build(cls, settings: Settings, clock: Clock, worlds: Worlds | None = None) -> "Tongxing":
        """Put the house together; nothing runs yet. VaultError or ValueError say which setting is wrong."""
        vault = Vault(settings.secret_key.get_secret_value())
        db = Database(settings.database, vault)
        links = Links(settings.public_url, vault)
        quiet = Quiet(settings.quiet_from, settings.quiet_until)
        worlds = worlds or Worlds.real(settings, clock)
        tokens = DatabaseTokenStore(db, settings.wechat_app_id, clock)
        client = account_client(settings, worlds.wechat, clock, tokens)
        cipher = Cipher(
            settings.wechat_token.get_secret_value(), settings.wechat_encoding_aes_key.get_secret_value(),
            settings.wechat_app_id, fresh_within=settings.wechat_fresh_within,
        )  # fmt: skip
        desk = Desk(db, clock, Reception.of(settings, links))
        door = Door(cipher, clock, desk, Spool(settings.data_dir / "spool", vault), settings)
        wecom = _wecom(settings, db, clock, worlds)
        rungs = {r.name: r for r in (*wechat_rungs(client, settings), *staff_rungs(settings, clock, worlds, wecom))}
        sorter = Sorter(links, rungs, quiet, Enough.of(settings), settings.wecom_robots.__contains__)
        deliverer = Deliverer(db, clock, sorter, senders=settings.senders, urgent_senders=settings.urgent_senders)
        operators = Operators(db, clock, worlds.post, settings.operator_mail)
        works = Works(db, clock, quiet)
        tagger = Tagger(db, clock, MenuApi(client), settings.wechat_app_id, read_menus(settings.menus_file))
        asker = Asker(db, clock, links, quiet, _endpoint(settings, worlds), settings.second_opinion_a_day)
        heart = Heart(db, clock)
        rules = RuleKeeper(db, clock)
        tower = Tower(
            (
                Bell(CASES, 1, works.cases),
                Bell(ALERT, 1, deliverer.drain_urgent),
                Bell(DELIVER, 1, deliverer.drain),
                Bell(FOLLOW_UPS, 60, works.follow_ups),
                Bell(DRILLS, 60, works.drills),
                Bell("milestones", 5, works.milestones),
                Bell("moods", 30, works.moods),
                Bell("ladders", 600, works.look_at_ladders),
                Bell(DUTY, 5, works.duty),
                Bell("materialise", 600, works.materialise),
                Bell("operators", 60, operators.tell),
                Bell(TAG_BELL, 60, tagger.work),
                Bell(OPINIONS, 2, asker.work),
                Bell(SPOOL, 15, door.take_in_spool),
                Bell(HEART, EVERY, heart.beat),
                Bell(RULES, RULES_EVERY, rules.look),
            )
        )
        db.on_commit = tower.ring
        watch = Watch(
            db, clock, heart, tower, Watchman.of(settings, clock, worlds), nudge=lambda: tower.ring((CASES, ALERT)),
            http=worlds.plain, ping_url=settings.ping_url.get_secret_value(),
        )  # fmt: skip
        work_door = _work_door(settings, db, clock)
        return cls(
            settings, clock, db, worlds, links, client, desk, door, work_door, tuple(rungs), works, tower,
            heart, watch, rules,
        )  # fmt: skip

    @asynccontextmanager
    async def running(
        self, *, bells: Collection[str] | None = None, roles: Collection[Role] = ALONE
    ) -> AsyncIterator["Tongxing"]:
        """Open the house: the key is proved first, then the desk, then the bells (all, or those named).

        Where the heart beats, it beats for these `roles`, and the watch is kept.
        """
        watching: asyncio.Task[None] | None = None
        try:
            await prove_key(self.db)
            discreet(wording())  # the list of words takes a moment to read: now, not before the first alert
            await self.rules.look()
            async with self.db.begin() as session:
                await channels.set_up(session, self.channels)
            self.desk.open()
            if bells is None or HEART in bells:
                self.heart.start(roles)
                watching = asyncio.create_task(self.watch.keep(), name="watch")
            self.tower.start(bells)
            yield self
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            await self.tower.stop()
            await self.heart.stop()
            await self.desk.close()
            self.rules.leave()
            await self.worlds.close()
            await self.db.close()


def _wecom(settings: Settings, db: Database, clock: Clock, worlds: Worlds) -> WeComClient | None:
    if not settings.wecom_corp_id:
        return None
    name = f"wecom:{settings.wecom_corp_id}:{settings.wecom_agent_id}"[:64]
    return work_client(settings, worlds.wecom, clock, DatabaseTokenStore(db, name, clock))


def _endpoint(settings: Settings, worlds: Worlds) -> Endpoint | None:
    if not settings.second_opinion_url:
        return None
    return Endpoint(
        worlds.plain, settings.second_opinion_url, settings.second_opinion_model, settings.second_opinion_key,
        settings.second_opinion_timeout,
    )  # fmt: skip


def _work_door(settings: Settings, db: Database, clock: Clock) -> WorkDoor | None:
    if not settings.wecom_corp_id:
        return None
    cipher = Cipher(
        settings.wecom_token.get_secret_value(), settings.wecom_encoding_aes_key.get_secret_value(),
        settings.wecom_corp_id, fresh_within=settings.wechat_fresh_within,
    )  # fmt: skip
    return WorkDoor(cipher, clock, Presses(db, clock).press)


def create_app(
    house: Tongxing, *, bells: Collection[str] | None = None, roles: Collection[Role] = ALONE
) -> FastAPI:  # fmt: skip
    """The ASGI application of one house."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with house.running(bells=bells, roles=roles):
            yield

    app = FastAPI(title="同行 Tongxing", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # Plain routes: FastAPI's request machinery costs as much as the whole of our own work here.
    app.add_route("/wechat", house.door.knock, methods=["GET"])
    app.add_route("/wechat", house.door.deliver, methods=["POST"])
    if house.work_door is not None:
        app.add_route("/wecom", house.work_door.knock, methods=["GET"])
        app.add_route("/wecom", house.work_door.deliver, methods=["POST"])
    pages = Pages(house.db, house.clock, house.client)
    case = CasePage(house.db, house.clock, house.settings.public_url)
    app.add_route("/p/case/{token}", case.show, methods=["GET"])
    app.add_route("/p/case/{token}/{verb}", case.act, methods=["POST"])
    app.add_route("/p/tasks/{token}", pages.tasks, methods=["GET"])
    app.add_route("/p/drill/{token}", pages.drill, methods=["GET"])
    app.add_route("/p/qr/{token}", pages.qr, methods=["GET"])
    add_member_pages(
        app, db=house.db, clock=house.clock, settings=house.settings, client=house.client, desk=house.desk
    )  # fmt: skip

    tools = Tools(
        house.db, house.clock, house.settings, house.links, house.client, house.works.quiet, house.watch,
        house.worlds.plain,
    )  # fmt: skip
    app.router.routes += console_routes(tools)

    app.mount("/api/v1", create_api(house.db, house.clock))

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_request: Request) -> Response:
        why = await ready.why_not()
        return JSONResponse({"ready": not why, "why": why}, status_code=503 if why else 200)

    ready = Readiness(house.db, house.settings, house.clock, house.watch)
    measured = Metrics(house.db, house.clock, house.settings)
    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readyz, methods=["GET"])
    app.add_route("/metrics", measured.scrape, methods=["GET"])
    return app
