"""Somebody opens a link in a browser without a script, and presses what is on the page."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin

import httpx

from app.main import create_app
from tests.conftest import Story
from tests.stories.forms import Forms


@dataclass
class Form:
    """One way to send a form: what goes with it, the pressed button's own value too, and what the button says."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


def forms_of(page: str) -> list[Form]:
    found = Forms(page).found
    return [
        Form(form.action, {**form.fields, **({button.name: button.value} if button.name else {})}, button.text)
        for form in found
        for button in form.buttons
    ]


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
        return [form.button for form in forms_of(self.page)]

    def form(self, button: str, nth: int = 0) -> Form:
        """The form with this button (the `nth` of them, from 0), to be sent now or later."""
        found = [form for form in forms_of(self.page) if form.button == button][nth]
        return Form(urljoin(self._at, found.action), found.fields, found.button)

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
