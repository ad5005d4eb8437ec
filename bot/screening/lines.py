"""On which line of a file of rules something stands."""

import re
from collections.abc import Callable

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.screening.loader import RuleError

NAMED = re.compile(r"(rule|mask) '(.*)'", re.DOTALL)
SECTIONS = {"the grammar": "grammar", "the word lists": "words", "a mask": "masks", "a rule without an id": "rules"}


def line_of(error: RuleError, source: str) -> int | None:
    """The line that a refusal speaks of, counted from 1: of the key, or of the rule where it has no such key. None:
    it speaks of the file as a whole."""
    if error.line is not None:
        return error.line
    try:
        tree = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    named = NAMED.fullmatch(error.where)
    if named:
        kind, name = named.groups()
        section, entry = ("rules", _rule(name)) if kind == "rule" else ("masks", _mask(name))
        listed = _value(tree, section)
        found = [each for each in listed.value if entry(each)] if isinstance(listed, SequenceNode) else []
        inside: Node | None = found[-1] if found else None  # of an id that is used twice, the second
    else:
        inside = _value(tree, SECTIONS[error.where]) if error.where in SECTIONS else tree
    key = _key(inside, error.key)
    at = key if key is not None else inside
    return at.start_mark.line + 1 if at is not None and at is not tree else None


def _rule(name: str) -> Callable[[Node], bool]:
    return lambda node: _text(_value(node, "id")) == name


def _mask(name: str) -> Callable[[Node], bool]:
    def is_it(node: Node) -> bool:
        phrases = _value(node, "phrases")
        return isinstance(phrases, SequenceNode) and bool(phrases.value) and _text(phrases.value[0]) == name

    return is_it


def _key(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((name for name, _value in node.value if _text(name) == key), None)


def _value(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if _text(name) == key), None)


def _text(node: Node | None) -> str | None:
    return str(node.value) if isinstance(node, ScalarNode) else None
