"""What people of the staff say themselves, and what staff hear of what colleagues looked at."""

from app.people import service as people
from app.people.models import GlassBroken
from bot.notices.letter import CUSTOMER, MAIL, SMS, TEMPLATE, WECOM, Card, CardKind, Desk, Dropped, Letter, notice
from bot.wording.moments import card_time


@notice("spoken", disturbs=False, rungs=(CUSTOMER,), call_if_lost=True)
async def spoken(desk: Desk) -> Letter:
    """A word of a person, under their name: by text only, inside a window that is open. A card would say it is urgent.

    It says itself once: whether it arrived when a process died is not known, and whoever said it can see that.
    """
    by = (await people.person(desk.session, desk.subject_id)).name
    said = desk.row.params.get("text") or desk.say(f"phrases.{desk.row.params['phrase']}", by=by)
    return Letter(desk.say("talking.signed", by=by, said=said), repeatable=False)


@notice("glass_broken", disturbs=False, rungs=(WECOM, CUSTOMER, TEMPLATE, SMS, MAIL))
async def glass_broken(desk: Desk) -> Letter:
    """To whoever leads, at once. Neither who was looked at nor why stands in it: that is read behind the sign-in."""
    broken = await desk.session.get(GlassBroken, desk.subject_id)
    if broken is None or broken.cleared_at is not None:
        raise Dropped("cleared")
    by = (await people.person(desk.session, broken.by_id)).name
    link = desk.links.console(f"glass/{broken.id}")
    fields = {
        "code": f"G-{broken.id:04d}",
        "kind": desk.say("card.task_kind"),
        "time": card_time(broken.until, desk.zone),
        "note": desk.say("card.duty_open"),
    }
    return Letter(desk.say("notice.glass_broken", by=by, link=link), Card(CardKind.DUTY, fields, url=link))
