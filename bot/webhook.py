"""The door: `GET/POST /wechat`. Verify, decrypt, store, answer; never a 5xx, never anything but XML or success.

A 5xx, JSON or any other odd body would show the person who just wrote to us that the service is broken
(开发者文档 › 接收消息). What is not signed by WeChat gets 403; everything else gets an answer it accepts.
"""

import asyncio
import contextlib
from datetime import datetime

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from app.clock import Clock
from app.db import is_database_trouble
from app.settings import Settings
from bot.conversation.on_page import OnPage
from bot.conversation.talk import CommonWords
from bot.desk import Desk
from bot.screening import Level, screen
from bot.spool import Spool
from bot.waiting import Slip
from bot.wechat import Cipher, Inbound, MalformedMessage, Refused, Text, parse, text_reply
from bot.wechat.callback import read_body
from bot.wording import DEFAULT, wording
from bot.wording.language import language_of

log = structlog.get_logger()

NOTHING = "success"


class Door:
    def __init__(self, cipher: Cipher, clock: Clock, desk: Desk, spool: Spool, settings: Settings) -> None:
        self._cipher = cipher
        self._clock = clock
        self._desk = desk
        self._spool = spool
        self._answer_within = settings.wechat_answer_within
        self._region = settings.region

    async def knock(self, request: Request) -> Response:
        """GET: WeChat makes sure that this server is ours."""
        try:
            return PlainTextResponse(self._cipher.verify_url(request.query_params, self._clock.now()))
        except Refused as refused:
            log.warning("door refused", why=str(refused))
            return PlainTextResponse("", status_code=403)

    async def deliver(self, request: Request) -> Response:
        """POST: WeChat delivers something that a person did."""
        now = self._clock.now()
        try:
            xml = self._cipher.open(request.query_params, await read_body(request), now)
        except Refused as refused:
            log.warning("door refused", why=str(refused))
            return PlainTextResponse("", status_code=403)
        except (MalformedMessage, ClientDisconnect) as malformed:
            log.error("delivery unreadable", why=type(malformed).__name__)
            return PlainTextResponse(NOTHING)
        try:
            heard = parse(xml)
        except MalformedMessage as malformed:
            log.error("delivery unreadable", why=str(malformed))
            return PlainTextResponse(NOTHING)
        try:
            answer = await self._answer(heard, xml)
        except Exception as error:
            log.critical("delivery lost", error=type(error).__name__)
            answer = self._without_database(heard, kept=False)
        if not answer:
            return PlainTextResponse(NOTHING)
        now = self._clock.now()
        return Response(self._cipher.seal(text_reply(heard, answer, now), now), media_type="application/xml")

    async def _answer(self, heard: Inbound, xml: bytes) -> str | None:
        slip = self._desk.hand_in(heard)
        await asyncio.wait([slip.answer], timeout=self._answer_within)
        if not slip.answer.done():
            return await self._do_without(slip, xml)
        try:
            return slip.answer.result()
        except Exception as error:
            away = is_database_trouble(error)
            log.error("database away, spooled" if away else "delivery broke, spooled", error=type(error).__name__)
            await self._spool.put(xml, self._clock.now())
            return self._without_database(heard)

    async def _do_without(self, slip: Slip, xml: bytes) -> str | None:
        """The person must not wait for WeChat's own time-out: the answer will follow as a message.

        What we say now ends WeChat's own repetitions, so the delivery is kept on disk until it is handled.
        """
        slip.late = True
        log.warning("answer late, spooled", kind=type(slip.heard).__name__)
        kept = await self._spool.put(xml, self._clock.now())
        slip.answer.add_done_callback(lambda answer: None if answer.exception() else self._spool.done(kept))
        return self._without_database(slip.heard)

    def _without_database(self, heard: Inbound | OnPage, *, kept: bool = True) -> str | None:
        return stateless_answer(heard, self._region, self._clock.now(), kept=kept)

    async def take_in_spool(self) -> int:
        """Handle what was kept while the database was away; how many deliveries that were."""
        taken = 0
        for file in await asyncio.to_thread(self._spool.waiting):
            try:
                xml = await asyncio.to_thread(self._spool.read, file)
            except FileNotFoundError:
                continue  # handled in the meantime
            if xml is None:
                log.error("a spooled delivery was sealed with another key", file=file.name)
                continue
            slip = self._desk.hand_in(parse(xml))
            slip.late = True
            try:
                await slip.answer
            except Exception as error:
                if is_database_trouble(error):
                    return taken
                log.error("a spooled delivery broke and was set aside", file=file.name, error=type(error).__name__)
                await asyncio.to_thread(self._spool.set_aside, file)
                with contextlib.suppress(Exception):  # the file is kept and the log says so, whatever else fails
                    await self._desk.put_before_a_person(slip.heard, f"set-aside:{file.stem}")
                taken += 1
                continue
            await asyncio.to_thread(self._spool.done, file)
            taken += 1
        return taken


def stateless_answer(heard: Inbound | OnPage, region: str, now: datetime, *, kept: bool = True) -> str | None:
    """What can be said with no database: the hotline to somebody in danger, a kind word to anybody else.

    `region`: whose numbers are said (`TONGXING_REGION`). `kept`: the words are safe on disk. If not even that, we
    say so and do not pretend.
    """
    if not isinstance(heard, Text):
        return None
    in_danger = screen(heard.content).level >= Level.ORANGE
    words = wording(language_of(heard.content, DEFAULT)) if in_danger else wording()
    key = "red.unstored" if in_danger else "help.later" if kept else "help.unkept"
    return words.say_with(key, CommonWords(words, None, None, None, None, now=now, region=region))
