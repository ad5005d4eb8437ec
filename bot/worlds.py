"""The outside worlds: WeChat, WeCom, an SMS gateway, a mail server. Tests and the demo hand in others."""

import ssl
from dataclasses import dataclass
from urllib.request import getproxies

import httpx
from aiohttp import ClientSession, TCPConnector
from httpx_aiohttp import AiohttpTransport

from app.clock import Clock
from app.settings import Settings
from bot.mail.post import Post, mail_post
from bot.sms.gateway import SmsGateway, sms_gateway


@dataclass
class Worlds:
    """`sms` and `post` are None where they are not set up; WeCom is used only where it is."""

    wechat: httpx.AsyncClient
    wecom: httpx.AsyncClient
    plain: httpx.AsyncClient
    sms: SmsGateway | None = None
    post: Post | None = None

    @classmethod
    def real(cls, settings: Settings, clock: Clock) -> "Worlds":
        plain = httpx.AsyncClient()
        return cls(
            wechat=for_many_senders(settings.wechat_api_base),
            wecom=httpx.AsyncClient(base_url=settings.wecom_api_base),
            plain=plain,
            sms=sms_gateway(settings, plain, clock),
            post=mail_post(settings, clock),
        )

    async def close(self) -> None:
        for client in {id(c): c for c in (self.wechat, self.wecom, self.plain)}.values():
            await client.aclose()


def for_many_senders(base_url: str) -> httpx.AsyncClient:
    """A client on which 200 senders do not stand in each other's way.

    httpx's own pool is walked through for every request, which at 50 senders costs more than the call itself.
    Behind a proxy of the environment, which this transport does not read, the ordinary one is used.
    """
    if getproxies():
        return httpx.AsyncClient(base_url=base_url)
    trusted = ssl.create_default_context()

    def session() -> ClientSession:
        return ClientSession(connector=TCPConnector(limit=0, ssl=trusted))

    return httpx.AsyncClient(base_url=base_url, transport=AiohttpTransport(client=session))
