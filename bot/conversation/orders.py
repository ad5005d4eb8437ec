"""What staff write to get something done: a verb, a code, a name. Pure; the router knows who is staff."""

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.conversation import grammar


class StaffVerb(StrEnum):
    TAKE = "take"
    TRANSFER = "transfer"
    ASSIST = "assist"
    RESULT = "result"
    INVITE = "invite"
    CHECK_IN = "check_in"
    BUSY = "busy"
    CONTACTED = "contacted"
    DOOR_CODE = "door_code"
    LIST = "list"
    DONE = "done"
    TASKS = "tasks"
    FOLLOWED_UP = "followed_up"


@dataclass(frozen=True, slots=True)
class StaffCommand:
    verb: StaffVerb
    code: str | None = None  # "A-0312", however it was typed
    rest: str = ""  # a name, or the number of an outcome


_STAFF = {
    "接": StaffVerb.TAKE,
    "接手": StaffVerb.TAKE,
    "接了": StaffVerb.TAKE,
    "好的接": StaffVerb.TAKE,
    "街": StaffVerb.TAKE,
    "我接": StaffVerb.TAKE,
    "我来接": StaffVerb.TAKE,
    "转": StaffVerb.TRANSFER,
    "转给": StaffVerb.TRANSFER,
    "协助": StaffVerb.ASSIST,
    "结果": StaffVerb.RESULT,
    "结束": StaffVerb.RESULT,
    "邀请": StaffVerb.INVITE,
    "签到": StaffVerb.CHECK_IN,
    "忙": StaffVerb.BUSY,
    "已联系": StaffVerb.CONTACTED,
    "联系上了": StaffVerb.CONTACTED,
    "签到码": StaffVerb.DOOR_CODE,
    "名单": StaffVerb.LIST,
    "办好": StaffVerb.DONE,
    "办好了": StaffVerb.DONE,
    "回访": StaffVerb.FOLLOWED_UP,
    "回访了": StaffVerb.FOLLOWED_UP,
    "待办": StaffVerb.TASKS,
    "我的待办": StaffVerb.TASKS,
}
WITHOUT_NAME = (
    StaffVerb.BUSY,
    StaffVerb.TAKE,
    StaffVerb.RESULT,
    StaffVerb.CONTACTED,
    StaffVerb.DOOR_CODE,
    StaffVerb.LIST,
    StaffVerb.DONE,
    StaffVerb.TASKS,
    StaffVerb.FOLLOWED_UP,
)
# 接电话, 转发, 接人 are everyday words and no commands.
_STAFF_LINE = re.compile(rf"({'|'.join(sorted(_STAFF, key=len, reverse=True))})(?![电送人发账钱])(.*)")
_CODE = re.compile(r"(?<![a-z])([a-z])[ -]?([0-9]{4})(?![0-9])")
_NAME = re.compile(r"[\w ·]{0,20}")


def staff_command(text: str) -> StaffCommand | None:
    """`接 A-0312`, `转 李红`, `结果 A0312 1`, with the code anywhere. Only staff are asked: the caller knows."""
    plain = grammar.POLITE_END.sub("", grammar.hyphened(text))
    coded = _CODE.search(plain)
    code = f"{coded[1].upper()}-{coded[2]}" if coded else None
    words = f"{plain[: coded.start()]} {plain[coded.end() :]}" if coded else plain
    found = _STAFF_LINE.fullmatch(grammar.normalise(words)) if words.strip() else None
    if not found:
        return None
    verb, rest = _STAFF[found[1]], found[2].strip(",:。. ")
    if not _NAME.fullmatch(rest):
        return None
    # These take no name; with more words they are talk: "忙死了", "接孩子", "结果出来了".
    if verb in WITHOUT_NAME and not (rest == "" or rest.isdecimal()):
        return None
    return StaffCommand(verb, code, rest)
