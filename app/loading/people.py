"""Staff and members: who they are, which houses they serve, when they are there, who answers for whom."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db import Record, ident
from app.duty.models import Duty, HoursKept
from app.loading.file import ProgrammeFile
from app.loading.schema import StaffEntry
from app.loading.tally import Tally, settle
from app.loading.weekly import Shift
from app.messages import service as messages
from app.people.models import House, Person, Posting, Programme

Row = TypeVar("Row", Posting, Duty, HoursKept)


async def load(
    session: AsyncSession, file: ProgrammeFile, programme: Programme, houses: dict[str, House], tally: Tally,
    *, now: datetime, account: str,
) -> None:  # fmt: skip
    rows = await session.scalars(select(Person).where(col(Person.programme_id) == programme.id))
    standing = {row.code: row for row in rows}
    people: dict[str, Person] = {}
    changed: dict[str, bool] = {}
    for entry in file.people():
        code, house_id = entry.code, ident(houses[entry.house])
        row = standing.get(code) or Person(
            programme_id=ident(programme), house_id=house_id, code=code, role=entry.role, name=entry.name
        )
        changed[code] = settle(row, name=entry.name, role=entry.role, phone=entry.phone or None, house_id=house_id)
        session.add(row)
        people[code] = row
    await session.flush()
    for member in file.members:
        worker = ident(people[member.worker]) if member.worker else None
        backup = ident(people[member.backup]) if member.backup else None
        changed[member.code] |= settle(people[member.code], worker_id=worker, backup_id=backup)
    for somebody in file.staff:
        row = people[somebody.code]
        changed[somebody.code] |= settle(
            row, wecom=somebody.wecom or None, mail=somebody.mail or None, reach=somebody.reach
        )
    staff = [people[person.code] for person in file.staff]
    postings, rota = await _by_person(session, Posting, staff), await _by_person(session, Duty, staff)
    kept = await _by_person(session, HoursKept, staff)
    for person in file.staff:
        row = people[person.code]
        changed[person.code] |= await _post(session, person, row, houses, postings[ident(row)])
        changed[person.code] |= await _put_on_duty(
            session, person, row, houses, rota[ident(row)], kept[ident(row)], tally
        )
        changed[person.code] |= await _know_by_openid(session, file, person, row, tally, now, account)
    for code, differs in changed.items():
        tally.count(new=code not in standing, changed=differs)


async def staff_in(session: AsyncSession, file: ProgrammeFile) -> list[int]:
    """The numbers of the staff that the file names."""
    codes = [person.code for person in file.staff]
    found = await session.scalars(select(col(Person.id)).where(col(Person.code).in_(codes)))
    return [person_id for person_id in found if person_id is not None]


async def _by_person(session: AsyncSession, table: type[Row], staff: Iterable[Record]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    numbers = [ident(person) for person in staff]
    for row in await session.scalars(select(table).where(col(table.person_id).in_(numbers))):
        found[row.person_id].append(row)
    return found


async def _post(
    session: AsyncSession, entry: StaffEntry, row: Person, houses: dict[str, House], standing: list[Posting]
) -> bool:
    wanted = {ident(houses[code]) for code in entry.houses} - {row.house_id}
    there = {posting.house_id: posting for posting in standing}
    for house_id in there.keys() - wanted:
        await session.delete(there[house_id])
    session.add_all(Posting(person_id=ident(row), house_id=house_id) for house_id in sorted(wanted - there.keys()))
    return there.keys() != wanted


async def _put_on_duty(
    session: AsyncSession, entry: StaffEntry, row: Person, houses: dict[str, House], standing: list[Duty],
    kept: list[HoursKept], tally: Tally,
) -> bool:  # fmt: skip
    """The hours hold in every house that the person serves, by its own wall clock.

    Where whoever leads keeps them in the console (`kept`), they stay: they know them better than the file.
    """
    served = {ident(houses[code]): code for code in entry.houses}
    for hours in kept:
        if hours.house_id not in served:
            await session.delete(hours)
    theirs = {hours.house_id for hours in kept} & served.keys()
    in_file = {(house_id, shift.weekday): _hours(shift) for house_id in served for s in entry.duty for shift in s}
    standing_by_place = {(duty.house_id, duty.weekday): duty for duty in standing}
    for house_id in sorted(theirs):
        here = {place: _hours_of(duty) for place, duty in standing_by_place.items() if place[0] == house_id}
        if here != {place: hours for place, hours in in_file.items() if place[0] == house_id}:
            tally.notes.append(
                f"{entry.code} 在 {served[house_id]} 的值班时间已经在控制台改过，文件里写的没有用上；"
                "想用文件的，请督导在控制台的值班页点“交还给项目文件”"
            )
    wanted = {place: hours for place, hours in in_file.items() if place[0] not in theirs}
    there = {place: duty for place, duty in standing_by_place.items() if place[0] not in theirs}
    for place in there.keys() - wanted.keys():
        await session.delete(there[place])
    for house_id, weekday in sorted(wanted.keys() - there.keys()):
        new = wanted[house_id, weekday]
        session.add(Duty(house_id=house_id, person_id=ident(row), weekday=weekday, **new))
    moved = [settle(there[place], **wanted[place]) for place in there.keys() & wanted.keys()]
    return any(moved) or there.keys() != wanted.keys()


def _hours_of(duty: Duty) -> dict[str, Any]:
    return {"starts": duty.starts, "ends": duty.ends, "on_holidays": duty.on_holidays}


def _hours(shift: Shift) -> dict[str, Any]:
    return {"starts": shift.starts, "ends": shift.ends, "on_holidays": shift.on_holidays}


async def _know_by_openid(
    session: AsyncSession, file: ProgrammeFile, entry: StaffEntry, row: Person, tally: Tally, now: datetime,
    account: str,
) -> bool:  # fmt: skip
    """Tie a WeChat user to somebody who has none yet; nobody is cut off from the one they joined with."""
    if not entry.openid:
        return False
    if not account:
        tally.notes.append(f"{entry.code} 的 openid 没有用上：没有说明是哪个公众号的")
        return False
    own = await messages.contact_of(session, ident(row))
    if own is not None:
        if (own.account, own.openid) != (account, entry.openid):
            tally.notes.append(f"{entry.code} 已经用另一个微信加入了，文件里的 openid 没有用上")
        return False
    contact = await messages.contact_for(session, account, entry.openid, now)
    if contact.person_id is not None:
        taken = f"{entry.code} 的 openid 已经是系统里另一个人的，请核对；不确定就删掉这一项，本人扫自己的码就能加入"
        tally.problems.append(file.problem(entry, "openid", taken))
        return False
    await messages.bind(session, contact, row)
    settle(row, joined_at=row.joined_at or now)
    await session.flush()
    return True
