"""The lines of the monthly report, as data: what is counted, in what unit, and of what it is a part."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """The tables of the report; not everybody sees all of them."""

    PEOPLE = "people"
    ACTIVITIES = "activities"
    MESSAGES = "messages"
    MOOD = "mood"
    CASES = "cases"


class By(StrEnum):
    """What a rate divides: 人数, or 人次."""

    PEOPLE = "people"
    TIMES = "times"


@dataclass(frozen=True)
class Count:
    """人数 and how often. `unit` names how often (None: only people are counted); `standing`: as it is now."""

    key: str
    unit: str | None = "times"
    standing: bool = False


@dataclass(frozen=True)
class Plain:
    """So many, and nobody behind it."""

    key: str
    unit: str


@dataclass(frozen=True)
class Rate:
    """`part` of `whole`. `mean`: whole is a plain number, and it is so many of the part to each."""

    key: str
    part: str
    whole: str
    by: By = By.PEOPLE
    mean: bool = False
    standing: bool = False


Line = Count | Plain | Rate
LEVELS = ("red", "orange", "yellow")
STEPS = ("alerted", "taken", "contacted")
ENDINGS = ("called", "met", "family", "referred", "false_alarm")

LINES: dict[Part, tuple[Line, ...]] = {
    Part.PEOPLE: (
        Count("registered", None, standing=True),
        Count("joined", None),
        Count("joined_new", None),
        Count("left", None),
        Count("served", None),
        Rate("served_of_registered", "served", "registered", standing=True),
    ),
    Part.ACTIVITIES: (
        Plain("held", "activities"),
        Plain("called_off", "activities"),
        Count("asked"),
        Count("going"),
        Count("not_going"),
        Count("undecided"),
        Count("silent"),
        Count("attended"),
        Count("first_time", None),
        Count("walk_in"),
        Rate("came_of_going", "came", "going", By.TIMES),
        Rate("attended_of_joined", "attended", "joined"),
        Rate("attended_each", "attended", "held", By.TIMES, mean=True),
    ),
    Part.MESSAGES: (Count("wrote", "messages"), Count("told", "messages"), Count("untold", "messages")),
    Part.MOOD: (
        Count("mood_due"),
        Count("mood_deliverable"),
        Count("mood_answered"),
        Count("mood_late"),
        Count("mood_unasked"),
        Rate("mood_answered_of_deliverable", "mood_answered", "mood_deliverable", By.TIMES),
        Rate("mood_deliverable_of_due", "mood_deliverable", "mood_due", By.TIMES),
    ),
    Part.CASES: (
        *(Count(level, "cases") for level in LEVELS),
        *(Rate(f"{level}_within", f"{level}_within", f"{level}_decided", By.TIMES) for level in LEVELS),
        Count("untaken", "cases"),
        Count("ended", "cases"),
        *(Count(f"ended_{ending}", "cases") for ending in ENDINGS),
        Rate("false_of_ended", "ended_false_alarm", "ended", By.TIMES),
        Count("referred"),
        Count("contact_due"),
        Rate("contact_made", "contact_made", "contact_due", By.TIMES),
        Plain("drills", "drills"),
    ),
}

# What each house is shown with, beside the others: (count, by).
HOUSES: dict[Part, tuple[tuple[str, By], ...]] = {
    Part.PEOPLE: (("registered", By.PEOPLE), ("joined", By.PEOPLE), ("served", By.PEOPLE)),
    Part.ACTIVITIES: (("held", By.TIMES), ("attended", By.PEOPLE), ("attended", By.TIMES)),
    Part.MESSAGES: (("wrote", By.PEOPLE),),
    Part.MOOD: (("mood_answered", By.TIMES),),
    Part.CASES: (*((level, By.TIMES) for level in LEVELS),),
}

# What is a part of what, beyond the rates: together with the rest, each of these is a sum.
PARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "asked": (("going", "not_going", "undecided", "silent"),),
    "attended": (("walk_in",), ("first_time",)),
    "joined": (("joined_new",), ("left",)),
    "registered": (("joined",),),
    "mood_deliverable": (("mood_answered", "mood_late"),),
    "ended": (tuple(f"ended_{ending}" for ending in ENDINGS),),
    **{level: tuple((f"{level}_{step}",) for step in (*STEPS, "decided")) for level in LEVELS},
}
