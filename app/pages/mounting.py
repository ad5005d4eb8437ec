"""Where the pages for members lie."""

from fastapi import FastAPI

from app.clock import Clock
from app.db import Database
from app.pages.feeling import FeelingPage
from app.pages.meeting import MeetingPage
from app.pages.own import OwnPages
from app.pages.verify import Proof
from app.settings import Settings
from bot.desk import Desk
from bot.wechat import WeChatClient


def add_member_pages(
    app: FastAPI, *, db: Database, clock: Clock, settings: Settings, client: WeChatClient, desk: Desk
) -> None:  # fmt: skip
    meeting = MeetingPage(db, clock, settings)
    feeling = FeelingPage(db, clock, settings, desk)
    own = OwnPages(db, clock, settings, client)
    for path, page, method in (
        ("/p/activities", own.activities, "GET"),
        ("/p/mood", own.mood, "GET"),
        ("/p/data", own.data, "GET"),
        ("/p/data/{token}.{kind}", own.file, "GET"),
        ("/p/consent", own.consent, "GET"),
        ("/p/consent", own.choose, "POST"),
        ("/p/in/{room}", own.come_back, "GET"),
        ("/p/rsvp/{token}", meeting.show, "GET"),
        ("/p/rsvp/{token}/answer", meeting.answer, "POST"),
        ("/p/rsvp/{token}/activity.ics", meeting.calendar, "GET"),
        ("/p/mood/{token}", feeling.show, "GET"),
        ("/p/mood/{token}/tell", feeling.tell, "POST"),
        ("/p/mood/{token}/press", feeling.press, "POST"),
        ("/MP_verify_{code}.txt", Proof(settings.data_dir).show, "GET"),
    ):
        app.add_route(path, page, methods=[method])
