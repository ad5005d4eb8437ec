"""The command `tongxing account` and what can be written behind it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from app.clock import Clock
from app.command_needs import clock_of, ready_database
from app.settings import Settings, read_settings

account_cli = typer.Typer(help="控制台的账号：谁可以登录。", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="YAML 里这位同事的 code")]


@account_cli.command("invite")
def account_invite(code: Code) -> None:
    """给一个链接，本人用它定账号和密码；忘了密码也用它。只显示这一次。"""
    from app import account_command

    _about(account_command.invite, code)


@account_cli.command("list")
def account_list() -> None:
    """每位工作人员：有没有账号，停用了没有，有没有两步验证。"""
    from app import account_command

    settings = read_settings()
    ready_database(settings)
    typer.echo(asyncio.run(account_command.show(settings, clock_of(settings))))


@account_cli.command("disable")
def account_disable(code: Code) -> None:
    """停用：马上退出，也不能再登录。"""
    from app import account_command

    _about(account_command.disable, code)


@account_cli.command("enable")
def account_enable(code: Code) -> None:
    """恢复停用的账号。"""
    from app import account_command

    _about(account_command.enable, code)


@account_cli.command("reset-second")
def account_reset_second(code: Code) -> None:
    """手机和备用码都没了：取消密码和两步验证，给一个重新设的链接。"""
    from app import account_command

    _about(account_command.reset_second, code)


def _about(verb: Callable[[Settings, Clock, str], Awaitable[str]], code: str) -> None:
    settings = read_settings()
    ready_database(settings)

    async def run() -> str:
        return await verb(settings, clock_of(settings), code)

    typer.echo(asyncio.run(run()))
