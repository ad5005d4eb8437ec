"""One thing of each kind in a house, and which address each of them stands in."""

from datetime import timedelta

from sqlalchemy import select

from app.activities import service as activities
from app.activities.models import Occurrence
from app.db import ident
from app.duty import changes
from app.duty.models import Change, Duty
from app.escalations import service as escalations
from app.escalations.states import Level
from app.main import Tongxing
from app.marks import drafts
from app.people import glass
from app.people.models import House, Person, Role
from app.tasks import service as tasks
from app.tasks.models import TaskKind
from bot.screening.loader import RULES


async def another_house(house: Tongxing) -> int:
    """A house of the same programme where nobody of the first one serves, with a worker of its own."""
    async with house.db.begin() as session:
        first = (await session.scalars(select(House).order_by(House.id))).first()  # type: ignore[arg-type]
        assert first is not None
        other = House(programme_id=first.programme_id, code="elsewhere", name="石碶小站", zone=first.zone, venue="二楼")
        session.add(other)
        await session.flush()
        session.add(
            Person(
                programme_id=other.programme_id, house_id=ident(other), code="elsewhere-w", role=Role.WORKER,
                name="赵远", joined_at=house.clock.now(),
            )
        )  # fmt: skip
        await session.flush()
        return ident(other)


async def things(house: Tongxing, house_id: int) -> dict[str, int]:
    """The number of one thing of each kind of this house, by the name of the parameter that it fills."""
    now = house.clock.now()
    async with house.db.begin() as session:
        home = await session.get(House, house_id)
        assert home is not None
        staff = list(await session.scalars(select(Person).where(Person.house_id == house_id)))  # type: ignore[arg-type]
        worker = next(one for one in staff if one.role is Role.WORKER)
        member = Person(
            programme_id=home.programme_id, house_id=house_id, code=f"thing-{house_id}", role=Role.MEMBER, name="小江",
            phone="13800000000", worker_id=worker.id, joined_at=now,
        )  # fmt: skip
        session.add(member)
        await session.flush()
        row = await escalations.flag(
            session, member, Level.ORANGE, "suicide", rule="suicide.wish", rules_version="1", said="不想活了", now=now
        )  # fmt: skip
        task = await tasks.ask_a_person(
            session, TaskKind.CALL, "unreachable", key=f"thing:{house_id}", now=now, about=member
        )
        await activities.schedule(
            session, house_id=house_id, slot=f"thing-{house_id}", title="散步", starts_at=now + timedelta(days=1),
            minutes=60, venue="公园", now=now, quiet=house.works.quiet,
        )  # fmt: skip
        occurrence = await session.scalar(select(Occurrence).where(Occurrence.slot == f"thing-{house_id}"))  # type: ignore[arg-type]
        broken = await glass.write_down(session, member, worker, "他打电话来", now)
        draft = await drafts.keep(session, worker, RULES.read_text(encoding="utf-8"), now)
        (reading,) = await escalations.flags_of(session, row)
        assert occurrence is not None
        assert task is not None
        await changes.put_on(
            session, home, worker, now + timedelta(days=1), now + timedelta(days=1, hours=2), by=worker, now=now
        )
        override = await session.scalar(select(Change).where(Change.house_id == house_id))  # type: ignore[arg-type]
        line = Duty(house_id=house_id, person_id=ident(worker), weekday=6, starts="09:00", ends="12:00")
        session.add(line)
        await session.flush()
        assert override is not None
        return {
            "change": ident(override), "line": ident(line), "level": int(Level.RED),
            "house": house_id, "person": ident(member), "case": ident(row), "task": task,
            "glass": ident(broken), "occurrence": ident(occurrence),
            "draft": ident(draft), "reading": ident(reading),
            "colleague": ident(worker),
        }  # fmt: skip
