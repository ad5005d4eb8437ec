"""The page of accounts: one's own, and those of the staff for whoever leads or runs the machine."""

import re

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.accounts.models import Account, AccountEvent, SignIn
from app.people.models import House, Person, Reach, Role
from tests.conftest import Story
from tests.console.clerk import PASSWORD, Clerk, has_account
from tests.console.test_signin import NEW, WRONG, code, codes_on, events, is_in, needs_second, secret_on, turns_it_on


async def person(story: Story, name: str) -> Person:
    async with story.house.db.read() as session:
        return next(one for one in await session.scalars(select(Person)) if one.name == name)


async def path(story: Story, name: str, verb: str = "") -> str:
    return f"/console/accounts/{(await person(story, name)).id}" + (f"/{verb}" if verb else "")


async def becomes(story: Story, name: str, **what: object) -> None:
    async with story.house.db.begin() as session:
        who = next(one for one in await session.scalars(select(Person)) if one.name == name)
        for field, value in what.items():
            setattr(who, field, value)


async def account(story: Story, name: str) -> Account | None:
    who = await person(story, name)
    async with story.house.db.read() as session:
        found: Account | None = await session.scalar(select(Account).where(col(Account.person_id) == who.id))
        return found


async def new_administrator(story: Story, name: str = "陈工") -> None:
    async with story.house.db.begin() as session:
        home = (await session.scalars(select(House))).first()
        assert home is not None
        house_id = home.id or 0
        session.add(
            Person(programme_id=home.programme_id, house_id=house_id, code="chen", role=Role.ADMINISTRATOR, name=name)
        )


def link_on(page: str) -> str:
    found = re.search(r"http://house(/console/invitation/[\w-]{43})", page)
    assert found, page
    return found[1]


def key_of(clerk: Clerk) -> str | None:
    return next(iter(clerk._browser.cookies.jar)).value


# One's own


async def test_a_new_password_signs_every_other_browser_out(story: Story) -> None:
    async with Clerk(story, "王乐") as phone, Clerk(story, "王乐") as desk:
        before = key_of(desk)
        await desk.opens("/console/accounts")
        page = await desk.presses("改密码", present=PASSWORD, password=NEW, again=NEW)
        assert "密码改好了" in page
        assert key_of(desk) != before
        assert "账号" in await phone.opens("/console")
        assert not is_in(phone)
        assert "账号或密码不对" in await phone.signs_in("wangle")
        await phone.signs_in("wangle", NEW)
        assert is_in(phone)
        desk._browser.cookies.clear()
        desk._browser.cookies.set("tongxing", before or "", domain="house.local")
        await desk.opens("/console")
        assert not is_in(desk)
    assert "password_changed" in await events(story)


