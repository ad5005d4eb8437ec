"""What is wrong with a programme file, said so that its author can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    line: int
    text: str

    def __str__(self) -> str:
        return f"第 {self.line} 行：{self.text}"


class LoadError(Exception):
    """A programme file that cannot be used; it holds every problem that was found, in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))
