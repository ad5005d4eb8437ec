"""Alerts and what follows them. Nothing here may name a person or repeat a word: it lights up a lock screen."""

from dataclasses import replace
from datetime import datetime, timedelta

from app.clock import local
from app.db import ident
from app.escalations import aftercare
from app.escalations import service as escalations
from app.escalations.ladders import read_ladder
from app.escalations.models import CaseRow
from app.escalations.states import Level, State
from app.messages import questions
from app.people import service as people
from app.tasks.models import Task
from bot.conversation import danger
from bot.notices.letter import (
    CUSTOMER,
    MAIL,
    ROBOT,
    SMS,
    TEMPLATE,
    WECOM,
    Ask,
    Button,
    Card,
    CardKind,
    Desk,
    Dropped,
    Letter,
    notice,
)
from bot.wording.moments import card_time, moment_words

FOLLOW_UP = ("follow_up_kind", "follow_up_note")
TO_STAFF = (WECOM, CUSTOMER, TEMPLATE, MAIL)
SAID_OF_WHAT_IS_OVER = ("taken", "handed_over", "drill_over", "drill_off")
SENTENCES = {Level.RED: "notice.alert", Level.ORANGE: "notice.alert_day"}


async def _case(desk: Desk) -> CaseRow:
    row = await desk.session.get(CaseRow, desk.subject_id)
    if row is None:
        raise Dropped("no case")
    return row


def _link(desk: Desk, row: CaseRow) -> str:
    return desk.links.case(ident(row), desk.who().id, desk.now)


def _card(desk: Desk, row: CaseRow, by: datetime, kind: str = "duty_kind", note: str = "duty_note") -> Card:
    fields = {
        "code": row.code,
        "kind": desk.say("card.duty_drill" if row.drill else f"card.{kind}"),
        "time": card_time(by, desk.zone),
        "note": desk.say("card.duty_note_drill" if row.drill else f"card.{note}"),
    }
    mark = desk.say("card.duty_drill") if row.drill else ""
    return Card(CardKind.DUTY, fields, url=_link(desk, row), mark=mark)


def _until(row: CaseRow) -> datetime:
    """By when somebody has to have spoken to them, counted from when it became as urgent as it is."""
    return (row.level_since or row.opened_at) + read_ladder(row.ladder).contact_within


def _practised(desk: Desk, row: CaseRow, text: str) -> str:
    return desk.say("notice.drill", text=text) if row.drill else text


@notice("case_alert", disturbs=False, rungs=(WECOM, TEMPLATE, CUSTOMER, SMS, MAIL))
async def alert(desk: Desk) -> Letter:
    """The card comes first: it has a receipt, and it repeats without doubling (client_msg_id)."""
    row = await _case(desk)
    if row.state is State.RESOLVED:
        raise Dropped("resolved")
    if row.owner_id is not None and row.version != desk.row.params["version"]:
        raise Dropped("taken")
    by = _until(row)
    sentence = "notice.alert_late" if row.level is Level.RED and by < desk.now else SENTENCES[row.level]
    text = _practised(desk, row, desk.say(sentence, code=row.code, by=f"{local(by, desk.zone):%H:%M}"))
    take = Button(f"take:{ident(row)}:{desk.row.params.get('seq', 0)}", desk.say("card.take"))
    return Letter(text, replace(_card(desk, row, by), button=take))


@notice("case_group", disturbs=False, rungs=(ROBOT,))
async def to_the_group(desk: Desk) -> Letter:
    """For the group of a house in WeCom: that something has to be done until when, and nothing else."""
    row = await _case(desk)
    if row.state is not State.OPEN:
        raise Dropped("taken")
    by = _until(row)
    sentence = "notice.group_late" if by < desk.now else "notice.group"
    text = desk.say(sentence, code=row.code, by=f"{local(by, desk.zone):%H:%M}")
    return Letter(_practised(desk, row, text))


@notice("case_week", rungs=TO_STAFF)
async def this_week(desk: Desk) -> Letter:
    """The morning's message about everything that can wait for this week, all in one."""
    waiting = await escalations.to_take_this_week(desk.session, desk.who().id)
    if not waiting:
        raise Dropped("taken")
    codes = "、".join(row.code for row in waiting)
    return Letter(desk.say("notice.alert_week", codes=codes), _card(desk, waiting[0], desk.now + timedelta(days=7)))


