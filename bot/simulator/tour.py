"""The tour: one person's story, played over HTTP with the clock moved, and told as it goes.

Every step is checked. The first one that does not hold ends the tour with what was on the phones.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TextIO

import httpx

from app.clock import local
from bot.simulator.phone import HttpWire, Phone, PhoneBook
from bot.wording.moments import day_words

ZONE = "Asia/Shanghai"


class Told:
    """A phone whose owner's story is told while it happens."""

    def __init__(self, tour: "Tour", phone: Phone) -> None:
        self._tour = tour
        self.phone = phone

    async def says(self, text: str) -> None:
        self._tour.tell(f"{self.phone.name}：「{text}」")
        await self.phone.says(text)

    async def follows(self, scene: str | None = None) -> None:
        self._tour.tell(f"{self.phone.name} {'扫码关注' if scene else '关注了公众号'}")
        await self.phone.follows(scene)

    async def scans(self, scene: str) -> None:
        self._tour.tell(f"{self.phone.name} 扫了门口的码")
        await self.phone.scans(scene)

    async def hears(self, *fragments: str) -> str:
        text = await self.phone.hears(*fragments)
        self._tour.tick(f"{self.phone.name} 看到：{_quoted(text)}")
        return text

    async def sees_card(self, title: str, *fragments: str) -> dict[str, str]:
        card = await self.phone.sees_card(title, *fragments)
        shown = "，".join(f"{label} {value}" for label, value in card.items() if label not in ("title", "url"))
        self._tour.tick(f"{self.phone.name} 收到卡片「{card['title']}」：{shown}")
        return card

    async def sees_work_card(self, title: str, *fragments: str) -> dict[str, str]:
        card = await self.phone.sees_work_card(title, *fragments)
        self._tour.tick(f"{self.phone.name} 在企业微信里收到「{card['title']}」：{'，'.join(fragments)}")
        return card

    async def presses(self, words: str) -> None:
        self._tour.tell(f"{self.phone.name} 按了「{words}」")
        await self.phone.presses(words)

    async def locked(self, *never: str) -> None:
        """The lock screen shows nothing that labels a person."""
        line = await self.phone.lock_screen()
        for word in never:
            if word in line:
                raise AssertionError(f"{self.phone.name} 的锁屏上出现了「{word}」：{line}")
        self._tour.tick(f"{self.phone.name} 的锁屏：{line}")


