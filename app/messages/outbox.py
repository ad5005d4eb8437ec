"""The outbox as a queue: claim a handful, say what became of each. Many rows at a time, one statement for each step.

Whoever holds a `Parcel` names the attempt it holds (`attempts`): one whose lease has run out changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    String,
    and_,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import Select

from app import due
from app.db import UTCDateTime, changed, insert_selected, ring, table_of
from app.messages.lateness import max_lateness
from app.messages.models import Attempt, Lane, Outbox, OutboxState

OUTBOX = table_of(Outbox)
ATTEMPT = table_of(Attempt)
WAITING = (OutboxState.QUEUED, OutboxState.HELD)
IN_DOUBT = OUTBOX.c.state == literal_column("'sending'")  # spelled out, or no database would use the index for it
DELIVER, ALERT = "deliver", "alert"


def bell_of(lane: Lane) -> str:
    """The bell that calls the deliverer of this lane."""
    return ALERT if lane is Lane.URGENT else DELIVER


@dataclass(slots=True)
class Parcel:
    """An outbox row in somebody's hands."""

    id: int
    attempts: int
    key: str
    kind: str
    person_id: int | None
    contact_id: int | None
    house_id: int | None
    broadcast_id: int | None
    subject_id: int | None
    params: dict[str, Any]
    lane: Lane
    state: OutboxState
    reason: str | None
    created_at: datetime
    not_after: datetime | None
    rungs_tried: str
    tries: int
    sending_by: str | None
    first_sent_at: datetime | None

    def __repr__(self) -> str:
        return f"<Parcel {self.id}>"

    @property
    def outcome_unknown(self) -> bool:
        """It was being sent when whoever sent it died."""
        return self.state is OutboxState.SENDING and self.sending_by is not None


def our_number(outbox_id: int) -> str:
    """What a message is called outside, where we may say so; also its receipt, where the other side names none."""
    return f"tx-{outbox_id}"


_COLUMNS = [OUTBOX.c[name] for name in Parcel.__slots__]


async def claim(
    session: AsyncSession, now: datetime, n: int, lanes: Sequence[Lane], *, in_doubt_too: bool = True
) -> list[Parcel]:  # fmt: skip
    """Up to `n` due rows of these lanes, the first lane first; nobody else sees them for a minute.

    In each lane, first what was being sent when somebody died: a card is shown once only as long as the platform
    remembers our id, and behind a long queue it would come too late for that.
    """
    found: list[Parcel] = []
    for lane in lanes:
        for only in (and_(OUTBOX.c.lane == lane, IN_DOUBT), OUTBOX.c.lane == lane)[0 if in_doubt_too else 1 :]:
            if len(found) < n:
                rows = await due.take(session, Outbox, now, _COLUMNS, n=n - len(found), only=only)
                found += sorted((Parcel(*tuple(row)) for row in rows), key=lambda parcel: parcel.id)
    return found


async def mark_sending(session: AsyncSession, rung: str, parcels: Sequence[Parcel], now: datetime) -> None:
    """From here on, a crash means: nobody knows whether these went out by `rung` to their contact."""
    fresh: list[int] = []
    repeated: list[int] = []
    for parcel in parcels:
        repeats = parcel.sending_by == rung and parcel.first_sent_at is not None
        (repeated if repeats else fresh).append(parcel.id)
        parcel.first_sent_at = parcel.first_sent_at if repeats else now
        parcel.state, parcel.sending_by, parcel.tries = OutboxState.SENDING, rung, parcel.tries + 1
    marked = {"state": OutboxState.SENDING, "sending_by": rung, "due_at": now + due.LEASE, "tries": OUTBOX.c.tries + 1}
    if fresh:
        await session.execute(update(OUTBOX).where(OUTBOX.c.id.in_(fresh)).values(**marked, first_sent_at=now))
    if repeated:
        await session.execute(update(OUTBOX).where(OUTBOX.c.id.in_(repeated)).values(**marked))


