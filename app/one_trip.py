"""SQLite in its thread, one trip a statement.

aiosqlite goes to its thread and back for making a cursor, for executing, for fetching and for closing. While the
loop is busy with hundreds of senders each trip waits for a turn of the loop, and a unit of work has a hundred of
them. Here a statement is executed and its rows are fetched in one trip; nothing else is different.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import aiosqlite

Rows = list[Any]


class Cursor(aiosqlite.Cursor):
    """What SQLAlchemy asks of a cursor; it is made of what the last statement brought back."""

    def __init__(self, conn: "Connection") -> None:
        self._conn: Connection = conn
        self._cursor: Any = None
        self._rows: Rows = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        self._cursor, self._rows = await self._conn.run(_execute, sql, parameters or ())
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        self._cursor, self._rows = await self._conn.run(_execute_many, sql, parameters)
        return self

    async def fetchall(self) -> Rows:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Everything has been fetched: SQLite is done with the statement already."""
        self._rows = []


class Connection(aiosqlite.Connection):
    def cursor(self) -> Any:
        return Cursor(self)

    async def run(self, work: Any, *args: Any) -> Any:
        return await self._execute(work, self._conn, *args)  # type: ignore[no-untyped-call]


async def connect(file: str) -> aiosqlite.Connection:
    """A connection to a file, for `create_async_engine(async_creator=…)`."""

    def open_file() -> sqlite3.Connection:
        return sqlite3.connect(file, check_same_thread=False)

    connection = Connection(open_file, iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy makes it: a process may end without closing
    return await connection


def _execute(connection: sqlite3.Connection, sql: str, parameters: Any) -> tuple[sqlite3.Cursor, Rows]:
    cursor = connection.execute(sql, parameters)
    return cursor, cursor.fetchall() if cursor.description else []


def _execute_many(connection: sqlite3.Connection, sql: str, parameters: Any) -> tuple[sqlite3.Cursor, Rows]:
    return connection.executemany(sql, parameters), []
