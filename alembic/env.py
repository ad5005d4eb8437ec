from alembic import context
from sqlalchemy import create_engine
from sqlmodel import AutoString

from app.db import Numbers
from app.tables import metadata


def render_item(kind, item, _context):
    """Write what is stored, not what Python makes of it: an enum may change after its migration."""
    if kind == "type" and isinstance(item, Numbers):
        return "sa.SmallInteger()"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                render_as_batch=True,
                compare_type=True,
                render_item=render_item,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
