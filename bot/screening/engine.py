"""Reads a message with a rule set. Pure: the same text and rules give the same reading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.screening.reading import Hit, Level, Reading
from bot.screening.rules import Grammar, Rule, RuleSet
from bot.screening.text import LONG, Text, normalise

SHORT = 40  # characters: a sentence longer than this is more than one cry
NEAR = 12  # characters: about one clause on either side
REACH = 4  # how far before a phrase a negator may stand: 不会真的去死
DENIABLE = frozenset(("suicide", "self_harm", "violence"))
# 我不自杀, 我不敢自杀: a bare 不 is no negator of the rules, and says no all the same to the statistical layer.
NEVER = re.compile(
    r"(?<!得)(?<!不是)不(?:会|想|敢|能|要|再|可能|打算|愿意?)?(?:去)?(?:自杀|轻生|寻死|自残|自伤|做傻事)|没(?:有)?(?:想|要)?(?:过)?(?:去)?(?:自杀|轻生|寻死|自残)"
)
FAR_AWAY = 2  # levels that the past, with recovery, and fiction take off


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every rule needs to know about the message, worked out once."""

    message: Text
    masked: bytes  # 1 for each character that a mask covers
    recovered: bool  # 现在好了, and nothing about 又 or 最近
    grammar: Grammar


def read(text: str, rules: RuleSet) -> Reading:
    scene = _scene(text, rules)
    hits = [hit for rule in rules.rules if (hit := _strongest(rule, scene))]
    hits.sort(key=lambda hit: (-hit.level, hit.start))
    denied = tuple(dict.fromkeys(_denied(rules, scene)))
    if not hits:
        return Reading(Level.NONE, "none", (), rules.version, denied=denied)
    return Reading(hits[0].level, hits[0].category, tuple(hits), rules.version, denied=denied)


def _scene(text: str, rules: RuleSet) -> _Scene:
    message = normalise(text, rules.dialect)
    masked = bytearray(len(message.plain))
    for mask in rules.masks:
        for found in mask.words.finditer(message.plain):
            start, end = found.span()
            if not any(start < each < end for each in message.breaks):  # "想死 心累" is not 死心
                masked[start:end] = b"\1" * (end - start)
    grammar = rules.grammar
    recovered = grammar.recovery.search(message.plain) and not grammar.again.search(message.plain)
    return _Scene(message, bytes(masked), bool(recovered), grammar)


def _strongest(rule: Rule, scene: _Scene) -> Hit | None:
    """One hit a rule is enough to explain: the first of its highest level."""
    plain = scene.message.plain
    if not all(each.search(plain) for each in rule.also):
        return None
    best: Hit | None = None
    for start, end, alone in _found(rule, scene.message):
        if any(scene.masked[start:end]):
            continue
        level, lowered = (rule.level, "") if alone else _level(rule, scene, start, end)
        if level > (best.level if best else Level.NONE):
            third = rule.subject and _about_somebody_else(scene, start)
            category = "third_party" if third else rule.category
            best = Hit(rule.id, level, category, *scene.message.span(start, end), rule.reason, lowered)
            if level == rule.level:
                break
    return best


def _denied(rules: RuleSet, scene: _Scene) -> Iterator[tuple[int, int]]:
    """Where somebody names a wish to die or to do harm in order to say no to it."""
    for rule in rules.rules:
        if rule.negation and rule.level >= Level.ORANGE and rule.category in DENIABLE:
            for found in rule.phrases.finditer(scene.message.plain):
                if _negated(scene, found.start()):
                    yield scene.message.span(*found.span())
    for found in NEVER.finditer(scene.message.plain):
        yield scene.message.span(*found.span())


def _found(rule: Rule, message: Text) -> Iterator[tuple[int, int, bool]]:
    """Where the rule's words stand, and whether they are all that is said: nothing turns a bare 救命 round.

    All that is said in a sentence counts: harmless ones around it take nothing away. What makes a joke of it (`not`)
    may stand in any of them.
    """
    plain = message.plain
    if rule.alone and not (rule.never and rule.never.search(plain, 0, LONG)):
        for start, end in message.sentences():
            if end - start <= SHORT and (whole := rule.alone.fullmatch(plain, start, end)):
                yield *whole.span("said"), True
    for found in rule.phrases.finditer(plain):
        yield *found.span(), False


def _level(rule: Rule, scene: _Scene, start: int, end: int) -> tuple[Level, str]:
    """The rule's level less what the words around the phrase take off it, and what that was."""
    plain = scene.message.plain
    if rule.near and not (
        rule.near.search(plain, max(start - NEAR, 0), start) or rule.near.search(plain, end, end + NEAR)
    ):
        return Level.NONE, ""
    sentence = scene.message.sentence(start)
    if rule.never and rule.never.search(plain, *sentence):
        return Level.NONE, ""
    if rule.negation and _negated(scene, start):
        return Level.NONE, ""
    if rule.fiction and scene.grammar.fiction.search(plain, *sentence):
        return rule.level.lowered(FAR_AWAY), "fiction"
    if rule.past and scene.recovered and scene.grammar.past.search(plain, max(start - LONG, 0), start):
        return rule.level.lowered(FAR_AWAY), "past"
    return rule.level, ""


def _negated(scene: _Scene, start: int) -> bool:
    """不会…, 没有… before the phrase in its clause; a negator may share its last character: 没想死."""
    message, grammar = scene.message, scene.grammar
    clause = message.clause_start(start)
    spoilt = [found.span() for found in grammar.not_negators.finditer(message.plain, clause, start)]
    return any(
        found.start() < start <= found.end() + REACH and not any(a <= found.start() < b for a, b in spoilt)
        for found in grammar.negators.finditer(message.plain, clause, start + 1)
    )


def _about_somebody_else(scene: _Scene, start: int) -> bool:
    """他说想死, 我儿子不想活了: somebody else is named after the last 我 in the clause."""
    message, grammar = scene.message, scene.grammar
    if message.plain.startswith("我", start):
        return False
    before = message.plain[message.clause_start(start) : start]
    people = [found.end() for found in grammar.people.finditer(before)]
    if people:
        return before.rfind("我") < people[-1]
    return "我" not in before and grammar.saying.search(before) is not None
