"""Aliyun's SendSms (version 2017-05-25), signed by ACS3-HMAC-SHA256.

Sources: help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms, …/api-error-codes and
help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature. The parameters belong into the
query, not into the body: a signature over the body is refused. So the number is in the URL, and
`silence_http_logs` keeps it out of httpx's log.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from urllib.parse import quote

import httpx

from app.clock import Clock
from bot.outside import (
    ChannelClosed,
    ContentRefused,
    Misconfigured,
    OutcomeUnknown,
    PersonUnreachable,
    QuotaUsedUp,
    TryLater,
)
from bot.sms.call import Table, exchange, refusal, unreadable
from bot.sms.numbers import mobile

REAL_API = "https://dysmsapi.aliyuncs.com"
API = "aliyun/SendSms"
ALGORITHM = "ACS3-HMAC-SHA256"
FLOW = "isv.BUSINESS_LIMIT_CONTROL"

ANSWERS: Table = {
    FLOW: (TryLater, "发给这个号码太频繁"),
    "Throttling": (TryLater, "调用太频繁"),
    "isp.SYSTEM_ERROR": (TryLater, "阿里云系统出错"),
    "isp.GATEWAY_ERROR": (TryLater, "阿里云系统出错"),
    "isv.DAY_LIMIT_CONTROL": (QuotaUsedUp, "到了控制台里设的每日发送上限"),
    "isv.MONTH_LIMIT_CONTROL": (QuotaUsedUp, "到了控制台里设的每月发送上限"),
    "isv.MOBILE_NUMBER_ILLEGAL": (PersonUnreachable, "手机号不对"),
    "isv.BLACK_KEY_CONTROL_LIMIT": (PersonUnreachable, "这个号码退订或投诉过"),
    "isv.CUSTOMER_REFUSED": (PersonUnreachable, "这个号码退订了"),
    "isv.SMS_CONTENT_ILLEGAL": (ContentRefused, "内容含有不允许发送的词"),
    "isv.UNSUPPORTED_CONTENT": (ContentRefused, "内容含有不支持的字符"),
    "isv.PARAM_LENGTH_LIMIT": (ContentRefused, "变量太长"),
    "isv.PARAM_NOT_SUPPORT_URL": (ContentRefused, "变量里不能有网址"),
    "isv.TEMPLATE_PARAMS_ILLEGAL": (ContentRefused, "变量和模板里定的类型不符"),
    "isv.INVALID_JSON_PARAM": (ContentRefused, "变量不是合格的 JSON"),
    "isv.INVALID_PARAMETERS": (ContentRefused, "参数格式不对"),
    "isv.TEMPLATE_MISSING_PARAMETERS": (Misconfigured, "模板里有我们不给的变量：只能用 code 和 time"),
    "isv.SMS_TEMPLATE_ILLEGAL": (Misconfigured, "模板没有通过审核，或不属于这个账号"),
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": (Misconfigured, "内容和模板的类型不符：请用通知类模板"),
    "isv.SMS_SIGNATURE_ILLEGAL": (Misconfigured, "签名没有通过审核，或不属于这个账号"),
    "isv.SMS_SIGN_ILLEGAL": (Misconfigured, "签名被禁止使用"),
    "isv.SIGN_STATE_ILLEGAL": (Misconfigured, "签名不可用"),
    "isv.SIGN_NAME_ILLEGAL": (Misconfigured, "签名不合规范"),
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": (Misconfigured, "签名和模板的类型不一致：请用通用签名"),
    "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": (Misconfigured, "测试签名和测试模板要一起用"),
    "isv.SMS_TEST_NUMBER_LIMIT": (Misconfigured, "测试签名只能发给绑定的号码：请换成正式的"),
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": (Misconfigured, "国际模板不能发给内地号码"),
    "PORT_NOT_REGISTERED": (Misconfigured, "签名还没有完成实名报备"),
    "isv.DENY_IP_RANGE": (Misconfigured, "服务器 IP 不在中国内地，不能发内地短信"),
    "isv.AMOUNT_NOT_ENOUGH": (Misconfigured, "余额不足"),
    "isv.OUT_OF_SERVICE": (Misconfigured, "欠费停机"),
    "isv.PRODUCT_UN_SUBSCRIPT": (Misconfigured, "没有开通短信服务"),
    "isv.PRODUCT_UNSUBSCRIBE": (Misconfigured, "没有开通短信服务"),
    "isv.ACCOUNT_NOT_EXISTS": (Misconfigured, "账号不存在"),
    "isv.ACCOUNT_ABNORMAL": (Misconfigured, "账号异常"),
    "isv.SECURITY_FROZEN_ACCOUNT": (Misconfigured, "账号很久没有用，被冻结了"),
    "isp.RAM_PERMISSION_DENY": (Misconfigured, "RAM 用户没有发短信的权限"),
    "NoPermission": (Misconfigured, "RAM 用户没有发短信的权限"),
    "Forbidden": (Misconfigured, "RAM 用户没有发短信的权限"),
    "InvalidAccessKeyId": (Misconfigured, "AccessKey ID 不对，或被停用"),
    "SignatureDoesNotMatch": (Misconfigured, "AccessKey Secret 不对"),
    "IncompleteSignature": (Misconfigured, "AccessKey Secret 不对"),
    "InvalidTimeStamp": (Misconfigured, "服务器的时钟不准：和标准时间差了 15 分钟以上"),
    # The same request twice: something on the way repeated it, and the first one was taken.
    "SignatureNonceUsed": (OutcomeUnknown, "同一个请求到了两次"),
}


class AliyunSms:
    name = "aliyun"

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, *, key_id: str, key_secret: str, sign: str, template: str,
        base: str = "",
    ) -> None:  # fmt: skip
        self._http = http
        self._clock = clock
        self._key_id = key_id
        self._key_secret = key_secret
        self._sign = sign
        self._template = template
        self._base = base or REAL_API

    async def send(self, phone: str, fields: Mapping[str, str], *, reference: str) -> str:
        """SendSms. `fields` under their own names in TemplateParam, `reference` as OutId, which does not dedupe."""
        query = canonical_query(
            {
                "PhoneNumbers": _number(phone),
                "SignName": self._sign,
                "TemplateCode": self._template,
                "TemplateParam": json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":")),
                "OutId": reference,
            }
        )
        url = f"{self._base.rstrip('/')}/?{query}"
        status, answer = await exchange(self._http, API, url, self._headers(url, query))
        code = str(answer.get("Code", ""))
        if code == "OK" and status == httpx.codes.OK:
            return str(answer.get("BizId") or "")
        if not code or code == "OK":
            raise unreadable(API, status)
        if code == FLOW and any(span in str(answer.get("Message", "")) for span in ("小时级", "天级")):
            raise ChannelClosed(None, API, "这个号码一段时间内收到的太多", reason="count", code=code)
        raise refusal(ANSWERS, code, API, status, self._clock.now())

    def _headers(self, url: str, query: str) -> dict[str, str]:
        signed = {
            "host": httpx.URL(url).netloc.decode(),
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        authorization = authorize(self._key_id, self._key_secret, query, signed)
        return {**signed, "accept": "application/json", "authorization": authorization}


def canonical_query(params: Mapping[str, str]) -> str:
    """CanonicalQueryString: sorted, and percent-encoded by RFC 3986."""
    return "&".join(f"{_escape(name)}={_escape(value)}" for name, value in sorted(params.items()))


def authorize(key_id: str, key_secret: str, query: str, headers: Mapping[str, str]) -> str:
    """The Authorization header of a POST to `/?query` without a body. `headers`: all that are signed, in lower case."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(("POST", "/", query, lines, names, headers["x-acs-content-sha256"]))
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"


def _escape(value: str) -> str:
    return quote(value, safe="-_.~")


def _number(phone: str) -> str:
    """Abroad Aliyun wants the country code without `+`."""
    number = mobile(phone, API)
    if number.startswith("+1") and len(number) == len("+1") + 10:
        # Without its + it is eleven digits that begin with 1: somebody else's number in mainland China.
        raise PersonUnreachable(None, API, "阿里云分不清 +1 开头的号码和内地手机号", code="number")
    return number.removeprefix("+")
