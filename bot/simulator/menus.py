"""The custom menu, the conditional menus and the tags of the platform, with their real rules.

Sources: 「自定义菜单」「个性化菜单」「用户标签管理」. A tag is a number to the platform; its name is for people.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bot.simulator.platform import Platform
from bot.simulator.rules import check_menu, check_rule, check_tag_name
from bot.simulator.state import ConditionalMenu, Refused, User

Body = Mapping[str, Any]
Answer = dict[str, Any]

RESERVED = (0, 1, 2)
MOST_TAGS = 100
MOST_OPENIDS = 50
MOST_TAGS_OF_ONE = 20


def menu_of(box: Platform, user: User) -> list[dict[str, Any]]:
    """The menu on this phone: the newest conditional one for the tag that was given last, or the default."""
    last = user.tags[-1] if user.tags else None
    return next((menu.buttons for menu in reversed(box.conditional_menus) if menu.tag_id == last), box.menu)


def menu_create(box: Platform, body: Body) -> Answer:
    """Replace the default menu; conditional ones stay."""
    box.menu = check_menu(body)
    return {}


def menu_get(box: Platform, _: Body) -> Answer:
    if not box.menu:
        raise Refused(46003)
    conditional = [
        {"button": menu.buttons, "matchrule": {"tag_id": str(menu.tag_id)}, "menuid": menu.menu_id}
        for menu in reversed(box.conditional_menus)
    ]
    return {"menu": {"button": box.menu}, **({"conditionalmenu": conditional} if conditional else {})}


def menu_delete(box: Platform, _: Body) -> Answer:
    """With the default menu the conditional ones go too."""
    box.menu = []
    box.conditional_menus.clear()
    return {}


def conditional_add(box: Platform, body: Body) -> Answer:
    """65303 without a default menu, 65304, 65320, and what is wrong with any menu."""
    if not box.menu:
        raise Refused(65303)
    menu = ConditionalMenu(box.next_id(), check_menu(body), check_rule(body))
    box.conditional_menus.append(menu)
    return {"menuid": str(menu.menu_id)}


def conditional_delete(box: Platform, body: Body) -> Answer:
    found = [menu for menu in box.conditional_menus if str(menu.menu_id) == str(body.get("menuid"))]
    if not found:
        raise Refused(65301)
    box.conditional_menus.remove(found[0])
    return {}


def try_match(box: Platform, body: Body) -> Answer:
    user = box.users.get(str(body.get("user_id", "")))
    if user is None:
        raise Refused(65302)
    return {"button": menu_of(box, user)}


def tags_get(box: Platform, _: Body) -> Answer:
    def count(tag_id: int) -> int:
        return sum(tag_id in user.tags for user in box.users.values())

    return {"tags": [{"id": tag_id, "name": name, "count": count(tag_id)} for tag_id, name in box.tags.items()]}


def tag_create(box: Platform, body: Body) -> Answer:
    """45056 from the 101st on, 45157, 45158."""
    name = str(_tag(body).get("name") or "")
    check_tag_name(name, box.tags.values())
    if len(box.tags) - 1 >= MOST_TAGS:
        raise Refused(45056)
    tag_id = box.next_tag_id()
    box.tags[tag_id] = name
    return {"tag": {"id": tag_id, "name": name}}


def tag_update(box: Platform, body: Body) -> Answer:
    tag_id = _changeable(box, _tag(body).get("id"))
    name = str(_tag(body).get("name") or "")
    check_tag_name(name, {other for known, other in box.tags.items() if known != tag_id})
    box.tags[tag_id] = name
    return {}


def tag_delete(box: Platform, body: Body) -> Answer:
    tag_id = _changeable(box, _tag(body).get("id"))
    del box.tags[tag_id]
    for user in box.users.values():
        user.tags = [given for given in user.tags if given != tag_id]
    return {}


def tag_people(box: Platform, body: Body) -> Answer:
    """All of the list or nobody: 40003, 40032, 45059, 45159, 49003."""
    tag_id, people = _members(box, body)
    if any(len({*user.tags, tag_id}) > MOST_TAGS_OF_ONE for user in people):
        raise Refused(45059)
    for user in people:
        user.tags = [*(given for given in user.tags if given != tag_id), tag_id]
    return {}


def untag_people(box: Platform, body: Body) -> Answer:
    tag_id, people = _members(box, body)
    for user in people:
        user.tags = [given for given in user.tags if given != tag_id]
    return {}


def tags_of(box: Platform, body: Body) -> Answer:
    user = box.users.get(str(body.get("openid", "")))
    if user is None:
        raise Refused(40003)
    return {"tagid_list": list(user.tags)}


def _tag(body: Body) -> Mapping[str, Any]:
    tag = body.get("tag")
    return tag if isinstance(tag, Mapping) else {}


def _changeable(box: Platform, tag_id: Any) -> int:
    if tag_id in RESERVED:
        raise Refused(45058)
    if not isinstance(tag_id, int) or tag_id not in box.tags:
        raise Refused(45159)
    return tag_id


def _members(box: Platform, body: Body) -> tuple[int, list[User]]:
    tag_id, openids = body.get("tagid"), body.get("openid_list")
    if not isinstance(tag_id, int) or tag_id not in box.tags:
        raise Refused(45159)
    if not isinstance(openids, list) or not 1 <= len(openids) <= MOST_OPENIDS:
        raise Refused(40032)
    people = [box.users.get(str(openid)) for openid in openids]
    known = [user for user in people if user is not None]
    if len(known) < len(people):
        raise Refused(40003)
    if not all(user.following for user in known):
        raise Refused(49003)
    return tag_id, known


MENU_VERBS: dict[str, Callable[[Platform, Body], Answer]] = {
    "menu/create": menu_create,
    "menu/addconditional": conditional_add,
    "menu/delconditional": conditional_delete,
    "menu/trymatch": try_match,
    "tags/create": tag_create,
    "tags/update": tag_update,
    "tags/delete": tag_delete,
    "tags/members/batchtagging": tag_people,
    "tags/members/batchuntagging": untag_people,
    "tags/getidlist": tags_of,
}
MENU_READS: dict[str, Callable[[Platform, Body], Answer]] = {
    "menu/get": menu_get,
    "menu/delete": menu_delete,
    "tags/get": tags_get,
}
