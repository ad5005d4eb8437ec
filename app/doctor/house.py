"""What the database of an installation says about it: alarms, channels, staff, ladders, the rota, who watches."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from app import weak_ladders
from app.clock import local
from app.db import Database, ident
from app.doctor.lines import Line, bad, good, unset
from app.duty import service as duty
from app.installation import PROOF, Installation
from app.messages import health
from app.messages.models import Channel, Contact
from app.opinions import service as opinions
from app.opinions.models import Outcome
from app.people import service as people
from app.people.models import Person, Programme
from app.readiness import is_reached
from app.settings import Settings
from app.watch import service as watch
from app.watch.models import Heartbeat, Role
from bot.lines import Use, lines_of, regions, unreadable
from bot.wechat import ERRCODES
from bot.wording import wording
from scheduler.watch import CHANNEL as WATCH
from scheduler.watch import STALE

RECENT = timedelta(hours=24)
SOON = timedelta(days=30)
BEIJING = "Asia/Shanghai"
IN_VAIN = {
    Outcome.UNUSABLE: "回答没用的", Outcome.FAILED: "问不到的", Outcome.LATE: "太晚的", Outcome.LIMIT: "超过一天次数的",
}  # fmt: skip
PROGRAMS = {Role.WEB: "接收消息的（serve）", Role.WORKER: "到点做事的（worker）"}


async def inside(db: Database, settings: Settings, now: datetime) -> list[Line]:
    async with db.read() as session:
        proof = await session.get(Installation, 1)
        if proof is not None and proof.proof != PROOF:
            return [bad("密钥", "数据库里的密钥标记不对：这不是同行的数据库，或者已经损坏")]
        alarms = await health.alarms_since(session, now - RECENT)
        closed = await health.closed_channels(session, now)
        staff = await health.staff_and_contacts(session)
        programme = await people.only_programme(session)
        weak = await weak_ladders.in_words(session, ident(programme), now) if programme is not None else None
        unknown = await duty.unknown_years(session, now, SOON)
        beats = await watch.beats(session)
        opinion = await opinions.tally(session, now - RECENT)
    return [
        good("密钥", "和数据库的是同一个" if proof else "数据库还没用过，第一次启动会记住它"),
        *(bad("警报", _alarm(alarm)) for alarm in alarms),
        *([] if alarms else [good("警报", "24 小时内没有")]),
        *(bad("通道", _closed(one)) for one in closed),
        *([] if closed else [good("通道", "没有关着的")]),
        _staff(staff, settings, now),
        _lines(programme, settings),
        *_ladders(weak),
        _make_up_days(unknown),
        _second_opinion(opinion, settings),
        *_watchers(beats, settings, now),
    ]  # fmt: skip


def _ladders(weak: list[str] | None) -> list[Line]:
    what = "求助"
    if weak is None:
        return [unset(what, "还没有项目：请用 tongxing load 读入")]
    return [bad(what, sentence) for sentence in weak] or [good(what, "每一步都有人，每个人都收得到")]


def _alarm(alarm: health.Alarms) -> str:
    code = f" {alarm.errcode}" if alarm.errcode is not None else ""
    meaning = ERRCODES[alarm.errcode][1] if alarm.errcode in ERRCODES else "看日志里当时的说明"
    meaning = wording().say_with(f"watch.means_{alarm.what}", {}) if alarm.channel == WATCH else meaning
    return f"{alarm.channel} {alarm.what}{code}，24 小时内 {alarm.count} 次：{meaning}"


def _closed(channel: Channel) -> str:
    until = f"{local(channel.closed_until, BEIJING):%m-%d %H:%M}" if channel.closed_until else ""
    because = channel.closed_because or "没有写原因"
    return f"{channel.name} 关到北京时间 {until}（{because}）：先看上面的警报，原因没了会自己再开"


def _staff(staff: list[tuple[Person, Contact | None]], settings: Settings, now: datetime) -> Line:
    """By their code in the programme's file: a name does not belong on a screen of the machine room."""
    what = "工作人员"
    if not staff:
        return unset(what, "还没有：请用 tongxing load 读入项目")
    lost = [person.code for person, contact in staff if not is_reached(person, contact, settings, now)]
    if lost:
        advice = "请他们加入公众号（还要设好待办模板），或者设好企业微信、短信、邮件，并在项目文件里写上"
        return bad(what, f"{len(lost)} 位现在哪个通道都叫不到（{'、'.join(lost)}）：{advice}")
    return good(what, f"{len(staff)} 位都至少有一个通道")


