"""The measurements run, at a size at which they measure nothing."""

import math
import re

import pytest
from typer.testing import CliRunner

from app import cli
from app.bench import arrivals, delivery, escalation
from app.bench.escalation import Figures, Load, percentile

A_LITTLE = Load(rate=10, seconds=2, warm_up=1, danger=0.3, members=130, messages=100, latency=0.01)


async def test_delivery_sends_every_reminder_once_and_says_how_fast() -> None:
    figures = await delivery.measure(100, 0.001, 4)
    assert re.fullmatch(r"4 senders: \d+ reminders/s .* ratio \d+\.\d\d", figures.line)


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.slow])]
)
async def test_escalation_alerts_for_everybody_in_danger(database: str, request: pytest.FixtureRequest) -> None:
    ours, plain = await escalation.measure(
        A_LITTLE, request.getfixturevalue("postgres_empty") if database == "postgres" else ""
    )
    dangerous = sum(writing.dangerous and writing.at >= A_LITTLE.warm_up for writing in A_LITTLE.plan)
    for figures in (ours, plain):
        assert len(figures.waited) == dangerous > 0
        assert all(0 < waited < math.inf for waited in figures.waited)
        assert percentile(figures.waited, 50) <= percentile(figures.waited, 99) == max(figures.waited)
        assert figures.answered


@pytest.mark.postgres
async def test_a_database_that_is_somebodys_is_refused(postgres_db: str) -> None:
    with pytest.raises(ValueError, match="空的数据库"):
        await escalation.measure(A_LITTLE, postgres_db)


def test_its_last_line_is_the_two_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def measured(_load: Load, _database_url: str) -> tuple[Figures, Figures]:
        return Figures([30.0, 10.0, 20.0], [1.0], 0, 0.0), Figures([2.0, 1.0], [1.0], 0, 0.0)

    monkeypatch.setattr(escalation, "measure", measured)
    said = CliRunner().invoke(cli.cli, ["bench", "escalation", "--seconds", "5"])
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[-1] == "p50 20.0 ms p99 30.0 ms"


def test_its_texts_are_read_as_what_they_stand_for() -> None:
    arrivals.make_sure_of_the_texts()


def test_everybody_writes_in_their_own_time_the_same_each_time_and_each_in_danger_once() -> None:
    load = Load()
    plan = load.plan
    assert plan == load.plan
    assert abs(len(plan) - 70 * 50) < 200
    in_danger = [writing.member for writing in plan if writing.dangerous]
    assert len(in_danger) == len(set(in_danger)) == round(len(plan) / 10)
    assert not set(in_danger) & {writing.member for writing in plan if not writing.dangerous}
    with pytest.raises(ValueError, match="不同的同伴"):
        arrivals.schedule(50, 60, 0.5, 2118)
