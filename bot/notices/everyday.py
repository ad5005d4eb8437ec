"""The rest: how are you, your relative is bound, and an answer that came too late to be a reply."""

from datetime import timedelta

from app.escalations import service as escalations
from app.mood.models import MoodPrompt, PromptState
from app.people import service as people
from app.people.models import Topic
from bot.conversation import mood
from bot.notices.letter import CUSTOMER, Ask, Desk, Dropped, Letter, notice


@notice("mood", topic=Topic.MOOD, rungs=(CUSTOMER,))
async def ask_mood(desk: Desk) -> Letter:
    """Only inside a window that is open anyway: no card may show on a lock screen that we ask for this."""
    prompt = await desk.session.get(MoodPrompt, desk.subject_id)
    if prompt is None or prompt.state is not PromptState.ASKED:
        raise Dropped("replaced")
    if await escalations.red_case_is_open(desk.session, desk.who()):
        raise Dropped("open case")
    lasts = max(prompt.expires_at - desk.now, timedelta(minutes=1))
    return Letter(desk.say("mood.ask"), None, Ask(mood.TOPIC, lasts, prompt.id), repeatable=False)


@notice("family_linked", disturbs=False, rungs=(CUSTOMER,))
async def family_linked(desk: Desk) -> Letter:
    return Letter(desk.say("family.told_member"), repeatable=False)


@notice("family_ended", rungs=(CUSTOMER,))
async def family_ended(desk: Desk) -> Letter:
    member = await people.person(desk.session, desk.row.params["member"])
    return Letter(desk.say("family.ended", member=member.known_as), repeatable=False)


@notice("text", disturbs=False, rungs=(CUSTOMER,))
async def text(desk: Desk) -> Letter:
    """A reply that was not ready in time, said as a message of its own."""
    return Letter(desk.row.params["text"])
