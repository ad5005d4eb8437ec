"""In which of the corpus's languages a message is written: a guess, by its characters."""

import re

from bot.screening.text import hanzi
from bot.simplified import simplified

# Small words that Cantonese alone writes so.
_CANTONESE = frozenset("唔冇喺嘅咗哋嚟嗰啲佢攰瞓俾嘢乜噉咁睇嘥𠮶")
_LATIN = re.compile(r"[a-z]+")
_SYLLABLES = re.compile(
    r"(?:(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|"
    r"ia|ie|iu|ua|uo|ui|ue|er|[aeiouv]))+"
)
_ENGLISH = frozenset(
    ("i", "a", "the", "to", "my", "is", "it", "he", "she", "you", "we", "in", "on", "at", "and", "am", "are", "not",
     "no", "do", "so", "of", "one", "die", "him", "her", "but", "me")
)  # fmt: skip


def guess_language(text: str) -> str:
    """`zh-Hans`, `zh-Hant`, `yue`, `en`, `mixed` or `pinyin`."""
    chars = [char for char in text if hanzi(char)]
    words = _LATIN.findall(text.lower())
    if not chars:
        return _of_letters(words) if words else "zh-Hans"
    if _CANTONESE.intersection(chars):
        return "yue"
    if any(len(word) > 2 for word in words):
        return "mixed"
    return "zh-Hant" if any(simplified(char) != char for char in chars) else "zh-Hans"


def _of_letters(words: list[str]) -> str:
    if _ENGLISH.intersection(words):
        plain = sum(word in _ENGLISH or not _SYLLABLES.fullmatch(word) for word in words)
        return "en" if plain * 3 >= len(words) else "pinyin"
    return "pinyin" if all(_SYLLABLES.fullmatch(word) for word in words) else "en"