@notice("case_note", disturbs=False, rungs=(WECOM, CUSTOMER, TEMPLATE, SMS, MAIL))
@notice("case_reminder", rungs=TO_STAFF)
async def note(desk: Desk) -> Letter:
    """Something happened to a case that this member of staff has, had, or was asked to take."""
    row = await _case(desk)
    what: str = desk.row.params["what"].split("-")[0]
    if row.state is State.RESOLVED and what not in SAID_OF_WHAT_IS_OVER:
        raise Dropped("resolved")
    owner_id = desk.row.params.get("owner") or row.owner_id
    owner = (await people.person(desk.session, owner_id)).name if owner_id else ""
    text = desk.say(f"notice.{what}", code=row.code, owner=owner, link=_link(desk, row))
    # For the others, hearing late that somebody has it is no harm; a card for it would be noise.
    card = None if what in ("taken", "joined", "drill_over") else _card(desk, row, desk.now + timedelta(minutes=30))
    return Letter(_practised(desk, row, text), card)


@notice("case_taken", disturbs=False, rungs=(CUSTOMER,), rides=True)
async def taken(desk: Desk) -> Letter:
    """To the member: who has read it and when they will call. Only as a text: a card would say too much."""
    row = await _case(desk)
    if row.state is State.RESOLVED or row.owner_id is None or row.owner_id != desk.row.params["owner"]:
        raise Dropped("changed hands")
    by = datetime.fromisoformat(desk.row.params["by"])
    if by <= desk.now:
        raise Dropped("too late to promise")
    owner = await people.person(desk.session, row.owner_id)
    asked = await questions.last_put(desk.session, desk.who().id, "safe")
    desk.speaks = asked.data.get("locale") if asked else None
    if not desk.who().phone:
        return Letter(desk.say("red.taken_no_phone", owner=owner.name))
    return Letter(desk.say("red.taken", owner=owner.name, by=moment_words(by, desk.now, desk.zone, desk.words.locale)))


@notice("danger_reply", disturbs=False, rungs=(CUSTOMER,))
async def danger_reply(desk: Desk) -> Letter:
    """To the member: what is said at once to whoever is read as red, when it was somebody else who saw the danger.

    Only as a text, inside a window that is open anyway; not once somebody has it in hand, who says so themselves.
    """
    row = await _case(desk)
    if row.state is not State.OPEN:
        raise Dropped("in hand")
    spoken = {"locale": desk.row.params["locale"]}  # what is asked later is asked in the same language
    asks = Ask(danger.TOPIC, danger.ASKED_FOR, data=spoken) if desk.row.params["asks"] else None
    return Letter(desk.row.params["text"], ask=asks)


@notice("case_follow_up", rungs=TO_STAFF)
async def follow_up(desk: Desk) -> Letter:
    """The day that was agreed when the case was closed has come, or is over."""
    row = await _case(desk)
    if await aftercare.waiting_for(desk.session, row) is None:
        raise Dropped("done")
    return Letter(desk.say("notice.follow_up", code=row.code), _card(desk, row, desk.now, *FOLLOW_UP))


@notice("case_missed", rungs=TO_STAFF)
async def missed(desk: Desk) -> Letter:
    """To whoever leads: what was agreed has not been done."""
    row = await _case(desk)
    waiting = await aftercare.waiting_for(desk.session, row)
    if waiting is None:
        raise Dropped("done")
    owner = await people.person(desk.session, waiting.owner_id)
    card = _card(desk, row, desk.now, "follow_up_kind", "duty_open")
    return Letter(desk.say("notice.missed", code=row.code, owner=owner.name), card)


@notice("debrief", rungs=TO_STAFF)
async def debrief(desk: Desk) -> Letter:
    """A day after: one question to whoever answered for it."""
    row = await _case(desk)
    ask = Ask("debrief", timedelta(days=3), row.id)
    card = _card(desk, row, desk.now, "debrief_kind", "debrief_note")
    return Letter(desk.say("notice.debrief", code=row.code), card, ask=ask)


@notice("task", rungs=TO_STAFF, rides=True)
async def task(desk: Desk) -> Letter:
    row = await desk.session.get(Task, desk.subject_id)
    if row is None or row.done_at is not None:
        raise Dropped("done")
    link = desk.links.tasks(desk.who().id, desk.now)
    fields = {
        "code": f"T-{row.id:04d}",
        "kind": desk.say("card.task_kind"),
        "time": card_time(desk.now, desk.zone),
        "note": desk.say("card.duty_open"),
    }
    return Letter(desk.say("notice.task", link=link), Card(CardKind.DUTY, fields, url=link))


@notice("stopped", rungs=TO_STAFF, rides=True)
async def stopped(desk: Desk) -> Letter:
    return Letter(desk.say("notice.stopped"))
