"""The database: engine, unit of work, and the two column types that everything here relies on.

Services never commit. Whoever stands at an edge (the door, a bell, a page, the command) opens one unit of
work with `Database.begin()`, and everything in it becomes true together or not at all.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Executable,
    Index,
    Select,
    SmallInteger,
    Table,
    Text,
    event,
    make_url,
    text,
    true,
)
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

from app.one_trip import connect
from app.vault import Vault, VaultError

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Record(SQLModel):
    """The base of every table. It prints as its name and number: names and texts must not reach a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', '?')}>"

    __str__ = __repr__


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements about many rows at a time."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


def ident(row: Record) -> int:
    """The number of a row that is in the database; one that was never flushed has none (LookupError)."""
    number: int | None = getattr(row, "id", None)
    if number is None:
        raise LookupError(f"{row!r} is not in the database yet")
    return number


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, stored in UTC on both databases; a datetime without zone is refused (ValueError).

    SQLite has no time zones, and the plain type would drop the offset without a word.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Encrypted(TypeDecorator[str]):
    """Free text, a name or a phone number: sealed with the house's key on its way to the disk."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _vault().seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _vault().open(value)


NOTHING_TO_SEAL = "{}"


class EncryptedJSON(TypeDecorator[Any]):
    """The same for a small JSON value; an empty one says nothing and stands there as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value == {}:
            return NOTHING_TO_SEAL
        return None if value is None else _vault().seal(json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value == NOTHING_TO_SEAL:
            return {}
        return None if value is None else json.loads(_vault().open(value))


class Numbers(TypeDecorator[IntEnum]):
    """An IntEnum stored as its number and read back as itself."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, enum: type[IntEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: IntEnum | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> IntEnum | None:
        return None if value is None else self.enum(value)


def unsealed(sealed: str | None) -> str | None:
    """What an encrypted column says, where it was read without being opened."""
    return None if sealed is None else _vault().open(sealed)


def words(enum: type[Any]) -> Any:
    """A column type that stores an enum by its value, as plain text with no CHECK to migrate later."""
    return SqlEnum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda e: [m.value for m in e],
    )


def due_index(table: str, *first: str) -> Index:
    """The index that keeps finished rows free of charge for whoever asks what is due, `first` things first."""
    unfinished = text("due_at IS NOT NULL")
    return Index(f"ix_{table}_due", *first, "due_at", sqlite_where=unfinished, postgresql_where=unfinished)


_current_vault: Vault | None = None


def _vault() -> Vault:
    if _current_vault is None:
        raise VaultError("no Database has been opened with a key yet")
    return _current_vault


class Database:
    """One database and the key to what is written in it."""

    def __init__(self, url: str, vault: Vault, *, pool_size: int = 8) -> None:
        global _current_vault  # column types are built before any database is; a process has one key
        _current_vault = vault
        self.url = url
        self.vault = vault
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        # hide_parameters: an error names the statement and not what people are called or wrote.
        file = make_url(url).database or ""
        one_trip: dict[str, Any] = {"async_creator": lambda: connect(file)} if self.is_sqlite else {}
        self.engine: AsyncEngine = create_async_engine(
            url, pool_size=pool_size, max_overflow=pool_size, hide_parameters=True, **one_trip
        )
        if self.is_sqlite:
            _tame_sqlite(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self._writers = asyncio.Lock()
        self.on_commit: Callable[[frozenset[str]], None] = lambda _bells: None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A unit of work: committed at the end, rolled back by any exception.

        Afterwards `on_commit` hears which bells the work asked to be rung (`ring`).
        """
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                # One writer at a time is SQLite's rule; waiting here is fair, waiting in SQLite is a poll.
                await stack.enter_async_context(self._writers)
            session = await stack.enter_async_context(self._sessions())
            async with session.begin():
                yield session
        bells = frozenset(session.info.get("bells", ()))
        if bells:
            self.on_commit(bells)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A consistent view that writes nothing and blocks no writer."""
        one_moment: dict[str, Any] = (
            {"tongxing_read_only": True} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        )
        async with self._sessions() as session:
            await session.connection(execution_options=one_moment)
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def ring(session: AsyncSession, bell: str) -> None:
    """Ask for a bell to be rung as soon as this unit of work is committed."""
    session.info.setdefault("bells", set()).add(bell)


def _tame_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # or the driver begins transactions of its own, too late
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # Without IMMEDIATE, two transactions that read before they write overwrite each other.
        read_only = connection.get_execution_options().get("tongxing_read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


async def insert_once(session: AsyncSession, model: type[Record], **values: Any) -> int | None:
    """Insert a row unless one with the same unique key stands there; its id, or None if it did.

    The values go through the model's own defaults first, as they would with `session.add`.
    """
    inserted: int | None = await _insert(session, model, values)
    return inserted


async def add_once(session: AsyncSession, model: type[Record], **values: Any) -> bool:
    """The same for a table whose key is a name. False: it stood there."""
    return await _insert(session, model, values) is not None


Row = TypeVar("Row", bound=Record)


async def new_row(session: AsyncSession, model: type[Row], **values: Any) -> Row | None:
    """The same, and the row itself; None if one stood there."""
    row: Row | None = await _insert(session, model, values, whole=True)
    return row


async def _insert(session: AsyncSession, model: type[Record], values: dict[str, Any], *, whole: bool = False) -> Any:
    given = model(**values).model_dump(exclude={"id"})
    return await session.scalar(_unless_there(model, session.get_bind().dialect.name, whole=whole), given)


@cache
def _unless_there(model: type[Record], dialect: str, *, whole: bool) -> Executable:
    """Made once: making a statement costs as much as executing it."""
    insert = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(model).on_conflict_do_nothing()
    return insert.returning(model if whole else table_of(model).primary_key.columns.values()[0])


async def insert_selected(
    session: AsyncSession, table: Table, columns: Sequence[Column[Any]], chosen: Select[*tuple[Any, ...]]
) -> int:
    """Insert what a select finds, leaving out what stands there already; how many (-1: the driver does not say)."""
    if session.get_bind().dialect.name == "sqlite":
        # SQLite reads "ON CONFLICT" after a bare select as part of its join (sqlite.org: lang_upsert, parsing).
        statement: Any = sqlite_insert(table).from_select(columns, chosen.where(true()))
    else:
        statement = postgresql_insert(table).from_select(columns, chosen)
    return await changed(session, statement.on_conflict_do_nothing())


async def changed(session: AsyncSession, statement: Executable) -> int:
    """Execute an insert, update or delete; how many rows it touched (-1: the driver does not say)."""
    return cast(CursorResult[Any], await session.execute(statement)).rowcount


def is_database_trouble(error: BaseException) -> bool:
    """Whether `error` says that the database itself is away, locked or full, not that a row is wrong."""
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError, OSError))
