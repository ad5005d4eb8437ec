"""Tencent Cloud's SendSms (version 2021-01-11), signed by TC3-HMAC-SHA256.

Sources: cloud.tencent.com/document/api/382/55981 (SendSms), …/382/52075 and …/382/59177 (error codes),
…/213/30654 (签名方法 v3).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

import httpx

from app.clock import Clock
from bot.exchange import Answer
from bot.outside import (
    ChannelClosed,
    ContentRefused,
    Misconfigured,
    OutcomeUnknown,
    PersonUnreachable,
    QuotaUsedUp,
    TryLater,
    UnknownError,
)
from bot.sms.call import Table, exchange, refusal, unreadable
from bot.sms.numbers import mobile

REAL_API = "https://sms.tencentcloudapi.com"
API = "tencent/SendSms"
ALGORITHM = "TC3-HMAC-SHA256"
REGION = "ap-guangzhou"
# Tencent's templates number their variables: {1} is the first of these, {2} the second.
ORDER = ("code", "time")

ANSWERS: Table = {
    "LimitExceeded": (TryLater, "发送太频繁"),
    "RequestLimitExceeded": (TryLater, "调用太频繁"),
    "LimitExceeded.DeliveryFrequencyLimit": (TryLater, "发送太频繁"),
    "LimitExceeded.PhoneNumberThirtySecondLimit": (TryLater, "发给这个号码太频繁"),
    # What one number or one country has had enough of must not close the gateway for everybody else.
    "LimitExceeded.PhoneNumberOneHourLimit": (ChannelClosed, "这个号码一小时内收到的太多"),
    "LimitExceeded.PhoneNumberDailyLimit": (ChannelClosed, "这个号码今天收到的太多"),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": (ChannelClosed, "这个号码今天收到的相同内容太多"),
    "LimitExceeded.AppGlobalDailyLimit": (ChannelClosed, "到了控制台里设的国际短信每日上限"),
    "LimitExceeded.AppCountryOrRegionDailyLimit": (ChannelClosed, "到了控制台里设的这个国家的每日上限"),
    "LimitExceeded.DailyLimit": (ChannelClosed, "到了国际短信的每日发送上限"),
    "LimitExceeded.AppDailyLimit": (QuotaUsedUp, "到了控制台里设的每日发送上限"),
    "LimitExceeded.AppMainlandChinaDailyLimit": (QuotaUsedUp, "到了控制台里设的每日发送上限"),
    "LimitExceeded.AppCountryOrRegionInBlacklist": (PersonUnreachable, "控制台里没有允许发到这个国家"),
    "InvalidParameterValue.IncorrectPhoneNumber": (PersonUnreachable, "手机号不对"),
    "FailedOperation.PhoneNumberParseFail": (PersonUnreachable, "手机号不对"),
    "FailedOperation.PhoneNumberInBlacklist": (PersonUnreachable, "这个号码退订了，或在免打扰名单里"),
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": (PersonUnreachable, "国内模板不能发到境外号码"),
    "UnsupportedOperation.UnsupportedRegion": (PersonUnreachable, "不支持发到这个地区"),
    "FailedOperation.ContainSensitiveWord": (ContentRefused, "内容含有敏感词"),
    "InvalidParameter.DirtyWordFound": (ContentRefused, "内容含有敏感词"),
    "InvalidParameter": (ContentRefused, "参数不对"),
    "InvalidParameterValue": (ContentRefused, "参数不对"),
    "InvalidParameterValue.ContentLengthLimit": (ContentRefused, "短信太长"),
    "InvalidParameterValue.TemplateParameterFormatError": (ContentRefused, "变量的格式不对：验证码模板只收数字"),
    "InvalidParameterValue.TemplateParameterLengthLimit": (ContentRefused, "变量太长"),
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": (ContentRefused, "变量里不能有网址"),
    "MissingParameter": (Misconfigured, "缺少参数"),
    "FailedOperation.TemplateIncorrectOrUnapproved": (Misconfigured, "模板没有通过审核，或内容不符"),
    "FailedOperation.TemplateUnapprovedOrNotExist": (Misconfigured, "模板没有通过审核，或不存在"),
    "FailedOperation.TemplateIdNotExist": (Misconfigured, "模板编号不存在"),
    "FailedOperation.MissingTemplateList": (Misconfigured, "没有通过审核的模板"),
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": (
        Misconfigured,
        "模板的变量个数不对：只能有两个，{1} 是编号，{2} 是时间",
    ),
    "FailedOperation.SignatureIncorrectOrUnapproved": (Misconfigured, "签名没有通过审核，或格式不对"),
    "FailedOperation.MissingSignature": (Misconfigured, "没有通过审核的签名"),
    "FailedOperation.MissingSignatureList": (Misconfigured, "没有通过审核的签名"),
    "FailedOperation.MarketingSendTimeConstraint": (Misconfigured, "模板是营销类的，夜里不能发：请用通知类模板"),
    "FailedOperation.InsufficientBalanceInSmsPackage": (Misconfigured, "套餐包用完了"),
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": (Misconfigured, "国际模板不能发给内地号码"),
    "InvalidParameter.AppidAndBizId": (Misconfigured, "SdkAppId 不属于这个账号"),
    "InvalidParameterValue.SdkAppIdNotExist": (Misconfigured, "SdkAppId 不存在"),
    "UnauthorizedOperation": (Misconfigured, "没有权限"),
    "UnauthorizedOperation.ServiceSuspendDueToArrears": (Misconfigured, "欠费停用"),
    "UnauthorizedOperation.SmsSdkAppIdVerifyFail": (Misconfigured, "SdkAppId 不属于这个账号"),
    "UnauthorizedOperation.SdkAppIdIsDisabled": (Misconfigured, "SdkAppId 被停用"),
    "UnauthorizedOperation.RequestIpNotInWhitelist": (Misconfigured, "服务器 IP 不在白名单里"),
    "AuthFailure": (Misconfigured, "密钥不对"),
    "AuthFailure.SignatureExpire": (Misconfigured, "服务器的时钟不准：和标准时间差了 5 分钟以上"),
    "IpNotInWhitelist": (Misconfigured, "服务器 IP 不在白名单里"),
    "IpInBlacklist": (Misconfigured, "服务器 IP 在黑名单里"),
    "UnsupportedRegion": (Misconfigured, "地域不对：请检查 TONGXING_SMS_REGION"),
    "InternalError": (OutcomeUnknown, "腾讯云系统出错，不知道发了没有"),
    "InternalError.RequestTimeException": (Misconfigured, "服务器的时钟不准：和标准时间差了 10 分钟以上"),
    "InternalError.SigFieldMissing": (Misconfigured, "密钥不对"),
    "InternalError.SigVerificationFail": (Misconfigured, "密钥不对"),
    "InternalError.RestApiInterfaceNotExist": (UnknownError, "没有这个接口"),
}


class TencentSms:
    name = "tencent"

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, *, key_id: str, key_secret: str, sign: str, template: str,
        app_id: str, region: str = "", base: str = "",
    ) -> None:  # fmt: skip
        self._http = http
        self._clock = clock
        self._key_id = key_id
        self._key_secret = key_secret
        self._sign = sign
        self._template = template
        self._app_id = app_id
        self._region = region or REGION
        self._base = base or REAL_API

    async def send(self, phone: str, fields: Mapping[str, str], *, reference: str) -> str:
        """SendSms. `fields` in the order code, time; `reference` as SessionContext, which does not dedupe.

        ContentRefused names a field that is missing.
        """
        number = mobile(phone, API)
        for field in ORDER:
            if not fields.get(field):
                raise ContentRefused(None, API, "缺少变量", field=field)
        order = {
            "PhoneNumberSet": [number if number.startswith("+") else f"+86{number}"],
            "SmsSdkAppId": self._app_id,
            "SignName": self._sign,
            "TemplateId": self._template,
            "TemplateParamSet": [fields[field] for field in ORDER],
            "SessionContext": reference,
        }
        body = json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{self._base.rstrip('/')}/"
        status, answer = await exchange(self._http, API, url, self._headers(url, body), body)
        code, serial = _outcome(answer, status)
        if code.lower() == "ok" and status == httpx.codes.OK:
            return serial
        raise refusal(ANSWERS, code, API, status, self._clock.now())

    def _headers(self, url: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        signed = {
            "content-type": "application/json; charset=utf-8",
            "host": httpx.URL(url).netloc.decode(),
            "x-tc-action": "SendSms",
        }
        return {
            **signed,
            "x-tc-version": "2021-01-11",
            "x-tc-timestamp": str(int(now.timestamp())),
            "x-tc-region": self._region,
            "authorization": authorize(self._key_id, self._key_secret, "sms", signed, body, now),
        }


def authorize(
    key_id: str, key_secret: str, service: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> str:
    """The Authorization header of a POST of `body`. `headers`: all that are signed, their names in lower case.

    `now` is a UTC moment: the date in the scope is the date in UTC, not in Beijing.
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in sorted(headers))
    request = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    day = now.strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, str(int(now.timestamp())), scope, hashed))
    key = f"TC3{key_secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


def _outcome(answer: Answer, status: int) -> tuple[str, str]:
    """The code, and the serial number if there is one: of the whole request, or of its only number."""
    response = answer.get("Response")
    error = response.get("Error") if isinstance(response, dict) else None
    if isinstance(error, dict) and error.get("Code"):
        return str(error["Code"]), ""
    sent = response.get("SendStatusSet") if isinstance(response, dict) else None
    if isinstance(sent, list) and len(sent) == 1 and isinstance(sent[0], dict) and sent[0].get("Code"):
        return str(sent[0]["Code"]), str(sent[0].get("SerialNo") or "")
    raise unreadable(API, status)
