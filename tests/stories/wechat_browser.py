"""The browser inside WeChat: it opens what stands in somebody's chat, card or menu, as that somebody."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urljoin

import httpx

from app.main import create_app
from bot.simulator import Phone, create_box
from tests.conftest import Story
from tests.stories.visits import Visit


class Inside(Visit):
    """`away`: the addresses of other sites that the browser was sent to on the way."""

    def __init__(self, story: Story, phone: Phone) -> None:
        super().__init__(story)
        self.phone = phone
        self.away: list[httpx.URL] = []
        self.app = create_app(story.house, bells=())
        mounts = {
            story.settings.public_url: httpx.ASGITransport(self.app),
            "http://box": httpx.ASGITransport(create_box(story.platform)),
        }
        self._browser = httpx.AsyncClient(mounts=mounts, base_url=story.settings.public_url)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._browser.cookies.jar if cookie.path == "/p"}

    @property
    def address(self) -> str:
        return self._at

    async def goes_to(self, path: str) -> str:
        """Type the address of a page of ours, or open it from the menu."""
        return await self.follows(urljoin(self._story.settings.public_url, path))

    async def taps_link(self, url: str) -> str:
        """Tap a link of the chat, a card or the menu: the box lets through only what is on that phone."""
        return await self.follows(f"http://box/open?phone={quote(self.phone.openid)}&url={quote(url, safe='')}")

    async def follows(self, address: str, *, stop_before: str = "") -> str:
        """From address to address until there is a page; or until the next one would be on the path `stop_before`."""
        for _ in range(8):
            if stop_before and stop_before in address:
                return address
            self._at = address
            answer = await self._browser.get(address, headers=self._as_phone(address))
            if not answer.is_redirect:
                await self._story.clock.settle()
                return self._shows(answer)
            address = urljoin(address, answer.headers["location"])
            if not address.startswith(self._story.settings.public_url):
                self.away.append(httpx.URL(address))
        raise AssertionError(f"goes round in circles: {address}")

    def _as_phone(self, address: str) -> dict[str, str]:
        """WeChat knows whose phone this is; a browser would send this cookie to the box alone."""
        if not address.startswith("http://box"):
            return {}
        return {"cookie": f"box_phone={quote(self.phone.openid)}"}


@contextmanager
def in_snapshot(story: Story, phone: Phone) -> Iterator[None]:
    """WeChat shows pages in snapshot mode to this person."""
    user = story.platform.user(phone.openid)
    user.in_snapshot = True
    yield
    user.in_snapshot = False
