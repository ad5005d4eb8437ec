import shutil, sys, time
from collections import Counter
from pathlib import Path

import pytest

from app import migrations
from app.settings import Settings
from tests.crash.shelves import FileShelf, ServerShelf, Shelf
from tests.crash.siege import lay_siege
from tests.postgres import TEMPLATE, Server


@pytest.fixture
def files(tmp_path: Path, migrated_file: Path) -> FileShelf:
    shutil.copy(migrated_file, tmp_path / f"{TEMPLATE}.db")
    return FileShelf(tmp_path)


@pytest.fixture
def server(postgres_server: Server, postgres_db: str) -> ServerShelf:
    return ServerShelf(postgres_server)


def go(settings, shelf):
    t = time.time()
    deaths = lay_siege(settings, shelf)
    print(len(deaths), time.time() - t)
    for d in deaths:
        if not d.died or d.skipped or d.repeated or d.wrong:
            print(d.step, d.point, d.died, "SKIPPED", d.skipped, "REPEATED", d.repeated, "WRONG", d.wrong[:600])
    print(Counter(len(d.repeated) for d in deaths))

def test_sqlite(settings: Settings, files: FileShelf) -> None:
    go(settings, files)

@pytest.mark.postgres
def test_postgres(settings: Settings, server: ServerShelf) -> None:
    go(settings, server)
