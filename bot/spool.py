"""Where deliveries wait while the database is away: one sealed, synced file each, taken in when it is back."""

import asyncio
import os
import secrets
from datetime import datetime
from pathlib import Path

from app.vault import Vault, VaultError


class Spool:
    """A folder of files named by the time they came, so that they are taken in in that order."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault
        self._count = 0

    async def put(self, xml: bytes, now: datetime) -> Path:
        """Keep a delivery. When this returns, it survives a power cut. OSError if the disk refuses it."""
        # The count keeps the order of what comes within one microsecond; the rest keeps processes apart.
        self._count += 1
        name = f"{int(now.timestamp() * 1_000_000):020d}-{self._count:06d}-{secrets.token_hex(4)}"
        return await asyncio.to_thread(self._put, xml, name)

    def _put(self, xml: bytes, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{name}"
        with draft.open("wb") as file:
            file.write(self._vault.seal(xml.decode("utf-8", "replace")).encode())
            file.flush()
            os.fsync(file.fileno())
        place = draft.rename(self._folder / f"{name}.sealed")
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return place

    def waiting(self) -> list[Path]:
        """What is kept, oldest first."""
        return sorted(self._folder.glob("*.sealed")) if self._folder.is_dir() else []

    def read(self, file: Path) -> bytes | None:
        """The delivery in `file`; None if it was sealed with another key (it is left where it is).

        FileNotFoundError when it was handled since it was listed.
        """
        try:
            return self._vault.open(file.read_text(encoding="ascii")).encode()
        except VaultError:
            return None

    def set_aside(self, file: Path) -> None:
        """Keep a delivery that cannot be handled out of the way of the others."""
        file.rename(file.with_suffix(".broken"))

    def done(self, file: Path) -> None:
        file.unlink(missing_ok=True)
