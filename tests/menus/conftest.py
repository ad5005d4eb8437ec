"""The account of the story, as the command `tongxing menu` sees it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app import menu_command
from app.settings import Settings
from tests.conftest import Story


class Operator:
    """Whoever runs `tongxing menu` beside the house of a story."""

    def __init__(self, story: Story, folder: Path) -> None:
        self.story = story
        self._folder = folder
        self.settings = story.settings

    def writes(self, change: Callable[[str], str]) -> None:
        """From now on the menus are those that come with the program, changed."""
        source = (Path(menu_command.__file__).parent.parent / "bot" / "menus" / "menus.yaml").read_text("utf-8")
        changed = change(source)
        assert changed != source
        file = self._folder / "menus.yaml"
        file.write_text(changed, encoding="utf-8")
        self.settings = Settings.model_validate({**self.story.settings.model_dump(), "menus_file": str(file)})

    async def diff(self) -> list[str]:
        return await menu_command.diff(self.settings, self.story.house.clock, self.story.house.worlds.wechat)

    async def push(self) -> list[str]:
        return await menu_command.push(self.settings, self.story.house.clock, self.story.house.worlds.wechat)

    def asked(self) -> list[str]:
        """Every API of menus and tags that was called so far."""
        calls = self.story.platform.calls
        return [call.what for call in calls if call.direction == "出" and call.what.startswith(("menu/", "tags/"))]


@pytest.fixture
def operator(story: Story, tmp_path: Path) -> Operator:
    return Operator(story, tmp_path)


def names(buttons: list[dict[str, str]]) -> list[str]:
    return [button["name"] for button in buttons]
