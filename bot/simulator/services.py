"""What the bot may ask of the platform, with the platform's real rules. No HTTP here.

Each verb takes the parsed body and returns the answer's fields, or raises Refused with the errcode.
Sources: 「发送客服消息」「发送模板消息」「发送订阅通知」「生成带参数的二维码」「获取用户基本信息」.
Menus and tags are in `menus.py`.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.simulator.callbacks import Fields
from bot.simulator.menus import MENU_READS, MENU_VERBS
from bot.simulator.platform import Platform, new_ticket
from bot.simulator.rules import check_fields
from bot.simulator.state import Bubble, QrCode, Refused, User

Body = Mapping[str, Any]
Answer = dict[str, Any]
NOTE = "_note"  # words for the log, taken out before the answer leaves

MEDIA_TYPES = {"image", "voice", "video", "thumb"}
QR_LONGEST = 2_592_000
QR_DEFAULT = 60
CODE_LIFE = timedelta(minutes=5)


def custom_send(box: Platform, body: Body) -> Answer:
    """A customer-service message. 40003, 40007, 40008, 44004, 45002, 45008, 45015, 45047."""
    user = _known(box, body)
    bubble = _custom_bubble(box, body)
    user.spend(box.clock.now())
    box.show(user, bubble)
    return {NOTE: f"窗口还剩 {user.messages_left(box.clock.now())} 条"}


def _custom_bubble(box: Platform, body: Body) -> Bubble:
    kind = str(body.get("msgtype", ""))
    part = body.get(kind)
    part = part if isinstance(part, Mapping) else {}
    now = box.clock.now()
    match kind:
        case "text":
            return Bubble(now, "account", "text", _words(box, part.get("content")))
        case "msgmenu":
            items = part.get("list")
            if not isinstance(items, list) or not items:
                raise Refused(44004, note="msgmenu 没有选项")
            choices = tuple((str(item.get("id", "")), str(item.get("content", ""))) for item in items)
            head = _words(box, part.get("head_content"))
            return Bubble(now, "account", "msgmenu", head, choices=choices, tail=str(part.get("tail_content", "")))
        case "news":
            articles = part.get("articles")
            if not isinstance(articles, list) or not articles:
                raise Refused(44004)
            if len(articles) > 1:
                raise Refused(45008)
            first = articles[0]
            words = str(first.get("description", ""))
            title, url = str(first.get("title", "")), str(first.get("url", ""))
            return Bubble(now, "account", "news", words, title=title, url=url)
        case "image" | "voice":
            if part.get("media_id") not in box.media:
                raise Refused(40007)
            return Bubble(now, "account", kind, "[图片]" if kind == "image" else "[语音]")
    raise Refused(40008, note=f"msgtype {kind or '没有'}")


def _words(box: Platform, given: Any) -> str:
    words = str(given or "")
    if not words:
        raise Refused(44004)
    size = len(words.encode())
    if size > box.limits.text_bytes:
        raise Refused(45002, note=f"{size} 字节，最多 {box.limits.text_bytes}")
    return words


def template_send(box: Platform, body: Body) -> Answer:
    """A template message. 40003, 40037, 43004, 47003; `client_msg_id` guards 10 minutes per person."""
    user = _known(box, body)
    now = box.clock.now()
    key = (user.openid, str(body.get("client_msg_id") or ""))
    if key[1] and key in box.sent_ids:
        sent_at, msgid = box.sent_ids[key]
        if (now - sent_at).total_seconds() < box.limits.dedupe_seconds:
            return {"msgid": msgid, NOTE: "已去重"}
    bubble = _card(box, body, url=str(body.get("url") or ""))
    if not user.following:
        raise Refused(43004)
    msgid = box.next_id()
    if key[1]:
        box.sent_ids[key] = (now, msgid)
    lost = "failed: system failed" if user.loses_notices else box.receipt_status
    status = "failed:user block" if user.blocks_notices else lost
    if status == "success":
        box.show(user, bubble)
    receipt: Fields = {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": msgid, "Status": status}
    box.tell_later(user, receipt)
    return {"msgid": msgid}


def subscribe_send(box: Platform, body: Body) -> Answer:
    """A one-time subscription notice: one accept, one send. 40003, 40037, 43101, 47003."""
    user = _known(box, body)
    template_id = str(body.get("template_id", ""))
    bubble = _card(box, body, url=str(body.get("page") or ""))
    if user.consents.get(template_id, 0) < 1:
        raise Refused(43101)
    user.consents[template_id] -= 1
    box.show(user, bubble)
    item: Fields = {"TemplateId": template_id, "MsgID": box.next_id(), "ErrorCode": 0, "ErrorStatus": "success"}
    box.tell_later(
        user,
        {"MsgType": "event", "Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": item}},
    )
    return {NOTE: f"还剩 {user.consents[template_id]} 次"}


def _card(box: Platform, body: Body, *, url: str) -> Bubble:
    template = box.templates.get(str(body.get("template_id", "")))
    if template is None:
        raise Refused(40037)
    fields = check_fields(template, body.get("data"))
    return Bubble(box.clock.now(), "account", "card", title=template["title"], fields=fields, url=url)


def template_list(box: Platform, _: Body) -> Answer:
    """The templates of the account. The box keeps one list for template messages and subscription notices."""
    return {"template_list": [{"template_id": name, **words} for name, words in _templates(box)]}


def subscription_list(box: Platform, _: Body) -> Answer:
    return {"data": [{"priTmplId": name, "type": 2, **words} for name, words in _templates(box)]}


def _templates(box: Platform) -> list[tuple[str, Answer]]:
    return [
        (
            name,
            {
                "title": template["title"],
                "content": "\n".join(f"{label}:{{{{{key}.DATA}}}}" for key, label in template["fields"].items()),
                "example": "",
            },
        )
        for name, template in box.templates.items()
    ]


def qrcode_create(box: Platform, body: Body) -> Answer:
    """A QR code with a scene. Temporary ones live `expire_seconds` (60 when missing, at most 2592000)."""
    action = body.get("action_name")
    info = body.get("action_info")
    scene = info.get("scene") if isinstance(info, Mapping) else None
    scene_str = str(scene.get("scene_str") or "") if isinstance(scene, Mapping) else ""
    if action not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE") or not 1 <= len(scene_str) <= 64:
        raise Refused(40053, note=f"{action} scene_str {len(scene_str)} 字")
    ticket = new_ticket()
    url = f"http://weixin.qq.com/q/{secrets.token_urlsafe(12)}"
    if action == "QR_LIMIT_STR_SCENE":
        box.qr_codes.append(QrCode(ticket, scene_str, url, None))
        return {"ticket": ticket, "url": url}
    seconds = body.get("expire_seconds", QR_DEFAULT)
    if not isinstance(seconds, int) or not 1 <= seconds <= QR_LONGEST:
        raise Refused(40053, note=f"expire_seconds {seconds}")
    expires_at = box.clock.now() + timedelta(seconds=seconds)
    box.qr_codes.append(QrCode(ticket, scene_str, url, expires_at))
    return {"ticket": ticket, "expire_seconds": seconds, "url": url}


def user_info(box: Platform, query: Body) -> Answer:
    """Whether somebody follows, and since when. No nickname: the platform gives none since 2021."""
    user = box.users.get(str(query.get("openid", "")))
    if user is None:
        raise Refused(40003)
    if not user.following:
        return {"subscribe": 0, "openid": user.openid}
    return {
        "subscribe": 1,
        "openid": user.openid,
        "language": "zh_CN",
        "subscribe_time": int(user.followed_at.timestamp()) if user.followed_at else 0,
        "remark": "",
        "groupid": 0,
        "tagid_list": list(user.tags),
        "subscribe_scene": "ADD_SCENE_QR_CODE" if user.scene else "ADD_SCENE_SEARCH",
        "qr_scene": 0,
        "qr_scene_str": user.scene,
    }


def callback_check(_: Platform, body: Body) -> Answer:
    if body.get("action") not in ("dns", "ping", "all"):
        raise Refused(47001, "action")
    return {
        "dns": [{"ip": "127.0.0.1", "real_operator": "DEFAULT"}],
        "ping": [{"ip": "127.0.0.1", "from_operator": "DEFAULT", "package_loss": "0%", "time": "1.0ms"}],
    }


def media_upload(box: Platform, kind: str, body: bytes) -> Answer:
    """Keep nothing but the id. 40004 for a type that is not image, voice, video or thumb; 41005 no file."""
    if kind not in MEDIA_TYPES:
        raise Refused(40004)
    if b"filename=" not in body:
        raise Refused(41005)
    media_id = new_ticket()
    box.media.add(media_id)
    return {"type": kind, "media_id": media_id, "created_at": int(box.clock.now().timestamp())}


def oauth_code(box: Platform, openid: str) -> str:
    """A page-authorisation code for this person: once, within 5 minutes."""
    code = secrets.token_urlsafe(24)
    box.oauth_codes[code] = (openid, box.clock.now() + CODE_LIFE, False)
    return code


def oauth_token(box: Platform, query: Body) -> Answer:
    """Change a code into an openid. 40013, 40125, 40029 (unknown or old), 40163 (used)."""
    if query.get("appid") != box.account.app_id:
        raise Refused(40013)
    if query.get("secret") != box.account.app_secret:
        raise Refused(40125)
    code = str(query.get("code", ""))
    openid, until, used = box.oauth_codes.get(code, ("", box.clock.now(), False))
    if used:
        raise Refused(40163)
    if box.clock.now() >= until:
        raise Refused(40029)
    box.oauth_codes[code] = (openid, until, True)
    if box.users[openid].in_snapshot:
        # A number that belongs to nobody, and no way to ask for more.
        return {**_page_token(f"o_snapshot_{secrets.token_hex(8)}"), "is_snapshotuser": 1}
    return _page_token(openid)


def _page_token(openid: str) -> Answer:
    return {
        "access_token": secrets.token_urlsafe(64),
        "expires_in": 7200,
        "refresh_token": secrets.token_urlsafe(64),
        "openid": openid,
        "scope": "snsapi_base",
    }


def _known(box: Platform, body: Body) -> User:
    user = box.users.get(str(body.get("touser", "")))
    if user is None:
        raise Refused(40003)
    return user


VERBS: dict[str, Callable[[Platform, Body], Answer]] = {
    "message/custom/send": custom_send,
    "message/template/send": template_send,
    "message/subscribe/bizsend": subscribe_send,
    "qrcode/create": qrcode_create,
    "callback/check": callback_check,
    **MENU_VERBS,
}
READS: dict[str, Callable[[Platform, Body], Answer]] = {
    "user/info": user_info,
    "template/get_all_private_template": template_list,
    "wxaapi/newtmpl/gettemplate": subscription_list,
    **MENU_READS,
}
