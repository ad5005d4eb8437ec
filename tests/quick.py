"""What makes the tests quick and changes nothing about them. A plugin; `conftest.py` names it."""

import gc
import os

import pytest

from tests.postgres import memory


def pytest_configure(config: pytest.Config) -> None:
    """The databases of the tests lie in memory where there is some: a commit waits for the disk otherwise."""
    folder = memory()
    if folder is not None and config.option.basetemp is None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_collection_finish() -> None:
    """What has been read by now stays until the end, so that no collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()
