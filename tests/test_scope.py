"""Who may see which houses: never one of another programme, however wrong a row may be."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from app.db import Database, ident
from app.loading import LoadError, load, read_programme
from app.people import service as people
from app.people.models import House, Person, Posting, Programme, Reach, Role
from app.people.scope import covering, reach_of, scope_of, serves
from app.vault import Vault
from tests.test_loading import NOW, QUIET, TEXT

DISTRICTS = st.sampled_from(["", "海曙", "鄞州"])


@asynccontextmanager
async def empty_house(migrated_file: Path) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated_file, Path(folder) / "house.db")
        db = Database(f"sqlite+aiosqlite:///{folder}/house.db", Vault("k" * 32))
        try:
            yield db
        finally:
            await db.close()


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobodys_scope_has_a_house_of_another_programme_in_it(data: st.DataObject, migrated_file: Path) -> None:
    """Also where a row says that somebody belongs to, or is posted to, a house of another programme."""
    asyncio.run(_scopes(data, migrated_file))


async def _scopes(data: st.DataObject, migrated_file: Path) -> None:
    async with empty_house(migrated_file) as db, db.begin() as session:
        programmes = [Programme(code=code, name=code) for code in ("a", "b")]
        session.add_all(programmes)
        await session.flush()
        houses = [
            House(programme_id=ident(one), code=f"h{n}", name="站", district=data.draw(DISTRICTS))
            for one in programmes for n in range(3)
        ]  # fmt: skip
        session.add_all(houses)
        await session.flush()
        anywhere = st.sampled_from([ident(house) for house in houses])
        who = [
            Person(
                programme_id=ident(data.draw(st.sampled_from(programmes))), house_id=data.draw(anywhere), code=f"p{n}",
                role=data.draw(st.sampled_from(list(Role))), name="人",
                reach=data.draw(st.sampled_from([None, *Reach])),
            )
            for n in range(4)
        ]  # fmt: skip
        session.add_all(who)
        await session.flush()
        for one in who:
            posted = data.draw(st.sets(anywhere, max_size=2))
            session.add_all(Posting(person_id=ident(one), house_id=house) for house in sorted(posted))
        await session.flush()
        for one in who:
            scope = await scope_of(session, one)
            own = await people.houses_of(session, one.programme_id)
            assert scope.houses <= own
            if not one.role.signs_in:
                assert not scope.houses
            elif reach_of(one) is Reach.PROGRAMME:
                assert scope.houses == own
            else:
                assert await serves(session, one) <= scope.houses
            seen = {
                ident(house)
                for house in houses
                if await session.scalar(select(col(Person.id)).where(covering(house), col(Person.id) == one.id))
            }
            assert seen == scope.houses, "asked from either side, the answer is the same"


TWO_HOUSES = TEXT.replace(
    "\n# 工作人员。",
    "  - {code: shiqi, name: 石碶生活小站, venue: 文化站, district: 海曙}\n"
    "  - {code: jishi, name: 集士生活小站, venue: 文化站, district: 鄞州}\n\n# 工作人员。",
    1,
).replace("    venue: 段塘街道活动室", "    district: 海曙\n    venue: 段塘街道活动室", 1)
ADMIN = "  - {code: guanji, name: 王乐, role: administrator, house: duantang}\n"
WANGLE = "    role: worker\n    house: duantang\n    # also"
ZHOUMIN = "    role: supervisor\n    house: duantang\n"


async def houses_seen(migrated_file: Path, text: str, code: str) -> set[str]:
    async with empty_house(migrated_file) as db:
        async with db.begin() as session:
            await load(session, read_programme(text), now=NOW, quiet=QUIET)
        async with db.read() as session:
            who = await people.find_by_code(session, code)
            assert who is not None
            seen = (await scope_of(session, who)).houses
            return {house.code for house in (await people.houses_by_id(session, seen)).values()}


@pytest.mark.parametrize(
    ("reach", "sees"),
    [
        ("", {"duantang"}),
        ("house", {"duantang"}),
        ("district", {"duantang", "shiqi"}),
        ("programme", {"duantang", "shiqi", "jishi"}),
    ],
)
async def test_a_file_says_how_far_a_worker_sees(migrated_file: Path, reach: str, sees: set[str]) -> None:
    wider = WANGLE.replace("\n", f"\n    reach: {reach}\n", 1) if reach else WANGLE
    assert await houses_seen(migrated_file, TWO_HOUSES.replace(WANGLE, wider), "wangle") == sees


@pytest.mark.parametrize(("reach", "sees"), [("", 3), ("house", 1), ("district", 2)])
async def test_a_supervisor_leads_the_programme_unless_the_file_says_less(
    migrated_file: Path, reach: str, sees: int
) -> None:
    less = f"{ZHOUMIN}    reach: {reach}\n" if reach else ZHOUMIN
    assert len(await houses_seen(migrated_file, TWO_HOUSES.replace(ZHOUMIN, less), "zhoumin")) == sees


async def test_whoever_runs_the_machine_may_be_called_like_a_worker_and_is_told_of_nobody(
    migrated_file: Path,
) -> None:
    text = TEXT.replace("staff:\n", f"staff:\n{ADMIN}", 1)
    assert await houses_seen(migrated_file, text, "guanji") == {"duantang"}
    async with empty_house(migrated_file) as db:
        async with db.begin() as session:
            await load(session, read_programme(text), now=NOW, quiet=QUIET)
        async with db.read() as session:
            admin = await people.find_by_code(session, "guanji")
            member = await people.find_by_code(session, "xiaohe")
            assert admin is not None
            assert member is not None
            assert not admin.role.is_staff
            looked_after = await people.who_looks_after(session, member)
            assert looked_after
            assert ident(admin) not in looked_after


async def test_a_cry_for_help_goes_to_the_supervisor_who_may_see_it(migrated_file: Path) -> None:
    """One who leads another district alone would find nothing behind the alert."""
    elsewhere = "  - {code: chenjie, name: 陈洁, role: supervisor, house: jishi, reach: district}\n"
    text = TWO_HOUSES.replace("staff:\n", f"staff:\n{elsewhere}", 1)
    async with empty_house(migrated_file) as db:
        async with db.begin() as session:
            await load(session, read_programme(text), now=NOW, quiet=QUIET)
        async with db.read() as session:
            member, leads = await people.find_by_code(session, "xiaohe"), await people.find_by_code(session, "zhoumin")
            assert member is not None
            assert leads is not None
            assert await people.leads_of(session, member) == [ident(leads)]


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("staff:\n", f"staff:\n{ADMIN.replace('}', ', duty: [每天 08:00-09:00]}')}", "guanji 是管系统的人，不排值班"),
        ("staff:\n", f"staff:\n{ADMIN.replace('}', ', openid: o_guanji}')}", "不收同伴的消息和警报，请删掉 openid"),
        ("staff:\n", f"staff:\n{ADMIN.replace('}', ', mail: a@example.org}')}", "请删掉 mail"),
        (ZHOUMIN, f"{ZHOUMIN}    reach: all\n", "只能写 house、district、programme"),
        (ZHOUMIN, f"{ZHOUMIN}    reach: district\n", "zhoumin 的小站没有写 district"),
        ("    worker: wangle\n", "    worker: guanji\n", "guanji 不在 staff 里"),
        ("    role: counsellor\n", "    role: chief\n", "只能写 worker、supervisor、counsellor、administrator"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(was: str, now: str, says: str) -> None:
    with pytest.raises(LoadError) as wrong:
        read_programme(TEXT.replace(was, now, 1))
    assert says in str(wrong.value)


def test_a_member_whose_only_supervisor_may_not_see_them_has_nobody() -> None:
    alone = TWO_HOUSES.replace(ZHOUMIN, "    role: supervisor\n    house: jishi\n    reach: house\n").replace(
        "    worker: wangle\n    backup: lihong\n", "", 1
    )
    with pytest.raises(LoadError, match="xiaohe 求助时不一定有人可找"):
        read_programme(alone)
