"""`tongxing broadcast`: one text to everybody of a house or of the programme; stop it, let it go on, look at it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.db import ident
from app.installation import own_database
from app.messages import broadcasts
from app.messages.models import Broadcast, BroadcastState, OutboxState
from app.people import service as people
from app.settings import Settings
from bot.discretion import Shows, banned

LONGEST = 300
STATES = {
    OutboxState.SENT: "发出", OutboxState.DELIVERED: "送到", OutboxState.QUEUED: "在排队", OutboxState.HELD: "等着",
    OutboxState.SENDING: "正在发", OutboxState.FAILED: "没送到", OutboxState.EXPIRED: "过时没发",
    OutboxState.CLEARED: "收回", OutboxState.MUTED: "本人停了或今天够了",
}  # fmt: skip


async def start(settings: Settings, clock: Clock, said: str, house_code: str | None) -> str:
    """What became of it, in one sentence. ValueError says what is wrong with what was asked."""
    said = said.strip()
    if not said:
        raise ValueError("没有写要通知的话：请写在命令后面，用引号括起来")
    if len(said) > LONGEST:
        raise ValueError(f"太长了（{len(said)} 个字）：请写在 {LONGEST} 个字以内")
    words = banned(said, Shows.LOCK_SCREEN)
    if words:
        raise ValueError(f"里面有会显示在锁屏上、不该让旁人看到的词：{'、'.join(words)}。请换一个说法")
    async with own_database(settings) as db, db.begin() as session:
        programme = await people.only_programme(session)
        if programme is None:
            raise ValueError("数据库里还没有项目：请先运行 tongxing load")
        house = await _house(session, ident(programme), house_code) if house_code else None
        cast = await broadcasts.start(session, said, clock.now(), programme_id=ident(programme), house_id=house)
        n = sum((await broadcasts.counts(session, ident(cast))).values())
    return f"第 {cast.id} 号通知，发给 {n} 人。要停：tongxing broadcast stop {cast.id}"


async def stop(settings: Settings, number: int) -> str:
    async with own_database(settings) as db, db.begin() as session:
        await _found(session, number)
        n = await broadcasts.stop(session, number)
    return f"停了，还有 {n} 人没有发。要接着发：tongxing broadcast resume {number}"


async def resume(settings: Settings, clock: Clock, number: int) -> str:
    async with own_database(settings) as db, db.begin() as session:
        await _found(session, number)
        n = await broadcasts.resume(session, number, clock.now())
    return f"接着发，还有 {n} 人；发过的不会再发。"


async def show(settings: Settings, number: int) -> str:
    async with own_database(settings) as db, db.read() as session:
        cast = await _found(session, number)
        counts = await broadcasts.counts(session, number)
    state = "停着" if cast.state is BroadcastState.STOPPED else "在发或发完了"
    return f"第 {number} 号通知{state}：" + "，".join(f"{STATES[s]} {n} 人" for s, n in sorted(counts.items()))


async def _found(session: AsyncSession, number: int) -> Broadcast:
    cast = await broadcasts.find(session, number)
    if cast is None:
        raise ValueError(f"没有第 {number} 号通知：请看一下编号")
    return cast


async def _house(session: AsyncSession, programme_id: int, code: str) -> int:
    house = await people.find_house(session, programme_id, code)
    if house is None:
        raise ValueError(f"没有代码是 {code} 的小站：请看一下项目文件里的 code")
    return ident(house)
