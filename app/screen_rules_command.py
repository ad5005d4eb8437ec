"""`tongxing screen rules`: a file of rules is checked against what people wrote, put in force, and taken back."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.calendar import Quiet
from app.clock import Clock, local
from app.db import ident
from app.installation import own_database
from app.marks import books
from app.marks.models import RuleBook
from app.people import service as people
from app.settings import Settings
from bot import trial
from bot.keeper import EVERY
from bot.screening.comparing import LEVELS, Difference
from bot.screening.loader import RULES, RuleError, parse_rules
from bot.screening.reading import Level
from bot.screening.rules import RuleSet
from bot.screening.screener import shipped

NAMES = {Level.RED: "红", Level.ORANGE: "橙", Level.YELLOW: "黄"}
MOST_NAMED = 8  # messages by their number, in one line
OVERTAKEN = "刚才有人换了规则，没有改动：请看一下 tongxing screen rules show"

Print = Callable[[str], object]


async def check(settings: Settings, clock: Clock, source: str, show: Print, *, texts: bool = False) -> None:
    """What would change under these rules, as counts; `texts`: and what the messages behind them say.

    ValueError says what is wrong with the file.
    """
    rules = read_book(source)
    async with own_database(settings) as db:
        tried = await trial.try_out(db, rules, clock.now(), _quiet(settings))
        for line in lines_of(tried.found, tried.old, tried.new):
            show(line)
        if texts:
            for number, text in await trial.words_of(db, tried.now, tried.found.named):
                show(f"M-{number}　{on_one_line(text)}")


async def use(
    settings: Settings, clock: Clock, source: str, *, by: str = "", note: str = "", even_so: bool = False
) -> str:  # fmt: skip
    """Put these rules in force, in every process within seconds. ValueError says why not."""
    rules = read_book(source)
    async with own_database(settings) as db:
        tried = await trial.try_out(db, rules, clock.now(), _quiet(settings))
        same = f"{rules.version} 已经在用了，没有改动"
        if tried.new == tried.old:
            raise ValueError(same)
        lost = tried.found.lost
        if lost and not even_so:
            raise ValueError(
                f"没有换：30 天里有 {len(lost)} 句原来是红的，用新规则就不红了（{_numbers(lost)}）。"
                "请先用 tongxing screen rules check 看一看，确定要换就加 --even-so"
            )
        async with db.begin() as session:
            try:
                row = await trial.put(
                    session, source, rules.version, standing=tried.standing, by=by, note=note, now=clock.now()
                )
            except trial.Overtaken:
                raise ValueError(OVERTAKEN) from None
            except trial.AlreadyInForce:
                raise ValueError(same) from None
        return f"第 {ident(row)} 份规则（{rules.version}）生效了，{_soon()}。换回去：tongxing screen rules back"


async def back(settings: Settings, clock: Clock, *, by: str = "", note: str = "") -> str:
    """Put in force again what was before. ValueError: there is nothing before, or it can be read no more."""
    async with own_database(settings) as db:
        try:
            former = await trial.former(db, clock.now())
            async with db.begin() as session:
                row = await trial.take_back(session, standing=former.standing, by=by, note=note, now=clock.now())
        except books.NothingEarlier:
            raise ValueError("现在用的就是程序自带的规则，前面没有别的了，没有改动") from None
        except RuleError as error:
            raise ValueError(f"前一份规则这个版本的程序读不了，没有改动：{error}") from None
        except trial.Overtaken:
            raise ValueError(OVERTAKEN) from None
        return f"换回了{_name(row)}（{former.rules.version}），{_soon()}。"


async def show(settings: Settings, *, n: int = 10) -> list[str]:
    """What is in force, and what was before it, the newest first."""
    async with own_database(settings) as db, db.read() as session:
        zone = await _zone(session)
        rows = await books.newest(session, n)
    if not rows:
        return [f"在用的是程序自带的规则：{shipped().rules.version}"]
    lines = []
    for row in rows:
        version = row.version or shipped().rules.version
        parts = [
            f"第 {ident(row)} 份", version, f"{local(row.at, zone):%Y-%m-%d %H:%M}", row.by or "没写是谁",
            "" if row.again_of is None else f"换回{_name(row)}", row.note,
        ]  # fmt: skip
        lines.append("　".join(part for part in parts if part))
    return [f"在用的：{lines[0]}", *(f"以前的：{line}" for line in lines[1:])]


async def text_in_force(settings: Settings) -> str:
    """The file itself, for whoever wants to change it."""
    async with own_database(settings) as db, db.read() as session:
        row = await books.in_force(session)
    return row.source if row is not None and row.source is not None else RULES.read_text("utf-8")


def read_book(source: str) -> RuleSet:
    """The rules of a file. ValueError: it fails the linter, or its own examples."""
    try:
        return parse_rules(source)
    except RuleError as error:
        raise ValueError(f"这份规则不能用：{error}") from None


def read_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{file} 不是 UTF-8 文字：请另存为 UTF-8 再试") from None
    except OSError as error:
        raise ValueError(f"读不了 {file}（{error.strerror}）") from None


async def _zone(session: AsyncSession) -> str:
    programme = await people.only_programme(session)
    return programme.zone if programme is not None else trial.ZONE


def _quiet(settings: Settings) -> Quiet:
    return Quiet(settings.quiet_from, settings.quiet_until)


# In words


def lines_of(found: Difference, old: str, new: str) -> Iterable[str]:
    """Counts, rules and numbers of messages; never what a message says."""
    yield f"现在的 {old}，新的 {new}。30 天里读了 {found.read} 句。"
    for day in found.days:
        counts = "　".join(
            f"{NAMES[level]} {found.before[day][level]}→{found.after[day][level]}" for level in LEVELS
        )  # fmt: skip
        if any(found.before[day][level] or found.after[day][level] for level in LEVELS):
            yield f"{day:%m-%d}　{counts}"
    total = "　".join(
        f"{NAMES[level]} {found.total(found.before, level)}→{found.total(found.after, level)}" for level in LEVELS
    )
    yield f"一共　{total}"
    for head, by_rule in (("新响的", found.newly), ("不再响的", found.no_longer)):
        for rule, numbers in sorted(by_rule.items(), key=lambda one: (-len(one[1]), one[0])):
            yield f"{head}　{rule}　{len(numbers)} 句　{_numbers(numbers)}"
    yield f"更急的 {len(found.more)} 句，没那么急的 {len(found.less)} 句。"
    if found.lost:
        yield f"注意：{len(found.lost)} 句原来是红的，用新规则就不红了：{_numbers(found.lost)}"


def on_one_line(text: str) -> str:
    """Somebody's words as a terminal may show them: nothing in them moves the cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _numbers(numbers: list[int]) -> str:
    named = " ".join(f"M-{number}" for number in numbers[:MOST_NAMED])
    return named if len(numbers) <= MOST_NAMED else f"{named} …"


def _name(row: RuleBook) -> str:
    return "程序自带的规则" if row.again_of == books.BEFORE_ANY else f"第 {row.again_of} 份规则"


def _soon() -> str:
    return f"正在运行的程序 {EVERY:.0f} 秒内换上，不用重新启动"
