"""What a page sends back: plain forms, from our own pages only, and no longer than a form can be."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request

LONGEST = 8 * 1024  # bytes
MOST = 32  # fields


class Form(Mapping[str, str]):
    """The fields of a form: each by its last value, and `all` of them where there may be several."""

    def __init__(self, fields: Sequence[tuple[str, str]] = ()) -> None:
        self._fields = fields
        self._last = dict(fields)

    def all(self, name: str) -> list[str]:
        return [value for field, value in self._fields if field == name]

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)


class FormError(Exception):
    """What no form of ours sends, or one that was not filled in."""


def whole(text: str, digits: int = 9) -> int | None:
    """The whole number, zero or more, that a field or an address holds. None: it is none, or of more digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


async def read_form(request: Request, *, longest: int = LONGEST, most: int = MOST) -> Form:
    """The fields of a plain form. FormError if it is none, or longer than `longest` bytes or `most` fields."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError("not a form")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > longest:
                raise FormError("too long")
    except ClientDisconnect:
        raise FormError("cut off") from None
    try:
        # A browser sends a form without any field as nothing, and an empty field as `name=`.
        return Form(
            parse_qsl(
                body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=most,
                errors="strict",
            )
        )  # fmt: skip
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
