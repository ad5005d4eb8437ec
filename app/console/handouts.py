"""What hangs on the wall and lies on the table: the sign-in sheet and the poster with the code of the door."""

import io
from datetime import timedelta

import segno
import structlog

from app.activities import sheet
from app.console.desk import EVERYBODY, Answer, Desk, Page, Room
from app.console.meeting import head
from app.console.meetings import found
from bot.outside import OutsideError
from bot.wording.moments import moment_words

log = structlog.get_logger()
room = Room("meetings")

LONGEST_CODE = timedelta(days=30)  # WeChat: 生成带参数的二维码 › 临时二维码 expire_seconds
SHORTEST_CODE = timedelta(hours=1)
EMPTY_LINES = 6


@room.get("/activities/{occurrence:int}/sheet", roles=EVERYBODY)
async def paper(desk: Desk) -> Answer:
    """Names in big type and a line to sign on; nothing else about anybody."""
    what, house = await found(desk)
    lines = await sheet.expected(desk.session, what)
    names = [line.person.known_as for line in lines]
    return Page("meetings/sheet.html", names=names, empty=range(EMPTY_LINES), **head(desk, what, house))


@room.get("/activities/{occurrence:int}/poster", roles=EVERYBODY)
async def poster(desk: Desk) -> Answer:
    what, house = await found(desk)
    about = head(desk, what, house)
    if about["cancelled"] or about["over"]:
        return Page("meetings/poster.html", picture="", until="", trouble="console_meetings.no_poster_now", **about)
    if what.starts_at - desk.now > LONGEST_CODE:
        return Page("meetings/poster.html", picture="", until="", trouble="console_meetings.poster_too_early", **about)
    lasts = min(LONGEST_CODE, max(SHORTEST_CODE, what.ends_at - desk.now))
    try:
        made = await desk.tools.client.create_qr(what.scene, expires_in=int(lasts.total_seconds()))
    except OutsideError as error:
        log.error("no qr code", errcode=error.errcode, advice=error.advice)
        return Page("meetings/poster.html", picture="", until="", trouble="console_meetings.no_qr", **about)
    picture = io.BytesIO()
    segno.make(made.url, error="m").save(picture, kind="svg", border=3, xmldecl=False, svgclass="qr", omitsize=True)
    until = moment_words(desk.now + timedelta(seconds=made.expires_in), desk.now, house.zone)
    return Page("meetings/poster.html", picture=picture.getvalue().decode(), until=until, trouble="", **about)
