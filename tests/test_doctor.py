"""The doctor: one line a check, and what to do about each that fails."""

import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from app import doctor, menu_command, migrations
from app.duty import changes
from app.duty.models import DayKind
from app.messages import channels
from app.messages.models import Alarm, Channel, Contact
from app.people import service as people
from app.settings import GivenSettings, Settings
from app.watch import service as watch
from app.watch.models import Role
from bot.outside import Misconfigured
from tests.conftest import MONDAY, Story

PUBLIC = "https://house.example.org"
WECOM: dict[str, Any] = {
    "wecom_corp_id": "ww_of_nobody", "wecom_agent_id": 1, "wecom_secret": "s", "wecom_token": "t",
    "wecom_encoding_aes_key": "k" * 43,
}  # fmt: skip


def changed(settings: Settings, **values: Any) -> Settings:
    return GivenSettings.model_validate({**settings.model_dump(), "public_url": PUBLIC, **values})


async def lines(story: Story, settings: Settings | None = None, **more: Any) -> list[str]:
    found = await doctor.examine(
        settings or changed(story.settings), story.house.clock, story.house.worlds.wechat, **more
    )
    return [str(line) for line in found]


async def line(story: Story, what: str, settings: Settings | None = None, **more: Any) -> str:
    """The one line about `what`."""
    [found] = [one for one in await lines(story, settings, **more) if one[2:].split("：")[0] == what]
    return found


async def test_an_installation_that_is_set_up_right_is_told_so(story: Story) -> None:
    watched = {"operator_robot": "k", "ping_url": "https://ping.example.org/x", "metrics_token": "t" * 16}
    settings = changed(story.settings, wechat_subscription_activity="TPL_ACTIVITY", **watched)
    async with story.house.db.begin() as session:
        await watch.beat(session, {Role.WEB: "web-1", Role.WORKER: "worker-1"}, story.house.clock.now())
    await menu_command.push(settings, story.house.clock, story.house.worlds.wechat)
    assert await lines(story, settings) == [
        "✓ 设置：读得懂",
        "✓ 时钟：没有拨快",
        f"✓ 网址：{PUBLIC}",
        "✓ 网页授权域名：在公众平台“网页授权域名”里填 house.example.org；验证文件见 docs/install.zh.md 第 4 步",
        f"✓ 数据文件夹：{settings.data_dir}",
        f"✓ 数据库：连得上，表是 {migrations.head()} 版",
        "✓ 密钥：和数据库的是同一个",
        "✓ 警报：24 小时内没有",
        "✓ 通道：没有关着的",
        "✓ 工作人员：4 位都至少有一个通道",
        "✓ 求助电话：CN：12356、120、110；几点有人接没有写：12356",
        "✓ 求助：每一步都有人，每个人都收得到",
        "✓ 调休：今后 30 天放哪天、补哪天都知道",
        "－ 第二意见：没有设置 TONGXING_SECOND_OPINION_URL，大家的话不出这台机器",
        "✓ 运行：接收消息和到点做事的都有动静（到点做事的 1 个）",
        "✓ 出事告诉谁：依次用 群机器人",
        "✓ 外面的看守：一切正常时每分钟报一次平安",
        "✓ 指标：/metrics 开着，要令牌",
        "✓ 公众号：拿得到 access_token",
        "✓ 回调：微信找得到 127.0.0.1",
        "✓ 待办模板：「待办提醒」，字段都对得上",
        "✓ 活动模板：「活动提醒」，字段都对得上",
        "✓ 订阅通知模板：「活动提醒」，字段都对得上",
        "✓ 菜单：和文件里的一样",
        "－ 企业微信：没有设置 TONGXING_WECOM_CORP_ID 等，见 docs/settings.md",
    ]


