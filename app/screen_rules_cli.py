"""The commands `tongxing screen rules …`, `screen marks …` and `screen propose`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.command_needs import clock_of, ready_database
from app.settings import read_settings

rules_cli = typer.Typer(help="筛查的规则：先看会改变什么，再换上，可以换回去。", no_args_is_help=True)
marks_cli = typer.Typer(help="社工记的误报、漏报和级别。", no_args_is_help=True)
RuleFile = Annotated[Path, typer.Argument(help="规则文件，写法见 bot/screening/rules.zh.yaml 开头")]
By = Annotated[str, typer.Option(help="谁换的")]
Note = Annotated[str, typer.Option(help="为什么换")]


@rules_cli.command("check")
def rules_check(
    file: RuleFile,
    texts: Annotated[bool, typer.Option("--show-texts", help="把有变化的原话也列出来（旁边没有别人时）")] = False,
) -> None:
    """检查一份规则，再拿最近 30 天收到的话比一比：每天几句红橙黄，哪条规则新响、不再响。"""
    from app import screen_rules_command as command

    settings = read_settings()
    source = command.read_file(file)
    ready_database(settings)
    asyncio.run(command.check(settings, clock_of(settings), source, typer.echo, texts=texts))


@rules_cli.command("use")
def rules_use(
    file: RuleFile,
    by: By = "",
    note: Note = "",
    even_so: Annotated[bool, typer.Option("--even-so", help="30 天里有红的不再红，也要换")] = False,
) -> None:
    """换上一份规则，几秒内生效。自己的例子没过的，或者会丢掉红的，不换。"""
    from app import screen_rules_command as command

    settings = read_settings()
    source = command.read_file(file)
    ready_database(settings)
    typer.echo(
        asyncio.run(command.use(settings, clock_of(settings), source, by=by, note=note, even_so=even_so))
    )  # fmt: skip


@rules_cli.command("back")
def rules_back(by: By = "", note: Note = "") -> None:
    """换回前一份；再往前，最后是程序自带的。"""
    from app import screen_rules_command as command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(command.back(settings, clock_of(settings), by=by, note=note)))


@rules_cli.command("show")
def rules_show(
    text: Annotated[bool, typer.Option("--text", help="把在用的规则整份打印出来，好拿去改")] = False,
) -> None:
    """在用的是哪一份，以前用过哪些，谁换的。"""
    from app import screen_rules_command as command

    settings = read_settings()
    ready_database(settings)
    if text:
        typer.echo(asyncio.run(command.text_in_force(settings)), nl=False)
        return
    for line in asyncio.run(command.show(settings)):
        typer.echo(line)


@marks_cli.command("export")
def marks_export(file: Annotated[Path, typer.Argument(help="写到哪个文件")]) -> None:
    """把记下的话写成语料（一行一句 JSON），给训练和检查用。里面是原话。"""
    from app import screen_marks_command as command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(command.export(settings, file)))


def propose() -> None:
    """从记下的话里列出可以加进规则和语料的例子，差不多的并成一句。原话只在终端里显示。"""
    from app import screen_marks_command as command

    settings = read_settings()
    ready_database(settings)
    asyncio.run(command.propose(settings, typer.echo, texts=sys.stdout.isatty()))
