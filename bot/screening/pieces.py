"""Danger in pieces: what no message says by itself, and several of one person say together.

Two ways of reading them together. *Torn*: words cut by the send button, 不想 – 活了, read without anything between.
*Spread*: one thing after the other, 我在桥上 – 想跳下去, read with a comma between, and only next to each other.
Both can make nonsense of two harmless messages (等下给你打 – 我先吃饭), so each is held to what people really tear
and spread, and both to short messages; neither counts what stood in the messages before, which was read when they
came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.screening.engine import SHORT, read
from bot.screening.reading import Hit, Level
from bot.screening.rules import RuleSet

TORN_AT_ORANGE = frozenset(("suicide", "self_harm"))  # what is red may be torn whatever it speaks of
SPREAD = frozenset(("suicide", "third_party"))  # red only: 老师您好 – 我带剪刀来 is a handicraft group
NEIGHBOURS = 2  # messages beside the new one that may tell one thing with it
LONG_ENOUGH = 4  # characters that hardly meet by chance
REST = 1  # character beside the words, in one of the two messages that they are torn over
_SMALL = frozenset("啊呀吧了啦呢哦喔嘛的我")


def in_pieces(rules: RuleSet, earlier: Sequence[str], text: str, later: Sequence[str], above: Level) -> list[Hit]:
    """What `text` completes: hits above a level, with the spans in `text`.

    `earlier` and `later`: the same person's messages before it and, handled before it by another process, after it.
    """
    found = [*_torn(rules, earlier, text, above), *_torn_after(rules, text, later, above)]
    for before, after in ((earlier[-NEIGHBOURS:], ()), ((), later[:NEIGHBOURS])):
        found += _spread(rules, before, text, after, above)
    return sorted(found, key=lambda hit: (-hit.level, hit.start))


def _torn(rules: RuleSet, earlier: Sequence[str], text: str, above: Level) -> Iterator[Hit]:
    if not earlier or len(earlier[-1]) + len(text) > SHORT:
        return
    for before in _tails(earlier, text):
        at, last = len(before), earlier[-1]
        for hit in read(before + text, rules).hits:
            if hit.level > above and hit.start < at < hit.end and _may_be_torn(hit):
                cut = last[: max(hit.start - (at - len(last)), 0)]
                if hit.end - hit.start >= LONG_ENOUGH or min(_rest(cut), _rest(text[hit.end - at :])) <= REST:
                    yield replace(hit, start=0, end=hit.end - at, before=True)


def _torn_after(rules: RuleSet, text: str, later: Sequence[str], above: Level) -> Iterator[Hit]:
    """The same with the new message as the first piece."""
    if later and len(text) + len(later[0]) <= SHORT:
        joined, end = text + "".join(later), len(text)
        for hit in read(joined, rules).hits:
            if hit.level > above and hit.start < end < hit.end and _may_be_torn(hit):
                cut = later[0][hit.end - end :]
                if hit.end - hit.start >= LONG_ENOUGH or min(_rest(text[: hit.start]), _rest(cut)) <= REST:
                    yield replace(hit, end=end, before=True)


def _tails(earlier: Sequence[str], text: str) -> Iterator[str]:
    """All of them; and the last ones alone as long as it is short, for what must be all that is said: 不 – 活了."""
    if len(earlier) > 1:
        yield "".join(earlier)
    for n in range(1, len(earlier) + 1):
        tail = "".join(earlier[-n:])
        if n > 1 and (n == len(earlier) or len(tail) + len(text) > SHORT):
            return
        yield tail


def _spread(
    rules: RuleSet, before: Sequence[str], text: str, after: Sequence[str], above: Level
) -> Iterator[Hit]:  # fmt: skip
    others = [*before, *after]
    if not others or sum(map(len, others)) + len(text) > SHORT:
        return
    known = {hit.rule: hit.level for hit in read("，".join(others), rules).hits}
    at = sum(len(each) + 1 for each in before)
    for hit in read("，".join([*before, text, *after]), rules).hits:
        new = hit.level > max(above, known.get(hit.rule, Level.NONE))
        if new and hit.level is Level.RED and hit.category in SPREAD:
            inside = at <= hit.start and hit.end <= at + len(text)
            start, end = (hit.start - at, hit.end - at) if inside else (0, len(text))
            yield replace(hit, start=start, end=end, before=True)


def _may_be_torn(hit: Hit) -> bool:
    return hit.level is Level.RED or (hit.level is Level.ORANGE and hit.category in TORN_AT_ORANGE)


def _rest(words: str) -> int:
    return sum(char.isalnum() and char not in _SMALL for char in words)
