"""What no program here reads: a voice, a picture, a place, a file. A person looks at it, and it is never no answer."""

import itertools

from app.db import ident
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.conversation.talk import Talk

KINDS = ("voice", "image", "video", "shortvideo", "location", "link", "file")


async def put_before_a_person(talk: Talk, kind: str) -> None:
    """One task for each person and hour, naming every kind that came; what comes after it was done is a new one."""
    reason = f"unread_{kind if kind in KINDS else 'other'}"
    words, hour = talk.say(f"task.{reason}"), f"unread:{ident(talk.contact)}:{talk.now:%Y%m%d%H}"
    for nth in itertools.count():
        key = f"{hour}:{nth}"
        made = await tasks.ask_a_person(talk.session, TaskKind.READ, reason, key=key, now=talk.now, about=talk.person)
        if made is not None or await tasks.further(talk.session, key, reason, words):
            return
