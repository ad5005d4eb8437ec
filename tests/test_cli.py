"""The command: whatever is wrong ends in one sentence that says what to do, and a non-zero exit."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.screening import load_rules

ROOT = Path(__file__).parent.parent
PROGRAMME = ROOT / "deploy" / "programmes" / "duantang.yaml"
KEY = {"TONGXING_SECRET_KEY": "a key that only tests use"}
ACCOUNT = {
    **KEY,
    "TONGXING_WECHAT_APP_ID": "wx_of_a_real_account",
    "TONGXING_WECHAT_APP_SECRET": "s" * 32,
    "TONGXING_WECHAT_TOKEN": "a-token",
    "TONGXING_WECHAT_ENCODING_AES_KEY": "k" * 43,
}


@dataclass
class Typed:
    code: int
    said: str
    wrong: str

    def ends_with(self, *fragments: str) -> None:
        """It failed with one sentence in Chinese that has every fragment."""
        assert "Traceback" not in self.wrong + self.said
        assert self.code == 1, self
        [sentence] = self.wrong.strip().splitlines()
        assert re.search(r"[\u4e00-\u9fff]", sentence)
        for fragment in fragments:
            assert fragment in sentence, sentence


# Importing everything takes seconds. A process of its own does it once, and each command is a fork of it.
TYPIST = """
import json, os, sys, tempfile, traceback
from app import demo, loading, main
from app.cli import main as command

for line in sys.stdin:
    words, env, folder = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            code = 1
            try:
                os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2), os.chdir(folder)
                os.environ.clear(), os.environ.update(env)
                sys.argv = ["tongxing", *words]
                command()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush(), sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = [file.seek(0) or file.read().decode() for file in (out, err)]
    print(json.dumps([code, *said]), flush=True)
