"""In which language somebody wrote, where that can be told for sure: their answer in danger is in it as well.

Two character sets know the two scripts: GB 2312 has no traditional character, Big5 no simplified one. What stands
in both says nothing, and neither do a number, a face or three letters: then it is the language of the programme.
"""

import re
from functools import lru_cache

SIMPLIFIED, TRADITIONAL, ENGLISH = "zh-Hans", "zh-Hant", "en"

_HANZI = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
# Written in Cantonese only; whoever writes them beside simplified characters reads those.
_CANTONESE = frozenset("嘅咗唔喺冇啲嚟佢哋噉咁嘢睇攰諗乜嗰咩嘥瞓佬嬲")
# Not in GB 2312, and still written in simplified texts: in names, and by those who choose them.
_IN_BOTH = frozenset("妳喆堃")
# Common words that are no syllable of pinyin: `wo bu xiang huo le` is not English, and neither is `ok`.
_WORDS = frozenset(
    word
    for words in (
        "i i'm im i've ive my myself the to is it it's isn't of and this that want wanna don't dont can't cant cannot",
        "not no never feel feeling feels help life live living alive dead dying kill hurt end ending anymore going",
        "with what need just like have know everything nothing nobody someone tonight tomorrow today goodbye tired",
        "alone safe",
    )
    for word in words.split()
)
ENOUGH = 2  # words that say it is English


def language_of(text: str, default: str) -> str:
    """`zh-Hans`, `zh-Hant` or `en` where `text` shows it; otherwise `default`. Stateless; any string will do."""
    hanzi = _HANZI.findall(text)
    if not hanzi:
        words = re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("\u2019", "'"))
        return ENGLISH if sum(word in _WORDS for word in words) >= ENOUGH else default
    scripts = {_script(char) for char in hanzi}
    if SIMPLIFIED in scripts:
        return SIMPLIFIED
    if TRADITIONAL in scripts:
        return TRADITIONAL
    return default if default.startswith("zh") else SIMPLIFIED


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The script to which a character belongs; "" where it belongs to both, or to none."""
    if char in _IN_BOTH:
        return ""
    if char in _CANTONESE:
        return TRADITIONAL
    simplified, traditional = _has("gb2312", char), _has("big5", char)
    if simplified == traditional:
        return ""
    return SIMPLIFIED if simplified else TRADITIONAL


def _has(charset: str, char: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
