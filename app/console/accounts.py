"""One's own account, and, for those who lead or run the machine, those of their staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.accounts import colleagues, invitations, passwords, sessions, signing
from app.accounts import service as accounts
from app.accounts.colleagues import Colleague
from app.accounts.models import Account, AccountEvent
from app.clock import local
from app.console.desk import ANYBODY, LEADS, RUNS, Answer, Back, Desk, Page, Room
from app.console.enrolling import PURPOSE as ENROL
from app.console.enrolling import enrolment
from app.console.signin import password_trouble
from app.db import ident
from app.pages.posting import whole
from app.people import service as people
from app.vault import LinkError

HERE = "/console/accounts"
LOOKS_AFTER = (*LEADS, *RUNS)
A_PAGE = 20
EVENTS = 12
room = Room("accounts", nav=HERE, roles=ANYBODY)


@dataclass(frozen=True)
class Entry:
    """A line of the list: `state` names the sentence that says how it is with their account."""

    colleague: Colleague
    house: str
    state: str
    at: str


# Mine


@room.get("/accounts", roles=ANYBODY)
async def mine(desk: Desk) -> Answer:
    return await _mine(desk, await _own(desk))


async def _mine(desk: Desk, account: Account, *, trouble: str = "") -> Page:
    idle = timedelta(hours=desk.tools.settings.console_idle_hours)
    browsers = [
        (row.id == desk.signed.id, _moment(desk, row.made_at), _moment(desk, row.seen_at))
        for row in await sessions.of_account(desk.session, account, desk.now, idle=idle)
    ]
    return Page(
        "accounts/mine.html", 422 if trouble else 200, account=account, required=_required(desk), browsers=browsers,
        events=await _events(desk, await accounts.events_of(desk.session, desk.signed.person_id, EVENTS)),
        shortest=passwords.SHORTEST, trouble=trouble, came=desk.query("came"), **await _staff(desk),
    )  # fmt: skip


@room.post("/accounts/password", roles=ANYBODY)
async def change_password(desk: Desk) -> Answer:
    account = await _own(desk)
    if trouble := password_trouble(desk.form, (account.login, desk.who.name, desk.who.code)):
        return await _mine(desk, account, trouble=trouble)
    if not await signing.confirm(desk.session, account, desk.form.get("present", ""), desk.now):
        return await _mine(desk, account, trouble="console_accounts.wrong_present")
    hashed = await accounts.hashed(desk.form["password"])
    desk.new_key = await signing.change_password(desk.session, account, hashed, desk.now, lasts=_lasts(desk))
    return Back(f"{HERE}?came=password")


@room.get("/accounts/second", roles=ANYBODY)
async def enrol(desk: Desk) -> Answer:
    account = await _own(desk)
    return Back(HERE) if account.totp else _enrol(desk, account)


@room.post("/accounts/second", roles=ANYBODY)
async def second_on(desk: Desk) -> Answer:
    account = await _own(desk)
    if account.totp:
        return Back(HERE)
    try:
        claims = desk.tools.db.vault.read_link(ENROL, desk.form.get("step", ""), now=desk.now)
    except LinkError:
        return _enrol(desk, account, trouble="console_accounts.enrol_old")
    if (claims["account"], claims["seal"]) != (ident(account), signing.seal_of(account)):
        raise LookupError("another account")
    made = await signing.second_on(
        desk.session, account, claims["secret"], desk.form.get("code", "")[:20], desk.now, lasts=_lasts(desk)
    )
    if made is None:
        return _enrol(desk, account, secret=claims["secret"], trouble="console_signin.wrong_new_code")
    codes, desk.new_key = made
    return Page("signin/codes.html", codes=codes, to=HERE)


def _enrol(desk: Desk, account: Account, *, secret: str = "", trouble: str = "") -> Page:
    return Page(
        "signin/enrol.html", 422 if trouble else 200, trouble=trouble, action=f"{HERE}/second", required=False,
        new=enrolment(desk.tools.db.vault, account, desk.words, desk.now, secret),
    )  # fmt: skip


@room.post("/accounts/second/off", roles=ANYBODY)
async def second_off(desk: Desk) -> Answer:
    account = await _own(desk)
    if _required(desk):
        return await _mine(desk, account, trouble="console_accounts.second_required")
    if not await signing.confirm(desk.session, account, desk.form.get("present", ""), desk.now):
        return await _mine(desk, account, trouble="console_accounts.wrong_present")
    desk.new_key = await signing.second_off(desk.session, account, desk.now, lasts=_lasts(desk))
    return Back(f"{HERE}?came=second_off")


@room.post("/accounts/codes", roles=ANYBODY)
async def new_codes(desk: Desk) -> Answer:
    account = await _own(desk)
    if account.totp is None:
        return Back(HERE)
    if not await signing.confirm(desk.session, account, desk.form.get("present", ""), desk.now):
        return await _mine(desk, account, trouble="console_accounts.wrong_present")
    return Page("signin/codes.html", codes=await signing.new_codes(desk.session, account, desk.now), to=HERE)


@room.post("/accounts/leave", roles=ANYBODY)
async def leave_everywhere(desk: Desk) -> Answer:
    await signing.leave_everywhere(desk.session, await _own(desk), desk.now)
    return Back("/console/login")


async def _own(desk: Desk) -> Account:
    return await accounts.by_id(desk.session, desk.signed.account_id, lock=desk.request.method == "POST")


def _required(desk: Desk) -> bool:
    return desk.who.role.value in desk.tools.settings.console_totp_for


def _lasts(desk: Desk) -> timedelta:
    return timedelta(hours=desk.tools.settings.console_hours)


# Others


@room.get("/accounts/{colleague:int}", roles=LOOKS_AFTER)
async def one(desk: Desk) -> Answer:
    return await _one(desk, await _colleague(desk))


async def _one(desk: Desk, found: Colleague, *, link: str = "", trouble: str = "") -> Page:
    house = await people.house(desk.session, found.who.house_id)
    events = await accounts.events_of(desk.session, ident(found.who), EVENTS)
    return Page(
        "accounts/one.html", 422 if trouble else 200, entry=_entry(desk, found, house.name),
        may=await colleagues.may_look_after(desk.session, desk.scope, desk.who, found.who), link=link,
        hours=int(invitations.LASTS.total_seconds() // 3600), events=await _events(desk, events), trouble=trouble,
    )  # fmt: skip


@room.post("/accounts/{colleague:int}/invite", roles=LOOKS_AFTER)
async def invite(desk: Desk) -> Answer:
    found = await _in_their_care(desk)
    return await _with_link(desk, await invitations.make(desk.session, found.who, desk.who, desk.now))


@room.post("/accounts/{colleague:int}/reset", roles=LOOKS_AFTER)
async def reset(desk: Desk) -> Answer:
    found = await _in_their_care(desk)
    return await _with_link(desk, await colleagues.reset(desk.session, found.who, _there(found), desk.who, desk.now))


@room.post("/accounts/{colleague:int}/disable", roles=LOOKS_AFTER)
async def disable(desk: Desk) -> Answer:
    found = await _in_their_care(desk)
    await colleagues.disable(desk.session, _there(found), desk.who, desk.now)
    return Back(f"{HERE}/{ident(found.who)}")


@room.post("/accounts/{colleague:int}/enable", roles=LOOKS_AFTER)
async def enable(desk: Desk) -> Answer:
    found = await _in_their_care(desk)
    await colleagues.enable(desk.session, _there(found), desk.who, desk.now)
    return Back(f"{HERE}/{ident(found.who)}")


async def _with_link(desk: Desk, token: str) -> Page:
    """The link stands on this page and nowhere else."""
    await desk.session.flush()
    base = desk.tools.settings.public_url.rstrip("/")
    return await _one(desk, await _colleague(desk), link=f"{base}/console/invitation/{token}")


async def _colleague(desk: Desk) -> Colleague:
    return await colleagues.colleague(desk.session, desk.scope, desk.path("colleague"), desk.now)


async def _in_their_care(desk: Desk) -> Colleague:
    """LookupError: not in their scope, or one who reaches further than they do."""
    found = await _colleague(desk)
    if not await colleagues.may_look_after(desk.session, desk.scope, desk.who, found.who):
        raise LookupError("reaches further")
    return found


def _there(found: Colleague) -> Account:
    if found.account is None:
        raise LookupError("no account")
    return found.account


async def _staff(desk: Desk) -> dict[str, Any]:
    if desk.who.role not in LOOKS_AFTER:
        return {"staff": None, "more": 0}
    skip = whole(desk.query("skip"), 6) or 0
    found = await colleagues.staff(desk.session, desk.scope, desk.now, A_PAGE + 1, skip)
    houses = await people.houses_by_id(desk.session, {one.who.house_id for one in found})
    entries = [_entry(desk, one, houses[one.who.house_id].name) for one in found[:A_PAGE]]
    return {"staff": entries, "more": skip + A_PAGE if len(found) > A_PAGE else 0}


def _entry(desk: Desk, found: Colleague, house: str) -> Entry:
    account, at = found.account, found.seen_at
    if account is not None and account.disabled_at is not None:
        state, at = "shut", account.disabled_at
    elif found.invited_until is not None:
        state, at = "invited", found.invited_until
    elif account is None:
        state = "none"
    elif account.password is None and account.oidc_subject is None:
        state = "reset"
    else:
        state = "seen" if at else "open"
    return Entry(found, house, state, _moment(desk, at) if at else "")


async def _events(desk: Desk, found: list[AccountEvent]) -> list[tuple[str, str, str]]:
    """(when, what, by whom if it was another), the newest first."""
    by = await people.people_by_id(desk.session, {event.by_id for event in found if event.by_id})
    return [
        (_moment(desk, event.at), event.kind.value, by[event.by_id].name if event.by_id in by else "")
        for event in found
    ]  # fmt: skip


def _moment(desk: Desk, at: datetime) -> str:
    return f"{local(at, desk.zone):%m-%d %H:%M}"
