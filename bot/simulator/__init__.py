"""WeChat in a box: the platform as a test double and as three phones in a web page.

Imports nothing from the bot, so that the two sides check each other.
"""

from bot.simulator.api import create_box
from bot.simulator.controls import Controls, Upcoming
from bot.simulator.phone import HttpWire, LocalWire, Phone, PhoneBook
from bot.simulator.platform import Platform
from bot.simulator.state import (
    DEMO_APP_ID,
    DEMO_TEMPLATES,
    Account,
    Bubble,
    Call,
    Delivery,
    Fault,
    Limits,
    QrCode,
    RealAccountError,
    User,
)
from bot.simulator.wecom import DEMO_CORP_ID, WorkPlatform
from bot.simulator.wecom_door import WorkAccount

__all__ = [
    "DEMO_APP_ID",
    "DEMO_CORP_ID",
    "DEMO_TEMPLATES",
    "Account",
    "Bubble",
    "Call",
    "Controls",
    "Delivery",
    "Fault",
    "HttpWire",
    "Limits",
    "LocalWire",
    "Phone",
    "PhoneBook",
    "Platform",
    "QrCode",
    "RealAccountError",
    "Upcoming",
    "User",
    "WorkAccount",
    "WorkPlatform",
    "create_box",
]
