"""What WeChat's and WeCom's refusals mean, as data.

Source: 全局错误码 (developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html) and the pages
of the single APIs. HTTP is 200 even for an error: only `errcode` counts. `errmsg` never gets into an
exception: it can hold openids. Only a field name and an IP address do.
"""

import ipaddress
import re
from datetime import datetime, time, timedelta

from app.clock import local, wall
from bot.outside import (
    ChannelClosed,
    ContentRefused,
    ErrorClass,
    Misconfigured,
    OutsideError,
    PersonUnreachable,
    QuotaUsedUp,
    Reason,
    TokenRefused,
    TryLater,
    UnknownError,
    UserMustRetry,
)

STABLE_TOKEN = "stable_token"  # noqa: S105 - the name of an API


class MalformedMessage(Exception):  # noqa: N818 - the name says what happened
    """A callback that is signed but cannot be read. Its text is the kind of fault, never the content."""


_C = ErrorClass

ERRCODES: dict[int, tuple[ErrorClass, str]] = {
    -1: (_C.RETRY, "微信系统繁忙"),
    45011: (_C.RETRY, "调用太频繁"),
    43108: (_C.RETRY, "同一个人的订阅通知不能同时发"),
    40001: (_C.TOKEN, "access_token 无效"),
    40014: (_C.TOKEN, "access_token 无效"),
    42001: (_C.TOKEN, "access_token 过期"),
    45015: (_C.SWITCH_CHANNEL, "超过客服消息的时间窗口，或已取消关注"),
    45047: (_C.SWITCH_CHANNEL, "窗口内的客服消息条数已用完"),
    43101: (_C.SWITCH_CHANNEL, "没有订阅、次数用完或拒收"),
    43107: (_C.SWITCH_CHANNEL, "订阅通知能力被封禁"),
    43116: (_C.SWITCH_CHANNEL, "模板被限制下发"),
    40037: (_C.SWITCH_CHANNEL, "模板编号不对，请检查模板设置"),
    40003: (_C.UNREACHABLE, "openid 不对，或属于另一个公众号"),
    43004: (_C.UNREACHABLE, "没有关注"),
    43019: (_C.UNREACHABLE, "在黑名单里"),
    48002: (_C.UNREACHABLE, "关闭了接收消息"),
    50005: (_C.UNREACHABLE, "没有关注"),
    70000: (_C.UNREACHABLE, "微信说送不到这个人"),
    81013: (_C.UNREACHABLE, "企业微信：接收人都不在应用的可见范围内"),
    47003: (_C.FIX_CONTENT, "模板字段不合要求"),
    40249: (_C.FIX_CONTENT, "模板字段不合要求"),
    45168: (_C.FIX_CONTENT, "内容含有平台不允许的词"),
    45002: (_C.FIX_CONTENT, "内容太长"),
    45008: (_C.FIX_CONTENT, "图文太长"),
    40033: (_C.FIX_CONTENT, "含有不允许的字符"),
    47001: (_C.FIX_CONTENT, "JSON 格式不对"),
    42014: (_C.FIX_CONTENT, "企业微信：task_id 用过了"),
    45009: (_C.QUOTA, "今天的接口调用次数已用完"),
    45033: (_C.RETRY, "企业微信：同时调用太多"),
    40013: (_C.CONFIGURATION, "AppID 不对"),
    40125: (_C.CONFIGURATION, "AppSecret 不对"),
    40164: (_C.CONFIGURATION, "服务器 IP 不在公众平台的 IP 白名单里"),
    40243: (_C.CONFIGURATION, "AppSecret 被冻结"),
    48001: (_C.CONFIGURATION, "公众号没有这个接口的权限"),
    48004: (_C.CONFIGURATION, "这个接口被封禁"),
    50001: (_C.CONFIGURATION, "公众号没有这个接口的权限"),
    50002: (_C.CONFIGURATION, "公众号受限"),
    61024: (_C.CONFIGURATION, "请用 stable_token 或第三方平台的方式取 token"),
    89503: (_C.CONFIGURATION, "这个 IP 的调用要公众号管理员确认"),
    40200: (_C.CONFIGURATION, "这个公众号不能发这类消息"),
    60020: (_C.CONFIGURATION, "企业微信：服务器 IP 不在可信名单里"),
    40029: (_C.USER, "网页授权 code 无效"),
    40163: (_C.USER, "网页授权 code 用过了"),
    42003: (_C.USER, "网页授权 code 过期"),
}

RETRY_AFTER = {45011: timedelta(seconds=60), 45033: timedelta(seconds=60)}
REASONS: dict[int, Reason] = {
    45015: "window",
    45047: "count",
    43101: "consent",
    43107: "banned",
    43116: "template",
    40037: "template",
}

_FIELD = re.compile(r"\bdata\.([a-z_]{1,32}[0-9]{0,3})\b")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{3,45}")


def classify(errcode: int, errmsg: str, api: str, now: datetime) -> OutsideError | None:
    """The exception for an answer of `api`, not raised; None for 0.

    `errmsg` is only searched for a field name (47003) or an IP address (40164, 89503, 60020).
    """
    if errcode == 0:
        return None
    error_class, advice = ERRCODES.get(errcode, (ErrorClass.UNKNOWN, "没有见过的错误码"))
    if error_class is ErrorClass.TOKEN and api == STABLE_TOKEN:
        # Where tokens are made none can be refused: WeChat says 40001 there for a wrong secret.
        return Misconfigured(errcode, api, "AppSecret 不对")
    match error_class:
        case ErrorClass.RETRY:
            return TryLater(errcode, api, advice, retry_after=RETRY_AFTER.get(errcode, timedelta(seconds=5)))
        case ErrorClass.TOKEN:
            return TokenRefused(errcode, api, advice)
        case ErrorClass.SWITCH_CHANNEL:
            return ChannelClosed(errcode, api, advice, reason=REASONS[errcode])
        case ErrorClass.UNREACHABLE:
            return PersonUnreachable(errcode, api, advice)
        case ErrorClass.FIX_CONTENT:
            return ContentRefused(errcode, api, advice, field=_field(errmsg))
        case ErrorClass.QUOTA:
            return QuotaUsedUp(errcode, api, advice, until=next_midnight(now))
        case ErrorClass.CONFIGURATION:
            return Misconfigured(errcode, api, advice, detail=_address(errmsg))
        case ErrorClass.USER:
            return UserMustRetry(errcode, api, advice)
        case ErrorClass.UNKNOWN:
            return UnknownError(errcode, api, advice)


def next_midnight(now: datetime) -> datetime:
    """The UTC moment at which WeChat's daily quotas start again: 00:00 in Beijing."""
    tomorrow = local(now, "Asia/Shanghai").date() + timedelta(days=1)
    return wall(tomorrow, time(), "Asia/Shanghai")


def _field(errmsg: str) -> str | None:
    found = _FIELD.search(errmsg)
    return found[1] if found else None


def _address(errmsg: str) -> str | None:
    for word in _ADDRESS.findall(errmsg):
        try:
            return str(ipaddress.ip_address(word))
        except ValueError:
            continue
    return None
