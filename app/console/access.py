"""Who sees what of a person: one table, as docs/adr/0035 has it. Pure: what is asked of it is looked up before."""

from dataclasses import dataclass

from app.people.models import GlassBroken, Person, Reason, Role


@dataclass(frozen=True)
class Access:
    """`reason`: why they may look, where the house knows it; None: they have to say why, before anything is shown.

    `whole`: more than activities and attendance. `words`: what was written to and fro. `notes`: read and write.
    `speaks`: reviewed phrases; `freely`: their own sentences.
    """

    reason: Reason | None
    whole: bool = False
    words: bool = False
    moods: bool = False
    notes: bool = False
    speaks: bool = False
    freely: bool = False
    log: bool = False


def access(
    reader: Person, subject: Person, *, covered: bool, holds: bool, glass: GlassBroken | None
) -> Access | None:  # fmt: skip
    """None: there is no such person for this reader.

    `covered`: their scope has the house of the person; `holds`: an open case of the person is in their hands.
    """
    if subject.role not in (Role.MEMBER, Role.FAMILY, Role.GUEST):
        return None
    if reader.role is Role.COUNSELLOR:
        return Access(Reason.ACTIVITIES) if covered and subject.role is Role.MEMBER else None
    if reader.role not in (Role.WORKER, Role.SUPERVISOR):
        return None
    if not covered and not holds:
        return Access(Reason.GLASS, whole=True, speaks=True) if glass is not None else None
    own, backup = reader.id == subject.worker_id, reader.id == subject.backup_id
    leads = reader.role is Role.SUPERVISOR
    reason = Reason.OWN if own else Reason.CASE if holds else Reason.BACKUP if backup else None
    return Access(
        reason, whole=True, words=own or backup or holds or leads, moods=own, notes=True, speaks=True,
        freely=own or holds, log=leads,
    )  # fmt: skip
