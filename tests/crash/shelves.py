"""Where databases are kept by name, to be laid out again: one is in use, the others are as they were."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.postgres import Server


class Shelf(Protocol):
    """Each process has a database of its own in use; what is kept is everybody's. `url`: the one in use."""

    @property
    def url(self) -> str: ...

    def keep(self, name: str) -> None:
        """Nobody may be connected to the one in use."""

    def lay_out(self, name: str) -> None: ...


@dataclass(frozen=True)
class FileShelf:
    """SQLite: a file each."""

    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self._file(_in_use())}"

    def keep(self, name: str) -> None:
        with closing(sqlite3.connect(self._file(_in_use()))) as connection:
            self._file(name).write_bytes(connection.serialize())

    def lay_out(self, name: str) -> None:
        for log in ("-wal", "-shm"):
            self._file(_in_use()).with_suffix(f".db{log}").unlink(missing_ok=True)
        shutil.copyfile(self._file(name), self._file(_in_use()))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"


@dataclass(frozen=True)
class ServerShelf:
    """PostgreSQL: a database each."""

    server: Server

    @property
    def url(self) -> str:
        return self.server.url(_in_use())

    def keep(self, name: str) -> None:
        self._copy(_in_use(), name)

    def lay_out(self, name: str) -> None:
        self._copy(name, _in_use())

    def clear(self) -> None:
        """Forget everything that was kept or is in use."""
        for name in self.server.names():
            if name.startswith(("in_use_", "scene_")):
                self.server.drop(name)

    def _copy(self, one: str, other: str) -> None:
        if self.server.has(other):
            self.server.drop(other)
        self.server.create(other, one)


def _in_use() -> str:
    return f"in_use_{os.getpid()}"
