"""A throw-away PostgreSQL for the tests that promise something of both databases.

A plugin (`conftest.py` names it); the tests that use it are marked `postgres`. The server lives in a
temporary folder, listens on a socket there and nowhere else, and is gone afterwards.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from app import migrations

OWNER = "tongxing"
TEMPLATE = "migrated"
PROGRAMS = ("initdb", "postgres")
# Nothing here has to survive a power cut, and a new database is made for every test.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
}


def _program(name: str) -> str | None:
    """Where a server program is: on the path, or where Debian keeps those that are not."""

    def version(path: str) -> int:
        number = Path(path).parent.parent.name
        return int(number) if number.isdigit() else 0

    installed = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=version)  # noqa: PTH207
    return shutil.which(name) or (installed[-1] if installed else None)


def has_postgres() -> bool:
    """Whether this machine has what it takes to start a PostgreSQL."""
    return all(_program(name) for name in PROGRAMS) and _who_runs_it() is not None


def _who_runs_it() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then somebody else runs it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users.get("nobody")


@dataclass
class Server:
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def run(self, statement: LiteralString) -> None:
        with self._connection() as connection:
            connection.execute(statement)

    def has(self, database: str) -> bool:
        with self._connection() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            return found.fetchone() is not None

    def names(self) -> list[str]:
        with self._connection() as connection:
            return [name for (name,) in connection.execute("SELECT datname FROM pg_database")]

    def create(self, name: str, template: str = "template0") -> None:
        with self._connection() as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            if connection.info.server_version >= 150000:
                statement += sql.SQL(" STRATEGY FILE_COPY")  # the way of all older ones, and the quick one here
            connection.execute(statement)

    def drop(self, name: str) -> None:
        with self._connection() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _connection(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(host=str(self.folder), user=OWNER, dbname="postgres", autocommit=True)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A database of one's own for a while: its address."""
        name = f"test_{next(self._numbers)}"
        self.create(name, template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def migrated(self) -> Iterator[str]:
        if not self.has(TEMPLATE):
            self.create(TEMPLATE)
            migrations.migrate(self.url(TEMPLATE))
        with self.database(TEMPLATE) as url:
            yield url


def memory() -> Path | None:
    """A folder in memory, where a new database takes a twentieth of the time; None where there is little of it."""
    folder = Path("/dev/shm")  # noqa: S108
    roomy = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 1 << 30
    return folder if roomy else None


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that nobody else can reach, ready for connections."""
    initdb, postgres, user = _program("initdb"), _program("postgres"), _who_runs_it()
    if initdb is None or postgres is None or user is None:
        raise LookupError("the PostgreSQL server programs are not on this machine (Debian: apt install postgresql)")
    # A socket's path may have some hundred characters, so this is not a folder of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="tongxing-pg-", dir=memory()))
    as_user: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, "env": {**os.environ, "LC_ALL": "C"}}
    if os.geteuid() == 0:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        data = folder / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", OWNER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, **as_user,
        )  # fmt: skip
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [postgres, "-D", data, "-k", folder, *options], stdout=log, stderr=log, **as_user
            )
        try:
            server = Server(folder)
            _wait_for(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # "fast": end the sessions, then stop
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(timeout=10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path, patience: float = 30) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}") from None
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Server) -> str:
    """The server's own database, for whoever makes databases."""
    return postgres_server.url("postgres")


@pytest.fixture
def postgres_db(postgres_server: Server) -> Iterator[str]:
    """The address of a database with our empty tables that only this test has."""
    yield from postgres_server.migrated()


@pytest.fixture
def postgres_empty(postgres_server: Server) -> Iterator[str]:
    """The address of a database without any table."""
    with postgres_server.database() as url:
        yield url
