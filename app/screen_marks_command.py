"""`tongxing screen marks` and `propose`: what people said of what was read, for those who write rules and train.

Nothing here changes what is in force: a person reads the proposals, edits a file of rules or a corpus, and puts it
in force by hand.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.installation import own_database
from app.marks import books
from app.marks import service as marks
from app.marks.models import Mark, MarkKind, Urgency, Why
from app.marks.service import same_words
from app.screen_rules_command import on_one_line
from app.settings import Settings
from bot.keeper import screener_of
from bot.screening.engine import read
from bot.screening.language import guess_language
from bot.screening.loader import RuleError
from bot.screening.reading import Level
from bot.screening.rules import RuleSet
from bot.screening.screener import shipped

ALIKE = 0.6  # of the pairs of characters of two sentences, so many in both: one example is enough
KINDS = {MarkKind.MISSED: "漏报", MarkKind.FALSE_ALARM: "误报", MarkKind.LEVEL: "级别不对"}
LEVELS = {Urgency.RED: "红", Urgency.ORANGE: "橙", Urgency.YELLOW: "黄", Urgency.NONE: "没事"}
WHYS = {
    Why.JOKE: "玩笑", Why.QUOTE: "引用", Why.PAST: "过去", Why.OTHERS: "别人", Why.SENSE: "词义", Why.ELSE: "别的",
}  # fmt: skip
HIDDEN = "（原话只在终端里显示）"

Print = Callable[[str], object]


async def export(settings: Settings, file: Path) -> str:
    """Every mark as a line of the corpus, in a file that only its owner can read. ValueError: it cannot be written."""
    async with own_database(settings) as db, db.read() as session:
        found = await marks.all_marks(session)
        rules = await _rules(session)
    lines = [json.dumps(corpus_line(mark, rules), ensure_ascii=False) for mark in found]
    _write(file, lines)
    return f"{len(lines)} 句写进了 {file}。里面是原话，只有这台机器上的您能读：请像记录一样收好，用完删掉。"


def corpus_line(mark: Mark, rules: RuleSet) -> dict[str, Any]:
    """One line of the corpus (its code book: text, level, category, speaker, lang, implicit, hard_negative, note)."""
    danger = mark.level is not Urgency.NONE
    note = {
        "kind": mark.kind.value, "why": mark.why.value if mark.why else "", "screen": mark.screen_level.value,
        "rule": mark.rule, "rules": mark.rules_version, "model": mark.model,
    }  # fmt: skip
    return {
        "text": mark.said,
        "level": mark.level.value,
        "category": mark.category,
        "speaker": mark.speaker,
        "lang": guess_language(mark.said),
        "implicit": danger and read(mark.said, rules).level is Level.NONE,
        "hard_negative": not danger and mark.screen_level is not Urgency.NONE,
        "note": " ".join(f"{name}={value}" for name, value in note.items() if value),
    }


async def propose(settings: Settings, show: Print, *, texts: bool) -> None:
    """Candidates for the examples of rules and for the corpus; `texts`: somebody reads them at a terminal."""
    async with own_database(settings) as db, db.read() as session:
        found = await marks.all_marks(session)
    if not found:
        show("还没有人记过误报、漏报或级别。")
        return
    for line in proposals(found, texts=texts):
        show(line)
    show("这些只是候选：改规则请编辑规则文件，先 tongxing screen rules check，再 use。程序不会自己学。")


def proposals(found: Iterable[Mark], *, texts: bool) -> Iterable[str]:
    """By kind, the most frequent first; sentences that are nearly the same stand in one line."""
    groups: dict[tuple[MarkKind, str, Urgency], list[Mark]] = defaultdict(list)
    for mark in found:
        groups[mark.kind, mark.rule, mark.level].append(mark)
    order = list(KINDS)
    for (kind, rule, level), ones in sorted(groups.items(), key=lambda g: (order.index(g[0][0]), -len(g[1]), g[0][1])):
        yield f"{KINDS[kind]}　{len(ones)} 句　{_where(kind, rule, level)}"
        for alike in joined(ones):
            whys = "、".join(dict.fromkeys(WHYS[mark.why] for mark in alike.marks if mark.why))
            shown = f"「{on_one_line(alike.marks[0].said)}」" if texts else HIDDEN
            yield "　".join(part for part in (f"  {len(alike.marks)} 次", whys, shown) if part)


def _where(kind: MarkKind, rule: str, level: Urgency) -> str:
    match kind:
        case MarkKind.FALSE_ALARM if rule and rule != "model":
            return f"规则 {rule} 的 examples_neg，语料里是 none"
        case MarkKind.FALSE_ALARM:
            return "语料里是 none"
        case MarkKind.LEVEL:
            return f"{f'规则 {rule}，' if rule else ''}应该是{LEVELS[level]}"
    return f"新规则的 examples_pos，应该是{LEVELS[level]}"


@dataclass(frozen=True)
class Alike:
    """Marks whose words are nearly the same; the first stands for them."""

    marks: list[Mark]
    pairs: frozenset[str]


def joined(found: Sequence[Mark]) -> list[Alike]:
    groups: list[Alike] = []
    for mark in found:
        pairs = _pairs(mark.said)
        near = next((one for one in groups if _alike(one.pairs, pairs)), None)
        if near is None:
            groups.append(Alike([mark], pairs))
        else:
            near.marks.append(mark)
    return sorted(groups, key=lambda one: -len(one.marks))


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= ALIKE * len(a | b)


def _pairs(text: str) -> frozenset[str]:
    plain = same_words(text)
    return frozenset(plain[i : i + 2] for i in range(max(len(plain) - 1, 1)))


async def _rules(session: AsyncSession) -> RuleSet:
    try:
        return screener_of(await books.in_force(session)).rules
    except RuleError:
        return shipped().rules


def _write(file: Path, lines: Iterable[str]) -> None:
    try:
        with open(file, "w", encoding="utf-8", opener=_private) as out:
            out.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ValueError(f"写不了 {file}（{error.strerror}）") from None


def _private(path: str, flags: int) -> int:
    """0600 from its first byte on, also where the file was there already."""
    number = os.open(path, flags, 0o600)
    os.fchmod(number, 0o600)
    return number
