"""The fields of a template message or a subscription notice: what the platform will take, decided before the call.

Each type of field has rules of its own, and a card with one field that breaks them is refused as a whole (47003).
What can be mended without another meaning is mended. What can not be is a `Fault`: the card never leaves, and
the field has a name. Source: 模板消息/订阅通知 › 参数值限制说明.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from enum import Enum
from functools import lru_cache
from itertools import chain

from bot.outside import ContentRefused


class Fault(Enum):
    """Why a value can not stand in its field."""

    EMPTY = "nothing is left to write there"
    TOO_LONG = "too long, and shorter it would be something else"
    HANZI_ONLY = "takes Chinese characters only"
    ASCII_ONLY = "takes ASCII letters, digits and signs only"
    LETTERS_ONLY = "takes the letters A to Z only"
    SIGNS_ONLY = "takes signs only"
    NO_NAME = "takes a Chinese name, or one in Latin letters"
    NO_TIME = "takes a time such as 2026年11月21日 15:01 or 15:01, or two of them"
    NO_DATE = "takes a date such as 2026年11月21日, or two of them"
    NO_NUMBER = "takes a number only"
    NO_AMOUNT = "takes an amount of money only"
    NO_PHONE = "takes a phone number only"
    NO_CAR = "takes the number of a car only"


Fit = str | Fault
ELLIPSIS = "…"
HANZI = r"\u4e00-\u9fff"

# Pictures. A keycap (1️⃣) keeps its digit: without the marks that make it a picture it is one.
_EMOJI = (
    (0x1F000, 0x1FBFF), (0x2600, 0x27BF), (0x231A, 0x231B), (0x23E9, 0x23F3), (0x23F8, 0x23FA), (0x25FD, 0x25FE),
    (0x2B1B, 0x2B1C), (0x2B50, 0x2B50), (0x2B55, 0x2B55), (0x20E3, 0x20E3), (0xFE00, 0xFE0F), (0xE0000, 0xE0FFF),
)  # fmt: skip
_PICTURE = re.compile("[^\\w#*]\ufe0f")  # a sign that is shown as a picture: ™️, ㊗️
_UNSEEN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _EMOJI)}]")
_NOT_TEXT = frozenset(("Cc", "Cf", "Cs", "Co"))

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DAY = r"(\d{4})(?:年|-|/|\.)(\d{1,2})(?:月|-|/|\.)(\d{1,2})日?"
_CLOCK = r"(\d{1,2}):(\d{2})(?::\d{2})?"
_MOMENT = re.compile(rf"(?:{_DAY})? ?(?:{_CLOCK})?", re.ASCII)
_UNTIL = re.compile(r" ?(?:~|〜|—+|–|至|到|(?<=[日:\d])-(?=\d+[:年])) ?")


def fill(api: str, keywords: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The data of a card by an account's own names for its fields: {"title": "thing1"} and {"title": "书法"}.

    `api` is the call that would carry it. ContentRefused names the first field that cannot be mended.
    """
    data: dict[str, str] = {}
    for meaning, keyword in keywords.items():
        value = fit(keyword, values[meaning])
        if isinstance(value, Fault):
            raise ContentRefused(None, api, f"{keyword} {value.value}", field=keyword)
        data[keyword] = value
    return data


@lru_cache(maxsize=4096)
def fit(keyword: str, value: str) -> Fit:
    """`value` as field `keyword` (`thing1`, `time2`) takes it, or why it never will."""
    plain = _plain(value)
    return _TYPES.get(keyword.rstrip("0123456789"), _thing)(plain) if plain else Fault.EMPTY


def _plain(value: str) -> str:
    """One line, no pictures, nothing that nobody sees."""
    line = _UNSEEN.sub("", _PICTURE.sub("", " ".join(value.split())))
    text = "".join(char for char in line if unicodedata.category(char) not in _NOT_TEXT)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _units(text: str) -> int:
    """How long the platform may find a text: rare characters count as two there (UTF-16)."""
    return len(text) + sum(char > "\uffff" for char in text)


def _clusters(text: str) -> Iterator[str]:
    """The text in pieces that belong together: a character and the marks that stand on it."""
    piece = ""
    for char in text:
        if piece and not unicodedata.category(char).startswith("M"):
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def _cut(text: str, longest: int) -> Fit:
    if _units(text) <= longest:
        return text
    kept = ""
    for piece in _clusters(text):
        if _units(kept + piece) > longest - 1:
            break
        kept += piece
    return f"{kept.rstrip()}{ELLIPSIS}" if kept.strip() else Fault.TOO_LONG


def _thing(text: str) -> Fit:
    return _cut(text, 20)


def _short_thing(text: str) -> Fit:
    return _cut(text, 5)


def _const(text: str) -> Fit:
    """One of a list that the account holds: shortened, it would be none of them."""
    return text if _units(text) <= 20 else Fault.TOO_LONG


