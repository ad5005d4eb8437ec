"""Where somebody can be reached just now, by every way there is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.messages.reach import Reach
from app.people.addressees import Addressee


@dataclass(slots=True)
class Address:
    """`wechat` is None for somebody who never wrote to the account; `robot` is the key of a house's group.

    `allowed`: how many subscription notices are left, by contact and template.
    """

    person: Addressee | None = None
    wechat: Reach | None = None
    allowed: Mapping[tuple[int, str], int] = field(default_factory=dict)
    house: str | None = None

    def openid(self) -> Reach:
        if self.wechat is None:
            raise LookupError("this person has no WeChat contact")
        return self.wechat

    def who(self) -> Addressee:
        if self.person is None:
            raise LookupError("this goes to nobody in particular")
        return self.person
