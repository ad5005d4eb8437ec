"""Which phone numbers a text message can go to, and how they are written."""

import re

from bot.outside import PersonUnreachable

_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[0-9]{10})")
_ABROAD = re.compile(r"\+(?!86)[1-9][0-9]{6,14}")
# Between the digits people write spaces, dashes, brackets and dots, narrow or wide.
_FILLING = re.compile(r"[\s\-‐-―－().（）·]")


def mobile(phone: str, api: str) -> str:
    """`phone` as 11 digits (mainland China) or as `+` and digits (anywhere else).

    PersonUnreachable for a landline, a number that lacks its country, and anything that is no number.
    """
    plain = _FILLING.sub("", phone).replace("＋", "+")
    if mainland := _MAINLAND.fullmatch(plain):
        return mainland[1]
    if _ABROAD.fullmatch(plain):
        return plain
    raise PersonUnreachable(None, api, "不是能收短信的手机号", code="number")
