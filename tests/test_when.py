"""Days and hours as staff write them."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.orders import StaffVerb, staff_command
from bot.conversation.when import When, day_in, read_day, read_when

MONDAY = date(2026, 11, 23)


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("李红 12月3日", When("李红", day(12, 3))), ("李红12月3号", When("李红", day(12, 3))),
        ("李红 12 月 3 日", When("李红", day(12, 3))), ("李红 12/3", When("李红", day(12, 3))),
        ("李红 12-3", When("李红", day(12, 3))), ("李红 2027年1月3日", When("李红", day(1, 3, 2027))),
        ("李红 2026-12-03", When("李红", day(12, 3))), ("李红 1月3日", When("李红", day(1, 3, 2027))),
        ("李红 今天", When("李红", MONDAY)), ("李红 明天", When("李红", day(11, 24))),
        ("李红 后天", When("李红", day(11, 25))), ("李红 大后天", When("李红", day(11, 26))),
        ("李红 周一", When("李红", MONDAY)), ("李红 周四", When("李红", day(11, 26))),
        ("李红 星期天", When("李红", day(11, 29))), ("李红 下周一", When("李红", day(11, 30))),
        ("李红 本周日", When("李红", day(11, 29))), ("李红 28号", When("李红", day(11, 28))),
        ("李红 2号", When("李红", day(12, 2))), ("周敏 周四", When("周敏", day(11, 26))),
        ("李红 12月3日 09:00-12:00", When("李红", day(12, 3), None, (time(9), time(12)))),
        ("李红 12月3日９：００—１２：００", When("李红", day(12, 3), None, (time(9), time(12)))),
        ("李红 12月3日 22:00至06:00", When("李红", day(12, 3), None, (time(22), time(6)))),
        ("李红 12月3日 20:00-24:00", When("李红", day(12, 3), None, (time(20), time()))),
        ("李红 12月3日 12月5日", When("李红", day(12, 3), day(12, 5))),
        ("李红 12月3日-12月5日", When("李红", day(12, 3), day(12, 5))),
        ("李红 12月30日至2日", When("李红", day(12, 30), day(1, 2, 2027))),
        ("明天", When("", day(11, 24))),
    ],
)  # fmt: skip
def test_what_people_write_is_the_day_they_mean(text: str, when: When) -> None:
    assert read_when(text, MONDAY) == when


@pytest.mark.parametrize(
    "text", ["李红", "", "李红 2月30日", "李红 13月1日", "李红 12月3日 25:00-26:00", "李红 12月3日 09:00-09:00",
             "李红 12月3日 九点", "12月", "李红 12月3日 09:00", "李红 0号"],
)  # fmt: skip
def test_what_is_no_day_is_not_guessed_at(text: str) -> None:
    assert read_when(text, MONDAY) is None


@given(st.dates(date(2024, 1, 1), date(2032, 1, 1)), st.integers(0, 360))
def test_a_month_and_a_day_mean_the_next_such_day(today: date, later: int) -> None:
    meant = today + timedelta(days=later)
    if (meant.month, meant.day) != (2, 29):
        assert read_day(f"{meant.month}月{meant.day}日", today) == meant
    if later < 7:
        assert read_day(f"周{'一二三四五六日'[meant.weekday()]}", today) == meant
    if later < 27:
        assert read_day(f"{meant.day}号", today) == meant


@pytest.mark.parametrize(
    ("text", "found"),
    [("12月3日", day(12, 3)), (" 12-3 ", day(12, 3)), ("周四", day(11, 26)), ("李红 12月3日", None),
     ("2020-01-01", None), ("12月3日 12月5日", None), ("1", None), ("好的", None)],
)  # fmt: skip
def test_a_day_and_nothing_else(text: str, found: date | None) -> None:
    assert day_in(text, MONDAY) == found


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("值班", StaffVerb.ROTA), ("值班表", StaffVerb.ROTA), ("值班 李红 12月3日 09:00-12:00", StaffVerb.ROTA),
        ("不值班 李红 12月3日至12月5日", StaffVerb.NOT_ON), ("换班 李红 周四", StaffVerb.SWAP),
        ("取消换班", StaffVerb.UNSWAP), ("不换班", StaffVerb.UNSWAP), ("交班", StaffVerb.HAND_OVER),
        ("交班了没有", None), ("接班", None),
        ("值班真累！今天来了好多人，门口都站满了，忙到现在才有空坐下来吃口饭喝口水歇一歇", None),
    ],
)  # fmt: skip
def test_the_words_of_the_rota(text: str, verb: StaffVerb | None) -> None:
    command = staff_command(text)
    assert (command and command.verb) == verb
