"""One question to an endpoint that speaks OpenAI's `POST {base}/chat/completions`. Within a time, and a size.

It holds the key and people's words: what goes wrong ends here, as errors that hold neither.
"""

import asyncio
import json
from datetime import timedelta

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError

from bot.exchange import no_answer
from bot.opinion.answer import Finding, Unusable, question, read_answer
from bot.outside import Misconfigured, OutcomeUnknown, OutsideError, TryLater, UnknownError
from bot.wechat.logs import silence_http_logs

API = "chat/completions"
LONGEST_ANSWER = 400  # tokens
BIGGEST = 64 * 1024  # bytes
SOON, NOT_FOR_LONG = timedelta(minutes=1), timedelta(minutes=10)
REFUSED_WORDS = (400, 413, 422)  # also how those who filter what they are asked say that they will not read this


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Envelope(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class Endpoint:
    """`timeout`: seconds for all of it, from connecting to the last byte."""

    def __init__(self, http: httpx.AsyncClient, url: str, model: str, key: SecretStr, timeout: float) -> None:
        silence_http_logs()
        self._http, self._key, self._timeout = http, key, timeout
        self._url = f"{url.rstrip('/')}/{API}"
        self.model = model

    async def ask(self, text: str) -> Finding:
        """What it finds in `text`.

        Unusable: it answered, and that is no answer to this message. OutsideError: there was no answer to be had;
        TryLater with how long it wants to be left alone.
        """
        failure: OutsideError
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._post(text)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = no_answer(error, API)
        except TimeoutError:
            failure = OutcomeUnknown(None, API, "too slow")
        else:
            return read_answer(_content(body), text)
        # Outside of the handlers: httpx's exception holds the request, and so the key and the words.
        raise failure

    async def _post(self, text: str) -> bytes:
        asked = {
            "model": self.model, "messages": question(text), "temperature": 0, "max_tokens": LONGEST_ANSWER,
            "stream": False, "response_format": {"type": "json_object"},
        }  # fmt: skip
        headers = {
            "Authorization": f"Bearer {self._key.get_secret_value()}",
            "Content-Type": "application/json; charset=utf-8",
            "Accept-Encoding": "identity",  # a small body cannot unpack to a huge one
        }
        content = json.dumps(asked, ensure_ascii=False).encode(errors="replace")
        async with self._http.stream(
            "POST", self._url, content=content, headers=headers, timeout=self._timeout, follow_redirects=False
        ) as answer:
            _look_at(answer)
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) > BIGGEST:
                    raise UnknownError(None, API, "too big an answer")
            return bytes(body)


def _look_at(answer: httpx.Response) -> None:
    """OutsideError or Unusable, by the status; a redirect is followed nowhere: who it leads to is not who was set."""
    status = answer.status_code
    if status in REFUSED_WORDS:
        raise Unusable(f"HTTP {status}")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise TryLater(None, API, code="429", retry_after=_retry_after(answer.headers.get("retry-after", "")))
    if status >= 500:
        raise OutcomeUnknown(None, API, code=str(status))
    if status != httpx.codes.OK:
        raise Misconfigured(None, API, "is the address right, and the key?", code=str(status))
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise UnknownError(None, API, "a packed answer")


def _retry_after(said: str) -> timedelta:
    seconds = int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else 0
    return min(max(timedelta(seconds=seconds), SOON), NOT_FOR_LONG)


def _content(body: bytes) -> str | None:
    try:
        return _Envelope.model_validate_json(body).choices[0].message.content
    except ValidationError:
        pass
    raise UnknownError(None, API, "not an answer of such an API")
