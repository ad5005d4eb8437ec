"""What the ladder knows of text messages: one template, one number, one serial number."""

from collections.abc import Mapping
from typing import Protocol

import httpx

from app.clock import Clock
from app.settings import Settings
from bot.sms.aliyun import AliyunSms
from bot.sms.tencent import TencentSms


class SmsGateway(Protocol):
    name: str

    async def send(self, phone: str, fields: Mapping[str, str], *, reference: str) -> str:
        """One message by the configured template to one number; the gateway's serial number.

        `fields` are "code" and "time", as in the template. `reference` comes back in the gateway's receipts and
        shows in its console; neither gateway leaves out a message because it has seen the reference before, so
        a repetition is a second message. Raises OutsideError; PersonUnreachable before any call if `phone` is
        no number that a text message can go to.
        """
        ...


def sms_gateway(settings: Settings, http: httpx.AsyncClient, clock: Clock) -> SmsGateway | None:
    """The gateway that was chosen; None if text messages are off."""
    key, secret = settings.sms_key_id, settings.sms_key_secret.get_secret_value()
    sign, template, base = settings.sms_sign, settings.sms_template_duty, settings.sms_api_base
    match settings.sms_gateway:
        case "aliyun":
            return AliyunSms(http, clock, key_id=key, key_secret=secret, sign=sign, template=template, base=base)
        case "tencent":
            return TencentSms(
                http, clock, key_id=key, key_secret=secret, sign=sign, template=template, base=base,
                app_id=settings.sms_app_id, region=settings.sms_region,
            )  # fmt: skip
        case "":
            return None
