"""What a worker says about what the machine read: how urgent it really was, and what it missed."""

from app.escalations import handling
from app.escalations.models import CaseRow, Via
from app.marks import service as marks
from app.marks.models import Urgency
from app.marks.service import Judged, Missed, NothingToMark, Screen
from app.people.scope import Scope
from bot.conversation.closing import link
from bot.conversation.orders import URGENCIES, StaffCommand, how_urgent
from bot.conversation.talk import Talk
from bot.screening.screener import in_force

# Words that nobody was called for, and no word about how urgent: they are looked at today.
UNLESS_SAID = Urgency.ORANGE
LEAST, MOST = 2, 1000  # characters of what was missed


async def level(talk: Talk, row: CaseRow, said: str) -> str:
    """级别 A-0312 橙: real, and less or more urgent than the machine said; 没事: it was a false alarm."""
    judged = Judged(Urgency(URGENCIES[said]))
    try:
        mark = await marks.mark_newest(talk.session, talk.who(), row, judged, talk.now, via=Via.CHAT)
    except NothingToMark:
        return talk.say("staff.nothing_to_mark", code=row.code)
    except LookupError:
        return talk.say("staff.nothing_to_take")
    return talk.say("staff.level_noted", code=row.code, level=talk.say(f"staff.level_{mark.level.value}"))


async def missed(talk: Talk, command: StaffCommand, _scope: Scope) -> str:
    """漏报 [红|橙|黄] 原话: somebody wrote this and nobody was called."""
    if talk.who().role not in handling.MAY_TAKE:
        return talk.say("staff.missed_not_yours")
    said, words = how_urgent(command.rest)
    if not LEAST <= len(words) <= MOST:
        return talk.say("staff.how_missed")
    level = Urgency(said) if said else UNLESS_SAID
    came = await marks.missed(
        talk.session, talk.who(), words, level, what_reads(words), talk.now, via=Via.CHAT
    )  # fmt: skip
    return _said_of(talk, came, level)


def what_reads(words: str) -> Screen:
    """What is in force just now, and which kind of danger it would take these words for."""
    screener = in_force()
    reading = screener.read(words)
    return Screen(screener.rules.version, screener.model.version if screener.model else "", reading.category)


def _said_of(talk: Talk, came: Missed, level: Urgency) -> str:
    if not came.cases:
        if came.people > marks.MOST_MEANT:
            return talk.say("staff.missed_many", n=came.people)
        if not came.people:
            return talk.say("staff.missed_unknown")
        return talk.say("staff.missed", level=talk.say(f"staff.level_{level.value}"))
    key = "staff.missed_case" if came.opened else "staff.missed_open"
    return "\n".join(talk.say(key, code=row.code, link=link(talk, row)) for row in came.cases)
