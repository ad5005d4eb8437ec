"""A ladder that a programme writes down is the one that people are told by, or it is refused in a sentence."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.escalations.ladders import DEFAULTS, LadderError, read_ladder, write_ladder
from app.escalations.states import Ladder, Level, Step, Target

GOOD: dict[str, Any] = {
    "steps": [{"targets": ["assigned", "duty"], "after": 0}, {"targets": ["everyone"], "after": 10}],
    "repeat_every": 10,
    "loops": None,
    "contact_within": 30,
}


def with_(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(GOOD), **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in deepcopy(GOOD).items() if key != name}


def with_step(**step: Any) -> dict[str, Any]:
    return with_(steps=[{"targets": ["assigned"], "after": 0}, step])


def test_a_good_plan_is_read_as_it_is_written() -> None:
    assert read_ladder(GOOD) == Ladder(
        steps=(
            Step((Target.ASSIGNED, Target.DUTY), timedelta()),
            Step((Target.EVERYONE,), timedelta(minutes=10)),
        ),
        repeat_every=timedelta(minutes=10),
        loops=None,
        contact_within=timedelta(minutes=30),
    )


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (without("steps"), "少了 steps"),
        (without("repeat_every"), "少了 repeat_every"),
        (without("contact_within"), "少了 contact_within"),
        (with_step(after=5), "少了 targets"),
        (with_step(targets=["backup"]), "少了 after"),
        ({}, "少了 steps"),
        (with_(steps=[]), "至少要有一步"),
        (with_step(targets=[], after=5), "每一步至少要有一个人"),
        (with_step(targets=["manager"], after=5), "写错了：'manager'"),
        (with_step(targets=None, after=5), "写错了"),
        (with_(steps=None), "写错了"),
        (with_(steps=["assigned"]), "写错了"),
        (with_step(targets=["backup"], after=-1), "写错了：-1 不是分钟数"),
        (with_step(targets=["backup"], after="10"), "写错了：'10' 不是分钟数"),
        (with_step(targets=["backup"], after=True), "写错了：True 不是分钟数"),
        (with_step(targets=["backup"], after=None), "写错了：None 不是分钟数"),
        (with_step(targets=["backup"], after=float("nan")), "写错了"),
        (with_step(targets=["backup"], after=float("inf")), "写错了"),
        (with_step(targets=["backup"], after=10**30), "写错了"),
        (with_(repeat_every=0), "要大于 0 分钟"),
        (with_(contact_within=0), "要大于 0 分钟"),
        (with_(repeat_every="always"), "写错了：'always' 不是分钟数"),
        (with_(loops="twice"), "写错了"),
        (with_(loops=float("inf")), "写错了"),
    ],
    ids=[
        "no steps", "no repeat", "no time to contact", "a step for nobody named", "a step without its time",
        "an empty plan", "an empty list of steps", "a step with an empty list", "somebody who does not exist",
        "no list of people", "no list of steps", "a step that is only a word", "before the step before",
        "a number as text", "yes instead of a number", "nothing instead of a number", "not a number", "for ever",
        "longer than time", "repeats without a pause", "contact within no time", "a word instead of minutes",
        "loops as a word", "endless loops as a number",
    ],
)  # fmt: skip
def test_a_wrong_plan_is_refused_in_a_sentence(plan: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LadderError) as refused:
        read_ladder(plan)
    assert sentence in str(refused.value)


MINUTES = st.integers(0, 60 * 24 * 30)
PLANS = st.fixed_dictionaries(
    {
        "steps": st.lists(
            st.fixed_dictionaries(
                {"targets": st.lists(st.sampled_from([t.value for t in Target]), min_size=1), "after": MINUTES}
            ),
            min_size=1,
        ),
        "repeat_every": MINUTES.filter(bool),
        "loops": st.none() | st.integers(0, 100),
        "contact_within": MINUTES.filter(bool),
    }
)


@given(PLANS)
def test_what_is_written_down_is_read_again_as_the_same(plan: dict[str, Any]) -> None:
    ladder = read_ladder(plan)
    assert write_ladder(ladder) == plan
    assert read_ladder(write_ladder(ladder)) == ladder


@pytest.mark.parametrize("level", Level, ids=lambda level: level.name)
def test_the_ladders_that_a_programme_gets_without_writing_any_are_good(level: Level) -> None:
    ladder = read_ladder(DEFAULTS[level])
    assert write_ladder(ladder) == DEFAULTS[level]
    assert ladder.steps[0].after == timedelta(), "the first ones hear of it at once"


def test_every_level_has_a_ladder_and_only_red_never_ends() -> None:
    assert DEFAULTS.keys() == set(Level)
    assert [level for level in Level if read_ladder(DEFAULTS[level]).loops is None] == [Level.RED]


def test_the_higher_the_level_the_sooner_somebody_must_have_spoken_to_them() -> None:
    within = [read_ladder(DEFAULTS[level]).contact_within for level in sorted(Level, reverse=True)]
    assert within == sorted(within)
    assert within[0] == timedelta(minutes=30)
