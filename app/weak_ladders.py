"""Where a cry for help would find nobody, in sentences for whoever installs: `doctor` and `load` say them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.escalations.checks import Weak, Weakness, weaknesses
from app.escalations.states import Level
from app.people.models import House, Person

LEVELS = {Level.RED: "紧急", Level.ORANGE: "今天", Level.YELLOW: "这周", None: ""}


async def in_words(
    session: AsyncSession, programme_id: int, now: datetime, kinds: Collection[Weak] = tuple(Weak)
) -> list[str]:
    """One sentence for each weakness; people by their code, since a name does not belong in a machine room."""
    found = await weaknesses(session, programme_id, now)
    return [await _sentence(session, weakness) for weakness in found if weakness.kind in kinds]


async def _sentence(session: AsyncSession, weakness: Weakness) -> str:
    level = LEVELS[weakness.level]
    house = await session.get(House, weakness.house_id) if weakness.house_id is not None else None
    where = house.code if house is not None else ""
    match weakness.kind:
        case Weak.UNREADABLE:
            return f"“{level}”的求助阶梯读不懂：请改好项目文件，再 tongxing load 一次"
        case Weak.STEP:
            step = (weakness.step or 0) + 1
            return f"{where} 的“{level}”阶梯第 {step} 步一个人也找不到：请补上人（值班、候补、督导），或改这一步"
        case Weak.NOBODY:
            return f"{where} 有同伴求助时，值班以外没有一个收得到消息的人（“{level}”）：请让他们的社工加入，或登记号码"
        case Weak.NO_CHANNEL:
            person = await session.get(Person, weakness.person_id)
            who = person.code if person is not None else ""
            return f"求助时会找 {who}，可是没有一个办法送得到：请本人扫码加入，或登记电话、企业微信、邮箱"
