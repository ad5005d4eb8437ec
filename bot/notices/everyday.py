"""The rest: how are you, your relative is bound, and an answer that came too late to be a reply."""

from datetime import timedelta

from app.escalations import service as escalations
from app.messages import broadcasts
from app.mood.models import MoodPrompt, PromptState
from app.people import service as people
from app.people.models import Topic
from bot.conversation import mood
from bot.notices.letter import CUSTOMER, Ask, Card, CardKind, Desk, Dropped, Letter, notice
from bot.wording.moments import card_time


@notice("mood", topic=Topic.MOOD, rungs=(CUSTOMER,))
async def ask_mood(desk: Desk) -> Letter:
    """Only inside a window that is open anyway: no card may show on a lock screen that we ask for this."""
    prompt = await desk.session.get(MoodPrompt, desk.subject_id)
    if prompt is None or prompt.state is not PromptState.ASKED:
        raise Dropped("replaced")
    if await escalations.red_case_is_open(desk.session, desk.who().id):
        raise Dropped("open case")
    lasts = max(prompt.expires_at - desk.now, timedelta(minutes=1))
    link = desk.links.mood(desk.who().id, desk.now, prompt.id)
    said = f"{desk.say('mood.ask')}\n{desk.say('mood.open', link=link)}"
    return Letter(said, None, Ask(mood.TOPIC, lasts, prompt.id), repeatable=False)


@notice("family_linked", disturbs=False, rungs=(CUSTOMER,), rides=True)
async def family_linked(desk: Desk) -> Letter:
    return Letter(desk.say("family.told_member"), repeatable=False)


@notice("family_ended", rungs=(CUSTOMER,))
async def family_ended(desk: Desk) -> Letter:
    member = await people.person(desk.session, desk.row.params["member"])
    return Letter(desk.say("family.ended", member=member.known_as), repeatable=False)


@notice("broadcast", topic=Topic.ACTIVITIES)
async def broadcast(desk: Desk) -> Letter:
    """What a house tells everybody. A card shows the beginning; the whole of it is read by asking for it."""
    cast = await desk.sheaf.once(("broadcast", desk.subject_id), lambda: broadcasts.find(desk.session, desk.subject_id))
    if cast is None:
        raise Dropped("no broadcast")
    fields = {
        "title": desk.say("card.title_broadcast"),
        "time": card_time(cast.created_at, desk.zone),
        "place": desk.house.name if desk.house else "",
        "note": desk.say("card.note_broadcast"),
    }
    return Letter(cast.said, Card(CardKind.ACTIVITY, fields), repeatable=False, unsolicited=True)


@notice("text", disturbs=False, rungs=(CUSTOMER,))
async def text(desk: Desk) -> Letter:
    """A reply that was not ready in time, said as a message of its own."""
    return Letter(desk.row.params["text"])
