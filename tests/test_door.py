"""The door: WeChat gets an answer that it accepts, everybody else gets none, and nothing happens twice."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import event, func, select

from app.activities import service as activities
from app.activities.machine import Answer
from app.activities.models import Rsvp
from app.clock import Clock
from app.escalations.models import CaseRow, Flag
from app.main import Tongxing, create_app
from app.messages.models import Contact, Inbox, InboxState, Outbox, Question, QuestionState
from app.messages.service import send
from app.people.models import Person
from app.settings import DEMO_APP_ID, Settings
from app.tasks.models import Task
from bot import desk
from bot.conversation import danger, grammar
from bot.conversation.dialogue import DIALOGUES, Dialogue
from bot.conversation.talk import Talk
from bot.wechat import LONGEST_TEXT
from bot.worlds import Worlds
from tests.conftest import MONDAY, Story
from tests.wechat import platform as wechat
from tests.wechat.payloads import PAYLOADS, callback, message
from tests.wechat.payloads import event as an_event

WORDS = "不想活了，药都攒好了"
NOW = str(int(MONDAY.timestamp()))


@dataclass
class Letterbox:
    """WeChat's side of the door, written from the specification: it seals, signs, posts and reads the answer."""

    house: Tongxing
    http: httpx.AsyncClient

    async def ask(self, **changes: str | None) -> httpx.Response:
        """The GET by which WeChat makes sure that a server is ours; a change of None leaves a parameter out."""
        query = {"timestamp": NOW, "nonce": wechat.NONCE, "echostr": "5837479347"}
        query["signature"] = wechat.sign(wechat.TOKEN, NOW, wechat.NONCE)
        return await self.http.get("/wechat", params=_changed(query, changes))

    async def post(self, xml: bytes | str, **changes: str | None) -> httpx.Response:
        """A sealed and signed delivery."""
        raw = xml.encode() if isinstance(xml, str) else xml
        return await self.post_sealed(wechat.encrypt(raw, DEMO_APP_ID), **changes)

    async def post_sealed(self, encrypted: str, **changes: str | None) -> httpx.Response:
        query = _changed(wechat.query(encrypted, stamp=changes.pop("stamp", None) or NOW), changes)
        return await self.http.post("/wechat", params=query, content=wechat.envelope(encrypted))

    def read(self, response: httpx.Response) -> str | None:
        """What the person sees: None for `success`. Fails on anything that WeChat would not accept."""
        assert response.status_code == 200
        if response.text == "success":
            return None
        outer = wechat.fields(response.text)
        assert outer["MsgSignature"] == wechat.sign(
            wechat.TOKEN, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"]
        )  # fmt: skip
        inner, app_id = wechat.decrypt(outer["Encrypt"])
        assert app_id == DEMO_APP_ID
        fields = {element.tag: element.text or "" for element in ElementTree.fromstring(inner)}  # noqa: S314
        assert set(fields) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
        assert 0 < len(fields["Content"].encode()) <= LONGEST_TEXT
        return fields["Content"]

    async def stored(self, what: Any = Inbox) -> list[Any]:
        async with self.house.db.read() as session:
            return list(await session.scalars(select(what).order_by(what.id)))


def _changed(query: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**query, **changes}.items() if value is not None}


@pytest.fixture
async def letterbox(settings: Settings) -> AsyncIterator[Letterbox]:
    """A house that nobody has been loaded into, and the account of the specification."""
    ours = {"wechat_token": SecretStr(wechat.TOKEN), "wechat_encoding_aes_key": SecretStr(wechat.AES_KEY)}
    nobody = httpx.AsyncClient(transport=httpx.AsyncBaseTransport())
    house = Tongxing.build(settings.model_copy(update=ours), Clock(frozen_at=MONDAY), Worlds(nobody, nobody, nobody))
    app = create_app(house, bells=())
    transport = httpx.ASGITransport(app)
    async with house.running(bells=()), httpx.AsyncClient(transport=transport, base_url="http://house") as http:
        yield Letterbox(house, http)


# Who may come in


