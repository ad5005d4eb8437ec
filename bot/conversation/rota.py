"""值班: who is on duty and when; and how whoever leads puts somebody on or takes somebody off."""

from datetime import date, datetime, time, timedelta
from itertools import groupby

from app.clock import local, wall
from app.db import ident
from app.duty import changes
from app.duty import service as duty
from app.duty.models import Change
from app.duty.rota import present
from app.messages import service as messages
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


async def _put_on(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """值班 李红 12月3日 09:00-12:00"""
    if talk.who().role is not Role.SUPERVISOR:
        return talk.say("rota.only_supervisors")
    meant = await who_and_when(talk, command, scope, "rota.how_on")
    if isinstance(meant, str):
        return meant
    who, when = meant
    if when.hours is None or when.other is not None:
        return talk.say("rota.how_on")
    houses = await served_by(talk, scope, who)
    spans = [(house, *_span(when.day, when.hours, house.zone)) for house in houses]
    if not spans:
        return talk.say("staff.no_such_colleague", name=when.name)
    if any(ends <= talk.now for _, _, ends in spans):
        return talk.say("rota.over")
    made = [
        await changes.put_on(talk.session, house, who, starts, ends, by=talk.who(), now=talk.now)
        for house, starts, ends in spans
    ]
    await _tell(talk, made[0], who)
    return talk.say("rota.put_on", name=who.name, when=span_words(made[0].starts_at, made[0].ends_at, houses[0].zone))


def _span(day: date, hours: tuple[time, time], zone: str) -> tuple[datetime, datetime]:
    starts, ends = hours
    return wall(day, starts, zone), wall(day if starts < ends else day + A_DAY, ends, zone)


async def not_on(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """不值班 李红 12月3日: all of that day's shifts; with a second day, until then; with hours, only those."""
    if talk.who().role is not Role.SUPERVISOR:
        return talk.say("rota.only_supervisors")
    meant = await who_and_when(talk, command, scope, "rota.how_off")
    if isinstance(meant, str):
        return meant
    who, when = meant
    if when.other is not None and (when.hours is not None or when.other < when.day):
        return talk.say("rota.how_off")
    made: list[Change] = []
    alone: list[str] = []
    for house in await served_by(talk, scope, who):
        starts, ends = await _away(talk, house, who, when)
        starts = max(starts, talk.now)  # what has been worked has been worked
        planned = await duty.plan(talk.session, house, starts, ends) if starts < ends else []
        lost = [shift for shift in planned if shift.person_id == who.id]
        if not lost:
            continue
        made.append(await changes.take_off(talk.session, house, who, starts, ends, by=talk.who(), now=talk.now))
        left = await duty.plan(talk.session, house, starts, ends)
        alone += [span_words(s.starts_at, s.ends_at, house.zone) for s in lost if not present(left, s.starts_at)]
    if not made:
        return talk.say("rota.no_shift_of", name=who.name, when=_away_words(when))
    await _tell(talk, made[0], who)
    if alone:
        return talk.say("rota.taken_off_alone", name=who.name, when=_away_words(when), empty=alone[0])
    return talk.say("rota.taken_off", name=who.name, when=_away_words(when))


def _away_words(when: When) -> str:
    words = date_words(when.day)
    if when.other is not None:
        return f"{words}至{date_words(when.other)}"
    return f"{words} {when.hours[0]:%H:%M}-{when.hours[1]:%H:%M}" if when.hours else words


async def _away(talk: Talk, house: House, who: Person, when: When) -> tuple[datetime, datetime]:
    """From when until when somebody is away: the days, and the nights that begin on them, not the one before."""
    if when.hours is not None:
        return _span(when.day, when.hours, house.zone)
    last = when.other or when.day
    starts, ends = wall(when.day, time(), house.zone), wall(last + A_DAY, time(), house.zone)
    around = await duty.plan(talk.session, house, starts - A_DAY, ends + A_DAY)
    mine = [shift for shift in around if shift.person_id == who.id]
    before = [s.ends_at for s in mine if starts - A_DAY < s.starts_at < starts < s.ends_at < starts + A_DAY / 2]
    after = [s.ends_at for s in mine if starts <= s.starts_at < ends < s.ends_at < ends + A_DAY]
    return max([starts, *before]), max([ends, *after])


async def _tell(talk: Talk, change: Change, who: Person) -> None:
    if who.id != talk.who().id:
        await messages.send(
            talk.session, "duty_changed", key=f"duty_changed:{change.id}", to=who, subject_id=ident(change),
            params={"by": ident(talk.who())}, now=talk.now,
        )  # fmt: skip
