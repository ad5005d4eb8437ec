"""The command `tongxing screen` and what can be written behind it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.screen_rules_cli import marks_cli, propose, rules_cli

screen_cli = typer.Typer(help="读一条一条的话，说出有没有危险；规则、标注、训练、衡量也在这里。")
screen_cli.add_typer(rules_cli, name="rules")
screen_cli.add_typer(marks_cli, name="marks")
screen_cli.command("propose")(propose)
Psysuicide = Annotated[Path | None, typer.Option(help="PsySUICIDE 的 valid.jsonl", exists=True, dir_okay=False)]
Everyday = Annotated[Path | None, typer.Option(help="平常短信，一行一条", exists=True, dir_okay=False)]


@screen_cli.callback(invoke_without_command=True)
def screen(context: typer.Context) -> None:
    """从标准输入读，一行一条（或一行一个 JSON：text、earlier、mood……），一行写一个 JSON。"""
    if context.invoked_subcommand is not None:
        return
    from app import screen_command

    if sys.stdin.isatty():
        typer.echo("请一行写一条话，写完按 Ctrl-D。", err=True)
    every = True
    with open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False) as given:
        for line, readable in screen_command.lines(given):
            typer.echo(line)
            every = every and readable
    raise typer.Exit(0 if every else 1)


@screen_cli.command("train")
def train(
    psysuicide: Psysuicide = None,
    everyday: Everyday = None,
    out: Annotated[Path | None, typer.Option(help="写到哪里；不写就替换程序自带的模型")] = None,
) -> None:
    """用标注过的话重新训练统计层。需要 scikit-learn（pip install 'tongxing[train]'）。"""
    from app import screen_training

    screen_training.train(psysuicide, everyday, out, typer.echo)


@screen_cli.command("eval")
def evaluate(
    psysuicide: Psysuicide = None,
    everyday: Everyday = None,
    folds: Annotated[bool, typer.Option("--folds/--no-folds", help="逐个作者留出，要几分钟")] = True,
) -> None:
    """衡量：每一组的数字和区间，最后是各道门槛；有一道没过，退出码是 1。"""
    from app import screen_training

    raise typer.Exit(0 if screen_training.evaluate(psysuicide, everyday, typer.echo, folds=folds) else 1)


@screen_cli.command("keep")
def keep() -> None:
    """发布的时候：记下现在怎么读每一条标注过的话，下次衡量时比较。"""
    from app import screen_training

    screen_training.keep_verdicts(typer.echo)
