"""Bringing a database to the tables that this version of the program expects."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

FOLDER = Path(__file__).parent.parent / "alembic"


class MigrationError(Exception):
    """The database cannot be brought up to date; the text says what to do."""


def sync_url(url: str) -> str:
    """The same database through a driver that needs no event loop."""
    return url.replace("sqlite+aiosqlite", "sqlite")


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = sync_url(url)
    return config


def head() -> str | None:
    return ScriptDirectory(str(FOLDER)).get_current_head()


def current(url: str) -> str | None:
    """The revision a database is at; None for an empty one."""
    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def migrate(url: str, revision: str = "head") -> bool:
    """Upgrade a database; True if anything had to be done. A SQLite file is copied beside itself before.

    MigrationError when the database cannot be reached, or was written by a newer version.
    """
    try:
        at = current(url)
        if at is not None and not _known(at):
            raise MigrationError(f"数据库是更新版本的同行写的（{at}）：请先升级程序，再启动")
        if at == head() and revision == "head":
            return False
        if at is not None:
            _keep_a_copy(url, at)
        command.upgrade(_config(url), revision)
    except SQLAlchemyError as error:
        raise MigrationError(f"连不上数据库（{type(error).__name__}）：请检查 TONGXING_DATABASE_URL") from None
    return True


def downgrade(url: str, revision: str) -> None:
    command.downgrade(_config(url), revision)


def revise(url: str, message: str) -> None:
    """Write a new migration from the difference between the models and the database at `url`."""
    command.revision(_config(url), message=message, autogenerate=True)


def _known(revision: str) -> bool:
    return any(r.revision == revision for r in ScriptDirectory(str(FOLDER)).walk_revisions())


def _keep_a_copy(url: str, revision: str) -> None:
    file = make_url(url).database
    if not url.startswith("sqlite") or not file or not Path(file).exists():
        return
    place = Path(f"{file}.before-{revision}")
    again = 1
    while place.exists():  # an upgrade that failed half-way left the good copy there: keep that one too
        again += 1
        place = Path(f"{file}.before-{revision}-{again}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(place)) as copy:
        source.backup(copy)
