"""The platform's rules about content: template keyword fields, the custom menu, tags. Pure.

Source: 「模板消息/订阅通知 参数值限制说明」, 「自定义菜单 创建接口」, 「个性化菜单」, 「用户标签管理」.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.simulator.state import Refused, Template

_HAN = r"[\u4e00-\u9fff]"
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d"
_DAY = r"\d{4}年(0?[1-9]|1[0-2])月(0?[1-9]|[12]\d|3[01])日"
_MOMENT = rf"({_DAY}( {_CLOCK}(:[0-5]\d)?)?|{_CLOCK})"
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f\u200d]")

FIELD_RULES: dict[str, re.Pattern[str]] = {
    "thing": re.compile(r".{1,20}"),
    "character_string": re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,30}[\x21-\x7e])?"),
    "phrase": re.compile(rf"{_HAN}{{1,5}}"),
    "name": re.compile(rf"({_HAN}|·){{1,10}}|[A-Za-z .'\-]{{1,20}}"),
    "time": re.compile(rf"{_MOMENT}(~{_MOMENT})?"),
    "date": re.compile(rf"{_DAY}( {_CLOCK})?(~{_DAY}( {_CLOCK})?)?"),
    "number": re.compile(r"-?\d{1,32}(\.\d{1,32})?"),
    "amount": re.compile(r"[¥￥$]?\d{1,10}(\.\d{1,2})?元?"),
    "phone_number": re.compile(r"[\d+\-]{1,17}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "const": re.compile(r".{1,20}"),
}


def check_fields(template: Template, data: Any) -> tuple[tuple[str, str], ...]:
    """The card's (label, value) pairs in the template's order; Refused 47003 naming the first bad field."""
    if not isinstance(data, Mapping):
        raise Refused(47003, "data invalid", "data 不是对象")
    for key in data:
        if key not in template["fields"]:
            raise Refused(47003, f"data.{key} is not a keyword of the template", f"模板里没有 {key}")
    pairs = []
    for key, label in template["fields"].items():
        given = data.get(key)
        value = given.get("value") if isinstance(given, Mapping) else None
        if value in (None, ""):
            raise Refused(47003, f"data.{key}.value is empty", f"{key} 没有填")
        value = str(value)
        reason = field_fault(key, value)
        if reason:
            raise Refused(47003, f"data.{key}.value invalid", f"{key} {reason}")
        pairs.append((label, value))
    return tuple(pairs)


def field_fault(key: str, value: str) -> str:
    """Why `value` may not stand in keyword `key` (Chinese), or an empty string."""
    if "\n" in value or "\r" in value:
        return "不能换行"
    if _EMOJI.search(value):
        return "不能有表情"
    rule = FIELD_RULES.get(key.rstrip("0123456789"))
    if rule is not None and not rule.fullmatch(value):
        return f"格式或长度不对（{len(value)} 字）"
    return ""


_STATE = re.compile(r"[A-Za-z0-9]{0,128}")


def page_fault(query: Mapping[str, str], app_id: str, domain: str) -> str:
    """Why a page authorisation is refused on the spot (Chinese, with the platform's number), or an empty string."""
    back = urlsplit(query.get("redirect_uri", ""))
    if back.scheme not in ("http", "https"):
        return "redirect_uri 参数错误"
    if query.get("appid") != app_id:
        return "AppID 参数错误"
    if domain and back.hostname != domain:
        return f"10003 redirect_uri 域名与后台配置不一致：后台是 {domain}"
    if query.get("response_type") != "code":
        return "response_type 参数错误"
    if query.get("scope") != "snsapi_base":
        return "10005 没有这个 scope 的权限，这里只有 snsapi_base"
    if not _STATE.fullmatch(query.get("state", "")):
        return "state 参数错误：只能有字母和数字，最多 128 个"
    return ""


def check_menu(menu: Any) -> list[dict[str, Any]]:
    """The buttons of `menu`; Refused with the platform's 400xx code for the first thing that is wrong."""
    buttons = menu.get("button") if isinstance(menu, Mapping) else None
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refused(40016, note="一级菜单要 1–3 个")
    for button in buttons:
        subs = button.get("sub_button")
        if subs:
            if len(subs) > 5:
                raise Refused(40023, note="二级菜单最多 5 个")
            _check_name(button, 16)
            for sub in subs:
                _check_button(sub, 60)
        else:
            _check_button(button, 16)
    return list(buttons)


PRIVATE = ("sex", "country", "province", "city", "language")


def check_rule(menu: Mapping[str, Any]) -> int:
    """The tag that a conditional menu is for; Refused 65304 without one, 65320 for a rule about privacy."""
    rule = menu.get("matchrule")
    rule = rule if isinstance(rule, Mapping) else {}
    if any(rule.get(name) for name in PRIVATE):
        raise Refused(65320, note="不能按性别、地区、语言分")
    tag = str(rule.get("tag_id") or "")
    if not tag.isdecimal():
        raise Refused(65304, note="matchrule 里没有 tag_id")
    return int(tag)


def check_tag_name(name: str, others: Collection[str]) -> None:
    """Refused 45157 for an empty or a used name, 45158 for more than 30 bytes."""
    if not name or name in others:
        raise Refused(45157, note=f"标签名「{name}」空着或重名")
    if len(name.encode()) > 30:
        raise Refused(45158, note=f"标签名「{name}」超过 30 个字节")


def _check_name(button: Mapping[str, Any], limit: int) -> None:
    name = str(button.get("name", ""))
    if not name or len(name.encode()) > limit:
        raise Refused(40018, note=f"菜单名「{name}」长度不对")


def _check_button(button: Mapping[str, Any], limit: int) -> None:
    _check_name(button, limit)
    match button.get("type"):
        case "click":
            if not 1 <= len(str(button.get("key", "")).encode()) <= 128:
                raise Refused(40019, note="菜单 key 长度不对")
        case "view":
            if not str(button.get("url", "")).startswith(("http://", "https://")):
                raise Refused(40020, note="菜单 url 不对")
        case other:
            raise Refused(40017, note=f"菜单类型 {other} 不支持")
