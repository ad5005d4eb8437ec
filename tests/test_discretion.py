"""What must not show: the words are found however they are written, and harmless words are left alone."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.activities.models import Occurrence
from app.people.models import Ticket
from app.vault import Vault
from bot.channels.fields import Fault, fit
from bot.discretion import A_NAME, A_QUOTATION, FILE, Discreet, DiscretionError, Shows, banned, read_rules
from bot.links import Links
from bot.simulator.platform import DEFAULT_MENU
from bot.wording import wording
from tests.conftest import MONDAY, Story

ROOT = Path(__file__).parent.parent
DATA = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SENTENCES = wording()
KEYS = SENTENCES.keys()
DISCREET = Discreet()
GAPS = [" ", "\u3000", "\u200b", "\u2060", "·", "*", "-", "。", "，", "\n", "😀", "\ufe0f", "\u3164", "_", "( "]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("精神文明讲座", ["精神"]),
        ("心理康复小组", ["心理", "康复"]),
        ("段塘街道社区卫生服务中心三楼", ["卫生服务中心"]),
        ("预防自杀宣传", ["自杀"]),
        ("危机干预", ["危机", "干预"]),
        ("请按时服药", ["服药"]),
        ("反复发作怎么办", ["复发"]),
        ("健康复健课", ["康复"]),
        ("保健康复中心", ["康复"]),
        ("红色预警", ["红色预警"]),
        ("高危名单", ["高危"]),
        ("心情1", ["心情1"]),
        ("心情：２", ["心情2"]),
        ("情绪不太好", ["情绪不太好"]),
        ("已通知社工", ["通知社工"]),
        ("已转告 社工", ["已转告"]),
        ("家属座谈会", ["家属"]),
        ("小河的妈妈", ["妈妈"]),
        ("您爷爷也来", ["您爷爷"]),
        ("Mental Health Group", ["mental"]),
        ("psychiatric ward tour", ["psychiatric"]),
        ("Depression support", ["depression"]),
        ("Life after hospital", ["hospital"]),
        ("for mothers and sons", ["mothers", "sons"]),
    ],
)
def test_a_word_that_tells_too_much_is_found(text: str, found: list[str]) -> None:
    assert banned(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "书法", "手工课", "周三下午 2 点，段塘街道活动室", "回1能来 回2来不了", "红色电影之夜", "中秋包饺子",
        "志愿者培训",
        "关心理解身边的人", "开心理发店", "请勿重复发送", "恢复发言顺序", "健康复查表", "无障碍通道",
        "社区作品展：发作业、发作品",
        "台风红色预警，今天活动取消", "母亲节做贺卡", "老公园门口", "老婆饼烘焙", "妇女儿童之家", "一家人包饺子",
        "孙子兵法读书会",
        "张奶奶讲故事", "好心情 2 点开始", "好心情2026年会", "演出院线片", "走出院子晒太阳",
        "防诈骗：防风险，报警打 110",
        "有危险打 120 或 110", "转介绍新朋友", "难过关也不怕", "安全讲座：投资风险",
        "fundamental skills", "Hospitality night", "experimental cooking", "please be patient", "Mother's Day cards",
        "aromatic tea", "Sunday walk, Monday song", "manicure corner",
    ],
)  # fmt: skip
def test_a_harmless_word_is_left_alone(text: str) -> None:
    assert banned(text) == []


@pytest.mark.parametrize("gap", GAPS, ids=[f"U+{ord(gap[0]):04X}" for gap in GAPS])
@pytest.mark.parametrize(
    "word", ["精神", "心理", "抑郁", "自杀", "患者", "康复", "服药", "随访", "危机", "复发", "家属"]
)
def test_nothing_between_the_characters_hides_a_word(word: str, gap: str) -> None:
    assert banned(f"周三{word[0]}{gap}{word[1]}活动") == [word]
    assert banned(f"周三{gap.join(word)}{gap}") == [word]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("抑鬱", "抑郁"), ("憂鬱抑欝", "抑郁"), ("自殺", "自杀"), ("康復", "康复"), ("康複", "康复"),
        ("復發", "复发"), ("服藥", "服药"),
        ("隨訪", "随访"), ("危機", "危机"), ("醫院", "医院"), ("門診", "门诊"), ("媽媽", "妈妈"), ("母親", "母亲"),
        ("兒子", "儿子"),
        ("家屬", "家属"), ("紅色預警", "红色预警"), ("診斷", "诊断"), ("精\u0301神", "精神"), ("⼼理", "心理"),
        ("Ｐｓｙｃｈ", "psych"),
        ("p s y c h", "psych"), ("m-e-n-t-a-l", "mental"), ("Suïcide", "suicide"), ("self-harm", "self harm"),
    ],
)  # fmt: skip
def test_however_it_is_written_it_is_the_same_word(written: str, word: str) -> None:
    assert banned(written) == [word]


def test_men_who_talk_are_not_mental() -> None:
    assert banned("Men talk, men tall and small") == []


@pytest.mark.parametrize("where", Shows)
@pytest.mark.parametrize("name", sorted(DATA["groups"]))
def test_each_group_is_looked_for_where_it_says_and_wherever_is_stricter(name: str, where: Shows) -> None:
    group = DATA["groups"][name]
    others = {str(word) for other in DATA["groups"] if other != name for word in DATA["groups"][other]["words"]}
    for word in (str(word) for word in group["words"]):
        plain = word.removesuffix("*")
        if "{" in word or any(other.removesuffix("*") in plain for other in others):
            continue
        assert bool(banned(plain, where)) is (where >= Shows[group["shows"].upper()]), word


def test_a_longer_word_that_means_no_harm_hides_no_other() -> None:
    for group in DATA["groups"].values():
        for longer in (str(each) for each in group["but"]):
            if "{" not in longer:
                assert "康复" in banned(f"{longer}康复", Shows.LOCK_SCREEN)


def test_every_exception_is_one() -> None:
    for group in DATA["groups"].values():
        stems = [str(word).removesuffix("*") for word in group["words"]]
        for longer in (str(each) for each in group["but"]):
            assert "{" in longer or any(stem in longer or "{" in stem for stem in stems), longer


def test_to_the_person_themselves_a_comma_ends_a_word() -> None:
    assert banned("大家很开心，理发师下午来", Shows.LOCK_SCREEN) == []
    assert banned("精，神", Shows.CARD) == ["精神"]


def test_a_group_of_people_reads_no_name_and_no_quotation() -> None:
    names = ["小河", "王 乐", "Anne Lee", "A"]
    assert banned("A-0312 请尽快看手机", Shows.ROBOT, names) == []
    assert banned("小·河请尽快联系", Shows.ROBOT, names) == [A_NAME]
    assert banned("王乐请看手机", Shows.ROBOT, names) == [A_NAME]
    assert banned("please call ANNE  LEE", Shows.ROBOT, names) == [A_NAME]
    assert banned("「都攒好了」", Shows.ROBOT) == [A_QUOTATION]
    assert banned("李红手工课", Shows.CARD) == []


def test_an_address_is_read_with_its_percent_signs_undone() -> None:
    assert banned("https://house.example.org/p/%E7%B2%BE%E7%A5%9E") == ["精神"]
    assert banned("https://house.example.org/psychiatric-ward/7") == ["psychiatric"]
    assert banned("100%的心意") == []


@given(st.one_of(st.text(), st.text(alphabet=st.characters())), st.sampled_from(Shows))
def test_whatever_is_written_there_is_an_answer(text: str, where: Shows) -> None:
    assert banned(text, where) == banned(text, where, [])


@given(
    st.text(alphabet="书法课 ，a·😀", max_size=20),
    st.text(alphabet="书法课 ，a·😀", max_size=20),
    st.sampled_from(Shows),
)
def test_a_word_is_found_whatever_stands_around_it(before: str, after: str, where: Shows) -> None:
    assert banned(f"{before}精\u200b神{after}", where) == ["精神"]


def test_a_long_text_costs_no_more_than_its_length() -> None:
    text = "请社心情状态的我您已" * 2000 + "a b c " * 2000
    started = time.perf_counter()
    banned(text, Shows.ROBOT)
    assert time.perf_counter() - started < 1


# What is put in its place


def test_a_text_is_left_alone_or_replaced_as_a_whole() -> None:
    assert DISCREET.text("明天下午 2 点，手工课。", "n") == ("明天下午 2 点，手工课。", [])
    assert DISCREET.text("明天下午 2 点，心理讲座。", "n") == ("n", ["心理"])
    assert DISCREET.text("已转告王乐", "n", Shows.ROBOT, names=["王乐"])[0] == "n"


def test_only_the_field_that_tells_too_much_is_replaced() -> None:
    fields = {
        "title": "心理康复讲座",
        "time": "2026年11月25日 14:00",
        "place": "段塘医院三楼",
        "note": "回1能来 回2来不了",
    }
    seen, replaced = DISCREET.card(fields)
    assert replaced == ["title", "place"]
    assert seen == {**fields, "title": "活动", "place": "老师说的地方"}
    assert fields["title"] == "心理康复讲座"


def test_a_field_without_a_neutral_word_never_leaves() -> None:
    seen, replaced = DISCREET.card({"time": "服药时间 15:01"})
    assert replaced == ["time"]
    assert fit("time2", seen["time"]) is Fault.EMPTY
    assert DISCREET.card({"title": "服药"}, {"title": "看一下"})[0] == {"title": "看一下"}


def test_a_sentence_about_a_badly_named_activity_reads_well() -> None:
    data = {"title": "心理康复讲座", "place": "段塘街道活动室", "at": "下午 2 点", "code": 7}
    seen, replaced = DISCREET.data(data)
    assert replaced == ["title"]
    assert SENTENCES.say("remind.day_before", **seen).startswith("明天下午 2 点，活动，段塘街道活动室。")
    assert seen["code"] == 7


def test_what_people_are_called_is_not_looked_at_like_a_title() -> None:
    assert DISCREET.data({"called": "康康妈妈", "worker": "王乐"}) == ({"called": "康康妈妈", "worker": "王乐"}, [])


@pytest.mark.parametrize("meaning", sorted(DISCREET.neutral))
def test_the_neutral_words_are_neutral_and_fit(meaning: str) -> None:
    word = DISCREET.neutral[meaning]
    assert banned(word, Shows.ROBOT) == []
    if meaning != "text":
        assert fit("phrase2" if meaning == "kind" else "thing1", word) == word


# What we ship


TEMPLATES = sorted((ROOT / "app/pages/templates").glob("*.html"))
PAGES = [each for each in TEMPLATES if "block title" in each.read_text(encoding="utf-8")]


def test_a_template_without_a_title_is_a_part_of_another() -> None:
    for part in set(TEMPLATES) - set(PAGES):
        assert "extends" not in part.read_text(encoding="utf-8"), part.name


@pytest.mark.parametrize("template", PAGES, ids=lambda path: path.name)
def test_the_title_of_a_page_tells_nothing(template: Path) -> None:
    title = re.search(r"block title %}(.*?){% endblock", template.read_text(encoding="utf-8"))
    assert title is not None
    said = re.findall(r'say\("([a-z_.]+)"(\s*~)?', title[1])
    assert said or template.name == "base.html"
    for key, joined in said:
        for each in (each for each in KEYS if (each.startswith(key) if joined else each == key)):
            assert banned(SENTENCES.say(each, **dict.fromkeys(SENTENCES.needs(each), ""))) == [], each


@pytest.mark.parametrize("file", sorted((ROOT / "deploy/programmes").glob("*.yaml")), ids=lambda path: path.name)
def test_the_names_in_our_examples_tell_nothing(file: Path) -> None:
    programme = yaml.safe_load(file.read_text(encoding="utf-8"))
    shown = [programme["programme"]["name"]]
    shown += [house[key] for house in programme["houses"] for key in ("name", "venue") if key in house]
    shown += [each["title"] for each in programme["activities"]]
    assert len(shown) > 3
    assert [name for name in shown if banned(name)] == []


def test_the_menu_tells_nothing() -> None:
    for button in DEFAULT_MENU:
        assert banned(f"{button['name']} {button['key']}") == []


def test_our_addresses_tell_nothing() -> None:
    links = Links("https://house.example.org", Vault("k" * 43))
    for link in (
        links.case(1, 2, MONDAY),
        links.tasks(2, MONDAY),
        links.rsvp(1, 2, MONDAY, until=MONDAY.replace(day=25)),
        links.mood(2, MONDAY, 3),
        links.qr("c-scene", MONDAY, lasts=MONDAY - MONDAY.replace(day=22), digits="1234", purpose="join"),
    ):
        path, _, sealed = link.rpartition("/")
        assert banned(link, Shows.CARD) == []
        assert re.fullmatch(r"https://house\.example\.org/p/(case|tasks|qr|rsvp|mood)", path)
        assert re.fullmatch(r"[\w-]{40,}", sealed)


async def test_a_scene_is_random_and_says_nothing_of_what_it_opens(story: Story) -> None:
    worker = await story.phone("王乐")
    await worker.says("邀请 小河")
    async with story.house.db.read() as session:
        scenes = [*await session.scalars(select(Occurrence.scene)), *await session.scalars(select(Ticket.secret))]
    assert len(scenes) > 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,64}", scene) for scene in scenes)


# The list itself


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"traditional": "鬱"}, "as long as"),
        ({"groups": {"x": {"words": ["a"], "but": []}}}, "group x has no 'shows'"),
        ({"groups": {"x": {"shows": "door", "words": ["a"], "but": []}}}, "lock_screen, card or robot"),
        ({"groups": {"x": {"shows": "card", "words": ["{谁}来"], "but": []}}}, "names a list '谁'"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DiscretionError, match=says):
        read_rules({**DATA, **change})


def test_a_list_without_one_of_its_parts_says_which() -> None:
    with pytest.raises(DiscretionError, match="'lists' is missing"):
        read_rules({key: value for key, value in DATA.items() if key != "lists"})
