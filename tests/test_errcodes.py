"""Every errcode, wherever it can come: what becomes of the row, the person and the way, and what is heard in the end.

All of it over HTTP: the platform in a box listens on a socket, and the house calls it as it calls WeChat. The codes
are those of 全局错误码, sorted by what has to follow from them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import Clock, local
from app.messages import broadcasts, channels, subscriptions
from app.messages.models import Lane, Outbox, OutboxState
from app.messages.outbox import DELIVER
from app.mood.models import MoodPrompt
from app.people.models import Person
from app.settings import Settings
from app.tasks.models import Task
from bot.outside import OutsideError, UserMustRetry
from bot.simulator import DEMO_TEMPLATES, Phone, services
from bot.wechat import ERRCODES
from bot.wecom import ERRCODES as WORK_ERRCODES
from bot.wecom import SAME_AS_WECHAT
from tests.conftest import MONDAY, WITH_WECOM, ZONE, Story, beginning_of, open_story
from tests.line import Line, nobody_listens, open_line, plain
from tests.test_delivery import OFF, WORDS, calls, contact_of, row_of, tell, told, tries_of, window_shuts

CUSTOMER, TEMPLATE, SUBSCRIPTION, WECOM = "customer", "template", "subscription", "wecom"
API = {
    CUSTOMER: "message/custom/send", TEMPLATE: "message/template/send", SUBSCRIPTION: "message/subscribe/bizsend",
    WECOM: "message/send",
}  # fmt: skip
NEXT = {CUSTOMER: TEMPLATE, TEMPLATE: SUBSCRIPTION, WECOM: CUSTOMER}
WITHOUT_TEMPLATE = {"wechat_template_activity": ""}
NOTICE = "TPL_NOTICE"
STOPPED = "有一位同伴已停止提醒"
XIAOHE, MIDNIGHT = "000-0000-0001", "11-24 00:00"


@dataclass(frozen=True)
class Then:
    """What has to follow. `word`: the class, as the log of tries names it; `again`: the same way, after seconds."""

    word: str
    again: int | None = None
    ledger: bool = False  # ours was wrong, and is put right
    gone: bool = False  # WeChat does not reach this person any more
    closes: str | None = None  # the way, for everybody, until then
    alarm: bool = False


def again(seconds: int) -> Then:
    return Then("retry", again=seconds)


LEDGER, BANNED = Then("switch_channel", ledger=True), Then("switch_channel", alarm=True)
GONE, NOT_THERE = Then("unreachable", gone=True), Then("unreachable")
CONTENT = Then("fix_content", alarm=True)
QUOTA = Then("quota", closes=MIDNIGHT, alarm=True)
SETUP = Then("configuration", closes="11-23 09:10", alarm=True)
UNHEARD_OF = Then("unknown", alarm=True)

TEXT, CARDS, ANY = (CUSTOMER,), (TEMPLATE, SUBSCRIPTION), (CUSTOMER, TEMPLATE, SUBSCRIPTION)
TABLE: list[tuple[int, Then, tuple[str, ...]]] = [
    (-1, again(5), (*ANY, WECOM)),
    (45011, again(60), ANY),
    (43108, again(5), (SUBSCRIPTION,)),
    (45033, again(60), (WECOM,)),
    (45015, LEDGER, TEXT),
    (45047, LEDGER, TEXT),
    (43101, LEDGER, (SUBSCRIPTION,)),
    (43107, BANNED, (SUBSCRIPTION,)),
    (43116, BANNED, CARDS),
    (40037, BANNED, CARDS),
    (40003, GONE, ANY),
    (43004, GONE, ANY),
    (43019, GONE, (CUSTOMER, TEMPLATE)),
    (48002, GONE, (CUSTOMER, TEMPLATE)),
    (50005, GONE, (CUSTOMER, TEMPLATE)),
    (70000, GONE, (CUSTOMER, TEMPLATE)),
    (81013, NOT_THERE, (WECOM,)),
    (40003, NOT_THERE, (WECOM,)),
    (47003, CONTENT, CARDS),
    (40249, CONTENT, CARDS),
    (45168, CONTENT, (CUSTOMER, TEMPLATE)),
    (45002, CONTENT, (CUSTOMER, WECOM)),
    (45008, CONTENT, TEXT),
    (40033, CONTENT, (CUSTOMER, TEMPLATE, WECOM)),
    (47001, CONTENT, (CUSTOMER, SUBSCRIPTION, WECOM)),
    *((code, CONTENT, (WECOM,)) for code in (42014, 40008, 40058, 44004)),
    (45009, QUOTA, ANY),
    (45009, again(60), (WECOM,)),
    (48001, SETUP, ANY),
    (48004, SETUP, CARDS),
    (50002, SETUP, (CUSTOMER, TEMPLATE)),
    *((code, SETUP, TEXT) for code in (50001, 40200, 40164)),
    *((code, SETUP, (WECOM,)) for code in (60020, 40013, 40056, 40091, 48002, 60011, 93000, 301002)),
    (99999, UNHEARD_OF, (*ANY, WECOM)),
]
ROWS = [(code, rung, then) for code, then, rungs in TABLE for rung in rungs]
TOKEN = [(code, rung) for code in (40001, 40014, 42001) for rung in (*ANY, WECOM)]
TWICE = [(40001, CUSTOMER), (40014, TEMPLATE), (42001, SUBSCRIPTION), (40014, WECOM)]
WHERE_TOKENS_ARE_MADE = (40013, 40125, 40164, 40243, 61024, 89503)
OF_A_PAGE = (40029, 40163, 42003)


def names(rows: list[Any]) -> list[str]:
    return [f"{row[0]}-{row[1]}" for row in rows]


def test_no_errcode_is_left_out() -> None:
    wechat = {code for code, rung, _ in ROWS if rung != WECOM} | set(WHERE_TOKENS_ARE_MADE) | set(OF_A_PAGE)
    wecom = {code for code, rung, _ in ROWS if rung == WECOM}
    renewed = {code for code, _ in TOKEN}
    assert ERRCODES.keys() <= wechat | wecom | renewed
    assert WORK_ERRCODES.keys() | SAME_AS_WECHAT <= wecom | renewed


# The scene: Monday, 09:00, and one way that is open before all others


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with open_line() as opened:
        yield opened


@pytest.fixture
def rung() -> str:
    return CUSTOMER


@pytest.fixture
def changed() -> dict[str, Any]:
    return {}


@pytest.fixture
async def story(
    rung: str, changed: dict[str, Any], settings: Settings, line: Line, monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path,
) -> AsyncIterator[Story]:  # fmt: skip
    """小河 has joined. WeChat has a template, and for those who allow it a subscription notice; staff have WeCom."""
    plain(monkeypatch)
    beginning = await beginning_of(settings, tmp_path_factory, migrated_file)
    more: dict[str, Any] = {"wechat_subscription_activity": NOTICE}
    more |= WITHOUT_TEMPLATE if rung == SUBSCRIPTION else {}
    more |= WITH_WECOM if rung == WECOM else {}
    there = Settings.model_validate({**settings.model_dump(), **more, **changed})
    async with open_story(there, Clock(frozen_at=MONDAY), beginning=beginning.later, line=line) as opened:
        opened.platform.templates[NOTICE] = {**DEMO_TEMPLATES["TPL_ACTIVITY"], "title": "活动通知"}
        if opened.platform.work is not None:
            for openid in opened.openids.values():
                opened.platform.work.add_member(openid.removeprefix("o_"), phone=opened.platform.users[openid])
        yield opened


@pytest.fixture
async def person(story: Story, rung: str) -> Phone:
    """Whom we write to: 小河, or for WeCom 李红, who is staff. Before `rung` no way is open, and after it the next."""
    if rung == WECOM:
        lihong = await story.phone("李红")
        await lihong.says("帮助")
        await lihong.hears("我来处理")
        return lihong
    xiaohe = await story.phone("小河")
    await xiaohe.accepts(NOTICE)
    if rung != CUSTOMER:
        await window_shuts(story, xiaohe)
    return xiaohe


async def says_something(story: Story, person: Phone, rung: str, **how: Any) -> str:
    """Something has to be said to them, and is sent by `rung` if that works; the key of its row."""
    return await told(story, person, kind="stopped" if rung == WECOM else "called_off", **how)


async def arrives(person: Phone, rung: str | None) -> None:
    """It comes this way, once, and nothing else comes."""
    words = STOPPED if person.name == "李红" else OFF
    match rung:
        case "customer":
            await person.hears(words)
        case "template":
            await person.sees_card("活动提醒", 活动名称="书法")
        case "subscription":
            await person.sees_card("活动通知", 活动名称="书法")
        case "wecom":
            await person.sees_work_message(words)
    await person.hears_nothing()


# What is looked at


async def row(story: Story, key: str) -> tuple[str, str | None, float | None]:
    """State, reason, and in how many seconds it is due again."""
    found = await row_of(story, key)
    due = (found.due_at - story.house.clock.now()).total_seconds() if found.due_at else None
    return found.state.value, found.reason, due


async def ledger(story: Story, person: Phone) -> tuple[str | None, int, int]:
    """Why they cannot be reached, what is left of the window, and of the notices that they allowed."""
    contact = await contact_of(story, person)
    async with story.house.db.read() as session:
        left = await subscriptions.balances(session, [contact.id or 0])
    return contact.unreachable_because, contact.window_left, sum(left.values())


async def on_the_list(story: Story) -> list[tuple[str, str, str | None]]:
    """What staff have to do: kind, reason, and the number to call."""
    async with story.house.db.read() as session:
        return [(t.kind.value, t.reason, t.phone) for t in await session.scalars(select(Task).order_by(Task.id))]


async def closed(story: Story) -> dict[str, tuple[str, str]]:
    """The ways that are closed for everybody: until when in Beijing, and why."""
    async with story.house.db.read() as session:
        found = await channels.closed(session, story.house.clock.now())
    return {name: (f"{local(c.until, ZONE):%m-%d %H:%M}", c.because) for name, c in found.items()}


async def alarms(story: Story) -> list[tuple[str, str, int | None]]:
    async with story.house.db.read() as session:
        return [(a.channel, a.what, a.errcode) for a in await channels.alarms_since(session, MONDAY)]


# One row of the table after the other


@pytest.mark.parametrize(("code", "rung", "then"), ROWS, ids=names(ROWS))
async def test_what_follows_from_an_errcode(story: Story, person: Phone, code: int, rung: str, then: Then) -> None:
    waiting = await tell(story, person, not_before=MONDAY + timedelta(hours=3))
    _, window, allowed = await ledger(story, person)
    story.platform.break_next(API[rung], errcode=code)
    key = await says_something(story, person, rung)

    # The row, and what they hear in the end
    failed, by = (rung, then.word, code), None if then.gone else NEXT.get(rung)
    if then.again is not None:
        by = rung
        assert await row(story, key) == ("queued", "try later", then.again)
        assert await tries_of(story, key) == [failed]
        await story.clock.forward(seconds=then.again - 1)
        await person.hears_nothing()
        await story.clock.forward(seconds=1)
    await arrives(person, by)
    ended = {None: "failed", CUSTOMER: "sent", WECOM: "sent"}.get(by, "delivered")
    reason = None if by else "unreachable" if then.gone else "no channel"
    # The last way is shut for a while, for everybody: what is not urgent waits until it opens, unless it is too late.
    waits = by is None and then.word == "quota"
    assert (await row(story, key))[:2] == (("held", then.word) if waits else (ended, reason))
    assert await tries_of(story, key) == [failed, *([(by, "sent", None)] if by else [])]

    # The person: what our ledgers say, what waits for them, and whom staff are asked to call
    window = 0 if then.ledger else window - (by == CUSTOMER)
    allowed -= by == SUBSCRIPTION or (then.ledger and rung == SUBSCRIPTION)
    assert await ledger(story, person) == (str(code) if then.gone else None, window, allowed)
    assert (await row_of(story, waiting)).state == ("cleared" if then.gone else "queued")
    to_do = [("clear", "unreachable", XIAOHE)] if then.gone else []
    assert await on_the_list(story) == to_do + ([] if by or waits else [("call", "lost_called_off", XIAOHE)])

    # The way, for everybody
    assert await closed(story) == ({rung: (then.closes, then.word)} if then.closes else {})
    assert await alarms(story) == ([(rung, then.word, code)] if then.alarm else [])


WORDS_OF = {(code, rung): then.word for code, rung, then in ROWS}
ALARMING = [
    (43107, SUBSCRIPTION), (47003, TEMPLATE), (45009, CUSTOMER), (48001, TEMPLATE), (60020, WECOM),
    (99999, CUSTOMER), (99999, WECOM),
]  # fmt: skip


async def fails(story: Story, person: Phone, rung: str, code: int) -> list[int | None]:
    """What is urgent tries a way that is closed as well, and fails with this code; the codes of all alarms so far."""
    story.platform.break_next(API[rung], errcode=code)
    before = calls(story, API[rung])
    await says_something(story, person, rung, lane=Lane.URGENT)
    assert calls(story, API[rung]) == before + 1
    found = await alarms(story)
    assert all(alarm[:2] == (rung, WORDS_OF[code, rung]) for alarm in found)
    return [errcode for _, _, errcode in found]


@pytest.mark.parametrize(("code", "rung"), ALARMING, ids=names(ALARMING))
async def test_an_alarm_is_raised_once_an_hour_for_each_errcode(
    story: Story, person: Phone, code: int, rung: str
) -> None:
    assert await fails(story, person, rung, code) == [code]
    story.house.clock.move_to(MONDAY.replace(minute=59))
    assert await fails(story, person, rung, code) == [code]
    story.house.clock.move_to(MONDAY.replace(hour=10))
    assert await fails(story, person, rung, code) == [code, code]


async def test_an_alarm_about_one_errcode_is_none_about_another(story: Story, person: Phone) -> None:
    assert await fails(story, person, CUSTOMER, 48001) == [48001]
    assert await fails(story, person, CUSTOMER, 50002) == [48001, 50002]


@pytest.mark.parametrize(("code", "rung"), [(43004, CUSTOMER), (43004, TEMPLATE)])
async def test_staff_hear_once_that_somebody_cannot_be_reached_and_wechat_is_left_alone(
    story: Story, person: Phone, code: int, rung: str
) -> None:
    worker = await story.phone("王乐")
    story.platform.break_next(API[rung], errcode=code)
    await says_something(story, person, rung)
    for _ in ("to be cleared up", "to be called"):
        await worker.hears("有一件事请您看一下")
    begun = len(story.platform.calls)
    for _ in range(2):
        await says_something(story, person, rung)
    assert not [call for call in story.platform.calls[begun:] if call.who == person.name]
    assert [kind for kind, _, _ in await on_the_list(story)] == ["clear", "call", "call", "call"]
    await worker.hears_nothing()


async def test_a_field_that_the_template_does_not_have_is_named_in_the_alarm(story: Story, person: Phone) -> None:
    await window_shuts(story, person)
    fields = {("thing9" if f == "thing4" else f): w for f, w in DEMO_TEMPLATES["TPL_ACTIVITY"]["fields"].items()}
    story.platform.templates["TPL_ACTIVITY"] = {"title": "活动提醒", "fields": fields}
    await says_something(story, person, TEMPLATE)
    await arrives(person, SUBSCRIPTION)
    async with story.house.db.read() as session:
        found = await channels.alarms_since(session, MONDAY)
    assert [(a.channel, a.errcode, a.detail) for a in found] == [(TEMPLATE, 47003, "thing4")]


@pytest.mark.parametrize("rung", [WECOM])
async def test_an_address_that_wecom_does_not_trust_is_named_in_the_alarm(story: Story, person: Phone) -> None:
    story.platform.break_next(API[WECOM], errcode=60020)
    await says_something(story, person, WECOM)
    async with story.house.db.read() as session:
        assert [a.detail for a in await channels.alarms_since(session, MONDAY)] == ["203.0.113.7"]


@pytest.mark.parametrize("rung", ANY)
async def test_a_way_whose_quota_is_used_up_is_not_called_again_before_midnight(
    story: Story, person: Phone, rung: str
) -> None:
    story.platform.use_up_quota(API[rung])
    begun = calls(story, API[rung])
    for _ in range(2):
        await says_something(story, person, rung)
    assert calls(story, API[rung]) == begun + 1
    await story.until(9, days=1)
    assert await closed(story) == {}
    await says_something(story, person, rung)
    assert calls(story, API[rung]) > begun + 1


@pytest.mark.parametrize("code", [48001, 50002])
async def test_a_way_that_is_set_up_wrongly_rests_for_ten_minutes(story: Story, person: Phone, code: int) -> None:
    story.platform.break_next(API[CUSTOMER], errcode=code)
    begun = calls(story, API[CUSTOMER])
    for minutes in (0, 9):
        await story.clock.forward(minutes=minutes)
        await says_something(story, person, CUSTOMER)
        await arrives(person, TEMPLATE)
    assert calls(story, API[CUSTOMER]) == begun + 1
    await story.clock.forward(minutes=1)
    await says_something(story, person, CUSTOMER)
    await arrives(person, CUSTOMER)


# The token


@pytest.mark.parametrize(("code", "rung"), TOKEN, ids=names(TOKEN))
async def test_a_token_that_is_refused_is_renewed_once_and_the_message_goes_the_same_way(
    story: Story, person: Phone, code: int, rung: str
) -> None:
    work = story.platform.work
    if work is None:
        story.platform.expire_token(code)
    else:
        await says_something(story, person, rung)  # so that there is a token at all
        await arrives(person, rung)
        await story.clock.forward(minutes=10)  # until then WeCom shows the same words once
        work.tokens.spoil(code)
    renew = "gettoken" if rung == WECOM else "stable_token"
    begun = calls(story, renew), calls(story, API[rung])
    key = await says_something(story, person, rung)
    await arrives(person, rung)
    assert (calls(story, renew) - begun[0], calls(story, API[rung]) - begun[1]) == (1, 2)
    assert await tries_of(story, key) == [(rung, "sent", None)]
    assert (await alarms(story), await closed(story)) == ([], {})


@pytest.mark.parametrize(("code", "rung"), TWICE, ids=names(TWICE))
async def test_a_new_token_that_is_refused_as_well_is_an_alarm_and_the_next_way_is_taken(
    story: Story, person: Phone, code: int, rung: str
) -> None:
    story.platform.break_next(API[rung], errcode=code, times=2)
    key = await says_something(story, person, rung)
    by = NEXT.get(rung)
    await arrives(person, by)
    assert await tries_of(story, key) == [(rung, "token", code), *([(by, "sent", None)] if by else [])]
    assert await alarms(story) == [(rung, "token", code)]
    assert await closed(story) == {}
    assert [kind for kind, _, _ in await on_the_list(story)] == ([] if by else ["call"])


@pytest.mark.parametrize("code", WHERE_TOKENS_ARE_MADE)
async def test_where_no_token_is_to_be_had_every_way_of_wechat_rests_and_somebody_calls(
    story: Story, person: Phone, code: int
) -> None:
    story.platform.expire_token()
    story.platform.break_next("stable_token", errcode=code, times=None)
    _, window, allowed = await ledger(story, person)
    key = await says_something(story, person, CUSTOMER)
    await person.hears_nothing()
    assert await tries_of(story, key) == [(way, "configuration", code) for way in ANY]
    assert await row(story, key) == ("failed", "no channel", None)
    assert await ledger(story, person) == (None, window, allowed)
    assert await on_the_list(story) == [("call", "lost_called_off", XIAOHE)]
    assert await closed(story) == dict.fromkeys(ANY, ("11-23 09:10", "configuration"))
    assert sorted(await alarms(story)) == sorted((way, "configuration", code) for way in (*ANY, "token"))


@pytest.mark.parametrize("code", [40001, 42001])
async def test_a_wrong_secret_is_no_old_token(story: Story, person: Phone, code: int) -> None:
    """WeChat says the same code there; asking for another token would never help."""
    story.platform.expire_token()
    story.platform.break_next("stable_token", errcode=code, times=None)
    begun = calls(story, "stable_token")
    await says_something(story, person, CUSTOMER)
    assert calls(story, "stable_token") == begun + len(ANY)
    assert ("token", "configuration", code) in await alarms(story)


# Pages


async def refused(story: Story, code: str) -> tuple[type[OutsideError], int | None]:
    with pytest.raises(OutsideError) as caught:
        await story.house.client.oauth_openid(code)
    return type(caught.value), caught.value.errcode


@pytest.mark.parametrize("errcode", OF_A_PAGE)
async def test_who_opens_a_page_with_a_code_that_is_no_good_is_sent_round_again(
    story: Story, person: Phone, errcode: int
) -> None:
    code = services.oauth_code(story.platform, person.openid)
    if errcode == 40163:
        await story.house.client.oauth_openid(code)
    elif errcode == 40029:
        await story.clock.forward(minutes=5)
    else:
        story.platform.break_next("sns/oauth2/access_token", errcode=errcode)
    assert await refused(story, code) == (UserMustRetry, errcode)
    assert (await alarms(story), await closed(story)) == ([], {})
    again = services.oauth_code(story.platform, person.openid)
    assert (await story.house.client.oauth_openid(again)).openid == person.openid


# What only WeCom says


@pytest.fixture
async def only_wecom(story: Story) -> Story:
    """王乐, who is on duty, has WeCom as well, and neither of the two who are asked first has anything else."""
    async with story.house.db.begin() as session:
        await session.execute(update(Person).where(col(Person.code) == "wangle").values(wecom="wangle"))
    for name in ("王乐", "李红"):
        await window_shuts(story, await story.phone(name))
    return story


ONLY_WECOM = {**WITH_WECOM, "wechat_template_duty": ""}


@pytest.mark.parametrize("changed", [ONLY_WECOM])
@pytest.mark.parametrize("errcode", [81013, 0], ids=["81013", "invaliduser"])
async def test_an_alert_that_wecom_gives_to_nobody_goes_to_the_next_person_at_once(
    only_wecom: Story, errcode: int
) -> None:
    work = only_wecom.platform.work
    assert work is not None
    work.lenient = errcode == 0
    work.member("wangle").visible = False
    member = await only_wecom.phone("小河")
    await member.says(WORDS)
    await (await only_wecom.phone("李红")).sees_work_card("待办提醒", "我来处理")
    async with only_wecom.house.db.read() as session:
        alert = await session.scalar(select(Outbox).where(Outbox.kind == "case_alert").order_by(Outbox.id))
    assert alert is not None
    assert (alert.state, alert.reason) == (OutboxState.FAILED, "no channel")
    assert (await ledger(only_wecom, await only_wecom.phone("王乐")))[0] is None


@pytest.mark.parametrize("changed", [WITH_WECOM])
@pytest.mark.parametrize(("errcode", "word"), [(45009, "retry"), (93000, "configuration"), (99999, "unknown")])
async def test_what_the_robot_of_a_group_cannot_post(story: Story, person: Phone, errcode: int, word: str) -> None:
    work = story.platform.work
    assert work is not None
    story.platform.break_next("webhook/send", errcode=errcode)
    await person.says(WORDS)
    async with story.house.db.read() as session:
        key = await session.scalar(select(Outbox.key).where(Outbox.kind == "case_group"))
    assert key is not None
    assert await tries_of(story, key) == [("robot", word, errcode)]
    assert work.group("duantang") == []
    if word == "retry":
        assert await row(story, key) == ("queued", "try later", 60)
        await story.clock.forward(minutes=1)
        assert len(work.group("duantang")) == 1
        return
    assert await row(story, key) == ("failed", "no channel", None)
    assert await closed(story) == ({"robot": ("11-23 09:10", word)} if word == "configuration" else {})
    assert await alarms(story) == [("robot", word, errcode)]


# A network that fails


@pytest.mark.parametrize("rung", [*ANY, WECOM])
async def test_what_surely_never_left_costs_nothing_and_is_sent_again_the_same_way(
    story: Story, person: Phone, rung: str
) -> None:
    before = await ledger(story, person)
    api = story.house.worlds.wechat
    address, api.base_url = api.base_url, httpx.URL(nobody_listens())
    key = await says_something(story, person, rung)
    assert await tries_of(story, key) == [(rung, "retry", None)]
    assert await row(story, key) == ("queued", "try later", 5)
    assert await ledger(story, person) == before
    api.base_url = address
    await story.clock.forward(seconds=5)
    await arrives(person, rung)
    assert await tries_of(story, key) == [(rung, "retry", None), (rung, "sent", None)]
    # WeCom had not even given us a token yet, and that none is to be had is an alarm.
    assert await alarms(story) == ([("token", "retry", None)] if rung == WECOM else [])
    assert (await closed(story), await on_the_list(story)) == ({}, [])


IMPATIENT = {"wechat_timeout": 0.6}  # seconds; all that these tests wait for


@pytest.mark.parametrize("changed", [IMPATIENT])
@pytest.mark.parametrize("lost", ["question", "answer"])
async def test_a_text_of_which_nobody_knows_is_said_again(story: Story, person: Phone, lost: str) -> None:
    story.platform.break_next(API[CUSTOMER], drop=lost == "question", lose_answer=lost == "answer")
    key = await says_something(story, person, CUSTOMER)
    assert await row(story, key) == ("sending", None, 5)
    await story.clock.forward(seconds=5)
    if lost == "answer":
        await person.hears(OFF)
    await arrives(person, CUSTOMER)
    assert await tries_of(story, key) == [(CUSTOMER, "unknown", None), (CUSTOMER, "sent", None)]
    assert await alarms(story) == []


@pytest.mark.parametrize("changed", [IMPATIENT])
@pytest.mark.parametrize("rung", [TEMPLATE])
async def test_a_card_of_which_nobody_knows_is_sent_again_under_the_same_number_and_shown_once(
    story: Story, person: Phone, rung: str
) -> None:
    known = set(story.platform.sent_ids)
    story.platform.break_next(API[rung], lose_answer=True)
    key = await says_something(story, person, rung)
    assert await row(story, key) == ("sending", None, 5)
    await story.clock.forward(seconds=5)
    await arrives(person, rung)
    assert calls(story, API[rung]) == 2
    assert len(set(story.platform.sent_ids) - known) == 1
    assert await tries_of(story, key) == [(rung, "unknown", None), (rung, "sent", None)]


@pytest.mark.parametrize("changed", [{**IMPATIENT, "unsolicited_a_day": 2}])
@pytest.mark.parametrize("rung", [TEMPLATE])
@pytest.mark.parametrize(("minutes", "said"), [(9, "delivered"), (11, "failed")])
async def test_after_ten_minutes_a_card_that_must_not_come_twice_is_given_up(
    story: Story, person: Phone, rung: str, minutes: int, said: str
) -> None:
    """What is told to everybody is no reason to tell anybody twice."""
    async with story.house.db.begin() as session:
        who = await session.get(Person, (await contact_of(story, person)).person_id)
        assert who is not None
        await broadcasts.start(session, "下周起换到二楼", MONDAY, programme_id=who.programme_id)
    story.platform.break_next(API[rung], lose_answer=True)
    async with story.house.db.read() as session:
        key = await session.scalar(select(Outbox.key).where(Outbox.person_id == who.id, Outbox.kind == "broadcast"))
    assert key is not None
    await story.house.tower.bells[DELIVER].drain()
    story.house.clock.forward(minutes=minutes)  # the machine was down for that long
    await story.clock.settle()
    await person.sees_card("活动提醒")
    await person.hears_nothing()
    assert calls(story, API[rung]) == (2 if said == "delivered" else 1)
    assert await row(story, key) == (said, None if said == "delivered" else "outcome unknown", None)
    assert await on_the_list(story) == []


@pytest.mark.parametrize("changed", [IMPATIENT])
@pytest.mark.parametrize("rung", [SUBSCRIPTION])
@pytest.mark.parametrize("lost", ["question", "answer"])
async def test_a_notice_of_which_nobody_knows_counts_as_spent_and_somebody_calls(
    story: Story, person: Phone, rung: str, lost: str
) -> None:
    story.platform.break_next(API[rung], drop=lost == "question", lose_answer=lost == "answer")
    key = await says_something(story, person, rung)
    await story.clock.forward(minutes=1)
    await arrives(person, rung if lost == "answer" else None)
    assert calls(story, API[rung]) == 1
    assert await row(story, key) == ("failed", "no channel", None)
    assert (await ledger(story, person))[2] == 0
    assert await on_the_list(story) == [("call", "lost_called_off", XIAOHE)]


@pytest.mark.parametrize("changed", [IMPATIENT])
@pytest.mark.parametrize("lost", ["question", "answer"])
async def test_how_are_you_is_never_asked_twice(story: Story, person: Phone, lost: str) -> None:
    await story.until(10, days=1)
    await person.says("1")
    await story.wednesday(16, 29)
    story.platform.break_next(API[CUSTOMER], drop=lost == "question", lose_answer=lost == "answer")
    begun = calls(story, API[CUSTOMER])
    await story.clock.forward(minutes=10)
    assert calls(story, API[CUSTOMER]) == begun + 1
    async with story.house.db.read() as session:
        asked = await session.scalar(select(Outbox).where(Outbox.kind == "mood"))
        prompt = await session.scalar(select(MoodPrompt).order_by(col(MoodPrompt.id).desc()))
    assert asked is not None
    assert prompt is not None
    assert (asked.state, asked.reason) == (OutboxState.FAILED, "outcome unknown")
    assert prompt.missing_because == "outcome unknown"


@pytest.mark.parametrize("changed", [{**WITH_WECOM, **IMPATIENT}])
async def test_a_card_in_wecom_of_which_nobody_knows_is_sent_again_and_shown_once(
    only_wecom: Story, person: Phone
) -> None:
    """The second time WeCom says that the task_id is used (42014), which proves that it has the first one."""
    worker = await only_wecom.phone("王乐")
    await worker.hears("四个数字")
    only_wecom.platform.break_next(API[WECOM], lose_answer=True)
    await person.says(WORDS)
    await only_wecom.clock.forward(seconds=5)
    await worker.sees_work_card("待办提醒", "我来处理")
    await worker.hears_nothing()
    async with only_wecom.house.db.read() as session:
        key = await session.scalar(select(Outbox.key).where(Outbox.kind == "case_alert").order_by(Outbox.id))
    assert key is not None
    assert await tries_of(only_wecom, key) == [(WECOM, "unknown", None), (WECOM, "sent", None)]
    assert await alarms(only_wecom) == []


@pytest.mark.parametrize("changed", [IMPATIENT])
async def test_where_a_token_is_lost_on_the_way_the_message_surely_never_left(story: Story, person: Phone) -> None:
    before = await ledger(story, person)
    story.platform.expire_token()
    story.platform.break_next("stable_token", lose_answer=True)
    key = await says_something(story, person, CUSTOMER)
    assert await row(story, key) == ("queued", "try later", 5)
    assert await ledger(story, person) == before
    assert await alarms(story) == [("token", "retry", None)]
    await story.clock.forward(seconds=5)
    await arrives(person, CUSTOMER)
