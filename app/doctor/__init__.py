"""`tongxing doctor`: is this installation set up right? One line a check, and what to do about each that fails.

It changes nothing and makes nothing, so it can be run beside a server, and where there is nothing yet.
"""

import asyncio
import ipaddress
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app import migrations
from app.advice import in_words
from app.clock import Clock
from app.db import Database
from app.doctor import house
from app.doctor.lines import Line, bad, good, unset
from app.menu_command import borrowed_client
from app.pages.verify import proofs_in
from app.settings import Settings
from app.vault import Vault, VaultError
from bot import discretion
from bot.channels.ladder import work_client
from bot.menus.plan import differences
from bot.menus.push import look
from bot.menus.reading import Banned, MenusError, read_menus
from bot.outside import OutsideError
from bot.wechat import AccountTemplate, MemoryTokenStore, MenuApi, WeChatClient

LOCAL_NAMES = ("localhost", "localhost.localdomain")


async def examine(
    settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None, *,
    wecom: Callable[[], Awaitable[None]] | None = None, banned: Banned = discretion.banned,
) -> list[Line]:  # fmt: skip
    """Every check in turn. `http` reaches WeChat; `wecom` raises an OutsideError when WeCom gives no token."""
    lines = [good("设置", "读得懂"), _offset(settings), _address(settings, banned), _page_domain(settings)]
    lines.append(_folder(settings.data_dir))
    lines += await _database(settings, clock.now())
    lines += await _wechat(settings, clock, http, banned)
    lines.append(await _wecom(settings, wecom))
    return lines


# This machine


def _offset(settings: Settings) -> Line:
    if settings.clock_offset:
        return bad("时钟", f"拨快了 {settings.clock_offset:g} 秒：请删掉 TONGXING_CLOCK_OFFSET")
    return good("时钟", "没有拨快")


def _address(settings: Settings, banned: Banned) -> Line:
    """Every link that a person gets begins with it, and shows in their chat."""
    what, name = "网址", "TONGXING_PUBLIC_URL"
    try:
        parts = urlsplit(settings.public_url)
        host = parts.hostname or ""
    except ValueError:
        return bad(what, f"{name} 不是网址：要写成 https://你的域名")
    if parts.scheme != "https" or not host:
        return bad(what, f"{name} 不是 https：要写成 https://你的域名，证书见 docs/install.zh.md")
    if host in LOCAL_NAMES or _not_public(host):
        return bad(what, f"{name} 指着这台机器自己或内网：别人的手机打不开，要写成 https://你的域名")
    if words := banned(settings.public_url):
        return bad(what, f"{name} 里有“{'、'.join(words)}”：链接谁都看得见，请换一个中性的域名")
    return good(what, settings.public_url)


