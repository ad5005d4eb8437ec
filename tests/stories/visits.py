"""Somebody opens a link in a browser without a script, and presses what is on the page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx

from app.main import create_app
from tests.conftest import Story


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""
    of_button: bool = False


class _Forms(HTMLParser):
    """The forms of a page, with what they bring along and what their button says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._in_button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.found.append(Form(given["action"]))
        elif tag == "button":
            form = next(form for form in reversed(self.found) if not form.of_button)
            # Of a form with several buttons, which of them was pressed is part of what it sends.
            own = {given["name"]: given["value"]} if "name" in given else {}
            self._pressed = Form(form.action, {**form.fields, **own}, of_button=True) if own else form
            if own:
                self.found.append(self._pressed)
        elif tag == "input" and (given["type"] == "hidden" or "checked" in given):
            self.found[-1].fields[given["name"]] = given["value"]
        self._in_button = self._in_button or tag == "button"

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button:
            self._pressed.button += data


class Visit:
    """One browser on one page; what it shows is `page`."""

    def __init__(self, story: Story) -> None:
        transport = httpx.ASGITransport(create_app(story.house, bells=()))
        self._story = story
        self._browser = httpx.AsyncClient(transport=transport, base_url=story.settings.public_url)
        self._at = ""
        self.status = 0
        self.page = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._browser.aclose()

    async def opens(self, message: str, method: str = "GET") -> str:
        """Follow the first link of a message."""
        self._at = next(word for word in message.split() if word.startswith("http"))
        return self._shows(await self._browser.request(method, self._at))

    @property
    def buttons(self) -> list[str]:
        return [form.button for form in _Forms(self.page).found if form.button]

    def form(self, button: str, nth: int = 0) -> Form:
        """The form with this button (the `nth` of them, from 0), to be sent now or later."""
        found = [form for form in _Forms(self.page).found if form.button == button][nth]
        return Form(urljoin(self._at, found.action), found.fields, found.button, found.of_button)

    async def presses(self, button: str | Form, headers: dict[str, str] | None = None, **filled_in: str) -> str:
        """Press a button of the page, or of one that was shown before; then everything that follows happens."""
        form = self.form(button) if isinstance(button, str) else button
        answer = await self._browser.post(form.action, data={**form.fields, **filled_in}, headers=headers)
        await self._story.clock.settle()
        self._at = str(answer.url)
        if answer.status_code == 303:
            self._at = urljoin(self._at, answer.headers["location"])
            answer = await self._browser.get(self._at)
        return self._shows(answer)

    def _shows(self, answer: httpx.Response) -> str:
        self.status, self.page = answer.status_code, answer.text
        if answer.status_code == 405:
            return self.page
        for name, wanted in (("cache-control", "no-store"), ("referrer-policy", "no-referrer")):
            assert answer.headers[name] == wanted
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        return self.page
