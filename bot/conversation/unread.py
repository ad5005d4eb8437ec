"""What is for a person to read: a voice, a picture, a place, a file, and what is written to somebody who talks to them.

A person looks at it, and it is never no answer.
"""

import itertools

from app.db import ident
from app.messages import talking
from app.people import service as people
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.conversation.talk import Talk

KINDS = ("voice", "image", "video", "shortvideo", "location", "link", "file")


async def put_before_a_person(talk: Talk, kind: str) -> None:
    """One task for each person and hour, naming every kind that came; what comes after it was done is a new one."""
    reason = f"unread_{kind if kind in KINDS else 'other'}"
    await _once_an_hour(talk, reason, f"unread:{ident(talk.contact)}")


async def wrote_back(talk: Talk) -> None:
    """They answered somebody of the staff who talks to them. The words stand where that person reads, in no list."""
    await _once_an_hour(talk, "wrote_back", f"wrote-back:{ident(talk.contact)}")


async def _once_an_hour(talk: Talk, reason: str, about: str) -> None:
    words, hour = talk.say(f"task.{reason}"), f"{about}:{talk.now:%Y%m%d%H}"
    to = await readers(talk)
    for nth in itertools.count():
        key = f"{hour}:{nth}"
        made = await tasks.ask_a_person(
            talk.session, TaskKind.READ, reason, key=key, now=talk.now, about=talk.person, to=to
        )
        if made is not None or await tasks.further(talk.session, key, reason, words):
            return


async def readers(talk: Talk) -> list[int]:
    """To whom it falls: whoever talks to them just now, then those who look after them."""
    speaks = talking.talker(talk.contact, talk.now)
    if speaks is None:
        return []
    return list(dict.fromkeys([speaks, *await people.who_looks_after(talk.session, talk.person)]))
