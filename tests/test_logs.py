"""The log says what happened and where, and never who it was or what they wrote."""

import asyncio
import contextlib
import gc
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import structlog
from sqlalchemy import select, text

from app.clock import Clock
from app.logs import set_up_logs
from app.main import create_app
from app.messages.models import Inbox, Outbox, Question, Token
from app.people.models import Person, Ticket
from app.settings import GivenSettings, Settings
from app.time_travel import TimeMachine
from bot.conversation.dialogue import DIALOGUES, Dialogue
from bot.conversation.talk import Talk
from bot.reception import Reception
from bot.simulator import HttpWire, create_box
from bot.simulator.tour import Tour
from tests.conftest import ACCOUNT, COMPANY, MONDAY, ROBOT, WITH_WECOM, Story, open_story

WORDS = "不想活了，药都攒好了"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that a process at level `debug` writes to its log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    written = io.StringIO()
    with contextlib.redirect_stderr(written):
        set_up_logs("debug")
    yield written
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


@pytest.fixture
async def story(settings: Settings) -> AsyncIterator[Story]:
    """A house that reaches its staff by WeCom as well."""
    with_wecom = GivenSettings.model_validate({**settings.model_dump(), **WITH_WECOM})
    async with open_story(with_wecom, Clock(frozen_at=MONDAY)) as opened:
        yield opened


class SettlingWire(HttpWire):
    """After each thing a person does, everything that follows from it happens."""

    machine: TimeMachine

    async def act(self, openid: str, verb: str, **details: str) -> None:
        await super().act(openid, verb, **details)
        await self.machine.settle()


async def secrets_of(story: Story) -> set[str]:
    """Everything that no log may hold: words, names, numbers, ids of people, keys."""
    found = {ACCOUNT.app_secret, ACCOUNT.token, ACCOUNT.encoding_aes_key, "a key that only tests use", WORDS, "药都"}
    found |= {COMPANY.secret, COMPANY.token, COMPANY.encoding_aes_key, ROBOT, "lihong"}
    found |= {user.openid for user in story.platform.users.values()}
    found |= {bubble.text for user in story.platform.users.values() for bubble in user.bubbles if bubble.kind == "text"}
    for user in story.platform.users.values():
        links = " ".join(f"{bubble.raw} {bubble.url}" for bubble in user.bubbles)
        found |= set(re.findall(r"/p/\w+/([\w=-]{20,})", links))
    async with story.house.db.read() as session:
        found |= {row.content for row in await session.scalars(select(Inbox)) if row.content}
        found |= {row.reply for row in await session.scalars(select(Inbox)) if row.reply}
        found |= {row.value for row in await session.scalars(select(Token))}
        for person in await session.scalars(select(Person)):
            found |= {person.name, person.known_as, person.phone or ""}
        found |= {ticket.secret for ticket in await session.scalars(select(Ticket))}
    # Single letters and digits stand in every log; what was written that is that short says nothing there.
    return {secret for secret in found if len(secret) > 2 or re.fullmatch(r"[\u4e00-\u9fff]{2}", secret)}


def leaks(written: str, secrets: set[str]) -> list[str]:
    return sorted(secret for secret in secrets if secret in written)


async def test_the_whole_story_at_level_debug_names_nobody_and_repeats_no_word(story: Story, log: io.StringIO) -> None:
    for openid, name in (("o_xiaohe", "小河"), ("o_mama", "小河妈妈")):
        story.platform.add_user(openid, name)
    app = create_app(story.house, bells=False)
    app.mount("/box", create_box(story.platform, story.clock))
    transport = httpx.ASGITransport(app)
    told = io.StringIO()
    async with httpx.AsyncClient(transport=transport, base_url="http://house/box/") as client:
        wire = SettlingWire(client)
        wire.machine = story.clock
        assert await Tour(wire, client, told).play() == 0, told.getvalue()
        await _everything_goes_wrong(story)
    written = log.getvalue()
    for happened in ("door refused", "delivery unreadable", "rung closed", "conversation failed"):
        assert happened in written
    assert leaks(written, await secrets_of(story)) == []
    assert not re.search(r"access_token=(?!\*\*\*)", written)


