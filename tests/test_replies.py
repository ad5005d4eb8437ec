"""What is said to somebody in danger, in every locale: safe messaging, the same data, in the language they wrote."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import Clock
from bot.conversation import grammar
from bot.discretion import Shows, banned
from bot.lines import regions
from bot.webhook import stateless_answer
from bot.wechat import Text
from bot.wording import DEFAULT, Wording, WordingError, locales, wording
from bot.wording.language import language_of
from bot.wording.moments import moment_words
from tests.conftest import MONDAY

ROOMS = ("red.", "lines.")
SENTENCES = wording()
EVERY_KEY = SENTENCES.keys()
KEYS = sorted(key for key in EVERY_KEY if key.startswith(ROOMS))
RED = [key for key in KEYS if key.startswith("red.")]
EVERYWHERE = [(locale, key) for locale in locales() for key in KEYS]

# Safe messaging (WHO, Preventing suicide: a resource for media professionals, 2023; facts/wording.zh.md, H): no way
# and no place, no lecture, no diagnosis, no promise of somebody who may not be there, no secrecy, no reproach.
UNSAFE = {
    "a way": (
        r"跳|上吊|割腕|烧炭|燒炭|安眠|农药|農藥|吞药|吞藥|服毒|绳|繩|刀|煤气|煤氣",
        r"hang|jump|overdos|pills?\b|poison|\bgas\b|\brope\b|knife|\bcut(ting)?\b",
    ),
    "a place": (
        r"楼顶|樓頂|天台|大桥|大橋|桥上|橋上|河边|河邊|江边|江邊|海边|海邊|铁轨|鐵軌",
        r"\broof|\bbridge|\brails?\b|railway|cliff",
    ),
    "the deed": (
        r"自杀|自殺|轻生|輕生|自残|自殘|寻死|尋死|死",
        r"suicid|kill|self.?harm|\bdie\b|death|\bend (it|your)",
    ),
    "a lecture": (
        r"想开|想開|坚强|堅強|为什么|為什麼|為何|干嘛|幹嘛|冷静|冷靜|别这样|別這樣|别傻|別傻|做傻事|振作|加油|应该|應該",
        r"(不要|别|別)(难过|難過)|(会|會)好起(来|來)|(没|沒)事的",
        r"calm down|be strong|cheer up|\bwhy\b|\bshould\b|look on|stay positive|get over|selfish|don't be",
        r"it will be (fine|ok|all right)",
    ),
    "a diagnosis": (
        r"抑郁|抑鬱|憂鬱|躁|焦虑|焦慮|精神|患者|病|症|障碍|障礙|诊断|診斷|心理|康复|康復",
        r"depress|anxi|disorder|illness|mental|psych|patient|diagnos|bipolar|schizo",
    ),
    "a promise": (
        r"(马上|馬上)就?(来|來|到|有人)|立刻|立即|一定(会|會)?(来|來|打)|(随时|隨時)都?(在|有人)|一直(在|陪)",
        r"全天|24 ?小[时時]|白天黑夜|保证|保證|秒回",
        r"immediately|right away|within minutes|always (be )?(here|there)|around the clock|24.?(/|hours)",
        r"\bpromise|guarantee|somebody will be with you",
    ),
    "a secret": (r"保密|不告(诉|訴)(别|別)人", r"\bsecret|confidential"),
}
# Sentences that must be refused: the control of each rule, in each language in which it must hold.
BAD = [
    ("a way", "您是不是把药攒好了，别吞药"), ("a way", "請把安眠藥交給別人"), ("a way", "Please put the pills away"),
    ("a place", "请离开楼顶"), ("a place", "請離開橋上"), ("a place", "Step back from the bridge"),
    ("the deed", "您想自杀吗"), ("the deed", "您想自殺嗎"), ("the deed", "Are you thinking of suicide?"),
    ("a lecture", "想开点，坚强一点"), ("a lecture", "冷靜一下，您為什麼這樣想"),
    ("a lecture", "Calm down and be strong"),
    ("a lecture", "您应该想想家人"), ("a lecture", "You should think of your family"),
    ("a lecture", "Why do you feel so?"),
    ("a diagnosis", "您可能是抑郁"), ("a diagnosis", "這是憂鬱症"), ("a diagnosis", "This is depression"),
    ("a promise", "马上就有人来"), ("a promise", "我們隨時都在"), ("a promise", "12356 全天都有人接，24 小时"),
    ("a promise", "Somebody will call you immediately"), ("a promise", "We are always here, 24/7"),
    ("a secret", "我们会保密"), ("a secret", "我們不告訴別人"), ("a secret", "This stays confidential"),
]  # fmt: skip


def unsafe(words: str) -> list[str]:
    return [rule for rule, looks in UNSAFE.items() if re.search("|".join(looks), words, re.IGNORECASE)]


def plain(locale: str, key: str) -> str:
    words = wording(locale)
    return words.say(key, **dict.fromkeys(words.needs(key), ""))


# Safe messaging


@pytest.mark.parametrize(("locale", "key"), EVERYWHERE)
def test_no_sentence_about_danger_does_harm(locale: str, key: str) -> None:
    if key == "lines.day_and_night":  # said of a number for which it is written down: tests/test_lines.py
        return
    assert unsafe(plain(locale, key)) == []


@pytest.mark.parametrize(("rule", "words"), BAD, ids=[words for _, words in BAD])
def test_a_harmful_sentence_would_be_refused(rule: str, words: str) -> None:
    assert rule in unsafe(words)


def test_no_name_of_a_line_does_harm() -> None:
    for region in regions().values():
        for line in region.lines:
            assert not [said for said in (*line.name.values(), *line.note.values()) if unsafe(said)], line.number


def test_every_rule_has_a_sentence_in_each_language_that_it_refuses() -> None:
    for rule in UNSAFE:
        told = [words for named, words in BAD if named == rule]
        assert any(words.isascii() for words in told), rule
        assert sum(not words.isascii() for words in told) > 1, rule


@pytest.mark.parametrize(("locale", "key"), EVERYWHERE)
def test_no_sentence_about_danger_tells_too_much_on_a_lock_screen(locale: str, key: str) -> None:
    assert banned(plain(locale, key), Shows.LOCK_SCREEN) == []


# Every locale


@pytest.mark.parametrize("locale", locales())
def test_every_locale_has_every_sentence_about_danger_with_the_same_data(locale: str) -> None:
    words = wording(locale)
    assert not {key for key in words.borrowed if key.startswith(ROOMS)}
    assert {key: words.needs(key) for key in KEYS} == {key: SENTENCES.needs(key) for key in KEYS}


@pytest.mark.parametrize("locale", locales())
def test_in_every_locale_whoever_is_in_danger_is_told_whom_to_call(locale: str) -> None:
    words = wording(locale)
    silent = {"red.safe"}  # they have just said that they are safe, and have the numbers above
    assert [key for key in RED if "emergency" not in words.needs(key) and key not in silent] == []
    assert [key for key in RED if ("support" in words.needs(key)) is not ("later" in words.needs(key))] == []


@pytest.mark.parametrize("locale", locales())
def test_the_answers_that_the_question_offers_are_understood(locale: str) -> None:
    for key in ("red.on_duty", "red.off_duty", "red.no_rota"):
        asked = plain(locale, key).splitlines()[-1]
        found = re.search(r"1 (.+?)\s+2 (.+)$", asked)
        assert found is not None
        safe, unsafe_ = found.groups()
        assert [grammar.is_safe(each) for each in (safe, f"1 {safe}", unsafe_, f"2 {unsafe_}")] == [
            True, True, False, False,
        ]  # fmt: skip
    offered = re.search(r"(?:请回：|請回：|reply: )(.+)$", plain(locale, "red.goes_on"))
    assert offered is not None
    assert grammar.is_safe(offered[1]) is False
    assert grammar.command(offered[1]) is None  # a command opens the menu and calls nobody


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("key", RED)
def test_a_long_answer_fits_into_a_message(locale: str, key: str) -> None:
    words = wording(locale)
    assert len(words.say(key, **dict.fromkeys(words.needs(key), "长" * 100)).encode()) <= 2048


@pytest.mark.parametrize("locale", locales())
def test_only_off_duty_names_a_time_at_which_it_is_read_and_only_on_duty_a_person(locale: str) -> None:
    words = wording(locale)
    assert {key for key in RED if "next_duty" in words.needs(key)} == {"red.off_duty"}
    assert {key for key in RED if "answers" in words.needs(key)} == {"red.on_duty"}


def test_what_a_locale_lacks_is_said_as_zh_hans_has_it() -> None:
    english = wording("en")
    assert english.say("help.welcome_word") == SENTENCES.say("help.welcome_word")
    assert english.say("red.help", emergency="111") != SENTENCES.say("red.help", emergency="111")
    assert (english.locale, english.version, english.written_in("page")) == ("en", DEFAULT, DEFAULT)
    assert (english.written_in("red"), SENTENCES.version) == ("en", DEFAULT)


def test_a_locale_cannot_say_what_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(locale: str) -> dict[str, str]:
        return {"a.b": "甲"} if locale == DEFAULT else {"a.c": "A"}

    monkeypatch.setattr("bot.wording._read", read)
    with pytest.raises(WordingError, match=r"a\.c"):
        wording.__wrapped__("en")


def test_traditional_sentences_are_traditional_and_english_ones_have_no_characters() -> None:
    for key in KEYS:
        assert language_of(plain("zh-Hant", key), "zh-Hant") == "zh-Hant", key
        assert plain("en", key).isascii(), key


# In which language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("不想活了，药都攒好了", "zh-Hans"), ("我真的撐不下去了", "zh-Hant"), ("我唔想活落去", "zh-Hant"),
        ("佢哋唔明", "zh-Hant"),
        ("I want to die", "en"), ("i can\u2019t go on, i need help", "en"), ("我唔想讲", "zh-Hans"),
        ("I 不想活了 anymore 说", "zh-Hans"),
        # These do not show it: in China simplified is meant, in Auckland what the programme speaks.
        ("我想死", None), ("wo bu xiang huo le", None), ("bu xiang huo", None), ("2", None), ("help", None),
        ("😭", None),
        ("", None), ("ok", None), ("陶喆", None),
    ],
)  # fmt: skip
def test_the_language_of_a_text_is_told_where_it_shows(text: str, language: str | None) -> None:
    for default in ("zh-Hans", "zh-Hant"):
        assert language_of(text, default) == (language or default)


def test_chinese_is_answered_in_chinese_where_the_programme_speaks_english() -> None:
    assert language_of("我想死", "en") == "zh-Hans"
    assert language_of("2", "en") == "en"


@given(st.text(), st.sampled_from(["zh-Hans", "zh-Hant", "en"]))
def test_whatever_is_written_has_a_language_that_we_speak(text: str, default: str) -> None:
    assert language_of(text, default) in locales()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("安全", True), ("我現在很安全", True), ("我冇事", True), ("冇事啦", True),
        ("I'm safe", True), ("I\u2019m ok now", True),
        ("yes, i am safe", True), ("1 safe", True), ("Safe.", True),
        ("唔安全", False), ("我不是很安全", False), ("唔係好安全", False),
        ("我好驚", False), ("幫幫我", False), ("救我", False),
        ("需要幫忙", False), ("help", False), ("I need help", False), ("not safe", False), ("I don't feel safe", False),
        ("1 not safe", False), ("I'm scared", False), ("safe? no, help me", False),
        ("ok", None), ("fine", None), ("2 safe", None), ("not ok", None),
        ("safely home yesterday", None), ("好的", None),
    ],
)  # fmt: skip
def test_whether_somebody_is_safe_is_heard_in_each_language(text: str, safe: bool | None) -> None:
    assert grammar.is_safe(text) is safe


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("zh-Hans", ["今天 17:00", "明天 17:00", "11月26日（周四）17:00"]),
        ("zh-Hant", ["今天 17:00", "明天 17:00", "11月26日（週四）17:00"]),
        ("en", ["today 17:00", "tomorrow 17:00", "Thu 26 Nov 17:00"]),
    ],
)
def test_a_moment_is_said_in_the_language_of_the_sentence(locale: str, said: list[str]) -> None:
    moments = [MONDAY.replace(day=day, hour=17) for day in (23, 24, 26)]
    assert [moment_words(moment, MONDAY, "Asia/Shanghai", locale) for moment in moments] == said


# Without a database


def answer(text: str, region: str, *, kept: bool = True) -> str:
    now = Clock(frozen_at=MONDAY).now()
    heard = Text(openid="o_x", account="gh_house", sent_at=now, key="1", content=text)
    return stateless_answer(heard, region, now, kept=kept) or ""


def test_without_a_database_the_numbers_are_those_of_the_region_that_is_set() -> None:
    china, zealand = answer("不想活了", "CN"), answer("不想活了", "NZ")
    assert "请先打 12356；有危险打 120 或 110" in china
    assert "1737（免费，24 小时，可打可发短信）" in zealand
    assert "有危险打 111" in zealand
    assert "12356" not in zealand
    assert "24 小时" not in china


@pytest.mark.parametrize("region", ["CN", "NZ"])
@pytest.mark.parametrize("text", ["不想活了，药都攒好了", "我真的不想活了，藥都準備好了", "你好"])
@pytest.mark.parametrize("kept", [True, False])
def test_without_a_database_nobody_is_promised(region: str, text: str, kept: bool) -> None:
    said = answer(text, region, kept=kept)
    assert not re.search("我已经请|我已經請|已转告|已轉告|叫人|找人|社工|值班", said)
    assert said


def test_without_a_database_danger_is_answered_in_the_script_it_came_in() -> None:
    assert answer("我真的不想活了，藥都準備好了", "NZ").startswith("謝謝您願意告訴我")


def test_a_wording_can_be_made_of_any_sentences() -> None:
    assert Wording("x", {"a.b": "甲"}).written_in("a") == "x"
