"""Reads a rule file and refuses a bad one with a sentence that its author can act on."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.screening.engine import read
from bot.screening.reading import CATEGORIES, Level
from bot.screening.rules import Grammar, Mask, Rule, RuleSet, pattern, whole
from bot.screening.text import fold

RULES = Path(__file__).with_name("rules.zh.yaml")
EXAMPLES = 2  # of each kind, at least
DEEPEST = 10  # lists in lists
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
GAPS = 3  # in a phrase: each multiplies the ways in which it can be tried by seven
LONGEST_VERSION, LONGEST_ID = 24, 60  # that a flag has room for, the digest of the file included

FILE_KEYS = frozenset(("version", "dialect", "mandarin", "words", "masks", "grammar", "rules"))
MASK_KEYS = frozenset(("phrases", "must_fire"))
GRAMMAR_LISTS = ("negators", "not_negators", "past", "recovery", "again", "fiction", "people", "saying")
GRAMMAR_KEYS = frozenset((*GRAMMAR_LISTS, "must_fire"))
TURNS = ("negation", "past", "fiction", "subject")  # each true unless the rule says false
NEEDED = ("id", "level", "category", "any", "examples_pos", "examples_neg", "author", "since", "reason")
RULE_KEYS = frozenset((*NEEDED, "alone", "all", "near", "not", "reviewed_by", *TURNS))


# What can be wrong. Whoever has sentences of their own for these finds them by `RuleError.code` and `.data`.
PROBLEMS = {
    "not_yaml": "is not YAML ({why})",
    "too_deep": "has lists in lists in lists: a rule file needs no more than a few",
    "version_long": "is longer than {most} characters",
    "id_twice": "is used twice",
    "id_long": "is longer than {most} characters",
    "should_fire": "「{text}」 should fire at {level} and does not",
    "should_not_fire": "「{text}」 should not fire at {level} and does",
    "not_silenced": "「{text}」 is not silenced by it",
    "must_fire": "「{text}」 should still fire and does not",
    "empty": "is empty",
    "level": "is {value!r}, not yellow, orange or red",
    "category": "is {value!r}, not one of {known}",
    "turn": "is {value!r}, not true or false",
    "few_examples": "needs at least {least} examples and has {n}",
    "dialect": "must be as long as 'mandarin'",
    "empty_pattern": "has an empty pattern, which would fire on everything",
    "gap_at_end": "「{text}」 has its gap '…' at an end, where it does nothing",
    "many_gaps": "「{text}」 has more than {most} gaps '…' and would be tried for too long",
    "no_list": "「{text}」 names a word list '{name}' that does not exist",
    "brace": "「{text}」 has a brace without its partner",
    "no_mapping": "should be a list of keys with values",
    "unknown_key": "is not a key that is known here",
    "missing": "is missing",
    "no_entries": "should be a list with at least one entry",
    "no_text": "{value!r} is not text; put it in quotation marks",
}


class RuleError(ValueError):
    """A rule file that cannot be used; the message names the rule and the key.

    `line`: where a file that is not YAML breaks, counted from 1; for everything else `lines.line_of` finds it.
    """

    def __init__(self, where: str, key: str, code: str, *, line: int | None = None, **data: object) -> None:
        super().__init__(f"{where}, key '{key}': {PROBLEMS[code].format(**data)}.")
        self.where, self.key, self.code, self.line, self.data = where, key, code, line, data


@lru_cache
def load_rules(path: Path = RULES) -> RuleSet:
    """The rules in `path`, checked against their own examples; read once a process."""
    return parse_rules(path.read_text("utf-8"))


def parse_rules(source: str) -> RuleSet:
    try:
        _check_depth(source)
        data = yaml.load(source, Loader=LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise RuleError(
            "the rule file", "-", "not_yaml", line=_line(error), why=" ".join(str(error).split())
        ) from error
    where = "the rule file"
    data = _mapping(where, "-", data, FILE_KEYS, needed=FILE_KEYS)
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    dialect = _dialect(str(data["dialect"]), str(data["mandarin"]))
    words = {
        name: _words("the word lists", name, value, dialect)
        for name, value in _mapping(where, "words", data["words"]).items()
    }
    book = RuleSet(
        version=f"{data['version']}+{digest}",
        dialect=dialect,
        masks=tuple(_mask(each, words, dialect) for each in _list(where, "masks", data["masks"])),
        grammar=_grammar(data["grammar"], words, dialect),
        rules=tuple(_rule(each, words, dialect) for each in _list(where, "rules", data["rules"])),
    )
    if len(book.version) > LONGEST_VERSION:
        raise RuleError(where, "version", "version_long", most=LONGEST_VERSION - len(digest) - 1)
    ids = [rule.id for rule in book.rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise RuleError(f"rule '{rule_id}'", "id", "id_twice")
        if len(rule_id) > LONGEST_ID:
            raise RuleError(f"rule '{rule_id}'", "id", "id_long", most=LONGEST_ID)
    check_examples(book)
    return book


def _check_depth(source: str) -> None:
    """Brackets in brackets without end would end the whole process: what builds them calls itself in C."""
    depth = 0
    for event in yaml.parse(source, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise RuleError("the rule file", "-", "too_deep", line=line)


def _line(error: yaml.YAMLError) -> int | None:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return mark.line + 1 if mark is not None else None


def check_examples(book: RuleSet) -> None:
    """Every example of every rule, mask and negator does what it says."""
    for rule in book.rules:
        where = f"rule '{rule.id}'"
        for text in rule.examples_pos:
            if not any(hit.rule == rule.id and hit.level == rule.level for hit in read(text, book).hits):
                raise RuleError(where, "examples_pos", "should_fire", text=text, level=rule.level.word)
        for text in rule.examples_neg:
            if any(hit.rule == rule.id and hit.level == rule.level for hit in read(text, book).hits):
                raise RuleError(where, "examples_neg", "should_not_fire", text=text, level=rule.level.word)
    for mask in book.masks:
        for text in mask.harmless:
            if read(text, book).level > Level.NONE:
                raise RuleError(f"mask '{mask.phrases[0]}'", "phrases", "not_silenced", text=text)
    for where, texts in [
        *((f"mask '{mask.phrases[0]}'", mask.must_fire) for mask in book.masks),
        ("the grammar", book.grammar.must_fire),
    ]:
        for text in texts:
            if read(text, book).level < Level.ORANGE:
                raise RuleError(where, "must_fire", "must_fire", text=text)


def _rule(data: object, words: Mapping[str, Sequence[str]], dialect: Mapping[str, str]) -> Rule:
    where = f"rule '{data['id']}'" if isinstance(data, dict) and "id" in data else "a rule without an id"
    data = _mapping(where, "-", data, RULE_KEYS, needed=NEEDED)

    def phrases(key: str) -> list[str]:
        return _words(where, key, data[key], dialect, words)

    for key in ("id", "author", "since", "reason"):
        if not str(data[key] or "").strip():
            raise RuleError(where, key, "empty")
    if data["level"] not in ("yellow", "orange", "red"):
        raise RuleError(where, "level", "level", value=data["level"])
    if data["category"] not in CATEGORIES:
        raise RuleError(where, "category", "category", value=data["category"], known=", ".join(sorted(CATEGORIES)))
    for key in TURNS:
        if not isinstance(data.get(key, True), bool):
            raise RuleError(where, key, "turn", value=data[key])
    examples = {key: _strings(where, key, data[key]) for key in ("examples_pos", "examples_neg")}
    for key, texts in examples.items():
        if len(texts) < EXAMPLES:
            raise RuleError(where, key, "few_examples", least=EXAMPLES, n=len(texts))
    return Rule(
        id=str(data["id"]),
        level=Level[str(data["level"]).upper()],
        category=str(data["category"]),
        reason=str(data["reason"]),
        author=str(data["author"]),
        since=str(data["since"]),
        reviewed_by=str(data.get("reviewed_by") or ""),
        phrases=pattern(phrases("any"), words),
        alone=whole(phrases("alone"), words) if "alone" in data else None,
        also=tuple(pattern([each], words) for each in phrases("all")) if "all" in data else (),
        near=pattern(phrases("near"), words) if "near" in data else None,
        never=pattern(phrases("not"), words) if "not" in data else None,
        negation=data.get("negation", True),
        past=data.get("past", True),
        fiction=data.get("fiction", True),
        subject=data.get("subject", True),
        examples_pos=tuple(examples["examples_pos"]),
        examples_neg=tuple(examples["examples_neg"]),
    )


def _mask(data: object, words: Mapping[str, Sequence[str]], dialect: Mapping[str, str]) -> Mask:
    data = _mapping("a mask", "-", data, MASK_KEYS, needed=MASK_KEYS)
    phrases = _words("a mask", "phrases", data["phrases"], dialect, words)
    must_fire = _strings(f"mask '{phrases[0]}'", "must_fire", data["must_fire"])
    return Mask(
        pattern(phrases, words), tuple(phrases), tuple(_spelled_out(each, words) for each in phrases), tuple(must_fire)
    )


def _grammar(data: object, words: Mapping[str, Sequence[str]], dialect: Mapping[str, str]) -> Grammar:
    where = "the grammar"
    data = _mapping(where, "-", data, GRAMMAR_KEYS, needed=GRAMMAR_KEYS)
    lists = {key: pattern(_words(where, key, data[key], dialect, words), words) for key in GRAMMAR_LISTS}
    return Grammar(**lists, must_fire=tuple(_strings(where, "must_fire", data["must_fire"])))


def _dialect(dialect: str, mandarin: str) -> dict[str, str]:
    """Two lines of the same length, one under the other, are easier to check by eye than pairs."""
    if len(dialect) != len(mandarin):
        raise RuleError("the rule file", "dialect", "dialect")
    return dict(zip(dialect, mandarin, strict=True))


def _words(
    where: str,
    key: str,
    value: object,
    dialect: Mapping[str, str],
    lists: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Phrases, folded like the text they will meet; `lists` are the names that may stand in braces."""
    folded = [_fold_phrase(each, dialect) for each in _strings(where, key, value)]
    for phrase in folded:
        if not phrase.strip(" …"):
            raise RuleError(where, key, "empty_pattern")
        if phrase[0] == "…" or phrase[-1] == "…":
            raise RuleError(where, key, "gap_at_end", text=phrase)
        if phrase.count("…") > GAPS:
            raise RuleError(where, key, "many_gaps", text=phrase, most=GAPS)
        for name in _named(phrase):
            if lists is None or name not in lists:
                raise RuleError(where, key, "no_list", text=phrase, name=name)
        if "{" in phrase.replace("{", "", len(_named(phrase))) or phrase.count("{") != phrase.count("}"):
            raise RuleError(where, key, "brace", text=phrase)
    return folded


