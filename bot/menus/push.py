"""Brings the account's menus to what the file says."""

from collections.abc import Awaitable, Callable

from bot.menus.plan import Account, Change, Step, account_of, differences, wire
from bot.menus.reading import Audience, Banned, Menus, MenusError, unfit
from bot.wechat import MenuApi


async def look(api: MenuApi) -> Account:
    """What the account has now. OutsideError."""
    return account_of(await api.get_menu(), await api.tags())


async def push(
    api: MenuApi, menus: Menus, public_url: str, banned: Banned, on_new_tag: Callable[[str], Awaitable[None]]
) -> list[str]:
    """Make every change there is to make and say each in a sentence; nothing to do gives an empty list.

    `on_new_tag` hears the name of a tag before it is made: whoever had one of that name has lost it.
    MenusError when a word must not be seen, before anything is called. After an OutsideError what is done is
    done, and the next push goes on from there.
    """
    if problems := unfit(menus, banned):
        raise MenusError("；".join(problems))
    done: list[str] = []
    account = await look(api)
    first = [change for change in differences(menus, account, public_url) if change.step <= Step.DEFAULT]
    for change in first:
        if change.step is Step.TAG:
            await on_new_tag(change.about)
            await api.create_tag(change.about)
        else:
            await api.create_menu({"button": wire(menus.everyone, public_url)})
        done.append(change.done)
    if first:
        account = await look(api)
    for change in differences(menus, account, public_url):
        await _conditional(api, menus, account, public_url, change)
        done.append(change.done)
    return done


async def _conditional(api: MenuApi, menus: Menus, account: Account, public_url: str, change: Change) -> None:
    if change.step is Step.DROP:
        await api.delete_conditional_menu(change.about)
    elif change.step is Step.ADD:
        menu = menus.tagged[Audience(change.about)]
        rule = {"tag_id": str(account.tags[menu.tag])}
        await api.create_conditional_menu({"button": wire(menu.buttons, public_url), "matchrule": rule})
    else:
        raise MenusError("公众号里刚建好的标签或菜单读不到：请过一会儿再运行一次 tongxing menu push")
