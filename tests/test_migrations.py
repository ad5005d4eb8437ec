"""Tables and models agree, an upgrade can be taken back, and no upgrade happens without a copy."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from app import migrations
from app.migrations import MigrationError, current, downgrade, head, migrate, sync_url
from app.tables import metadata

FIRST = "0001"
NEXT = "9999"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table."""
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_empty")
        return address
    return f"sqlite+aiosqlite:///{tmp_path / 'house.db'}"


@pytest.fixture
def file(tmp_path: Path, migrated_file: Path) -> Path:
    """A SQLite file of this version with a programme in it."""
    shutil.copy(migrated_file, tmp_path / "house.db")
    return add_programme(tmp_path / "house.db", "duantang")


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def add_programme(file: Path, code: str) -> Path:
    row = {
        "code": code, "name": "段塘", "zone": "Asia/Shanghai", "locale": "zh-Hans", "phone": "", "region": "CN",
        "lines": "[]", "mood_weekday": 2, "mood_at": "16:30", "invite_days": 3,
    }  # fmt: skip
    with closing(sqlite3.connect(file)) as connection, connection:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO programme ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    return file


def programmes(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [code for (code,) in connection.execute("SELECT code FROM programme ORDER BY code")]


def tables(url: str) -> set[str]:
    engine = create_engine(sync_url(url))
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


@pytest.fixture
def newer_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The program of next year, with one migration more than ours: that migration's number."""
    folder = tmp_path / "alembic-of-next-year"
    shutil.copytree(migrations.FOLDER, folder)
    (folder / "versions" / f"{NEXT}_next_year.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision = {NEXT!r}, {head()!r}\n"
        "def upgrade():\n"
        "    op.add_column('programme', sa.Column('motto', sa.String(), nullable=False, server_default='同行'))\n"
        "def downgrade():\n"
        "    op.drop_column('programme', 'motto')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return NEXT


def test_an_empty_database_gets_the_tables_that_the_models_describe_and_no_other(empty: str) -> None:
    assert migrate(empty)
    engine = create_engine(sync_url(empty))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
            assert compare_metadata(context, metadata) == []
    finally:
        engine.dispose()
    assert tables(empty) == set(metadata.tables)
    assert current(empty) == head()


def test_what_is_up_to_date_is_left_alone(empty: str) -> None:
    assert migrate(empty)
    assert not migrate(empty)


def test_every_step_up_can_be_taken_back_and_taken_again(empty: str) -> None:
    migrate(empty)
    downgrade(empty, "base")
    assert (tables(empty), current(empty)) == (set(), None)
    migrate(empty)
    assert tables(empty) == set(metadata.tables)


def test_the_indices_and_checks_that_the_house_relies_on_are_there_after_a_migration(empty: str) -> None:
    migrate(empty)
    engine = create_engine(sync_url(empty))
    try:
        there = inspect(engine)
        due = {index["name"]: index for table in tables(empty) for index in there.get_indexes(table)}
        checks = {check["name"] for check in there.get_check_constraints("cases")}
    finally:
        engine.dispose()
    for table in ("outbox", "cases", "follow_up", "plan", "mood_plan", "series"):
        conditions = due[f"ix_{table}_due"]["dialect_options"]
        assert any("due_at IS NOT NULL" in str(condition) for condition in conditions.values())
    assert due["uq_cases_open"]["unique"]
    assert checks >= {"ck_cases_open_has_next_action", "ck_cases_resolved_has_outcome"}


def test_migrations_form_one_line_from_the_first_tables() -> None:
    line = list(ScriptDirectory(str(migrations.FOLDER)).walk_revisions())
    assert line[-1].revision == FIRST
    assert [step.down_revision for step in line] == [*(step.revision for step in line[1:]), None]


# Copies


def test_before_an_upgrade_the_file_is_copied_beside_itself(file: Path, newer_program: str) -> None:
    before = current(url_of(file))
    assert migrate(url_of(file))
    copy = file.with_name(f"house.db.before-{before}")
    assert programmes(file) == programmes(copy) == ["duantang"]
    assert (current(url_of(file)), current(url_of(copy))) == (newer_program, before)


def test_the_copy_has_what_stood_only_in_the_write_ahead_log(file: Path, newer_program: str) -> None:
    before = current(url_of(file))
    with closing(sqlite3.connect(file)) as open_elsewhere:
        open_elsewhere.execute("PRAGMA journal_mode=WAL")
        open_elsewhere.execute("SELECT count(*) FROM programme").fetchone()
        add_programme(file, "zhonghe")
        assert file.with_name("house.db-wal").stat().st_size > 0
        migrate(url_of(file))
    assert programmes(file.with_name(f"house.db.before-{before}")) == ["duantang", "zhonghe"]


def test_a_second_upgrade_does_not_write_over_the_first_copy(file: Path, newer_program: str) -> None:
    before = current(url_of(file))
    migrate(url_of(file))
    downgrade(url_of(file), before or "base")
    add_programme(file, "zhonghe")
    migrate(url_of(file))
    assert programmes(file.with_name(f"house.db.before-{before}")) == ["duantang"]
    assert programmes(file.with_name(f"house.db.before-{before}-2")) == ["duantang", "zhonghe"]


@pytest.mark.parametrize("again", [False, True], ids=["the first time", "when there is nothing to do"])
def test_a_database_that_nothing_is_lost_from_is_not_copied(tmp_path: Path, again: bool) -> None:
    file = tmp_path / "new.db"
    for _ in range(1 + again):
        migrate(url_of(file))
    assert list(tmp_path.glob("*before*")) == []


# What a migration does with what is there


@pytest.mark.parametrize(
    ("zone", "support", "emergency", "region", "lines"),
    [
        ("Asia/Shanghai", "12356", "120 或 110", "CN", []),
        ("Asia/Shanghai", "", "", "CN", []),
        ("Asia/Shanghai", "0574-1", "120 或 110", "CN", [{"number": "0574-1", "use": "talk"}]),
        (
            "Pacific/Auckland",
            "1737",
            "111",
            "NZ",
            [{"number": "1737", "use": "talk"}, {"number": "111", "use": "danger"}],
        ),
        (
            "Asia/Taipei",
            "1925",
            "119",
            "OTHER",
            [{"number": "1925", "use": "talk"}, {"number": "119", "use": "danger"}],
        ),
    ],
)
def test_the_numbers_that_a_programme_had_are_its_own_lines_now_and_again_its_numbers_when_it_is_taken_back(
    tmp_path: Path, zone: str, support: str, emergency: str, region: str, lines: list[dict[str, str]]
) -> None:
    file = tmp_path / "old.db"
    migrate(url_of(file))
    downgrade(url_of(file), "0007")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "INSERT INTO programme (code, name, zone, locale, phone, support_line, emergency_line, mood_weekday,"
            " mood_at, invite_days) VALUES ('a', 'a', ?, 'zh-Hans', '', ?, ?, 2, '16:30', 3)",
            (zone, support, emergency),
        )
    migrate(url_of(file))
    with closing(sqlite3.connect(file)) as connection:
        found, own = connection.execute("SELECT region, lines FROM programme").fetchone()
    assert (found, json.loads(own)) == (region, lines)
    downgrade(url_of(file), "0007")
    with closing(sqlite3.connect(file)) as connection:
        back = connection.execute("SELECT support_line, emergency_line FROM programme").fetchone()
    assert back == (support or "12356", emergency or "120 或 110")


@pytest.mark.parametrize(
    ("missed_at", "close_at"), [("2026-11-25 08:30:00.000000", "2026-11-26 08:00:00.000000"), (None, None)]
)
def test_what_was_in_the_calendar_before_lists_were_closed_gets_that_milestone_as_well(
    tmp_path: Path, missed_at: str | None, close_at: str | None
) -> None:
    file = tmp_path / "old.db"
    migrate(url_of(file))
    downgrade(url_of(file), "0017")
    add_programme(file, "a")
    starts, ends = "2026-11-25 06:00:00.000000", "2026-11-25 08:00:00.000000"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "INSERT INTO house (programme_id, code, name, zone, venue, phone) VALUES (1,'h','h','Asia/Shanghai','','')"
        )
        connection.execute(
            "INSERT INTO occurrence (house_id, slot, title, starts_at, ends_at, venue, version, state, door_code,"
            " scene) VALUES (1, 's', 't', ?, ?, 'v', 1, 'scheduled', '1234', 'c')",
            (starts, ends),
        )
        connection.execute(
            "INSERT INTO plan (occurrence_id, house_id, milestone, planned_at, due_at) VALUES (1, 1, 'missed', ?, ?)",
            ("2026-11-25 08:30:00.000000", missed_at),
        )
    migrate(url_of(file))
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT due_at FROM plan WHERE milestone = 'close'").fetchone()
    assert found == (None if close_at is None else (close_at,))
    downgrade(url_of(file), "0017")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT milestone FROM plan").fetchall() == [("missed",)]


# Refusals


def test_the_database_of_a_newer_version_is_refused_and_left_as_it_is(
    file: Path, newer_program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Path(migrations.__file__).parent.parent / "alembic"
    migrate(url_of(file))
    before = file.read_bytes()
    monkeypatch.setattr(migrations, "FOLDER", ours)
    with pytest.raises(MigrationError, match=f"更新版本.*{newer_program}.*请先升级程序"):
        migrate(url_of(file))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:////no/such/folder/house.db",
        "postgresql+psycopg://nobody@/nowhere?host=/no/such/folder",
    ],
    ids=["sqlite", "postgres"],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(url: str) -> None:
    with pytest.raises(MigrationError, match=r"连不上数据库.*TONGXING_DATABASE_URL"):
        migrate(url)
