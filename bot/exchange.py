"""One request to a JSON API of the outside, and what its answer, or its silence, means.

Shared by the clients of WeChat and WeCom; what a silence means, by those of the SMS gateways as well. Secrets
reach neither a log nor an exception: they are put into the URL inside httpx, and httpx's own exceptions end here.
"""

import json
from collections.abc import Generator, Mapping
from typing import Any

import aiohttp
import httpx

from bot.outside import NotSent, OutcomeUnknown, OutsideError, UnknownError

Answer = dict[str, Any]

_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class SecretQuery(httpx.Auth):
    """Secret parameters, added inside httpx: nobody else's frames or exceptions hold them.

    One may serve many requests: an address is put together once, since parsing it costs as much as half a call.
    """

    def __init__(self, **params: str) -> None:
        self._params = params
        self._addresses: dict[tuple[bytes, int | None, bytes], httpx.URL] = {}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        bare = (request.url.raw_host, request.url.port, request.url.raw_path)
        if bare not in self._addresses:
            self._addresses[bare] = request.url.copy_merge_params(self._params)
        request.url = self._addresses[bare]
        yield request


class Exchange:
    """`http.base_url` is the API's base. `timeout`: seconds for each of connecting, writing, reading."""

    def __init__(self, http: httpx.AsyncClient, timeout: float) -> None:
        self._http = http
        self._extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
        self._agent: str | None = None
        self._base = http.base_url
        self._addresses: dict[str, httpx.URL] = {}

    async def send(
        self, api: str, method: str, path: str, *, auth: httpx.Auth | None = None, **request: Any
    ) -> Answer:  # fmt: skip
        """Send one request and read its answer, whatever its `errcode` says. `request`: what `httpx.Request` takes.

        NotSent, OutcomeUnknown; UnknownError if something else than the API answers.
        """
        failure: OutsideError
        try:
            status, content = await self._through(self._request(method, path, **request), auth)
        except (httpx.HTTPError, aiohttp.ClientError) as error:
            failure = no_answer(error, api)
        else:
            return _answer(status, content, api)
        # Outside of the handlers: httpx's exception holds the request, and so the token.
        raise failure

    async def _through(self, request: httpx.Request, auth: httpx.Auth | None) -> tuple[int, bytes]:
        """Straight to the client's transport, proxies included: the status and the body.

        On the way `AsyncClient.send` writes the address with the token into a log, looks for cookies and follows
        redirects. No API of ours has either, and without them a call costs a fifth less (`tongxing bench delivery`).
        """
        if auth is not None:
            request = next(auth.auth_flow(request))
        response = await self._http._transport_for_url(request.url).handle_async_request(request)
        stream = response.stream
        try:
            if "content-encoding" in response.headers or not isinstance(stream, httpx.AsyncByteStream):
                return response.status_code, await response.aread()
            return response.status_code, b"".join([part async for part in stream])
        finally:
            await response.aclose()

    def _request(self, method: str, path: str, **request: Any) -> httpx.Request:
        """Made here and not by the client, which merges in headers, cookies and parameters that it does not have."""
        if self._agent is None:
            self._agent = self._http.headers["User-Agent"]
        headers = {"User-Agent": self._agent, **request.pop("headers", {})}
        return httpx.Request(method, self._address(path), headers=headers, extensions=self._extensions, **request)

    def _address(self, path: str) -> httpx.URL:
        base = self._http.base_url
        if base is not self._base:
            self._base, self._addresses = base, {}
        if path not in self._addresses:
            self._addresses[path] = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path.encode())
        return self._addresses[path]


def no_answer(error: Exception, api: str) -> OutsideError:
    """The exception for a request that ended in `error`, not raised: whether it surely never left."""
    never_left = isinstance(error, _BEFORE_SENDING) and _never_left(error)
    return (NotSent if never_left else OutcomeUnknown)(None, api, type(error).__name__)


def _never_left(error: Exception) -> bool:
    """The transport for many senders calls every lost connection a failed one, a reset after the request as well."""
    cause = error.__cause__
    before = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
    return not isinstance(cause, aiohttp.ClientError) or isinstance(cause, before)


def need(answer: Answer, name: str, api: str) -> str:
    """A field that the answer must have; UnknownError if it has none."""
    if not answer.get(name):
        raise UnknownError(None, api, f"no {name} in the answer")
    return str(answer[name])


def json_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` as httpx takes it, in plain UTF-8; what UTF-8 cannot hold is left out."""
    # Escaped as \u4f60 the characters would count six times and be shown as they are.
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="ignore")
    return {"content": content, "headers": {"Content-Type": "application/json; charset=utf-8"}}


def _answer(status: int, content: bytes, api: str) -> Answer:
    """The JSON object that came, with an int for errcode. Content type does not count."""
    answer = _object(content)
    if answer is not None and (status == httpx.codes.OK or answer.get("errcode")):
        return answer
    if status == httpx.codes.OK or status >= 500:
        raise OutcomeUnknown(None, api, f"HTTP {status} without an answer of the API's")
    raise UnknownError(None, api, f"HTTP {status}: is the base address right?")


def _object(content: bytes) -> Answer | None:
    try:
        # Not strict: WeChat leaves raw control characters in strings.
        answer = json.loads(content, strict=False)
        if not isinstance(answer, dict):
            return None
        return {**answer, "errcode": int(answer.get("errcode", 0))}
    except (ValueError, TypeError, RecursionError):
        return None
