"""What a command makes sure of before it begins: a port, an account, a database that is up to date."""

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

from app import migrations
from app.clock import Clock
from app.settings import Settings


class Sorry(Exception):  # noqa: N818 - what the person who typed the command reads
    """Something that the person at the keyboard can put right; the text says how."""


def clock_of(settings: Settings) -> Clock:
    return Clock(timedelta(seconds=settings.clock_offset))


def need_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Sorry(f"没有权限用端口 {port}：请换一个 1024 以上的，例如 --port 8000") from None
        except OSError:
            raise Sorry(f"端口 {port} 已经被占用：请换一个，例如 --port {min(port + 1, 65535)}") from None


def need_account(settings: Settings) -> None:
    if not settings.talks_to_the_real_wechat:
        raise Sorry(
            "还没有设置公众号：请设置 TONGXING_WECHAT_APP_ID 等（见 docs/settings.md），或先用 tongxing demo 试用"
        )


def need_secret(settings: Settings) -> None:
    if not settings.wechat_app_secret.get_secret_value():
        raise Sorry("没有设置 TONGXING_WECHAT_APP_SECRET：没有它，什么也发不出去")


def ready_database(settings: Settings) -> None:
    """SQLite is brought up to date on the way; a shared PostgreSQL only by `tongxing migrate`."""
    if settings.database.startswith("sqlite"):
        make_folder(settings.data_dir)
        migrations.migrate(settings.database)
    elif _revision(settings) != migrations.head():
        raise Sorry("数据库的表不是这个版本的：请先运行 tongxing migrate")


def prove_key(settings: Settings) -> None:
    """Before a server is started: inside one, a wrong key would end in a traceback."""
    from app.installation import own_database

    async def run() -> None:
        async with own_database(settings):
            pass

    asyncio.run(run())


def _revision(settings: Settings) -> str | None:
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
