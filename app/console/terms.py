"""What a form says of an activity: its name, when, how long, where. What is wrong is answered by one sentence."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from app.clock import wall
from app.console.desk import Wrong
from app.loading.weekly import read_time
from app.pages.posting import whole
from app.people.models import House
from bot.discretion import banned

TITLE, VENUE = 20, 60  # characters; a card shows no more of a title
SHORTEST, LONGEST = 10, 720  # minutes


@dataclass(frozen=True)
class Terms:
    title: str
    day: date
    at: time
    minutes: int
    venue: str
    starts_at: datetime


def read(form: Mapping[str, str], house: House, now: datetime, *, named: str = "") -> Terms:
    """Wrong: something is missing, cannot be read, or lies in the past. `named`: it has its title already."""
    named = named or title(form.get("title", ""))
    on, at = day(form.get("day", "")), _time(form.get("at", ""))
    starts_at = wall(on, at, house.zone)
    if starts_at <= now:
        raise Wrong("console_meetings.past")
    return Terms(named, on, at, _minutes(form.get("minutes", "")), venue(form.get("venue", "")), starts_at)


def title(text: str) -> str:
    named = " ".join(text.split())
    if not named:
        raise Wrong("console_meetings.no_title")
    if len(named) > TITLE:
        raise Wrong("console_meetings.long_title")
    if banned(named):
        raise Wrong("console_meetings.indiscreet_title")
    return named


def venue(text: str) -> str:
    place = " ".join(text.split())
    if not place:
        raise Wrong("console_meetings.no_venue")
    if len(place) > VENUE:
        raise Wrong("console_meetings.long_venue")
    if banned(place):
        raise Wrong("console_meetings.indiscreet_venue")
    return place


def day(text: str) -> date:
    try:
        return date.fromisoformat(unicodedata.normalize("NFKC", text).strip())
    except ValueError:
        raise Wrong("console_meetings.no_day") from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(read_time(text))
    except ValueError:
        raise Wrong("console_meetings.no_time") from None


def _minutes(text: str) -> int:
    minutes = whole(unicodedata.normalize("NFKC", text).strip(), 4)
    if minutes is None or not SHORTEST <= minutes <= LONGEST:
        raise Wrong("console_meetings.no_minutes")
    return minutes
