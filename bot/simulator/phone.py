"""The tester's vocabulary: what a person does with a phone, and what they see on it.

The same sentences run in process (`LocalWire`) and over HTTP (`HttpWire`), so that a test and the tour of
the demo read alike:

    xiaohe = await book.phone("小河", "同伴")
    await xiaohe.follows(scene)
    await xiaohe.hears("您好")
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from app.clock import local
from bot.simulator.menus import menu_of
from bot.simulator.page_state import phone_state
from bot.simulator.platform import BEIJING, Platform

POLL = 0.1


@dataclass(frozen=True)
class Seen:
    """One bubble as a person sees it. `who`: me, account or system."""

    who: str
    kind: str
    text: str
    title: str = ""
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[tuple[str, str], ...] = ()
    task_id: str = ""
    at: str = ""

    @property
    def at_work(self) -> bool:
        """It came by WeCom."""
        return self.kind.startswith("work_")


class Wire(Protocol):
    """How a Phone reaches the box. `patience`: real seconds to wait for something to be heard."""

    patience: float

    async def add(self, openid: str, name: str, role: str) -> None: ...
    async def act(self, openid: str, verb: str, **details: str) -> None: ...
    async def look(self, openid: str) -> dict[str, Any]: ...
    async def menu(self, openid: str) -> list[dict[str, Any]]: ...


class LocalWire:
    """The platform in this process."""

    def __init__(self, platform: Platform, patience: float = 0.0) -> None:
        self.platform, self.patience = platform, patience

    async def add(self, openid: str, name: str, role: str) -> None:
        self.platform.add_user(openid, name, role)

    async def act(self, openid: str, verb: str, **details: str) -> None:
        await perform(self.platform, openid, verb, details)

    async def look(self, openid: str) -> dict[str, Any]:
        return phone_state(self.platform, self.platform.user(openid))

    async def menu(self, openid: str) -> list[dict[str, Any]]:
        return menu_of(self.platform, self.platform.user(openid))


class HttpWire:
    """A box over HTTP: `client.base_url` is where it is mounted. httpx.HTTPStatusError when it refuses."""

    def __init__(self, client: httpx.AsyncClient, patience: float = 5.0) -> None:
        self._client, self.patience = client, patience

    async def add(self, openid: str, name: str, role: str) -> None:
        await self._post("phones", {"openid": openid, "name": name, "role": role})

    async def act(self, openid: str, verb: str, **details: str) -> None:
        await self._post(f"phones/{quote(openid, safe='')}/{verb}", details)

    async def look(self, openid: str) -> dict[str, Any]:
        state = await self._state(openid)
        phones: list[dict[str, Any]] = state["phones"]
        return phones[0]

    async def menu(self, openid: str) -> list[dict[str, Any]]:
        menu: list[dict[str, Any]] = (await self.look(openid))["menu"]
        return menu

    async def _state(self, openid: str) -> dict[str, Any]:
        answer = await self._client.get("state.json", params={"phone": openid})
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    async def _post(self, path: str, body: Mapping[str, str]) -> None:
        (await self._client.post(path, json=dict(body), timeout=60)).raise_for_status()


async def perform(platform: Platform, openid: str, verb: str, details: Mapping[str, str]) -> bool:
    """Carry out what a person does; False when there is no such verb. KeyError when a detail is missing."""
    match verb:
        case "say":
            await platform.message(openid, details["text"], menu_id=details.get("menu_id") or None)
        case "follow":
            await platform.follow(openid, details.get("scene") or None)
        case "unfollow":
            await platform.unfollow(openid)
        case "scan":
            await platform.scan(openid, details["scene"])
        case "click":
            await platform.click(openid, details["key"])
        case "view":
            await platform.view(openid, details["url"])
        case "unreadable":
            await platform.unreadable(openid, details["kind"])
        case "accept":
            await platform.accept_subscription(openid, details["template_id"])
        case "press" if platform.work is not None:
            await platform.work.press(platform.user(openid).userid, details["task_id"], details["key"])
        case _:
            return False
    return True


class Phone:
    """One person's phone. What was there before its owner's last action counts as seen."""

    def __init__(self, wire: Wire, openid: str, name: str) -> None:
        self.openid, self.name = openid, name
        self._wire = wire
        self._bubbles: list[Seen] = []
        self._lock = ""
        # How far each of the two chats has been read.
        self._heard = {False: 0, True: 0}

    # What a person does

    async def says(self, text: str) -> None:
        await self._act("say", text=text)

    async def follows(self, scene: str | None = None) -> None:
        await self._act("follow", scene=scene or "")

    async def unfollows(self) -> None:
        await self._act("unfollow")

    async def scans(self, scene: str) -> None:
        await self._act("scan", scene=scene)

    async def sends_voice(self) -> None:
        await self._act("unreadable", kind="voice")

    async def sends(self, kind: str) -> None:
        await self._act("unreadable", kind=kind)

    async def accepts(self, template_id: str) -> None:
        """Allow one subscription notice of this template."""
        await self._act("accept", template_id=template_id)

    async def taps(self, key: str) -> None:
        """Tap what bears this id or these words: a choice in the chat (newest first), else the menu."""
        await self._refresh()
        for bubble in reversed(self._bubbles):
            for choice_id, words in bubble.choices:
                if key in (choice_id, words):
                    await self._act("say", text=words, menu_id=choice_id)
                    return
        for button in await self._wire.menu(self.openid):
            for entry in button.get("sub_button") or [button]:
                if key in (entry.get("key"), entry.get("url"), entry.get("name")):
                    verb = {"click": ("click", "key"), "view": ("view", "url")}[entry["type"]]
                    await self._act(verb[0], **{verb[1]: entry[verb[1]]})
                    return
        await self._act("click", key=key)

    async def presses(self, words: str) -> None:
        """Press the button with these words (or this key) on the newest WeCom card that came with it.

        Also when the card shows something else by now: a second tap can be under way, another device behind.
        """
        await self._refresh()
        for bubble in reversed(self._bubbles):
            for key, said in bubble.choices if bubble.kind == "work_card" else ():
                if words in (key, said):
                    await self._act("press", task_id=bubble.task_id, key=key)
                    return
        raise AssertionError(self._complaint(f"has no button {words!r}"))

    # What a person sees

    async def hears(self, *fragments: str, within: float | None = None) -> str:
        """The text of the first new bubble in WeChat that has every fragment; it and all before it are then seen.

        Waits `within` real seconds (the wire's patience by default). AssertionError with the transcript.
        """

        def fits(bubble: Seen) -> bool:
            return not bubble.at_work and all(f in bubble.text for f in fragments)

        return (await self._find(fits, fragments, within)).text

    async def sees_work_message(self, *fragments: str, within: float | None = None) -> str:
        """The text of a new message in WeCom that has every fragment."""

        def fits(bubble: Seen) -> bool:
            return bubble.kind == "work_text" and all(f in bubble.text for f in fragments)

        return (await self._find(fits, fragments, within)).text

    async def hears_nothing(self) -> None:
        await self._refresh()
        new = self._new()
        assert not new, self._complaint(f"should have heard nothing, but heard {new[0].text!r}")  # noqa: S101

    async def hears_not(self, fragment: str) -> None:
        """No new bubble has the fragment; nothing counts as seen by this."""
        await self._refresh()
        guilty = [b for b in self._new() if fragment in b.text]
        assert not guilty, self._complaint(f"should not have heard {fragment!r}")  # noqa: S101

    async def sees_card(
        self, title: str, *fragments: str, within: float | None = None, **fields: str
    ) -> dict[str, str]:
        """A new template card or article: label -> value, with `title` and `url`.

        `fields` name a label and what its value must contain: `地点="活动室"`.
        """
        return await self._card(("card", "news"), title, fragments, within, fields)

    async def sees_work_card(
        self, title: str, *fragments: str, within: float | None = None, **fields: str
    ) -> dict[str, str]:
        """A new card in WeCom, as `sees_card` reads one in WeChat; its buttons are among the fragments."""
        return await self._card(("work_card",), title, fragments, within, fields)

    async def work_card_shows(self, *fragments: str) -> None:
        """The newest card in WeCom as it looks now: what its button says changes when it was pressed."""
        await self._refresh()
        cards = [b for b in self._bubbles if b.kind == "work_card"]
        shown = cards[-1].text if cards else ""
        assert all(f in shown for f in fragments), self._complaint(f"did not see {' + '.join(fragments)}")  # noqa: S101

    async def _card(
        self, kinds: tuple[str, ...], title: str, fragments: tuple[str, ...], within: float | None,
        fields: Mapping[str, str],
    ) -> dict[str, str]:  # fmt: skip
        def fits(bubble: Seen) -> bool:
            return (
                bubble.kind in kinds
                and title in bubble.title
                and all(f in bubble.text for f in fragments)
                and all(value in bubble.fields.get(label, "") for label, value in fields.items())
            )

        wanted = (title, *fragments, *(f"{label}：{value}" for label, value in fields.items()))
        card = await self._find(fits, wanted, within)
        return {**card.fields, "title": card.title, "url": card.url}

    async def lock_screen(self) -> str:
        """The line a locked phone shows; empty when nothing has come."""
        await self._refresh()
        return self._lock

    def transcript(self) -> str:
        """The chat as last looked at, one bubble a paragraph; `»` marks what is new."""
        lines = [f"—— {self.name} 的手机 ——"]
        marks = {"me": "我", "account": "号", "system": "系统"}
        for index, bubble in enumerate(self._bubbles):
            new = "»" if index >= self._heard[bubble.at_work] and bubble.who != "me" else " "
            words = bubble.text.replace("\n", "\n        ")
            mark = "企业微信" if bubble.at_work else marks[bubble.who]
            lines.append(f"{new} {_clock_time(bubble.at)} {mark}  {words}")
        return "\n".join(lines if len(lines) > 1 else [*lines, "  （空的）"])

    # Inside

    async def _act(self, verb: str, **details: str) -> None:
        await self._refresh()
        self._heard = {False: len(self._bubbles), True: len(self._bubbles)}
        await self._wire.act(self.openid, verb, **details)
        await self._refresh()

    async def _refresh(self) -> None:
        state = await self._wire.look(self.openid)
        self._lock = state["lock_screen"]
        self._bubbles = [
            Seen(
                who=b["who"],
                kind=b["kind"],
                text=b["text"],
                title=b["title"],
                url=b["url"],
                fields={label: value for label, value in b["fields"]},  # noqa: C416 - pairs may be JSON lists
                choices=tuple((choice[0], choice[1]) for choice in b["choices"]),
                task_id=b["task_id"],
                at=b["at"],
            )
            for b in state["bubbles"]
        ]

    def _new(self) -> list[Seen]:
        return [b for i, b in enumerate(self._bubbles) if i >= self._heard[b.at_work] and b.who != "me"]

    async def _find(self, fits: "Fits", wanted: tuple[str, ...], within: float | None) -> Seen:
        patience = self._wire.patience if within is None else within
        started = time.perf_counter()
        while True:
            await self._refresh()
            for index, bubble in enumerate(self._bubbles):
                if index >= self._heard[bubble.at_work] and bubble.who != "me" and fits(bubble):
                    self._heard[bubble.at_work] = index + 1
                    return bubble
            if time.perf_counter() - started >= patience:
                raise AssertionError(self._complaint(f"did not hear {' + '.join(wanted) or 'anything'}"))
            await asyncio.sleep(POLL)

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}\n{self.transcript()}"


def _clock_time(at: str) -> str:
    return f"{local(datetime.fromisoformat(at), BEIJING):%H:%M}" if at else "--:--"


class Fits(Protocol):
    def __call__(self, bubble: Seen, /) -> bool: ...


class PhoneBook:
    """Phones by name, over one wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._phones: dict[str, Phone] = {}

    async def phone(self, name: str, role: str = "", openid: str | None = None) -> Phone:
        """The phone of this name, made (not yet following) when there is none."""
        if name not in self._phones:
            openid = openid or f"o_{name}"
            await self._wire.add(openid, name, role)
            self._phones[name] = Phone(self._wire, openid, name)
        return self._phones[name]

    def __getitem__(self, name: str) -> Phone:
        return self._phones[name]

    def transcript(self) -> str:
        return "\n\n".join(phone.transcript() for phone in self._phones.values())
