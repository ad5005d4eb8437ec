"""Gives each follower the tag that their role wants, so that WeChat shows them their menu."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from app.clock import Clock
from app.db import Database
from app.messages import tags
from app.messages.tags import Untagged
from app.people.models import Role
from bot.menus.reading import Audience, Menus
from bot.outside import Misconfigured, OutsideError, QuotaUsedUp
from bot.wechat import MenuApi
from bot.wechat.menu_api import INVALID_TAG, MOST_OPENIDS

log = structlog.get_logger()

TAG_BELL = "tags"
REST = timedelta(hours=1)
# One bad openid refuses a whole list: 40003 not of this account, 49003 no follower, 45059 twenty tags already.
ABOUT_ONE_PERSON = (40003, 49003, 45059)

AUDIENCES = {
    Role.MEMBER: Audience.MEMBER,
    Role.FAMILY: Audience.FAMILY,
    Role.COUNSELLOR: Audience.STAFF,
    Role.WORKER: Audience.STAFF,
    Role.SUPERVISOR: Audience.STAFF,
}


def wanted_tags(menus: Menus) -> dict[Role, str]:
    """The tag of each role that has a menu of its own; anybody else sees the default one."""
    return {role: menus.tagged[who].tag for role, who in AUDIENCES.items() if who in menus.tagged}


class Tagger:
    """The work of the bell `tags`. Until `tongxing menu push` has been run it does nothing."""

    def __init__(self, db: Database, clock: Clock, api: MenuApi, account: str, menus: Menus) -> None:
        self._db = db
        self._clock = clock
        self._api = api
        self._account = account
        self._wanted = wanted_tags(menus)
        self._ids: dict[str, int] = {}
        self._refused: set[int] = set()
        self._rests_until: datetime | None = None

    async def work(self) -> int:
        """Up to 50 people whose tag differs; how many were put right. A refusal ends it until the next ring."""
        now = self._clock.now()
        if self._rests_until is not None and now < self._rests_until:
            return 0
        async with self._db.read() as session:
            todo = await tags.untagged(
                session, self._account, self._wanted, n=MOST_OPENIDS, but_not=self._refused
            )  # fmt: skip
        try:
            return sum(
                [await self._move(list(people)) for _, people in groupby(todo, lambda one: (one.wants, one.has))]
            )
        except OutsideError as error:
            self._give_up(error, now)
            return 0

    async def _move(self, people: list[Untagged]) -> int:
        """From one tag to another, the same for all of them."""
        has, wants = people[0].has, people[0].wants
        if {has, wants} - {None, *self._ids}:
            self._ids = await self._api.tags()
        if wants is not None and wants not in self._ids:
            log.warning("tag missing", advice="公众号里没有这个标签：请运行 tongxing menu push")
            self._rests_until = self._clock.now() + REST
            return 0
        return await self._give(people, self._ids.get(has or ""), self._ids[wants] if wants is not None else None)

    async def _give(self, people: Sequence[Untagged], old: int | None, new: int | None) -> int:
        openids = [one.openid for one in people]
        try:
            if old is not None:
                await self._api.untag_people(old, openids)
            if new is not None:
                await self._api.tag_people(new, openids)
        except OutsideError as error:
            if error.errcode not in ABOUT_ONE_PERSON:
                raise
            if len(people) == 1:
                # Asked again only after a restart: it would be refused every minute.
                self._refused.add(people[0].contact_id)
                log.info("tag refused", contact=people[0].contact_id, errcode=error.errcode)
                return 0
            half = len(people) // 2
            return await self._give(people[:half], old, new) + await self._give(people[half:], old, new)
        async with self._db.begin() as session:
            await tags.tagged(session, people, people[0].wants)
        return len(people)

    def _give_up(self, error: OutsideError, now: datetime) -> None:
        log.warning("tags not given", error=type(error).__name__, errcode=error.errcode, api=error.api)
        if error.errcode == INVALID_TAG:
            self._ids = {}
        if isinstance(error, QuotaUsedUp):
            self._rests_until = error.until
        elif isinstance(error, Misconfigured):
            self._rests_until = now + REST
