"""Text messages by a gateway in mainland China: off until one is chosen, neutral words only."""

from bot.sms.gateway import SmsGateway, sms_gateway
from bot.sms.recorded import RecordedSms, SentSms

__all__ = ["RecordedSms", "SentSms", "SmsGateway", "sms_gateway"]
