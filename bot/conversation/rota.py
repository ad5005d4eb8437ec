"""值班: who is on duty and when; and how whoever leads puts somebody on or takes somebody off."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import groupby

from app.clock import local, wall
from app.duty import arranging
from app.duty import service as duty
from app.duty.changes import Obstacle
from app.duty.rota import present
from app.people import service as people
from app.people.models import House, Person, Role
from app.people.scope import Scope
from bot.conversation import swaps
from bot.conversation.colleagues import houses_in, served_by, who_and_when
from bot.conversation.orders import StaffCommand
from bot.conversation.talk import Talk
from bot.conversation.when import When
from bot.wording.moments import date_words, hours_words, moment_words, span_words, weekday_words

A_DAY = timedelta(days=1)
DAYS_SHOWN = 14
LONGEST = 550  # characters; WeChat takes 2 048 bytes


async def rota(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """值班: who is there now and in the next days. With a name and hours, a supervisor puts somebody on."""
    if command.rest:
        return await _put_on(talk, command, scope)
    said: list[str] = []
    for house in await houses_in(talk, scope):
        whole = await _plan_of(talk, house, named=len(scope.houses) > 1)
        brief = whole.split("\n", 1)[0]
        said.append(whole if sum(map(len, said)) + len(whole) <= LONGEST else brief)
    for house_code, years in (await duty.unknown_years(talk.session, talk.now, DAYS_SHOWN * A_DAY)).items():
        if house_code == talk.at_house().code:
            said.append(talk.say("rota.unknown_year", year=years[0]))
    asked = await swaps.asked(talk)
    return "\n\n".join([*said, asked] if asked else said)


async def _plan_of(talk: Talk, house: House, *, named: bool) -> str:
    today = local(talk.now, house.zone).date()
    begins = wall(today - A_DAY, time(), house.zone)
    shifts = await duty.plan(talk.session, house, begins, wall(today + DAYS_SHOWN * A_DAY, time(), house.zone))
    names = {number: (await people.person(talk.session, number)).name for number in {s.person_id for s in shifts}}
    now = present(shifts, talk.now)
    until = [s.ends_at for s in shifts if s.person_id in now and s.starts_at <= talk.now < s.ends_at]
    head = talk.say(
        "rota.now" if now else "rota.nobody_now", house=house.name, names="、".join(names[number] for number in now),
        until=moment_words(min(until), talk.now, house.zone) if until else "",
    )  # fmt: skip
    lines = [
        talk.say("rota.line", days=_days(run), who=who or talk.say("rota.nobody"))
        for run, who in _runs({
            day: "、".join(f"{names[s.person_id]} {hours_words(s.starts_at, s.ends_at, house.zone)}" for s in shifts
                          if local(s.starts_at, house.zone).date() == day)
            for day in (today + n * A_DAY for n in range(DAYS_SHOWN))
        })
    ]  # fmt: skip
    return "\n".join([*([f"{house.name}　{head}"] if named else [head]), *lines])


def _runs(days: dict[date, str]) -> list[tuple[list[date], str]]:
    """Days on which the same holds, one after the other, said once."""
    return [([day for day, _ in run], who) for who, run in groupby(days.items(), key=lambda item: item[1])]


def _days(run: list[date]) -> str:
    first, last = run[0], run[-1]
    if first == last:
        return f"{date_words(first)}{weekday_words(first)}"
    return f"{date_words(first)}至{date_words(last)}"


# A supervisor says who is there


@dataclass(frozen=True)
class _Order:
    """A line of a supervisor: which colleague, when, and the houses in scope that this colleague serves."""

    who: Person
    when: When
    houses: list[House]


async def _ordered(talk: Talk, command: StaffCommand, scope: Scope, how: str) -> _Order | str:
    """What the line orders, or what to say instead."""
    if talk.who().role is not Role.SUPERVISOR:
        return talk.say("rota.only_supervisors")
    meant = await who_and_when(talk, command, scope, how)
    if isinstance(meant, str):
        return meant
    who, when = meant
    return _Order(who, when, await served_by(talk, scope, who))


async def _put_on(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """值班 李红 12月3日 09:00-12:00"""
    order = await _ordered(talk, command, scope, "rota.how_on")
    if isinstance(order, str):
        return order
    who, when, houses = order.who, order.when, order.houses
    if when.hours is None or when.other is not None:
        return talk.say("rota.how_on")
    if not houses:
        return talk.say("staff.no_such_colleague", name=when.name)
    made = await arranging.put_on(talk.session, houses, who, when.day, when.hours, by=talk.who(), now=talk.now)
    if isinstance(made, Obstacle):
        return talk.say("rota.over")
    return talk.say("rota.put_on", name=who.name, when=span_words(made[0].starts_at, made[0].ends_at, houses[0].zone))


async def not_on(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """不值班 李红 12月3日: all of that day's shifts; with a second day, until then; with hours, only those."""
    order = await _ordered(talk, command, scope, "rota.how_off")
    if isinstance(order, str):
        return order
    who, when = order.who, order.when
    if when.other is not None and (when.hours is not None or when.other < when.day):
        return talk.say("rota.how_off")
    off = await arranging.take_off(
        talk.session, order.houses, who, when.day, last=when.other, hours=when.hours, by=talk.who(), now=talk.now
    )
    if isinstance(off, Obstacle):
        return talk.say("rota.no_shift_of", name=who.name, when=_away_words(when))
    if off.alone:
        house, shift = off.alone[0]
        empty = span_words(shift.starts_at, shift.ends_at, house.zone)
        return talk.say("rota.taken_off_alone", name=who.name, when=_away_words(when), empty=empty)
    return talk.say("rota.taken_off", name=who.name, when=_away_words(when))


def _away_words(when: When) -> str:
    words = date_words(when.day)
    if when.other is not None:
        return f"{words}至{date_words(when.other)}"
    return f"{words} {when.hours[0]:%H:%M}-{when.hours[1]:%H:%M}" if when.hours else words