async def test_wechat_is_told_that_the_server_is_ours(letterbox: Letterbox) -> None:
    answer = await letterbox.ask()
    assert (answer.status_code, answer.text) == (200, "5837479347")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 40},
        {"signature": None},
        {"signature": "签名"},
        {"timestamp": str(int(NOW) + 1)},
        {"timestamp": None},
        {"nonce": "1"},
        {"nonce": None},
        {"echostr": None},
    ],
    ids=str,
)
async def test_nobody_else_is_told_anything(letterbox: Letterbox, changes: dict[str, str | None]) -> None:
    answer = await letterbox.ask(**changes)
    assert (answer.status_code, answer.text) == (403, "")


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_signature_is_good_for_ten_minutes(letterbox: Letterbox, minutes: int) -> None:
    stamp = str(int(NOW) + minutes * 60)
    signed = wechat.sign(wechat.TOKEN, stamp, wechat.NONCE)
    assert (await letterbox.ask(timestamp=stamp, signature=signed)).status_code == 403
    assert (await letterbox.post(PAYLOADS["text"][0], stamp=stamp)).status_code == 403
    nearly = str(int(NOW) + minutes * 54)
    assert (await letterbox.post(PAYLOADS["text"][0], stamp=nearly)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"msg_signature": "0" * 40},
        {"msg_signature": None},
        {"msg_signature": wechat.sign(wechat.TOKEN, NOW, wechat.NONCE)},
        {"msg_signature": "签名"},
        {"timestamp": str(int(NOW) + 1)},
        {"timestamp": "今天"},
        {"timestamp": None},
        {"nonce": None},
    ],
    ids=["wrong", "missing", "that of a plain body", "not ASCII", "other time", "no time", "time missing", "no nonce"],
)
async def test_a_delivery_that_is_not_signed_is_turned_away_and_not_kept(
    letterbox: Letterbox, changes: dict[str, str | None]
) -> None:
    answer = await letterbox.post(PAYLOADS["text"][0], **changes)
    assert (answer.status_code, answer.text) == (403, "")
    assert await letterbox.stored() == []


async def test_a_plain_body_is_turned_away_although_its_query_is_signed(letterbox: Letterbox) -> None:
    query = {**wechat.query("", stamp=NOW), "msg_signature": wechat.sign(wechat.TOKEN, NOW, wechat.NONCE)}
    for body in (PAYLOADS["text"][0].encode(), b"", b"<xml></xml>", b"{}"):
        answer = await letterbox.http.post("/wechat", params=query, content=body)
        assert answer.status_code == 403
    assert await letterbox.stored() == []


async def test_what_was_meant_for_another_account_is_turned_away(letterbox: Letterbox) -> None:
    answer = await letterbox.post_sealed(wechat.encrypt(PAYLOADS["text"][0].encode(), "wx_somebody_else"))
    assert answer.status_code == 403
    assert await letterbox.stored() == []


# What is answered


@pytest.mark.parametrize("name", PAYLOADS)
async def test_everything_that_wechat_documents_is_kept_once_and_answered(letterbox: Letterbox, name: str) -> None:
    xml, _ = PAYLOADS[name]
    first = letterbox.read(await letterbox.post(xml))
    again = letterbox.read(await letterbox.post(xml))
    assert first == again
    assert len(await letterbox.stored()) == 1