def _fold_phrase(phrase: str, dialect: Mapping[str, str]) -> str:
    return "…".join(fold(piece, dialect) for piece in phrase.split("…"))


def _spelled_out(phrase: str, words: Mapping[str, Sequence[str]]) -> str:
    """The phrase as somebody would write it, with the first word of each list."""
    for name in _named(phrase):
        phrase = phrase.replace(f"{{{name}}}", words[name][0])
    return phrase.replace("…", "")


def _named(phrase: str) -> list[str]:
    return [piece.partition("}")[0] for piece in phrase.split("{")[1:] if "}" in piece]


def _mapping(
    where: str,
    key: str,
    value: object,
    known: frozenset[str] | None = None,
    needed: Sequence[str] | frozenset[str] = (),
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleError(where, key, "no_mapping")
    for name in value:
        if known is not None and name not in known:
            raise RuleError(where, str(name), "unknown_key")
    for name in sorted(needed):
        if name not in value:
            raise RuleError(where, name, "missing")
    return value


def _list(where: str, key: str, value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise RuleError(where, key, "no_entries")
    return value


def _strings(where: str, key: str, value: object) -> list[str]:
    texts = _list(where, key, value)
    for each in texts:
        if not isinstance(each, str):
            raise RuleError(where, key, "no_text", value=each)
        if not each.strip():
            raise RuleError(where, key, "empty_pattern")
    return texts
