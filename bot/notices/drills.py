"""How a drill went, in words: for those who lead, for the page behind the link, and for the command."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.clock import local
from app.db import ident
from app.escalations import drill_report
from app.escalations.drill_report import Answer, Called, DrillReport, Fate, Ring
from app.escalations.models import CaseRow
from bot.notices.cases import TO_STAFF
from bot.notices.letter import Card, CardKind, Desk, Dropped, Letter, notice
from bot.wording.moments import card_time, date_words

Say = Callable[..., str]


@notice("drill_report", rungs=TO_STAFF)
async def over(desk: Desk) -> Letter:
    """To those who lead: that it is over, and who took it. Who did not answer stands behind the link."""
    row = await desk.session.get(CaseRow, desk.subject_id)
    if row is None:
        raise Dropped("no case")
    found = await drill_report.report(desk.session, row)
    link = desk.links.drill(ident(row), desk.who().id, desk.now)
    fields = {
        "code": row.code,
        "kind": desk.say("card.duty_drill_over"),
        "time": card_time(desk.now, desk.zone),
        "note": desk.say("card.duty_open"),
    }
    text = desk.say("drill.told", code=row.code, how=how_it_went(found, desk.say), link=link)
    return Letter(text, Card(CardKind.DUTY, fields, url=link))


def lines(found: DrillReport, house: str, say: Say, zone: str) -> list[str]:
    """The whole report: when, how it went, then everybody in the order in which they were called."""
    began = local(found.began_at, zone)
    said = [say("drill.head", code=found.code, house=house, on=date_words(began.date()), at=f"{began:%H:%M}")]
    said.append(how_it_went(found, say))
    if found.first_alert_after is not None:
        said.append(say("drill.first", span=span_words(found.first_alert_after, say)))
    step = 0
    for one in found.called:
        if one.rings and one.rings[0].step != step:
            step = one.rings[0].step
            said.append(say("drill.step", n=step))
        said.append(line(one, found, say, zone))
    if (
        found.taken_by is not None
        and found.taken_at is not None
        and all(one.answer is not Answer.TOOK for one in found.called)
    ):
        said.append(say("drill.took_uncalled", who=found.taken_by, at=_at(found.taken_at, zone)))
    said += [say("drill.no_way", who=name) for name in found.unreachable]
    return said


def how_it_went(found: DrillReport, say: Say) -> str:
    """Who took it and after how long, or that nobody did."""
    if found.called_off:
        return say(f"drill.off_{found.called_off}")
    if found.taken_by is not None and found.taken_after is not None:
        return say("drill.taken", who=found.taken_by, span=span_words(found.taken_after, say))
    if found.ended_at is None:
        return say("drill.goes_on")
    return say("drill.not_taken", n=len(found.called), span=span_words(found.ended_at - found.began_at, say))


def line(one: Called, found: DrillReport, say: Say, zone: str) -> str:
    """`14:03 王乐 微信卡片 送到，14:05 接手`, or `李红 没有回应（14:13 企业微信 发出）`."""
    told = [(_at(ring.sent_at or ring.queued_at, zone), ring_words(ring, say)) for ring in one.rings]
    if one.answer is Answer.TOOK and found.taken_at is not None and told:
        (at, way), *more = told
        ways = say("drill.and").join([way, *(" ".join(ring) for ring in more)])
        return say("drill.took", at=at, who=one.name, ways=ways, taken=_at(found.taken_at, zone))
    ways = say("drill.and").join(" ".join(ring) for ring in told)
    return say(f"drill.did_{one.answer}", who=one.name, ways=ways)


def ring_words(ring: Ring, say: Say) -> str:
    """By what, and what is known of it."""
    if ring.rung is None:
        return say("drill.waits" if ring.fate is Fate.WAITING else "drill.no_rung")
    return f"{say(f'drill.by_{ring.rung}')} {say(f'drill.is_{ring.fate}')}"


def span_words(span: timedelta, say: Say) -> str:
    """In seconds below a minute and a half, then in minutes."""
    seconds = round(span.total_seconds())
    return say("drill.seconds", n=seconds) if seconds < 90 else say("drill.minutes", n=round(seconds / 60))


def _at(moment: datetime, zone: str) -> str:
    return f"{local(moment, zone):%H:%M}"
