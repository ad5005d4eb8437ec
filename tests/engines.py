"""What SQLAlchemy has compiled for one test, the next one need not compile again: half of the time of a story.

A plugin (`conftest.py` names it). Each test has a database of its own and so an engine of its own, whose statements
are kept under its dialect; here all engines of a kind share the dialect and what was compiled for it.
"""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app import db

_first: dict[str, Engine] = {}


def _create(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    made = engine.sync_engine
    first = _first.get(made.dialect.name)
    if first is None or getattr(first.dialect, "server_version_info", None) is None:
        _first[made.dialect.name] = made  # none before it was ever connected, and a dialect learns much from that
    else:
        made.dialect, made._compiled_cache = first.dialect, first._compiled_cache
    return engine


@pytest.fixture(autouse=True, scope="session")
def _one_dialect() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create_async_engine", _create)
        yield
