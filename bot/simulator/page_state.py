"""The box as plain data: the same for the page, for `state.json` and for a Phone."""

from datetime import datetime, timedelta
from typing import Any

from app.clock import local
from bot.simulator.controls import Controls
from bot.simulator.menus import menu_of
from bot.simulator.platform import BEIJING, Platform
from bot.simulator.state import Bubble, Call, User
from bot.simulator.wecom import WorkPlatform
from bot.wording.moments import weekday_words

GAP = timedelta(minutes=5)


async def box_state(platform: Platform, controls: Controls | None, phone: str = "") -> dict[str, Any]:
    """Everything the page shows; `phone` (an openid) narrows it to one phone, without the log."""
    now = platform.clock.now()
    zone = controls.zone if controls else BEIJING
    upcoming = await controls.upcoming() if controls else []
    users = [u for u in platform.users.values() if phone in ("", u.openid)]
    return {
        "now": now.isoformat(),
        "now_words": moment_words(now, zone),
        "zone": zone,
        "account": platform.name,
        "phones": [phone_state(platform, user) for user in users],
        "calls": [] if phone else [call_state(call, zone) for call in platform.calls],
        "menu": platform.menu,
        "qr_codes": [
            {
                "scene": code.scene_str,
                "ticket": code.ticket,
                "used": code.used,
                "expires_at": code.expires_at.isoformat() if code.expires_at else None,
            }
            for code in platform.qr_codes
            if code.valid(now)
        ],
        "groups": [] if phone or platform.work is None else work_groups(platform.work, now, zone),
        "faults": waiting_faults(platform),
        "has_controls": controls is not None,
        "upcoming": [
            {"at": u.at.isoformat(), "at_words": near_words(u.at, now, zone), "what": u.what, "why": u.why}
            for u in upcoming
        ],
    }


def phone_state(platform: Platform, user: User) -> dict[str, Any]:
    now = platform.clock.now()
    return {
        "openid": user.openid,
        "name": user.name,
        "role": user.role,
        "at_work": bool(user.userid),
        "following": user.following,
        "lock_screen": user.lock_screen,
        "messages_left": user.messages_left(now),
        "menu": menu_of(platform, user),
        "bubbles": [bubble_state(bubble) for bubble in user.bubbles],
    }


def bubble_state(bubble: Bubble) -> dict[str, Any]:
    return {
        "at": bubble.at.isoformat(),
        "who": bubble.who,
        "kind": bubble.kind,
        "text": bubble.text,
        "title": bubble.title,
        "fields": [list(pair) for pair in bubble.fields],
        "url": bubble.url,
        "choices": [list(choice) for choice in bubble.choices],
        "task_id": bubble.task_id,
        "replaced": bubble.replaced,
    }


def work_groups(work: WorkPlatform, now: datetime, zone: str) -> list[dict[str, Any]]:
    """The groups with a robot, each with its posts, newest first."""
    return [
        {
            "name": group.name,
            "posts": [
                {"at_words": near_words(post.at, now, zone), "text": post.text, "everybody": post.everybody}
                for post in reversed(group.posts)
            ],
        }
        for group in work.groups.values()
    ]


def call_state(call: Call, zone: str) -> dict[str, Any]:
    return {
        "at": call.at.isoformat(),
        "at_words": local(call.at, zone).strftime("%H:%M:%S"),
        "direction": call.direction,
        "what": call.what,
        "who": call.who,
        "summary": call.summary,
        "result": call.result,
        "waiting": call.waiting,
        "ok": call.ok,
    }


def waiting_faults(platform: Platform) -> list[str]:
    waiting = ["下一条回调签名错"] if platform.bad_signature_next else []
    waiting += ["下一条消息晚到"] if platform.hold_next else []
    waiting += [f"下一条消息送 {platform.deliver_next} 次"] if platform.deliver_next > 1 else []
    for fault in platform.faults:
        where = {"door": "回调", "*": "所有接口"}.get(fault.path, fault.path)
        times = "一直" if fault.times is None else f"{fault.times} 次"
        waiting.append(f"{where}：{fault.words()}（{times}）")
    return waiting


def separated(bubbles: list[Bubble], now: datetime, zone: str) -> list[tuple[str, Bubble]]:
    """Each bubble with the time line above it; empty when the one before it is less than 5 minutes old."""
    found: list[tuple[str, Bubble]] = []
    before: datetime | None = None
    for bubble in bubbles:
        apart = before is None or bubble.at - before >= GAP
        found.append((near_words(bubble.at, now, zone) if apart else "", bubble))
        before = bubble.at
    return found


def moment_words(moment: datetime, zone: str) -> str:
    here = local(moment, zone)
    return f"{here:%Y-%m-%d}（{weekday_words(here)}）{here:%H:%M}"


def near_words(moment: datetime, now: datetime, zone: str) -> str:
    """`今天 12:00`, `昨天 10:00`, `明天 09:00`, else `11月21日 15:01`."""
    here, today = local(moment, zone), local(now, zone).date()
    day = {-1: "昨天", 0: "今天", 1: "明天"}.get((here.date() - today).days)
    return f"{day or f'{here.month}月{here.day}日'} {here:%H:%M}"
