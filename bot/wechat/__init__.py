"""WeChat's protocol: signed and encrypted callbacks in, API calls out, both typed."""

from bot.wechat.client import OAuthIdentity, QrCode, UserInfo, WeChatClient
from bot.wechat.crypto import Cipher, Refused
from bot.wechat.errors import ERRCODES, MalformedMessage, classify
from bot.wechat.inbound import (
    AccountNotice,
    AuthorizationRevoked,
    Clicked,
    Followed,
    Inbound,
    OtherEvent,
    PopupAnswer,
    Received,
    Scanned,
    SentResult,
    SubscriptionChange,
    SubscriptionPopup,
    SubscriptionSent,
    TemplateReceipt,
    Text,
    Unfollowed,
    Unreadable,
    Viewed,
    parse,
)
from bot.wechat.logs import ScrubToken, silence_http_logs
from bot.wechat.menu_api import AccountTemplate, MenuApi
from bot.wechat.replies import LONGEST_TEXT, text_reply
from bot.wechat.token import AccessToken, MemoryTokenStore, TokenStore

__all__ = [
    "ERRCODES",
    "LONGEST_TEXT",
    "AccessToken",
    "AccountNotice",
    "AccountTemplate",
    "AuthorizationRevoked",
    "Cipher",
    "Clicked",
    "Followed",
    "Inbound",
    "MalformedMessage",
    "MemoryTokenStore",
    "MenuApi",
    "OAuthIdentity",
    "OtherEvent",
    "PopupAnswer",
    "QrCode",
    "Received",
    "Refused",
    "Scanned",
    "ScrubToken",
    "SentResult",
    "SubscriptionChange",
    "SubscriptionPopup",
    "SubscriptionSent",
    "TemplateReceipt",
    "Text",
    "TokenStore",
    "Unfollowed",
    "Unreadable",
    "UserInfo",
    "Viewed",
    "WeChatClient",
    "classify",
    "parse",
    "silence_http_logs",
    "text_reply",
]