# This machine


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://house.example.org", "不是 https"),
        ("house.example.org", "不是 https"),
        ("https://localhost:8000", "指着这台机器自己或内网"),
        ("https://127.0.0.1", "指着这台机器自己或内网"),
        ("https://192.168.1.7", "指着这台机器自己或内网"),
        ("https://[::1", "不是网址"),
        ("https://康复之家.example.org", "里有“康复”：链接谁都看得见"),
    ],
)
async def test_an_address_that_nobody_can_or_should_open(story: Story, url: str, said: str) -> None:
    assert said in await line(story, "网址", changed(story.settings, public_url=url))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://house.example.org", "要是 https 的域名"),
        ("https://203.0.113.7", "不认 IP"),
        ("https://8.8.8.8", "不认 IP"),
        ("https://localhost", "不认 IP"),
        ("https://house.example.org:8443", "打不开 8443 端口"),
        ("https://[::1", "填不了"),
    ],
)
async def test_an_address_that_wechat_will_not_tell_who_opened_it(story: Story, url: str, said: str) -> None:
    found = await line(story, "网页授权域名", changed(story.settings, public_url=url))
    assert found.startswith("✗")
    assert said in found


async def test_the_file_that_proves_the_domain_is_seen(story: Story) -> None:
    folder = story.settings.data_dir / "verify"
    folder.mkdir()
    (folder / "MP_verify_aB3.txt").touch()
    assert "MP_verify_aB3.txt" in await line(story, "网页授权域名")


async def test_whoever_knows_better_which_words_are_banned_says_so(story: Story) -> None:
    def banned(text: str) -> list[str]:
        return ["house"] if "house" in text else []

    assert "✗ 网址：TONGXING_PUBLIC_URL 里有“house”" in await line(story, "网址", banned=banned)


async def test_a_clock_that_was_moved_is_noticed(story: Story) -> None:
    assert (await line(story, "时钟", changed(story.settings, clock_offset=3600))).startswith("✗ 时钟：拨快了 3600 秒")


async def test_the_numbers_that_people_in_danger_get_are_the_same_while_the_database_is_away(story: Story) -> None:
    said = await line(story, "求助电话", changed(story.settings, region="NZ"))
    assert said.startswith("✗ 求助电话：项目在 CN，TONGXING_REGION 是 NZ")
    assert said.endswith("请设成 TONGXING_REGION=CN")


async def test_a_number_that_nobody_can_be_told_is_noticed_and_so_is_one_whose_hours_are_known(story: Story) -> None:
    async with story.house.db.begin() as session:
        programme = await people.only_programme(session)
        assert programme is not None
        programme.lines = [{"number": "12356", "use": "talk", "day_and_night": True}]
    assert await line(story, "求助电话") == "✓ 求助电话：CN：12356、120、110"
    async with story.house.db.begin() as session:
        programme = await people.only_programme(session)
        assert programme is not None
        programme.lines = [{"number": "12356", "use": "chat"}]
    assert (await line(story, "求助电话")).startswith("✗ 求助电话：项目自己的号码有 1 个读不懂")


async def test_a_folder_that_is_not_there(story: Story, tmp_path: Path) -> None:
    settings = changed(story.settings, data_dir=tmp_path / "no")
    assert (await line(story, "数据文件夹", settings)).startswith("✗ 数据文件夹：没有 ")
    assert not (tmp_path / "no").exists()


# The database


