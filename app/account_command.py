"""`tongxing account`: who may sign in to the console. The first account of a house can only be made here."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import colleagues, invitations
from app.accounts import service as accounts
from app.accounts.models import Account
from app.clock import Clock, local
from app.db import ident
from app.installation import own_database
from app.people import service as people
from app.people.models import Person, Role
from app.settings import Settings

HOURS = int(invitations.LASTS.total_seconds() // 3600)


async def invite(settings: Settings, clock: Clock, code: str) -> str:
    """A link with which they choose a password. ValueError says what is wrong with what was asked."""
    async with own_database(settings) as db, db.begin() as session:
        who = await _somebody(session, code)
        account = await accounts.of_person(session, ident(who))
        if account is not None and account.disabled_at is not None:
            raise ValueError(f"{code} 的账号停用了：先 tongxing account enable {code}")
        token = await invitations.make(session, who, None, clock.now())
    return _link(settings, code, token)


async def show(settings: Settings, clock: Clock) -> str:
    now = clock.now()
    lines = []
    async with own_database(settings) as db, db.read() as session:
        for who in await people.staff_in(session, [role for role in Role if role.signs_in]):
            account = await accounts.of_person(session, ident(who))
            zone = (await people.house(session, who.house_id)).zone
            until = await invitations.of_person_until(session, ident(who), now)
            second = "有" if account is not None and account.totp else "没有"
            given = f"　邀请链接到 {local(until, zone):%Y-%m-%d %H:%M}" if until else ""
            name = account.login if account else "－"
            lines.append(f"{who.code}　{who.role.value}　{name}　{_state(account)}　两步验证{second}{given}")
    return "\n".join(lines) or "还没有工作人员：请先 tongxing load 项目文件"


async def disable(settings: Settings, clock: Clock, code: str) -> str:
    async with own_database(settings) as db, db.begin() as session:
        await colleagues.disable(session, await _account(session, code), None, clock.now())
    return f"{code} 的账号停用了，登录着的地方都退出了。他的接口令牌要另外收回：tongxing token list"


async def enable(settings: Settings, clock: Clock, code: str) -> str:
    async with own_database(settings) as db, db.begin() as session:
        await colleagues.enable(session, await _account(session, code), None, clock.now())
    return f"{code} 的账号恢复了，密码还是原来的。"


async def reset_second(settings: Settings, clock: Clock, code: str) -> str:
    """Phone and codes are gone: password and second factor are taken away, and a link to begin anew is given."""
    async with own_database(settings) as db, db.begin() as session:
        who, account = await _somebody(session, code), await _account(session, code)
        if account.disabled_at is not None:
            raise ValueError(f"{code} 的账号停用了：先 tongxing account enable {code}")
        token = await colleagues.reset(session, who, account, None, clock.now())
    return _link(settings, code, token)


def _link(settings: Settings, code: str, token: str) -> str:
    address = f"{settings.public_url.rstrip('/')}/console/invitation/{token}"
    return f"给 {code} 本人的链接，{HOURS} 小时里能用一次。只显示这一次，不要发在群里：\n{address}"


def _state(account: Account | None) -> str:
    if account is None:
        return "没有账号"
    if account.disabled_at is not None:
        return "停用"
    return "可以登录" if account.password or account.oidc_subject else "还没有定新密码"


async def _somebody(session: AsyncSession, code: str) -> Person:
    who = await people.find_by_code(session, code)
    if who is None:
        raise ValueError(f"没有 code 是 {code} 的人：请看一下项目文件里的 code")
    if not who.role.signs_in:
        raise ValueError(f"{code} 不是工作人员：控制台只给社工、辅导员、督导和管理员")
    return who


async def _account(session: AsyncSession, code: str) -> Account:
    account = await accounts.of_person(session, ident(await _somebody(session, code)))
    if account is None:
        raise ValueError(f"{code} 还没有账号：先 tongxing account invite {code}")
    return account
