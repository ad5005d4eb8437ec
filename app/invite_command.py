"""`tongxing invite`: the code and the digits with which the first worker comes in."""

from app.clock import Clock
from app.installation import own_database
from app.people import service as people
from app.people import tickets
from app.people.models import Role
from app.settings import Settings
from bot.links import Links


async def invite(settings: Settings, clock: Clock, code: str) -> str:
    """What to open and what to say. ValueError: nobody has this code."""
    now = clock.now()
    async with own_database(settings) as db:
        async with db.begin() as session:
            who = await people.find_by_code(session, code)
            if who is None:
                raise ValueError(f"没有 code 是 {code} 的人：请先用 tongxing load 读入")
            if who.role is Role.ADMINISTRATOR:
                raise ValueError(f"{code} 是管系统的人，不在微信里：请用 tongxing account invite {code}")
            ticket = await tickets.issue_join_ticket(session, who, now)
        link = Links(settings.public_url, db.vault).qr(
            ticket.secret, now, lasts=tickets.JOIN_TICKET_LASTS, digits="", purpose="join"
        )
    return f"打开这个链接，让对方用微信扫：\n{link}\n四个数字，请当面告诉对方：{ticket.pin}"
