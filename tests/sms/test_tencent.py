from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.outside import (
    ChannelClosed,
    ContentRefused,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    OutsideError,
    PersonUnreachable,
    QuotaUsedUp,
    TryLater,
    UnknownError,
)
from bot.sms.tencent import ANSWERS, TencentSms, authorize

from .gateways import FIELDS, KEY_ID, KEY_SECRET, PHONE, SIGN, Tencent, failure, raising, status


def client(gateway: Tencent, *, secret: str = KEY_SECRET, base: str = "", region: str = "") -> TencentSms:
    return TencentSms(
        gateway.http, gateway.clock, key_id=KEY_ID, key_secret=secret, sign=SIGN, template="1110",
        app_id="1400000000", region=region, base=base,
    )  # fmt: skip


async def refusal(gateway: Tencent, **other: str) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await client(gateway, **other).send(PHONE, FIELDS, reference="7")
    return caught.value


def test_the_signature_is_the_one_in_tencents_own_example() -> None:
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    headers = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
    now = datetime.fromtimestamp(1551113065, UTC)
    assert authorize("AKIDEXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", headers, body, now) == (
        "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


async def test_a_message_goes_out_with_its_variables_in_order_and_our_number() -> None:
    gateway = Tencent()
    serial = await client(gateway).send("0086 100 0000 0001", {"time": "10:12", "code": "A-0312"}, reference="7")
    assert serial == "5000:1045710669157053657849499619"
    assert gateway.asked[0].url.host == "sms.tencentcloudapi.com"
    assert gateway.asked[0].headers["x-tc-region"] == "ap-guangzhou"
    assert gateway.order == {
        "PhoneNumberSet": [f"+86{PHONE}"], "SmsSdkAppId": "1400000000", "SignName": SIGN, "TemplateId": "1110",
        "TemplateParamSet": ["A-0312", "10:12"], "SessionContext": "7",
    }  # fmt: skip


async def test_a_number_abroad_goes_as_it_is() -> None:
    gateway = Tencent()
    await client(gateway).send("+852 0000 0001", FIELDS, reference="7")
    assert gateway.order["PhoneNumberSet"] == ["+85200000001"]


async def test_a_variable_that_is_missing_is_named_before_any_call() -> None:
    gateway = Tencent()
    with pytest.raises(ContentRefused) as caught:
        await client(gateway).send(PHONE, {"code": "A-0312"}, reference="7")
    assert caught.value.field == "time"
    assert gateway.asked == []


async def test_another_address_and_region_are_signed_as_such() -> None:
    gateway = Tencent()
    await client(gateway, base="http://127.0.0.1:8010", region="ap-nanjing").send(PHONE, FIELDS, reference="7")
    assert gateway.asked[0].headers["host"] == "127.0.0.1:8010"
    assert gateway.asked[0].headers["x-tc-region"] == "ap-nanjing"


async def test_a_wrong_secret_is_noticed() -> None:
    error = await refusal(Tencent(), secret="another")
    assert isinstance(error, Misconfigured)
    assert error.code == "AuthFailure.SignatureFailure"


async def test_a_clock_that_is_wrong_is_named() -> None:
    gateway = Tencent()
    sms = client(gateway)
    gateway.clock = type(gateway.clock)(frozen_at=gateway.clock.now() + timedelta(minutes=6))
    with pytest.raises(Misconfigured, match="时钟"):
        await sms.send(PHONE, FIELDS, reference="7")


HANDLING: dict[type[OutsideError], tuple[str, ...]] = {
    TryLater: (
        *(
            "LimitExceeded",
            "LimitExceeded.SomethingNew",
            "RequestLimitExceeded",
            "RequestLimitExceeded.IPLimitExceeded",
        ),
        *("LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.PhoneNumberThirtySecondLimit"),
    ),
    ChannelClosed: (
        *("LimitExceeded.PhoneNumberOneHourLimit", "LimitExceeded.PhoneNumberDailyLimit"),
        *("LimitExceeded.PhoneNumberSameContentDailyLimit", "LimitExceeded.AppCountryOrRegionDailyLimit"),
        *("LimitExceeded.AppGlobalDailyLimit", "LimitExceeded.DailyLimit"),
    ),
    QuotaUsedUp: (*("LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit"),),
    PersonUnreachable: (
        *("LimitExceeded.AppCountryOrRegionInBlacklist", "InvalidParameterValue.IncorrectPhoneNumber"),
        *("FailedOperation.PhoneNumberParseFail", "FailedOperation.PhoneNumberInBlacklist"),
        *("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", "UnsupportedOperation.UnsupportedRegion"),
    ),
    ContentRefused: (
        *("FailedOperation.ContainSensitiveWord", "InvalidParameter.DirtyWordFound", "InvalidParameter"),
        *("InvalidParameter.InvalidParameters", "InvalidParameterValue", "InvalidParameterValue.ContentLengthLimit"),
        *("InvalidParameterValue.TemplateParameterFormatError", "InvalidParameterValue.TemplateParameterLengthLimit"),
        "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    ),
    Misconfigured: (
        *("MissingParameter", "MissingParameter.EmptyPhoneNumberSet", "FailedOperation.TemplateIncorrectOrUnapproved"),
        *("FailedOperation.TemplateUnapprovedOrNotExist", "FailedOperation.TemplateIdNotExist"),
        *("FailedOperation.MissingTemplateList", "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        *("FailedOperation.SignatureIncorrectOrUnapproved", "FailedOperation.MissingSignature"),
        *("FailedOperation.MissingSignatureList", "FailedOperation.MarketingSendTimeConstraint"),
        *("FailedOperation.InsufficientBalanceInSmsPackage", "InvalidParameter.AppidAndBizId"),
        *("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", "InvalidParameterValue.SdkAppIdNotExist"),
        *("UnauthorizedOperation", "UnauthorizedOperation.ServiceSuspendDueToArrears", "IpNotInWhitelist"),
        *("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "UnauthorizedOperation.SdkAppIdIsDisabled", "IpInBlacklist"),
        *("UnauthorizedOperation.RequestIpNotInWhitelist", "UnsupportedRegion", "AuthFailure"),
        *("AuthFailure.SecretIdNotFound", "AuthFailure.SignatureFailure", "AuthFailure.SignatureExpire"),
        *("InternalError.RequestTimeException", "InternalError.SigFieldMissing", "InternalError.SigVerificationFail"),
    ),
    OutcomeUnknown: ("InternalError", "InternalError.Timeout", "InternalError.SendAndRecvFail"),
    UnknownError: (
        *("InternalError.RestApiInterfaceNotExist", "FailedOperation", "FailedOperation.OtherError"),
        "SomethingNew.Entirely",
    ),
}
TABLE = [(code, kind) for kind, codes in HANDLING.items() for code in codes]


@pytest.mark.parametrize("answer", [status, failure])
@pytest.mark.parametrize(("code", "kind"), TABLE)
async def test_a_code_has_its_handling_for_the_request_and_for_its_number(
    code: str, kind: type[OutsideError], answer: Callable[[str], dict[str, Any]]
) -> None:
    error = await refusal(Tencent(answer(code)))
    assert type(error) is kind
    assert (error.code, error.api, error.errcode) == (code, "tencent/SendSms", None)
    assert error.advice


def test_every_code_of_the_table_is_tested() -> None:
    assert set(ANSWERS) <= {code for code, _ in TABLE}


async def test_too_often_waits_a_minute() -> None:
    error = await refusal(Tencent(status("LimitExceeded.DeliveryFrequencyLimit")))
    assert isinstance(error, TryLater)
    assert error.retry_after == timedelta(seconds=60)


async def test_a_daily_limit_ends_at_midnight_in_beijing() -> None:
    error = await refusal(Tencent(status("LimitExceeded.AppDailyLimit")))
    assert isinstance(error, QuotaUsedUp)
    assert error.until == datetime(2026, 11, 24, 16, tzinfo=UTC)


async def test_one_number_that_has_had_enough_closes_the_gateway_for_nobody_else() -> None:
    error = await refusal(Tencent(status("LimitExceeded.PhoneNumberDailyLimit")))
    assert isinstance(error, ChannelClosed)
    assert error.reason == "count"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (raising(httpx.ConnectError), NotSent),
        (raising(httpx.ReadTimeout), OutcomeUnknown),
        (httpx.Response(502, text="<html>"), OutcomeUnknown),
        (httpx.Response(500, json=status("Ok")), OutcomeUnknown),
        (httpx.Response(200, json={"Response": {"RequestId": "R"}}), OutcomeUnknown),
        (httpx.Response(200, json={"Response": {"SendStatusSet": []}}), OutcomeUnknown),
        (httpx.Response(200, json={"Response": "Ok"}), OutcomeUnknown),
        (httpx.Response(200, text="[" * 100_000), OutcomeUnknown),
        (httpx.Response(403, text="forbidden"), UnknownError),
    ],
)
async def test_without_an_answer_it_matters_whether_the_request_had_left(
    answer: httpx.Response | Exception, kind: type[OutsideError]
) -> None:
    assert type(await refusal(Tencent(answer))) is kind
