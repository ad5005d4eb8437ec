"""Signing in: what somebody knows, what they have, how often they may guess, and the link it begins with."""

import asyncio
import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.accounts import invitations, passwords, second_factor
from app.accounts import service as accounts
from app.accounts.models import Account, AccountEvent, Invitation, SignIn
from app.accounts.waiting import wait_after
from app.console import addresses
from app.people.models import Person, Role
from tests.conftest import Story
from tests.console.clerk import PASSWORD, Clerk, has_account

NEW = "又高又蓝的天上有三朵云"
WRONG = "不是这一个，是别的"


async def the_account(story: Story, name: str = "王乐") -> Account:
    async with story.house.db.read() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == name)
        return (await session.scalars(select(Account).where(col(Account.person_id) == who.id))).one()


async def events(story: Story, name: str = "王乐") -> list[str]:
    async with story.house.db.read() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == name)
        found = select(AccountEvent).where(col(AccountEvent.person_id) == who.id).order_by(col(AccountEvent.id))
        return [event.kind.value for event in await session.scalars(found)]


async def invited(story: Story, name: str = "王乐") -> str:
    """The path of a link that they were given."""
    async with story.house.db.begin() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == name)
        return f"/console/invitation/{await invitations.make(session, who, None, story.house.clock.now())}"


def secret_on(page: str) -> str:
    found = re.search(r'<span class="code">([A-Z2-7 ]+)</span>', page)
    assert found, page
    return found[1].replace(" ", "")


def codes_on(page: str) -> list[str]:
    return re.findall(r'<li class="code">([^<]+)</li>', page)


