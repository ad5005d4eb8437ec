"""The fields of a card: what is mended, what is not, and that the platform takes whatever we let through."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.reach import Reach
from bot.channels.address import Address
from bot.channels.buckets import Bucket
from bot.channels.fields import Fault, fill, fit
from bot.channels.rungs import TemplateMessage, TemplateOf
from bot.notices import Card, Letter
from bot.notices.letter import CardKind
from bot.outside import ContentRefused
from bot.simulator.rules import FIELD_RULES, field_fault
from bot.wording.moments import card_time

KINDS = sorted({*FIELD_RULES, "short_thing", "enum", "symbol", "car_number", "a_new_type"})
ZERO = "\u200b\u200d\ufe0f\u2060"
WILD = st.one_of(
    st.text(),
    st.text(alphabet=st.characters()),  # lone surrogates and marks without a letter too
    st.text(
        alphabet="书法课王乐·•é\u0301𠮷😀👨👩👧🇨🇳1️⃣#©™㊗\ufe0f\u200d\u200b \n\t.-:：~～年月日0129,￥¥$元+ABz…",
        max_size=60,
    ),
    st.from_regex(
        r"\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日? ?(\d{1,2}[:：]\d{2})?(( ?[~～至-] ?)\d{1,2}:\d{2})?", fullmatch=True
    ),
)


@pytest.mark.parametrize("kind", KINDS)
@given(value=WILD)
def test_whatever_is_let_through_the_platform_takes(kind: str, value: str) -> None:
    fitted = fit(f"{kind}7", value)
    if isinstance(fitted, Fault):
        return
    assert fitted
    assert field_fault(f"{kind}7", fitted) == ""
    assert fit(f"{kind}7", fitted) == fitted, "what fits is left alone"
    fitted.encode()


@given(st.text(alphabet="书法手工课ABC 123，。", min_size=1, max_size=20).map(str.strip).filter(bool))
def test_an_ordinary_title_stays_as_it_is(title: str) -> None:
    assert fit("thing1", title) == " ".join(title.split())


@pytest.mark.parametrize(
    ("keyword", "value", "fitted"),
    [
        ("thing1", "  手工课\n（第二次）\t ", "手工课 （第二次）"),
        ("thing1", "书法😀课 👨‍👩‍👧 🇨🇳 1️⃣楼 ✨", "书法课 1楼"),
        ("thing1", "祝㊗️贺™️", "祝贺"),
        ("thing1", "手\u200b工\u202e课", "手工课"),
        ("thing1", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("thing1", "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
        ("thing1", "一二三四五六七八九十一二三四五六七八 九十一", "一二三四五六七八九十一二三四五六七八…"),
        ("thing1", "a\u0301" * 21, "á" * 19 + "…"),
        ("thing1", "x\u0323\u0302" * 11, "x\u0323\u0302" * 6 + "…"),  # never between a letter and its marks
        ("thing1", "𠮷" * 11, "𠮷" * 9 + "…"),  # each counts as two where characters are UTF-16
        ("short_thing1", "下午两点钟", "下午两点钟"),
        ("character_string1", "Ａ－０３１２", "A-0312"),
        ("character_string1", "A-0312 😀", "A-0312"),
        ("phrase2", "尽快 联系！", "尽快联系"),
        ("name1", "阿里木•买买提", "阿里木·买买提"),
        ("name1", "王 乐", "王乐"),
        ("name1", "Anne-Marie O'Neil", "Anne-Marie O'Neil"),
        ("time2", "2026年11月21日 15:01", "2026年11月21日 15:01"),
        ("time2", "2026-11-21 9:05", "2026年11月21日 09:05"),
        ("time2", "２０２６年１１月２１日１５：０１", "2026年11月21日 15:01"),
        ("time2", "15:01:30", "15:01"),
        ("time2", "15:01 ～ 16:30", "15:01~16:30"),
        ("time2", "14:00-15:30", "14:00~15:30"),
        ("time2", "2026年11月21日 15:01 至 2026年11月22日 09:00", "2026年11月21日 15:01~2026年11月22日 09:00"),
        ("date3", "2026/11/01", "2026年11月1日"),
        ("date3", "2026年11月21日~2026年11月23日", "2026年11月21日~2026年11月23日"),
        ("number1", "１，０００", "1000"),
        ("number1", "-3.5", "-3.5"),
        ("amount1", "￥12.50元", "¥12.50元"),
        ("phone_number1", "+86 (0574) 0000-0000", "+8605740000-0000"),
        ("car_number1", "粤a·8z888 挂", "粤A8Z888挂"),
        ("letter1", "ＯＫ", "OK"),
        ("symbol1", "★ %", "%"),
        ("unknown9", "手工课\n", "手工课"),
    ],
)
def test_what_can_be_mended_is_mended(keyword: str, value: str, fitted: str) -> None:
    assert fit(keyword, value) == fitted


@pytest.mark.parametrize(
    ("keyword", "value", "fault"),
    [
        ("thing1", "", Fault.EMPTY),
        ("thing1", " \n\t", Fault.EMPTY),
        ("thing1", "😀👍🏽", Fault.EMPTY),
        ("thing1", ZERO, Fault.EMPTY),
        ("thing1", "x" + "\u0323" * 30, Fault.TOO_LONG),
        ("const1", "一" * 21, Fault.TOO_LONG),
        ("character_string1", "编号A-0312", Fault.ASCII_ONLY),
        ("character_string1", "A" * 33, Fault.TOO_LONG),
        ("phrase2", "第2次", Fault.HANZI_ONLY),
        ("phrase2", "！！", Fault.EMPTY),
        ("phrase2", "请您尽快联系", Fault.TOO_LONG),
        ("name1", "王乐2", Fault.NO_NAME),
        ("name1", "王Le", Fault.NO_NAME),
        ("name1", "王" * 11, Fault.TOO_LONG),
        ("name1", "A" * 21, Fault.TOO_LONG),
        ("time2", "下午 2 点", Fault.NO_TIME),
        ("time2", "25:00", Fault.NO_TIME),
        ("time2", "2026年11月31日 15:01", Fault.NO_TIME),
        ("time2", "2026年11月21日", Fault.NO_TIME),
        ("time2", "15:01~", Fault.NO_TIME),
        ("time2", "09:00~10:00~11:00", Fault.NO_TIME),
        ("date3", "15:01", Fault.NO_DATE),
        ("date3", "明天", Fault.NO_DATE),
        ("number1", "三", Fault.NO_NUMBER),
        ("number1", "٣", Fault.NO_NUMBER),
        ("number1", "1" * 33, Fault.TOO_LONG),
        ("amount1", "12345678901", Fault.NO_AMOUNT),
        ("phone_number1", "120 或 110", Fault.NO_PHONE),
        ("phone_number1", "0" * 18, Fault.TOO_LONG),
        ("car_number1", "自行车", Fault.NO_CAR),
        ("letter1", "A1", Fault.LETTERS_ONLY),
        ("symbol1", "a%", Fault.SIGNS_ONLY),
    ],
)
def test_what_cannot_be_mended_says_why(keyword: str, value: str, fault: Fault) -> None:
    assert fit(keyword, value) is fault


@given(st.integers(0, 10_000_000), st.booleans())
def test_a_moment_stays_the_moment_that_it_is(minutes: int, spaced: bool) -> None:
    when = datetime(2026, 11, 23, tzinfo=ZoneInfo("Asia/Shanghai")) + timedelta(minutes=minutes)
    words = card_time(when, "Asia/Shanghai")
    assert fit("time2", words if spaced else words.replace(" ", "")) == words


CARD = Card(CardKind.ACTIVITY, {"title": "书法", "time": "明天下午", "place": "活动室", "note": "到了请回：到了"})


def test_a_card_with_a_field_that_does_not_fit_names_the_field_before_anything_leaves() -> None:
    template = TemplateOf("tpl", {"title": "thing1", "time": "time2", "place": "thing3", "note": "thing4"})
    with pytest.raises(ContentRefused) as refused:
        template.fill(CARD, "message/template/send")
    assert refused.value.field == "time2"
    assert refused.value.errcode is None
    assert "明天下午" not in str(refused.value)


def test_a_card_is_filled_by_the_names_of_the_account() -> None:
    assert fill("message/template/send", {"title": "thing1", "place": "thing3"}, CARD.fields) == {
        "thing1": "书法",
        "thing3": "活动室",
    }


def test_a_template_with_a_field_that_does_not_fit_makes_no_call() -> None:
    calls: list[Any] = []

    class Client:
        async def send_template(self, *args: Any, **how: Any) -> str:
            calls.append((args, how))
            return "1"

    template = TemplateOf("tpl", {"time": "time2"})
    rung: Any = TemplateMessage(Client(), {CardKind.ACTIVITY: template}, Bucket(1))  # type: ignore[arg-type]
    to = Address(wechat=Reach(1, "o_somebody", None, True, None, None, 0, None, None, None))
    with pytest.raises(ContentRefused):
        asyncio.run(rung.send(None, Letter("", CARD), to))
    assert calls == []
