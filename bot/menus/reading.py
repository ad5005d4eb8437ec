"""Reads the file of the menus and refuses a bad one with a sentence for each thing that is wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from app.settings import SettingsError
from bot.conversation.router import MENU, STAFF_MENU

FILE = Path(__file__).with_name("menus.yaml")
KEYS = (*MENU, *STAFF_MENU)
EVERYONE = "everyone"

# What WeChat takes (自定义菜单, 用户标签); sizes are in bytes of UTF-8.
MOST_BUTTONS, MOST_UNDER = 3, 5
LONGEST_NAME, LONGEST_NAME_UNDER, LONGEST_TAG, LONGEST_PATH = 16, 60, 30, 900

Banned = Callable[[str], list[str]]


class Audience(StrEnum):
    MEMBER = "member"
    FAMILY = "family"
    STAFF = "staff"


SPOKEN = {Audience.MEMBER: "同伴", Audience.FAMILY: "家属", Audience.STAFF: "工作人员"}


class MenusError(SettingsError):
    """A file of menus that cannot be used; the text names every place and says what to do."""


@dataclass(frozen=True, slots=True)
class Button:
    """One of: `says` a key of the router, `opens` a path of ours, or more buttons `under` it."""

    name: str
    says: str = ""
    opens: str = ""
    under: tuple["Button", ...] = ()


@dataclass(frozen=True, slots=True)
class TaggedMenu:
    tag: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Menus:
    """`everyone` is the default menu, for whoever has no tag."""

    everyone: tuple[Button, ...]
    tagged: Mapping[Audience, TaggedMenu]


def read_menus(file: str | Path = "") -> Menus:
    """The menus in `file`, or those that come with the program. MenusError for what is wrong in it."""
    path = Path(file) if file else FILE
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MenusError(f"没有 {path} 这个菜单文件：请检查 TONGXING_MENUS_FILE") from None
    except UnicodeDecodeError:
        raise MenusError(f"菜单文件 {path} 不是 UTF-8 文字：请另存为 UTF-8 再试") from None
    except OSError as error:
        raise MenusError(f"读不了菜单文件 {path}（{error.strerror}）：请检查 TONGXING_MENUS_FILE") from None
    return parse_menus(source, path.name)


def parse_menus(source: str, name: str) -> Menus:
    try:
        tree = yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"第 {mark.line + 1} 行" if mark is not None else "某处"
        raise MenusError(f"菜单文件 {name} {where}不是 YAML 的写法：请对照 bot/menus/menus.yaml") from None
    reader = _Reader()
    menus = reader.menus(tree)
    if reader.problems:
        raise MenusError(f"菜单文件 {name}：" + "；".join(reader.problems))
    return menus


def unfit(menus: Menus, banned: Banned) -> list[str]:
    """Each word of the menus that must not be on anybody's screen, said with its place."""
    return [
        f"{where}「{text}」里有“{word}”：菜单和标签谁都看得见，请换成中性的词"
        for where, text in _visible(menus)
        for word in banned(text)
    ]


def _visible(menus: Menus) -> Iterator[tuple[str, str]]:
    for button in _all(menus.everyone):
        yield "默认菜单的", button.name + button.opens
    for audience, menu in menus.tagged.items():
        yield f"{SPOKEN[audience]}的标签", menu.tag
        for button in _all(menu.buttons):
            yield f"{SPOKEN[audience]}的菜单里的", button.name + button.opens


def _all(buttons: tuple[Button, ...]) -> Iterator[Button]:
    for button in buttons:
        yield button
        yield from button.under


class _Reader:
    """Reads on after a problem, so that all of them are said at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def menus(self, tree: Any) -> Menus:
        parts = self._mapping("文件", tree, (EVERYONE, *Audience))
        if EVERYONE not in parts:
            self.problems.append("缺少 everyone：默认菜单一定要有，没有它微信不收别的菜单")
        everyone = self._buttons(EVERYONE, self._mapping(EVERYONE, parts.get(EVERYONE, {}), ("buttons",)))
        tagged: dict[Audience, TaggedMenu] = {}
        for audience in Audience:
            if audience.value in parts:
                part = self._mapping(audience, parts[audience.value], ("tag", "buttons"))
                tagged[audience] = TaggedMenu(self._tag(audience, part), self._buttons(audience, part))
        names = [menu.tag for menu in tagged.values()]
        if len(set(names)) < len(names):
            self.problems.append("两个 tag 一样：每一组人要有自己的标签")
        return Menus(everyone, tagged)

    def _tag(self, where: str, part: Mapping[str, Any]) -> str:
        tag = part.get("tag")
        if not isinstance(tag, str) or not tag.strip():
            self.problems.append(f"{where} 缺少 tag：请起一个中性的名字，例如 A组")
            return ""
        self._size(f"{where} 的 tag", tag.strip(), LONGEST_TAG)
        return tag.strip()

    def _buttons(self, where: str, part: Mapping[str, Any]) -> tuple[Button, ...]:
        return self._row(f"{where} 的 buttons", part.get("buttons"), MOST_BUTTONS, top=True)

    def _row(self, where: str, given: Any, most: int, *, top: bool) -> tuple[Button, ...]:
        if not isinstance(given, list) or not 1 <= len(given) <= most:
            self.problems.append(f"{where} 要有 1 到 {most} 项")
            return ()
        return tuple(self._button(f"{where} 第 {n} 项", one, top=top) for n, one in enumerate(given, 1))

    def _button(self, where: str, given: Any, *, top: bool) -> Button:
        allowed = ("says", "opens", "under") if top else ("says", "opens")
        button = self._mapping(where, given, ("name", *allowed))
        name = str(button.get("name") or "").strip()
        if not name:
            self.problems.append(f"{where} 缺少 name")
        self._size(f"{where} 的名称", name, LONGEST_NAME if top else LONGEST_NAME_UNDER)
        chosen = [what for what in allowed if what in button]
        if len(chosen) != 1:
            self.problems.append(f"{where} 要写 {'、'.join(allowed)} 里的一个，只能一个")
            return Button(name)
        if chosen == ["under"]:
            return Button(name, under=self._row(f"{where} 的 under", button["under"], MOST_UNDER, top=False))
        value = str(button[chosen[0]] or "")
        if chosen == ["says"]:
            if value not in KEYS:
                self.problems.append(f"{where} 的 says 没有“{value}”：能写的是 {'、'.join(KEYS)}")
            return Button(name, says=value)
        if not value.startswith("/") or value.startswith("//") or any(char.isspace() for char in value):
            self.problems.append(f"{where} 的 opens 要以 / 开头，是我们自己网页的路径，例如 /p/about")
        self._size(f"{where} 的 opens", value, LONGEST_PATH)
        return Button(name, opens=value)

    def _mapping(self, where: str, given: Any, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(given, dict):
            self.problems.append(f"{where} 要写成 {'、'.join(allowed)} 这几项")
            return {}
        for key in given:
            if key not in allowed:
                self.problems.append(f"{where} 里不能写 {key}：只有 {'、'.join(allowed)}")
        return given

    def _size(self, where: str, text: str, longest: int) -> None:
        size = len(text.encode())
        if size > longest:
            self.problems.append(f"{where}「{text}」有 {size} 个字节，最多 {longest} 个（约 {longest // 3} 个汉字）")
