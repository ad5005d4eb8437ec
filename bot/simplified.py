"""Traditional characters as simplified ones, one for one: what is found can be shown in the text as it was sent.

OpenCC knows whole words as well (頭髮, 發展); for reading it is enough that both fall on one character.
"""

from functools import lru_cache

from opencc import OpenCC

_T2S = OpenCC("t2s")


@lru_cache(maxsize=16384)
def simplified(char: str) -> str:
    """One character, simplified; unchanged where there is nothing to simplify (lone surrogates as well)."""
    if char < "\u3400" or "\ud800" <= char <= "\udfff":
        return char
    folded: str = _T2S.convert(char)
    return folded if len(folded) == 1 else char
