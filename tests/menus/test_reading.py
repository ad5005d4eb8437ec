"""The file of the menus: what comes with the program is fit to be seen, and a bad file is told what is wrong."""

from pathlib import Path

import pytest

from app.pages.entrance import ROOMS
from app.settings import SettingsError
from bot.discretion import banned
from bot.menus.reading import Audience, Menus, MenusError, parse_menus, read_menus, unfit

GOOD = "everyone: {buttons: [{name: 帮助, says: help}]}\n"


def a_file(buttons: str, tag: str = "A组") -> str:
    return f"{GOOD}member: {{tag: {tag}, buttons: {buttons}}}\n"


def problem(source: str) -> str:
    with pytest.raises(MenusError) as caught:
        parse_menus(source, "a.yaml")
    return str(caught.value)


def test_what_comes_with_the_program_has_a_menu_for_each_and_names_nobody() -> None:
    menus = read_menus()
    assert set(menus.tagged) == set(Audience)
    assert unfit(menus, banned) == []
    tags = [menu.tag for menu in menus.tagged.values()]
    assert tags == ["A组", "B组", "C组"]


def test_nothing_that_cannot_be_taken_back_is_one_tap_away() -> None:
    menus = read_menus()
    rows = [menus.everyone, *(menu.buttons for menu in menus.tagged.values())]
    said = {one.says for row in rows for button in row for one in (button.under or (button,))}
    assert said - {""} == {"activities", "mood", "person", "help", "tasks", "list", "door_code"}


def test_what_a_menu_opens_is_there_and_asks_who_opened_it() -> None:
    """A page is opened by nobody in particular: only those will do that ask WeChat whose they are."""
    menus = read_menus()
    rows = [menus.everyone, *(menu.buttons for menu in menus.tagged.values())]
    opened = {one.opens for row in rows for button in row for one in (button.under or (button,))} - {""}
    assert opened == {"/p/data", "/p/consent"}
    assert opened <= {f"/p/{room}" for room in ROOMS}


def test_what_opens_our_window_is_not_a_page() -> None:
    """A tap that says something lets us write for a minute; a page does not (VIEW)."""
    member = read_menus().tagged[Audience.MEMBER].buttons
    assert [button.says for button in member[:2]] == ["activities", "mood"]


def test_first_names_fit_on_every_phone() -> None:
    menus = read_menus()
    for row in (menus.everyone, *(menu.buttons for menu in menus.tagged.values())):
        assert all(len(button.name) <= 4 for button in row)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[]", "文件 要写成 everyone、member、family、staff 这几项"),
        ("member: {tag: A组, buttons: [{name: 帮助, says: help}]}", "缺少 everyone"),
        (GOOD + "guests: {}", "文件 里不能写 guests"),
        ("everyone: {buttons: []}", "everyone 的 buttons 要有 1 到 3 项"),
        ("everyone: {}", "everyone 的 buttons 要有 1 到 3 项"),
        ("everyone: 帮助", "everyone 要写成 buttons 这几项"),
        (a_file("[{name: 名字实在太长了, says: help}]"), "「名字实在太长了」有 21 个字节，最多 16 个（约 5 个汉字）"),
        (a_file("[{says: help}]"), "member 的 buttons 第 1 项 缺少 name"),
        (a_file("[{name: 帮助}]"), "要写 says、opens、under 里的一个，只能一个"),
        (a_file("[{name: 帮助, says: help, opens: /p/a}]"), "只能一个"),
        (a_file("[{name: 退订, says: stop}]"), "says 没有“stop”：能写的是 activities、mood、help、person"),
        (a_file("[{name: 网页, opens: 'https://a.example/'}]"), "opens 要以 / 开头"),
        (a_file("[{name: 网页, opens: '//a.example/'}]"), "opens 要以 / 开头"),
        (a_file("[{name: 更多, under: []}]"), "的 under 要有 1 到 5 项"),
        (a_file("[{name: 更多, under: [{name: 再多, under: []}]}]"), "第 1 项 里不能写 under：只有 name、says、opens"),
        (a_file("[帮助]"), "第 1 项 要写成 name、says、opens、under 这几项"),
        (a_file("[{name: 帮助, says: help}]", tag="''"), "member 缺少 tag"),
        (a_file("[{name: 帮助, says: help}]", tag="这个标签的名字比三十个字节长"), "最多 30 个"),
        (a_file("[{name: 帮助, says: help}]") + "staff: {tag: A组, buttons: [{name: 帮助, says: help}]}", "tag 一样"),
        ("everyone:\n  buttons: [\n", "第 3 行不是 YAML 的写法"),
    ],
)
def test_a_bad_file_is_told_what_is_wrong(source: str, said: str) -> None:
    assert said in problem(source)
    assert problem(source).startswith("菜单文件 a.yaml")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    words = problem(a_file("[{name: 名字实在太长了, says: nonsense}]", tag="''"))
    assert all(part in words for part in ("缺少 tag", "21 个字节", "没有“nonsense”"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"没有 .*nowhere\.yaml 这个菜单文件：请检查 TONGXING_MENUS_FILE"):
        read_menus(tmp_path / "nowhere.yaml")
    with pytest.raises(MenusError, match="读不了菜单文件"):
        read_menus(tmp_path)
    (tmp_path / "a.yaml").write_bytes("帮助".encode("gb18030"))
    with pytest.raises(MenusError, match="不是 UTF-8"):
        read_menus(tmp_path / "a.yaml")


def test_a_word_that_says_too_much_is_found_in_names_tags_and_addresses() -> None:
    source = a_file("[{name: 更多, under: [{name: 心理热线, says: help}, {name: 页, opens: /p/康复}]}]", tag="患者组")
    found = unfit(parse_menus(source, "a.yaml"), banned)
    assert [words.split("：")[0] for words in found] == [
        "同伴的标签「患者组」里有“患者”",
        "同伴的菜单里的「心理热线」里有“心理”",
        "同伴的菜单里的「页/p/康复」里有“康复”",
    ]


def test_a_group_that_is_left_out_sees_the_default_menu() -> None:
    assert parse_menus(GOOD, "a.yaml") == Menus(read_menus().everyone[1:], {})