BROKEN = {
    "nothing": "",
    "spaces": "  \n ",
    "not XML": "不是 XML",
    "cut off": PAYLOADS["text"][0][:150],
    "another root": "<html><body>1</body></html>",
    "no person": "<xml><MsgType>text</MsgType><CreateTime>1</CreateTime><Content>1</Content></xml>",
    "no type": callback("<Content>1</Content>"),
    "a time that is none": callback("<MsgType>text</MsgType>").replace("1610969440", "heute"),
    "a time beyond all": callback("<MsgType>text</MsgType>").replace("1610969440", "9" * 30),
    "two contents": message("text", "<Content>1</Content><Content>2</Content>"),
    "a content with fields": message("text", "<Content><a>1</a></Content>"),
    "an event without name": callback("<MsgType>event</MsgType>"),
    "a receipt of nothing": an_event("TEMPLATESENDJOBFINISH"),
    "a pop-up of nothing": an_event("subscribe_msg_popup_event", "<SubscribeMsgPopupEvent></SubscribeMsgPopupEvent>"),
    "entities": f"<!DOCTYPE a [<!ENTITY b '{'b' * 99}'>]>{message('text', '<Content>&b;</Content>')}",
    "an id that is none": message("text", "<Content>1</Content>").replace("23456789012345678", "abc"),
    "JSON": '{"MsgType":"text","Content":"1"}',
    "bytes that are no text": b"<xml>\xff\xfe\x00</xml>",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_signed_and_cannot_be_read_never_shows_a_broken_service(letterbox: Letterbox, name: str) -> None:
    letterbox.read(await letterbox.post(BROKEN[name]))


async def test_what_is_signed_and_cannot_even_be_decrypted_is_answered(letterbox: Letterbox) -> None:
    for sealed in ("a", "AAAA", "A" * 64, wechat.encrypt_raw(b""), wechat.encrypt_raw(b"\xff" * 64)):
        response = await letterbox.post_sealed(sealed)
        assert (response.status_code, response.text) == (200, "success")


async def test_a_body_longer_than_any_callback_is_not_read_to_its_end(letterbox: Letterbox) -> None:
    given_up_at = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given_up_at
        for _ in range(1000):
            given_up_at += 1024
            yield b"x" * 1024

    answer = await letterbox.http.post("/wechat", params=wechat.query("x", stamp=NOW), content=endless())
    assert (answer.status_code, answer.text) == (200, "success")
    assert given_up_at < 100 * 1024


async def test_the_longest_text_that_a_person_can_send_is_answered(letterbox: Letterbox) -> None:
    long = "我想说很多话。" * 700
    assert letterbox.read(await letterbox.post(message("text", f"<Content><![CDATA[{long}]]></Content>")))
    assert "".join([row.content for row in await letterbox.stored()]) == long[:4000]


@hypothesis(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
async def test_no_signed_bytes_break_the_door(letterbox: Letterbox, bodies: list[bytes]) -> None:
    for response in await asyncio.gather(*(letterbox.post(body) for body in bodies)):
        letterbox.read(response)
    sealed = [wechat.encrypt_raw(body) for body in bodies]
    for response in await asyncio.gather(*(letterbox.post_sealed(body) for body in sealed)):
        assert response.status_code in (200, 403)
        assert "json" not in response.headers["content-type"]


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=("Cc", "Cs", "Cn")))


@hypothesis(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY_TEXT, min_size=1, max_size=8))
async def test_whatever_people_write_is_kept_and_answered(letterbox: Letterbox, texts: list[str]) -> None:
    before = len(await letterbox.stored())
    posts = []
    for text in texts:
        words = text.replace("]]>", "]]]]><![CDATA[>")
        number = int.from_bytes(os.urandom(7))
        xml = message("text", f"<Content><![CDATA[{words}]]></Content>").replace("23456789012345678", str(number))
        posts.append(letterbox.post(xml))
    assert all(letterbox.read(response) for response in await asyncio.gather(*posts))
    assert sorted(row.content for row in (await letterbox.stored())[before:]) == sorted(text.strip() for text in texts)


async def _repeats(talk: Talk, question: Question, text: str) -> str | None:
    return f"您说：{text}"


