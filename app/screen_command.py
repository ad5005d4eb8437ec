"""`tongxing screen`: messages on standard input, and for each line one JSON object: what screening sees in it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.screening import ALONE, Context, Reading, Speaker, screen


class LineError(Exception):
    """A line that cannot be read; the sentence says what to write instead."""


def lines(given: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """An answer for each line, and whether the line could be read: a message, or a JSON object with `text`."""
    for line in given:
        try:
            text, context = _asked(line.rstrip("\r\n"))
        except LineError as error:
            yield json.dumps({"error": str(error)}, ensure_ascii=False), False
        else:
            yield json.dumps(as_json(screen(text, context)), ensure_ascii=False), True


def as_json(reading: Reading) -> dict[str, Any]:
    """`span`: from and to, in characters of the text as it was given, of what decided; null where nothing fired."""
    first = max(reading.hits, key=lambda hit: hit.level, default=None)
    return {
        "level": reading.level.word,
        "category": reading.category,
        "rules": [hit.rule for hit in reading.hits],
        "score": reading.score,
        "span": [first.start, first.end] if first else None,
        "raised": list(reading.raised),
        "version": reading.version,
        "model": reading.model,
    }


def _asked(line: str) -> tuple[str, Context]:
    if not line.lstrip().startswith("{"):
        return line, ALONE
    try:
        row = json.loads(line)
    except ValueError:
        return line, ALONE  # somebody wrote a brace
    if not isinstance(row.get("text"), str):
        raise LineError('这一行是 JSON，但没有文字 text：要写成 {"text": "…"}，或者直接写一行话')
    return row["text"], _context(row)


def _context(row: dict[str, Any]) -> Context:
    earlier = row.get("earlier", [])
    try:
        if not isinstance(earlier, list):
            raise TypeError
        return Context(
            earlier=tuple(map(str, earlier)),
            mood=int(row["mood"]) if row.get("mood") is not None else None,
            yellows=int(row.get("yellows", 0)),
            worried=int(row.get("worried", 0)),
            speaker=Speaker(row.get("speaker", "member")),
        )
    except (TypeError, ValueError):
        raise LineError(
            "这一行里有一项看不懂：earlier 是一列话，mood、yellows、worried 是数字，"
            "speaker 是 member、family 或 counsellor"
        ) from None