async def test_without_a_database_everything_else_is_still_looked_at(story: Story, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    settings = changed(story.settings, database_url=f"sqlite+aiosqlite:///{missing}")
    found = await lines(story, settings)
    assert f"✗ 数据库：还没有 {missing}：请先运行 tongxing migrate" in found
    assert "✓ 公众号：拿得到 access_token" in found
    assert not missing.exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://a@127.0.0.1:1/b", "连不上（OperationalError）"),
        ("sqlite+aiosqlite:///{folder}/empty.db", "里面还没有表：请运行 tongxing migrate"),
        ("sqlite+aiosqlite:///{folder}/old.db", f"表是 0001 版，不是这个程序的 {migrations.head()}"),
        ("sqlite+aiosqlite:///{folder}/junk.db", "连不上（DatabaseError）"),
    ],
)
async def test_a_database_that_cannot_be_used(
    story: Story, tmp_path: Path, migrated_file: Path, url: str, said: str
) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "junk.db").write_bytes(b"what is this" * 500)
    shutil.copy(migrated_file, tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as file:
        file.execute("update alembic_version set version_num = '0001'")
        file.commit()
    settings = changed(story.settings, database_url=url.format(folder=tmp_path))
    assert said in await line(story, "数据库", settings)


async def test_a_key_that_is_not_the_one_of_the_database(story: Story) -> None:
    settings = changed(story.settings, secret_key="quite another key, from before")
    assert (await line(story, "密钥", settings)).startswith("✗ 密钥：TONGXING_SECRET_KEY 和数据库里用的不是同一个")
    assert (await line(story, "密钥", changed(story.settings, secret_key="short"))).startswith("✗ 密钥：")


async def test_a_database_that_was_never_used_is_not_written_to(
    story: Story, tmp_path: Path, migrated_file: Path
) -> None:
    shutil.copy(migrated_file, tmp_path / "new.db")
    settings = changed(story.settings, database_url=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    assert await line(story, "密钥", settings) == "✓ 密钥：数据库还没用过，第一次启动会记住它"
    assert (await line(story, "工作人员", settings)).startswith("－ 工作人员：还没有")
    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        assert file.execute("select count(*) from installation").fetchone() == (0,)


# What happened lately


async def test_alarms_of_a_day_are_counted_by_kind(story: Story) -> None:
    now = story.house.clock.now()
    async with story.house.db.begin() as session:
        for hours, errcode in ((1, 40164), (2, 40164), (3, None), (25, 45009)):
            at = now - timedelta(hours=hours)
            session.add(Alarm(key=f"k{hours}", channel="template", what="misconfigured", errcode=errcode, at=at))
    found = [one for one in await lines(story) if "警报" in one]
    assert found == [
        "✗ 警报：template misconfigured，24 小时内 1 次：看日志里当时的说明",
        "✗ 警报：template misconfigured 40164，24 小时内 2 次：服务器 IP 不在公众平台的 IP 白名单里",
    ]


async def test_a_channel_that_is_closed_is_named_until_it_opens(story: Story) -> None:
    until = story.house.clock.now() + timedelta(hours=2)
    async with story.house.db.begin() as session:
        await session.merge(Channel(name="template", closed_until=until, closed_because="quota"))
        await session.merge(Channel(name="customer", closed_until=until - timedelta(hours=3)))
    found = await line(story, "通道")
    assert found.startswith("✗ 通道：template 关到北京时间 11-23 11:00（quota）")
    story.house.clock.forward(hours=2)
    assert await line(story, "通道") == "✓ 通道：没有关着的"


async def test_staff_whom_nothing_reaches_are_named_by_their_code(story: Story) -> None:
    async with story.house.db.begin() as session:
        contact = (await session.scalars(select(Contact).where(Contact.openid == "o_lihong"))).one()
        contact.following = False
    found = await line(story, "工作人员")
    assert found.startswith("✗ 工作人员：1 位现在哪个通道都叫不到（lihong）")
    assert "李红" not in found
    everybody = await line(story, "工作人员", changed(story.settings, wechat_template_duty=""))
    assert "4 位现在哪个通道都叫不到" in everybody


async def test_a_message_of_lately_or_another_channel_is_enough_to_be_reached(story: Story) -> None:
    no_template = changed(story.settings, wechat_template_duty="")
    await (await story.phone("王乐")).says("待办")
    assert "wangle" not in await line(story, "工作人员", no_template)
    async with story.house.db.begin() as session:
        for code, name, value in (
            ("lihong", "phone", "000"),
            ("zhoumin", "mail", "a@b.example"),
            ("lilaoshi", "wecom", "l"),
        ):
            setattr(await people.find_by_code(session, code), name, value)
    assert "（lihong、zhoumin、lilaoshi）" in await line(story, "工作人员", no_template)
    sms = {"sms_gateway": "aliyun", "sms_key_id": "k", "sms_key_secret": "s", "sms_sign": "s", "sms_template_duty": "t"}
    mail = {"mail_host": "mail.example", "mail_from": "house@mail.example"}
    everything = changed(no_template, **WECOM, **sms, **mail)
    assert (await line(story, "工作人员", everything)).startswith("✓ 工作人员：4 位")


# Who watches


async def test_a_process_that_has_stopped_without_a_goodbye_is_named(story: Story) -> None:
    assert await line(story, "运行") == "－ 运行：现在没有进程在运行；要运行的话：systemctl start tongxing"
    async with story.house.db.begin() as session:
        await watch.beat(session, {Role.WEB: "web-1"}, story.house.clock.now())
    assert "✗ 运行：到点做事的（worker） 没有在运行" in await line(story, "运行")
    async with story.house.db.begin() as session:
        now = story.house.clock.now()
        await watch.beat(session, {Role.WORKER: "worker-1"}, now)
        await watch.beat(session, {Role.WEB: "web-2"}, now - timedelta(seconds=200))
        await watch.leave(session, ["web-1"])
    assert "✗ 运行：接收消息的（serve） 200 秒没有动静" in await line(story, "运行")


async def test_an_installation_that_nobody_would_hear_of_is_told_how_to_be_heard_of(story: Story) -> None:
    assert (await line(story, "出事告诉谁")).startswith("✗ 出事告诉谁：只写日志")
    assert (await line(story, "外面的看守")).startswith("－ 外面的看守：没有设置 TONGXING_PING_URL")
    assert (await line(story, "指标")).startswith("－ 指标：没有设置 TONGXING_METRICS_TOKEN")


async def test_an_alarm_of_the_watch_says_where_to_look(story: Story) -> None:
    async with story.house.db.begin() as session:
        await channels.alarm(session, "watch", "overdue", story.house.clock.now(), code="A-0001")
    assert (
        await line(story, "警报")
        == "✗ 警报：watch overdue，24 小时内 1 次：有事过了时间没有往下叫人，看 systemctl status 'tongxing*'"
    )


# The account


async def test_without_an_account_the_account_is_not_looked_at(story: Story) -> None:
    found = await line(story, "公众号", changed(story.settings, wechat_app_secret=""))
    assert found.startswith("－ 公众号：没有设置")
    real = changed(story.settings, wechat_app_secret="", wechat_app_id="wx_of_a_real_account")
    assert (await line(story, "公众号", real)).startswith("✗ 公众号：没有设置 TONGXING_WECHAT_APP_SECRET")


async def test_a_wrong_secret_is_named_and_the_rest_left(story: Story) -> None:
    found = await lines(story, changed(story.settings, wechat_app_secret="x" * 32))
    assert "✗ 公众号：AppSecret 不对：请核对 TONGXING_WECHAT_APP_SECRET（stable_token 40125）" in found
    assert "－ 公众号：没有 access_token，回调、模板和菜单这次没有查" in found
    assert not any("模板「" in one for one in found)


async def test_a_machine_that_is_not_on_the_list_is_told_its_address(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.simulator.api.errmsg", lambda *_: "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7")
    story.platform.break_next("stable_token", errcode=40164)
    found = await lines(story)
    assert (
        "✗ 公众号：服务器的 IP 203.0.113.7 不在公众平台的 IP 白名单里："
        "请到后台的“基本配置”把它加上（stable_token 40164）" in found
    )


@pytest.mark.parametrize(
    ("path", "what", "fault", "said"),
    [
        ("stable_token", "公众号", {"drop": True}, "连不上（ReadTimeout）"),
        ("stable_token", "公众号", {"errcode": -1}, "微信系统繁忙：请过一会儿再试"),
        ("callback/check", "回调", {"drop": True}, "没有得到回答（ReadTimeout）：请过一会儿再试"),
        ("callback/check", "回调", {"errcode": 48001}, "没有这个接口的权限"),
        ("template/get_all_private_template", "模板", {"errcode": 45009}, "请北京时间 0 点以后再试"),
        ("menu/get", "菜单", {"errcode": 48001}, "没有这个接口的权限"),
        ("tags/get", "菜单", {"errcode": 40001}, ""),
        ("menu/get", "菜单", {"errcode": 99999}, "没有见过的错误码：请按错误码查微信的说明（menu/get 99999）"),
    ],
)
async def test_every_failure_of_the_network_is_a_line(
    story: Story, path: str, what: str, fault: dict[str, Any], said: str
) -> None:
    story.platform.break_next(path, times=None, **fault)
    found = [one for one in await lines(story) if one.startswith(f"✗ {what}：")]
    assert len(found) == 1
    assert said in found[0]


async def test_an_address_of_the_api_that_is_none(story: Story) -> None:
    settings = changed(story.settings, wechat_api_base="http://box:port")
    found = await doctor.examine(settings, story.house.clock)
    assert "✗ 公众号：TONGXING_WECHAT_API_BASE 不是网址：一般不用设，删掉就行" in map(str, found)


async def test_a_callback_address_that_cannot_be_found_or_pinged(story: Story) -> None:
    assert "查不到" in str(doctor._callback({"dns": [], "ping": []}))
    answer = {"dns": [{"ip": "203.0.113.7"}], "ping": [{"ip": "203.0.113.7", "package_loss": "100%"}]}
    assert str(doctor._callback(answer)).startswith("✓ 回调：微信找得到 203.0.113.7；微信 ping 不通它")


async def test_templates_that_do_not_fit_are_told_how(story: Story) -> None:
    name = "wechat_template_duty"
    assert (await line(story, "待办模板", changed(story.settings, **{name: ""}))) == (
        "－ 待办模板：没有设置 TONGXING_WECHAT_TEMPLATE_DUTY"
    )
    assert "不在这个公众号的模板里" in await line(story, "待办模板", changed(story.settings, **{name: "TPL_NO"}))
    fields = story.settings.wechat_template_duty_fields
    extra = changed(story.settings, wechat_template_duty_fields={**fields, "note": "thing9"})
    assert "模板「待办提醒」里没有 thing9，只有 character_string1、phrase2、time3、thing4" in await line(
        story, "待办模板", extra
    )
    short = {meaning: keyword for meaning, keyword in fields.items() if meaning != "note"}
    less = changed(story.settings, wechat_template_duty_fields=short)
    assert "的 thing4 没有填，微信会拒绝" in await line(story, "待办模板", less)
    story.platform.templates["TPL_DUTY"] = {**story.platform.templates["TPL_DUTY"], "title": "心理危机提醒"}
    assert "模板名称「心理危机提醒」里有“心理、危机”" in await line(story, "待办模板")


async def test_a_menu_that_was_never_pushed_is_no_fault_and_one_that_drifted_is(story: Story) -> None:
    assert (await line(story, "菜单")).startswith("－ 菜单：还没有建")
    await menu_command.push(changed(story.settings), story.house.clock, story.house.worlds.wechat)
    story.platform.menu = [{"type": "click", "name": "别的", "key": "help"}]
    found = await line(story, "菜单")
    assert found.startswith("✗ 菜单：默认菜单不一样：要 「我的活动 | 帮助」，现在是 「别的」。")
    bad = changed(story.settings, menus_file="nowhere.yaml")
    assert (await line(story, "菜单", bad)).startswith("✗ 菜单：没有 nowhere.yaml 这个菜单文件")


async def test_wecom_is_asked_for_a_token_where_it_is_set_up(story: Story) -> None:
    settings = changed(story.settings, **WECOM)

    async def works() -> None:
        return None

    async def refuses() -> None:
        raise Misconfigured(60020, "gettoken", "服务器 IP 不在可信名单里")

    assert await line(story, "企业微信", settings) == "－ 企业微信：设置了，这里没有查"
    assert await line(story, "企业微信", settings, wecom=works) == "✓ 企业微信：拿得到 access_token"
    assert (await line(story, "企业微信", settings, wecom=refuses)).startswith("✗ 企业微信：服务器 IP 不在可信名单里")


async def test_the_doctor_says_no_secret_and_nobodys_name_or_openid(story: Story) -> None:
    await story.joined()
    story.platform.break_next("menu/get", errcode=40003)
    said = "\n".join(await lines(story))
    secrets = (story.settings.wechat_app_secret, story.settings.secret_key, story.settings.wechat_token)
    hidden = [secret.get_secret_value() for secret in secrets]
    assert not any(word in said for word in (*hidden, "小河", "王乐", "o_wangle"))


async def test_a_year_whose_make_up_days_nobody_knows_is_named_a_month_before_it_begins(story: Story) -> None:
    await story.clock.forward_to(MONDAY.replace(month=12, day=1))
    assert (await line(story, "调休")).startswith("✓")
    await story.clock.forward_to(MONDAY.replace(month=12, day=3))
    assert (await line(story, "调休")).startswith("✗ 调休：2027 年的还不知道，先按法定假日排值班（duantang）")
    async with story.house.db.begin() as session:
        house = await people.house(session, 1)
        boss = await people.find_by_code(session, "zhoumin")
        assert boss is not None
        await changes.note_day(
            session, house.programme_id, None, date(2027, 2, 20), DayKind.WORKING, by=boss, now=story.house.clock.now()
        )
    assert (await line(story, "调休")).startswith("✓"), "staff have written the days down"
