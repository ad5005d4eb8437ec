"""A gateway that sends nothing and remembers everything: for the simulator and for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.outside import OutsideError
from bot.sms.numbers import mobile


@dataclass(frozen=True, slots=True)
class SentSms:
    """`phone` as it would have been dialled; `serial` is what `send` gave back."""

    phone: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    reference: str
    serial: str


class RecordedSms:
    """`on_sent` hears of each message; each of `failures` refuses one message, the first first."""

    name = "recorded"

    def __init__(self, on_sent: Callable[[SentSms], None] | None = None) -> None:
        self.sent: list[SentSms] = []
        self.failures: list[OutsideError] = []
        self._on_sent = on_sent

    async def send(self, phone: str, fields: Mapping[str, str], *, reference: str) -> str:
        """Keep the message; refuses the numbers that the real gateways refuse."""
        number = mobile(phone, "recorded/SendSms")
        if self.failures:
            raise self.failures.pop(0)
        message = SentSms(number, dict(fields), reference, f"recorded-{len(self.sent) + 1}")
        self.sent.append(message)
        if self._on_sent is not None:
            self._on_sent(message)
        return message.serial
