"""`tongxing screen`: a line in, a JSON object out, whatever the line is."""

import json
import subprocess
import sys

from app.screen_command import lines


def asked(*given: str) -> list[dict[str, object]]:
    return [json.loads(answer) for answer, _ in lines(given)]


def test_each_line_has_its_answer_an_empty_one_too() -> None:
    answers = asked("不想活了，不去了\n", "\n", "好的\n")
    assert [each["level"] for each in answers] == ["red", "none", "none"]
    assert answers[0]["category"] == "suicide"
    assert answers[0]["span"] == [0, 4]
    assert "suicide.wish" in answers[0]["rules"]  # type: ignore[operator]


def test_a_json_object_brings_what_is_known_besides() -> None:
    (together,) = asked('{"text": "跳河", "earlier": ["我今晚就去"]}')
    assert together["level"] == "red"


def test_a_brace_that_is_no_json_is_somebodys_words() -> None:
    (answer,) = asked("{不想活了")
    assert answer["level"] == "red"


def test_a_line_that_cannot_be_read_says_what_to_write_and_the_others_are_read() -> None:
    answers = asked('{"message": "x"}', '{"text": "好", "mood": "low"}', '{"text": "好", "earlier": "昨天"}', "我想死")
    assert "text" in str(answers[0]["error"])
    assert "mood" in str(answers[1]["error"])
    assert "earlier" in str(answers[2]["error"])
    assert answers[3]["level"] == "red"


def test_the_command_reads_standard_input_and_its_exit_code_tells_of_bad_lines() -> None:
    command = [sys.executable, "-c", "from app.cli import main; main()", "screen"]
    good = subprocess.run(command, input="我想死\n\xff\n".encode(), capture_output=True, check=False)
    assert (good.returncode, len(good.stdout.splitlines())) == (0, 2)
    bad = subprocess.run(command, input=b'{"x": 1}\n', capture_output=True, check=False)
    assert bad.returncode == 1
    assert "error" in bad.stdout.decode()
