"""What leaves the house names nobody: not in any width, any form, any spelling."""

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opencc import OpenCC

from bot.opinion.redaction import GONE, folded, redact

TRADITIONAL = OpenCC("s2t")
NAMES = ("王乐", "李红", "小河", "周敏", "欧阳建国", "买买提·艾力", "张丽华", "阿珠", "Tom", "José", "叶卫东", "乐")
PLACES = ("段塘生活小站", "段塘文化宫 二楼活动室")
FILLERS = st.text("我今天不想去了，心里难受。！ \nabc死药", max_size=12)
INVISIBLE = ["", "", "\u200b", "\u2060", "\ufe0f", " ", "\u3000", ".", "*", "·", "_", "\u0301", "\u0336", "\t"]


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def bold(text: str) -> str:
    """As people write who want to be seen: 𝐓𝐨𝐦."""
    return text.translate(
        {ord("a") + n: 0x1D41A + n for n in range(26)} | {ord("A") + n: 0x1D400 + n for n in range(26)}
    )


FORMS = (
    str, TRADITIONAL.convert, full_width, bold, str.upper, lambda text: unicodedata.normalize("NFD", text),
)  # fmt: skip


@st.composite
def disguised(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    """One of these words as somebody might write it, in the middle of others."""
    word = draw(st.sampled_from(words))
    shown = draw(st.sampled_from(FORMS))(word)
    between = draw(st.lists(st.sampled_from(INVISIBLE), min_size=len(shown), max_size=len(shown)))
    return draw(FILLERS) + "".join(map("".join, zip(shown, between, strict=True))) + draw(FILLERS)


@given(st.lists(disguised(NAMES), min_size=1, max_size=3).map("".join))
@example("小小河河")
@example("王王乐乐")
@example("𠮷乐")
def test_no_name_is_left_in_any_form(text: str) -> None:
    left = folded(redact(text, names=NAMES)).plain
    for name in NAMES:
        assert folded(name).plain not in left


@given(disguised(PLACES))
def test_no_place_is_left(text: str) -> None:
    left = folded(redact(text, places=PLACES)).plain
    assert all(folded(place).plain not in left for place in PLACES)


@given(
    st.from_regex(r"1[3-9][0-9]{9}|0[0-9]{2,3}[0-9]{7,8}|[1-9][0-9]{16}[0-9X]", fullmatch=True),
    st.sampled_from([str, full_width, lambda n: " ".join(n), lambda n: f"{n[:3]}-{n[3:7]}-{n[7:]}",
                     lambda n: n.translate(str.maketrans("0123456789", "零一二三四五六七八九")),
                     lambda n: n.replace("1", "幺", 1), lambda n: "\u200b".join(n)]),
    FILLERS, FILLERS,
)  # fmt: skip
def test_no_number_of_a_phone_or_an_identity_card_is_left(number: str, form: object, before: str, after: str) -> None:
    assert callable(form)
    left = folded(redact(before + form(number) + after)).plain
    assert sum(char.isdecimal() or char in "零一二三四五六七八九幺" for char in left) == 0


@given(st.text(max_size=60))
def test_what_names_nobody_stays_as_it_is_but_for_what_is_taken_out(text: str) -> None:
    """Nothing is added, turned round or spelt in another way: a quote of it is a quote of theirs."""
    here = 0
    for piece in redact(text, names=NAMES).split(GONE):
        found = text.find(piece, here)
        assert found >= 0
        here = found + len(piece)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("我微信号是 hexi_2020，加我", "我[*]，加我"),
        ("加我VX：xiaohe", "加我[*]"),
        ("wxid_8a7b6c5d 就是我", "[*] 就是我"),
        ("写信到 xiao.he@example.org 吧", "写信到 [*] 吧"),
        ("看 https://example.org/a?b=c 这里", "看 [*] 这里"),
        ("我想死，我在中山东路12号3栋502室", "我想死，我在[*][*]"),
        ("小王说的，王老师也知道", "[*]说的，[*]也知道"),
        ("建国哥打我", "[*]哥打我"),
        ("艾力走了", "[*]走了"),
        ("文化宫的文化宫", "文化宫的文化宫"),
        ("二楼活动室没人", "[*]没人"),
        ("今天吃了100片药，3点吃的", "今天吃了100片药，3点吃的"),
        ("2026年11月23日我就不在了", "2026年11月23日我就不在了"),
        ("I want to listen", "I want to listen"),
        ("suicide note", "suicide note"),
    ],
)
def test_ids_addresses_and_what_people_are_called_go_and_the_rest_stays(text: str, left: str) -> None:
    said = redact(text, names=("王乐", "欧阳建国", "买买提·艾力", "Li"), places=PLACES)
    assert said.replace(GONE + GONE, GONE) == left.replace(GONE + GONE, GONE)


def test_what_the_house_knows_of_somebody_goes_wherever_it_stands() -> None:
    said = redact("找ｗａｎｇｌｅ，电话8765，信箱 Q@A.cn", ids=("wangle", "8765", "q@a.cn"))
    assert said == "找[*]，电话[*]，信箱 [*]"


def test_two_letters_are_a_name_only_where_they_stand_alone() -> None:
    assert redact("Li hit me, I listen. li!", names=("Li",)) == "[*] hit me, I listen. [*]!"


def test_nothing_known_and_nothing_said_is_nothing() -> None:
    assert redact("") == ""
    assert redact("我很好", names=("", "·"), places=("",)) == "我很好"


@pytest.mark.parametrize(
    "text",
    [
        *("1" * 4000, "a" * 4000, "路1" * 2000, "1号楼" + " " * 4000),
        *("微信" * 2000, "a-" * 2000, "1室-" * 1000, "x@" * 2000),
    ],
)
def test_no_message_keeps_the_house_busy(text: str) -> None:
    names = tuple(f"王{chr(0x4E00 + n)}" for n in range(1000))
    redact("warm up", names=names)
    began = time.perf_counter()
    redact(text, names=names)
    assert time.perf_counter() - began < 0.5
