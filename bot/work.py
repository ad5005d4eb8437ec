"""A button pressed in WeCom: the acknowledgement of a case, in one unit of work, once."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.db import Database
from app.escalations import handling
from app.escalations import service as escalations
from app.escalations.handling import Came
from app.escalations.models import Via
from app.messages import service as messages
from app.people import service as people
from app.people.models import Person
from bot.wecom.inbound import ButtonPressed
from bot.wording import wording

log = structlog.get_logger()

TAKE = "take"
SAID = {Came.NOT_FOR_YOU: "work.not_for_you", Came.RESOLVED: "work.resolved", Came.OUT_OF_DATE: "work.old"}


class Presses:
    """What pressing does. Its answer is what the button says from then on."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def press(self, pressed: ButtonPressed) -> str | None:
        """Take the case that the button is about, unless somebody has taken it since the card was sent."""
        now = self._clock.now()
        verb, _, rest = pressed.key.partition(":")
        case_id, _, seq = rest.partition(":")
        if verb != TAKE or not case_id.isdecimal() or not seq.isdecimal():
            return None
        async with self._db.begin() as session:
            who = await people.find_by_wecom(session, pressed.userid)
            if who is None or who.role not in handling.MAY_TAKE:
                return wording().say("work.not_for_you")
            taken_in = await messages.take_in(
                session, account=f"wecom:{pressed.corp_id}"[:64], openid=pressed.userid.lower(),
                key=pressed.dedupe_key, kind="buttonpressed", content=None, sent_at=pressed.sent_at, now=now,
            )  # fmt: skip
            return await self._take(session, who, int(case_id), int(seq), again=taken_in is None)

    async def _take(self, session: AsyncSession, who: Person, case_id: int, seq: int, *, again: bool) -> str:
        """`again`: WeCom delivered the same press before; nothing happens twice, and the answer is the same."""
        try:
            row = await escalations.case(session, case_id)
        except LookupError:
            return wording().say("work.not_for_you")
        if again:
            handled = await handling.standing(session, who, row)
        else:
            handled = await handling.take(session, who, row, self._clock.now(), via=Via.WECOM, seq=seq)
        if row.drill and row.owner_id == who.id:
            return wording().say("work.drill")
        if handled.came in SAID:
            return wording().say(SAID[handled.came])
        return wording().say("work.taken", owner=handled.owner.name if handled.owner else "")
