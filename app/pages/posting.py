"""What a page sends back: plain forms, from our own pages only, and no longer than a form can be."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request

LONGEST = 8 * 1024  # bytes
Form = Mapping[str, str]


class FormError(Exception):
    """What no form of ours sends, or one that was not filled in."""


async def read_form(request: Request) -> Form:
    """The fields of a plain form, each once. FormError if it is none, or longer than ours are."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError("not a form")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST:
                raise FormError("too long")
    except ClientDisconnect:
        raise FormError("cut off") from None
    try:
        return dict(parse_qsl(body.decode("ascii"), strict_parsing=bool(body), max_num_fields=32, errors="strict"))
    except ValueError:
        raise FormError("not a form") from None


def is_from_elsewhere(request: Request, public_url: str) -> bool:
    """Whether a browser says that another site sent this.

    Our pages send no referrer, for which browsers put `null` in the place of the origin; who sends neither header
    is judged by the token in the form alone, which no other site can have.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin", "null")
    ours = {urlsplit(public_url).netloc.lower(), request.headers.get("host", "").lower()}
    return origin != "null" and urlsplit(origin).netloc.lower() not in ours
