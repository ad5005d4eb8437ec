"""One request of somebody who is signed in, and the rooms whose handlers answer it.

A room registers its handlers; each gets a `Desk` inside one unit of work and answers with a `Page`, which is
rendered after that work has ended, or with `Back`. What is not there and what is not theirs to see is one and the
same: LookupError, 404.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.models import SignIn
from app.activities.calendar import Quiet
from app.clock import Clock
from app.db import Database
from app.pages.posting import LONGEST, MOST, Form
from app.people.models import House, Person, Role
from app.people.scope import Scope
from app.settings import Settings
from bot.links import Links
from bot.wechat import WeChatClient
from bot.wording import Wording
from scheduler.watch import Watch

EVERYBODY = (Role.COUNSELLOR, Role.WORKER, Role.SUPERVISOR)
CASES = (Role.WORKER, Role.SUPERVISOR)
LEADS = (Role.SUPERVISOR,)
RUNS = (Role.ADMINISTRATOR,)
ANYBODY = (*EVERYBODY, *RUNS)
BASE = "/console"


class Wrong(Exception):  # noqa: N818 - it is an answer
    """What a form says cannot be meant; `key` names the sentence that says what to do, `data` what it speaks of."""

    def __init__(self, key: str, /, **data: object) -> None:
        super().__init__(key)
        self.key = key
        self.data = data


@dataclass(frozen=True)
class Tools:
    """What handlers need besides the database."""

    db: Database
    clock: Clock
    settings: Settings
    links: Links
    client: WeChatClient
    quiet: Quiet
    watch: Watch
    http: httpx.AsyncClient


@dataclass(frozen=True)
class Page:
    template: str
    status: int = 200
    data: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, template: str, status: int = 200, **data: Any) -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "data", data)


@dataclass(frozen=True)
class Back:
    """Done: the browser goes on to a page of ours, which says what is true now (303)."""

    to: str


Answer: TypeAlias = Page | Back | Response


@dataclass
class Desk:
    """`session`: of a GET that writes nothing it is a view, otherwise a unit of work.

    A handler that changes what this browser is trusted with sets `new_key`: the key that its cookie has from now on.
    """

    tools: Tools
    request: Request
    session: AsyncSession
    signed: SignIn
    who: Person
    house: House
    scope: Scope
    words: Wording
    now: datetime
    form: Form
    new_key: str = ""

    @property
    def zone(self) -> str:
        return self.house.zone

    def say(self, key: str, **data: Any) -> str:
        return self.words.say(key, **data)

    def path(self, name: str) -> int:
        """A number in the path. LookupError where it is none that a row could have."""
        number = int(self.request.path_params[name])
        if not 0 < number < 2**31:
            raise LookupError(name)
        return number

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")


Handler: TypeAlias = Callable[[Desk], Awaitable[Answer]]


@dataclass(frozen=True)
class Way:
    """One way in: `path` below /console. `longest` and `most` as in `read_form`. `counts`: a person did it, so that
    they are still there."""

    method: str
    path: str
    handler: Handler
    roles: tuple[Role, ...]
    writes: bool
    counts: bool = True
    longest: int = LONGEST
    most: int = MOST


class Room:
    """`nav`: where its entry in the navigation leads, for those `roles`; None: it has none."""

    def __init__(self, name: str, *, nav: str | None = None, roles: tuple[Role, ...] = ()) -> None:
        self.name = name
        self.nav = nav
        self.roles = roles
        self.ways: list[Way] = []

    def get(
        self, path: str, *, roles: tuple[Role, ...], writes: bool = False, counts: bool = True
    ) -> Callable[[Handler], Handler]:  # fmt: skip
        """`writes`: looking at it is written down."""
        return self._way("GET", path, roles, writes, counts, LONGEST, MOST)

    def post(
        self, path: str, *, roles: tuple[Role, ...], writes: bool = True, longest: int = LONGEST, most: int = MOST
    ) -> Callable[[Handler], Handler]:
        """`writes`: False where a long work comes first, and what is written then has a unit of work of its own."""
        return self._way("POST", path, roles, writes, True, longest, most)

    def _way(
        self, method: str, path: str, roles: tuple[Role, ...], writes: bool, counts: bool, longest: int, most: int
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.ways.append(Way(method, path, handler, roles, writes, counts, longest, most))
            return handler

        return register
