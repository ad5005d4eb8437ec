"""`tongxing token`: keys for programs. A key is shown once, when it is made; only its hash is kept."""

from datetime import timedelta

from app.clock import Clock, local
from app.db import ident
from app.escalations.handling import MAY_TAKE
from app.installation import own_database
from app.people import service as people
from app.people import tokens
from app.people.tokens import May
from app.settings import Settings


async def make(settings: Settings, clock: Clock, code: str, days: int, may: str) -> str:
    """The key, and what it opens until when. ValueError says what is wrong with what was asked."""
    opens = _opens(may)
    async with own_database(settings) as db, db.begin() as session:
        who = await people.find_by_code(session, code)
        if who is None:
            raise ValueError(f"没有 code 是 {code} 的人：请看一下项目文件里的 code")
        if who.role not in MAY_TAKE:
            raise ValueError(f"{code} 不是社工也不是负责人：令牌只能给接得了事的同事")
        row, key = await tokens.make(session, who, opens, clock.now(), lasts=timedelta(days=days))
        zone = (await people.house(session, who.house_id)).zone
    until = f"{local(row.expires_at, zone):%Y-%m-%d %H:%M}"
    return f"第 {row.id} 号令牌，{code}，能 {' '.join(row.may)}，到 {until}。只显示这一次，请马上收好：\n{key}"


async def show(settings: Settings, clock: Clock) -> str:
    now = clock.now()
    async with own_database(settings) as db, db.read() as session:
        lines = []
        for row in await tokens.all_of_them(session):
            who = await people.person(session, row.person_id)
            zone = (await people.house(session, who.house_id)).zone
            state = "收回了" if row.revoked_at else "有效" if tokens.is_good(row, now) else "过期了"
            used = f"{local(row.used_at, zone):%Y-%m-%d %H:%M}" if row.used_at else "没用过"
            until = f"{local(row.expires_at, zone):%Y-%m-%d %H:%M}"
            lines.append(f"{ident(row)}　{who.code}　{' '.join(row.may)}　{state}　到 {until}　上次用 {used}")
    return "\n".join(lines) or "还没有令牌。"


async def revoke(settings: Settings, clock: Clock, number: int) -> str:
    async with own_database(settings) as db, db.begin() as session:
        if not await tokens.revoke(session, number, clock.now()):
            raise ValueError(f"没有第 {number} 号令牌：请用 tongxing token list 看一下编号")
    return f"第 {number} 号令牌收回了，从现在起不能再用。"


def _opens(may: str) -> set[May]:
    try:
        return {May(word.strip()) for word in may.split(",")}
    except ValueError:
        raise ValueError(f"--may 只能写 {'、'.join(May)}，几样之间用逗号隔开") from None
