"""access_token: how it is given out, how long it lives. Source: 「获取稳定版接口调用凭据」."""

import secrets
from datetime import datetime, timedelta

from app.clock import Clock
from bot.simulator.state import Account, Refused

LIFE = timedelta(seconds=7200)
OVERLAP = timedelta(minutes=5)
FORCED_A_DAY = 20


class TokenShop:
    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._current = ""
        self._expires: dict[str, datetime] = {}
        self._spoiled: dict[str, int] = {}
        self._forced: dict[str, int] = {}

    def stable(self, app_id: str, secret: str, *, force: bool, day: str) -> tuple[str, int]:
        """The token and the seconds it has left: the same one until its last 5 minutes.

        `force` (20 a `day`, else Refused 45009) ends the old one at once. Refused 40013, 40125.
        """
        self._check_account(app_id, secret)
        now = self._clock.now()
        if force:
            self._forced[day] = self._forced.get(day, 0) + 1
            if self._forced[day] > FORCED_A_DAY:
                raise Refused(45009, note="force_refresh 一天 20 次")
            self._expires.pop(self._current, None)
        elif self._current not in self._spoiled and self._left(now) > OVERLAP:
            return self._current, int(self._left(now).total_seconds())
        return self._fresh(now)

    def plain(self, app_id: str, secret: str) -> tuple[str, int]:
        """The old interface: every call makes a new token and shortens the life of the one before."""
        self._check_account(app_id, secret)
        now = self._clock.now()
        if self._current in self._expires:
            self._expires[self._current] = min(self._expires[self._current], now + OVERLAP)
        return self._fresh(now)

    def check(self, token: str) -> None:
        """Refused 41001 (missing), 40001 (not ours, or replaced), 42001 (too old)."""
        if not token:
            raise Refused(41001)
        if token in self._spoiled:
            raise Refused(self._spoiled[token])
        if token not in self._expires:
            raise Refused(40001)
        if self._clock.now() >= self._expires[token]:
            raise Refused(42001)

    def spoil(self, errcode: int) -> None:
        """From now on every token given out so far is answered with `errcode`."""
        for token in self._expires:
            self._spoiled[token] = errcode

    def _left(self, now: datetime) -> timedelta:
        return self._expires[self._current] - now if self._current in self._expires else timedelta()

    def _fresh(self, now: datetime) -> tuple[str, int]:
        self._current = secrets.token_urlsafe(64)
        self._expires[self._current] = now + LIFE
        return self._current, int(LIFE.total_seconds())

    def _check_account(self, app_id: str, secret: str) -> None:
        if app_id != self._account.app_id:
            raise Refused(40013)
        if secret != self._account.app_secret:
            raise Refused(40125)
