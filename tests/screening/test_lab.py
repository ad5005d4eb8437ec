"""Training and measuring: a small model learns, an author who was left out is not in it, figures carry intervals."""

import json
from pathlib import Path

import pytest

from bot.screening import Level, load_rules
from bot.screening.lab import corpus, measure
from bot.screening.lab.corpus import CorpusError, Example
from bot.screening.lab.fit import Budget, Prepared, prepare, threshold, train
from bot.screening.lab.measure import Detection, Gate, Share

RULES = load_rules()


def line(**changes: object) -> str:
    row = {"text": "我到水边了", "level": "red", "category": "suicide", "speaker": "member", "lang": "zh-Hans"}
    return json.dumps({**row, **changes}, ensure_ascii=False)


def test_the_corpus_of_the_project_is_whole() -> None:
    authors = corpus.authors()
    assert set("abcd") <= set(authors)
    assert min(len(lines) for lines in authors.values()) >= 400
    sealed = {each.text for lines in corpus.authors(corpus.HELD_OUT).values() for each in lines}
    assert not sealed & {
        each.text for lines in authors.values() for each in lines if each.author not in "abcd" and len(each.text) > 3
    }


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{", "line 2: is not a JSON object"),
        ("[]", "line 2: is not a JSON object"),
        (line(level="purple"), "line 2: 'PURPLE' is missing or unknown"),
        (line(text=" "), "line 2: 'text' is empty"),
        (line(category="none"), "line 2: category 'none' does not go with red"),
        (line(level="none"), "line 2: category 'suicide' does not go with none"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, written: str, problem: str) -> None:
    file = tmp_path / "author-x.jsonl"
    file.write_text(line() + "\n" + written + "\n", "utf-8")
    with pytest.raises(CorpusError, match=r"author-x\.jsonl") as refused:
        list(corpus.read_author(file))
    assert problem in str(refused.value)


def test_a_folder_without_authors_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"author-\*\.jsonl"):
        corpus.authors(tmp_path)


def test_a_small_model_learns_what_its_authors_write_and_stays_inside_the_budget() -> None:
    authors = corpus.authors()
    some = [each for author in "abcd" for each in authors[author][::3]]
    plain = [
        Example(f"今天{what}，{when}见", Level.NONE, "none", "everyday")
        for what in ["买菜", "上课", "下雨", "加班", "洗车"]
        for when in ["早上", "晚上", "周一", "周二", "周三", "下午", "明天", "后天"]
    ]
    model = train(prepare(some, RULES), prepare(plain, RULES), RULES, Budget())
    unseen = prepare(
        [each for each in authors["e"] if each.level is Level.RED or each.level is Level.NONE][:400], RULES
    )
    read = [(each.example, model.over(each.by_rules, each.example.text, RULES).level) for each in unseen]
    found = measure.essentials(read)
    alone = measure.essentials([(each.example, each.by_rules.level) for each in unseen])
    assert found["red alerted at orange or above"].value > alone["red alerted at orange or above"].value
    assert found["hard negatives noticed (yellow or above)"].value < 0.4


def test_a_threshold_counts_what_the_rules_alarm_about_already() -> None:
    quiet = [Example(f"平常{n}", Level.NONE, "none", "everyday") for n in range(1000)]
    scored = [(each, float(n)) for n, each in enumerate(prepare(quiet, RULES))]
    budget = Budget(per_thousand=(15.0, 3.0, 0.5), hard_negatives=1.0)
    at = threshold(scored, Level.ORANGE, budget)
    assert sum(z >= at for _, z in scored) == 3
    loud: list[tuple[Prepared, float]] = [
        (each, -1.0) for each in prepare([Example("我想死", Level.NONE, "none", "everyday")] * 2, RULES)
    ]
    at = threshold([*scored, *loud], Level.ORANGE, budget)
    assert sum(z >= at for _, z in scored) == 1


def test_wilsons_interval() -> None:
    low, high = Share(8, 10).interval  # 0.490 to 0.943 in Wilson (1927), Newcombe (1998)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert str(Share(0, 0)) == "- (0/0)"
    assert Share(0, 50).interval[0] == 0


def test_precision_and_recall() -> None:
    read = [
        (Example("一", Level.RED, "suicide", "x"), Level.ORANGE),
        (Example("二", Level.NONE, "none", "x"), Level.ORANGE),
        (Example("三", Level.YELLOW, "distress", "x"), Level.NONE),
    ]
    found = Detection.of(read, Level.YELLOW)
    assert (found.precision, found.recall) == (Share(1, 2), Share(1, 2))
    assert found.f1 == 0.5


def test_a_gate_that_is_missed_says_so() -> None:
    assert str(Gate("recall", 0.5, least=0.88)) == "FAILED recall: 0.500, wanted at least 0.88"
    assert Gate("false alarms", 0.07, most=0.08).kept
