"""What whoever runs the program must put right reaches them by mail, where an address is set; always the log."""

import structlog

from app.clock import Clock, local
from app.db import Database
from app.messages import channels
from bot.mail.post import Post
from bot.outside import OutsideError
from bot.wording import wording

log = structlog.get_logger()


class Operators:
    def __init__(self, db: Database, clock: Clock, post: Post | None, address: str) -> None:
        self._db = db
        self._clock = clock
        self._post = post
        self._address = address

    async def tell(self) -> int:
        """Mail the alarms that were not mailed yet, together; how many. One that fails is tried at the next ring."""
        if self._post is None or not self._address:
            return 0
        now = self._clock.now()
        async with self._db.begin() as session:
            alarms = await channels.take_untold(session, now)
        if not alarms:
            return 0
        say = wording().say
        lines = [
            say(
                "alarm.line", at=f"{local(a.at, 'Asia/Shanghai'):%m-%d %H:%M}", channel=a.channel, what=a.what,
                code=a.errcode if a.errcode is not None else "", detail=a.detail or "",
            )
            for a in alarms
        ]  # fmt: skip
        text = "\n".join([say("alarm.head"), *lines, say("alarm.foot")])
        try:
            await self._post.send(self._address, say("alarm.subject"), text, message_id=f"alarm-{alarms[-1].id}")
        except OutsideError as error:
            log.error("alarm not mailed", n=len(alarms), error=type(error).__name__)
            async with self._db.begin() as session:
                await channels.untold(session, [a.id for a in alarms if a.id is not None])
            return 0
        return len(alarms)
