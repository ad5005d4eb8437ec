"""The tick list as a machine: any order of ticks, repeats and old forms loses nothing that was ticked."""

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.activities.machine import Answer, Hears, Invited, Tick, hears, tick

PEOPLE = st.integers(0, 3)


@dataclass
class Marks:
    """What a table of marks does with `tick`: each new mark has a higher number, and the last one counts."""

    last: dict[int, tuple[int, bool]] = field(default_factory=dict)
    made: int = 0

    def tick(self, person: int, shown: int) -> Tick:
        number, live = self.last.get(person, (None, False))
        result = tick(number, live=live, shown=shown)
        if result is Tick.TICKED:
            self.made += 1
            self.last[person] = (self.made, True)
        return result


class List(RuleBasedStateMachine):
    """Forms are fetched, sent, and sent again later; marks are taken back in between."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = Marks()
        self.forms: list[dict[int, int]] = [self._as_shown()]
        self.sent: list[tuple[int, frozenset[int]]] = []
        self.there: set[int] = set()

    @rule()
    def a_form_is_fetched(self) -> None:
        self.forms.append(self._as_shown())

    def _as_shown(self) -> dict[int, int]:
        """Who can be ticked on a list of this moment: whoever is there stands below it, without a box."""
        marks = {person: self.marks.last.get(person, (0, False)) for person in range(4)}
        return {person: number for person, (number, live) in marks.items() if not live}

    @rule(back=st.integers(0, 5), people=st.frozensets(PEOPLE, min_size=1))
    def a_form_is_sent(self, back: int, people: frozenset[int]) -> None:
        self._send(max(0, len(self.forms) - 1 - back), people)

    @rule(which=st.integers(0, 50))
    def one_is_sent_again(self, which: int) -> None:
        if self.sent:
            before = set(self.there)
            self._send(*self.sent[which % len(self.sent)], again=True)
            assert self.there == before, "a form that was sent again changed something"

    def _send(self, form: int, people: frozenset[int], *, again: bool = False) -> None:
        shown = self.forms[form]
        people = people & shown.keys()
        fresh = [person for person in people if shown[person] == self.marks.last.get(person, (0, False))[0]]
        for person in people:
            result = self.marks.tick(person, shown[person])
            if result is Tick.TICKED:
                self.there.add(person)
        assert self.there.issuperset(fresh), "somebody was ticked on a list of today and is not there"
        if not again:
            self.sent.append((form, people))

    @rule(person=PEOPLE)
    def a_mark_is_taken_back(self, person: int) -> None:
        number, live = self.marks.last.get(person, (0, False))
        if live:
            self.marks.last[person] = (number, False)
            self.there.discard(person)

    @invariant()
    def who_was_ticked_and_not_taken_back_is_there(self) -> None:
        assert {person for person, (_number, live) in self.marks.last.items() if live} == self.there


TestList = List.TestCase


def test_what_somebody_hears_of_a_change() -> None:
    def heard(answer: Answer | None, *, wants: bool = True, in_time: bool = True, again: bool = False) -> Hears:
        return hears(Invited(answer, wants, in_time), again=again)

    assert heard(None) is heard(Answer.GOING) is heard(Answer.UNDECIDED) is Hears.TOLD
    assert heard(Answer.NOT_GOING) is Hears.SAID_NO
    assert heard(Answer.NOT_GOING, again=True) is Hears.TOLD
    assert heard(Answer.GOING, in_time=False) is Hears.CALLED
    assert heard(Answer.GOING, wants=False, in_time=False) is Hears.STOPPED
    assert heard(Answer.NOT_GOING, in_time=False, wants=False) is Hears.SAID_NO
