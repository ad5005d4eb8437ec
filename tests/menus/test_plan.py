"""The account beside the file: what differs, in words, and in the order in which it is put right."""

from typing import Any

from bot.menus.plan import Account, Change, Step, account_of, differences, wire
from bot.menus.reading import Audience, parse_menus

MENUS = parse_menus(
    """
everyone: {buttons: [{name: 帮助, says: help}]}
member: {tag: A组, buttons: [{name: 我的活动, says: activities}, {name: 更多, under: [{name: 网页, opens: /p/a}]}]}
staff: {tag: C组, buttons: [{name: 待办, says: tasks}]}
""",
    "a.yaml",
)
URL = "https://house.example/"
HELP = [{"type": "click", "name": "帮助", "key": "help", "sub_button": []}]
MEMBER = [
    {"type": "click", "name": "我的活动", "key": "activities", "sub_button": []},
    {"name": "更多", "sub_button": [{"type": "view", "name": "网页", "url": "https://house.example/p/a"}]},
]
STAFF = [{"type": "click", "name": "待办", "key": "tasks"}]
TAGS = {"星标组": 2, "A组": 100, "C组": 101}


def conditional(menu_id: int, tag: int, buttons: list[dict[str, Any]], rule: str = "tag_id") -> dict[str, Any]:
    return {"menuid": menu_id, "matchrule": {rule: str(tag)}, "button": buttons}


def account(*menus: dict[str, Any], default: Any = HELP, tags: dict[str, int] = TAGS) -> Account:
    return account_of({"menu": {"button": default}, "conditionalmenu": list(menus)}, tags)


AS_THE_FILE_SAYS = (conditional(2, 101, STAFF), conditional(1, 100, MEMBER))


def changes(found: Account) -> list[tuple[Step, str]]:
    return [(change.step, change.about) for change in differences(MENUS, found, URL)]


def test_a_menu_is_what_wechat_takes() -> None:
    assert wire(MENUS.tagged[Audience.MEMBER].buttons, URL) == [
        {"type": "click", "name": "我的活动", "key": "activities"},
        {"name": "更多", "sub_button": [{"type": "view", "name": "网页", "url": "https://house.example/p/a"}]},
    ]


def test_an_account_that_is_as_the_file_says_has_no_differences() -> None:
    assert changes(account(*AS_THE_FILE_SAYS)) == []


def test_a_rule_that_calls_the_tag_a_group_is_the_same_rule() -> None:
    old_way = (conditional(2, 101, STAFF, "group_id"), conditional(1, 100, MEMBER, "group_id"))
    assert changes(account(*old_way)) == []


def test_an_empty_account_needs_tags_first_then_the_default_menu_then_the_others() -> None:
    found = differences(MENUS, account_of({}, {}), URL)
    assert [(change.step, change.about) for change in found] == [
        (Step.TAG, "A组"),
        (Step.TAG, "C组"),
        (Step.DEFAULT, ""),
        (Step.ADD, "member"),
        (Step.ADD, "staff"),
    ]
    assert [change.words for change in found][:3] == [
        "没有标签「A组」（同伴）",
        "没有标签「C组」（工作人员）",
        "默认菜单不一样：要 「帮助」，现在没有",
    ]
    assert found[3].words == "同伴（A组）没有这个菜单：「我的活动 | 更多（网页）」"


def test_a_menu_that_differs_is_added_anew_before_the_old_one_goes() -> None:
    renamed = [{**STAFF[0], "name": "要办的"}]
    found = differences(MENUS, account(conditional(2, 101, renamed), AS_THE_FILE_SAYS[1]), URL)
    assert [(change.step, change.about) for change in found] == [(Step.ADD, "staff"), (Step.DROP, "2")]
    assert found[1].words == "工作人员（C组）的这个菜单和文件里不一样，或多了一份：「要办的」"


def test_what_a_tap_does_counts_as_well_as_its_name() -> None:
    elsewhere = [
        MEMBER[0],
        {"name": "更多", "sub_button": [{"type": "view", "name": "网页", "url": "https://b.example"}]},
    ]
    assert changes(account(AS_THE_FILE_SAYS[0], conditional(1, 100, elsewhere))) == [
        (Step.ADD, "member"),
        (Step.DROP, "1"),
    ]
    assert changes(account(*AS_THE_FILE_SAYS, default=[{**HELP[0], "key": "mood"}])) == [(Step.DEFAULT, "")]


def test_a_menu_that_nobody_wrote_down_or_a_second_copy_goes() -> None:
    stranger, copy = conditional(9, 105, STAFF), conditional(8, 100, MEMBER)
    assert changes(account(stranger, copy, *AS_THE_FILE_SAYS)) == [(Step.DROP, "9"), (Step.DROP, "1")]


def test_a_menu_by_a_rule_that_wechat_gave_up_goes() -> None:
    by_sex = {"menuid": 7, "matchrule": {"sex": "1"}, "button": STAFF}
    [change] = differences(MENUS, account(by_sex, *AS_THE_FILE_SAYS), URL)
    assert (change.step, change.about, change.words) == (Step.DROP, "7", "多了一个不在文件里的菜单：「待办」")


def test_a_tag_that_was_made_anew_needs_its_menu_anew() -> None:
    assert changes(account(*AS_THE_FILE_SAYS, tags={**TAGS, "C组": 107})) == [(Step.ADD, "staff"), (Step.DROP, "2")]


def test_an_answer_that_makes_no_sense_counts_as_nothing_there() -> None:
    odd = account_of({"menu": [], "conditionalmenu": {"list": "?"}}, TAGS)
    assert odd == Account(TAGS, [], [])
    assert isinstance(differences(MENUS, odd, URL)[0], Change)
