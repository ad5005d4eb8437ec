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
    UNDO_CHECK_IN = "undo_check_in"
    BUSY = "busy"
    CONTACTED = "contacted"
    DOOR_CODE = "door_code"
    LIST = "list"
    DONE = "done"
    TASKS = "tasks"
    FOLLOWED_UP = "followed_up"
    ROTA = "rota"
    NOT_ON = "not_on"
    SWAP = "swap"
    UNSWAP = "unswap"
    HAND_OVER = "hand_over"
    LEVEL = "level"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class StaffCommand:
    verb: StaffVerb
    code: str | None = None  # "A-0312", however it was typed
    # A name, perhaps with a day and hours; the number of an outcome; how urgent; what somebody wrote, as it is.
    rest: str = ""


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
    "改签到": StaffVerb.UNDO_CHECK_IN,
    "取消签到": StaffVerb.UNDO_CHECK_IN,
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
    "值班": StaffVerb.ROTA,
    "值班表": StaffVerb.ROTA,
    "不值班": StaffVerb.NOT_ON,
    "换班": StaffVerb.SWAP,
    "取消换班": StaffVerb.UNSWAP,
    "不换班": StaffVerb.UNSWAP,
    "交班": StaffVerb.HAND_OVER,
    "级别": StaffVerb.LEVEL,
}
URGENCIES = {
    "红": "red", "红色": "red", "橙": "orange", "橙色": "orange", "黄": "yellow", "黄色": "yellow", "没事": "none",
}  # fmt: skip
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
    StaffVerb.UNSWAP,
    StaffVerb.HAND_OVER,
)
WITH_A_DAY = (StaffVerb.ROTA, StaffVerb.NOT_ON, StaffVerb.SWAP)
# 接电话, 转发, 接人 are everyday words and no commands.
_STAFF_LINE = re.compile(rf"({'|'.join(sorted(_STAFF, key=len, reverse=True))})(?![电送人发账钱])(.*)")
_CODE = re.compile(r"(?<![a-z])([a-z])[ -]?([0-9]{4})(?![0-9])")
_NAME = re.compile(r"[\w ·]{0,20}")
_MISSED = re.compile(r"\s*+漏报(?:[\s:：,，、]++(.*+))?", re.DOTALL)
_HOW_URGENT = re.compile(r"([红橙黄])色?[\s:：,，、]++(.*+)", re.DOTALL)
_NAME_AND_DAY = re.compile(r"[\w ·:/~,、-]{0,40}")


def staff_command(text: str) -> StaffCommand | None:
    """`接 A-0312`, `转 李红`, `结果 A0312 1`, with the code anywhere. Only staff are asked: the caller knows."""
    if missed := _MISSED.fullmatch(text):
        return StaffCommand(StaffVerb.MISSED, rest=(missed[1] or "").strip())
    plain = grammar.POLITE_END.sub("", grammar.hyphened(text))
    coded = _CODE.search(plain)
    code = f"{coded[1].upper()}-{coded[2]}" if coded else None
    words = f"{plain[: coded.start()]} {plain[coded.end() :]}" if coded else plain
    found = _STAFF_LINE.fullmatch(grammar.normalise(words)) if words.strip() else None
    if not found:
        return None
    verb, rest = _STAFF[found[1]], found[2].strip(",:。. ")
    if not (_NAME_AND_DAY if verb in WITH_A_DAY else _NAME).fullmatch(rest):
        return None
    # These take no name; with more words they are talk: "忙死了", "接孩子", "结果出来了".
    if verb in WITHOUT_NAME and not (rest == "" or rest.isdecimal()):
        return None
    if verb is StaffVerb.LEVEL and not (code or rest == "" or rest in URGENCIES):
        return None
    return StaffCommand(verb, code, rest)


def how_urgent(words: str) -> tuple[str | None, str]:
    """`红 活着真累`: how urgent somebody says it was ("red"; None: they do not say), and what was written."""
    found = _HOW_URGENT.fullmatch(words)
    return (URGENCIES[found[1]], found[2].strip()) if found and found[2].strip() else (None, words)
