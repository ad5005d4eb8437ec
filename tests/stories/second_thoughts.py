"""A house that asks for a second opinion. What sounds how dangerous to the statistical layer, a test says itself."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.clock import Clock
from app.escalations.models import CaseRow, Flag
from app.messages.models import Alarm
from app.opinions.models import SecondOpinion
from app.settings import GivenSettings, Settings
from bot.screening import ALONE, Context, Reading
from bot.screening.screener import Screener, put_in_force, shipped
from tests.conftest import MONDAY, Story, beginning_of, open_story
from tests.line import open_line, plain
from tests.opinion.endpoint import KEY, MODEL, Endpoint

GREY = "我把东西都送人了"
HARMLESS = "今天的手工课真开心"


@dataclass(frozen=True)
class Scored(Screener):
    scores: dict[str, float] = field(default_factory=dict)

    def read(self, text: str, context: Context = ALONE) -> Reading:
        return replace(super().read(text, context), score=self.scores.get(text, 0.0))


@pytest.fixture
def scores() -> Iterator[dict[str, float]]:
    """How dangerous each text sounds to the statistical layer; what is not named, not at all."""
    known: dict[str, float] = {GREY: 0.3}
    put_in_force(Scored(shipped().rules, None, known))
    yield known
    put_in_force(None)


@dataclass(repr=False)
class Asking:
    """A story, and whom its house asks."""

    story: Story
    endpoint: Endpoint

    async def rows(self) -> list[SecondOpinion]:
        async with self.story.house.db.read() as session:
            return list(await session.scalars(select(SecondOpinion).order_by(SecondOpinion.id)))

    async def flags(self) -> list[Flag]:
        async with self.story.house.db.read() as session:
            return list(await session.scalars(select(Flag).order_by(Flag.id)))

    async def cases(self) -> list[CaseRow]:
        async with self.story.house.db.read() as session:
            return list(await session.scalars(select(CaseRow).order_by(CaseRow.id)))

    async def alarms(self) -> list[str]:
        async with self.story.house.db.read() as session:
            return list(await session.scalars(select(Alarm.what).where(Alarm.channel == "second-opinion")))


def asks_at(settings: Settings, url: str, **more: Any) -> Settings:
    wanted = {
        "second_opinion_url": f"{url}/v1", "second_opinion_model": MODEL, "second_opinion_key": KEY,
        "second_opinion_told": True, "second_opinion_timeout": 5.0, **more,
    }  # fmt: skip
    return GivenSettings.model_validate({**settings.model_dump(), **wanted})


@asynccontextmanager
async def open_asking(
    settings: Settings, folders: pytest.TempPathFactory, empty: Path, patch: pytest.MonkeyPatch, **more: Any
) -> AsyncIterator[Asking]:
    """Monday, 09:00 in Duantang, and an endpoint that has not been told what to answer."""
    plain(patch)
    beginning = await beginning_of(settings, folders, empty)
    async with open_line() as line, httpx.AsyncClient() as client:
        endpoint = Endpoint()
        line.connect(endpoint.app())
        clock = Clock(frozen_at=MONDAY)
        async with open_story(asks_at(settings, line.url, **more), clock, beginning=beginning, plain=client) as story:
            yield Asking(story, endpoint)
