"""Reads YAML and remembers on which line everything stands.

Every value stays the text that was written. YAML would make 840 of an unquoted `14:00`, true of the key
`on`, and would take the leading zero off a telephone number; what a text means is for the schema to say.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.loading.problems import LoadError, Problem

Path = tuple[str | int, ...]

EXAMPLE = "deploy/programmes/duantang.yaml"
DEEPEST = 12
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(repr=False)
class Sheet:
    """What a file says: mappings, lists and texts, and the line of each; None where nothing is written."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    empty: set[Path] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of `path`; of what is around it where it is not in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str) -> Problem:
        return Problem(self.line(path), f"{spell(path)} {text}" if path else text)


def spell(path: Path) -> str:
    """`houses[0].phone`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def read_sheet(text: str) -> Sheet:
    """LoadError for what is no YAML, or more YAML than a programme needs (anchors, tags, several documents)."""
    text = text.removeprefix("\ufeff")
    tabs = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\t", line)]
    if tabs:
        raise LoadError(Problem(n, "行首有制表符（Tab），请换成空格") for n in tabs)
    try:
        return _Reader(yaml.parse(text, Loader=_FAST)).sheet()
    except yaml.YAMLError:
        pass  # read it again: the slower reader says more exactly what is wrong
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).sheet()
    except yaml.YAMLError as error:
        raise LoadError(_slips(text) or [_syntax(text, error)]) from None


class _Reader:
    def __init__(self, events: Iterable[yaml.Event]) -> None:
        self._events: Iterator[yaml.Event] = iter(events)
        self._sheet = Sheet()

    def sheet(self) -> Sheet:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise LoadError([Problem(1, f"文件是空的，请照着 {EXAMPLE} 写一份")])
        data = self._value(next(self._events), ())
        next(self._events)
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            raise LoadError([Problem(_line(after), "一个文件只写一个项目，请删掉这一行 --- 和它后面的内容")])
        if not isinstance(data, dict):
            raise LoadError([Problem(1, f"最外层要写成 programme: 和 houses: 这样的“名称: 内容”，请照着 {EXAMPLE} 写")])
        self._sheet.data = data
        return self._sheet

    def _value(self, event: yaml.Event, path: Path) -> Any:
        line = _line(event)
        self._sheet.lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise LoadError([Problem(line, "这里用了 & 或 *（引用），请把内容直接写出来；文字里要用时请加引号")])
        if getattr(event, "tag", None):
            raise LoadError([Problem(line, "这里用了 !（类型标签），请去掉；文字里要用时请加引号")])
        if len(path) > DEEPEST:
            raise LoadError([Problem(line, f"这里套得太深，请照着 {EXAMPLE} 写")])
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        if not isinstance(event, yaml.ScalarEvent):
            raise LoadError([Problem(line, f"这里读不懂，请照着 {EXAMPLE} 写")])
        value: str = event.value
        return None if event.implicit[0] and value in _NOTHING else value

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise LoadError([Problem(_line(event), f"冒号前面只能写一个名称，请照着 {EXAMPLE} 写")])
            key, line = event.value, _line(event)
            here = (*path, key)
            if key in first:
                self._value(next(self._events), (*path, f"{key} "))
                twice = f"{spell(here)} 写了两遍（第 {first[key]} 行已经有了），请删掉一个"
                self._sheet.problems.append(Problem(line, twice))
                continue
            first[key] = self._sheet.lines[here] = line
            found[key] = self._value(next(self._events), here)
            if found[key] is None:
                self._sheet.empty.add(here)
        return found


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


# What people who are not programmers get wrong, by the look of the line.

_SLIPS = (
    (re.compile(r"^\s*(- *)?[{]?\s*[a-z_]+\s*："), "冒号要用英文的 : ，后面空一格"),
    (re.compile(r"[{,，]\s*[a-z_]+："), "冒号要用英文的 : ，后面空一格"),
    (re.compile(r"，\s*[a-z_]+:\s"), "逗号要用英文的 , "),
    (re.compile(r"^\s*(- +)?[a-z_]+:[^\s:/]"), "冒号后面要空一格"),
    (re.compile(r"^\s*-[a-z_{]"), "减号后面要空一格"),
    (re.compile(r""": +("[^"]*|'[^']*)$"""), "这里的引号没有配成对，请补上另一个引号"),
)


def _slips(text: str) -> list[Problem]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split(" #")[0]
        slip = next((hint for look, hint in _SLIPS if look.search(code)), None)
        if slip and not code.lstrip().startswith("#"):
            found.append(Problem(number, slip))
    return found


_SYNTAX = (
    ("mapping values are not allowed", "这里的冒号读不懂：请看这一行和上一行是否对齐，文字里有冒号时请加英文引号"),
    ("while scanning a quoted scalar", "这里的引号没有配成对，请补上另一个引号"),
    ("while parsing a flow", "这里的括号或逗号没有配好，请看 { } [ ] 是否成对、项目之间是否有英文逗号"),
    ("cannot start any token", "这里有不能放在开头的符号，请给这段文字加英文引号"),
    ("while parsing a block", "这一行的缩进和上面没有对齐，请用空格对齐"),
    ("sequence entries are not allowed", "列表的减号要另起一行，请换行再写"),
)


def _syntax(text: str, error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(line, "这里有看不见的控制字符，请删掉后重新输入")
    context, problem = getattr(error, "context", None) or "", getattr(error, "problem", None) or ""
    mark = getattr(error, "problem_mark", None)
    if "quoted" in context or "flow" in context:
        mark = getattr(error, "context_mark", None) or mark
    hint = next((hint for sign, hint in _SYNTAX if sign in f"{context} {problem}"), None)
    return Problem(mark.line + 1 if mark else 1, hint or f"这一行不合 YAML 的写法，请照着 {EXAMPLE} 改")