class Tour:
    def __init__(self, wire: HttpWire, client: httpx.AsyncClient, out: TextIO) -> None:
        self._book = PhoneBook(wire)
        self._client = client
        self._out = out
        self._steps = 0
        self._code = self._link = ""

    async def play(self) -> int:
        """Play everything; 0 if every step held, 1 if one did not."""
        chapters: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("一、加入", self.joining),
            ("二、来不来", self.rsvp),
            ("三、让妈妈也知道时间", self.family),
            ("四、提醒", self.reminders),
            ("五、签到", self.check_in),
            ("六、问心情", self.mood),
            ("七、一句让人担心的话", self.danger),
            ("八、没人接手，叫下一个人", self.ladder),
            ("九、接手、联系、填结果", self.ending),
        )
        for title, chapter in chapters:
            self._say(f"\n{title}　{await self._now_words()}")
            try:
                await chapter()
            except (AssertionError, httpx.HTTPError, LookupError) as broken:
                self._say(f"  ✗ 没走通：{broken or type(broken).__name__}\n")
                self._say(self._book.transcript())
                return 1
        self._say(f"\n故事走完了，{self._steps} 步都对。")
        return 0

    # The story

    async def joining(self) -> None:
        worker, member = await self._phone("王乐"), await self._phone("小河")
        await worker.says("邀请 小河")
        invitation = await worker.hears("当面打开", "四个数字")
        scene = await self._picture(invitation)
        await member.follows(scene)
        await member.hears("想加入，请回复：好")
        await member.says("好")
        await member.hears("四个数字")
        await member.says(invitation.rsplit("：", 1)[1][:4])
        await member.hears("同意请回：1")
        await member.says("1")
        await member.hears("每周问一次您的心情")
        await member.says("1")
        await member.hears("要不要也发给家里人")
        await member.says("1")
        await member.hears("怎么称呼您")
        await member.says("小河")
        await member.hears("绑定家属", "12356")

    async def rsvp(self) -> None:
        member = await self._phone("小河")
        await member.hears("手工课", "想来吗", "1 能来")
        await member.says("1")
        await member.hears("给您留位了")

    async def family(self) -> None:
        member, mother = await self._phone("小河"), await self._phone("小河妈妈")
        await member.says("绑定家属")
        code = (await member.hears("六个数字", "15 分钟")).splitlines()[1]
        await mother.follows()
        await mother.hears("六个数字")
        await mother.says(code)
        await mother.hears("只发时间和地点", "愿意请回 1")
        await mother.says("1")
        await mother.hears("会告诉您时间和地点")
        await member.hears("已经能收到")

    async def reminders(self) -> None:
        member, mother = await self._phone("小河"), await self._phone("小河妈妈")
        await self._to(days=1, hour=10)
        await member.hears("明天", "手工课")
        await member.says("1")
        await member.hears("记着呢", "能来")
        await mother.hears("有活动", "不用特别准备")
        await mother.locked("心情", "小河", "家属")
        await self._to(days=1, hour=12)
        await member.hears("今天", "到了请扫门口的码")

    async def check_in(self) -> None:
        worker, member = await self._phone("王乐"), await self._phone("小河")
        await self._to(hour=13, minute=50)
        await worker.says("签到码")
        posted = await worker.hears("今天的四个数字")
        await self._picture(posted)
        digits = posted.split("四个数字：", 1)[1][:4]
        await member.says("到了")
        await member.hears("墙上那四个数字")
        await member.says(digits)
        await member.hears("欢迎", "签到好了")
        await member.says("到了")
        await member.hears("已经签过到")

    async def mood(self) -> None:
        member = await self._phone("小河")
        await self._to(hour=16, minute=30)
        await member.hears("今天心情怎么样")
        await member.says("2")
        await member.hears("要不要王乐给您回个电话")
        await member.says("2")
        await member.hears("随时回：找人")

    async def danger(self) -> None:
        member, worker = await self._phone("小河"), await self._phone("王乐")
        await self._to(hour=16, minute=40)
        await member.says("不想活了，药都攒好了")
        await member.hears("您不用一个人扛着", "我已经请王乐来联系您", "12356", "您现在安全吗")
        card = await worker.sees_card("待办提醒")
        self._code = card["编号"]
        await worker.locked("小河", "不想活", "药", "危机", "自杀")

    async def ladder(self) -> None:
        backup, boss = await self._phone("李红"), await self._phone("周敏")
        await self._forward(minutes=10)
        card = await backup.sees_work_card("待办提醒", self._code)
        self._link = card["url"]
        await self._forward(minutes=5)
        await boss.sees_card("待办提醒", self._code)

    async def ending(self) -> None:
        member, worker, backup = await self._phone("小河"), await self._phone("王乐"), await self._phone("李红")
        boss = await self._phone("周敏")
        await backup.presses("我来处理")
        await backup.phone.work_card_shows("李红 已接手")
        self.tick("按钮变成「李红 已接手」")
        page = await self._open(self._link)
        if "药都攒好了" not in page or "打电话" not in page:
            raise AssertionError("链接后面没有原话和电话")
        self.tick("李红 点开链接：看到原话和电话")
        await member.hears("李红看到您的消息了")
        await worker.says(f"接 {self._code}")
        await worker.hears("李红 已接手")
        await backup.says("已联系")
        await backup.hears("已联系上")
        await backup.says("结果")
        await backup.hears("请选结果")
        await backup.says("1")
        await backup.hears("是几级")
        await backup.says("0")
        await backup.hears("下次哪天联系")
        await backup.says("1")
        await backup.hears("已结束")
        await self._forward(hours=2)
        await boss.phone.hears_nothing()
        self.tick("结束以后，没有人再被打扰")

    # How it is told

    def tell(self, line: str) -> None:
        self._say(f"    {line}")

    def tick(self, line: str) -> None:
        self._steps += 1
        self._say(f"  ✓ {line}")

    def _say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()

    async def _phone(self, name: str) -> Told:
        known = (await self._client.get("state.json")).json()["phones"]
        openid = next((phone["openid"] for phone in known if phone["name"] == name), None)
        if openid is None:
            raise LookupError(f"没有{name}的手机")
        return Told(self, await self._book.phone(name, openid=openid))

    # Time and links

    async def _now(self) -> datetime:
        return datetime.fromisoformat((await self._client.get("state.json")).json()["now"])

    async def _now_words(self) -> str:
        now = await self._now()
        return f"{day_words(now, ZONE)}{local(now, ZONE):%H:%M}"

    async def _clock(self, **how: object) -> None:
        (await self._client.post("clock", json=how)).raise_for_status()
        self._say(f"  ⏱ {await self._now_words()}")

    async def _to(self, *, hour: int, minute: int = 0, days: int = 0) -> None:
        target = local(await self._now(), ZONE).replace(hour=hour, minute=minute, second=0, microsecond=0)
        await self._clock(to=(target + timedelta(days=days)).isoformat())

    async def _forward(self, **span: float) -> None:
        await self._clock(to=(await self._now() + timedelta(**span)).isoformat())

    async def _open(self, message: str) -> str:
        link = next(word for word in message.split() if word.startswith("http"))
        page = await self._client.get(link)
        page.raise_for_status()
        return page.text

    async def _picture(self, message: str) -> str:
        """Open a link with a QR code; the scene that a camera would read off it."""
        if "<svg" not in await self._open(message):
            raise AssertionError("链接后面没有二维码")
        self.tick("链接点开是一张二维码")
        codes = (await self._client.get("state.json")).json()["qr_codes"]
        scene: str = codes[-1]["scene"]
        return scene


def _quoted(text: str) -> str:
    """What was heard, in full; what has several lines is set off below the step."""
    lines = text.strip().splitlines()
    if len(lines) == 1:
        return f"「{lines[0]}」"
    return "".join(f"\n        │ {line}" for line in lines)
