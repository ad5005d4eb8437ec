"""Which key this database was written with: asked once at start, before anything is read or written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field

from app.db import Database, Encrypted, Record
from app.settings import Settings
from app.vault import Vault, VaultError

PROOF = "tongxing"


class Installation(Record, table=True):
    id: int = Field(default=1, primary_key=True)
    proof: str = Field(sa_type=Encrypted)


async def prove_key(db: Database) -> None:
    """Make sure that the key fits this database; a new database remembers the key it starts with.

    VaultError, with what to do, when it was written with another key.
    """
    async with db.begin() as session:
        row = await session.get(Installation, 1) or await _first(session)
        if row.proof != PROOF:
            raise VaultError("数据库里的密钥标记不对：这不是同行的数据库，或者已经损坏")


@asynccontextmanager
async def own_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of this installation, its key proved; for the commands, which need nothing else of the house."""
    db = Database(settings.database, Vault(settings.secret_key.get_secret_value()))
    try:
        await prove_key(db)
        yield db
    finally:
        await db.close()


async def _first(session: AsyncSession) -> Installation:
    """The key is remembered now; of several processes that start together, by one of them."""
    row = Installation(proof=PROOF)
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return await session.get_one(Installation, 1)
    return row
