"""The command `tongxing`. Whatever is wrong ends in one clear sentence and a non-zero exit."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic_settings import SettingsError as UnreadableSetting

from app import migrations
from app.account_cli import account_cli
from app.command_needs import (
    Sorry,
    clock_of,
    make_folder,
    need_account,
    need_port,
    need_secret,
    prove_key,
    ready_database,
)
from app.drill_cli import drill_cli
from app.logs import set_up_logs
from app.screen_cli import screen_cli
from app.settings import SettingsError, read_settings
from app.tuning import tune
from app.vault import VaultError

cli = typer.Typer(
    help="同行：提醒活动，收回复，有危险时叫到人。先试试 tongxing demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
menu = typer.Typer(help="公众号底部的菜单：看差别，改过去", no_args_is_help=True)
cli.add_typer(menu, name="menu")
Port = Annotated[int, typer.Option(min=1, max=65535, help="端口")]
Host = Annotated[str, typer.Option(help="地址")]


@cli.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """接收微信消息；用 SQLite 时，提醒和报警也在这个进程里。"""
    from app.main import ALONE, WEB_BELLS, Tongxing, create_app
    from app.watch.models import Role

    settings = read_settings()
    set_up_logs(settings.log_level)
    need_account(settings)
    need_secret(settings)
    need_port(host, port)
    ready_database(settings)
    prove_key(settings)
    house = Tongxing.build(settings, clock_of(settings))
    alone = house.db.is_sqlite
    app = create_app(house, bells=None if alone else WEB_BELLS, roles=ALONE if alone else (Role.WEB,))
    tune()
    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, timeout_keep_alive=65)


@cli.command()
def worker() -> None:
    """只做到点要做的事：提醒、报警、发送。用 PostgreSQL 时可以开几个。"""
    from app.main import Tongxing
    from app.watch.models import Role

    settings = read_settings()
    set_up_logs(settings.log_level)
    need_account(settings)
    need_secret(settings)
    ready_database(settings)

    tune()

    async def run() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with Tongxing.build(settings, clock_of(settings)).running(roles=(Role.WORKER,)):
            await stop.wait()

    asyncio.run(run())


@cli.command()
def migrate() -> None:
    """把数据库的表升级到这个版本（SQLite 会先在旁边留一份备份）。"""
    settings = read_settings()
    if settings.database.startswith("sqlite"):
        make_folder(settings.data_dir)
    changed = migrations.migrate(settings.database)
    typer.echo("升级好了。" if changed else "已经是最新的。")


@cli.command()
def load(file: Annotated[Path, typer.Argument(help="项目的 YAML 文件，例子见 deploy/programmes/")]) -> None:
    """读入一个项目：小站、人、值班、活动。可以反复读，改了哪里就更新哪里。"""
    from app.activities.calendar import Quiet
    from app.installation import own_database
    from app.loading import load as load_programme
    from app.loading import read_programme

    settings = read_settings()
    programme = read_programme(_read(file))
    ready_database(settings)

    async def run() -> str:
        quiet = Quiet(settings.quiet_from, settings.quiet_until)
        async with own_database(settings) as db, db.begin() as session:
            loaded = await load_programme(
                session, programme, now=clock_of(settings).now(), quiet=quiet, account=settings.wechat_app_id
            )
        return "\n".join([loaded.summary, *loaded.notes])

    typer.echo(asyncio.run(run()))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Sorry(f"没有 {file} 这个文件：请检查路径") from None
    except UnicodeDecodeError:
        raise Sorry(f"{file} 不是 UTF-8 文字：请另存为 UTF-8 再试") from None
    except OSError as error:
        raise Sorry(f"读不了 {file}（{error.strerror}）") from None


@cli.command()
def invite(code: Annotated[str, typer.Argument(help="YAML 里这个人的 code")]) -> None:
    """给第一个社工一个加入的码；之后在微信里回“邀请 名字”就行。"""
    from app import invite_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(invite_command.invite(settings, clock_of(settings), code)))


@menu.command("diff")
def menu_diff() -> None:
    """公众号的菜单和文件里写的差在哪里；一样的话退出码是 0，不一样是 1。"""
    from app import menu_command

    settings = read_settings()
    need_account(settings)
    need_secret(settings)
    found = asyncio.run(menu_command.diff(settings, clock_of(settings)))
    typer.echo("\n".join(found) if found else "公众号的菜单和文件里的一样。")
    raise typer.Exit(1 if found else 0)


@menu.command("push")
def menu_push() -> None:
    """把菜单和标签改成文件里写的样子。可以反复做，没有差别就什么也不改。"""
    from app import menu_command

    settings = read_settings()
    need_account(settings)
    need_secret(settings)
    ready_database(settings)
    done = asyncio.run(menu_command.push(settings, clock_of(settings)))
    typer.echo("\n".join([*done, menu_command.AFTERWARDS]) if done else "没有要改的。")


@cli.command()
def doctor() -> None:
    """检查这一套装得对不对：设置、数据库、公众号、模板、菜单、警报。有问题退出码是 1。"""
    from app import doctor as checks
    from app.doctor.lines import bad

    try:
        settings = read_settings()
    except (SettingsError, UnreadableSetting) as error:
        lines = [bad("设置", _unreadable(error) if isinstance(error, UnreadableSetting) else str(error))]
    else:
        lines = asyncio.run(
            checks.examine(settings, clock_of(settings), wecom=checks.ask_wecom(settings, clock_of(settings)))
        )
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1 if any(line.bad for line in lines) else 0)


@cli.command()
def figures(
    month: Annotated[str | None, typer.Option(help="哪个月，例如 2026-11；不写就是这个月")] = None,
    house: Annotated[str | None, typer.Option(help="小站的 code；不写就是所有小站")] = None,
    share: Annotated[bool, typer.Option("--share", help="给外面看的：少于 5 个人的写 <5，不列工作人员")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="给别的程序读的")] = False,
    xlsx: Annotated[Path | None, typer.Option(help="把整份月报写进这个文件，例如 2026-11.xlsx")] = None,
) -> None:
    """多久叫到人、多久有人接、多久联系上，和下班以后叫了谁几次。整份月报用 --xlsx。"""
    from app import figures_command

    settings = read_settings()
    ready_database(settings)
    if xlsx is not None:
        written = figures_command.sheet(settings, clock_of(settings), xlsx, month=month, house=house, share=share)
        typer.echo(asyncio.run(written))
        return
    asked = figures_command.report(settings, clock_of(settings), month=month, house=house, share=share, as_json=as_json)
    typer.echo(asyncio.run(asked))


cli.add_typer(account_cli, name="account")
cli.add_typer(drill_cli, name="drill")
cli.add_typer(screen_cli, name="screen")

broadcast_cli = typer.Typer(help="给一个小站或所有小站的同伴发一条通知；可以停，可以接着发。", no_args_is_help=True)
cli.add_typer(broadcast_cli, name="broadcast")
Number = Annotated[int, typer.Argument(min=1, help="通知的编号")]


@broadcast_cli.command("start")
def broadcast_start(
    words: Annotated[str, typer.Argument(help="要说的话，用引号括起来")],
    house: Annotated[str | None, typer.Option(help="小站的 code；不写就是所有小站")] = None,
) -> None:
    """发一条通知。48 小时内说过话的人收到全文，别的人收到卡片，回“通知”看全文。"""
    from app import broadcast_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(broadcast_command.start(settings, clock_of(settings), words, house)))


@broadcast_cli.command("stop")
def broadcast_stop(number: Number) -> None:
    """马上停：除了正在发的几条，别的不再发。"""
    from app import broadcast_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(broadcast_command.stop(settings, number)))


@broadcast_cli.command("resume")
def broadcast_resume(number: Number) -> None:
    """接着发没发的，发过的人不会再收到。"""
    from app import broadcast_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(broadcast_command.resume(settings, clock_of(settings), number)))


@broadcast_cli.command("show")
def broadcast_show(number: Number) -> None:
    """发了多少，还有多少。"""
    from app import broadcast_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(broadcast_command.show(settings, number)))


token_cli = typer.Typer(help="给程序用的令牌（接口 /api/v1）：一个令牌代表一位同事。", no_args_is_help=True)
cli.add_typer(token_cli, name="token")


@token_cli.command("make")
def token_make(
    code: Annotated[str, typer.Option("--for", help="YAML 里这位同事的 code")],
    days: Annotated[int, typer.Option(min=1, max=365, help="几天以后过期")] = 90,
    may: Annotated[str, typer.Option(help="能做什么：take 接手、填结果；read 看名字和原话")] = "take",
) -> None:
    """做一个令牌。只显示这一次。"""
    from app import token_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(token_command.make(settings, clock_of(settings), code, days, may)))


@token_cli.command("list")
def token_list() -> None:
    """有哪些令牌：是谁的，能做什么，到什么时候，上次什么时候用的。"""
    from app import token_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(token_command.show(settings, clock_of(settings))))


@token_cli.command("revoke")
def token_revoke(number: Annotated[int, typer.Argument(min=1, help="令牌的编号")]) -> None:
    """收回一个令牌，马上不能再用。"""
    from app import token_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(token_command.revoke(settings, clock_of(settings), number)))


bench_cli = typer.Typer(help="量一量快慢：和别的做法在同一次里比。", no_args_is_help=True)
cli.add_typer(bench_cli, name="bench")


@bench_cli.command("delivery")
def bench_delivery(
    n: Annotated[int, typer.Option("--reminders", min=100, help="发几条提醒")] = 10_000,
    latency: Annotated[float, typer.Option(min=0, max=5, help="对方几秒以后才答")] = 0.05,
    senders: Annotated[list[int] | None, typer.Option(min=1, max=200, help="同时发几条，可以写几个")] = None,
) -> None:
    """一万条提醒每秒发几条，旁边是只会发请求的循环。"""
    from app.bench import delivery

    set_up_logs("error")
    tune()  # for both sides of the comparison
    delivery.run(n, latency, tuple(senders or (50, 200)))


@bench_cli.command("escalation")
def bench_escalation(
    rate: Annotated[float, typer.Option(min=1, max=500, help="每秒来几条消息")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="量几秒")] = 60,
    danger: Annotated[float, typer.Option(min=0, max=1, help="有危险的占多少")] = 0.1,
    latency: Annotated[float, typer.Option(min=0, max=5, help="对方几秒以后才答")] = 0.05,
    database_url: Annotated[str, typer.Option(help="一个空的数据库；不写就用临时的 SQLite 文件")] = "",
) -> None:
    """从同伴的消息到门口，到第一张报警的卡片发出去，要多久；旁边是什么也不记的最简单的做法。"""
    from app.bench import escalation

    set_up_logs("error")
    tune()
    load = escalation.Load(rate=rate, seconds=seconds, danger=danger, latency=latency)
    escalation.run(load, database_url)


@bench_cli.command("pages")
def bench_pages(
    members: Annotated[int, typer.Option(min=120, help="多少同伴")] = 2118,
    messages: Annotated[int, typer.Option(min=0, help="以前的消息")] = 100_000,
    cases: Annotated[int, typer.Option(min=1, help="没结束的事")] = 500,
    rounds: Annotated[int, typer.Option(min=20, help="每页打开几次")] = 200,
) -> None:
    """控制台的待办和个人页要多久才打开；旁边是一张空的表。"""
    from app.bench import pages

    set_up_logs("error")
    tune()
    pages.run(members, messages, cases, rounds)


@cli.command()
def demo(
    port: Port = 8000,
    browser: Annotated[bool, typer.Option(help="打开浏览器")] = True,
    tour: Annotated[bool, typer.Option("--tour", help="自己把整个故事走一遍，打印出来")] = False,
) -> None:
    """不用公众号也能试：一个装在盒子里的微信，几部手机，可以拨快的时钟。"""
    from app.demo import play_tour, run_demo

    settings = read_settings()
    if settings.talks_to_the_real_wechat:
        raise Sorry("设置了真的公众号（TONGXING_WECHAT_APP_ID），演示不能和它一起用：请先取消这个设置")
    if tour:
        raise typer.Exit(play_tour())
    need_port("127.0.0.1", port)
    run_demo(port, browser=browser)


def _unreadable(error: UnreadableSetting) -> str:
    field = re.search(r'field "(\w+)"', str(error))
    name = f"TONGXING_{field[1].upper()}" if field else "有一个设置"
    return f"{name} 的值不对：要写成一行 JSON，例子见 docs/settings.md"


def main() -> None:
    """The entry point: every expected trouble becomes one sentence on standard error."""
    from app.advice import in_words
    from app.loading import LoadError
    from bot.outside import OutsideError
    from bot.screening.lab.corpus import CorpusError

    try:
        cli()
    except UnreadableSetting as error:
        typer.echo(_unreadable(error), err=True)
        sys.exit(1)
    except OutsideError as error:
        typer.echo(in_words(error), err=True)
        sys.exit(1)
    except (Sorry, SettingsError, VaultError, migrations.MigrationError, LoadError, CorpusError, ValueError) as error:
        if isinstance(error, ValueError) and type(error) is not ValueError:
            raise
        typer.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
