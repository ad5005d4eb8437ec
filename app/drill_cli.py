"""The command `tongxing drill` and what can be written behind it."""

import asyncio
from typing import Annotated

import typer

from app.command_needs import clock_of, ready_database
from app.settings import read_settings

drill_cli = typer.Typer(help="演练：像真的一样叫一遍人，看谁接、谁没有回应。没有人接，退出码是 1。")


@drill_cli.callback(invoke_without_command=True)
def drill(
    context: typer.Context,
    house: Annotated[str | None, typer.Option(help="小站的 code；只有一个小站时不用写")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="等到演练完，一边打印")] = True,
    at_night: Annotated[bool, typer.Option("--now-at-night", help="安静时段也做，会把人叫醒")] = False,
) -> None:
    """马上演练一次：卡片和消息上都写着“演练”，不会有一条发给同伴。"""
    if context.invoked_subcommand is not None:
        return
    from app import drill_command

    settings = read_settings()
    ready_database(settings)
    drill = drill_command.run(settings, clock_of(settings), house, typer.echo, at_night=at_night, follow=wait)
    raise typer.Exit(0 if asyncio.run(drill) else 1)


@drill_cli.command("report")
def drill_report(code: Annotated[str, typer.Argument(help="演练的编号，比如 A-0012")]) -> None:
    """以前的一次怎么样。"""
    from app import drill_command

    settings = read_settings()
    ready_database(settings)
    asyncio.run(drill_command.report(settings, code, typer.echo))