def _lines(programme: Programme | None, settings: Settings) -> Line:
    """Which numbers people in danger are given, and whether they are the same while the database is away."""
    what = "求助电话"
    if programme is None:
        return unset(what, "还没有项目：请用 tongxing load 读入")
    region, while_away = programme.region, settings.region
    if while_away != region and region in regions():
        advice = f"数据库断开时说的是别处的号码，请设成 TONGXING_REGION={region}"
        return bad(what, f"项目在 {region}，TONGXING_REGION 是 {while_away}：{advice}")
    if broken := unreadable(programme.lines):
        return bad(what, f"项目自己的号码有 {broken} 个读不懂，没有告诉任何人：请改项目文件的 lines，再读入")
    lines = lines_of(region, programme.lines, programme.zone)
    silent = [line.number for line in lines if line.use is Use.TALK and not line.hours and not line.day_and_night]
    unknown = f"；几点有人接没有写：{'、'.join(silent)}" if silent else ""
    return good(what, f"{region}：{'、'.join(line.number for line in lines)}{unknown}")


def _make_up_days(unknown: Mapping[str, list[int]]) -> Line:
    """Where they are not known, the rota takes a day off for a working day, and members are promised too much."""
    what = "调休"
    if not unknown:
        return good(what, f"今后 {SOON.days} 天放哪天、补哪天都知道")
    years = "、".join(str(year) for year in sorted({year for years in unknown.values() for year in years}))
    advice = "请升级 chinesecalendar，或者照国务院的通知写进项目文件的 days（至少写上补班的日子），再运行 tongxing load"
    return bad(what, f"{years} 年的还不知道，先按法定假日排值班（{'、'.join(unknown)}）：{advice}")


def _second_opinion(tally: opinions.Tally, settings: Settings) -> Line:
    """What leaves the house, for whom; and whether anything of use comes back."""
    what = "第二意见"
    if not settings.second_opinion_url:
        return unset(what, "没有设置 TONGXING_SECOND_OPINION_URL，大家的话不出这台机器")
    host = urlsplit(settings.second_opinion_url).hostname
    came = {one: n for one, n in tally.outcomes.items() if n}
    said = f"24 小时内问了 {tally.asked} 条，提高了 {came.get(Outcome.RAISED, 0)} 条"
    said += "".join(f"，{words} {came[one]} 条" for one, words in IN_VAIN.items() if one in came)
    if tally.asked and not came.keys() & {Outcome.RAISED, Outcome.AGREED, Outcome.SETTLED} and not tally.waiting:
        advice = "请核对 _URL、_MODEL 和 _KEY，看日志里的 second opinion"
        return bad(what, f"{settings.second_opinion_model}（{host}）没有一个能用的回答，{said}：{advice}")
    return good(what, f"去掉名字和号码，问 {settings.second_opinion_model}（{host}）；{said}")


# Who watches


def _watchers(beats: list[Heartbeat], settings: Settings, now: datetime) -> list[Line]:
    return [_beats(beats, now), _way_out(settings), _outside(settings), _metrics(settings)]


def _beats(beats: list[Heartbeat], now: datetime) -> Line:
    what = "运行"
    if not beats:
        return unset(what, "现在没有进程在运行；要运行的话：systemctl start tongxing")
    last = {role: min((now - b.at for b in beats if b.role is role), default=None) for role in Role}
    silent = [
        f"{PROGRAMS[role]} {'没有在运行' if age is None else f'{age.total_seconds():.0f} 秒没有动静'}"
        for role, age in last.items() if age is None or age > STALE
    ]  # fmt: skip
    if silent:
        return bad(what, f"{'、'.join(silent)}：请看 systemctl status 'tongxing*'")
    alive = sum(now - beat.at <= STALE for beat in beats if beat.role is Role.WORKER)
    return good(what, f"接收消息和到点做事的都有动静（到点做事的 {alive} 个）")


def _way_out(settings: Settings) -> Line:
    what = "出事告诉谁"
    ways = [
        name for name, is_set in (
            ("群机器人", settings.operator_robot), ("邮件", settings.operator_mail), ("短信", settings.operator_phone),
        ) if (is_set if isinstance(is_set, str) else is_set.get_secret_value())
    ]  # fmt: skip
    if not ways:
        return bad(what, "只写日志，没有人会马上知道：请设置 TONGXING_OPERATOR_ROBOT、_MAIL 或 _PHONE 里的一样")
    return good(what, f"依次用 {'、'.join(ways)}")


def _outside(settings: Settings) -> Line:
    what = "外面的看守"
    if not settings.ping_url.get_secret_value():
        return unset(what, "没有设置 TONGXING_PING_URL：这台机器整个停了，没有人会知道")
    return good(what, "一切正常时每分钟报一次平安")


def _metrics(settings: Settings) -> Line:
    what = "指标"
    if not settings.metrics_token.get_secret_value():
        return unset(what, "没有设置 TONGXING_METRICS_TOKEN，/metrics 关着")
    return good(what, "/metrics 开着，要令牌")
