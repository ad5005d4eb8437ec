"""What sending needs to know of many people at once. Their names stay sealed until a sentence speaks of them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Text, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import table_of, unsealed
from app.people.models import Person, Role, Topic

PERSON = table_of(Person)


@dataclass(slots=True)
class Addressee:
    """A person as a deliverer sees them. `name`, `phone` and the like are opened when they are asked for."""

    id: int
    programme_id: int
    house_id: int
    role: Role
    worker_id: int | None
    stopped: list[str]
    wecom: str | None
    sealed_name: str
    sealed_called: str | None
    sealed_phone: str | None
    sealed_mail: str | None

    def __repr__(self) -> str:
        return f"<Addressee {self.id}>"

    @property
    def known_as(self) -> str:
        return unsealed(self.sealed_called) or unsealed(self.sealed_name) or ""

    @property
    def phone(self) -> str | None:
        return unsealed(self.sealed_phone)

    @property
    def mail(self) -> str | None:
        return unsealed(self.sealed_mail)

    def wants(self, topic: Topic) -> bool:
        return topic not in self.stopped


_COLUMNS = (
    *(PERSON.c[name] for name in ("id", "programme_id", "house_id", "role", "worker_id", "stopped", "wecom")),
    *(type_coerce(PERSON.c[name], Text) for name in ("name", "called", "phone", "mail")),
)


async def load(session: AsyncSession, people: Collection[int]) -> dict[int, Addressee]:
    rows = await session.execute(select(*_COLUMNS).where(PERSON.c.id.in_(list(people))))
    return {row[0]: Addressee(*row) for row in rows}
