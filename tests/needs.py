"""Tests that need another program: left out in one line where it is missing, never in CI."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import has_postgres

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The Chromium of this machine."""
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next((found for name in CHROMIUM if (found := shutil.which(name))), mac if Path(mac).exists() else None)


NEEDS: dict[str, tuple[Callable[[], object], str]] = {
    "browser": (chromium, "Chromium (apt-get install chromium fonts-noto-cjk)"),
    "postgres": (has_postgres, "PostgreSQL's server programs (apt-get install postgresql)"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = {mark: what for mark, (have, what) in NEEDS.items() if not have()}
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in missing)]
    if not left_out:
        return
    if os.environ.get("CI"):
        raise pytest.UsageError(f"CI must not leave tests out, but there is no {' and no '.join(missing.values())}")
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = [what for have, what in NEEDS.values() if not have()]
    if missing and not os.environ.get("CI"):
        terminalreporter.write_line(f"left out: what needs {' or '.join(missing)}")
