"""Links to our own pages, each good for one purpose and a while."""

from datetime import datetime, timedelta
from typing import Any

from app.vault import Vault

PAGE_LASTS = timedelta(hours=24)
MOOD_LASTS = timedelta(days=4)
REPORT_LASTS = timedelta(days=14)


class Links:
    def __init__(self, public_url: str, vault: Vault) -> None:
        self._base = public_url.rstrip("/")
        self._vault = vault

    def page(self, page: str, now: datetime, *, lasts: timedelta = PAGE_LASTS, **payload: Any) -> str:
        return f"{self._base}/p/{page}/{self._vault.link(page, payload, now=now, lasts=lasts)}"

    def console(self, path: str) -> str:
        """A page of the console, for whoever is signed in and may see it: nothing is sealed in it."""
        return f"{self._base}/console/{path}"

    def case(self, case_id: int, reader_id: int, now: datetime) -> str:
        """The words of a case, for one member of staff."""
        return self.page("case", now, case=case_id, by=reader_id)

    def drill(self, case_id: int, reader_id: int, now: datetime) -> str:
        """How a drill went, for one member of staff: nothing of any member stands there, so it is good for longer."""
        return self.page("drill", now, lasts=REPORT_LASTS, case=case_id, by=reader_id)

    def tasks(self, reader_id: int, now: datetime) -> str:
        """What waits for a person, for one member of staff."""
        return self.page("tasks", now, by=reader_id)

    def rsvp(self, occurrence_id: int, reader_id: int, now: datetime, *, until: datetime) -> str:
        """One activity, for one person: it is good until the activity is over, and a day longer to say so."""
        return self.page("rsvp", now, lasts=until - now + PAGE_LASTS, occ=occurrence_id, by=reader_id)

    def mood(self, reader_id: int, now: datetime, prompt_id: int | None = None) -> str:
        """How are you, in big letters, for one member. A late answer is an answer."""
        return self.page("mood", now, lasts=MOOD_LASTS, by=reader_id, prompt=prompt_id)

    def own(self, room: str) -> str:
        """A page that anybody may be given the address of: whose it is, WeChat says when it is opened."""
        return f"{self._base}/p/{room}"

    def qr(self, scene: str, now: datetime, *, lasts: timedelta, digits: str, purpose: str) -> str:
        """A page that shows the QR code of `scene`, with the digits that do the same."""
        return self.page("qr", now, lasts=lasts, scene=scene, digits=digits, purpose=purpose)
