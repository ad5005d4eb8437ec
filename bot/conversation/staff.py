"""What staff do from a phone: take a case, pass it on, say how it ended; invite, check in, look at the list."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.activities import service as activities
from app.activities import sheet
from app.activities.machine import Door
from app.activities.models import Occurrence, Undone
from app.clock import local
from app.db import ident
from app.escalations import aftercare, handling, lists
from app.escalations import service as escalations
from app.escalations.handling import Came
from app.escalations.models import CaseRow, Via
from app.escalations.states import Level, State
from app.people import service as people
from app.people import tickets
from app.people.models import Person, Role
from app.people.scope import Scope, scope_of
from app.tasks import service as tasks
from bot.conversation import closing, handover, marking, rota, swaps
from bot.conversation.closing import link, refusal
from bot.conversation.orders import URGENCIES, StaffCommand, StaffVerb
from bot.conversation.talk import Talk

# Whoever joins as a worker reads what people wrote: only a supervisor, or the command line, lets one in.
MAY_INVITE = {
    Role.COUNSELLOR: (Role.MEMBER,),
    Role.WORKER: (Role.MEMBER, Role.COUNSELLOR),
    Role.SUPERVISOR: (Role.MEMBER, Role.COUNSELLOR, Role.WORKER, Role.SUPERVISOR),
}

MOST_LISTED = 8


async def obey(talk: Talk, command: StaffCommand) -> str:
    """Do what a member of staff wrote, inside the houses they are posted to."""
    scope = await scope_of(talk.session, talk.who())
    return await VERBS[command.verb](talk, command, scope)


# Cases


async def take(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    if talk.who().role is Role.COUNSELLOR:
        return talk.say("staff.nothing_to_take")
    row = await _meant(talk, command, scope, await escalations.to_take(talk.session, scope, talk.who()))
    if isinstance(row, str):
        return row
    handled = await handling.take(talk.session, talk.who(), row, talk.now, via=Via.CHAT)
    return refusal(talk, row, handled) or _taken(talk, row)


def _taken(talk: Talk, row: CaseRow) -> str:
    if row.drill:
        return talk.say("staff.drill_taken", code=row.code)
    return talk.say(
        "staff.taken", owner=talk.who().name, at=f"{local(talk.now, talk.zone):%H:%M}", code=row.code,
        link=link(talk, row),
    )  # fmt: skip


async def _meant(talk: Talk, command: StaffCommand, scope: Scope, candidates: list[CaseRow]) -> CaseRow | str:
    """The case that a command means: by its code, or the only one it can be; otherwise what to say."""
    if command.code:
        row = await escalations.by_code(talk.session, scope, talk.who(), command.code)
        return row or talk.say("staff.unknown_code", code=command.code)
    if not candidates:
        return talk.say("staff.nothing_to_take" if command.verb is StaffVerb.TAKE else "staff.nothing_of_yours")
    if command.rest.isdecimal() and command.verb is not StaffVerb.RESULT:
        # 接 312: the digits of a code without its letter mean that one, and never another.
        candidates = [row for row in candidates if int(row.code[2:]) == int(command.rest)]
        if not candidates:
            return talk.say("staff.unknown_code", code=command.rest)
    red = [row for row in candidates if row.level is Level.RED and not row.drill]
    if command.verb is StaffVerb.TAKE and len(red) == 1:
        candidates = red  # an alert says 回 接: that is the one it means, whatever else waits for this week
    if len(candidates) > 1:
        return talk.say("staff.which", choices="\n".join(_listed(talk, row) for row in candidates[:MOST_LISTED]))
    return await escalations.case(talk.session, ident(candidates[0]))


def _listed(talk: Talk, row: CaseRow) -> str:
    if row.drill:
        return talk.say("staff.which_drill", code=row.code)
    return f"{row.code} {talk.say(f'page.level_{row.level.name.lower()}')}"


async def assist(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """协助: see it too, and the owner knows."""
    if talk.who().role is Role.COUNSELLOR:
        return talk.say("staff.nothing_to_take")
    row = await _meant(talk, command, scope, await lists.with_others(talk.session, scope, talk.who()))
    if isinstance(row, str):
        return row
    handled = await handling.assist(talk.session, talk.who(), row, talk.now, via=Via.CHAT)
    refused = refusal(talk, row, handled)
    if refused is None and handled.owner is not None and handled.owner.id != talk.who().id:
        return talk.say("staff.joined", owner=handled.owner.name, code=row.code, link=link(talk, row))
    return refused or _taken(talk, row)


async def transfer(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """转 李红: the old owner keeps it until the new one takes it."""
    row = await _meant(talk, command, scope, await escalations.owned_by(talk.session, talk.who()))
    if isinstance(row, str):
        return row
    if not command.rest:
        return talk.say("staff.to_whom")
    if command.rest in (talk.who().name, talk.who().called):
        return talk.say("staff.in_your_hands")
    colleague = await _colleague(talk, command.rest)
    if colleague is None:
        return talk.say("staff.no_such_colleague", name=command.rest)
    handled = await handling.offer(talk.session, talk.who(), row, colleague, talk.now, via=Via.CHAT)
    if handled.came is Came.UNREACHABLE:
        return talk.say("staff.colleague_unreachable", name=colleague.name)
    return refusal(talk, row, handled) or talk.say("staff.offered", name=colleague.name)


async def _colleague(talk: Talk, name: str) -> Person | None:
    """A worker or supervisor of the same programme who may see this house."""
    scope = Scope(talk.who().programme_id, await people.houses_of(talk.session, talk.who().programme_id))
    found = await people.find_by_name(talk.session, scope, name, (Role.WORKER, Role.SUPERVISOR))
    found = [person for person in found if person.id != talk.who().id]
    return found[0] if len(found) == 1 else None


async def contacted(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    row = await _meant(talk, command, scope, await escalations.owned_by(talk.session, talk.who()))
    if isinstance(row, str):
        return row
    handled = await handling.contacted(talk.session, talk.who(), row, talk.now, via=Via.CHAT)
    return refusal(talk, row, handled) or talk.say("staff.contacted", code=row.code)


async def result(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    row = await _meant(talk, command, scope, await escalations.owned_by(talk.session, talk.who()))
    if isinstance(row, str):
        return row
    if row.state is State.RESOLVED:
        return talk.say("staff.drill_over" if row.drill else "staff.resolved_already", code=row.code)
    if row.owner_id != talk.who().id:
        return talk.say("staff.not_yours", code=row.code)
    return await closing.ask_outcome(talk, row, command.rest)


async def follow_up(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    row = await _meant(talk, command, scope, await aftercare.waits_for(talk.session, talk.who()))
    if isinstance(row, str):
        return row
    if not await handling.may_act(talk.session, talk.who(), row):
        return talk.say("staff.nothing_to_take")
    return await closing.followed_up(talk, row)


async def level(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """级别 A-0312 橙: what the words were, whatever the machine read in them."""
    if command.rest not in URGENCIES:
        return talk.say("staff.how_level")
    row = await _meant(talk, command, scope, await escalations.owned_by(talk.session, talk.who()))
    return row if isinstance(row, str) else await marking.level(talk, row, command.rest)


# The house


async def invite(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """邀请 小河: a personal QR code to show, and four digits to say."""
    if not command.rest:
        return talk.say("staff.invite_whom")
    found = await people.find_by_name(talk.session, scope, command.rest, MAY_INVITE[talk.who().role])
    if not found:
        return talk.say("staff.no_such_member", name=command.rest)
    if len(found) > 1:
        return talk.say("staff.many_such_members", name=command.rest)
    invited = found[0]
    ticket = await tickets.issue_join_ticket(talk.session, invited, talk.now)
    link = talk.links.qr(ticket.secret, talk.now, lasts=tickets.JOIN_TICKET_LASTS, digits="", purpose="join")
    key = "staff.joined_already" if invited.joined_at else "staff.invited"
    return talk.say(key, name=invited.name, link=link, pin=ticket.pin)


async def _open_now(talk: Talk, scope: Scope) -> list[Occurrence]:
    """What is at the door of the houses in scope, the speaker's own house first."""
    houses = sorted(scope.houses, key=lambda house_id: house_id != talk.who().house_id)
    return [o for house_id in houses for o in await activities.at_the_door(talk.session, house_id, talk.now)]


