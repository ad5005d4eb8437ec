"""Where most stories begin: played once per test process, laid out anew for each test.

Opening a house and joining it take two dozen messages, and what they leave behind (a database, a platform, what
people have read on their phones) is the same each time. Who wants the playing itself uses `open_story` without
a beginning and `Story.plays_joining`.
"""

import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.clock import Clock
from app.settings import Settings
from bot.simulator import Platform
from bot.simulator.state import User

if TYPE_CHECKING:
    from tests.conftest import Story

# What ties a platform to its own story; everything else that it remembers can be laid out in another one.
TIES = ("clock", "work", "_door", "_tasks")


@dataclass(frozen=True, repr=False)
class Moment:
    """A moment of a story at which nothing is under way. `heard`: how far people have read on their phones."""

    at: datetime
    database: bytes
    platform: dict[str, Any]
    clock: Clock
    heard: dict[str, dict[bool, int]]

    @classmethod
    def of(cls, story: "Story") -> "Moment":
        box = story.platform
        assert not box._tasks, "something is still on its way to the house"
        kept = {name: what for name, what in vars(box).items() if name not in TIES}
        return cls(
            at=box.clock.now(),
            database=pages(story.settings),
            platform=deepcopy(kept, {id(box.clock): box.clock}),
            clock=box.clock,
            heard={name: dict(phone._heard) for name, phone in story.book._phones.items()},
        )

    def lay_out(self, settings: Settings, box: Platform) -> None:
        """Make it this moment in a house that has no connection to its database now."""
        file = database_file(settings)
        for log in ("-wal", "-shm"):
            file.with_name(file.name + log).unlink(missing_ok=True)
        file.write_bytes(self.database)
        vars(box).update(deepcopy(self.platform, {id(self.clock): box.clock}))

    def is_now(self, story: "Story", *, untouched: set[str]) -> bool:
        """Whether nothing has happened since, and nothing was set; phones may have been fetched whose owners
        have done nothing yet, but none of those `untouched`. (No token is given out without a call.)"""
        then, now = self.platform, vars(story.platform)
        fetched = {openid: user for openid, user in now["users"].items() if openid not in then["users"]}
        return (
            story.platform.clock.now() == self.at
            and not fetched.keys() & untouched
            and all(user == User(openid, user.name, user.role) for openid, user in fetched.items())
            and {**then["users"], **fetched} == now["users"]
            and all(now[name] == was for name, was in then.items() if name not in ("users", "tokens"))
            and pages(story.settings) == self.database
        )


@dataclass(frozen=True)
class Beginning:
    """The staff are there; and a little later, 小河 has joined."""

    settings: Settings
    staff: Moment
    joined: Moment

    @property
    def later(self) -> "Beginning":
        """The same, for a story that begins when 小河 has joined; nobody has looked at their phone yet."""
        return Beginning(self.settings, self.joined, self.joined)

    def is_of(self, settings: Settings) -> bool:
        """Whether a house with these settings begins so, wherever it lies."""
        here = {"data_dir": settings.data_dir, "database_url": settings.database_url}
        return self.settings.model_copy(update=here) == settings

    def is_now(self, story: "Story") -> bool:
        newcomers = self.joined.platform["users"].keys() - self.staff.platform["users"].keys()
        return self.staff.is_now(story, untouched=set(newcomers))

    async def goes_on(self, story: "Story") -> None:
        """小河 has joined."""
        fetched = story.platform.users
        await story.house.db.engine.dispose()
        self.joined.lay_out(story.settings, story.platform)
        story.platform.users = {**fetched, **story.platform.users}
        for name, heard in self.joined.heard.items():
            phone = await story.phone(name)
            phone._heard = dict(heard)
            await phone._refresh()


def database_file(settings: Settings) -> Path:
    return settings.data_dir / "tongxing.db"


def pages(settings: Settings) -> bytes:
    """The whole database, with what still lies in its log."""
    with closing(sqlite3.connect(database_file(settings))) as file:
        return file.serialize()