async def _everything_goes_wrong(story: Story) -> None:
    platform = story.platform
    platform.bad_signature_next = True
    await platform.message("o_xiaohe", "签名不对的一句话")
    await platform.send_callback("o_xiaohe", {"MsgType": "event", "Content": "读不懂的一句话"})
    for errcode in (45015, 47003, 99999):
        await platform.message("o_wangle", "帮助")
        platform.break_next("message/*", errcode=errcode)
        await platform.message("o_xiaohe", f"{WORDS}，第{errcode}次")
        await story.clock.forward(minutes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.reception.respond", _breaks)
        await platform.message("o_xiaohe", "让程序出错的一句话")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reception, "receive", _breaks)
        await platform.message("o_xiaohe", "让整个程序出错的一句话")
    await story.clock.settle()


def _breaks(*words: object, **more: object) -> None:
    raise RuntimeError(f"cannot handle {words} {more}")


# Exceptions


async def _breaks_with_their_words(talk: Talk, question: Question, said: str) -> str | None:
    name = talk.who().name
    try:
        raise ValueError(f"{name} {talk.contact.openid} {said}")
    except ValueError as first:
        first.add_note(said)
        raise RuntimeError(f"and {said}") from first


async def _breaks_as_a_group(talk: Talk, question: Question, said: str) -> str | None:
    raise ExceptionGroup(said, [ValueError(said), KeyError(talk.who().name)])


async def _breaks_in_the_database(talk: Talk, question: Question, said: str) -> str | None:
    await talk.session.execute(text("insert into person (code, name) values (:code, :name)"), {"code": said, "name": 1})
    return None


@pytest.mark.parametrize("breaks", [_breaks_with_their_words, _breaks_as_a_group, _breaks_in_the_database])
async def test_what_a_dialogue_breaks_on_is_not_in_the_log(
    story: Story, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, breaks: object
) -> None:
    member = await story.plays_joining()
    monkeypatch.setitem(DIALOGUES, "rsvp", Dialogue("rsvp", breaks, "rsvp.again"))  # type: ignore[arg-type]
    await member.says("让程序出错的一句话")
    await member.hears("我这边出了点问题")
    written = log.getvalue()
    assert "conversation failed" in written
    assert breaks.__name__ in written  # type: ignore[attr-defined]
    assert leaks(written, await secrets_of(story)) == []


async def test_what_breaks_in_a_library_or_a_task_is_not_in_the_log_either(log: io.StringIO) -> None:
    try:
        raise ValueError(WORDS)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    async def fails() -> None:
        raise RuntimeError(WORDS)

    asyncio.get_running_loop().create_task(fails())
    await asyncio.sleep(0.01)
    gc.collect()
    written = log.getvalue()
    assert "Exception in ASGI application" in written
    assert "ValueError" in written
    assert "test_logs.py" in written
    assert "Task exception was never retrieved" in written
    assert "不想活" not in written


async def test_a_field_with_a_private_name_is_dropped(log: io.StringIO) -> None:
    structlog.get_logger().error("oops", text=WORDS, openid="o_xiaohe", phone="1", token="t", outbox=7)
    written = log.getvalue()
    assert '"outbox": 7' in written
    assert not any(word in written for word in (WORDS, "o_xiaohe", '"phone"', '"token"'))


async def test_rows_print_as_their_number(story: Story) -> None:
    await story.plays_joining()
    async with story.house.db.read() as session:
        for table in (Person, Inbox, Outbox):
            row = await session.scalar(select(table))
            assert re.fullmatch(rf"<{table.__name__} \d+>", f"{row}")
            assert re.fullmatch(rf"<{table.__name__} \d+>", f"{row!r}")