def _page_domain(settings: Settings) -> Line:
    """Without it WeChat does not say who opened a page of ours; the single links in cards work all the same."""
    what = "网页授权域名"
    try:
        parts = urlsplit(settings.public_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return bad(what, "TONGXING_PUBLIC_URL 不是网址，填不了")
    if parts.scheme != "https" or not host:
        return bad(what, "网址要是 https 的域名，同伴才打得开“我的活动”“我的记录”这些网页")
    if host in LOCAL_NAMES or _is_a_number(host):
        return bad(what, "微信只认域名，不认 IP：请给这台机器一个备案过的域名，写进 TONGXING_PUBLIC_URL")
    if port not in (None, 443):
        return bad(what, f"微信里打不开 {port} 端口的网页：请用 443，网址里不写端口")
    proofs = proofs_in(settings.data_dir)
    file = f"验证文件 {'、'.join(proofs)} 由我们给出" if proofs else "验证文件见 docs/install.zh.md 第 4 步"
    return good(what, f"在公众平台“网页授权域名”里填 {host}；{file}")


def _is_a_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _not_public(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _folder(folder: Path) -> Line:
    what = "数据文件夹"
    if not folder.is_dir():
        return bad(what, f"没有 {folder}：请先运行 tongxing migrate，或改 TONGXING_DATA_DIR")
    if not os.access(folder, os.W_OK | os.X_OK):
        return bad(what, f"{folder} 写不进去：请用运行服务的那个用户来检查，或改它的权限")
    return good(what, str(folder))


# The database, and what is written in it


async def _database(settings: Settings, now: datetime) -> list[Line]:
    what = "数据库"
    if missing := _missing_file(settings.database):
        return [bad(what, f"还没有 {missing}：请先运行 tongxing migrate")]
    try:
        at = await asyncio.to_thread(migrations.current, settings.database)
    except SQLAlchemyError as error:
        return [bad(what, f"连不上（{type(error).__name__}）：请检查 TONGXING_DATABASE_URL")]
    if at != migrations.head():
        found = "里面还没有表" if at is None else f"表是 {at} 版，不是这个程序的 {migrations.head()}"
        return [bad(what, f"{found}：请运行 tongxing migrate")]
    lines = [good(what, f"连得上，表是 {at} 版")]
    try:
        vault = Vault(settings.secret_key.get_secret_value())
    except VaultError as error:
        return [*lines, bad("密钥", str(error))]
    db = Database(settings.database, vault)
    try:
        return [*lines, *await house.inside(db, settings, now)]
    except VaultError as error:
        return [*lines, bad("密钥", str(error))]
    except (SQLAlchemyError, OSError) as error:
        return [*lines, bad(what, f"读不了（{type(error).__name__}）：请用运行服务的那个用户来检查")]
    finally:
        await db.close()


def _missing_file(url: str) -> str | None:
    """SQLite would make the file that it does not find."""
    file = make_url(url).database if url.startswith("sqlite") else None
    return file if file and not Path(file).exists() else None


# The account


async def _wechat(settings: Settings, clock: Clock, http: httpx.AsyncClient | None, banned: Banned) -> list[Line]:
    what = "公众号"
    if not settings.wechat_app_secret.get_secret_value():
        if settings.talks_to_the_real_wechat:
            return [bad(what, "没有设置 TONGXING_WECHAT_APP_SECRET：没有它，什么也发不出去")]
        return [unset(what, "没有设置 TONGXING_WECHAT_APP_ID 等，见 docs/settings.md")]
    try:
        async with borrowed_client(settings, clock, http) as client:
            try:
                await client.check_token()
            except OutsideError as error:
                return [bad(what, in_words(error)), unset(what, "没有 access_token，回调、模板和菜单这次没有查")]
            return [good(what, "拿得到 access_token"), *await _account(client, settings, banned)]
    except httpx.InvalidURL:
        return [bad(what, "TONGXING_WECHAT_API_BASE 不是网址：一般不用设，删掉就行")]


async def _account(client: WeChatClient, settings: Settings, banned: Banned) -> list[Line]:
    api = MenuApi(client)

    async def templates() -> list[Line]:
        kinds = (("duty", "待办模板"), ("activity", "活动模板"))
        wanted = [(kind, what) for kind, what in kinds if getattr(settings, f"wechat_template_{kind}")]
        known = await api.private_templates() if wanted else {}
        return [_template(what, f"wechat_template_{kind}", settings, known, banned) for kind, what in kinds]

    async def subscription() -> list[Line]:
        name = "wechat_subscription_activity"
        known = await api.subscription_templates() if getattr(settings, name) else {}
        return [_template("订阅通知模板", name, settings, known, banned)]

    async def callback() -> list[Line]:
        return [_callback(await client.check_callback())]

    return [
        *await _asked("回调", callback),
        *await _asked("模板", templates),
        *await _asked("订阅通知模板", subscription),
        *await _asked("菜单", lambda: _menu(api, settings)),
    ]


async def _asked(what: str, ask: Callable[[], Awaitable[list[Line]]]) -> list[Line]:
    try:
        return await ask()
    except OutsideError as error:
        return [bad(what, in_words(error))]


def _callback(answer: Mapping[str, object]) -> Line:
    """A ping that is lost says little, many firewalls swallow it; an address that is not found says all."""
    what = "回调"
    found = [str(row.get("ip", "")) for row in _rows(answer, "dns")]
    if not found:
        return bad(what, "微信查不到回调地址的 IP：请检查域名解析，和后台“服务器配置”里的 URL")
    lost = [row for row in _rows(answer, "ping") if str(row.get("package_loss", "")) == "100%"]
    note = (
        "；微信 ping 不通它，防火墙不让 ping 的话没有关系" if lost and len(lost) == len(_rows(answer, "ping")) else ""
    )
    return good(what, f"微信找得到 {'、'.join(found)}{note}")


def _rows(answer: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = answer.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _template(
    what: str, name: str, settings: Settings, known: Mapping[str, AccountTemplate], banned: Banned
) -> Line:  # fmt: skip
    env = f"TONGXING_{name.upper()}"
    template_id = getattr(settings, name)
    if not template_id:
        return unset(what, f"没有设置 {env}")
    template = known.get(template_id)
    if template is None:
        return bad(what, f"{env} 不在这个公众号的模板里：请到后台选用，再核对模板 ID")
    if words := banned(template.title):
        return bad(what, f"模板名称「{template.title}」里有“{'、'.join(words)}”，会显示在锁屏上：请换一个中性的模板")
    configured: Collection[str] = getattr(settings, f"{name}_fields").values()
    if extra := sorted(set(configured) - set(template.keywords)):
        has = "、".join(template.keywords)
        return bad(what, f"模板「{template.title}」里没有 {'、'.join(extra)}，只有 {has}：请改 {env}_FIELDS 的右边")
    if left := [keyword for keyword in template.keywords if keyword not in configured]:
        return bad(
            what, f"模板「{template.title}」的 {'、'.join(left)} 没有填，微信会拒绝：请补进 {env}_FIELDS，或换模板"
        )
    return good(what, f"「{template.title}」，字段都对得上")


async def _menu(api: MenuApi, settings: Settings) -> list[Line]:
    what = "菜单"
    try:
        menus = read_menus(settings.menus_file)
    except MenusError as error:
        return [bad(what, str(error))]
    account = await look(api)
    ours = {menu.tag for menu in menus.tagged.values()}
    if ours and not ours & set(account.tags):
        return [unset(what, "还没有建：要用的话运行 tongxing menu push")]
    changes = differences(menus, account, settings.public_url)
    lines = [bad(what, f"{change.words}。要改过去，运行 tongxing menu push") for change in changes]
    return lines or [good(what, "和文件里的一样")]


def ask_wecom(settings: Settings, clock: Clock) -> Callable[[], Awaitable[None]] | None:
    """How to find out whether WeCom gives a token; None where it is not set up."""
    if not settings.wecom_corp_id:
        return None

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=settings.wecom_api_base) as http:
            await work_client(settings, http, clock, MemoryTokenStore()).check_token()

    return ask


async def _wecom(settings: Settings, check: Callable[[], Awaitable[None]] | None) -> Line:
    what = "企业微信"
    if not settings.wecom_corp_id:
        return unset(what, "没有设置 TONGXING_WECOM_CORP_ID 等，见 docs/settings.md")
    if check is None:
        return unset(what, "设置了，这里没有查")
    try:
        await check()
    except OutsideError as error:
        return bad(what, in_words(error))
    return good(what, "拿得到 access_token")
