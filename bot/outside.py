"""What can go wrong with a call to the outside world, as exceptions that know what has to follow.

    OutsideError            a call that did not do what was asked
    ├── TryLater            retry_after
    ├── TokenRefused        after one renewal: alarm
    ├── ChannelClosed       reason: next rung of the ladder
    ├── PersonUnreachable   a task for staff
    ├── ContentRefused      field: never sent again as it is
    ├── QuotaUsedUp         until
    ├── Misconfigured       detail: alarm to operators, the channel rests
    ├── UserMustRetry       the OAuth code is used or expired
    ├── UnknownError        counts as not delivered; no blind retry; alarm
    ├── OutcomeUnknown      the request may have been carried out
    └── NotSent             it surely was not

WeChat, WeCom, the SMS gateways and the mail server all speak these, so that the deliverer decides by class.
What the other side says in words never gets into an exception: it can hold openids, numbers, addresses.
"""

# ruff: noqa: N818 - the names say what happened, as httpx's do

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

Reason = Literal["window", "count", "consent", "banned", "template"]


class ErrorClass(StrEnum):
    RETRY = "retry"
    TOKEN = "token"  # noqa: S105 - a class of errors
    SWITCH_CHANNEL = "switch_channel"
    UNREACHABLE = "unreachable"
    FIX_CONTENT = "fix_content"
    QUOTA = "quota"
    CONFIGURATION = "configuration"
    USER = "user"
    UNKNOWN = "unknown"


class OutsideError(Exception):
    """A call that did not do what was asked.

    `errcode` is None when no answer was understood, or the other side has words for codes (`code`); `api` is
    the path without parameters; `advice` is a short sentence for operators. `alarms`: whoever runs the
    program must hear of it.
    """

    error_class = ErrorClass.UNKNOWN
    alarms = False

    def __init__(self, errcode: int | None, api: str, advice: str = "", *, code: str = "") -> None:
        self.errcode = errcode
        self.api = api
        self.advice = advice
        self.code = code or ("" if errcode is None else str(errcode))
        super().__init__(errcode, api, advice)

    def __str__(self) -> str:
        return f"{self.api} {self.code}: {self.advice}" if self.code else f"{self.api}: {self.advice}"


class TryLater(OutsideError):
    error_class = ErrorClass.RETRY

    def __init__(
        self, errcode: int | None, api: str, advice: str = "", *, retry_after: timedelta, code: str = ""
    ) -> None:
        super().__init__(errcode, api, advice, code=code)
        self.retry_after = retry_after


class TokenRefused(OutsideError):
    error_class = ErrorClass.TOKEN
    alarms = True


class ChannelClosed(OutsideError):
    """This channel does not reach this person now; `reason` says which ledger to correct."""

    error_class = ErrorClass.SWITCH_CHANNEL

    def __init__(self, errcode: int | None, api: str, advice: str = "", *, reason: Reason, code: str = "") -> None:
        super().__init__(errcode, api, advice, code=code)
        self.reason = reason
        self.alarms = reason in ("banned", "template")


class PersonUnreachable(OutsideError):
    error_class = ErrorClass.UNREACHABLE


class ContentRefused(OutsideError):
    """`field` is the template field that WeChat names, if it names one."""

    error_class = ErrorClass.FIX_CONTENT
    alarms = True

    def __init__(
        self, errcode: int | None, api: str, advice: str = "", *, field: str | None = None, code: str = ""
    ) -> None:
        super().__init__(errcode, api, advice, code=code)
        self.field = field


class QuotaUsedUp(OutsideError):
    """This API is closed `until` the next midnight in Beijing (UTC moment)."""

    error_class = ErrorClass.QUOTA
    alarms = True

    def __init__(self, errcode: int | None, api: str, advice: str = "", *, until: datetime, code: str = "") -> None:
        super().__init__(errcode, api, advice, code=code)
        self.until = until


class Misconfigured(OutsideError):
    """`detail` is the IP address that WeChat wants on its whitelist, if it names one."""

    error_class = ErrorClass.CONFIGURATION
    alarms = True

    def __init__(
        self, errcode: int | None, api: str, advice: str = "", *, detail: str | None = None, code: str = ""
    ) -> None:
        super().__init__(errcode, api, advice, code=code)
        self.detail = detail


class UserMustRetry(OutsideError):
    error_class = ErrorClass.USER


class UnknownError(OutsideError):
    error_class = ErrorClass.UNKNOWN
    alarms = True


class OutcomeUnknown(OutsideError):
    """The request left, no answer came back: it may have been carried out.

    Repeat a template with the same `client_msg_id` inside 10 minutes, anything else only if a second
    copy is harmless.
    """

    error_class = ErrorClass.UNKNOWN


class NotSent(OutsideError):
    """No connection: it is certain that WeChat never saw the request."""

    error_class = ErrorClass.RETRY
