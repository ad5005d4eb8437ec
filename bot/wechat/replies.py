"""Passive replies: what the answer to a callback says to the person (被动回复用户消息)."""

from datetime import datetime

from bot.wechat.inbound import Inbound
from bot.wechat.markup import cdata, fit

LONGEST_TEXT = 2048


def text_reply(message: Inbound, content: str, now: datetime) -> str:
    """The XML that answers `message` with text; to be sealed, then sent within 5 seconds.

    WeChat takes 2048 bytes of UTF-8: what is longer is cut, so say the important first. Characters that
    XML forbids are left out.
    """
    return (
        f"<xml><ToUserName>{cdata(message.openid)}</ToUserName>"
        f"<FromUserName>{cdata(message.account)}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime>"
        "<MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{cdata(fit(content, LONGEST_TEXT))}</Content></xml>"
    )
