"""WeCom's protocol (企业微信): cards and texts to staff, posts to a group, and the press of a button."""

from bot.wecom.client import WeComClient, WorkCard
from bot.wecom.door import WorkDoor
from bot.wecom.errors import ERRCODES, SAME_AS_WECHAT, classify
from bot.wecom.inbound import ButtonPressed, WorkInbound, WorkOther, WorkReceived, WorkText, parse
from bot.wecom.robot import GroupRobot

__all__ = [
    "ERRCODES",
    "SAME_AS_WECHAT",
    "ButtonPressed",
    "GroupRobot",
    "WeComClient",
    "WorkCard",
    "WorkDoor",
    "WorkInbound",
    "WorkOther",
    "WorkReceived",
    "WorkText",
    "classify",
    "parse",
]
