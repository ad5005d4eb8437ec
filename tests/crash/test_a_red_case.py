"""Whenever the house dies in the life of a red case, the case goes on: nobody is skipped, one notice is said again at
the most.

The life is played once without a death and its points are written down: every statement that writes, every commit,
every call, every answer (`house.py`). Then it is played once for each of them, with a death (SIGKILL) there and a new
process over what the death left, and held against the first: phones, log, rows.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.crash.guards import DUE_UNTIL_SENT, ONE_BY_ONE
from tests.crash.shelves import FileShelf, ServerShelf, Shelf
from tests.crash.siege import besieged
from tests.postgres import TEMPLATE, Server


@pytest.fixture
def files(tmp_path: Path, migrated_file: Path) -> FileShelf:
    shutil.copy(migrated_file, tmp_path / f"{TEMPLATE}.db")
    return FileShelf(tmp_path)


@pytest.fixture
def databases(postgres_server: Server, postgres_db: str) -> Iterator[ServerShelf]:
    shelf = ServerShelf(postgres_server)
    yield shelf
    shelf.clear()


def dies_everywhere(settings: Settings, shelf: Shelf, database: str) -> None:
    with besieged(settings, shelf) as siege:
        assert ("case", "resolved", True) in siege.life.endings[-1].rows
        deaths = siege.deaths()
        sys.stdout.write(f"{database}: {siege.told(deaths)}\n")
    harmful = [str(death) for death in deaths if not death.harmless]
    assert not harmful, "\n".join(harmful)


@pytest.mark.chaos
@pytest.mark.slow
def test_a_death_at_any_point_of_a_red_case_is_harmless(settings: Settings, files: FileShelf) -> None:
    dies_everywhere(settings, files, "SQLite")


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.postgres
def test_a_death_at_any_point_of_a_red_case_is_harmless_on_postgres(
    settings: Settings, databases: ServerShelf
) -> None:  # fmt: skip
    dies_everywhere(settings, databases, "PostgreSQL")


def test_a_death_after_any_commit_of_a_red_case_is_harmless_and_without_its_guards_it_is_not(
    settings: Settings, files: FileShelf
) -> None:
    with besieged(settings, files) as siege:
        harmful = [str(death) for death in siege.deaths("after COMMIT", steps=1) if not death.harmless]
        assert not harmful, "\n".join(harmful)

        taken = "the_worker_takes_it_and_the_others_and_the_member_hear_who_has_it"
        answered = "ANSWER of message/custom/send #1"
        assert len(siege.death(taken, answered).repeated) == 1
        assert len(siege.death(taken, answered, without=ONE_BY_ONE).repeated) == 4

        written, called = "the_member_writes_and_two_are_alerted", "CALL message/template/send #1"
        assert siege.death(written, called).harmless
        assert "did not hear 待办提醒" in siege.death(written, called, without=DUE_UNTIL_SENT).wrong