@pytest.mark.parametrize(
    "words",
    [
        "]]>",
        "<xml>",
        "]]></Content><Content>哈",
        "<a href='x'>",
        "&amp;&#0;",
        "{called}{0}",
        "%s %d",
        "\\u4f60",
        "\U0001f331",
    ],
)
async def test_markup_in_what_we_repeat_stays_words(story: Story, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    member = await story.joined()
    monkeypatch.setitem(DIALOGUES, "rsvp", Dialogue("rsvp", _repeats, "rsvp.again"))
    delivery = await story.platform.message(member.openid, words)
    assert (delivery.error, delivery.reply_text) == (None, f"您说：{words}")


async def test_a_name_that_is_markup_is_a_name(story: Story) -> None:
    member = await story.joined(called="]]><b>")
    await story.wednesday(13, 45)
    worker = await story.phone("王乐")
    await worker.says("签到码")
    await member.scans(await story.scan_page(await worker.hears("扫码签到的图")))
    await member.hears("欢迎，]]><b>，签到好了")


# Delivered again


async def inbox_of(story: Story, text: str) -> list[Inbox]:
    async with story.house.db.read() as session:
        return [row for row in await session.scalars(select(Inbox)) if row.content == text]


async def test_an_answer_that_comes_three_times_counts_once(story: Story) -> None:
    member = await story.joined()
    delivery = await story.platform.message(member.openid, "1", deliveries=3)
    assert delivery.replies == [delivery.reply_text] * 3
    assert "给您留位了" in (delivery.reply_text or "")
    async with story.house.db.read() as session:
        assert [r.answer for r in await session.scalars(select(Rsvp))] == [Answer.GOING]


async def test_a_word_of_danger_that_comes_three_times_is_one_case_and_one_alert(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    delivery = await story.platform.message(member.openid, WORDS, deliveries=3)
    await story.clock.settle()
    assert delivery.replies == [delivery.reply_text] * 3
    await worker.sees_card("待办提醒")
    await worker.hears_nothing()
    assert len(await inbox_of(story, WORDS)) == 1
    async with story.house.db.read() as session:
        for what in (CaseRow, Flag):
            assert await session.scalar(select(func.count()).select_from(what)) == 1
        alerts = await session.scalar(select(func.count()).where(Outbox.kind == "case_alert"))
        assert alerts == 1


async def test_three_deliveries_in_the_same_moment_are_one_too(story: Story) -> None:
    member = await story.joined()
    one = {"MsgType": "text", "Content": WORDS, "MsgId": 77}
    deliveries = await asyncio.gather(*(story.platform.send_callback(member.openid, one) for _ in range(3)))
    assert len({d.reply_text for d in deliveries}) == 1
    async with story.house.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Flag)) == 1


async def test_the_same_number_from_two_people_is_two_messages(story: Story) -> None:
    member, other = await story.joined("小河"), await story.joined("阿珠")
    for phone, words, heard in ((member, "1", "给您留位了"), (other, "2", "没关系")):
        one = {"MsgType": "text", "Content": words, "MsgId": 77}
        delivery = await story.platform.send_callback(phone.openid, one)
        assert heard in (delivery.reply_text or "")


async def test_following_once_is_following_once_and_again_tomorrow_is_new(story: Story) -> None:
    stranger = await story.phone("路人")
    story.platform.deliver_next = 3
    first = await story.platform.follow(stranger.openid)
    assert first.replies == [first.reply_text] * 3
    await story.clock.forward(days=1)
    await story.platform.follow(stranger.openid)
    async with story.house.db.read() as session:
        kinds = list(await session.scalars(select(Inbox.kind).where(Inbox.openid == stranger.openid)))
    assert kinds == ["followed", "followed"]


async def test_two_taps_in_one_second_are_two_events_and_each_counts_once(story: Story) -> None:
    for key in ("help", "activities", "help"):
        await story.platform.click("o_wangle", key)
    async with story.house.db.read() as session:
        keys = list(await session.scalars(select(Inbox.key).where(Inbox.kind == "clicked")))
    assert [key.split(":")[3] for key in keys] == ["help", "activities"]


async def test_being_welcomed_three_times_is_not_being_told_that_one_was_there_already(story: Story) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    await story.wednesday(13, 45)
    await worker.says("签到码")
    scene = await story.scan_page(await worker.hears("扫码签到的图"))
    story.platform.deliver_next = 3
    delivery = await story.platform.scan(member.openid, scene)
    assert len(delivery.replies) == 3
    assert all("欢迎，小河" in (reply or "") for reply in delivery.replies)


# Many at once


async def test_fifty_people_at_once_share_a_few_commits_and_each_hears_their_own_answer(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "SHARED_FOR", 60.0)  # however busy this machine is
    commits = 0

    @event.listens_for(story.house.db.engine.sync_engine, "commit")
    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    says = {"退订": "现在没有在给您发提醒", "找人": "已经告诉社工", "1": "老师给过您码", WORDS: "12356"}
    people = [(f"o_{n}", words) for n in range(50) for words in [list(says)[n % 4]]]
    deliveries = await asyncio.gather(*(story.platform.message(openid, words) for openid, words in people))
    assert 1 <= commits <= 6
    for (_, words), delivery in zip(people, deliveries, strict=True):
        assert says[words] in (delivery.reply_text or "")
    async with story.house.db.read() as session:
        heard = {(row.openid, row.content) for row in await session.scalars(select(Inbox))}
    assert heard >= set(people)


