"""The house of every test: the real door, the real rooms, the platform in a box, and a clock that is moved."""

import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import structlog
from hypothesis import settings as hypothesis_settings
from sqlalchemy import select

from app import migrations
from app.activities.calendar import Quiet
from app.clock import Clock, local
from app.escalations import journal, log
from app.escalations import service as escalations
from app.escalations.models import CaseRow
from app.loading import load, read_programme
from app.main import Tongxing, create_app
from app.settings import GivenSettings, Settings
from app.time_travel import TimeMachine
from bot.mail.post import Post
from bot.screening.screener import put_in_force
from bot.simulator import (
    DEMO_APP_ID,
    DEMO_CORP_ID,
    Account,
    LocalWire,
    Phone,
    PhoneBook,
    Platform,
    WorkAccount,
    WorkPlatform,
    create_box,
)
from bot.sms.gateway import SmsGateway
from bot.worlds import Worlds
from tests.beginnings import Beginning, Moment
from tests.line import Line

hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.register_profile("long", deadline=None, max_examples=2000, stateful_step_count=100)
hypothesis_settings.register_profile("nightly", hypothesis_settings.get_profile("long"))
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

pytest_plugins = ["tests.postgres", "tests.needs", "tests.quick", "tests.engines"]

ZONE = "Asia/Shanghai"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo(ZONE))
PROGRAMME = Path(__file__).parent.parent / "deploy" / "programmes" / "duantang.yaml"
ACCOUNT = Account(DEMO_APP_ID, "s" * 32, "a-token", "k" * 43)
COMPANY = WorkAccount(DEMO_CORP_ID, "c" * 32, 1000002, "b-token", "w" * 43)
ROBOT = "the-robot-of-the-house"
# What an installation sets to reach its staff by more than WeChat.
WITH_WECOM = {
    "wecom_corp_id": COMPANY.corp_id, "wecom_agent_id": COMPANY.agent_id, "wecom_secret": COMPANY.secret,
    "wecom_token": COMPANY.token, "wecom_encoding_aes_key": COMPANY.encoding_aes_key, "wecom_api_base": "http://box",
    "wecom_robots": {"duantang": ROBOT},
}  # fmt: skip


class SettlingWire(LocalWire):
    """After each thing a person does, everything that follows from it happens before the test goes on."""

    machine: TimeMachine

    async def act(self, openid: str, verb: str, **details: str) -> None:
        await super().act(openid, verb, **details)
        await self.machine.settle()


@dataclass(repr=False)
class Story:
    """One house and its people, as a test speaks of them."""

    house: Tongxing
    platform: Platform
    clock: TimeMachine
    book: PhoneBook
    settings: Settings
    beginning: Beginning | None = None
    openids: dict[str, str] = field(
        default_factory=lambda: {
            "王乐": "o_wangle", "李红": "o_lihong", "周敏": "o_zhoumin", "李老师": "o_lilaoshi",
        }
    )  # fmt: skip

    async def phone(self, name: str, role: str = "") -> Phone:
        return await self.book.phone(name, role, openid=self.openids.get(name))

    async def joined(self, name: str = "小河", *, mood: bool = True, called: str | None = None) -> Phone:
        """A member who has come in; at the very beginning, the usual one has done so already."""
        usual = (name, mood, called) == ("小河", True, None)
        if usual and self.beginning is not None and self.beginning.is_now(self):
            await self.beginning.goes_on(self)
            return await self.phone(name)
        return await self.plays_joining(name, mood=mood, called=called)

    async def plays_joining(self, name: str = "小河", *, mood: bool = True, called: str | None = None) -> Phone:
        """A member comes in by the door that members come in by."""
        worker = await self.phone("王乐")
        await worker.says(f"邀请 {name}")
        invitation = await worker.hears("四个数字")
        member = await self.phone(name)
        await member.follows(await self.scan_page(invitation))
        await member.says("好")
        await member.says(invitation.rsplit("：", 1)[1][:4])
        await member.hears("同意请回")
        await member.says("1")
        await member.says("1" if mood else "2")
        await member.says("3")
        await member.says(called or name)
        await member.hears("自动消息")
        return member

    async def scan_page(self, message: str) -> str:
        """Open the link in a message and point the phone's camera at the picture: its scene."""
        await self.open_link(message)
        return self.platform.qr_codes[-1].scene_str

    async def open_link(self, message: str) -> str:
        """What the page behind the first link of a message says."""
        link = next(word for word in message.split() if word.startswith("http"))
        app = create_app(self.house, bells=())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=self.settings.public_url) as browser:
            answer = await browser.get(link)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def until(self, hour: int, minute: int = 0, *, days: int = 0) -> None:
        """Let time pass until this wall-clock time, `days` from today."""
        now = local(self.house.clock.now(), ZONE)
        target = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        await self.clock.forward_to(target.fromtimestamp(target.timestamp() + days * 86400, tz=now.tzinfo))

    async def wednesday(self, hour: int, minute: int = 0) -> None:
        """Of the first week: the day of the handicraft group."""
        await self.clock.forward_to(MONDAY.replace(day=25, hour=hour, minute=minute))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that a test runs sets the log up, on an output that ends with that test."""
    ours, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    yield
    structlog.configure(**ours)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(autouse=True)
def rules_as_they_came() -> Iterator[None]:
    """A test that plays another process puts rules in force that no house takes back."""
    yield
    put_in_force(None)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with empty tables, made once; each test works on a copy."""
    file = tmp_path_factory.mktemp("template") / "empty.db"
    migrations.migrate(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path) -> Settings:
    shutil.copy(migrated_file, tmp_path / "tongxing.db")
    return GivenSettings.model_validate(
        {
            "data_dir": tmp_path, "database_url": f"sqlite+aiosqlite:///{tmp_path / 'tongxing.db'}",
            "secret_key": "a key that only tests use", "public_url": "http://house",
            "wechat_app_id": ACCOUNT.app_id, "wechat_app_secret": ACCOUNT.app_secret, "wechat_token": ACCOUNT.token,
            "wechat_encoding_aes_key": ACCOUNT.encoding_aes_key, "wechat_api_base": "http://box",
            "wechat_oauth_base": "http://box",
            "wechat_template_activity": "TPL_ACTIVITY", "wechat_template_duty": "TPL_DUTY",
            "console_totp_for": (),
        }
    )  # fmt: skip