async def still_mine(session: AsyncSession, parcels: Sequence[Parcel]) -> set[int]:
    """Those whose lease has not run out meanwhile, locked until the end of this unit of work."""
    rows = await session.execute(
        select(OUTBOX.c.id, OUTBOX.c.attempts)
        .where(OUTBOX.c.id.in_([parcel.id for parcel in parcels]), OUTBOX.c.due_at.is_not(None))
        .order_by(OUTBOX.c.id)
        .with_for_update()
    )
    held = {parcel.id: parcel.attempts for parcel in parcels}
    return {number for number, attempts in rows if held[number] == attempts}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out to a contact. `receipt`: what WeChat will call it when it says what became of it."""

    id: int
    contact_id: int | None
    receipt: str | None
    unsolicited: bool


async def sent(session: AsyncSession, messages: Sequence[Sent], now: datetime) -> None:
    """These went out. What is the same for all of them is written in one go."""
    over = {"state": OutboxState.SENT, "reason": None, "due_at": None, "finished_at": now}
    await session.execute(update(OUTBOX).where(OUTBOX.c.id.in_([m.id for m in messages])).values(**over))
    await session.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == bindparam("row"))
        .values(receipt=bindparam("mark"), contact_id=bindparam("contact")),
        [{"row": m.id, "mark": m.receipt, "contact": m.contact_id} for m in messages],
    )
    unsolicited = [m.id for m in messages if m.unsolicited]
    if unsolicited:
        await session.execute(update(OUTBOX).where(OUTBOX.c.id.in_(unsolicited)).values(unsolicited=True))


async def change(session: AsyncSession, parcel: Parcel, *, due_at: datetime | None = None, **values: Any) -> bool:
    """Put a row off until `due_at`, or end it (None). False: the lease was lost, nothing changed."""
    moved = (
        update(OUTBOX)
        .where(OUTBOX.c.id == parcel.id, OUTBOX.c.attempts == parcel.attempts, OUTBOX.c.due_at.is_not(None))
        .values(due_at=due_at, **values)
    )
    return await changed(session, moved) == 1


async def change_many(session: AsyncSession, parcels: Sequence[Parcel], due_at: datetime | None, **values: Any) -> None:
    """The same for several that this very unit of work has claimed, and so surely holds."""
    await session.execute(
        update(OUTBOX).where(OUTBOX.c.id.in_([p.id for p in parcels])).values(due_at=due_at, **values)
    )


async def put_back(session: AsyncSession, parcels: Sequence[Parcel], due_at: datetime | None = None) -> None:
    """These did not go just now, for a reason that is over in a moment: they keep their place in the queue."""
    if not parcels:
        return
    await session.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == bindparam("row"), OUTBOX.c.attempts == bindparam("held"), OUTBOX.c.due_at.is_not(None))
        .values(due_at=bindparam("since")),
        [{"row": p.id, "held": p.attempts, "since": due_at or p.created_at} for p in parcels],
    )


async def unsolicited_since(
    session: AsyncSession, people: Collection[int], since: datetime
) -> dict[int, list[datetime]]:
    """When each of these people was last told something that they had not asked for."""
    rows = await session.execute(
        select(OUTBOX.c.person_id, OUTBOX.c.finished_at)
        .where(OUTBOX.c.person_id.in_(list(people)), OUTBOX.c.unsolicited, OUTBOX.c.finished_at >= since)
        .where(OUTBOX.c.state.in_((OutboxState.SENT, OutboxState.DELIVERED)))
        .order_by(OUTBOX.c.finished_at)
    )
    found: dict[int, list[datetime]] = {}
    for person_id, at in rows:
        found.setdefault(person_id, []).append(at)
    return found


def attempt(
    parcel: Parcel, rung: str, result: str, now: datetime, errcode: int | None = None
) -> dict[str, object]:  # fmt: skip
    """One entry of the log of tries."""
    return {
        "outbox_id": parcel.id, "house_id": parcel.house_id, "rung": rung, "at": now, "result": result,
        "errcode": errcode,
    }  # fmt: skip


async def log_attempts(session: AsyncSession, entries: Sequence[Mapping[str, Any]]) -> None:
    """What was tried and what came of it, each as `attempt` has it."""
    if entries:
        await session.execute(insert(ATTEMPT), list(entries))


async def fan_out(
    session: AsyncSession, kind: str, key: str, recipients: Select[*tuple[Any, ...]], *, now: datetime,
    until: datetime | None = None, subject_id: int | None = None, params: Mapping[str, Any] | None = None,
    lane: Lane = Lane.NORMAL, broadcast_id: int | None = None,
) -> int:  # fmt: skip
    """Tell many people the same kind of thing, in one statement; who has been told under this `key` is left out.

    `recipients` selects the columns person_id and house_id. How many rows there are now with this key's
    prefix is not counted; the answer is how many were made, or -1 where the database does not say.
    """
    who = recipients.subquery("recipients")
    row = Outbox(key="", kind=kind, subject_id=subject_id, params=dict(params or {}), lane=lane, created_at=now)
    same = row.model_dump(exclude={"id", "key", "person_id", "house_id"})
    same |= {"due_at": now, "not_after": until or now + max_lateness(kind), "broadcast_id": broadcast_id}
    columns = [OUTBOX.c.key, OUTBOX.c.person_id, OUTBOX.c.house_id, *(OUTBOX.c[name] for name in same)]
    values = [literal(value, OUTBOX.c[name].type).label(name) for name, value in same.items()]
    chosen = select(_key(key, who.c.person_id), who.c.person_id, who.c.house_id, *values)
    made = await insert_selected(session, OUTBOX, columns, chosen)
    ring(session, bell_of(lane))
    return made


def _key(key: str, person_id: Any) -> Any:
    return literal(f"{key}:").concat(sql_cast(person_id, String))


async def waiting_for(
    session: AsyncSession, kinds: Collection[str], now: datetime, *, person_id: int | None, contact_id: int, n: int
) -> list[Parcel]:
    """What waits for one person, in nobody's hands: due already, or held for a reason that is over when they write."""
    whose = {"of_person": person_id, "of_contact": contact_id, "kinds": list(kinds), "now": now, "n": n}
    return [Parcel(*tuple(row)) for row in await session.execute(_WAITING_FOR_ONE, whose)]


