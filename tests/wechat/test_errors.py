from datetime import UTC, datetime, timedelta

import pytest

from bot.outside import (
    ChannelClosed,
    ContentRefused,
    ErrorClass,
    Misconfigured,
    OutsideError,
    PersonUnreachable,
    QuotaUsedUp,
    TokenRefused,
    TryLater,
    UnknownError,
    UserMustRetry,
)
from bot.wechat import ERRCODES, classify

from .platform import NOW

API = "message/template/send"

HANDLING: dict[type[OutsideError], tuple[int, ...]] = {
    TryLater: (-1, 45011, 43108, 45033),
    TokenRefused: (40001, 40014, 42001),
    ChannelClosed: (45015, 45047, 43101, 43107, 43116, 40037),
    PersonUnreachable: (40003, 43004, 43019, 48002, 50005, 70000, 81013),
    ContentRefused: (47003, 40249, 45168, 45002, 45008, 40033, 47001, 42014),
    QuotaUsedUp: (45009,),
    Misconfigured: (
        *(40013, 40125, 40164, 40243, 48001, 48004, 50001, 50002, 61024, 89503, 40200),
        60020,
    ),
    UserMustRetry: (40029, 40163, 42003),
}
TABLE = [(code, kind) for kind, codes in HANDLING.items() for code in codes]


@pytest.mark.parametrize(("code", "kind"), TABLE)
def test_an_errcode_has_its_handling(code: int, kind: type[OutsideError]) -> None:
    error = classify(code, "some words of WeChat", API, NOW)
    assert type(error) is kind
    assert (error.errcode, error.api, error.error_class) == (code, API, ERRCODES[code][0])
    assert error.advice
    assert error.advice in str(error)


def test_every_errcode_of_the_table_is_tested() -> None:
    assert {code for code, _ in TABLE} == set(ERRCODES)


def test_zero_is_no_error() -> None:
    assert classify(0, "ok", API, NOW) is None


@pytest.mark.parametrize("code", [1, 99999, -2])
def test_any_other_code_counts_as_not_delivered(code: int) -> None:
    error = classify(code, "", API, NOW)
    assert type(error) is UnknownError
    assert error.error_class is ErrorClass.UNKNOWN


def test_too_frequent_waits_a_minute() -> None:
    error = classify(45011, "", API, NOW)
    assert isinstance(error, TryLater)
    assert error.retry_after >= timedelta(seconds=60)


@pytest.mark.parametrize(("code", "reason"), [(45015, "window"), (45047, "count"), (43101, "consent")])
def test_a_closed_channel_says_which_ledger_was_wrong(code: int, reason: str) -> None:
    error = classify(code, "", API, NOW)
    assert isinstance(error, ChannelClosed)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 11, 21, 15, 59, tzinfo=UTC), datetime(2026, 11, 21, 16, tzinfo=UTC)),
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)),
    ],
)
def test_a_quota_comes_back_at_midnight_in_beijing(now: datetime, until: datetime) -> None:
    error = classify(45009, "reach max api daily quota limit", API, now)
    assert isinstance(error, QuotaUsedUp)
    assert error.until == until


@pytest.mark.parametrize(
    ("errmsg", "field"),
    [
        ("argument invalid! data.thing1.value is empty rid: 5f8e-1", "thing1"),
        ("argument invalid! data.character_string12.value", "character_string12"),
        ("argument invalid! hint: [otFpruAK8D]", None),
    ],
)
def test_refused_content_names_the_field(errmsg: str, field: str | None) -> None:
    error = classify(47003, errmsg, API, NOW)
    assert isinstance(error, ContentRefused)
    assert error.field == field


@pytest.mark.parametrize(
    ("errmsg", "address"),
    [
        ("invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 6-abc", "203.0.113.7"),
        ("invalid ip 2001:db8::7, not in whitelist", "2001:db8::7"),
        ("not in whitelist rid: 61725984-6126f6f9-040f19c4", None),
    ],
)
def test_a_missing_whitelist_entry_names_the_address(errmsg: str, address: str | None) -> None:
    error = classify(40164, errmsg, API, NOW)
    assert isinstance(error, Misconfigured)
    assert error.detail == address


@pytest.mark.parametrize("code", [*ERRCODES, 99999])
def test_the_words_of_wechat_stay_out_of_the_exception(code: int) -> None:
    error = classify(code, "require subscribe hint: [otFpruAK8D-E6EfStSYonYSBZ8_4] rid: 5f8e", API, NOW)
    assert error is not None
    assert "otFpru" not in f"{error} {error!r} {error.args} {vars(error)}"


def test_a_refused_secret_where_tokens_are_made_is_no_refused_token() -> None:
    assert isinstance(classify(40001, "invalid credential", "stable_token", NOW), Misconfigured)
