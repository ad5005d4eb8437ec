"""What is known besides the words: the messages before, the mood, earlier yellows, others who worry, who writes."""

import pytest

from bot.screening import Context, Level, Speaker, screen

YELLOW, THEY_WORRY = "又失眠了", "好几天没出门了，不放心他"


def after(*earlier: str) -> Context:
    return Context(earlier=earlier)


# Danger in pieces


@pytest.mark.parametrize(
    ("pieces", "level", "category", "marked"),
    [
        (("我今晚就去", "跳河"), Level.RED, "suicide", "跳河"),
        (("不想", "活了"), Level.RED, "suicide", "活了"),
        (("我真的不", "想活了，你们别管我"), Level.RED, "suicide", "想活了"),
        (("我", "不", "想", "活了"), Level.RED, "suicide", "活"),
        (("好的", "明天见", "不", "活了"), Level.RED, "suicide", "活了"),
        (("我在天台", "好大風"), Level.RED, "suicide", "好大風"),
        (("存折在柜子里", "后面的事都安排好了"), Level.RED, "suicide", "后面的事都安排好了"),
        (("儿子把门反锁了", "叫他不应"), Level.RED, "third_party", "叫他不应"),
        (("我要杀", "了他"), Level.RED, "violence", "了他"),
        (("💊💊💊", "👋"), Level.RED, "suicide", "👋"),
        (("昨晚我又割", "手了"), Level.ORANGE, "self_harm", "手"),
        (("活着没", "意思"), Level.ORANGE, "suicide", "意思"),
    ],
)
def test_what_several_messages_say_together_is_marked_in_the_newest(
    pieces: tuple[str, ...], level: Level, category: str, marked: str
) -> None:
    *earlier, text = pieces
    assert screen(text).level < level
    reading = screen(text, after(*earlier))
    assert (reading.level, reading.category) == (level, category)
    assert reading.hits[0].before
    assert text[reading.hits[0].start : reading.hits[0].end] == marked


@pytest.mark.parametrize(
    "harmless",
    ["今天吃鱼", "好的", "明天几点", "谢谢老师", "下雨了", "我也来", "骗你的", "没事了"],
)
def test_a_harmless_message_after_a_red_one_stays_harmless(harmless: str) -> None:
    for red in ("我不想活了", "今晚我要跳楼", "遗书写好了", "我在楼顶，风很大"):
        assert screen(harmless, after(red)).level is Level.NONE
        assert screen(harmless, after(red, "在吗", "嗯")).level is Level.NONE


def test_danger_in_pieces_fires_once_and_not_with_every_later_message() -> None:
    assert screen("跳河", after("我今晚就去")).level is Level.RED
    for later in ("好", "了", "再见不", "今天下雨"):
        assert screen(later, after("我今晚就去", "跳河")).level is Level.NONE


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (("不想",), "活动了，腿疼"),
        (("我也想",), "死党来了一起玩"),
        (("等下给你打",), "我先吃饭"),
        (("有空再打",), "我在家"),
        (("我去买药",), "垃圾扔了"),
        (("老师您好",), "我带剪刀来"),
        (("人到齐了",), "我带剪刀来"),
        (("菜场今天便宜", "今晚我去"), "跳广场舞"),
        (("我下午去", "唱歌"), "跳舞也行"),
        (("我想",), "4点来"),
        (("热死了",), "我要吃冰"),
        (("电影里", "那个人"), "真好看"),
        (("药配好了", "够吃一个月"), "下周见"),
        (("我走了以后门是哪个锁的，钥匙还在我袋里呢老师",), "最后一次了！下礼拜牙套拆掉，以后笑起来给你们看"),
        (("我先走了",), "保证明天早到"),
    ],
)
def test_joining_makes_no_nonsense(earlier: tuple[str, ...], text: str) -> None:
    assert screen(text, after(*earlier)).level <= screen(text).level


def test_what_comes_before_never_lowers_a_message() -> None:
    for earlier in ("电影里", "我不会", "以前", "现在好了，我没有"):
        assert screen("我想死", after(earlier)).level is Level.RED


def test_only_the_last_six_are_read_together() -> None:
    filler = ("天好", "嗯", "哦", "来了", "吃饭", "在家")
    assert screen("活了", Context(earlier=("不想", *filler[:0]))).level is Level.RED
    assert screen("活了", Context(earlier=("我", *filler, "不想"))).level is Level.RED
    assert screen("活了", Context(earlier=("不想", *filler))).level is Level.NONE