BEGINNINGS: list[Beginning] = []


async def beginning_of(settings: Settings, folders: pytest.TempPathFactory, empty: Path) -> Beginning:
    """What stories with these settings begin with: played when it is asked for the first time."""
    for known in BEGINNINGS:
        if known.is_of(settings):
            return known
    folder = folders.mktemp("beginning")
    shutil.copy(empty, folder / "tongxing.db")
    there = {"data_dir": folder, "database_url": f"sqlite+aiosqlite:///{folder / 'tongxing.db'}"}
    settings = settings.model_copy(update=there)
    async with open_story(settings, Clock(frozen_at=MONDAY)) as story:
        staff = Moment.of(story)
        await story.plays_joining()
        BEGINNINGS.append(Beginning(settings, staff, Moment.of(story)))
    return BEGINNINGS[-1]


@pytest.fixture
async def story(
    settings: Settings, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    """Monday, 09:00 in Duantang. The staff are there; nobody has joined yet."""
    beginning = await beginning_of(settings, tmp_path_factory, migrated_file)
    async with open_story(settings, Clock(frozen_at=MONDAY), beginning=beginning) as opened:
        yield opened


async def every_log_tells_its_case(house: Tongxing) -> None:
    """Whatever a story did to its cases: each can be computed from its log."""
    async with house.db.read() as session:
        for row in await session.scalars(select(CaseRow)):
            replayed = log.replay(await journal.entries(session, row))
            assert replayed == escalations.as_case(row), f"the log of {row.code} tells another story"


class open_story:  # noqa: N801 - reads as a verb
    """A story over a database that is ready; used again after a crash, it goes on where the first ended.

    With a `beginning`, what opening leads to was played before. `sms`, `post`, `plain`: further worlds outside.
    `programme`, `staff`: another house than Duantang, and the WeChat users of those who work there.
    """

    def __init__(
        self, settings: Settings, clock: Clock, platform: Platform | None = None, *,
        beginning: Beginning | None = None, sms: SmsGateway | None = None, post: Post | None = None,
        line: Line | None = None, plain: httpx.AsyncClient | None = None, programme: Path = PROGRAMME,
        staff: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._clock = clock
        self._platform = platform
        self._beginning = beginning
        self._sms, self._post = sms, post
        self._line, self._plain = line, plain
        self._programme, self._staff = programme, staff

    async def __aenter__(self) -> Story:
        nobody = httpx.AsyncBaseTransport()
        box = httpx.AsyncClient(base_url="http://box", transport=nobody) if self._line is None else self._line.client()
        worlds = Worlds(wechat=box, wecom=box, plain=self._plain or box, sms=self._sms, post=self._post)
        self.house = Tongxing.build(self._settings, self._clock, worlds)
        app = create_app(self.house, bells=())
        self.door = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house")
        platform = self._platform or self._new_platform()
        if self._line is None:
            box._transport = httpx.ASGITransport(create_box(platform))
        else:
            self._line.connect(create_box(platform))
        if self._beginning is not None:
            self._beginning.staff.lay_out(self._settings, platform)
        self._running = self.house.running(bells=())
        await self._running.__aenter__()
        machine = TimeMachine(self.house, platform.settle, zone=ZONE)
        wire = SettlingWire(platform)
        wire.machine = machine
        story = Story(self.house, platform, machine, PhoneBook(wire), self._settings, self._beginning)
        if self._staff is not None:
            story.openids = self._staff
        if self._beginning is None:
            await self._play(story)
        return story

    async def _play(self, story: Story) -> None:
        async with self.house.db.begin() as session:
            quiet = Quiet(self._settings.quiet_from, self._settings.quiet_until)
            file = read_programme(self._programme.read_text(encoding="utf-8"))
            await load(session, file, now=self._clock.now(), quiet=quiet, account=ACCOUNT.app_id)
        for name, openid in story.openids.items():
            user = story.platform.add_user(openid, name, "同事", following=True)
            if story.platform.work is not None:
                story.platform.work.add_member(openid.removeprefix("o_"), name, phone=user)
        await story.clock.settle()

    def _new_platform(self) -> Platform:
        work = None
        if self._settings.wecom_corp_id:
            work = WorkPlatform(COMPANY, self._clock, door=self.door)
            work.add_group("duantang", ROBOT)
        return Platform(ACCOUNT, self._clock, door=self.door, name="段塘生活小站", work=work)

    async def __aexit__(self, *error: object) -> None:
        if error[0] is None:
            await every_log_tells_its_case(self.house)
        await self._running.__aexit__(None, None, None)
        await self.door.aclose()