def _ascii(text: str) -> str:
    return " ".join(text.translate(_FULL_WIDTH).split())


def _only(pattern: str, otherwise: Fault, longest: int, *, without: str = "") -> Callable[[str], Fit]:
    """A field that takes what matches `pattern`; characters of the class `without` are left out of a value."""
    allowed = re.compile(pattern, re.ASCII)

    def take(text: str) -> Fit:
        plain = _ascii(text)
        plain = re.sub(without, "", plain) if without else plain
        if not plain:
            return Fault.EMPTY
        if not allowed.fullmatch(plain):
            return otherwise
        return plain if len(plain) <= longest else Fault.TOO_LONG

    return take


def _phrase(text: str) -> Fit:
    """Hanzi alone; the marks between them go."""
    words = "".join(char for char in text if unicodedata.category(char)[0] not in "PSZ")
    if not words:
        return Fault.EMPTY
    if not re.fullmatch(f"[{HANZI}]+", words):
        return Fault.HANZI_ONLY
    return words if len(words) <= 5 else Fault.TOO_LONG


def _symbol(text: str) -> Fit:
    signs = text.replace(" ", "")
    if any(unicodedata.category(char)[0] not in "PS" for char in signs):
        return Fault.SIGNS_ONLY
    return signs if len(signs) <= 5 else Fault.TOO_LONG


def _name(text: str) -> Fit:
    """Ten hanzi, or twenty Latin letters; a name in both is no name to every checker alike."""
    text = text.replace("•", "·").replace("・", "·")
    latin = _ascii(text)
    if re.fullmatch(r"[A-Za-z .'\-]*[A-Za-z][A-Za-z .'\-]*", latin):
        return latin if len(latin) <= 20 else Fault.TOO_LONG
    hanzi = text.replace(" ", "")
    if not re.fullmatch(f"[{HANZI}·]*[{HANZI}][{HANZI}·]*", hanzi):
        return Fault.NO_NAME
    return hanzi if len(hanzi) <= 10 else Fault.TOO_LONG


def _moments(text: str, *, day: bool, clock: bool, otherwise: Fault) -> Fit:
    """One moment or two with `~` between them; `day` and `clock` say which parts each must have."""
    parts = _UNTIL.split(_ascii(text))
    if len(parts) > 2:
        return otherwise
    written = [_moment(part, day=day, clock=clock) for part in parts]
    return "~".join(part for part in written if part) if all(written) else otherwise


def _moment(text: str, *, day: bool, clock: bool) -> str | None:
    found = _MOMENT.fullmatch(text)
    if not text or found is None:
        return None
    year, month, dom, hour, minute = found.groups()
    if (day and year is None) or (clock and hour is None):
        return None
    try:
        on = date(int(year), int(month), int(dom)) if year else None
        at = time(int(hour), int(minute)) if hour else None
    except ValueError:
        return None
    words = [f"{on.year:04d}年{on.month}月{on.day}日"] if on else []
    return " ".join(chain(words, [f"{at:%H:%M}"] if at else []))


def _time(text: str) -> Fit:
    return _moments(text, day=False, clock=True, otherwise=Fault.NO_TIME)


def _date(text: str) -> Fit:
    return _moments(text, day=True, clock=False, otherwise=Fault.NO_DATE)


def _amount(text: str) -> Fit:
    plain = _ascii(text.replace("￥", "¥")).replace(" ", "").replace(",", "")
    return plain if re.fullmatch(r"[¥$]?[0-9]{1,10}(\.[0-9]{1,2})?元?", plain) else Fault.NO_AMOUNT


def _car_number(text: str) -> Fit:
    plain = re.sub(r"[ ·•・.\-]", "", _ascii(text)).upper()
    return plain if re.fullmatch(f"[{HANZI}A-Z0-9][A-Z0-9]{{0,6}}[{HANZI}A-Z0-9]", plain) else Fault.NO_CAR


_TYPES: dict[str, Callable[[str], Fit]] = {
    "thing": _thing,
    "short_thing": _short_thing,
    "const": _const,
    "enum": _const,
    "phrase": _phrase,
    "name": _name,
    "time": _time,
    "date": _date,
    "amount": _amount,
    "car_number": _car_number,
    "symbol": _symbol,
    "character_string": _only(r"[\x20-\x7e]+", Fault.ASCII_ONLY, 32),
    "letter": _only(r"[A-Za-z]+", Fault.LETTERS_ONLY, 32, without=r" "),
    "number": _only(r"-?[0-9]+(\.[0-9]+)?", Fault.NO_NUMBER, 32, without=r"[ ,]"),
    "phone_number": _only(r"\+?[0-9][0-9\-]*[0-9]", Fault.NO_PHONE, 17, without=r"[ ()]"),
}
