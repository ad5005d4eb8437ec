"""Short things that wait for somebody ride along when that person is being answered anyway.

A passive reply costs nothing and arrives for certain (被动回复), so what asks nothing and is short goes with it
instead of spending a message of the window. Never below the answer to somebody in danger.
"""

from app.db import ident
from app.messages import outbox, questions
from app.people import addressees
from bot.channels.gate import looked_over
from bot.conversation.danger import in_a_case
from bot.conversation.talk import Talk
from bot.notices import NOTICES, Dropped, Sheaf
from bot.wechat import LONGEST_TEXT

PASSIVE = "passive"
MOST = 2
LONGEST = 120  # characters

RIDING = tuple(kind for kind, notice in NOTICES.items() if notice.rides)


async def ride(talk: Talk, reply: str) -> str:
    """The reply, with what waits for this person. A question that the reply asks stays the last thing said."""
    session, contact, now = talk.session, talk.contact, talk.now
    waiting = await outbox.waiting_for(
        session, RIDING, now, person_id=contact.person_id, contact_id=ident(contact), n=MOST
    )
    if not waiting or await in_a_case(talk):
        return reply
    sheaf = Sheaf(session, waiting, now, talk.links)
    known = await addressees.load(session, [contact.person_id] if contact.person_id else [])
    texts: list[str] = []
    for parcel in waiting:
        person = known.get(parcel.person_id or 0)
        notice = NOTICES[parcel.kind]
        if notice.topic is not None and person is not None and not person.wants(notice.topic):
            continue
        desk = await sheaf.desk(parcel, person)
        try:
            letter = await notice.compose(desk)
        except Dropped:
            continue  # the deliverer says so, and why
        text, _, _ = looked_over(letter, notice, desk.words)
        fits = len("\n\n".join([reply, *texts, text]).encode()) <= LONGEST_TEXT
        if letter.ask is not None or len(text) > LONGEST or not fits:
            continue
        if await outbox.sent_with_a_reply(session, parcel, PASSIVE, ident(contact), now):
            texts.append(text)
    if not texts:
        return reply
    asks = await questions.current(session, contact, now) is not None
    return "\n\n".join([*texts, reply] if asks else [reply, *texts])