async def door_code(talk: Talk, _command: StaffCommand, scope: Scope) -> str:
    """签到码: the digits for the wall and the picture for the door; before the day they show the next one."""
    open_now = await _open_now(talk, scope)
    if not open_now:
        today = local(talk.now, talk.zone).date()
        open_now = await activities.on_day(talk.session, talk.who().house_id, today, talk.zone)
    if not open_now:
        return talk.say("staff.no_activity_now")
    return "\n\n".join(
        talk.say(
            "staff.door_code", title=what.title, code=what.door_code,
            link=talk.links.qr(
                what.scene, talk.now, lasts=timedelta(hours=24), digits=what.door_code, purpose="checkin"
            ),
        )
        for what in open_now
    )  # fmt: skip


async def check_in(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """签到 阿珠: for those without a phone, and for whoever was forgotten until the list is closed."""
    if not command.rest:
        return await door_code(talk, command, scope)
    meant = await _on_a_list(talk, command.rest, scope)
    if isinstance(meant, str):
        return meant
    member, lists = meant
    what = lists[0]
    door, _walk_in = await activities.check_in(
        talk.session, what, member, talk.now, source="staff", marked_by=talk.who(), on_list=True
    )
    if door is Door.ALREADY:
        return talk.say("staff.checked_in_already", name=member.known_as)
    present = len(await activities.present_at(talk.session, what))
    return talk.say("staff.checked_in", name=member.known_as, title=what.title, present=present)


async def _on_a_list(talk: Talk, name: str, scope: Scope) -> tuple[Person, list[Occurrence]] | str:
    """Who is meant, and the lists that are open at their house, that of the speaker's house first; or what to say."""
    houses = sorted(scope.houses, key=lambda house_id: house_id != talk.who().house_id)
    lists = [o for house_id in houses for o in await activities.lists_open(talk.session, house_id, talk.now)]
    if not lists:
        return talk.say("staff.no_activity_now")
    found = await people.find_by_name(talk.session, scope, name, sheet.ON_LISTS)
    here = [p for p in found if any(o.house_id == p.house_id for o in lists)]
    if not here:
        return talk.say("staff.no_such_member", name=name)
    if len(here) > 1:
        return talk.say("staff.many_such_members", name=name)
    return here[0], [o for o in lists if o.house_id == here[0].house_id]


async def undo_check_in(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """改签到 阿珠: they were marked, and are not here."""
    if not command.rest:
        return talk.say("staff.undo_whom")
    meant = await _on_a_list(talk, command.rest, scope)
    if isinstance(meant, str):
        return meant
    member, lists = meant
    for what in lists:
        mark = (await sheet.last_marks(talk.session, what)).get(ident(member))
        if mark is not None and await sheet.undo(
            talk.session, what, mark, Undone.WRONG_PERSON, talk.who(), talk.now
        ):  # fmt: skip
            return talk.say("staff.check_in_undone", name=member.known_as, title=what.title)
    return talk.say("staff.not_checked_in", name=member.known_as)


async def attendance_list(talk: Talk, _command: StaffCommand, scope: Scope) -> str:
    """名单: who came and who is still expected."""
    today = local(talk.now, talk.zone).date()
    todays = await activities.on_day(talk.session, talk.who().house_id, today, talk.zone)
    if not todays:
        return talk.say("staff.no_activity_now")
    return "\n\n".join([await _list_of(talk, what, scope) for what in todays])


async def _list_of(talk: Talk, what: Occurrence, scope: Scope) -> str:
    known = {ident(p): p.known_as for p in await talk.session.scalars(people.visible_people(scope))}
    present = [mark.person_id for mark in await activities.present_at(talk.session, what)]
    expected = [rsvp.person_id for rsvp in await activities.expected_at(talk.session, what)]
    nobody = talk.say("staff.nobody")
    return talk.say(
        "staff.list", title=what.title, present=len(present), expected=len(expected),
        names="、".join(known[p] for p in present if p in known) or nobody,
        missing="、".join(known[p] for p in expected if p not in present and p in known) or nobody,
    )  # fmt: skip


# Everything else that waits for a person


async def done(talk: Talk, command: StaffCommand, scope: Scope) -> str:
    """办好 T-0001: off the list."""
    waiting = await tasks.open_for(talk.session, scope, talk.who())
    number = int(command.code[2:]) if command.code else waiting[0].id if len(waiting) == 1 else None
    if number is None:
        return await my_tasks(talk, command, scope)
    unhandled = await escalations.unhandled_behind(talk.session, number)
    if unhandled is not None and escalations.may_see(scope, talk.who(), unhandled):
        return talk.say("staff.take_it_first", code=unhandled.code)
    if await tasks.waits_for_a_lead(talk.session, scope, number):
        return talk.say("staff.leads_look", code=f"T-{number:04d}")
    if not await tasks.finish(talk.session, scope, number, talk.now):
        return talk.say("staff.unknown_code", code=f"T-{number:04d}")
    return talk.say("staff.task_done", code=f"T-{number:04d}")


async def my_tasks(talk: Talk, _command: StaffCommand, scope: Scope) -> str:
    """待办: what waits in my houses, on one page."""
    waiting = await tasks.open_for(talk.session, scope, talk.who())
    if not waiting:
        return talk.say("staff.no_tasks")
    return talk.say("staff.tasks", n=len(waiting), link=talk.links.tasks(ident(talk.who()), talk.now))


Verb = Callable[[Talk, StaffCommand, Scope], Awaitable[str]]
VERBS: dict[StaffVerb, Verb] = {
    StaffVerb.TAKE: take,
    StaffVerb.ASSIST: assist,
    StaffVerb.TRANSFER: transfer,
    StaffVerb.BUSY: transfer,
    StaffVerb.CONTACTED: contacted,
    StaffVerb.RESULT: result,
    StaffVerb.FOLLOWED_UP: follow_up,
    StaffVerb.INVITE: invite,
    StaffVerb.DOOR_CODE: door_code,
    StaffVerb.CHECK_IN: check_in,
    StaffVerb.UNDO_CHECK_IN: undo_check_in,
    StaffVerb.LIST: attendance_list,
    StaffVerb.DONE: done,
    StaffVerb.TASKS: my_tasks,
    StaffVerb.ROTA: rota.rota,
    StaffVerb.NOT_ON: rota.not_on,
    StaffVerb.SWAP: swaps.swap,
    StaffVerb.UNSWAP: swaps.unswap,
    StaffVerb.HAND_OVER: handover.hand_over,
    StaffVerb.LEVEL: level,
    StaffVerb.MISSED: marking.missed,
}
