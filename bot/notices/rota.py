"""What staff hear of the rota unasked: a swap, a change, the end of a shift. Members never hear of it."""

from datetime import datetime

from app.db import ident
from app.duty import changes
from app.duty.models import Change, ChangeKind, ChangeState
from app.escalations import handing_over
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.messages import questions
from app.messages import service as messages
from app.people import service as people
from bot.conversation import handover, swaps
from bot.notices.cases import TO_STAFF
from bot.notices.letter import Ask, Card, CardKind, Desk, Dropped, Letter, notice
from bot.wording.moments import card_time, moment_words, span_words


async def _change(desk: Desk) -> Change:
    row = await desk.session.get(Change, desk.subject_id)
    if row is None:
        raise Dropped("no change")
    return row


def _card(desk: Desk, code: str, note: str, at: datetime) -> Card:
    fields = {"code": code, "kind": desk.say("card.task_kind"), "time": card_time(at, desk.zone), "note": note}
    return Card(CardKind.DUTY, fields)


@notice("swap_asked", rungs=TO_STAFF)
async def swap_asked(desk: Desk) -> Letter:
    rows = await changes.swap_rows(desk.session, desk.subject_id)
    if not rows or rows[0].state is not ChangeState.PROPOSED or rows[0].starts_at <= desk.now:
        raise Dropped("settled")
    words = await swaps.words_of(desk.session, rows)
    text = desk.say("rota.swap_back" if words["back"] else "rota.swap", **words)
    card = _card(desk, f"R-{rows[0].id:04d}", desk.say("card.rota_note"), rows[0].starts_at)
    return Letter(text, card, Ask(swaps.TOPIC, swaps.answer_within(rows[0], desk.now), ident(rows[0])))


@notice("swap_settled", rungs=TO_STAFF, rides=True)
async def swap_settled(desk: Desk) -> Letter:
    """To whoever asked: what became of it. To whoever was asked: that it was taken back."""
    rows = await changes.swap_rows(desk.session, desk.subject_id)
    if not rows or rows[0].state is ChangeState.PROPOSED:
        raise Dropped("not settled")
    words = await swaps.words_of(desk.session, rows)
    text = {
        ChangeState.AGREED: "rota.told_agreed", ChangeState.DECLINED: "rota.told_declined",
        ChangeState.WITHDRAWN: "rota.told_withdrawn", ChangeState.EXPIRED: "rota.told_expired",
    }[rows[0].state]  # fmt: skip
    card = _card(desk, f"R-{rows[0].id:04d}", desk.say("card.rota_note"), desk.now)
    return Letter(desk.say(text, **words), card)


@notice("duty_changed", rungs=TO_STAFF, rides=True)
async def duty_changed(desk: Desk) -> Letter:
    """Whoever leads has put this person on, taken them off, or undone what was arranged."""
    row = await _change(desk)
    by = (await people.person(desk.session, desk.row.params["by"])).name
    if desk.row.params.get("undone"):
        key = "rota.told_undone"
    else:
        key = "rota.told_on" if row.kind is ChangeKind.THERE else "rota.told_off"
    shift = span_words(row.starts_at, row.ends_at, desk.zone)
    return Letter(
        desk.say(key, by=by, shift=shift), _card(desk, f"R-{row.id:04d}", desk.say("card.rota_note"), desk.now)
    )


async def _still_has(desk: Desk) -> list[CaseRow]:
    mine = await escalations.owned_by(desk.session, await people.person(desk.session, desk.who().id))
    if not mine:
        raise Dropped("nothing left")
    return mine


@notice("shift_over", disturbs=False, rungs=TO_STAFF)
async def shift_over(desk: Desk) -> Letter:
    """您 17:00 下班，还有 2 件没结束，交给谁？ Whoever has them keeps them until the other one takes them."""
    mine = await _still_has(desk)
    heirs = await handing_over.heirs(desk.session, await people.person(desk.session, desk.who().id), mine, desk.now)
    ended = moment_words(datetime.fromisoformat(desk.row.params["ended"]), desk.now, desk.zone).removeprefix("今天 ")
    card = _card(desk, mine[0].code, desk.say("card.handover_note"), desk.now)
    if not heirs:
        return Letter(desk.say("rota.shift_over_alone", ended=ended, n=len(mine)), card)
    text = desk.say("rota.shift_over", ended=ended, n=len(mine), choices=handover.choices(desk.words, heirs))
    return Letter(text, card, Ask(handover.TOPIC, handing_over.ANSWER_WITHIN, data=handover.asked_of(heirs)))


@notice("shift_kept", rungs=TO_STAFF, rides=True)
async def shift_kept(desk: Desk) -> Letter:
    """They did not say to whom; that they still have what they have must be clear to them."""
    mine = [row for row in await _still_has(desk) if row.offered_to_id is None]
    contact = await messages.contact_of(desk.session, desk.who().id)
    ended = datetime.fromisoformat(desk.row.params["ended"])
    if not mine or (contact and await questions.answered_since(desk.session, contact, handover.TOPIC, ended)):
        raise Dropped("answered")
    codes = "、".join(row.code for row in mine)
    return Letter(
        desk.say("rota.still_yours", n=len(mine), codes=codes),
        _card(desk, mine[0].code, desk.say("card.handover_note"), desk.now),
    )
