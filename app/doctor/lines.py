"""A line of what `doctor` says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """What a check found. `mark`: ✓ good, ✗ to be put right, － not set up."""

    mark: str
    what: str
    words: str

    @property
    def bad(self) -> bool:
        return self.mark == "✗"

    def __str__(self) -> str:
        return f"{self.mark} {self.what}：{self.words}"


def good(what: str, words: str) -> Line:
    return Line("✓", what, words)


def bad(what: str, words: str) -> Line:
    return Line("✗", what, words)


def unset(what: str, words: str) -> Line:
    return Line("－", what, words)
