"""What no single entry shows: whether the entries fit each other, and whether somebody answers for each member."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from dateutil.rrule import rrulestr

from app.duty.models import DayKind
from app.escalations.ladders import DEFAULTS, LadderError, read_ladder
from app.escalations.states import Level, Target
from app.loading.file import ProgrammeFile
from app.loading.lines import Path
from app.loading.problems import Problem
from app.loading.schema import ActivityEntry, Entry, HouseEntry, MemberEntry, Plan, ProgrammeEntry, StaffEntry
from app.loading.sentences import nearest
from app.people.models import Reach, Role
from bot.lines import OTHER, region_of_zone, regions

NOT_ON_DUTY = {Role.COUNSELLOR: "同伴辅导员", Role.ADMINISTRATOR: "管系统的人"}
LABELS = ("精神", "心理", "抑郁", "自杀", "患者", "康复", "服药", "病")


def check(file: ProgrammeFile) -> list[Problem]:
    return list(
        chain(
            _codes(file), _neutral(file), _phones(file), _lines(file), _houses(file), _same_names(file), _staff(file),
            _companions(file), _rota(file), _activities(file), _ladders(file), _somebody_answers(file),
        )
    )  # fmt: skip


# Codes and names


def _twice(file: ProgrammeFile, entries: Iterable[Entry], codes: Iterable[str], field: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for entry, code in zip(entries, codes, strict=True):
        path = (*entry.path, field)
        if code in first:
            yield file.sheet.problem(path, f"和第 {first[code]} 行的重复了，请换一个")
        elif code:
            first[code] = file.sheet.line(path)


def _codes(file: ProgrammeFile) -> Iterator[Problem]:
    people = file.people()
    yield from _twice(file, file.houses, (house.code for house in file.houses), "code")
    yield from _twice(file, people, (person.code for person in people), "code")
    yield from _twice(file, file.activities, (f"{a.house}:{a.code}" for a in file.activities), "code")
    yield from _twice(file, file.rota, (f"{r.house}:{r.code}" for r in file.rota), "code")
    yield from _twice(file, file.days, (f"{d.house}:{d.day}" for d in file.days), "day")
    yield from _twice(file, file.staff, (person.openid for person in file.staff), "openid")


def _neutral(file: ProgrammeFile) -> Iterator[Problem]:
    """These words are read by whoever stands beside a telephone."""
    named: list[tuple[ProgrammeEntry | HouseEntry | ActivityEntry, str, str]] = [
        (file.programme, "name", file.programme.name),
        *((house, "name", house.name) for house in file.houses),
        *((activity, "title", activity.title) for activity in file.activities),
    ]
    lines = [(("programme", "lines", n, "name"), line.name) for n, line in enumerate(file.programme.lines)]
    shown = [*(((*entry.path, field), words) for entry, field, words in named), *lines]
    for path, words in shown:
        label = next((label for label in LABELS if label in words), None)
        if label:
            yield file.sheet.problem(path, f"里有“{label}”：它会显示在手机锁屏上，旁人能看到，请换一个中性的说法")


def _same_names(file: ProgrammeFile) -> Iterator[Problem]:
    """签到 阿珠 must mean one person."""
    first: dict[tuple[str, str], str] = {}
    for person in file.people():
        if person.role is Role.ADMINISTRATOR:
            continue  # in no list and in no chat
        houses = person.houses if isinstance(person, StaffEntry) else (person.house,)
        for house in houses:
            other = first.setdefault((house, person.name), person.code)
            if other != person.code:
                text = f"{person.code} 和 {other} 在同一个小站里同名，请加一个字区分，比如 大、小"
                yield file.problem(person, "name", text)
                break


# Places


def _phones(file: ProgrammeFile) -> Iterator[Problem]:
    shared = ("programme", "phone")
    if shared in file.sheet.lines and shared not in file.sheet.empty:
        return
    for house in file.houses:
        if not house.phone:
            word = "空着" if (*house.path, "phone") in file.sheet.empty else "少了"
            text = f"{word}，请写小站的电话（或者在 programme 里写一个各小站共用的 phone）"
            yield file.problem(house, "phone", text)


def _lines(file: ProgrammeFile) -> Iterator[Problem]:
    """Whoever is in danger is given a number that rings where they are."""
    programme = file.programme
    where: Path = ("programme", "lines")
    first: set[str] = set()
    for n, line in enumerate(programme.lines):
        if line.number in first:
            yield file.sheet.problem((*where, n, "number"), "写了两遍，请删掉一个")
        first.add(line.number)
        if line.day_and_night and line.hours:
            yield file.sheet.problem((*where, n, "hours"), "和 day_and_night 只能写一样")
        if line.use == "danger" and line.hours:
            yield file.sheet.problem((*where, n, "hours"), "写不得：有危险时打的电话，要什么时候都打得通")
    if not programme.code:
        return
    if not programme.calls:
        known = "、".join((*regions(), OTHER))
        yield file.sheet.problem(
            ("programme", "zone"), f"不知道这个时区用哪里的求助电话，请写 region（{known}；OTHER 要自己写 lines）"
        )
    there = region_of_zone(programme.zone)
    if there and programme.calls not in (there, OTHER):
        yield file.sheet.problem(("programme", "region"), f"是 {programme.calls}，时区却在 {there}，请改对一个")
    if programme.calls == OTHER and {line.use for line in programme.lines} != {"talk", "danger"}:
        yield file.sheet.problem(
            ("programme", "region"), "是 OTHER，请在 lines 里写至少一个 use: talk 和一个 use: danger 的号码"
        )
    for house in file.houses:
        if house.zone not in ("", programme.zone) and programme.calls != OTHER and not region_of_zone(house.zone):
            yield file.problem(house, "zone", "不知道这个时区用哪里的求助电话，这个小站请放在另一个项目里")


@dataclass(frozen=True)
class _Codes:
    """The codes of a section. Where one could not be read, nothing can be said to be missing."""

    known: frozenset[str]
    all_read: bool

    def lack(self, code: str) -> bool:
        return self.all_read and code not in self.known


def _codes_in(file: ProgrammeFile, section: str) -> _Codes:
    entries = file.sheet.data.get(section) or []
    entries = entries if isinstance(entries, list) else [None]
    codes = [entry.get("code") if isinstance(entry, dict) else None for entry in entries]
    return _Codes(frozenset(c for c in codes if isinstance(c, str)), all(isinstance(c, str) for c in codes))


def _houses(file: ProgrammeFile) -> Iterator[Problem]:
    houses = _codes_in(file, "houses")
    for entry in file.in_houses():
        if houses.lack(entry.house):
            text = f"写的 {entry.house} 不在 houses 里{nearest(entry.house, houses.known)}"
            yield file.problem(entry, "house", text)
    for person in file.staff:
        for n, code in enumerate(person.also):
            if houses.lack(code):
                path: Path = (*person.path, "also", n)
                yield file.sheet.problem(path, f"写的 {code} 不在 houses 里{nearest(code, houses.known)}")


# People


def _staff(file: ProgrammeFile) -> Iterator[Problem]:
    for person in file.staff:
        if person.duty and not person.answers:
            yield file.problem(
                person, "duty", f"{person.code} 是{NOT_ON_DUTY[person.role]}，不排值班，请删掉 duty 或改 role"
            )
        if person.role is Role.ADMINISTRATOR:
            for field in ("openid", "wecom", "mail"):
                if getattr(person, field):
                    text = f"{person.code} 是管系统的人，不收同伴的消息和警报，请删掉 {field}"
                    yield file.problem(person, field, text)
        if person.reach is Reach.DISTRICT and _complete(file, "houses"):
            theirs = [house for house in file.houses if house.code in person.houses]
            if theirs and not any(house.district for house in theirs):
                text = f"写的是 district，可是 {person.code} 的小站没有写 district：请在 houses 里写上，或改 reach"
                yield file.problem(person, "reach", text)
        days = Counter(shift.weekday for shifts in person.duty for shift in shifts)
        if any(times > 1 for times in days.values()):
            yield file.problem(person, "duty", f"{person.code} 同一天写了两段，一天只能写一段，请合成一段")


def _companions(file: ProgrammeFile) -> Iterator[Problem]:
    staff = {person.code: person for person in file.staff}
    codes = _codes_in(file, "staff")
    for member in file.members:
        for field, code in (("worker", member.worker), ("backup", member.backup)):
            if not code:
                continue
            person = staff.get(code)
            if codes.lack(code):
                text = f"{member.code} 的 {field} 写的 {code} 不在 staff 里{nearest(code, codes.known)}"
                yield file.problem(member, field, text)
            elif person is not None and not person.answers:
                text = f"{member.code} 的 {field} 要是社工或督导（role: worker 或 supervisor），{code} 不是"
                yield file.problem(member, field, text)
            elif person is not None and _cannot_answer(file, person, member.house):
                text = f"{code} 不负责 {member.code} 的小站，请在 {code} 的 also 里加上 {member.house}"
                yield file.problem(member, field, text)
        if member.worker and member.worker == member.backup:
            yield file.problem(member, "backup", f"{member.code} 的 backup 和 worker 是同一个人，请换一位")


# Turns and days


def _rota(file: ProgrammeFile) -> Iterator[Problem]:
    staff = {person.code: person for person in file.staff}
    codes = _codes_in(file, "staff")
    for turns in file.rota:
        for n, code in enumerate(turns.people):
            path: Path = (*turns.path, "people", n)
            person = staff.get(code)
            if codes.lack(code):
                yield file.sheet.problem(path, f"写的 {code} 不在 staff 里{nearest(code, codes.known)}")
            elif person is not None and not person.answers:
                yield file.sheet.problem(path, f"{code} 是{NOT_ON_DUTY[person.role]}，不排值班，请换一位社工或督导")
            elif person is not None and _cannot_answer(file, person, turns.house):
                yield file.sheet.problem(path, f"{code} 不负责这个小站，请在 {code} 的 also 里加上 {turns.house}")
    for day in file.days:
        if day.hours_of is not None and day.kind is not DayKind.WORKING:
            yield file.problem(day, "hours_of", "只用在上班的日子（kind: working），请删掉")


def _cannot_answer(file: ProgrammeFile, person: StaffEntry, house: str) -> bool:
    """A worker answers for the houses they serve, a supervisor for those they see."""
    if person.role is Role.SUPERVISOR:
        return not file.sees(person, house)
    return file.house(house) is not None and house not in person.houses


# Activities


def _activities(file: ProgrammeFile) -> Iterator[Problem]:
    for activity in file.activities:
        kinds = [field for field in ("every", "rule", "on") if getattr(activity, field)]
        if not kinds:
            yield file.problem(activity, "every", "少了，请写 every（每周几）、rule 或 on（只办一次的日期）")
        for extra in kinds[1:]:
            yield file.problem(activity, extra, f"和 {kinds[0]} 只能写一个，请删掉一个")
        if activity.on and activity.starts_on:
            yield file.problem(activity, "starts_on", "只用在每周或定期的活动上，请删掉（日期已经写在 on 里）")
        if activity.cancelled and not activity.on:
            yield file.problem(activity, "cancelled", "只用在写了 on 的活动上，请删掉")
        if activity.starts_on and not activity.on and kinds:
            begin = datetime.combine(activity.starts_on, datetime.min.time())
            if next(iter(rrulestr(activity.recurrence, dtstart=begin)), None) is None:
                yield file.problem(activity, "starts_on", "这一天以后 rule 排不出任何日子，请改 starts_on 或 rule")
        house = file.house(activity.house)
        if not activity.venue and house is not None and not house.venue:
            yield file.problem(activity, "venue", "少了，请写活动的地点（小站也没有写 venue）")


# Whoever is in danger must lead to somebody


def _ladders(file: ProgrammeFile) -> Iterator[Problem]:
    for level, plan in file.programme.ladders.plans().items():
        path: Path = ("programme", "ladders", level.name.lower())
        try:
            read_ladder(plan_of(plan))
        except LadderError as wrong:
            yield file.sheet.problem(path, str(wrong))
        if level is Level.RED:
            yield from _red(file, plan, path)


def _red(file: ProgrammeFile, plan: Plan, path: Path) -> Iterator[Problem]:
    if plan.loops is not None:
        yield file.sheet.problem((*path, "loops"), "红色的求助要一直找下去，请把 loops 删掉或写 null")
    there = {
        Target.ASSIGNED: any(member.worker for member in file.members) or not file.members,
        Target.BACKUP: any(member.backup for member in file.members) or not file.members,
        Target.DUTY: any(person.duty for person in file.staff) or bool(file.rota),
        Target.SUPERVISOR: any(person.role == Role.SUPERVISOR for person in file.staff),
        Target.EVERYONE: any(person.answers for person in file.staff),
    }
    if not _complete(file, "staff") or not _complete(file, "members"):
        return
    for n, step in enumerate(plan.steps):
        if not any(there[target] for target in step.targets):
            names = "、".join(target.value for target in step.targets)
            text = f"这一步只找 {names}，可是文件里一个也没有，请补上人或改这一步"
            yield file.sheet.problem((*path, "steps", n), text)


def _somebody_answers(file: ProgrammeFile) -> Iterator[Problem]:
    if not _complete(file, "staff"):
        return
    if not any(person.answers for person in file.staff):
        yield file.sheet.problem(("staff",), "里没有社工也没有督导，有人求助时没有人可找，请至少写一位")
        return
    if file.programme.ladders.red is None and ("programme", "ladders", "red") in file.sheet.lines:
        return  # it could not be read, which has been said
    red = file.programme.ladders.red
    targets = {target for step in (red.steps if red else ()) for target in step.targets} or {
        Target(target) for step in DEFAULTS[Level.RED]["steps"] for target in step["targets"]
    }
    leads = [person for person in file.staff if person.role is Role.SUPERVISOR]
    for member in file.members:
        if not _leads_to_somebody(member, targets, any(file.sees(person, member.house) for person in leads)):
            text = f"{member.code} 求助时不一定有人可找：请写 worker（只有值班的人不够，值班以外的时间没有人）"
            yield file.problem(member, "worker", text)


def _leads_to_somebody(member: MemberEntry, targets: set[Target], led_by_supervisor: bool) -> bool:
    """Whoever is on duty does not count: at night there may be nobody."""
    everyone = Target.EVERYONE in targets
    return bool(
        (member.worker and (everyone or Target.ASSIGNED in targets))
        or (member.backup and (everyone or Target.BACKUP in targets))
        or (led_by_supervisor and (everyone or Target.SUPERVISOR in targets))
    )


def _complete(file: ProgrammeFile, section: str) -> bool:
    """Whether every entry of a section could be read; otherwise nothing can be said about what is missing."""
    written = file.sheet.data.get(section) or []
    return isinstance(written, list) and len(written) == len(getattr(file, section))


def plan_of(plan: Plan) -> dict[str, object]:
    """A ladder in the form in which it is stored."""
    written = plan.model_dump(mode="json")
    for step in written["steps"]:
        if not step["channels"]:
            del step["channels"]
    return written
