"""What the commands need before they begin: settings, a clock, a database that is up to date."""

from datetime import timedelta
from pathlib import Path

from app import migrations
from app.clock import Clock
from app.settings import Settings, read_settings


class Sorry(Exception):  # noqa: N818 - what the person who typed the command reads
    """Something that the person at the keyboard can put right; the text says how."""


def clock_of(settings: Settings) -> Clock:
    return Clock(timedelta(seconds=settings.clock_offset))


def ready_database(settings: Settings) -> None:
    """SQLite is brought up to date on the way; a shared PostgreSQL only by `tongxing migrate`."""
    if settings.database.startswith("sqlite"):
        make_folder(settings.data_dir)
        migrations.migrate(settings.database)
    elif revision_of(settings) != migrations.head():
        raise Sorry("数据库的表不是这个版本的：请先运行 tongxing migrate")


def installed() -> Settings:
    """The settings of this installation, its database ready."""
    settings = read_settings()
    ready_database(settings)
    return settings


def revision_of(settings: Settings) -> str | None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return migrations.current(settings.database)
    except SQLAlchemyError as error:
        raise Sorry(f"连不上数据库（{type(error).__name__}）：请检查 TONGXING_DATABASE_URL") from None


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Sorry(f"建不了数据文件夹 {folder}（{error.strerror}）：请换一个 TONGXING_DATA_DIR") from None
