"""Links inside a text bubble, as WeChat shows them: `<a href>`, bare addresses, tappable menu words."""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, urlsplit

ANCHOR = re.compile(r"""<a\s[^>]*?href\s*=\s*(["'])(?P<href>.*?)\1[^>]*>(?P<words>.*?)</a>""", re.S | re.I)
ADDRESS = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


@dataclass(frozen=True)
class Segment:
    """A run of words; `href` makes it a link, `menu_words` a tap that sends those words."""

    words: str
    href: str = ""
    menu_words: str = ""
    menu_id: str = ""


def segments(raw: str) -> list[Segment]:
    found: list[Segment] = []
    at = 0
    for match in ANCHOR.finditer(raw):
        found += _plain(raw[at : match.start()])
        found.append(_anchor(unescape(match["href"]), match["words"]))
        at = match.end()
    return found + _plain(raw[at:])


def visible(raw: str) -> str:
    return ANCHOR.sub(lambda match: match["words"], raw)


def _anchor(href: str, words: str) -> Segment:
    parts = urlsplit(href)
    if parts.scheme == "weixin" and parts.netloc == "bizmsgmenu":
        query = parse_qs(parts.query)
        return Segment(
            words,
            menu_words=query.get("msgmenucontent", [words])[0],
            menu_id=query.get("msgmenuid", [""])[0],
        )
    return Segment(words, href=href) if parts.scheme in ("http", "https") else Segment(words)


def _plain(text: str) -> list[Segment]:
    found: list[Segment] = []
    at = 0
    for match in ADDRESS.finditer(text):
        address = match[0].rstrip(".,;:!?)'")
        found += [Segment(text[at : match.start()]), Segment(address, href=address)]
        at = match.start() + len(address)
    return [s for s in [*found, Segment(text[at:])] if s.words]
