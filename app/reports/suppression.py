"""What may not be told in a table that leaves the house: numbers behind which there are fewer than five people.

Two steps, both pure. A number from one to four people is not printed (`FEW`). Then whatever can be worked out by
adding and subtracting is looked at: a total less its other parts, a whole less one of its parts. As long as that
leaves fewer than four possible values for a number that is hidden (or that hides another), one more number of that
sum is kept back (`KEPT`): the smallest part that would do, and the total itself where no part is left. Four values
are as many as "<5" leaves; so no sum in the table tells more than "<5" does.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

FEW_PEOPLE = 5
SPREAD = FEW_PEOPLE - 1  # possible values that must be left
NO_END = float("inf")

K = TypeVar("K", bound=Hashable)


class Shown(StrEnum):
    """How a number is printed: as it is, as "<5", or not at all."""

    AS_IT_IS = "as_it_is"
    FEW = "few"
    KEPT = "kept"


@dataclass(frozen=True)
class Number:
    """A number of a table, and how many people are behind it; `people` is None where it is not about people.

    `printed`: False for what stands nowhere in the table, and could be worked out all the same.
    """

    value: int
    people: int | None
    printed: bool = True

    @property
    def is_small(self) -> bool:
        return self.people is not None and 0 < self.people < FEW_PEOPLE

    @property
    def counts_people(self) -> bool:
        return self.people == self.value


@dataclass(frozen=True)
class Sum(Generic[K]):
    """A number that is, by its meaning, the sum of others."""

    total: K
    parts: tuple[K, ...]


def suppress(numbers: Mapping[K, Number], sums: Sequence[Sum[K]]) -> dict[K, Shown]:
    """How each number is printed. A hidden number of one sum may undo another: they are looked at until all hold."""
    shown = {key: Shown.FEW if one.is_small else Shown.AS_IT_IS for key, one in numbers.items()}
    hidden = {key for key, one in numbers.items() if one.is_small or not one.printed}
    touched = True
    while touched:
        touched = False
        for one in sums:
            while (more := _one_more(one, numbers, hidden)) is not None:
                hidden.add(more)
                shown[more] = Shown.KEPT
                touched = True
    return shown


def _one_more(one: Sum[K], numbers: Mapping[K, Number], hidden: set[K]) -> K | None:
    """What else must be hidden of a sum; None where it tells nothing."""
    if one.total in hidden:
        return None
    unknown = [key for key in one.parts if key in hidden]
    known = sum(numbers[key].value for key in one.parts if key not in hidden)
    left = numbers[one.total].value - known
    secret = [key for key in unknown if numbers[key].is_small or numbers[key].printed]
    if all(_vague(key, unknown, numbers, left) for key in secret):
        return None
    visible = [key for key in one.parts if key not in hidden and numbers[key].value]
    # Beside one that is so large, what is small may be any of its values: that ends it at once.
    enough = FEW_PEOPLE + SPREAD - 1
    return min(visible, key=lambda key: (numbers[key].value < enough, numbers[key].value), default=one.total)


def _vague(key: K, unknown: Iterable[K], numbers: Mapping[K, Number], left: int) -> bool:
    """Whether what is left of a sum still lets this number be any of enough values."""
    others = [_possible(numbers[other]) for other in unknown if other != key]
    low, high = _possible(numbers[key])
    low = max(low, left - sum(most for _, most in others))
    high = min(high, left - sum(least for least, _ in others))
    return high - low >= SPREAD - 1


def _possible(number: Number) -> tuple[float, float]:
    """What a reader knows of a number that is hidden. What is not printed may be anything."""
    if number.is_small:
        return (1, SPREAD) if number.counts_people else (1, NO_END)
    return (FEW_PEOPLE, NO_END) if number.printed else (0, NO_END)
