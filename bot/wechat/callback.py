"""What reading a callback has in common at both doors, WeChat's and WeCom's."""

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from bot.wechat.crypto import MAX_BODY
from bot.wechat.errors import MalformedMessage


async def read_body(request: Request) -> bytes:
    """The body, read no further than a callback can be long; MalformedMessage beyond that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise MalformedMessage("too long")
    return bytes(body)


def needed(data: Mapping[str, Any], name: str) -> str:
    """A field's text. ValueError if it is empty or absent; TypeError as in `optional`."""
    value = optional(data, name)
    if value is None:
        raise ValueError(name)
    return value


def optional(data: Mapping[str, Any], name: str) -> str | None:
    """A field's text; None if it is empty or absent. A field that came twice or holds fields: TypeError."""
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise TypeError(name)


def digest(content: bytes | str) -> str:
    """Short enough for a key, and no words of anybody's in it."""
    raw = content if isinstance(content, bytes) else content.encode()
    return hashlib.sha256(raw).hexdigest()[:40]
