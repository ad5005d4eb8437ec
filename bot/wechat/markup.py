"""What may stand in the XML that WeChat reads."""

import re

# Anything that is not a Char of XML 1.0; a lone surrogate, which UTF-8 cannot hold, is among them.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """`text` without the characters that XML 1.0 forbids."""
    return _NOT_XML.sub("", text)


def cdata(text: str) -> str:
    """`text` as CDATA. A `]]>` inside it is split over two sections, so it stays text."""
    return f"<![CDATA[{clean(text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def fit(text: str, limit: int) -> str:
    """`text` cut to `limit` bytes of UTF-8, at a line end in the second half if there is one."""
    raw = clean(text).encode()
    if len(raw) <= limit:
        return raw.decode()
    kept = raw[:limit].decode(errors="ignore")
    line_end = kept.rfind("\n")
    return kept[:line_end] if line_end > len(kept) // 2 else kept
