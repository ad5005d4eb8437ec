"""Short answers as members of 40 to 65 send them: dots, spaces, faces, full width, a little dialect."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import grammar, orders
from bot.conversation.grammar import Attendance, Command
from bot.conversation.orders import StaffCommand, StaffVerb

GOING, NOT_GOING, UNDECIDED = Attendance.GOING, Attendance.NOT_GOING, Attendance.UNDECIDED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  好的。。 ", "好的"),
        ("ＯＫ", "ok"),
        ("来吧😊", "来"),
        ("１。", "1"),
        ("1️⃣", "1"),
        ("①", "1"),
        ("到了[玫瑰]", "到了"),
        ("？", "?"),
        ("👌", "👌"),
        ("不\u200b来", "不来"),
        ("", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert grammar.normalise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "１",
        "①",
        "1️⃣",
        "一",
        "1。",
        "1 ",
        " 1",
        "选1",
        "回1",
        "第一个",
        "1能来",
        "1 来",
        "1，我会到",
        "1！！",
        "1😊",
        "1[抱拳]",
        "我选1",
        "回复1",
        "老师，1",
        "1谢谢",
        "1，谢谢老师",
        "(1)",
        "㈠",
        "1、",
        "1哈",
        "1 能来的",
        "一。",
        "选一",
        "1.来",
    ],
)
def test_one(text: str) -> None:
    assert grammar.number(text, 3) == 1


@pytest.mark.parametrize(
    "text",
    [
        "11",
        "1或2",
        "1 2",
        "12",
        "我12点到",
        "3点来",
        "2个人来",
        "1号来",
        "一会来",
        "一定来",
        "一起去",
        "2楼",
        "1块钱",
        "0",
        "4",
        "5月",
        "三点",
        "我3点到",
        "今天1号",
        "",
        "好的",
        "两个人",
        "13812345678",
        "3到5点",
        "1路车",
        "-",
        "第",
        "2024",
    ],
)
def test_no_number(text: str) -> None:
    assert grammar.number(text, 3) is None


@pytest.mark.parametrize(
    ("text", "upto", "expected"),
    [
        ("2", 3, 2),
        ("2来不了", 3, 2),
        ("3 没想好", 3, 3),
        ("3还没想好", 3, 3),
        ("二", 3, 2),
        ("两", 3, 2),
        ("③", 3, 3),
        ("5", 5, 5),
        ("3", 2, None),
        ("2 需要帮忙", 2, 2),
        ("2不用", 2, None),
        ("10", 10, 10),
        ("第二个。。", 3, 2),
        ("2！", 2, 2),
    ],
)
def test_other_numbers(text: str, upto: int, expected: int | None) -> None:
    assert grammar.number(text, upto) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 不想活了", 2),
        ("2不想活了", 2),
        ("２，我不想活了", 2),
        ("1。好", 1),
        ("2", None),
        ("2点来", None),
        ("3个人", None),
        ("12 不想活了", None),
        ("2 1", None),
        ("不想活了 2", None),
        ("", None),
    ],
)
def test_leading_number(text: str, expected: int | None) -> None:
    assert grammar.leading_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            (text, GOING)
            for text in [
                "来",
                "来的",
                "我来",
                "我去",
                "会到",
                "会来的",
                "好的来",
                "好的，我来",
                "能来",
                "能来啊",
                "参加",
                "我参加",
                "又能去了",
                "来。。",
                "来 😊",
                "去的 去的",
                "一定到",
                "准时到！",
                "我会到的，谢谢老师",
                "来额",
                "來",
                "會到",
                "我都去",
                "算我一个",
                "没问题，我来",
                "没事我能来",
                "今天来",
                "有空",
                "刚才说不来，现在又能去了",
                "我要参加",
                "报名",
                "好的 明天来",
                "嗯，来",
                "不见不散",
                "下午来的",
                "老师我来",
                "不会不来的，肯定来",
                "来啦",
                "好嘞，我去",
                "我来！",
                "想去",
                "对不起，回晚了，我来",
            ]
        ),
        *(
            (text, NOT_GOING)
            for text in [
                "不来",
                "不能来",
                "来不了",
                "去不成",
                "没空",
                "不去了",
                "有事",
                "我有事",
                "有点事 来不了",
                "不来了。",
                "今天不来了",
                "不想去",
                "没空 谢谢老师",
                "老师我来不了",
                "去不了了",
                "不参加了",
                "走不开",
                "请假",
                "我请个假",
                "来不了😭",
                "不太想去",
                "没时间",
                "冇空",
                "去唔到",
                "勿来了",
                "沒空",
                "孙子病了，去不成",
                "好的，我不来了",
                "好的 来不了",
                "要上班",
                "来不及参加了",
                "不了",
                "取消吧",
                "下雨，不去了",
                "不想活了，不去了",
                "不是不想来，是没空",
                "这次不去，下次再来",
                "有事来不了，可以吗？",
                "起不来",
                "不好意思，不能来",
                "腿疼 走不动",
                "还是算了",
                "不方便",
            ]
        ),
        *(
            (text, UNDECIDED)
            for text in [
                "看情况",
                "不一定",
                "还没想好",
                "没想好",
                "到时候再说",
                "再看吧",
                "说不准",
                "看情况 可能来不了",
                "不一定能来",
                "不知道能不能来",
                "尽量来",
                "考虑考虑",
                "可能来",
                "看天气",
                "还没定",
                "不晓得来不来",
                "不知道",
                "还不知道",
                "我现在还不知道呢",
                "不知道到时候有没有空",
                "不知道明天能不能参加",
            ]
        ),
        *(
            (text, None)
            for text in [
                "好的",
                "收到",
                "谢谢",
                "嗯",
                "不想活了",
                "来不及了",
                "我不是不来",
                "不客气",
                "没关系",
                "几点来？",
                "能不能来",
                "来不来",
                "我去买菜",
                "我来问一下",
                "没事",
                "在哪里",
                "",
                "1",
                "本来",
                "我去了趟菜场",
                "受不了",
                "我受不了了",
                "死了算了",
                "你们来几个人",
                "今天吃什么",
                "我快不行了",
                "下次再来",
                "有事吗",
                "😊",
                "来电话了",
                "不知道怎么办",
                "我不知道怎么办了",
                "不知道活着干嘛",
                "不知道能不能活到明天",
                "不知道在哪里",
                "永别了，我去了",
                "你们保重，我去了",
                "下辈子再来",
                "我到了楼下再说",
                "我" * 80 + "不来",
            ]
        ),
    ],
)
def test_attendance(text: str, expected: Attendance | None) -> None:
    assert grammar.attendance(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "好的",
        "好",
        "收到",
        "谢谢",
        "嗯",
        "嗯嗯",
        "知道了",
        "ok",
        "OK",
        "👌",
        "好的，谢谢老师",
        "收到！",
        "收到[抱拳]",
        "[OK]",
        "谢谢啊。。",
        "好滴",
        "好嘞",
        "晓得了",
        "哦哦",
        "多谢",
        "唔该",
        "好的好的",
        "辛苦了",
        "🙏🙏",
        "好的👌",
        "ＯＫ",
        "知道了 谢谢",
    ],
)
def test_thanks(text: str) -> None:
    assert grammar.is_thanks(text)
    assert grammar.attendance(text) is None


@pytest.mark.parametrize(
    "text", ["好的，来", "好的我不来", "1", "谢谢，我不想活了", "不好", "", "知道了几点", "收到，来不了", "好累", "😭"]
)
def test_no_thanks(text: str) -> None:
    assert not grammar.is_thanks(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            (text, True)
            for text in [
                "好",
                "好的",
                "愿意",
                "同意",
                "可以",
                "要",
                "要的",
                "行",
                "好啊",
                "可以的。",
                "我愿意",
                "是的",
                "ok",
                "好！",
                "嗯",
                "对",
                "老师，好",
            ]
        ),
        *(
            (text, False)
            for text in [
                "不要",
                "不用",
                "不同意",
                "算了",
                "不",
                "不了",
                "不用了",
                "不用了谢谢",
                "不愿意",
                "先不用",
                "不行",
                "不可以",
                "唔使",
                "不要。。",
                "别",
                "暂时不用",
                "不需要",
            ]
        ),
        *(
            (text, None)
            for text in [
                "1",
                "2",
                "几点",
                "好不好",
                "要不要",
                "不知道",
                "",
                "好难受",
                "不想活了",
                "好的，但是几点",
                "不好意思",
                "要多少钱",
            ]
        ),
    ],
)
def test_yes_no(text: str, expected: bool | None) -> None:
    assert grammar.yes_no(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("帮助", Command.HELP),
        ("？", Command.HELP),
        ("?", Command.HELP),
        ("Help", Command.HELP),
        ("看不懂。。", Command.HELP),
        ("菜單", None),
        ("找人", Command.PERSON),
        ("人工", Command.PERSON),
        ("找社工", Command.PERSON),
        ("找老师", Command.PERSON),
        ("我要找人！", Command.PERSON),
        ("停", Command.STOP),
        ("停。", Command.STOP),
        ("停止", Command.STOP),
        ("退订", Command.STOP),
        ("退訂", Command.STOP),
        ("TD", Command.STOP),
        ("t", Command.STOP),
        ("T", Command.STOP),
        ("别发了！", Command.STOP),
        ("别发了，谢谢", Command.STOP),
        ("不要再发", Command.STOP),
        ("取消订阅", Command.STOP),
        ("ＴＤ", Command.STOP),
        ("恢复", Command.RESUME),
        ("继续提醒", Command.RESUME),
        ("改", Command.CHANGE),
        ("改主意", Command.CHANGE),
        ("改主意了", Command.CHANGE),
        ("到了", Command.ARRIVED),
        ("我到了", Command.ARRIVED),
        ("到啦", Command.ARRIVED),
        ("老师我到了", Command.ARRIVED),
        ("签到", Command.ARRIVED),
        ("已到😊", Command.ARRIVED),
        ("我的活动", Command.MY_ACTIVITIES),
        ("活动", Command.MY_ACTIVITIES),
        ("有什么活动？", Command.MY_ACTIVITIES),
        ("我的资料", Command.MY_DATA),
        ("删除", Command.DELETE),
        ("确定删除", Command.CONFIRM_DELETE),
        ("绑定家属", Command.BIND_FAMILY),
        ("绑定 家人", Command.BIND_FAMILY),
        ("解绑", Command.UNBIND),
        ("解除绑定", Command.UNBIND),
        ("取消家属", Command.UNBIND),
        ("心情", Command.MOOD),
        ("今天心情", Command.MOOD),
        *(
            (text, None)
            for text in [
                "我到了楼下再说",
                "停电了",
                "停药了",
                "不要停",
                "改天",
                "到了叫我",
                "活动几点",
                "帮助我",
                "删除好友",
                "心情不好",
                "心情3",
                "好的",
                "",
                "1",
                "他到了",
                "签到码",
                "t恤",
                "我不想活动",
                "找人打他",
                "恢复得不错",
            ]
        ),
    ],
)
def test_command(text: str, expected: Command | None) -> None:
    assert grammar.command(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            (text, StaffCommand(StaffVerb.TAKE, "A-0312"))
            for text in [
                "接 A-0312",
                "接A0312",
                "接 a-0312",
                "接 a 0312",
                "接Ａ－０３１２",
                "接，A-0312。",
                "我接 A-0312",
                "接 A—0312",
                "A-0312 接",
                "接 A-0312 谢谢",
            ]
        ),
        ("接", StaffCommand(StaffVerb.TAKE)),
        ("接。", StaffCommand(StaffVerb.TAKE)),
        ("接手 B-0001", StaffCommand(StaffVerb.TAKE, "B-0001")),
        ("转 李红", StaffCommand(StaffVerb.TRANSFER, None, "李红")),
        ("转李红", StaffCommand(StaffVerb.TRANSFER, None, "李红")),
        ("转给李红 A-0312", StaffCommand(StaffVerb.TRANSFER, "A-0312", "李红")),
        ("转 A-0312 李红", StaffCommand(StaffVerb.TRANSFER, "A-0312", "李红")),
        ("协助", StaffCommand(StaffVerb.ASSIST)),
        ("协助 A-0312", StaffCommand(StaffVerb.ASSIST, "A-0312")),
        ("结果 A-0312 1", StaffCommand(StaffVerb.RESULT, "A-0312", "1")),
        ("结束", StaffCommand(StaffVerb.RESULT)),
        ("邀请 小河", StaffCommand(StaffVerb.INVITE, None, "小河")),
        ("签到 阿珠", StaffCommand(StaffVerb.CHECK_IN, None, "阿珠")),
        ("签到码", StaffCommand(StaffVerb.DOOR_CODE)),
        ("级别 A-0312 橙", StaffCommand(StaffVerb.LEVEL, "A-0312", "橙")),
        ("a0312 级别 没事", StaffCommand(StaffVerb.LEVEL, "A-0312", "没事")),
        ("级别", StaffCommand(StaffVerb.LEVEL)),
        ("级别怎么看", None),
        ("漏报", StaffCommand(StaffVerb.MISSED)),
        ("漏报 红 我把 猫,送人了。", StaffCommand(StaffVerb.MISSED, rest="红 我把 猫,送人了。")),
        ("漏报：A-0312 转 李红", StaffCommand(StaffVerb.MISSED, rest="A-0312 转 李红")),
        ("漏报了一句", None),
        ("忙", StaffCommand(StaffVerb.BUSY)),
        ("忙 A-0312", StaffCommand(StaffVerb.BUSY, "A-0312")),
        ("已联系 A-0312", StaffCommand(StaffVerb.CONTACTED, "A-0312")),
        ("名单", StaffCommand(StaffVerb.LIST)),
        *(
            (text, None)
            for text in [
                "接电话",
                "接孩子放学",
                "忙死了",
                "结果出来了吗",
                "转发一下",
                "直接来吧",
                "A-0312",
                "我不接",
                "",
                "好的",
                "转给大家看看这个通知，挺重要的，记得都要看完再回我",
            ]
        ),
    ],
)
def test_staff_command(text: str, expected: StaffCommand | None) -> None:
    assert orders.staff_command(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123456", "123456"),
        ("绑定 123456", "123456"),
        ("绑定123456", "123456"),
        ("１２３４５６", "123456"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("绑定：123456。", "123456"),
        ("12345", None),
        ("1234567", None),
        ("我的电话123456", None),
        ("绑定", None),
        ("", None),
        ("012345", "012345"),
    ],
)
def test_bind_code(text: str, expected: str | None) -> None:
    assert grammar.bind_code(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0312", "0312"),
        ("０３１２", "0312"),
        ("03 12", "0312"),
        ("0312。", "0312"),
        ("到了 0312", "0312"),
        ("签到0312", "0312"),
        ("码是0312", "0312"),
        ("312", None),
        ("03125", None),
        ("2026年", None),
        ("1 4", None),
        ("", None),
        ("12:30", None),
    ],
)
def test_four_digits(text: str, expected: str | None) -> None:
    assert grammar.four_digits(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3, "")),
        ("心情3", (3, "")),
        ("心情 3", (3, "")),
        ("3 有点累", (3, "有点累")),
        ("3，有点累", (3, "有点累")),
        ("3有点累", (3, "有点累")),
        ("3分", (3, "")),
        ("三分", (3, "")),
        ("三", (3, "")),
        ("😄", (5, "")),
        ("🙂", (4, "")),
        ("😐", (3, "")),
        ("🙁", (2, "")),
        ("😣", (1, "")),
        ("很难受", (1, "")),
        ("不太好", (2, "")),
        ("一般", (3, "")),
        ("一般般吧", (3, "")),
        ("不错", (4, "")),
        ("很好", (5, "")),
        ("很好！", (5, "")),
        ("😄 心情5 很好", (5, "很好")),
        ("心情不好", (2, "")),
        ("不太好，没睡着", (2, "没睡着")),
        ("１", (1, "")),
        ("2️⃣", (2, "")),
        ("😣😣 睡不着", (1, "睡不着")),
        ("1 不想活了", (1, "不想活了")),
        ("3分吧 没啥高兴", (3, "没啥高兴")),
        ("3.", (3, "")),
        ("⑤", (5, "")),
        ("今天心情4", (4, "")),
        ("我选4", (4, "")),
        ("还行吧", (3, "")),
        ("6", None),
        ("0", None),
        ("3点来", None),
        ("3个人", None),
        ("12", None),
        ("35", None),
        ("好的", None),
        ("来", None),
        ("", None),
        ("一起去", None),
        ("三点到", None),
        ("心情", None),
        ("😄😣", None),
        ("2.5", None),
    ],
)
def test_mood(text: str, expected: tuple[int, str] | None) -> None:
    assert grammar.mood(text) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("红 活着真累", ("red", "活着真累")),
        ("橙色：活着真累", ("orange", "活着真累")),
        ("黄\n活着真累\n真的", ("yellow", "活着真累\n真的")),
        ("红包还没到", (None, "红包还没到")),
        ("红 ", (None, "红 ")),
        ("活着真累 红 的", (None, "活着真累 红 的")),
    ],
)
def test_how_urgent_what_was_missed_is(words: str, expected: tuple[str | None, str]) -> None:
    assert orders.how_urgent(words) == expected


ANSWERS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="不没来去能会了是有事空好的谢12３①一 。，！?？😄[]-A接转心情分点到🙁\u200b️⃣", max_size=16),
)


@given(ANSWERS)
def test_nothing_raises(text: str) -> None:
    for read in (grammar.is_thanks, grammar.attendance, grammar.yes_no, grammar.command, orders.staff_command):
        read(text)
    for read_code, length in ((grammar.bind_code, 6), (grammar.four_digits, 4)):
        code = read_code(text)
        assert code is None or (len(code) == length and code.isascii() and code.isdecimal())
    assert grammar.number(text, 3) in (None, 1, 2, 3)
    felt = grammar.mood(text)
    assert felt is None or 1 <= felt[0] <= 5


@given(ANSWERS)
def test_normalise_is_idempotent(text: str) -> None:
    once = grammar.normalise(text)
    assert grammar.normalise(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "好" * 50 + "x",
        "好" * 5000 + "x",
        "嗯，" * 3000 + "x",
        "1" + "会到" * 3000 + "x",
        "不太想" * 3000,
        "." * 9000 + "x",
    ],
)
def test_no_text_is_slow(text: str) -> None:
    """A pattern that backtracks would hang the one process that answers everybody."""
    started = time.perf_counter()
    test_nothing_raises.hypothesis.inner_test(text)  # type: ignore[attr-defined]
    assert time.perf_counter() - started < 2