"""


@pytest.fixture(scope="session")
def typist() -> Iterator["subprocess.Popen[str]"]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", TYPIST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        yield process


@dataclass
class Desk:
    """A machine on which somebody types; its folder is the current one, its environment empty."""

    folder: Path
    typist: "subprocess.Popen[str]"

    def types(self, *words: str | Path, **env: str) -> Typed:
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **env}
        assert self.typist.stdin is not None
        assert self.typist.stdout is not None
        print(json.dumps([[*map(str, words)], clean, str(self.folder)]), file=self.typist.stdin, flush=True)
        return Typed(*json.loads(self.typist.stdout.readline()))

    @property
    def database(self) -> Path:
        return self.folder / "var" / "tongxing.db"

    def write(self, text: str | bytes, name: str = "a.yaml") -> Path:
        file = self.folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file


@pytest.fixture
def desk(tmp_path: Path, typist: "subprocess.Popen[str]") -> Desk:
    return Desk(tmp_path, typist)


@pytest.fixture
def ready(desk: Desk, migrated_file: Path) -> Desk:
    """The same with a database that is up to date and empty."""
    desk.database.parent.mkdir()
    with closing(sqlite3.connect(migrated_file)) as source, closing(sqlite3.connect(desk.database)) as copy:
        source.backup(copy)
    return desk


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        yield occupant.getsockname()[1]


# Settings


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"TONGXING_FOO": "1"}, ["没有 TONGXING_FOO 这个设置"]),
        ({"TONGXING_WECHAT_TOKN": "1"}, ["没有 TONGXING_WECHAT_TOKN 这个设置", "是不是想写 TONGXING_WECHAT_TOKEN"]),
        ({"TONGXING_SENDERS": "viele"}, ["TONGXING_SENDERS 的值不对"]),
        ({"TONGXING_WECHAT_ANSWER_WITHIN": "9"}, ["TONGXING_WECHAT_ANSWER_WITHIN 的值不对"]),
        ({"TONGXING_QUIET_FROM": "25:00", "TONGXING_LOG_LEVEL": "loud"}, ["TONGXING_QUIET_FROM", "TONGXING_LOG_LEVEL"]),
        ({"TONGXING_WECHAT_TEMPLATE_DUTY_FIELDS": "code"}, ["TONGXING_WECHAT_TEMPLATE_DUTY_FIELDS 的值不对", "JSON"]),
        ({"TONGXING_OPERATOR_PHONE": "1"}, ["设置了 TONGXING_OPERATOR_PHONE，还要设置 TONGXING_SMS_GATEWAY"]),
        ({"TONGXING_PING_URL": "ping.example.org"}, ["TONGXING_PING_URL 不是网址", "https://"]),
        ({"TONGXING_METRICS_TOKEN": "short"}, ["TONGXING_METRICS_TOKEN 太短", "16 个字符"]),
        ({"TONGXING_DATABASE_URL": "mysql://a@b/c"}, ["TONGXING_DATABASE_URL", "postgresql+psycopg://"]),
        (
            {"TONGXING_DATABASE_URL": "sqlite+aiosqlite:////nowhere/at/all.db"},
            ["连不上数据库", "TONGXING_DATABASE_URL"],
        ),
        ({"TONGXING_DATABASE_URL": "postgresql+psycopg://a@127.0.0.1:1/b"}, ["连不上数据库", "TONGXING_DATABASE_URL"]),
        ({"TONGXING_DATA_DIR": "/dev/null/var"}, ["建不了数据文件夹", "TONGXING_DATA_DIR"]),
        (
            {"TONGXING_CLOCK_OFFSET": "3600", "TONGXING_WECHAT_APP_ID": "wx_of_a_real_account"},
            ["TONGXING_CLOCK_OFFSET 只能在演示里用"],
        ),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_a_setting_that_is_wrong_is_named(desk: Desk, env: dict[str, str], said: list[str]) -> None:
    desk.types("migrate", **env).ends_with(*said)
    assert not desk.database.exists()


@pytest.mark.parametrize("key", [{}, {"TONGXING_SECRET_KEY": "short"}], ids=["missing", "too short"])
def test_without_a_good_key_nothing_is_written(ready: Desk, key: dict[str, str]) -> None:
    ready.types("load", PROGRAMME, **key).ends_with("TONGXING_SECRET_KEY 没有设置或太短", "至少 16 个字符")
    with closing(sqlite3.connect(ready.database)) as file:
        assert file.execute("select count(*) from person").fetchone() == (0,)


def test_a_key_that_is_not_the_one_of_the_database_is_noticed_by_every_command(ready: Desk) -> None:
    assert ready.types("load", PROGRAMME, **KEY).code == 0
    other = {**ACCOUNT, "TONGXING_SECRET_KEY": "quite another key, from before"}
    for words in (("load", PROGRAMME), ("invite", "xiaohe"), ("serve", "--port", "18765"), ("worker",)):
        ready.types(*words, **other).ends_with("TONGXING_SECRET_KEY 和数据库里用的不是同一个", "请换回原来的密钥")


# The database


def test_migrating_twice_is_migrating_once(desk: Desk) -> None:
    assert [desk.types("migrate") for _ in range(2)] == [Typed(0, "升级好了。\n", ""), Typed(0, "已经是最新的。\n", "")]


def test_a_database_of_a_newer_version_is_left_alone(ready: Desk) -> None:
    with closing(sqlite3.connect(ready.database)) as file:
        file.execute("update alembic_version set version_num = 'from_the_future'")
        file.commit()
    ready.types("migrate").ends_with("更新版本的同行", "请先升级程序")
    ready.types("load", PROGRAMME, **KEY).ends_with("更新版本的同行")


def test_a_file_that_is_no_database_is_left_alone(ready: Desk) -> None:
    ready.database.write_bytes(b"what is this" * 500)
    ready.types("migrate").ends_with("数据库")
    assert ready.database.read_bytes() == b"what is this" * 500


# Figures


def test_figures_are_a_table_or_data_and_a_wrong_month_or_house_is_a_sentence(ready: Desk) -> None:
    ready.types("figures", **KEY).ends_with("数据库里还没有项目", "tongxing load")
    assert ready.types("load", PROGRAMME, **KEY).code == 0
    table = ready.types("figures", "--month", "2026-11", **KEY)
    assert (table.code, table.wrong) == (0, "")
    assert table.said.startswith("2026-11 的事\n")
    found = json.loads(ready.types("figures", "--json", "--house", "duantang", **KEY).said)
    assert found["levels"]["red"]["cases"] == 0
    ready.types("figures", "--xlsx", "november.xlsx", "--month", "11", **KEY).ends_with("“11”不是月份", "2026-11")
    ready.types("figures", "--month", "11", **KEY).ends_with("“11”不是月份", "2026-11")
    ready.types("figures", "--house", "nowhere", **KEY).ends_with("没有 code 是 nowhere 的小站")


# A programme


def test_loading_twice_changes_nothing_the_second_time(ready: Desk) -> None:
    first, second = (ready.types("load", PROGRAMME, **KEY) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert first.said.startswith("新增 ")
    assert re.match(r"新增 0，修改 0，没变 [1-9]", second.said)


def test_a_file_that_is_not_there_or_no_text_is_named(ready: Desk) -> None:
    ready.types("load", "nowhere.yaml", **KEY).ends_with("没有 nowhere.yaml 这个文件")
    ready.types("load", ready.folder, **KEY).ends_with("读不了")
    ready.types("load", ready.write("段塘".encode("gb18030")), **KEY).ends_with("不是 UTF-8")


def test_a_file_with_mistakes_says_on_which_line_each_is_and_changes_nothing(ready: Desk) -> None:
    text = PROGRAMME.read_text(encoding="utf-8").replace("zone: Asia/Shanghai", "zone: Asia/Shanghia")
    text = text.replace("at: 14:00", "at: 下午两点")
    lines = text.splitlines()
    wrong = [n for n, line in enumerate(lines, 1) if "Shanghia" in line or "下午两点" in line]
    answer = ready.types("load", ready.write(text), **KEY)
    assert answer.code == 1
    assert "Traceback" not in answer.wrong
    for number in wrong:
        assert re.search(rf"第 ?{number} ?行", answer.wrong), answer.wrong
    with closing(sqlite3.connect(ready.database)) as file:
        assert file.execute("select count(*) from person").fetchone() == (0,)
    broken = ready.types("load", ready.write("programme:\n  code: a\n\tname: b\n"), **KEY)
    broken.ends_with("第 3 行")


def test_an_invitation_is_a_link_and_four_digits(ready: Desk) -> None:
    ready.types("load", PROGRAMME, **KEY)
    answer = ready.types("invite", "wangle", TONGXING_PUBLIC_URL="https://house.example.org/", **KEY)
    assert answer.code == 0
    assert re.search(r"^https://house\.example\.org/p/qr/[\w=-]+$", answer.said, re.M)
    assert re.search(r"四个数字，请当面告诉对方：\d{4}$", answer.said.strip())
    ready.types("invite", "nobody", **KEY).ends_with("没有 code 是 nobody 的人", "tongxing load")


def test_a_token_is_shown_once_listed_and_taken_back(ready: Desk) -> None:
    ready.types("load", PROGRAMME, **KEY)
    assert ready.types("token", "list", **KEY).said.strip() == "还没有令牌。"
    made = ready.types("token", "make", "--for", "wangle", "--days", "30", "--may", "take,read", **KEY)
    assert re.search(r"第 1 号令牌，wangle，能 read take，到 \d{4}-\d\d-\d\d", made.said)
    key = made.said.split()[-1]
    assert re.fullmatch(r"tongxing_[\w-]{43}", key)
    assert key.encode() not in ready.database.read_bytes()
    listed = ready.types("token", "list", **KEY).said
    assert "1　wangle　read take　有效" in listed
    assert "没用过" in listed
    assert key not in listed
    assert "收回了" in ready.types("token", "revoke", "1", **KEY).said
    assert "1　wangle　read take　收回了" in ready.types("token", "list", **KEY).said


def test_a_token_is_for_staff_who_can_take_a_case(ready: Desk) -> None:
    ready.types("load", PROGRAMME, **KEY)
    ready.types("token", "make", "--for", "nobody", **KEY).ends_with("没有 code 是 nobody 的人")
    ready.types("token", "make", "--for", "lilaoshi", **KEY).ends_with("不是社工也不是负责人")
    ready.types("token", "make", "--for", "wangle", "--may", "everything", **KEY).ends_with("--may 只能写 take、read")
    ready.types("token", "revoke", "7", **KEY).ends_with("没有第 7 号令牌", "tongxing token list")


# Serving


def test_serving_needs_an_account(desk: Desk) -> None:
    for command in ("serve", "worker"):
        desk.types(command, **KEY).ends_with("还没有设置公众号", "tongxing demo")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"TONGXING_WECHAT_APP_SECRET": ""}, "TONGXING_WECHAT_APP_SECRET"),
        ({"TONGXING_WECHAT_TOKEN": ""}, "Token 没有填写"),
        ({"TONGXING_WECHAT_ENCODING_AES_KEY": "k" * 42}, "正好 43 个字符"),
    ],
)
def test_serving_with_half_an_account_says_what_is_missing(ready: Desk, env: dict[str, str], said: str) -> None:
    ready.types("serve", "--port", "18764", **{**ACCOUNT, **env}).ends_with(said)


def test_a_port_that_is_taken_is_said_and_another_is_proposed(ready: Desk, taken_port: int) -> None:
    said = [f"端口 {taken_port} 已经被占用", "--port"]
    ready.types("serve", "--port", str(taken_port), **ACCOUNT).ends_with(*said)
    ready.types("demo", "--no-browser", "--port", str(taken_port)).ends_with(*said)


def test_the_demo_never_runs_beside_a_real_account(desk: Desk) -> None:
    for words in (("demo", "--no-browser"), ("demo", "--tour")):
        desk.types(*words, **ACCOUNT).ends_with("演示不能和它一起用")
    assert list(desk.folder.iterdir()) == []


def test_the_command_says_what_it_can_do() -> None:
    words = [sys.executable, "-c", "from app.cli import main; main()", "--help"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60, check=True)
    for word in (
        "demo",
        "serve",
        "worker",
        "migrate",
        "load",
        "invite",
        "menu",
        "token",
        "doctor",
        "先试试 tongxing demo",
    ):
        assert word in answer.stdout.decode()


# The menu, and the doctor

NOWHERE = {"TONGXING_WECHAT_API_BASE": "http://127.0.0.1:1"}


def test_a_menu_needs_an_account_and_its_secret(desk: Desk) -> None:
    for verb in ("diff", "push"):
        desk.types("menu", verb, **KEY).ends_with("还没有设置公众号")
        desk.types("menu", verb, **{**ACCOUNT, "TONGXING_WECHAT_APP_SECRET": ""}).ends_with("APP_SECRET")


def test_a_menu_that_cannot_be_read_or_an_account_that_cannot_be_reached_is_one_sentence(ready: Desk) -> None:
    for verb in ("diff", "push"):
        ready.types("menu", verb, **ACCOUNT, TONGXING_MENUS_FILE="no.yaml").ends_with("没有 no.yaml 这个菜单文件")
        ready.types("menu", verb, **ACCOUNT, **NOWHERE).ends_with("连不上", "请检查网络", "stable_token")


def test_serving_with_a_bad_menu_file_says_so(ready: Desk) -> None:
    file = ready.write("everyone: {}")
    answer = ready.types("serve", "--port", "18764", **ACCOUNT, TONGXING_MENUS_FILE=str(file))
    answer.ends_with("菜单文件 a.yaml", "everyone 的 buttons 要有 1 到 3 项")


def test_the_doctor_finds_everything_missing_and_makes_nothing(desk: Desk) -> None:
    answer = desk.types("doctor")
    assert (answer.code, answer.wrong) == (1, "")
    lines = answer.said.splitlines()
    assert lines[0] == "✓ 设置：读得懂"
    assert [line[:2] for line in lines] == ["✓ ", "✓ ", "✗ ", "✗ ", "✗ ", "✗ ", "－ ", "－ "]
    assert list(desk.folder.iterdir()) == []


def test_the_doctor_says_what_is_wrong_with_the_settings_and_stops(desk: Desk) -> None:
    for env, said in (
        ({"TONGXING_SENDERS": "viele"}, "TONGXING_SENDERS 的值不对"),
        ({"TONGXING_WECHAT_TEMPLATE_DUTY_FIELDS": "code"}, "要写成一行 JSON"),
    ):
        answer = desk.types("doctor", **env)
        assert answer.code == 1
        [line] = answer.said.splitlines()
        assert line.startswith("✗ 设置：")
        assert said in line


def test_the_doctor_speaks_of_an_account_that_cannot_be_reached(ready: Desk) -> None:
    right = {"TONGXING_PUBLIC_URL": "https://house.example.org", "TONGXING_OPERATOR_ROBOT": "k"}
    answer = ready.types("doctor", **ACCOUNT, **NOWHERE, **right)
    assert answer.code == 1
    assert "Traceback" not in answer.said + answer.wrong
    assert "✗ 公众号：连不上（ConnectError）：请检查网络和接口地址（stable_token）" in answer.said
    assert [line for line in answer.said.splitlines() if line.startswith("✗")] == [
        "✗ 公众号：连不上（ConnectError）：请检查网络和接口地址（stable_token）"
    ]


# The drill


def test_a_drill_needs_a_programme_and_something_that_sends(ready: Desk) -> None:
    ready.types("drill", **KEY).ends_with("数据库里还没有项目", "tongxing load")
    assert ready.types("load", PROGRAMME, **KEY).code == 0
    ready.types("drill", "--house", "nowhere", **KEY).ends_with("没有代码是 nowhere 的小站：有 duantang")
    ready.types("drill", **KEY).ends_with("没有到点做事的程序在运行，演练不了", "tongxing serve")
    ready.types("drill", "report", "7", **KEY).ends_with("没有编号是 A-0007 的演练")
    answer = ready.types("drill", "--help")
    assert "--now-at-night" in answer.said
    assert "report" in answer.said


# Screening


def test_rules_are_checked_switched_on_and_taken_back_from_the_command_line(ready: Desk) -> None:
    file = ready.write(
        (ROOT / "bot" / "screening" / "rules.zh.yaml")
        .read_text("utf-8")
        .replace(load_rules().version.partition("+")[0], "t2")
    )
    assert "30 天里读了 0 句" in ready.types("screen", "rules", "check", file, **KEY).said
    assert "第 1 份规则（t2+" in ready.types("screen", "rules", "use", file, "--by", "王乐", **KEY).said
    assert "王乐" in ready.types("screen", "rules", "show", **KEY).said
    assert ready.types("screen", "rules", "show", "--text", **KEY).said == file.read_text("utf-8")
    assert "换回了程序自带的规则" in ready.types("screen", "rules", "back", **KEY).said
    ready.types("screen", "rules", "back", **KEY).ends_with("前面没有别的了")


def test_rules_that_cannot_be_used_are_one_sentence(ready: Desk) -> None:
    ready.types("screen", "rules", "use", ready.write("rules: []"), **KEY).ends_with("这份规则不能用")
    ready.types("screen", "rules", "check", ready.folder / "none.yaml", **KEY).ends_with("读不了", "none.yaml")
    ready.types("screen", "rules", "check", ready.write(b"\xff"), **KEY).ends_with("UTF-8")


def test_marks_are_exported_and_proposed_from_the_command_line(ready: Desk) -> None:
    file = ready.folder / "marks.jsonl"
    assert "0 句写进了" in ready.types("screen", "marks", "export", file, **KEY).said
    assert file.read_text("utf-8") == ""
    assert "还没有人记过" in ready.types("screen", "propose", **KEY).said
