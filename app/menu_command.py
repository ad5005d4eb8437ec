"""`tongxing menu diff` and `tongxing menu push`, over an account that can be the simulator's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.clock import Clock
from app.installation import own_database
from app.messages import tags
from app.settings import Settings
from bot import discretion
from bot.channels.ladder import account_client
from bot.menus.plan import differences
from bot.menus.push import look
from bot.menus.push import push as push_menus
from bot.menus.reading import Banned, read_menus, unfit
from bot.wechat import MemoryTokenStore, MenuApi, WeChatClient

AFTERWARDS = "手机上要重新进公众号才看得到，最多等 5 分钟；各人的分组由 tongxing serve 在一两分钟里做好。"


@asynccontextmanager
async def borrowed_client(
    settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None
) -> AsyncIterator[WeChatClient]:
    """A client with a token of its own asking, which `stable_token` lets us have beside a running server."""
    reach = http or httpx.AsyncClient(base_url=settings.wechat_api_base)
    try:
        yield account_client(settings, reach, clock, MemoryTokenStore())
    finally:
        if http is None:
            await reach.aclose()


async def diff(
    settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None, *, banned: Banned = discretion.banned
) -> list[str]:
    """Each difference between the account and the file, in words. MenusError, OutsideError."""
    menus = read_menus(settings.menus_file)
    async with borrowed_client(settings, clock, http) as client:
        account = await look(MenuApi(client))
    changes = differences(menus, account, settings.public_url)
    return [*unfit(menus, banned), *(change.words for change in changes)]


async def push(
    settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None, *, banned: Banned = discretion.banned
) -> list[str]:
    """Make the account as the file says; what was done, in words. From then on people are given their tags."""
    menus = read_menus(settings.menus_file)
    async with own_database(settings) as db:

        async def on_new_tag(name: str) -> None:
            async with db.begin() as session:
                await tags.forget(session, settings.wechat_app_id, name)

        async with borrowed_client(settings, clock, http) as client:
            done = await push_menus(MenuApi(client), menus, settings.public_url, banned, on_new_tag)
        async with db.begin() as session:
            await tags.set_up(session)
        return done
