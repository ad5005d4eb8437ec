"""The other side of a measurement that begins with people who write: WeChat, its API and all who use it.

Everybody writes when it is their time, whether or not anybody has been answered (an open loop): a server that
falls behind finds more at its door, not less.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

import httpx

from app.bench.api import Api
from app.bench.people import openid
from app.clock import Clock
from bot.screening import Level, screen
from bot.simulator import Account
from bot.simulator.callbacks import Door, Fields, write_xml

DANGEROUS = ("不想活了，药都攒好了", "活着没意思，我不想活了", "我想死，今天晚上就去", "遗书写好了，不想活了")
EVERYDAY = (
    "谢谢", "好的", "今天去买了菜，晚上做鱼", "下雨了，路上有点堵", "我的活动", "几点开始？", "昨天睡得不错",
    "能来", "2", "心情 4", "帮助", "手工课我想带一个朋友，可以吗", "收到", "刚才手机没电了", "明天见",
)  # fmt: skip
TEMPLATE, CODE = b"/message/template/send", "character_string1"
RECEIPT_AFTER = 0.2  # seconds from a template message to WeChat's receipt for it
ANSWER_LIMIT = 5.0  # seconds, WeChat's own
PATIENCE = 60.0  # seconds for what is still on its way when the last one has written


@dataclass(frozen=True)
class Writing:
    """`at`: seconds after the beginning. Who writes something dangerous writes nothing else."""

    at: float
    member: int
    text: str
    dangerous: bool


def schedule(rate: float, seconds: float, danger: float, members: int) -> list[Writing]:
    """Arrivals of a Poisson process, the same ones each time. ValueError: more in danger than half of the members."""
    chance = random.Random(1)  # noqa: S311 - so that both sides get the same
    moments, at = list[float](), chance.expovariate(rate)
    while at < seconds:
        moments.append(at)
        at += chance.expovariate(rate)
    in_danger = set(chance.sample(range(len(moments)), round(danger * len(moments))))
    if len(in_danger) > members / 2:
        raise ValueError(f"{len(in_danger)} 条危险的消息要来自不同的同伴：同伴要多一些，或者时间短一些")
    people = list(range(members))
    chance.shuffle(people)
    theirs, others = people[: len(in_danger)], people[len(in_danger) :]
    return [
        Writing(at, theirs.pop(), chance.choice(DANGEROUS), dangerous=True)
        if n in in_danger
        else Writing(at, chance.choice(others), chance.choice(EVERYDAY), dangerous=False)
        for n, at in enumerate(moments)
    ]


def make_sure_of_the_texts() -> None:
    """RuntimeError: a text is not read as what it stands for here, and something else would be measured."""
    for texts, red in ((DANGEROUS, True), (EVERYDAY, False)):
        if any((screen(text).level is Level.RED) is not red for text in texts):
            raise RuntimeError("the screening reads the texts of the measurement differently")


class WeChat:
    """Posts what members write and the receipts of cards to a door; hears what is sent, and when (monotonic)."""

    def __init__(self, account: Account, latency: float) -> None:
        self._account = account
        self._api = Api(latency, self._heard)
        self._door: Door | None = None
        self._tasks = set[asyncio.Task[None]]()
        self._numbers = count(1)
        self.written: dict[str, float] = {}  # the openid of whoever wrote something dangerous, and when it was time
        self.alerted: dict[str, float] = {}  # the code on a card, and when the first one with it was there
        self.answered: list[float] = []
        self.errors = Counter[str]()
        self.behind = 0.0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async with self._api.listening() as base:
            yield base

    async def write(self, base: str, plan: Sequence[Writing], *, warm_up: float) -> None:
        """Let everybody write to the door at `base`, each in their time; what comes before `warm_up` does not count."""
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=base, trust_env=False, limits=limits, timeout=ANSWER_LIMIT) as client:
            self._door = Door(self._account, Clock(), client, "/wechat", ANSWER_LIMIT, ())
            start = time.monotonic()
            for writing in plan:
                await asyncio.sleep(max(0.0, start + writing.at - time.monotonic()))
                counts = writing.at >= warm_up
                self.behind = max(self.behind, time.monotonic() - start - writing.at if counts else 0)
                if writing.dangerous and counts:
                    self.written[openid(writing.member)] = start + writing.at
                fields: Fields = {"MsgType": "text", "Content": writing.text, "MsgId": next(self._numbers)}
                self._post(openid(writing.member), fields, counts=counts)
            await self._wait_for(sum(writing.dangerous for writing in plan))
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for(self, alerts: int) -> None:
        """Until so many cases are heard of and everybody is answered, but not for ever."""
        until = time.monotonic() + PATIENCE
        while self._tasks or len(self.alerted) < alerts:
            if time.monotonic() > until:
                return
            await asyncio.sleep(0.05)

    def _post(self, who: str, fields: Fields, *, counts: bool, after: float = 0.0) -> None:
        async def post() -> None:
            await asyncio.sleep(after)
            stamp = int(Clock().now().timestamp())
            xml = write_xml({"ToUserName": "gh_bench", "FromUserName": who, "CreateTime": stamp, **fields})
            if self._door is None:
                raise RuntimeError("there is no door to post to yet")
            delivery, _reply = await self._door.deliver(who, xml, fault=lambda: None)
            if delivery.error is not None:
                self.errors[delivery.error] += 1
            elif counts:
                self.answered.append(delivery.seconds)

        task = asyncio.create_task(post())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard(self, head: bytes, body: bytes, number: int) -> None:
        if TEMPLATE not in head:
            return
        now, card = time.monotonic(), json.loads(body)
        self.alerted.setdefault(card["data"][CODE]["value"], now)
        receipt: Fields = {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": number, "Status": "success"}
        self._post(card["touser"], receipt, counts=False, after=RECEIPT_AFTER)
