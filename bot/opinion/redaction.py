"""What leaves the house for an opinion: the words, without names, numbers, ids and places. Pure.

Names are found as they are spoken, whatever they are written in: full-width, Traditional, spaced out, in bold letters
of mathematics, with invisible characters or accents in between. What is doubtful is taken out: an opinion on too little
is worth less, and does no harm. A name that nobody registered cannot be known.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.screening.text import SQUEEZED, hanzi
from bot.simplified import simplified

GONE = "[*]"  # of marks alone: it spells no name, and brackets are not squeezed, so that nothing closes over it

_UNSEEN = frozenset(("Cf", "Cc", "Mn", "Me", "Zs", "Zl", "Zp"))
_BEFORE = "小老阿大"  # 小王, 老李, 阿珠
_AFTER = (
    "老师|社工|医生|大夫|护士|主任|站长|院长|师傅|同学|先生|女士|小姐|"
    "阿姨|叔叔|大哥|大姐|奶奶|爷爷|姐|哥|叔|姨|婶|伯|总|工|妈|爸"
)  # fmt: skip
_NUMERALS = "〇零一二三四五六七八九幺"
# In words as they are written, before anything is squeezed.
_AS_WRITTEN = tuple(
    re.compile(each, re.IGNORECASE)
    for each in (
        r"(?:https?://|www\.)[^\s\u4e00-\u9fff]{1,400}",
        r"[\w.+-]{1,64}@[\w.-]{3,255}",
        r"[\u4e00-\u9fff]{1,3}(?:路|街|道|巷|弄|村|里)\s?\d{1,5}\s?号",
        r"(?<!\d)\d{1,5}\s?(?:号楼|号院|栋|幢|单元|室|弄)[\s-]{0,2}(?:\d{1,5}(?!\d)室?)?",
        # An id of WeChat begins with a letter; without a word before it, only what cannot be a word is taken for one.
        r"(?:微信|薇信|威信|v信|weixin|wechat|wx|vx|qq|扣扣)[\s号id是为:]{0,6}[a-z0-9][a-z0-9_-]{3,19}",
        r"(?<![a-z0-9_-])(?=[a-z_-]{0,19}[0-9_])[a-z][a-z0-9_-]{5,19}(?![a-z0-9_])",
    )
)
# In words without what stands between characters: 138 0013 8000, 一三八零零…, an identity card that ends in X.
_NUMBER = re.compile(rf"[\d{_NUMERALS}]{{5,}}x?")
_LONG_NUMBER = 7


@dataclass(frozen=True, slots=True)
class Folded:
    """`plain[i]` is said by `raw[at[i]]`."""

    plain: str
    at: tuple[int, ...]


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(
        simplified(each) for each in spelt if unicodedata.category(each) not in _UNSEEN and each not in SQUEEZED
    )


def folded(text: str) -> Folded:
    """The text as it is spoken, in simplified characters, without what stands between them."""
    spoken = [(each, i) for i, char in enumerate(text) for each in _fold(char)]
    return Folded("".join(each for each, _ in spoken), tuple(i for _, i in spoken))


def redact(text: str, *, names: Iterable[str] = (), ids: Iterable[str] = (), places: Iterable[str] = ()) -> str:
    """`text` with `GONE` in the place of each of these, and of every number, address and id that can be seen."""
    spans = [found.span() for pattern in _AS_WRITTEN for found in pattern.finditer(_one_for_one(text))]
    spoken = folded(text)
    words = {folded(word).plain for word in _spellings(names, places)} | {folded(word).plain for word in ids}
    called = _any_of(sorted({word for word in words if word}, key=len, reverse=True), _surnames(names))
    for found in called.finditer(spoken.plain) if called else ():
        if not _inside_a_word(text, spoken, *found.span()):
            spans.append(_raw(spoken, *found.span()))
    for found in _NUMBER.finditer(spoken.plain):
        start, end = _raw(spoken, *found.span())
        if len(found[0]) >= _LONG_NUMBER or end - start == len(found[0]):
            spans.append((start, end))
    return _without(text, spans)


@lru_cache(maxsize=8192)
def _narrow(char: str) -> str:
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char


def _one_for_one(text: str) -> str:
    """Narrow letters and digits, each in the place where it stood."""
    return "".join(map(_narrow, text))


def _raw(spoken: Folded, start: int, end: int) -> tuple[int, int]:
    return spoken.at[start], spoken.at[end - 1] + 1


def _spellings(names: Iterable[str], places: Iterable[str]) -> Iterable[str]:
    """王小河 is also 小河, 买买提·艾力 also 艾力; a place is also each part of what it is called."""
    for name in names:
        yield name
        if len(name) in (3, 4) and all(map(hanzi, name)):
            yield name[-2:]
        yield from (part for part in re.split(r"[\s·•.・]+", name) if len(part) > 1)
    for place in places:
        yield place
        yield from (part for part in re.split(r"\W+", place) if len(part) > 2)


def _surnames(names: Iterable[str]) -> str:
    return "".join(sorted({simplified(name[0]) for name in names if 2 <= len(name) <= 4 and all(map(hanzi, name))}))


def _any_of(words: Sequence[str], surnames: str) -> re.Pattern[str] | None:
    """The longest first: nothing that is looked for is left over beside what was found."""
    patterns = list(map(re.escape, words))
    if surnames:
        patterns += [f"[{_BEFORE}][{surnames}]", f"[{surnames}](?:{_AFTER})"]
    return re.compile("|".join(patterns)) if patterns else None


def _inside_a_word(text: str, spoken: Folded, start: int, end: int) -> bool:
    """Whether this is two Latin letters or one inside of a longer word, as Li is in listen."""
    if end - start > 2 or not spoken.plain[start:end].isascii():
        return False
    first, last = _raw(spoken, start, end)
    around = text[first - 1 : first] + text[last : last + 1]
    return any(char.isalpha() and _fold(char).isascii() for char in around)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Spans that touch or overlap are one."""
    kept: list[str] = []
    here, gone = 0, False
    for start, end in sorted(spans):
        if start > here or not gone:
            kept += [text[here:start], GONE]
        here, gone = max(here, end), True
    return "".join([*kept, text[here:]])
