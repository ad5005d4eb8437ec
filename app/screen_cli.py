"""The command `tongxing screen` and what can be written behind it."""

import typer

from app.screen_rules_cli import marks_cli, propose, rules_cli

screen_cli = typer.Typer(help="筛查：规则、标注。")
screen_cli.add_typer(rules_cli, name="rules")
screen_cli.add_typer(marks_cli, name="marks")
screen_cli.command("propose")(propose)


@screen_cli.callback(invoke_without_command=True)
def screen(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
