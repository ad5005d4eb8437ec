"""One call to a gateway, and the exception that its answer stands for.

The gateways speak in words for codes, and in sentences that may quote a number: of an answer only the code
gets into an exception, and only if it looks like one.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx

from bot.exchange import Answer, no_answer
from bot.outside import (
    ChannelClosed,
    OutcomeUnknown,
    OutsideError,
    QuotaUsedUp,
    TryLater,
    UnknownError,
)
from bot.wechat.errors import next_midnight
from bot.wechat.logs import silence_http_logs

# Seconds, for each of connecting, writing, reading.
TIMEOUT = 8.0
PAUSE = timedelta(seconds=60)

# By code, or by what stands before its first dot; an exact entry wins.
Table = Mapping[str, tuple[type[OutsideError], str]]

# No digit: whatever else stands in the place of a code, it is no phone number.
_CODE = re.compile(r"[A-Za-z][A-Za-z_.]{0,79}")


async def exchange(
    http: httpx.AsyncClient, api: str, url: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, Answer]:
    """POST once; the HTTP status and the JSON object of the answer, whatever they say."""
    silence_http_logs()
    failure: OutsideError
    try:
        response = await http.post(url, headers=dict(headers), content=body, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        failure = no_answer(error, api)
    else:
        return response.status_code, _object(response, api)
    # Outside of the handlers: httpx's exception holds the request, and so the number.
    raise failure


def refusal(table: Table, code: str, api: str, status: int, now: datetime) -> OutsideError:
    """The exception for the gateway's word `code`, not raised."""
    word = code if _CODE.fullmatch(code) else ""
    known = table.get(word) or table.get(word.partition(".")[0])
    if known is None and status >= 500:
        return OutcomeUnknown(None, api, f"HTTP {status}", code=word)
    kind, advice = known or (UnknownError, "没有见过的错误码")
    if kind is TryLater:
        return TryLater(None, api, advice, retry_after=PAUSE, code=word)
    if kind is QuotaUsedUp:
        return QuotaUsedUp(None, api, advice, until=next_midnight(now), code=word)
    if kind is ChannelClosed:
        return ChannelClosed(None, api, advice, reason="count", code=word)
    return kind(None, api, advice, code=word)


def unreadable(api: str, status: int) -> OutsideError:
    """The exception for an answer that is not the gateway's, not raised."""
    if status == httpx.codes.OK or status >= 500:
        return OutcomeUnknown(None, api, f"HTTP {status} without an answer of the gateway's")
    return UnknownError(None, api, f"HTTP {status}: is the base address right?")


def _object(response: httpx.Response, api: str) -> Answer:
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise unreadable(api, response.status_code)
    return answer
