"""`tongxing screen`: reads messages from standard input and says what screening sees in each, one JSON object a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.screening import ALONE, Context, Reading, Speaker, screen


class InputError(ValueError):
    """A line of standard input that cannot be read; the sentence says which and what to write instead."""


def lines(given: Iterable[str]) -> Iterator[str]:
    """One answer for each line that is not empty: a message, or a JSON object with `text` and what is known besides."""
    for number, line in enumerate(given, start=1):
        bare = line.rstrip("\r\n")
        if bare.strip():
            text, context = _asked(bare, number)
            yield json.dumps(as_json(screen(text, context)), ensure_ascii=False)


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


def _asked(line: str, number: int) -> tuple[str, Context]:
    if not line.lstrip().startswith("{"):
        return line, ALONE
    try:
        row = json.loads(line)
    except ValueError:
        return line, ALONE  # somebody wrote a brace
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f"第 {number} 行是 JSON，但没有文字 text：要写成 {{\"text\": \"…\"}}，或者直接写一行话")
    return row["text"], _context(row, number)


def _context(row: dict[str, Any], number: int) -> Context:
    try:
        return Context(
            earlier=tuple(map(str, row.get("earlier", ()))),
            mood=int(row["mood"]) if row.get("mood") is not None else None,
            yellows=int(row.get("yellows", 0)),
            worried=int(row.get("worried", 0)),
            speaker=Speaker(row.get("speaker", "member")),
        )
    except (TypeError, ValueError):
        raise InputError(
            f"第 {number} 行里有一项看不懂：earlier 是一列话，mood、yellows、worried 是数字，"
            "speaker 是 member、family 或 counsellor"
        ) from None