# Made once: it is asked with every message that comes in, and making it costs as much as asking.
_NOW = bindparam("now", type_=UTCDateTime)
_WAITING_FOR_ONE = (
    select(*_COLUMNS)
    .where((OUTBOX.c.contact_id == bindparam("of_contact")) | (OUTBOX.c.person_id == bindparam("of_person")))
    .where(OUTBOX.c.kind.in_(bindparam("kinds", expanding=True)), OUTBOX.c.due_at.is_not(None))
    .where((OUTBOX.c.state == OutboxState.HELD) | (OUTBOX.c.due_at <= _NOW), OUTBOX.c.state.in_(WAITING))
    .where((OUTBOX.c.not_after.is_(None)) | (OUTBOX.c.not_after >= _NOW))
    .order_by(OUTBOX.c.lane, OUTBOX.c.id)
    .limit(bindparam("n"))
)


async def sent_with_a_reply(session: AsyncSession, parcel: Parcel, rung: str, contact_id: int, now: datetime) -> bool:
    """It stands in a reply. False: somebody else has begun to send it meanwhile."""
    said = (
        update(OUTBOX)
        .where(OUTBOX.c.id == parcel.id, OUTBOX.c.attempts == parcel.attempts, OUTBOX.c.state.in_(WAITING))
        .values(
            state=OutboxState.SENT, sending_by=rung, reason=None, due_at=None, finished_at=now,
            contact_id=contact_id, attempts=OUTBOX.c.attempts + 1,
        )
    )  # fmt: skip
    if await changed(session, said) != 1:
        return False
    await log_attempts(session, [attempt(parcel, rung, "sent", now)])
    return True


async def clear_all(
    session: AsyncSession, reason: str, now: datetime, *, person_id: int | None, contact_id: int | None,
    but: Collection[str] = (),
) -> int:  # fmt: skip
    """Take back everything that waits for somebody who can no longer be reached."""
    whose = OUTBOX.c.person_id == person_id if person_id is not None else OUTBOX.c.contact_id == contact_id
    cleared = await session.scalars(
        update(OUTBOX)
        .where(whose, OUTBOX.c.state.in_(WAITING), OUTBOX.c.kind.not_in(list(but)))
        .values(state=OutboxState.CLEARED, reason=reason, due_at=None, finished_at=now)
        .returning(OUTBOX.c.id)
    )
    return len(list(cleared))


async def counts(session: AsyncSession, kind: str) -> dict[OutboxState, int]:
    """How many messages of a kind are in which state."""
    rows = await session.execute(
        select(OUTBOX.c.state, func.count()).where(OUTBOX.c.kind == kind).group_by(OUTBOX.c.state)
    )
    return {state: n for state, n in rows}  # noqa: C416 - rows are no pairs to mypy
