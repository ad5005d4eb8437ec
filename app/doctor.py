"""`tongxing doctor`: is this installation set up right? One line a check, and what to do about each that fails.

It changes nothing and makes nothing, so it can be run beside a server, and where there is nothing yet.
"""

import asyncio
import ipaddress
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app import migrations, weak_ladders
from app.advice import in_words
from app.clock import Clock, local
from app.db import Database, ident
from app.installation import PROOF, Installation
from app.menu_command import borrowed_client
from app.messages import health, window
from app.messages.models import Channel, Contact
from app.messages.window import Limits
from app.people import service as people
from app.people.models import Person
from app.settings import Settings
from app.vault import Vault, VaultError
from bot import discretion
from bot.channels.ladder import work_client
from bot.menus.plan import differences
from bot.menus.push import look
from bot.menus.reading import Banned, MenusError, read_menus
from bot.outside import OutsideError
from bot.wechat import ERRCODES, AccountTemplate, MemoryTokenStore, MenuApi, WeChatClient

RECENT = timedelta(hours=24)
BEIJING = "Asia/Shanghai"
LOCAL_NAMES = ("localhost", "localhost.localdomain")


@dataclass(frozen=True, slots=True)
class Line:
    """What a check found. `mark`: ✓ good, ✗ to be put right, － not set up."""

    mark: str
    what: str
    words: str

    @property
    def bad(self) -> bool:
        return self.mark == "✗"

    def __str__(self) -> str:
        return f"{self.mark} {self.what}：{self.words}"


def good(what: str, words: str) -> Line:
    return Line("✓", what, words)


def bad(what: str, words: str) -> Line:
    return Line("✗", what, words)


def unset(what: str, words: str) -> Line:
    return Line("－", what, words)


async def examine(
    settings: Settings, clock: Clock, http: httpx.AsyncClient | None = None, *,
    wecom: Callable[[], Awaitable[None]] | None = None, banned: Banned = discretion.banned,
) -> list[Line]:  # fmt: skip
    """Every check in turn. `http` reaches WeChat; `wecom` raises an OutsideError when WeCom gives no token."""
    lines = [good("设置", "读得懂"), _offset(settings), _address(settings, banned), _folder(settings.data_dir)]
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
        return [*lines, *await _inside(db, settings, now)]
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


async def _inside(db: Database, settings: Settings, now: datetime) -> list[Line]:
    async with db.read() as session:
        proof = await session.get(Installation, 1)
        if proof is not None and proof.proof != PROOF:
            return [bad("密钥", "数据库里的密钥标记不对：这不是同行的数据库，或者已经损坏")]
        alarms = await health.alarms_since(session, now - RECENT)
        closed = await health.closed_channels(session, now)
        staff = await health.staff_and_contacts(session)
        programme = await people.only_programme(session)
        weak = await weak_ladders.in_words(session, ident(programme)) if programme is not None else None
    return [
        good("密钥", "和数据库的是同一个" if proof else "数据库还没用过，第一次启动会记住它"),
        *(bad("警报", _alarm(alarm)) for alarm in alarms),
        *([] if alarms else [good("警报", "24 小时内没有")]),
        *(bad("通道", _closed(one)) for one in closed),
        *([] if closed else [good("通道", "没有关着的")]),
        _staff(staff, settings, now),
        *_ladders(weak),
    ]  # fmt: skip


def _ladders(weak: list[str] | None) -> list[Line]:
    what = "求助"
    if weak is None:
        return [unset(what, "还没有项目：请用 tongxing load 读入")]
    return [bad(what, sentence) for sentence in weak] or [good(what, "每一步都有人，每个人都收得到")]


def _alarm(alarm: health.Alarms) -> str:
    code = f" {alarm.errcode}" if alarm.errcode is not None else ""
    meaning = ERRCODES[alarm.errcode][1] if alarm.errcode in ERRCODES else "看日志里当时的说明"
    return f"{alarm.channel} {alarm.what}{code}，24 小时内 {alarm.count} 次：{meaning}"


def _closed(channel: Channel) -> str:
    until = f"{local(channel.closed_until, BEIJING):%m-%d %H:%M}" if channel.closed_until else ""
    because = channel.closed_because or "没有写原因"
    return f"{channel.name} 关到北京时间 {until}（{because}）：先看上面的警报，原因没了会自己再开"


def _staff(staff: list[tuple[Person, Contact | None]], settings: Settings, now: datetime) -> Line:
    """By their code in the programme's file: a name does not belong on a screen of the machine room."""
    what = "工作人员"
    if not staff:
        return unset(what, "还没有：请用 tongxing load 读入项目")
    lost = [person.code for person, contact in staff if not _reached(person, contact, settings, now)]
    if lost:
        advice = "请他们加入公众号（还要设好待办模板），或者设好企业微信、短信、邮件，并在项目文件里写上"
        return bad(what, f"{len(lost)} 位现在哪个通道都叫不到（{'、'.join(lost)}）：{advice}")
    return good(what, f"{len(staff)} 位都至少有一个通道")


def _reached(person: Person, contact: Contact | None, settings: Settings, now: datetime) -> bool:
    by_wechat = (
        contact is not None and contact.following and not contact.unreachable_because
        and (settings.wechat_template_duty or window.may_write(contact, now, Limits.of(settings), urgent=True))
    )  # fmt: skip
    others = (
        (settings.wecom_corp_id, person.wecom),
        (settings.sms_gateway, person.phone),
        (settings.mail_host, person.mail),
    )
    return bool(by_wechat) or any(channel and address for channel, address in others)


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
