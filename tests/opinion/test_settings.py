"""Half a second opinion is refused, with a sentence; so is one that would send people's words about in the open."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import GivenSettings
from bot.opinion.band import Band, orange_begins
from bot.screening import Level, Reading

WHOLE: dict[str, Any] = {
    "second_opinion_url": "https://api.example.org/v1", "second_opinion_model": "m", "second_opinion_key": "sk-1",
    "second_opinion_told": True,
}  # fmt: skip


def test_it_is_off_and_its_numbers_are_those_of_the_documentation() -> None:
    settings = GivenSettings()
    assert settings.second_opinion_url == ""
    assert Band.of(settings) is None
    assert (settings.second_opinion_timeout, settings.second_opinion_a_day) == (8.0, 200)
    assert Band.of(GivenSettings(**WHOLE)) == Band(0.05, None, alerts=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"second_opinion_model": ""}, "还要设置 TONGXING_SECOND_OPINION_MODEL"),
        ({"second_opinion_key": ""}, "还要设置 TONGXING_SECOND_OPINION_KEY"),
        ({"second_opinion_url": ""}, "还要设置 TONGXING_SECOND_OPINION_URL；不想问外面，就都删掉"),
        ({"second_opinion_told": False}, "先告诉他们、他们也同意了"),
        ({"second_opinion_key": "密钥"}, "只能有英文字母、数字和符号"),
        ({"second_opinion_key": "a\nb"}, "只能有英文字母、数字和符号"),
        ({"second_opinion_to": 0.01}, "不能比 TONGXING_SECOND_OPINION_FROM 小"),
        ({"second_opinion_url": "http://api.example.org/v1"}, "要用 https"),
        ({"second_opinion_url": "http://8.8.8.8/v1"}, "要用 https"),
        ({"second_opinion_url": "api.example.org"}, "不是网址"),
        ({"second_opinion_url": "https://"}, "不是网址"),
        ({"second_opinion_url": "https://[::1"}, "不是网址"),
        ({"second_opinion_url": "https://a:x/v1"}, "不是网址"),
        ({"second_opinion_url": "https://me:pw@api.example.org/v1"}, "不是网址"),
        ({"second_opinion_url": "https://api.example.org/v1?key=1"}, "不是网址"),
        ({"second_opinion_url": "ftp://api.example.org"}, "不是网址"),
    ],
)
def test_what_is_half_or_unsafe_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GivenSettings(**{**WHOLE, **change})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://10.0.0.5/v1", "http://[::1]/v1"]
)
def test_inside_of_ones_own_walls_it_needs_no_tls(url: str) -> None:
    GivenSettings(**{**WHOLE, "second_opinion_url": url})


@pytest.mark.parametrize("number", ["from", "to", "timeout", "a_day"])
@pytest.mark.parametrize("value", [0, -1])
def test_numbers_that_make_no_sense_are_refused(number: str, value: int) -> None:
    with pytest.raises(ValidationError):
        GivenSettings(**{**WHOLE, f"second_opinion_{number}": value})


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("score", [0.0, 0.05, 0.3, 1.0])
def test_red_is_never_asked_about_and_orange_begins_where_the_layer_says(level: Level, score: float) -> None:
    reading = Reading(level, "suicide", (), "v", score=score)
    wanted = level is not Level.RED and (level is not Level.NONE or 0.05 <= score <= orange_begins())
    assert Band(0.05).holds(reading) is wanted
