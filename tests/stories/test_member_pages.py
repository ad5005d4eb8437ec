"""The pages that members open inside WeChat: whose they are, what they show, and what can be pressed on them."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import select

from app.activities import changes
from app.activities import service as activities
from app.activities.calendar import Quiet
from app.activities.machine import Answer
from app.activities.models import Occurrence, Rsvp
from app.db import ident
from app.escalations.models import CaseRow, Flag
from app.escalations.states import Level
from app.messages import window
from app.messages.models import Contact, Inbox, Outbox, OutboxState
from app.mood.models import MoodPlan, MoodPrompt
from app.pages.shell import HEADERS, STYLE
from app.people.models import Consent, Person, Programme
from bot.conversation.agreeing import KINDS
from bot.discretion import Shows, banned
from bot.simulator import Phone
from bot.wording import DEFAULT, locales, wording
from tests.conftest import MONDAY, Story
from tests.stories.visits import Visit
from tests.stories.ways import occurrence, registered
from tests.stories.wechat_browser import Inside, in_snapshot

WORDS = "不想活了，药都攒好了"
QUIET = Quiet(MONDAY.replace(hour=21).time(), MONDAY.replace(hour=8).time())


@pytest.fixture
async def member(story: Story) -> Phone:
    return await story.joined()


@pytest.fixture
async def inside(story: Story, member: Phone) -> AsyncIterator[Inside]:
    async with Inside(story, member) as opened:
        yield opened


@pytest.fixture
async def asked(story: Story, member: Phone) -> Occurrence:
    """小河 has been asked to the handicraft group of Wednesday."""
    await story.until(10)
    return await occurrence(story, "手工课")


async def card_link(story: Story, member: Phone) -> str:
    """小河 has not written for two days, so that the next reminder comes as a card, and the card leads here."""
    async with story.house.db.begin() as session:
        contact = await session.scalar(select(Contact).where(Contact.openid == member.openid))
        assert contact is not None
        window.shut(contact)
    story.platform.user(member.openid).windows.clear()
    await story.wednesday(13, 45)
    return (await member.sees_card("活动提醒"))["url"]


async def answer_of(story: Story, what: Occurrence) -> Answer | None:
    who = await registered(story, "xiaohe")
    async with story.house.db.read() as session:
        found = await session.scalar(select(Rsvp.answer).where(Rsvp.occurrence_id == what.id, Rsvp.person_id == who.id))
        return Answer(found) if found is not None else None


async def rows(story: Story, model: type, *where: object) -> list:
    async with story.house.db.read() as session:
        return list(await session.scalars(select(model).where(*where).order_by(model.id)))


def link_in(text: str) -> str:
    return re.search(r'href="([^"]+)"', text)[1]  # type: ignore[index]


# Whose page this is


async def test_a_page_of_ones_own_asks_wechat_who_opened_it_and_nobody_else(
    story: Story, asked: Occurrence, inside: Inside
) -> None:
    page = await inside.goes_to("/p/activities")
    assert inside.status == 200
    assert "手工课" in page
    [away] = inside.away
    query = parse_qs(away.query.decode())
    assert (away.path, away.fragment) == ("/connect/oauth2/authorize", "wechat_redirect")
    assert list(query) == ["appid", "redirect_uri", "response_type", "scope", "state"]  # WeChat wants this order
    assert query["scope"] == ["snsapi_base"]
    assert query["redirect_uri"] == ["http://house/p/in/activities"]
    assert re.fullmatch(r"[A-Za-z0-9]{20,128}", query["state"][0])
    inside.away.clear()
    await inside.goes_to("/p/activities")
    assert inside.away == []  # for half an hour it is remembered


async def test_after_half_an_hour_wechat_is_asked_again(story: Story, asked: Occurrence, inside: Inside) -> None:
    await inside.goes_to("/p/activities")
    await story.clock.forward(minutes=31)
    await inside.goes_to("/p/activities")
    assert len(inside.away) == 2


async def test_the_cookie_is_for_our_pages_alone_and_says_nothing(story: Story, inside: Inside) -> None:
    await inside.goes_to("/p/activities")
    assert set(inside.cookies) == {"tongxing_page"}
    assert inside.phone.openid not in inside.cookies["tongxing_page"]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(inside.app), base_url="http://house"
    ) as browser:  # fmt: skip
        answer = await browser.get("/p/data")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/p"))
    assert "Secure" not in cookie  # the house of the stories has no https


async def test_a_code_brings_nobody_in_without_the_browser_that_asked(
    story: Story, member: Phone, inside: Inside
) -> None:
    """Somebody sends 小河 an address with a code of their own, so that she writes on their page; or takes hers."""
    back = await inside.follows("http://house/p/data", stop_before="/p/in/")
    async with Inside(story, await story.phone("小河妈妈")) as other:
        await other.follows(back)
        assert other.status == 400
        assert "请从公众号里重新点开" in other.page
        assert other.cookies == {}
    await inside.follows(back.replace("state=", "state=f"))
    assert inside.status == 400
    await inside.follows(back)
    assert inside.status == 200


async def test_an_asking_is_over_after_ten_minutes(story: Story, inside: Inside) -> None:
    back = await inside.follows("http://house/p/data", stop_before="/p/in/")
    await story.clock.forward(minutes=11)
    await inside.follows(back)
    assert inside.status == 400
    assert "请从公众号里重新点开" in inside.page


async def test_a_code_that_is_used_or_too_old_says_to_open_it_again(story: Story, inside: Inside) -> None:
    back = await inside.follows("http://house/p/data", stop_before="/p/in/")
    await story.clock.forward(minutes=6)
    await inside.follows(back)
    assert (inside.status, "请从公众号里重新点开" in inside.page) == (400, True)
    again = await inside.follows("http://house/p/data", stop_before="/p/in/")
    for code in story.platform.oauth_codes:
        openid, until, _ = story.platform.oauth_codes[code]
        story.platform.oauth_codes[code] = (openid, until, True)
    await inside.follows(again)
    assert (inside.status, "请从公众号里重新点开" in inside.page) == (400, True)


async def test_tapping_the_menu_twice_opens_the_page_once_more_and_not_an_error(story: Story, inside: Inside) -> None:
    first = await inside.follows("http://house/p/data", stop_before="/p/in/")
    await inside.follows("http://house/p/data", stop_before="/p/in/")
    await inside.follows(first)
    assert inside.status == 200


async def test_a_snapshot_is_refused_with_what_to_do(story: Story, member: Phone, inside: Inside) -> None:
    with in_snapshot(story, member):
        await inside.goes_to("/p/data")
    assert inside.status == 403
    assert "使用完整服务" in inside.page
    assert "小河" not in inside.page


async def test_whoever_is_not_known_is_told_kindly_and_nothing_is_made_of_them(story: Story, member: Phone) -> None:
    async with Inside(story, await story.phone("路人")) as stranger:
        await stranger.goes_to("/p/data")
        assert stranger.status == 403
        assert "请先让老师给您一个码" in stranger.page
        assert "tongxing_page" not in stranger.cookies
    async with story.house.db.read() as session:
        assert await session.scalar(select(Contact).where(Contact.openid == "o_路人")) is None


async def test_staff_have_their_own_way(story: Story, member: Phone) -> None:
    async with Inside(story, await story.phone("王乐")) as worker:
        await worker.goes_to("/p/data")
    assert worker.status == 403
    assert "给同伴的" in worker.page


async def test_wechat_being_away_is_said(story: Story, inside: Inside) -> None:
    story.platform.break_next("sns/oauth2/access_token", errcode=-1)
    await inside.goes_to("/p/data")
    assert inside.status == 502
    assert "过几分钟" in inside.page


async def test_another_phone_of_the_same_person_ends_the_session_of_the_first(story: Story, inside: Inside) -> None:
    await inside.goes_to("/p/data")
    async with story.house.db.begin() as session:
        contact = await session.scalar(select(Contact).where(Contact.openid == inside.phone.openid))
        assert contact is not None
        contact.person_id = None
    await inside.goes_to("/p/data")
    assert inside.status == 403


async def test_neither_an_openid_nor_a_code_gets_into_the_log(
    story: Story, member: Phone, inside: Inside, capfd: pytest.CaptureFixture[str]
) -> None:
    with in_snapshot(story, member):
        await inside.goes_to("/p/data")
    back = await inside.follows("http://house/p/data", stop_before="/p/in/")
    await inside.follows(back)
    await inside.follows(back)
    logged = "".join(capfd.readouterr())
    assert "page refused" in logged
    assert inside.phone.openid not in logged
    assert all(code not in logged for code in story.platform.oauth_codes)


# What every page has


async def test_every_page_allows_one_style_and_nothing_else(story: Story, asked: Occurrence, inside: Inside) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inside.app), base_url="http://house") as browser:
        for path in ("activities", "mood", "data", "consent", "in/data", "in/nowhere", "rsvp/x", "mood/x", "case/x"):
            answer = await browser.get(f"/p/{path}")
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, path
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy
    page = await inside.goes_to("/p/activities")
    assert f"<style>{STYLE}</style>" in page
    assert page.count("<style") == 1


async def test_no_page_has_a_script_or_asks_another_host_for_anything(
    story: Story, asked: Occurrence, inside: Inside
) -> None:
    for path in ("/p/activities", "/p/data", "/p/consent", "/p/mood"):
        page = await inside.goes_to(path)
        assert inside.status == 200, path
        assert not re.search(r"<(script|img|link|iframe|object)|\son\w+=|style=|@import|url\(", page), path
        assert len(page.encode()) < 80_000


# Coming or not


async def test_a_card_opens_its_activity_and_looking_at_it_does_nothing(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    await member.says("3")
    page = await inside.taps_link(await card_link(story, member))
    assert inside.away == []  # the link says whose it is
    assert ("手工课" in page, "11月25日（周三）14:00" in page, "段塘街道活动室" in page) == (True, True, True)
    assert inside.buttons == ["能来", "来不了", "✓ 还没想好"]
    assert await answer_of(story, asked) is Answer.UNDECIDED


async def test_one_tap_answers_and_repeats_date_and_place(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    who = ident(await registered(story, "xiaohe"))
    link = story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at)
    await inside.follows(link)
    page = await inside.presses("能来")
    assert "好的，给您留位了" in page
    assert "11月25日（周三）14:00" in page
    assert "段塘街道活动室" in page
    assert await answer_of(story, asked) is Answer.GOING
    page = await inside.presses("来不了")
    assert "没关系" in page
    assert await answer_of(story, asked) is Answer.NOT_GOING


async def test_pressing_twice_is_pressing_once(story: Story, asked: Occurrence, inside: Inside) -> None:
    who = ident(await registered(story, "xiaohe"))
    await inside.follows(story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at))
    form = inside.form("能来")
    await inside.presses(form)
    await inside.presses(form)
    assert "记着呢，没有变" in inside.page
    [rsvp] = await rows(story, Rsvp, Rsvp.person_id == who, Rsvp.occurrence_id == asked.id)
    assert (rsvp.answer, rsvp.changes) == (Answer.GOING, 0)


async def test_what_was_asked_in_the_chat_has_its_answer_by_the_page(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    who = ident(await registered(story, "xiaohe"))
    await inside.follows(story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at))
    await inside.presses("能来")
    await member.says("我的活动")
    await member.says("5")
    await member.hears_not("来请回 1")


async def test_a_form_made_before_the_move_writes_nothing_down(story: Story, asked: Occurrence, inside: Inside) -> None:
    who = ident(await registered(story, "xiaohe"))
    await inside.follows(story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at))
    old = inside.form("能来")
    async with story.house.db.begin() as session:
        what = await activities.occurrence(session, ident(asked))
        await changes.move(session, what, story.house.clock.now(), QUIET, venue="石碶文化站一楼")
    page = await inside.presses(old)
    assert "刚才没有记下" in page
    assert "石碶文化站一楼" in page
    assert await answer_of(story, asked) is None
    await inside.presses("能来")
    assert await answer_of(story, asked) is Answer.GOING


async def test_what_is_called_off_or_over_says_so_and_asks_nothing(
    story: Story, asked: Occurrence, inside: Inside
) -> None:
    who = ident(await registered(story, "xiaohe"))
    link = story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at)
    await inside.follows(link)
    form = inside.form("能来")
    async with story.house.db.begin() as session:
        asked = await activities.occurrence(session, ident(asked))
        await changes.cancel(session, asked, story.house.clock.now(), QUIET)
    page = await inside.presses(form)
    assert "取消了，不用来了" in page
    assert inside.buttons == []
    assert await answer_of(story, asked) is None


async def test_a_link_outlives_its_activity_by_a_day(story: Story, asked: Occurrence, inside: Inside) -> None:
    who = ident(await registered(story, "xiaohe"))
    link = story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at)
    await story.clock.forward_to(asked.ends_at + timedelta(hours=1))
    assert "已经结束了" in await inside.follows(link)
    assert inside.buttons == []
    await story.clock.forward(days=1)
    await inside.follows(link)
    assert (inside.status, "链接过期了" in inside.page) == (410, True)


async def test_a_form_of_one_link_is_nothing_on_another(story: Story, asked: Occurrence, inside: Inside) -> None:
    now, who = story.house.clock.now(), ident(await registered(story, "xiaohe"))
    others = ident(await registered(story, "aguang"))
    await inside.follows(story.house.links.rsvp(ident(asked), who, now, until=asked.ends_at))
    mine = inside.form("能来")
    await inside.follows(story.house.links.rsvp(ident(asked), others, now, until=asked.ends_at))
    theirs = inside.form("能来")
    theirs.fields["token"] = mine.fields["token"]
    await inside.presses(theirs)
    assert inside.status == 404
    theirs.fields["token"] = "nonsense"
    await inside.presses(theirs)
    assert inside.status == 410


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}])
async def test_a_form_from_elsewhere_is_refused(
    story: Story, asked: Occurrence, inside: Inside, headers: dict[str, str]
) -> None:
    who = ident(await registered(story, "xiaohe"))
    await inside.follows(story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at))
    await inside.presses("能来", headers=headers)
    assert inside.status == 403
    assert await answer_of(story, asked) is None


async def test_my_activities_lead_to_the_place_the_calendar_and_the_answer(
    story: Story, asked: Occurrence, inside: Inside
) -> None:
    page = await inside.goes_to("/p/activities")
    assert "还没回" in page
    assert "https://apis.map.qq.com/uri/v1/search?keyword=%E6%AE%B5%E5%A1%98" in page
    await inside.follows(re.findall(r'href="(http://house/p/rsvp/[\w-]+)"', page)[0])
    await inside.presses("能来")
    assert "能来" in await inside.goes_to("/p/activities")


async def test_the_calendar_file_rings_two_hours_before_and_shows_no_name_that_tells(
    story: Story, asked: Occurrence, inside: Inside
) -> None:
    async with story.house.db.begin() as session:
        (await activities.occurrence(session, ident(asked))).title = "心理康复小组"
    who = ident(await registered(story, "xiaohe"))
    link = story.house.links.rsvp(ident(asked), who, story.house.clock.now(), until=asked.ends_at)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inside.app), base_url="http://house") as browser:
        answer = await browser.get(f"{link}/activity.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["SUMMARY"] == "活动"
    assert event.decoded("DTSTART") == asked.starts_at
    assert event["LOCATION"] == "段塘街道活动室"
    [alarm] = event.walk("VALARM")
    assert alarm.decoded("TRIGGER") == timedelta(hours=-2)
    assert Calendar.from_ical(answer.content).walk("VTIMEZONE")


# How are you


async def test_the_question_in_the_chat_leads_to_five_faces(story: Story, member: Phone, inside: Inside) -> None:
    await member.says("心情")
    await member.hears("今天心情怎么样", "点这里，用大字选")
    bubble = story.platform.user(member.openid).bubbles[-1]
    await inside.taps_link(link_in(bubble.raw))
    assert inside.buttons == ["😄5 很好", "🙂4 不错", "😐3 一般", "🙁2 不太好", "😣1 很难受"]
    assert "只有王乐能看到" in inside.page
    assert await rows(story, MoodPrompt) == []


async def feels(story: Story, inside: Inside) -> Inside:
    await inside.goes_to("/p/mood")
    return inside


async def test_a_face_is_an_answer_and_a_sentence_may_follow(story: Story, inside: Inside) -> None:
    await feels(story, inside)
    page = await inside.presses("🙂4 不错")
    assert "记下了，真好" in page
    await inside.presses("发送", words="今天包了饺子")
    assert "记下了，谢谢您" in inside.page
    [answer] = await rows(story, MoodPrompt)
    assert (answer.score, answer.note) == (4, "今天包了饺子")


async def test_a_face_and_a_sentence_go_together(story: Story, inside: Inside) -> None:
    await feels(story, inside)
    await inside.presses("😐3 一般", words="有点累")
    [answer] = await rows(story, MoodPrompt)
    assert (answer.score, answer.note) == (3, "有点累")


async def test_the_answer_belongs_to_what_was_asked_that_week(story: Story, member: Phone, inside: Inside) -> None:
    await story.wednesday(13, 40)
    await member.says("1")
    await story.wednesday(16, 30)
    await member.hears("今天心情怎么样")
    await inside.taps_link(link_in(story.platform.user(member.openid).bubbles[-1].raw))
    await inside.presses("😄5 很好")
    [answer] = await rows(story, MoodPrompt)
    assert (answer.score, answer.state.value) == (5, "answered")


async def test_a_low_face_is_asked_about_a_call_and_a_tap_brings_one(
    story: Story, member: Phone, inside: Inside
) -> None:
    worker = await story.phone("王乐")
    await feels(story, inside)
    page = await inside.presses("🙁2 不太好")
    assert "要不要王乐给您回个电话" in page
    assert inside.buttons == ["要", "先不用", "发送"]
    yes = inside.form("要")
    page = await inside.presses(yes)
    assert "我跟王乐说了" in page
    await inside.presses(yes)
    await worker.sees_card("待办提醒")
    flags = await rows(story, Flag)
    assert [(flag.level, flag.rule) for flag in flags] == [(Level.ORANGE, "mood.wants-a-call")]


async def test_the_lowest_face_twice_running_asks_for_a_person_as_in_the_chat(story: Story, inside: Inside) -> None:
    for _ in range(2):
        await feels(story, inside)
        await inside.presses("😣1 很难受")
        await inside.presses("先不用")
        await story.clock.forward(days=1)
    assert [flag.rule for flag in await rows(story, Flag)] == ["mood.lowest-twice"]


async def test_words_of_danger_on_the_page_are_words_of_danger(story: Story, member: Phone, inside: Inside) -> None:
    worker = await story.phone("王乐")
    await feels(story, inside)
    page = await inside.presses("😣1 很难受", words=WORDS)
    assert "您不用一个人扛着" in page
    assert "我已经请王乐来联系您" in page
    assert "12356" in page
    assert "120" in page
    assert inside.buttons == ["安全", "需要帮忙"]
    assert re.findall(r'href="tel:(\d+)"', page) == ["12356", "120", "110"]
    card = await worker.sees_card("待办提醒")
    assert WORDS[:4] in await story.open_link(card["url"])
    [case] = await rows(story, CaseRow)
    assert case.level is Level.RED
    [answer] = await rows(story, MoodPrompt)
    assert answer.score == 1


async def test_what_is_said_on_the_page_is_said_once_however_often_it_is_sent(story: Story, inside: Inside) -> None:
    await feels(story, inside)
    form = inside.form("😣1 很难受")
    first = await inside.presses(form, words=WORDS)
    again = await inside.presses(form, words=WORDS)
    assert "您不用一个人扛着" in first
    assert "您不用一个人扛着" in again
    assert len(await rows(story, Flag)) == 1
    assert [row.kind for row in await rows(story, Inbox) if row.key.startswith("page:")] == ["text"]


async def test_who_needs_help_says_so_with_one_tap_and_it_is_a_cry_for_help(
    story: Story, member: Phone, inside: Inside
) -> None:
    worker = await story.phone("王乐")
    await feels(story, inside)
    await inside.presses("😣1 很难受", words=WORDS)
    await worker.says("接")
    page = await inside.presses("需要帮忙")
    assert "我正在叫人" in page
    await worker.hears("说现在需要帮忙")


async def test_who_is_safe_says_so_with_one_tap(story: Story, member: Phone, inside: Inside) -> None:
    await feels(story, inside)
    await inside.presses("😣1 很难受", words=WORDS)
    page = await inside.presses("安全")
    assert "好，我记下了" in page
    await member.says("2")
    await member.hears_not("我正在叫人")


async def test_a_danger_in_pieces_is_put_together_across_chat_and_page(
    story: Story, member: Phone, inside: Inside
) -> None:
    await member.says("我今晚就去")
    assert await rows(story, Flag) == []
    await feels(story, inside)
    await inside.presses("😣1 很难受", words="跳河")
    assert [flag.level for flag in await rows(story, Flag)] == [Level.RED]


async def test_the_page_opens_no_window_for_our_messages(story: Story, member: Phone, inside: Inside) -> None:
    await story.clock.forward(days=3)
    [before] = await rows(story, Contact, Contact.openid == member.openid)
    await feels(story, inside)
    await inside.presses("🙂4 不错", words="还行")
    [after] = await rows(story, Contact, Contact.openid == member.openid)
    assert (after.window_left, after.window_until) == (before.window_left, before.window_until)


async def test_nothing_pressed_and_nothing_written_asks_again(story: Story, inside: Inside) -> None:
    await feels(story, inside)
    form = inside.form("🙂4 不错")
    del form.fields["score"]
    await inside.presses(form, words="  ")
    assert inside.status == 422
    assert "请点一个，或者写一句" in inside.page


async def test_when_nothing_can_be_kept_the_numbers_are_there_and_so_are_the_words(
    story: Story, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feels(story, inside)

    async def broken(*_args: object, **_more: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("bot.reception.Reception.receive", broken)
    await inside.presses("😣1 很难受", words=WORDS)
    assert inside.status == 503
    assert "没有记下" in inside.page
    assert WORDS in inside.page
    assert "120" in inside.page
    monkeypatch.undo()
    await inside.presses("发送", words=WORDS)
    assert [flag.level for flag in await rows(story, Flag)] == [Level.RED]


async def test_who_did_not_agree_to_be_asked_is_not_asked_by_a_page(story: Story) -> None:
    member = await story.joined(mood=False)
    async with Inside(story, member) as inside:
        await inside.goes_to("/p/mood")
    assert "没有选每周问心情" in inside.page
    assert inside.buttons == []


async def test_who_took_it_back_is_still_heard_but_no_face_is_kept(story: Story, member: Phone, inside: Inside) -> None:
    await feels(story, inside)
    face = inside.form("😣1 很难受")
    await inside.goes_to("/p/consent")
    await inside.presses(inside.form("停掉", 1))
    await inside.presses(face)
    assert "没有选每周问心情" in inside.page
    await inside.presses(face, words=WORDS)
    assert "您不用一个人扛着" in inside.page
    assert await rows(story, MoodPrompt) == []
    assert [flag.level for flag in await rows(story, Flag)] == [Level.RED]


async def test_the_answer_can_be_looked_at_again_for_a_day(story: Story, inside: Inside) -> None:
    await feels(story, inside)
    await inside.presses("😣1 很难受", words=WORDS)
    there = inside.address
    assert "您不用一个人扛着" in await inside.follows(there)
    await story.clock.forward(hours=23)
    assert "您不用一个人扛着" in await inside.follows(there)
    await story.clock.forward(hours=2)
    await inside.follows(there)
    assert inside.status == 410  # the link from the menu is over as well


async def test_a_command_on_the_page_is_a_command(story: Story, member: Phone, inside: Inside) -> None:
    worker = await story.phone("王乐")
    await feels(story, inside)
    page = await inside.presses("🙁2 不太好", words="找人")
    assert "已经告诉王乐" in page
    await worker.hears("请您看一下")


# What is kept about me


async def test_my_data_shows_what_is_kept_and_who_sees_it(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    await member.says("1")
    await feels(story, inside)
    await inside.presses("😐3 一般", words="有点累")
    page = await inside.goes_to("/p/data")
    for words in ("小河", "心情：只有王乐", "李老师", "手工课", "能来", "3 一般", "有点累", "每周问一次心情", "加入"):
        assert words in page, words


async def test_the_file_is_good_for_a_day_and_for_one_person(story: Story, member: Phone, inside: Inside) -> None:
    await member.says("今天包了饺子")
    page = await inside.goes_to("/p/data")
    html, data = re.findall(r'href="(data/[\w-]+\.(?:html|json))"', page)
    file = await inside.goes_to(f"/p/{html}")
    assert "今天包了饺子" in file
    kept = json.loads(await inside.goes_to(f"/p/{data}"))
    assert kept["name"] == "小河"
    assert [one["words"] for one in kept["messages"]][-1] == "今天包了饺子"
    other = await story.joined("阿光")
    async with Inside(story, other) as theirs:
        await theirs.goes_to("/p/data")
        await theirs.goes_to(f"/p/{html}")
        assert theirs.status == 404
        assert "今天包了饺子" not in theirs.page
    await story.clock.forward(hours=25)
    await inside.goes_to("/p/data")
    await inside.goes_to(f"/p/{html}")
    assert inside.status == 410


async def test_a_gap_is_a_gap_and_the_line_breaks_there(story: Story, member: Phone, inside: Inside) -> None:
    await story.wednesday(13, 40)
    await member.says("1")
    await story.wednesday(16, 30)
    await feels(story, inside)
    await inside.presses("🙂4 不错")
    await story.clock.forward(days=14)
    page = await inside.goes_to("/p/data")
    assert "没有回" in page
    assert page.count("<circle") == 1


async def test_asking_for_ones_records_in_the_chat_gives_the_page_as_well(
    story: Story, member: Phone, inside: Inside
) -> None:
    await member.says("我的资料")
    await inside.taps_link(link_in(story.platform.user(member.openid).bubbles[-1].raw))
    assert "我的记录" in inside.page


# What I agreed to


async def test_each_thing_is_turned_off_and_on_by_itself(story: Story, member: Phone, inside: Inside) -> None:
    await inside.goes_to("/p/consent")
    assert inside.page.count("现在开着") == 2  # reminders and the weekly question; the family was put off
    await inside.presses(inside.form("停掉", 1))
    assert "改好了" in inside.page
    who = await registered(story, "xiaohe")
    assert who.stopped == ["mood"]
    answers = await rows(story, Consent, Consent.person_id == who.id, Consent.kind == "mood")
    assert [one.granted for one in answers] == [True, False]
    assert answers[-1].wording == "zh-Hans"
    await inside.presses(inside.form("打开", 0))
    assert (await registered(story, "xiaohe")).stopped == []
    answers = await rows(story, Consent, Consent.person_id == who.id, Consent.kind == "mood")
    assert [one.granted for one in answers] == [True, False, True]


async def test_pressed_twice_it_is_written_down_once(story: Story, member: Phone, inside: Inside) -> None:
    await inside.goes_to("/p/consent")
    off = inside.form("停掉")
    await inside.presses(off)
    await inside.presses(off)
    who = await registered(story, "xiaohe")
    assert len(await rows(story, Consent, Consent.person_id == who.id, Consent.kind == "activities")) == 1


async def test_stopping_the_reminders_takes_back_what_was_on_its_way(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    await member.says("1")
    await inside.goes_to("/p/consent")
    await inside.presses("停掉")
    await story.wednesday(20)
    await member.hears_not("手工课")
    sent = await rows(story, Outbox, Outbox.state == OutboxState.SENT, Outbox.kind == "remind_day")
    assert sent == []


async def test_stopping_everything_is_the_word_of_the_chat(story: Story, member: Phone, inside: Inside) -> None:
    await inside.goes_to("/p/consent")
    await inside.presses("全部停掉")
    assert (await registered(story, "xiaohe")).stopped == ["activities", "family", "mood"]
    assert "提醒都停着" in inside.page
    await member.says("恢复")
    await member.hears("继续提醒您")
    await inside.goes_to("/p/consent")
    assert inside.page.count("现在开着") == 2


async def test_who_agrees_to_be_asked_is_asked_from_then_on(story: Story) -> None:
    member = await story.joined(mood=False)
    async with Inside(story, member) as inside:
        await inside.goes_to("/p/consent")
        await inside.presses("打开")
    assert len(await rows(story, MoodPlan)) == 1


async def test_a_form_of_somebody_elses_page_changes_nothing(story: Story, member: Phone, inside: Inside) -> None:
    other = await story.joined("阿光")
    await inside.goes_to("/p/consent")
    mine = inside.form("全部停掉")
    async with Inside(story, other) as theirs:
        await theirs.goes_to("/p/consent")
        await theirs.presses(mine)
        assert theirs.status == 404
    assert (await registered(story, "xiaohe")).stopped == []


async def test_when_the_half_hour_is_over_a_form_says_to_open_the_page_again(
    story: Story, member: Phone, inside: Inside
) -> None:
    await inside.goes_to("/p/consent")
    await story.clock.forward(minutes=31)
    await inside.presses("全部停掉")
    assert inside.status == 401
    assert "重新打开" in inside.page
    assert (await registered(story, "xiaohe")).stopped == []


def test_every_kind_that_can_be_stopped_belongs_to_what_stops_it() -> None:
    assert {kind for kinds in KINDS.values() for kind in kinds} >= {"invite", "remind_day", "moved", "mood"}


# In every language


@pytest.mark.parametrize("locale", locales())
def test_every_language_has_the_pages_in_words_of_its_own(locale: str) -> None:
    ours, theirs = wording(), wording(locale)
    keys = {key for key in ours.keys() if key.startswith(("member.", "mood."))}  # noqa: SIM118
    assert not keys & theirs.borrowed
    for key in keys:
        assert ours.needs(key) == theirs.needs(key), key
        assert banned(theirs.say(key, **dict.fromkeys(theirs.needs(key), "")), Shows.LOCK_SCREEN) == [], key
    if locale != DEFAULT:
        gaps = {key: dict.fromkeys(ours.needs(key), "") for key in keys}
        same = {key for key in keys if ours.say(key, **gaps[key]) == theirs.say(key, **gaps[key])}
        assert len(same) < len(keys) / 4


@pytest.mark.parametrize("locale", locales())
def test_in_no_language_the_title_of_a_page_tells_anything(locale: str) -> None:
    words = wording(locale)
    titles = [words.say(key) for key in words.keys() if key.startswith("member.") and key.endswith("_title")]  # noqa: SIM118
    assert len(titles) == 5
    assert [title for title in titles if banned(title, Shows.CARD)] == []


async def test_a_programme_that_speaks_english_has_english_pages(
    story: Story, asked: Occurrence, member: Phone, inside: Inside
) -> None:
    async with story.house.db.begin() as session:
        (await session.scalars(select(Programme))).one().locale = "en"
    page = await inside.goes_to("/p/activities")
    assert '<html lang="en">' in page
    assert "Wed 25 Nov 14:00" in page
    await inside.goes_to("/p/mood")
    page = await inside.presses("🙁2 Not so good")
    assert "Would you like 王乐 to give you a call?" in page
    assert inside.buttons == ["Yes, please call", "Not now", "Send"]
    await inside.goes_to("/p/consent")
    await inside.presses("Stop everything")
    assert "All reminders are off" in inside.page


# A relative


@pytest.fixture
async def relative(story: Story, member: Phone) -> Phone:
    await member.says("绑定家属")
    code = await member.hears("请把这六个数字")
    mama = await story.phone("小河妈妈")
    await mama.follows()
    await mama.says(code.splitlines()[1].replace(" ", ""))
    await mama.says("1")
    await mama.hears("好了")
    return mama


async def test_a_relative_sees_time_and_place_and_nothing_else(
    story: Story, asked: Occurrence, relative: Phone, member: Phone
) -> None:
    await member.says("1")
    async with Inside(story, relative) as mama:
        page = await mama.goes_to("/p/activities")
        assert "11月25日（周三）14:00" in page
        assert "段塘街道活动室" in page
        for hidden in ("手工课", "小河", "能来", "您现在是"):
            assert hidden not in page, hidden
        page = await mama.follows(re.findall(r'href="(http://house/p/rsvp/[\w-]+)"', page)[0])
        assert mama.buttons == []
        for hidden in ("手工课", "小河", "能来", "您现在是"):
            assert hidden not in page, hidden
        await mama.goes_to("/p/mood")
        assert mama.status == 403
        page = await mama.goes_to("/p/data")
        assert "手工课" not in page
        assert "心情" not in page


async def test_a_relative_who_was_untied_sees_nothing_more(
    story: Story, asked: Occurrence, relative: Phone, member: Phone
) -> None:
    async with Inside(story, relative) as mama:
        page = await mama.goes_to("/p/activities")
        link = re.findall(r'href="(http://house/p/rsvp/[\w-]+)"', page)[0]
        await member.says("解绑")
        await mama.follows(link)
        assert mama.status == 404
        assert "段塘" not in await mama.goes_to("/p/activities")


async def test_a_relative_stops_with_one_button(story: Story, relative: Phone) -> None:
    async with Inside(story, relative) as mama:
        await mama.goes_to("/p/consent")
        assert mama.buttons == ["全部停掉"]
        await mama.presses("全部停掉")
    [who] = await rows(story, Person, Person.role == "family")
    assert "activities" in who.stopped


# The domain


async def test_the_file_that_proves_the_domain_lies_at_the_root(story: Story) -> None:
    folder = story.settings.data_dir / "verify"
    folder.mkdir()
    (folder / "MP_verify_aB3xYz.txt").write_text("aB3xYz")
    (story.settings.data_dir / "secret.txt").write_text("no")
    async with Visit(story) as browser:
        client = browser._browser
        answer = await client.get("/MP_verify_aB3xYz.txt")
        assert (answer.status_code, answer.text) == (200, "aB3xYz")
        for other in ("/MP_verify_other.txt", "/MP_verify_..%2F..%2Fsecret.txt", "/secret.txt"):
            assert (await client.get(other)).status_code == 404
