"""The rules of the house, read from the code itself."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(file for top in ("app", "bot", "scheduler") for file in (ROOT / top).rglob("*.py"))

# Who may import whom: a room imports from its own floor or from floors below.
FLOORS = (
    ("app.clock", "app.settings", "app.vault", "app.one_trip", "app.db", "app.due"),
    (
        *(
            "app.people",
            "app.accounts",
            "app.tasks",
            "app.messages",
            "app.activities",
            "app.mood",
            "app.duty",
            "app.escalations",
        ),
        *("app.marks", "app.opinions", "app.issues"),
        "app.watch",
        "app.installation",
    ),
    ("app.tables", "app.migrations", "bot"),
    ("scheduler",),
    ("app",),
)
# Within the second floor: each leans only on those before it.
ROOMS = (
    "people",
    "messages",
    "tasks",
    "accounts",
    "activities",
    "mood",
    "duty",
    "escalations",
    "marks",
    "opinions",
    "watch",
    "issues",
)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> int:
    for number, names in enumerate(FLOORS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return number
    raise LookupError(module)


@cache
def imports(file: Path) -> list[tuple[str, str]]:
    """(module, name) of everything a file imports."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return found


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", FILES, ids=name)
def test_imports_point_one_way(file: Path) -> None:
    here = module_of(file)
    for module, imported in imports(file):
        if module.split(".")[0] not in ("app", "bot", "scheduler"):
            continue
        target = f"{module}.{imported}" if (ROOT / module.replace(".", "/") / f"{imported}.py").exists() else module
        if target in ("app", here):
            continue
        assert floor_of(target) <= floor_of(here), f"{here} imports {target}"
        mine, theirs = here.split("."), target.split(".")
        if mine[0] == theirs[0] == "app" and mine[1] in ROOMS and theirs[1] in ROOMS and mine[1] != theirs[1]:
            assert ROOMS.index(theirs[1]) < ROOMS.index(mine[1]), f"{here} imports {target}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_only_the_clock_knows_the_time(file: Path) -> None:
    if module_of(file) == "app.clock":
        return
    code = file.read_text(encoding="utf-8")
    assert not re.search(r"datetime\.(now|utcnow|today)\(|date\.today\(|\btime\.time\(", code)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_only_the_rooms_that_own_tables_speak_sql(file: Path) -> None:
    module = module_of(file)
    if floor_of(module) < 2 or module in ("app.tables", "app.migrations") or module.startswith("app.loading"):
        return
    verbs = {"select", "update", "insert", "delete", "text"}
    used = {imported for module, imported in imports(file) if module.split(".")[0] in ("sqlalchemy", "sqlmodel")}
    assert not used & verbs


@pytest.mark.parametrize("file", FILES, ids=name)
def test_services_never_commit(file: Path) -> None:
    if module_of(file) in ("app.db",):
        return
    assert ".commit()" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", [f for f in FILES if floor_of(module_of(f)) < 3], ids=name)
def test_no_sentence_for_a_person_lies_outside_the_wording(file: Path) -> None:
    module = module_of(file)
    for_those_who_install = (
        *("app.settings", "app.vault", "app.installation", "app.migrations"),
        *("bot.wechat", "bot.wecom", "bot.sms", "bot.mail", "bot.menus"),
    )
    reads_or_plays = (
        "bot.wording",
        "bot.simulator",
        "bot.screening",
        "bot.opinion.redaction",
        "bot.conversation.grammar",
        "bot.conversation.orders",
        "bot.conversation.when",
        "app.escalations.ladders",
    )
    if module.startswith((*for_those_who_install, *reads_or_plays)):
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    sentences = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
        and len(re.findall(r"[\u4e00-\u9fff]", node.value)) > 4
    ]  # fmt: skip
    assert sentences == []


@pytest.mark.parametrize("file", FILES, ids=name)
def test_rooms_stay_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400
