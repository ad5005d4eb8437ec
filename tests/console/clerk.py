"""Somebody at the console, in a browser without a script."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

import httpx
from sqlalchemy import select

from app.accounts import service as accounts
from app.console.routes import ROOMS
from app.main import create_app
from app.people.models import Person
from tests.conftest import Story
from tests.stories.forms import Button, Fields, Form, Forms

PASSWORD = "a password that only tests use"
HASHED: list[str] = []  # hashing takes its time, by design: once is enough


async def has_account(story: Story, name: str, login: str = "") -> str:
    """This member of staff can sign in; what with. Their code is their login, unless another is given."""
    async with story.house.db.begin() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == name)
        login = login or who.code
        if await accounts.by_login(session, login) is None:
            await accounts.make(session, who, login, await _hash(), story.house.clock.now())
    return login


async def _hash() -> str:
    if not HASHED:
        HASHED.append(await accounts.hashed(PASSWORD))
    return HASHED[0]


@dataclass
class Pressed:
    """A button of a page, with the form around it as it was then: to be pressed now or later."""

    form: Form
    button: Button


class Clerk:
    """One browser; what it shows is `page`. `async with Clerk(story, "王乐") as wangle:` signs in first."""

    def __init__(self, story: Story, name: str = "") -> None:
        self._story = story
        self._name = name
        self._browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(story.house, bells=())), base_url=story.settings.public_url
        )
        self.at = ""
        self.status = 0
        self.page = ""
        self.headers = httpx.Headers()

    async def __aenter__(self) -> Self:
        if self._name:
            await self.signs_in(await has_account(self._story, self._name))
            assert self.status == 200, self.page
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._browser.aclose()

    async def signs_in(self, login: str, password: str = PASSWORD) -> str:
        await self.opens("/console/login")
        return await self.presses("登录", login=login, password=password)

    async def opens(self, path: str, *, headers: dict[str, str] | None = None) -> str:
        return await self._follows(await self._browser.get(path, headers=headers))

    @property
    def forms(self) -> list[Form]:
        return Forms(self.page).found

    @property
    def buttons(self) -> list[str]:
        """What can be pressed, but for signing out."""
        return [b.text for form in self.forms for b in form.buttons if form.action != "/console/logout"]

    def button(self, text: str, nth: int = 0) -> Pressed:
        found = [Pressed(form, button) for form in self.forms for button in form.buttons if button.text == text]
        assert len(found) > nth, f"no {text} among {self.buttons}"
        return found[nth]

    async def presses(
        self, what: str | Pressed, *, nth: int = 0, headers: dict[str, str] | None = None, **filled_in: str | list[str]
    ) -> str:  # fmt: skip
        """Fill the form of a button in and press it; then everything that follows from it happens."""
        pressed = self.button(what, nth) if isinstance(what, str) else what
        sent = pressed.form.filled(filled_in)
        if pressed.button.name:
            sent.append((pressed.button.name, pressed.button.value))
        return await self.posts(urljoin(self.at, pressed.button.action or pressed.form.action), sent, headers=headers)

    async def posts(self, path: str, fields: Fields, *, headers: dict[str, str] | None = None) -> str:
        """Send a form as it is."""
        kind = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        body = str(httpx.QueryParams(fields))
        answer = await self._browser.post(path, content=body, headers=kind)
        await self._story.clock.settle()
        return await self._follows(answer)

    async def _follows(self, answer: httpx.Response) -> str:
        for _ in range(3):
            if answer.status_code != 303:
                break
            answer = await self._browser.get(urljoin(str(answer.url), answer.headers["location"]))
        self.at, self.status, self.page = str(answer.url), answer.status_code, answer.text
        self.headers = answer.headers
        if "static" not in self.at:
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "unsafe" not in answer.headers["content-security-policy"]
        return self.page

    @property
    def csrf(self) -> str:
        """What every form of this sign-in carries."""
        return next(form.fields["csrf"] for form in self.forms if "csrf" in form.fields)


def every_way() -> list[tuple[str, str]]:
    """(method, path with its parameters) of everything below /console that needs a sign-in, from the rooms."""
    return [(way.method, way.path) for room in ROOMS for way in room.ways]
