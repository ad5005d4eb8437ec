"""What the account's menus should be beside what they are: the differences, in words and in push order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from bot.menus.reading import SPOKEN, Audience, Button, Menus

Wire = list[dict[str, Any]]
Shape = tuple[tuple[str, str, Any], ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """A conditional menu of the account; `tag_id` is None when it goes by something else than a tag."""

    menu_id: str
    tag_id: int | None
    buttons: Wire


@dataclass(frozen=True, slots=True)
class Account:
    """What the account has: its tags by name, its default menu (empty: none), the conditional ones, newest first."""

    tags: Mapping[str, int]
    default: Wire
    conditional: Sequence[Conditional]


class Step(IntEnum):
    """In push order. WeChat wants a default menu before conditional ones; a new conditional menu is added
    before the old one goes, so that nobody is without theirs in between.
    """

    TAG = 1
    DEFAULT = 2
    ADD = 3
    DROP = 4


@dataclass(frozen=True, slots=True)
class Change:
    """`about`: the tag's name (TAG), the audience (ADD) or the id of a menu (DROP); `done` is said afterwards."""

    step: Step
    words: str
    done: str
    about: str = ""


def account_of(menu: Mapping[str, Any], tags: Mapping[str, int]) -> Account:
    """The answers of 查询自定义菜单 and 获取标签, read with patience: an old menu can hold anything."""
    default = menu.get("menu")
    conditional = menu.get("conditionalmenu")
    return Account(
        tags,
        _row(default, "button"),
        [
            Conditional(str(one.get("menuid", "")), _tag_of(one.get("matchrule")), _row(one, "button"))
            for one in _row({"all": conditional}, "all")
        ],
    )


def wire(buttons: Sequence[Button], public_url: str) -> Wire:
    """The buttons as WeChat takes them."""
    base = public_url.rstrip("/")

    def one(button: Button) -> dict[str, Any]:
        if button.under:
            return {"name": button.name, "sub_button": [one(sub) for sub in button.under]}
        if button.says:
            return {"type": "click", "name": button.name, "key": button.says}
        return {"type": "view", "name": button.name, "url": base + button.opens}

    return [one(button) for button in buttons]


def differences(menus: Menus, account: Account, public_url: str) -> list[Change]:
    """Everything that a push would change, in its order; empty when the account is as the file says."""
    changes = [
        Change(Step.TAG, f"没有标签「{menu.tag}」（{SPOKEN[audience]}）", f"建了标签「{menu.tag}」", menu.tag)
        for audience, menu in menus.tagged.items()
        if menu.tag not in account.tags
    ]
    wanted = wire(menus.everyone, public_url)
    if _shape(account.default) != _shape(wanted):
        now = f"现在是 {_names(account.default)}" if account.default else "现在没有"
        changes.append(
            Change(Step.DEFAULT, f"默认菜单不一样：要 {_names(wanted)}，{now}", f"换了默认菜单：{_names(wanted)}")
        )
    return sorted([*changes, *_conditional(menus, account, public_url)], key=lambda change: change.step)


def _conditional(menus: Menus, account: Account, public_url: str) -> list[Change]:
    by_tag = {account.tags[menu.tag]: who for who, menu in menus.tagged.items() if menu.tag in account.tags}
    wanted = {who: wire(menu.buttons, public_url) for who, menu in menus.tagged.items()}
    missing = dict(wanted)
    changes = []
    for old in account.conditional:
        who = by_tag.get(old.tag_id) if old.tag_id is not None else None
        if who in missing and _shape(old.buttons) == _shape(missing[who]):
            del missing[who]
            continue
        changes.append(
            Change(Step.DROP, _why(menus, who, old), f"删了一个旧的菜单：{_names(old.buttons)}", old.menu_id)
        )
    for who, buttons in missing.items():
        whose = f"{SPOKEN[who]}（{menus.tagged[who].tag}）"
        add = Change(Step.ADD, f"{whose}没有这个菜单：{_names(buttons)}", f"建了{whose}的菜单：{_names(buttons)}", who)
        changes.append(add)
    return changes


def _why(menus: Menus, who: Audience | None, old: Conditional) -> str:
    if who is None:
        return f"多了一个不在文件里的菜单：{_names(old.buttons)}"
    return f"{SPOKEN[who]}（{menus.tagged[who].tag}）的这个菜单和文件里不一样，或多了一份：{_names(old.buttons)}"


def _shape(buttons: Wire) -> Shape:
    """What counts of a menu: names, and what a tap does."""
    shape = []
    for button in buttons:
        under = _row(button, "sub_button")
        kind = "" if under else str(button.get("type", ""))
        does = _shape(under) if under else str(button.get("key" if kind == "click" else "url", ""))
        shape.append((str(button.get("name", "")), kind, does))
    return tuple(shape)


def _names(buttons: Wire) -> str:
    def name(button: Mapping[str, Any]) -> str:
        under = "、".join(name(sub) for sub in _row(button, "sub_button"))
        return str(button.get("name", "")) + (f"（{under}）" if under else "")

    return "「" + " | ".join(name(button) for button in buttons) + "」"


def _tag_of(rule: Any) -> int | None:
    """A rule that WeChat made long ago, or tells the old way, calls the tag a group."""
    if not isinstance(rule, Mapping):
        return None
    tag = str(rule.get("tag_id") or rule.get("group_id") or "")
    return int(tag) if tag.isdecimal() else None


def _row(holder: Any, name: str) -> Wire:
    """The list of mappings in `holder[name]`; WeChat has also been seen to wrap it in {"list": …}."""
    row = holder.get(name) if isinstance(holder, Mapping) else None
    row = row.get("list") if isinstance(row, Mapping) else row
    return [one for one in row if isinstance(one, dict)] if isinstance(row, list) else []