def test_of_two_messages_of_one_second_either_may_have_been_written_first() -> None:
    """Whichever process came second sees the other one, and does not know on which side of its own it stood."""
    for text, other in (("我今晚就去", "跳河"), ("跳河", "我今晚就去")):
        reading = screen(text, Context(earlier=(other,), later=(other,)))
        assert reading.level is Level.RED
        assert reading.hits[0].before


def test_what_was_handled_first_but_written_after_is_read_after_it() -> None:
    reading = screen("我今晚就去", Context(later=("跳河", "在吗")))
    assert (reading.level, reading.hits[0].rule) == (Level.RED, "suicide.plan")
    assert "我今晚就去"[reading.hits[0].start : reading.hits[0].end] == "我今晚就去"
    assert screen("跳河", Context(later=("我今晚就去",))).level is Level.NONE
    assert screen("我在桥上", Context(later=("想跳下去",))).level is Level.RED


def test_an_empty_message_completes_nothing() -> None:
    assert screen("", after("我今晚就去跳")).level is screen("  ", after("不想活")).level is Level.NONE


# What raises one level


@pytest.mark.parametrize(
    ("context", "raised"),
    [
        (Context(mood=1), ("mood",)),
        (Context(mood=2), ()),
        (Context(yellows=2), ("yellows",)),
        (Context(yellows=1), ()),
        (Context(mood=1, yellows=5), ("mood", "yellows")),
        (Context(worried=3), ()),
    ],
)
def test_yellow_about_oneself_is_raised_once_by_what_is_known(context: Context, raised: tuple[str, ...]) -> None:
    reading = screen(YELLOW, context)
    assert reading.raised == raised
    assert reading.level is (Level.ORANGE if raised else Level.YELLOW)


@pytest.mark.parametrize(
    ("context", "raised"),
    [
        (Context(worried=1), ("worried",)),
        (Context(worried=0), ()),
        (Context(mood=1), ()),
        (Context(yellows=2), ("yellows",)),
    ],
)
def test_worry_is_raised_by_others_who_worry_and_not_by_the_mood_of_who_writes(
    context: Context, raised: tuple[str, ...]
) -> None:
    reading = screen(THEY_WORRY, context)
    assert (reading.raised, reading.level) == (raised, Level.ORANGE if raised else Level.YELLOW)


def test_what_says_nothing_is_never_raised_and_red_is_red() -> None:
    everything = Context(mood=1, yellows=9, worried=9)
    assert screen("今天吃鱼", everything).level is Level.NONE
    assert screen("接电话", everything).level is Level.NONE
    red = screen("我不想活了", everything)
    assert (red.level, red.raised) == (Level.RED, ())
    assert screen("活着没意思", everything).level is Level.ORANGE


# Who writes


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("天天哭，心里闷", "third_party"),
        ("药早不吃了", "third_party"),
        ("不想活了，药都攒好了", "third_party"),
        ("我也不想活了", "suicide"),
        ("他在打我", "abuse"),
    ],
)
def test_a_relative_mostly_writes_about_the_member(text: str, category: str) -> None:
    assert screen(text, Context(speaker=Speaker.FAMILY)).category == category
    assert screen(text, Context(speaker=Speaker.FAMILY)).level is screen(text).level


def test_a_relative_who_says_i_in_the_message_before_speaks_of_themselves() -> None:
    reading = screen("活了", Context(earlier=("我真的不想",), speaker=Speaker.FAMILY))
    assert (reading.level, reading.category) == (Level.RED, "suicide")
    reading = screen("活了", Context(earlier=("伊讲不想",), speaker=Speaker.FAMILY))
    assert (reading.level, reading.category) == (Level.RED, "third_party")


def test_a_counsellor_is_read_like_a_member() -> None:
    assert screen(YELLOW, Context(speaker=Speaker.COUNSELLOR)).category == "distress"


# Why it was lowered


@pytest.mark.parametrize(
    ("text", "lowered"),
    [("以前想自杀，现在好了", "past"), ("有首歌的歌词是我想死", "fiction"), ("我想死", "")],
)
def test_a_hit_says_what_lowered_it(text: str, lowered: str) -> None:
    assert next(hit.lowered for hit in screen(text).hits if hit.rule.startswith("suicide.wish")) == lowered