def code(story: Story, secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(story.house.clock.now(), counter_offset=steps)


def needs_second(story: Story, *roles: str) -> None:
    """From now on whoever has these roles must have a second factor."""
    story.house.settings = story.settings.model_copy(update={"console_totp_for": roles})


async def turns_it_on(story: Story, clerk: Clerk) -> tuple[str, list[str]]:
    """The secret, and the codes for when the phone is gone."""
    page = await clerk.opens("/console/accounts/second")
    secret = secret_on(page)
    page = await clerk.presses("打开", code=code(story, secret))
    assert "只显示这一次" in page, page
    await story.clock.forward(minutes=1)  # the code that turned it on is used up
    return secret, codes_on(page)


def is_in(clerk: Clerk) -> bool:
    return "退出" in clerk.page and clerk.status == 200


# Guessing


async def test_after_three_wrong_passwords_even_the_right_one_has_to_wait(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        for _ in range(4):
            await somebody.signs_in("wangle", WRONG)
        assert "要等几分钟" in await somebody.signs_in("wangle")
        await story.clock.forward(seconds=3)
        await somebody.signs_in("wangle")
        assert is_in(somebody)
    assert (await the_account(story)).failed == 0
    assert await events(story) == ["refused"] * 4 + ["signed_in"]


async def test_what_is_tried_while_it_has_to_wait_is_neither_looked_at_nor_makes_the_wait_longer(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        for _ in range(9):
            await somebody.signs_in("wangle", WRONG)
    account = await the_account(story)
    assert account.failed == 4
    assert account.wait_until == story.house.clock.now() + timedelta(seconds=2)


async def test_of_many_guesses_at_the_same_moment_no_more_are_looked_at_than_one_after_the_other(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        await somebody.opens("/console/login")
        fields = somebody.button("登录").form.filled({"login": "wangle", "password": WRONG})
        await asyncio.gather(*(somebody.posts("/console/login", fields) for _ in range(12)))
    assert (await events(story)).count("refused") == 4


def test_the_wait_grows_and_ends_at_five_minutes() -> None:
    waits = [wait_after(failed).total_seconds() for failed in range(14)]
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert wait_after(10**9) == timedelta(minutes=5)


async def test_an_account_that_has_to_wait_answers_like_one_that_does_not_exist(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        for _ in range(5):
            waiting = await somebody.signs_in("wangle", WRONG)
        unknown = await somebody.signs_in("nobody", WRONG)
    without = [re.sub(r'value="[^"]*"', "", page) for page in (waiting, unknown)]
    assert without[0] == without[1]


@pytest.mark.parametrize("login", ["wangle", "nobody"])
async def test_a_password_is_hashed_once_whether_there_is_such_an_account_or_not(
    story: Story, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the time is done alike, so that the time tells nothing."""
    await has_account(story, "王乐")
    done: list[str] = []
    real = accounts.HASHER

    class Counting:
        def hash(self, password: str) -> str:
            done.append("hash")
            return real.hash(password)

        def verify(self, password: str, known: str) -> bool:
            done.append("verify")
            return real.verify(password, known)

    monkeypatch.setattr(accounts, "HASHER", Counting())
    async with Clerk(story) as somebody:
        await somebody.signs_in(login, WRONG)
    assert len(done) == 1


async def test_one_address_cannot_try_thousands_of_accounts(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "AT_ONCE", 5)
    monkeypatch.setattr(addresses, "A_SECOND", 1e-9)
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        for number in range(5):
            await somebody.signs_in(f"nobody{number}", WRONG)
            assert somebody.status == 422
        page = await somebody.signs_in("wangle")
        assert somebody.status == 429
        assert "次数太多" in page


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_a_network_of_ipv6_is_one_address(one: str, other: str, same: bool) -> None:
    assert (addresses._network(one) == addresses._network(other)) is same


async def test_a_login_is_the_same_however_it_is_typed(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        await somebody.signs_in(" ＷａｎｇＬｅ ")
        assert is_in(somebody)


async def test_whoever_is_not_of_the_staff_any_more_is_not_let_in(story: Story) -> None:
    await has_account(story, "王乐")
    async with story.house.db.begin() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == "王乐")
        who.role = Role.MEMBER
    async with Clerk(story) as somebody:
        assert "账号或密码不对" in await somebody.signs_in("wangle")


# The second factor


async def test_with_a_second_factor_a_password_alone_opens_nothing(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, _codes = await turns_it_on(story, wangle)
    async with Clerk(story) as somebody:
        page = await somebody.signs_in("wangle")
        assert "还差一步" in page
        assert not somebody._browser.cookies
        assert "账号" in await somebody.opens("/console")
        await somebody.signs_in("wangle")
        await somebody.presses("登录", code=code(story, secret))
        assert is_in(somebody)


async def test_after_the_second_step_somebody_comes_where_they_wanted(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, _codes = await turns_it_on(story, wangle)
    async with Clerk(story) as somebody:
        await somebody.opens("/console/inbox?tab=tasks")
        await somebody.presses("登录", login="wangle", password=PASSWORD)
        await somebody.presses("登录", code=code(story, secret))
        assert somebody.at.endswith("/console/inbox?tab=tasks")


async def test_no_code_works_twice(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, _codes = await turns_it_on(story, wangle)
    once = code(story, secret)
    async with Clerk(story) as one, Clerk(story) as other:
        for somebody in (one, other):
            await somebody.signs_in("wangle")
            await somebody.presses("登录", code=once)
        assert is_in(one)
        assert "用过了" in other.page
        assert other.status == 422


@pytest.mark.parametrize(("steps", "fine"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_phone_may_be_wrong_by_half_a_minute(story: Story, steps: int, fine: bool) -> None:
    secret = second_factor.new_secret()
    now = story.house.clock.now()
    assert (second_factor.taken(secret, code(story, secret, steps=steps), now, None) is not None) is fine


async def test_an_older_code_is_no_good_after_a_newer_one(story: Story) -> None:
    secret, now = second_factor.new_secret(), story.house.clock.now()
    newer = second_factor.taken(secret, code(story, secret), now, None)
    assert second_factor.taken(secret, code(story, secret, steps=-1), now, newer) is None
    assert second_factor.taken(secret, code(story, secret, steps=1), now, newer) is not None


def test_a_code_may_be_typed_with_spaces_and_full_width_digits(story: Story) -> None:
    secret, now = second_factor.new_secret(), story.house.clock.now()
    typed = code(story, secret)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in typed)
    assert second_factor.taken(secret, f" {typed[:3]} {typed[3:]} ", now, None) is not None
    assert second_factor.taken(secret, wide, now, None) is not None
    for wrong in ("", "12345", "1234567", "abcdef", "٠١٢٣٤٥"):
        assert second_factor.taken(secret, wrong, now, None) is None


async def test_a_code_on_paper_stands_in_for_the_phone_once(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        _secret, codes = await turns_it_on(story, wangle)
        assert len(set(codes)) == 10
    async with Clerk(story) as one, Clerk(story) as other:
        for somebody, typed in ((one, codes[0].upper().replace("-", " ")), (other, codes[0])):
            await somebody.signs_in("wangle")
            await somebody.presses("登录", code=typed)
        assert is_in(one)
        assert not is_in(other)
        assert "9 个备用码" in await one.opens("/console/accounts")
    assert "code_used" in await events(story)


async def test_neither_codes_nor_secret_can_be_read_in_the_database(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, codes = await turns_it_on(story, wangle)
    written = b"".join(file.read_bytes() for file in story.settings.data_dir.glob("tongxing.db*"))
    for text in (secret, *codes, *(one.replace("-", "") for one in codes), PASSWORD):
        assert text.encode() not in written


async def test_guessing_codes_makes_the_wait_longer_however_often_the_password_is_right(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        await turns_it_on(story, wangle)
    async with Clerk(story) as thief:
        for guess in ("000001", "000002", "000003", "000004"):
            await thief.signs_in("wangle")
            await thief.presses("登录", code=guess)
        assert "账号或密码不对" in await thief.signs_in("wangle")
    assert (await the_account(story)).failed == 4


async def test_the_second_step_is_over_after_ten_minutes_and_when_the_password_is_another(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, _codes = await turns_it_on(story, wangle)
        async with Clerk(story) as late, Clerk(story) as thief:
            await late.signs_in("wangle")
            await story.clock.forward(minutes=11)
            assert "放得太久" in await late.presses("登录", code=code(story, secret))
            await thief.signs_in("wangle")
            await wangle.opens("/console/accounts")
            await wangle.presses("改密码", present=PASSWORD, password=NEW, again=NEW)
            assert "放得太久" in await thief.presses("登录", code=code(story, secret))
            assert not thief._browser.cookies


async def test_what_seals_one_step_opens_no_other(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        await turns_it_on(story, wangle)
    async with Clerk(story) as somebody:
        await somebody.opens("/console/login")
        made = somebody.button("登录").form.fields["form"]
        await somebody.signs_in("wangle")
        step = somebody.button("登录").form.fields["step"]
        for path, fields in (
            ("/console/second", [("step", made), ("code", "123456")]),
            ("/console/enrol", [("step", step), ("code", "123456")]),
            ("/console/login", [("form", step), ("login", "wangle"), ("password", PASSWORD)]),
            ("/console/second", []),
        ):
            await somebody.posts(path, fields)
            assert somebody.status == 400, path
            assert not somebody._browser.cookies


async def test_a_supervisor_has_to_have_one_before_anything_is_opened(story: Story) -> None:
    needs_second(story, "supervisor", "administrator")
    await has_account(story, "周敏")
    async with Clerk(story) as zhoumin:
        page = await zhoumin.signs_in("zhoumin")
        assert "您的身份登录要多一步验证" in page
        assert not zhoumin._browser.cookies
        secret = secret_on(page)
        page = await zhoumin.presses("打开", code="000000")
        assert "数字不对" in page
        assert secret_on(page) == secret  # the picture that was scanned stays
        page = await zhoumin.presses("打开", code=code(story, secret))
        assert len(codes_on(page)) == 10
        assert "周敏" in await zhoumin.opens("/console")
    await story.clock.forward(minutes=1)
    async with Clerk(story) as again:
        assert "还差一步" in await again.signs_in("zhoumin")


async def test_what_was_begun_without_a_second_factor_cannot_put_another_in_its_place(story: Story) -> None:
    needs_second(story, "supervisor")
    await has_account(story, "周敏")
    async with Clerk(story) as zhoumin, Clerk(story) as thief:
        await zhoumin.signs_in("zhoumin")
        stolen = secret_on(await thief.signs_in("zhoumin"))
        await zhoumin.presses("打开", code=code(story, secret_on(zhoumin.page)))
        await thief.presses("打开", code=code(story, stolen))
        assert thief.status == 400
        assert not thief._browser.cookies


async def test_a_worker_need_not_have_one_unless_the_house_says_so(story: Story) -> None:
    needs_second(story, "supervisor", "administrator")
    await has_account(story, "王乐")
    async with Clerk(story) as wangle:
        await wangle.signs_in("wangle")
        assert is_in(wangle)
    needs_second(story, "worker")
    async with Clerk(story) as wangle:
        assert "您的身份登录要多一步验证" in await wangle.signs_in("wangle")


async def test_every_sign_in_has_a_key_of_its_own(story: Story) -> None:
    await has_account(story, "王乐")
    async with Clerk(story) as somebody:
        keys = set()
        somebody._browser.cookies.set("tongxing", "what somebody else put there")
        for _ in range(3):
            await somebody.signs_in("wangle")
            keys.add(somebody._browser.cookies.get("tongxing", domain="house.local"))
        assert len(keys) == 3
        assert "what somebody else put there" not in keys


# An invitation


async def test_somebody_chooses_login_and_password_and_is_in(story: Story) -> None:
    link = await invited(story)
    async with Clerk(story) as wangle:
        page = await wangle.opens(link)
        assert "王乐，您好" in page
        assert 'value="wangle"' in page
        await wangle.presses("定好了", login="Wang.Le", password=NEW, again=NEW)
        assert is_in(wangle)
    async with Clerk(story) as again:
        await again.signs_in("wang.le", NEW)
        assert is_in(again)
    assert await events(story) == ["invited", "joined", "signed_in", "signed_in"]


async def test_a_link_works_once(story: Story) -> None:
    link = await invited(story)
    async with Clerk(story) as wangle, Clerk(story) as other:
        await other.opens(link)
        await wangle.opens(link)
        await wangle.presses("定好了", password=NEW, again=NEW)
        await other.presses("定好了", login="other", password=NEW, again=NEW)
        assert other.status == 404
        assert "用过了" in await other.opens(link)
        assert not other._browser.cookies


async def test_a_link_works_for_three_days_and_a_newer_one_ends_it(story: Story) -> None:
    first = await invited(story)
    async with Clerk(story) as somebody:
        second = await invited(story)
        await somebody.opens(first)
        assert somebody.status == 404
        await story.clock.forward(hours=71)
        await somebody.opens(second)
        assert somebody.status == 200
        await story.clock.forward(hours=2)
        await somebody.opens(second)
        assert somebody.status == 404


async def test_only_whoever_was_given_the_link_knows_it(story: Story) -> None:
    token = (await invited(story)).rsplit("/", 1)[1]
    async with story.house.db.read() as session:
        row = (await session.scalars(select(Invitation))).one()
    assert token not in str(row.model_dump())
    assert len(token) >= 43


async def test_wrong_input_says_what_to_do_and_keeps_the_login(story: Story) -> None:
    await has_account(story, "李红")
    link = await invited(story)
    async with Clerk(story) as wangle:
        await wangle.opens(link)
        for fields, says in (
            ({"login": "王 乐"}, "账号要 2 到 60 个字"),
            ({"login": "lihong"}, "别人已经用了"),
            ({"login": "wl", "password": "短短短", "again": "短短短"}, "太短"),
            ({"login": "wl", "password": "1234567890", "again": "1234567890"}, "很多人在用"),
            ({"login": "wangle", "password": "wangle王乐2026", "again": "wangle王乐2026"}, "名字或账号"),
            ({"login": "wl", "again": NEW + "。"}, "两遍密码不一样"),
        ):
            page = await wangle.presses("定好了", **{"password": NEW, "again": NEW, **fields})
            assert wangle.status == 422
            assert says in page
            assert f'value="{fields["login"]}"' in page
            assert NEW not in page
        await wangle.presses("定好了", login="wl", password=NEW, again=NEW)
        assert is_in(wangle)


async def test_whoever_forgot_their_password_chooses_another_and_nothing_old_opens(story: Story) -> None:
    async with Clerk(story, "王乐") as before:
        link = await invited(story)
        async with Clerk(story) as wangle:
            assert "定一个新密码" in await wangle.opens(link)
            await wangle.presses("定好了", password=NEW, again=NEW)
            assert is_in(wangle)
        assert "账号" in await before.opens("/console")
        assert "账号或密码不对" in await before.signs_in("wangle")


async def test_a_link_does_not_get_past_a_second_factor(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret, _codes = await turns_it_on(story, wangle)
    link = await invited(story)
    async with Clerk(story) as somebody:
        await somebody.opens(link)
        assert "还差一步" in await somebody.presses("定好了", password=NEW, again=NEW)
        assert not somebody._browser.cookies
        await somebody.presses("登录", code=code(story, secret))
        assert is_in(somebody)


async def test_an_invited_supervisor_gets_a_second_factor_on_the_way(story: Story) -> None:
    needs_second(story, "supervisor")
    link = await invited(story, "周敏")
    async with Clerk(story) as zhoumin:
        await zhoumin.opens(link)
        page = await zhoumin.presses("定好了", password=NEW, again=NEW)
        assert not zhoumin._browser.cookies
        page = await zhoumin.presses("打开", code=code(story, secret_on(page)))
        assert len(codes_on(page)) == 10
        await zhoumin.opens("/console")
        assert is_in(zhoumin)


async def test_nobody_signs_in_from_a_strangers_page(story: Story) -> None:
    link = await invited(story)
    async with Clerk(story) as somebody:
        await somebody.opens(link)
        elsewhere = {"origin": "https://elsewhere.example"}
        await somebody.presses("定好了", password=NEW, again=NEW, headers=elsewhere)
        assert somebody.status == 400
        await somebody.opens(link)
        assert somebody.status == 200  # not used


# What may be a password


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("123456789", "short"),
        ("一二三四五六七八九", "short"),
        ("x" * 201, "long"),
        ("aaaaaaaaaaaa", "common"),
        ("abcabcabcabc", "common"),
        ("qwertyuiop", "common"),
        ("Password123", "common"),
        ("9876543210", "common"),
        ("１２３４５６７８９０", "common"),
        ("wanglewangle", "own"),
        ("anbaanbaanba", "common"),
        ("王乐wangle12345", "own"),
        ("correct horse battery", ""),
        (NEW, ""),
        ("wangle 爱喝龙井茶叶", ""),
    ],
)
def test_a_password_is_long_and_not_what_everybody_tries_first(password: str, fault: str) -> None:
    assert passwords.fault(password, ("wangle", "王乐", "")) == fault


def test_every_common_password_is_long_enough_to_need_a_list() -> None:
    assert all(len(word) >= passwords.SHORTEST for word in passwords.COMMON)


async def test_the_last_sign_in_can_be_seen_by_whoever_signed_in(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/accounts")
        assert "登录着的地方" in page
        assert "就是这里" in page
    async with story.house.db.read() as session:
        assert len(list(await session.scalars(select(SignIn)))) == 1