async def test_a_password_is_changed_only_by_whoever_knows_the_present_one(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        for present, new, again, says in (
            (WRONG, NEW, NEW, "现在的密码不对"),
            (PASSWORD, "1234567890", "1234567890", "很多人在用"),
            (PASSWORD, NEW, NEW + "。", "两遍密码不一样"),
        ):
            await wangle.opens("/console/accounts")
            page = await wangle.presses("改密码", present=present, password=new, again=again)
            assert wangle.status == 422
            assert says in page
        await wangle.signs_in("wangle")
        assert is_in(wangle)


async def test_whoever_finds_a_browser_open_cannot_guess_the_password_there_either(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        for _ in range(4):
            await wangle.opens("/console/accounts")
            await wangle.presses("改密码", present=WRONG, password=NEW, again=NEW)
        await wangle.opens("/console/accounts")
        assert "现在的密码不对" in await wangle.presses("改密码", present=PASSWORD, password=NEW, again=NEW)
        await story.clock.forward(seconds=3)
        await wangle.opens("/console/accounts")
        assert "密码改好了" in await wangle.presses("改密码", present=PASSWORD, password=NEW, again=NEW)


async def test_a_second_factor_is_turned_on_with_a_new_key_and_off_with_the_password(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle, Clerk(story, "王乐") as other:
        before = key_of(wangle)
        await turns_it_on(story, wangle)
        assert key_of(wangle) != before
        await other.opens("/console")
        assert not is_in(other)
        assert "打开了" in await wangle.opens("/console/accounts")
        off = wangle.button("关掉两步验证")
        assert "现在的密码不对" in await wangle.presses(off, present=WRONG)
        assert "关掉了" in await wangle.presses("关掉两步验证", present=PASSWORD)
        await wangle.presses("退出")
        await wangle.signs_in("wangle")
        assert is_in(wangle)


async def test_a_wrong_code_does_not_turn_it_on_and_the_picture_stays(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        secret = secret_on(await wangle.opens("/console/accounts/second"))
        page = await wangle.presses("打开", code="000000")
        assert wangle.status == 422
        assert secret_on(page) == secret
        await story.clock.forward(minutes=16)
        page = await wangle.presses("打开", code=code(story, secret))
        assert "放得太久" in page
        assert secret_on(page) != secret


async def test_the_picture_of_somebody_else_is_not_taken(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle, Clerk(story, "李红") as lihong:
        secret = secret_on(await lihong.opens("/console/accounts/second"))
        step = lihong.button("打开").form.fields["step"]
        await wangle.posts(
            "/console/accounts/second", [("csrf", wangle.csrf), ("step", step), ("code", code(story, secret))]
        )
        assert wangle.status == 404


async def test_the_picture_says_what_the_words_below_it_say(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        page = await wangle.opens("/console/accounts/second")
        assert f"secret={secret_on(page)}" in page
        assert "<svg" in page
        assert "style=" not in page


async def test_new_codes_end_the_old_ones(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle:
        _secret, old = await turns_it_on(story, wangle)
        await wangle.opens("/console/accounts")
        new = codes_on(await wangle.presses("换一套备用码", present=PASSWORD))
        assert len(new) == 10
        assert not set(old) & set(new)
    async with Clerk(story) as somebody:
        await somebody.signs_in("wangle")
        assert "不对" in await somebody.presses("登录", code=old[0])
        await somebody.presses("登录", code=new[0])
        assert is_in(somebody)


async def test_a_role_that_needs_a_second_factor_cannot_turn_it_off(story: Story) -> None:
    needs_second(story, "worker")
    await has_account(story, "王乐")
    async with Clerk(story) as wangle:
        page = await wangle.signs_in("wangle")
        await wangle.presses("打开", code=code(story, secret_on(page)))
        await wangle.opens("/console/accounts")
        assert "关掉两步验证" not in wangle.buttons
        await wangle.posts("/console/accounts/second/off", [("csrf", wangle.csrf), ("present", PASSWORD)])
        assert "不能关" in wangle.page
    found = await account(story, "王乐")
    assert found is not None
    assert found.totp is not None


async def test_signing_out_everywhere(story: Story) -> None:
    async with Clerk(story, "王乐") as phone, Clerk(story, "王乐") as desk:
        await phone.opens("/console/accounts")
        assert phone.page.count("用过</li>") + phone.page.count("就是这里") == 2
        await phone.presses("全部退出")
        for clerk in (phone, desk):
            await clerk.opens("/console")
            assert not is_in(clerk)


async def test_what_happened_lately_is_there_to_be_seen(story: Story) -> None:
    async with Clerk(story) as thief:
        await has_account(story, "王乐")
        await thief.signs_in("wangle", WRONG)
    async with Clerk(story, "王乐") as wangle:
        assert "密码或验证码不对" in await wangle.opens("/console/accounts")


# Those of the staff


async def test_a_supervisor_invites_a_worker_and_the_link_is_shown_once(story: Story) -> None:
    async with Clerk(story, "周敏") as zhoumin:
        assert "还没有账号" in await zhoumin.opens("/console/accounts")
        await zhoumin.opens(await path(story, "王乐"))
        link = link_on(await zhoumin.presses("给一个邀请链接"))
        assert "/invitation/" not in await zhoumin.opens(await path(story, "王乐"))
        assert "前有效" in zhoumin.page
    async with Clerk(story) as wangle:
        await wangle.opens(link)
        await wangle.presses("定好了", password=NEW, again=NEW)
        assert is_in(wangle)
    async with story.house.db.read() as session:
        event = (await session.scalars(select(AccountEvent).where(col(AccountEvent.kind) == "invited"))).one()
    assert event.by_id == (await person(story, "周敏")).id


async def test_workers_and_counsellors_see_their_own_account_only(story: Story) -> None:
    for name in ("王乐", "李老师"):
        async with Clerk(story, name) as clerk:
            assert "同事的账号" not in await clerk.opens("/console/accounts")
            await clerk.opens(await path(story, "李红"))
            assert clerk.status == 404
            for verb in ("invite", "disable", "enable", "reset"):
                await clerk.opens("/console/accounts")
                await clerk.posts(await path(story, "李红", verb), [("csrf", clerk.csrf)])
                assert clerk.status == 404


async def test_nobody_looks_after_a_higher_role_nor_after_themselves(story: Story) -> None:
    await new_administrator(story)
    await has_account(story, "陈工")
    async with Clerk(story, "周敏") as zhoumin:
        for name in ("陈工", "周敏"):
            page = await zhoumin.opens(await path(story, name))
            assert "不能在这里改" in page
            assert zhoumin.buttons == []
            for verb in ("invite", "disable", "enable", "reset"):
                await zhoumin.posts(await path(story, name, verb), [("csrf", zhoumin.csrf)])
                assert zhoumin.status == 404
                await zhoumin.opens("/console/accounts")
    found = await account(story, "陈工")
    assert found is not None
    assert found.disabled_at is None


async def test_an_administrator_looks_after_supervisors(story: Story) -> None:
    await new_administrator(story)
    async with Clerk(story, "陈工") as chen:
        await chen.opens(await path(story, "周敏"))
        assert link_on(await chen.presses("给一个邀请链接"))


@pytest.mark.parametrize(("reach", "may"), [(Reach.PROGRAMME, False), (Reach.HOUSE, True)])
async def test_nobody_looks_after_somebody_who_sees_more_houses_than_they_do(
    story: Story, reach: Reach, may: bool
) -> None:
    """Otherwise a new password for a colleague would open houses that were never theirs."""
    async with story.house.db.begin() as session:
        home = (await session.scalars(select(House))).first()
        assert home is not None
        session.add(House(programme_id=home.programme_id, code="far", name="石碶小站", zone=home.zone))
    await becomes(story, "周敏", reach=Reach.HOUSE)
    await becomes(story, "李红", reach=reach)
    async with Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(await path(story, "李红"))
        assert bool(zhoumin.buttons) is may
        await zhoumin.posts(await path(story, "李红", "invite"), [("csrf", zhoumin.csrf)])
        assert zhoumin.status == (200 if may else 404)


async def test_whoever_is_disabled_is_out_at_once_until_they_are_let_in_again(story: Story) -> None:
    async with Clerk(story, "王乐") as wangle, Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(await path(story, "王乐"))
        assert "停用了" in await zhoumin.presses("停用")
        await wangle.opens("/console")
        assert not is_in(wangle)
        assert "账号或密码不对" in await wangle.signs_in("wangle")
        await zhoumin.posts(await path(story, "王乐", "invite"), [("csrf", zhoumin.csrf)])
        assert zhoumin.status == 404
        await zhoumin.opens(await path(story, "王乐"))
        await zhoumin.presses("恢复")
        await wangle.signs_in("wangle")
        assert is_in(wangle)
    assert [kind for kind in await events(story) if kind in ("disabled", "enabled")] == ["disabled", "enabled"]


async def test_disabling_ends_the_link_that_was_given_before(story: Story) -> None:
    async with Clerk(story, "王乐"), Clerk(story, "周敏") as zhoumin, Clerk(story) as somebody:
        await zhoumin.opens(await path(story, "王乐"))
        link = link_on(await zhoumin.presses("忘了密码：给一个新链接"))
        await zhoumin.presses("停用")
        await zhoumin.presses("恢复")
        await somebody.opens(link)
        assert somebody.status == 404


async def test_after_a_reset_neither_password_nor_phone_opens_anything_but_the_link(story: Story) -> None:
    needs_second(story, "worker")
    await has_account(story, "王乐")
    async with Clerk(story) as wangle:
        page = await wangle.signs_in("wangle")
        await wangle.presses("打开", code=code(story, secret_on(page)))
        needs_second(story)
        async with Clerk(story, "周敏") as zhoumin:
            await zhoumin.opens(await path(story, "王乐"))
            link = link_on(await zhoumin.presses("重设"))
        needs_second(story, "worker")
        await wangle.opens("/console")
        assert not is_in(wangle)
        assert "账号或密码不对" in await wangle.signs_in("wangle")
        await wangle.opens(link)
        page = await wangle.presses("定好了", password=NEW, again=NEW)
        assert "您的身份登录要多一步验证" in page
        await wangle.presses("打开", code=code(story, secret_on(page)))
        await wangle.opens("/console")
        assert is_in(wangle)


async def test_a_member_is_nobody_to_invite(story: Story) -> None:
    await story.joined()
    async with Clerk(story, "周敏") as zhoumin:
        assert "小河" not in await zhoumin.opens("/console/accounts")
        await zhoumin.posts(await path(story, "小河", "invite"), [("csrf", zhoumin.csrf)])
        assert zhoumin.status == 404


async def test_a_long_list_has_pages(story: Story) -> None:
    async with story.house.db.begin() as session:
        home = (await session.scalars(select(House))).first()
        assert home is not None
        for number in range(30):
            session.add(
                Person(
                    programme_id=home.programme_id, house_id=home.id or 0, code=f"w{number}", role=Role.WORKER,
                    name=f"社工{number}号",
                )
            )  # fmt: skip
    async with Clerk(story, "周敏") as zhoumin:
        first = await zhoumin.opens("/console/accounts")
        second = await zhoumin.opens("/console/accounts?skip=20")
    assert "社工3号" in first
    assert "社工29号" not in first
    assert "社工29号" in second


async def test_whatever_is_done_with_an_account_leaves_its_line(story: Story) -> None:
    """Each of these leaves its line, with who did it."""
    async with Clerk(story, "王乐"), Clerk(story, "周敏") as zhoumin:
        await zhoumin.opens(await path(story, "王乐"))
        await zhoumin.presses("重设")
        page = await zhoumin.presses("停用")
        for words in ("给了一个邀请链接", "重设", "停用"):
            assert words in page
        assert page.count("（周敏）") == 3
    async with story.house.db.read() as session:
        rows = list(await session.scalars(select(SignIn).where(col(SignIn.ended_at).is_(None))))
    assert [row.person_id for row in rows] == [(await person(story, "周敏")).id]
