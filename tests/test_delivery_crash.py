"""Processes that die while they send reminders: nobody is forgotten, and only what was on its way is said twice.

The platform and its rules outlive them. A card is shown once however often it is sent (`client_msg_id`). A text
cannot be told from another one: here a kill may show it twice, and the database knows of which ones that is true.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from app.clock import Clock
from app.migrations import sync_url
from app.settings import Settings
from tests import delivery_worker
from tests.box_server import CARD, TEXT, FarBox, served
from tests.conftest import MONDAY
from tests.crowd import gather
from tests.processes import Child, wait_until

TEN = MONDAY.replace(hour=10)
SENDERS = 12
AT_ONCE = 3 * SENDERS  # a worker's calls, what waits for a sender, and what is being written down
# A lease lasts a minute: after that, what a dead process held is anybody's.
A_LEASE = {"seconds": 61}


@dataclass
class Siege:
    """A house whose workers die.

    `doubtful`: what a death left as being sent (rung, row, attempt); each of them may be said once more.
    """

    box: FarBox
    clock: Clock
    settings: Settings
    engine: Engine
    texts: list[str]
    cards: list[str]
    workers: int
    crew: dict[str, Child] = field(default_factory=dict)
    doubtful: set[tuple[str, int, int]] = field(default_factory=set)
    names: Iterator[int] = field(default_factory=count)

    def begin(self) -> None:
        while len(self.crew) < self.workers:
            name = f"worker-{next(self.names)}"
            ahead, log = self.clock.now() - Clock().now(), self.settings.data_dir / f"{name}.log"
            self.crew[name] = Child(delivery_worker.work, self.settings, ahead, name, log)

    def in_the_middle(self, *, after: int) -> str:
        """Wait until so many were called and a worker, the eldest first, is in the middle of calls of both kinds."""

        def at_work() -> str | None:
            if self.box.asked.total() < after:
                return None
            under_way = self.box.under_way
            return next((name for name in self.crew if all(under_way[name, what] > 1 for what in (TEXT, CARD))), None)

        return wait_until(at_work, every=0.0005)

    def kill(self, name: str) -> None:
        self.crew.pop(name).kill()

    def end(self) -> None:
        for name in list(self.crew):
            self.kill(name)

    def stop(self) -> None:
        """End those that live as a service manager would; then only the dead have left something undone."""
        for name in list(self.crew):
            assert self.crew.pop(name).stop() == 0, self.logs()

    def a_minute_passes(self) -> None:
        self.stop()
        self.doubtful.update(self.select("sending_by, id, attempts FROM outbox WHERE state = 'sending'"))
        self.clock.forward(**A_LEASE)

    def finish(self) -> None:
        self.begin()
        wait_until(lambda: not self.unfinished(), every=0.05)
        self.stop()

    def unfinished(self) -> int:
        return len(self.select("id FROM outbox WHERE due_at IS NOT NULL"))

    def select(self, what: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT {what}"))]

    def logs(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.settings.data_dir.glob("worker-*.log")))


Open = Callable[..., Siege]


@pytest.fixture
def besiege(settings: Settings) -> Iterator[Open]:
    """Opens a siege over a database, so many people in it, a reminder due for each."""
    with contextlib.ExitStack() as stack:

        def begin(url: str, *, people: int, workers: int) -> Siege:
            clock = Clock(TEN - Clock().now())
            box = FarBox(clock)
            texts, cards = [[f"o_{kind}_{n}" for n in range(people // 2)] for kind in ("text", "card")]
            for openid in [*texts, *cards]:
                box.add_user(openid, following=True)
            for openid in texts:
                box.open_window(box.users[openid], "message")
            there = settings.model_copy(
                update={
                    "database_url": url, "wechat_api_base": stack.enter_context(served(box)), "senders": SENDERS,
                    "wechat_calls_a_second": 10_000,
                }
            )  # fmt: skip
            gather(there, texts, cards, clock.now())
            siege = Siege(box, clock, there, create_engine(sync_url(url)), texts, cards, workers)
            stack.callback(siege.engine.dispose)
            stack.callback(siege.end)
            return siege

        yield begin


def kill_again_and_again(siege: Siege, kills: int) -> str:
    """Kill workers in turn, and let the last ones finish; what is left to say about it."""
    n, box = len(siege.box.users), siege.box
    for turn in range(kills):
        siege.begin()
        siege.kill(siege.in_the_middle(after=n * (turn + 1) // (kills + 2)))
        if turn % siege.workers == siege.workers - 1 or turn == kills - 1:
            siege.a_minute_passes()
    assert siege.unfinished(), "the kills came when everything was done already"
    siege.finish()

    shown = {openid: box.shown(openid) for openid in (*siege.texts, *siege.cards)}
    texts_again = sum(shown[openid] - 1 for openid in siege.texts)
    cards_twice = sum(shown[openid] - 1 for openid in siege.cards)
    cards_again = sum(box.asked[openid] - 1 for openid in siege.cards)
    doubtful = Counter(rung for rung, _, _ in siege.doubtful)
    told = (
        f"{n} reminders, {kills} kills: on their way were {doubtful['template']} cards, {cards_again} sent again, "
        f"{cards_twice} shown again, and {doubtful['customer']} texts, {texts_again} shown again"
    )
    assert all(shown.values()), f"somebody was forgotten: {told}\n{siege.logs()}"
    rows = siege.select("kind, state, due_at IS NULL, count(*), count(DISTINCT person_id) FROM outbox GROUP BY 1, 2, 3")
    assert rows == [("remind_day", "sent", True, n, n)], f"{told}\n{siege.logs()}"
    assert not siege.select("id FROM contact WHERE busy_with IS NOT NULL"), "nobody writes to them any more"
    assert cards_twice == 0, told
    assert len(siege.doubtful) <= kills * AT_ONCE, f"more in doubt than can be on its way at once: {told}"
    assert 0 < cards_again <= doubtful["template"], told
    assert 0 < texts_again <= doubtful["customer"], told
    return told


FEW, SOME, MANY = 200, 400, 2118


def test_a_worker_that_is_killed_forgets_nobody_and_repeats_only_what_was_on_its_way(
    besiege: Open, settings: Settings
) -> None:
    kill_again_and_again(besiege(settings.database, people=SOME, workers=1), kills=2)


@pytest.mark.postgres
def test_two_workers_that_are_killed_forget_nobody_and_repeat_only_what_was_on_its_way(
    besiege: Open, postgres_db: str
) -> None:
    kill_again_and_again(besiege(postgres_db, people=SOME, workers=2), kills=2)


@pytest.mark.chaos
@pytest.mark.slow
def test_the_same_five_times_over_with_2118_reminders(besiege: Open, settings: Settings) -> None:
    say(kill_again_and_again(besiege(settings.database, people=MANY, workers=1), kills=5))


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.postgres
def test_the_same_five_times_over_with_2118_reminders_and_two_workers(besiege: Open, postgres_db: str) -> None:
    say(kill_again_and_again(besiege(postgres_db, people=MANY, workers=2), kills=5))


def say(told: str) -> None:
    sys.stdout.write(f"{told}\n")


# A stop that leaves time for a goodbye


def stop_in_the_middle(siege: Siege) -> None:
    siege.begin()
    siege.in_the_middle(after=len(siege.box.users) // 3)
    siege.stop()
    assert siege.unfinished(), "the stop came when everything was done already"
    assert not siege.select("id FROM outbox WHERE state = 'sending'")
    siege.finish()  # at once: nothing is leased, so no minute has to pass
    assert set(siege.box.asked.values()) == {1}, siege.logs()
    assert siege.box.asked.keys() == siege.box.users.keys()


def test_a_worker_that_is_asked_to_stop_leaves_nothing_open_and_nothing_is_repeated(
    besiege: Open, settings: Settings
) -> None:
    stop_in_the_middle(besiege(settings.database, people=FEW, workers=1))


@pytest.mark.postgres
def test_two_workers_that_are_asked_to_stop_leave_nothing_open_and_nothing_is_repeated(
    besiege: Open, postgres_db: str
) -> None:
    stop_in_the_middle(besiege(postgres_db, people=FEW, workers=2))
