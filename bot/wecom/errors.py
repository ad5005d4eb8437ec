"""What WeCom's refusals mean, as data: what differs from WeChat's table, and what is the same.

Source: 企业微信 › 全局错误码 (developer.work.weixin.qq.com/document/path/90313). The two platforms share many
numbers and not always what they mean, so that a code in neither list is unknown here even if WeChat knows it.
"""

from datetime import datetime, timedelta

from bot.outside import (
    ContentRefused,
    ErrorClass,
    Misconfigured,
    OutsideError,
    PersonUnreachable,
    TryLater,
    UnknownError,
)
from bot.wechat.errors import classify as classify_as_wechat

GETTOKEN = "gettoken"
TASK_ID_USED = 42014
RETRY_AFTER = timedelta(seconds=60)

_C = ErrorClass

SAME_AS_WECHAT = frozenset(
    {-1, 40001, 40014, 42001, 81013, TASK_ID_USED, 40033, 45002, 47001, 45033, 60020}
)  # fmt: skip
ERRCODES: dict[int, tuple[ErrorClass, str]] = {
    45009: (_C.RETRY, "企业微信：这一分钟调用太多"),
    40003: (_C.UNREACHABLE, "企业微信：没有这个成员"),
    40008: (_C.FIX_CONTENT, "企业微信：消息类型不对"),
    40058: (_C.FIX_CONTENT, "企业微信：参数不合要求"),
    44004: (_C.FIX_CONTENT, "企业微信：内容是空的"),
    40013: (_C.CONFIGURATION, "企业微信：企业 ID 不对"),
    40056: (_C.CONFIGURATION, "企业微信：AgentId 不对"),
    40091: (_C.CONFIGURATION, "企业微信：Secret 不对"),
    48002: (_C.CONFIGURATION, "企业微信：应用没有这个接口的权限"),
    60011: (_C.CONFIGURATION, "企业微信：应用没有权限"),
    93000: (_C.CONFIGURATION, "企业微信：群机器人的地址不对，或机器人已被移除"),
    301002: (_C.CONFIGURATION, "企业微信：Secret 和 AgentId 不是同一个应用的"),
}


def classify(errcode: int, errmsg: str, api: str, now: datetime) -> OutsideError | None:
    """The exception for an answer of `api`, not raised; None for 0.

    `errmsg` is only searched for the IP address that is not trusted (60020).
    """
    if api == GETTOKEN and errcode in (40001, 40014, 42001):
        # Where tokens are given out none can be refused: 40001 there is a wrong secret.
        return Misconfigured(errcode, api, "企业微信：Secret 不对")
    if errcode == 0 or errcode in SAME_AS_WECHAT:
        return classify_as_wechat(errcode, errmsg, api, now)
    error_class, advice = ERRCODES.get(errcode, (_C.UNKNOWN, "企业微信：没有见过的错误码"))
    match error_class:
        case ErrorClass.RETRY:
            return TryLater(errcode, api, advice, retry_after=RETRY_AFTER)
        case ErrorClass.UNREACHABLE:
            return PersonUnreachable(errcode, api, advice)
        case ErrorClass.FIX_CONTENT:
            return ContentRefused(errcode, api, advice)
        case ErrorClass.CONFIGURATION:
            return Misconfigured(errcode, api, advice)
    return UnknownError(errcode, api, advice)
