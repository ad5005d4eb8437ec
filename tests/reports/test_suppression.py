"""What leaves the house says nothing about fewer than five people, not even to somebody who subtracts."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.suppression import Number, Shown, Sum, suppress

A, B, C, D, ALL = "A", "B", "C", "D", "all"


def printed(**people: int) -> dict[str, str]:
    """A column of houses and their total, as it is printed."""
    numbers = {name: Number(n, n) for name, n in people.items()}
    numbers[ALL] = Number(sum(people.values()), sum(people.values()))
    how = suppress(numbers, [Sum(ALL, tuple(people))])
    return {
        name: {Shown.AS_IT_IS: str(numbers[name].value), Shown.FEW: "<5", Shown.KEPT: "—"}[how[name]] for name in how
    }


def test_from_five_people_on_everything_is_told() -> None:
    assert printed(A=5, B=19, C=0) == {A: "5", B: "19", C: "0", ALL: "24"}


def test_one_house_with_few_people_would_be_the_total_less_the_others_so_a_second_is_kept_back() -> None:
    assert printed(A=2, B=12, C=30) == {A: "<5", B: "—", C: "30", ALL: "44"}


def test_where_the_second_is_too_small_to_hide_behind_a_third_is_kept_back() -> None:
    """B 至少 5 个人，A 和 B 一共 7 个，A 就只能是 1 或 2。"""
    assert printed(A=2, B=5, C=7) == {A: "<5", B: "—", C: "—", ALL: "14"}


def test_two_with_one_each_would_be_known_from_their_sum() -> None:
    assert printed(A=1, B=1, C=40) == {A: "<5", B: "<5", C: "—", ALL: "42"}


def test_two_that_may_be_anything_from_one_to_four_hide_each_other() -> None:
    assert printed(A=2, B=3, C=40) == {A: "<5", B: "<5", C: "40", ALL: "45"}


def test_where_nothing_else_can_be_kept_back_the_total_is() -> None:
    assert printed(A=3, B=0) == {A: "<5", B: "0", ALL: "<5"}
    assert printed(A=3, B=5) == {A: "<5", B: "—", ALL: "—"}


def test_of_twenty_who_were_asked_nineteen_answered_says_something_about_one() -> None:
    """没有打印出来的“没回答 1 个人”，两个数一减就有了。"""
    numbers = {"asked": Number(20, 20), "answered": Number(19, 19), "rest": Number(1, 1, printed=False)}
    how = suppress(numbers, [Sum("asked", ("answered", "rest"))])
    assert (how["asked"], how["answered"]) == (Shown.AS_IT_IS, Shown.KEPT)
    everybody = {"asked": Number(20, 20), "answered": Number(20, 20), "rest": Number(0, 0, printed=False)}
    assert set(suppress(everybody, [Sum("asked", ("answered", "rest"))]).values()) == {Shown.AS_IT_IS}


def test_how_often_is_hidden_with_how_many() -> None:
    """三个人来了九次：九次也只说明三个人。"""
    assert suppress({A: Number(9, 3)}, [])[A] is Shown.FEW


def test_what_is_not_about_people_is_always_told() -> None:
    assert suppress({A: Number(1, None)}, [])[A] is Shown.AS_IT_IS


def test_what_one_sum_keeps_back_another_does_not_give_away() -> None:
    """A 只有 2 个人，B 陪着不说；B 又等于它的两个组相加，组也就不能都说。"""
    numbers = {
        A: Number(2, 2), B: Number(12, 12), C: Number(30, 30), ALL: Number(44, 44), "b1": Number(3, 3),
        "b2": Number(9, 9),
    }  # fmt: skip
    how = suppress(numbers, [Sum(B, ("b1", "b2")), Sum(ALL, (A, B, C))])
    assert (how[B], how["b1"]) == (Shown.KEPT, Shown.FEW)


def test_a_total_that_was_kept_back_is_not_given_away_by_the_sum_that_it_is_part_of() -> None:
    """A 3 个人、B 5 个人，合计 8 不能说；全项目 48 减去另一个区的 40，也不能得出 8。"""
    numbers = {A: Number(3, 3), B: Number(5, 5), ALL: Number(8, 8), C: Number(40, 40), "whole": Number(48, 48)}
    how = suppress(numbers, [Sum(ALL, (A, B)), Sum("whole", (ALL, C))])
    assert how[ALL] is Shown.KEPT
    assert Shown.KEPT in (how[C], how["whole"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_in_which_sums_are_looked_at_leaves_no_hole(order: tuple[int, int]) -> None:
    numbers = {A: Number(2, 2), B: Number(40, 40), ALL: Number(42, 42), C: Number(50, 50), "whole": Number(92, 92)}
    sums = [Sum(ALL, (A, B)), Sum("whole", (ALL, C))]
    how = suppress(numbers, [sums[n] for n in order])
    assert how[A] is Shown.FEW
    assert Shown.KEPT in (how[B], how[ALL])


@given(st.lists(st.integers(0, 12), min_size=2, max_size=4))
def test_whoever_tries_every_table_that_would_print_the_same_finds_no_small_number(people: list[int]) -> None:
    """把印出来一样的表全试一遍：每个 <5 的格子，都还可能是 1、2、3、4 里的任何一个。"""
    names = [A, B, C, D][: len(people)]
    seen = printed(**dict(zip(names, people, strict=True)))
    total = seen[ALL]
    ranges = [
        {"<5": range(1, 5), "—": range(5, 60)}.get(seen[name], [int(seen[name]) if seen[name].isdigit() else 0])
        for name in names
    ]
    possible = [one for one in product(*ranges) if not total.isdigit() or sum(one) == int(total)]
    for n, name in enumerate(names):
        if seen[name] == "<5":
            assert {one[n] for one in possible} == {1, 2, 3, 4}
