"""By which way a message will try to reach somebody first: what the deliverer asks its rungs, asked beforehand."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.messages.channels import WAYS, in_order
from bot.notices import NOTICES

WAY_OF = {rung: way for way, rungs in WAYS.items() for rung in rungs}


def ways_in_order(kind: str, wanted: Mapping[str, Any], ways: Collection[str]) -> Sequence[str]:
    """Those of `ways`, which lead to a person, that a notice of this kind may go by, the best first.

    `wanted` as a ladder wants it: `first`, `only` (`channels.in_order`).
    """
    rungs = in_order(NOTICES[kind].rungs, wanted)
    in_turn = dict.fromkeys(WAY_OF[rung] for rung in rungs if rung in WAY_OF)
    return [way for way in in_turn if way in ways]