async def test_one_person_is_heard_in_the_order_they_wrote(story: Story) -> None:
    member = await story.joined()
    first, second, third = await asyncio.gather(
        *(story.platform.message(member.openid, words) for words in ("1", "改", "2"))
    )
    assert "给您留位了" in (first.reply_text or "")
    assert "您现在是：周三手工课 · 能来" in (second.reply_text or "")
    assert "改好了：周三手工课 · 来不了" in (third.reply_text or "")
    async with story.house.db.read() as session:
        assert await session.scalar(select(Rsvp.answer)) is Answer.NOT_GOING


# A dialogue that breaks


async def _answers_then_breaks(talk: Talk, question: Question, text: str) -> str | None:
    what = await activities.occurrence(talk.session, question.subject_id or 0)
    await activities.answer(talk.session, what, talk.who(), Answer.GOING, talk.now)
    talk.who().called = "别人"
    talk.contact.misunderstood = 7
    await talk.answered(question)
    await send(talk.session, "called_off", key="broken", to=talk.who(), subject_id=what.id, now=talk.now)
    raise RuntimeError(text)


async def test_a_dialogue_that_breaks_leaves_nothing_but_the_words_and_a_person_reads_them(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()
    monkeypatch.setitem(DIALOGUES, "rsvp", Dialogue("rsvp", _answers_then_breaks, "rsvp.again"))
    await member.says("1，我会来的")
    await member.hears("我这边出了点问题，您的话已经记下来，会请人来看")
    assert [row.state for row in await inbox_of(story, "1，我会来的")] == [InboxState.UNREAD]
    async with story.house.db.read() as session:
        assert list(await session.scalars(select(Rsvp.answer))) == [None]
        assert await session.scalar(select(Outbox).where(Outbox.key == "broken")) is None
        contact = await session.scalar(select(Contact).where(Contact.openid == member.openid))
        assert contact is not None
        assert contact.misunderstood == 0
        person = await session.get(Person, contact.person_id)
        assert person is not None
        assert person.called == "小河"
        still_open = select(Question).where(
            Question.contact_id == contact.id, Question.state == QuestionState.OPEN
        )  # fmt: skip
        assert await session.scalar(still_open) is not None
        task = await session.scalar(select(Task))
        assert task is not None
        assert (task.kind.value, task.note, task.person_id) == ("read", "1，我会来的", person.id)
        assert task.assignee_id == person.worker_id
    assert "我会来的" in await story.open_link(await worker.hears("有一件事请您看一下"))
    monkeypatch.undo()
    await member.says("1")
    await member.hears("给您留位了")


async def test_a_dialogue_that_broke_and_is_delivered_again_is_one_task(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await story.joined()
    monkeypatch.setitem(DIALOGUES, "rsvp", Dialogue("rsvp", _answers_then_breaks, "rsvp.again"))
    delivery = await story.platform.message(member.openid, "1", deliveries=3)
    assert delivery.replies == [delivery.reply_text] * 3
    async with story.house.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 1


async def test_a_break_after_words_of_danger_changes_nothing_about_the_alert(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()

    def breaks(text: str) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(grammar, "attendance", breaks)
    await member.says("不想活了，不去了")
    await member.hears("您不用一个人扛着", "我已经请王乐来联系您", "12356")
    await worker.sees_card("待办提醒")
    assert [row.state for row in await inbox_of(story, "不想活了，不去了")] == [InboxState.UNREAD]


async def test_even_if_the_reply_to_danger_cannot_be_made_the_alert_goes_out_and_the_hotline_is_said(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, member = await story.phone("王乐"), await story.joined()

    async def breaks(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(danger, "red_reply", breaks)
    monkeypatch.setattr("bot.reception.red_reply", breaks)
    await member.says(WORDS)
    await member.hears("您不用一个人扛着", "12356", "120")
    await worker.sees_card("待办提醒")
    async with story.house.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(CaseRow)) == 1
