import json
from datetime import UTC, datetime, timedelta

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
from bot.sms.aliyun import ANSWERS, AliyunSms, authorize, canonical_query

from .gateways import FIELDS, KEY_ID, KEY_SECRET, PHONE, SIGN, Aliyun, raising


def client(gateway: Aliyun, *, secret: str = KEY_SECRET, base: str = "") -> AliyunSms:
    return AliyunSms(
        gateway.http, gateway.clock, key_id=KEY_ID, key_secret=secret, sign=SIGN, template="SMS_1", base=base
    )


async def refusal(gateway: Aliyun, **other: str) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await client(gateway, **other).send(PHONE, FIELDS, reference="7")
    return caught.value


def test_the_signature_is_the_one_in_aliyuns_own_example() -> None:
    query = canonical_query(
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    )
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    assert authorize("YourAccessKeyId", "YourAccessKeySecret", query, headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_what_is_not_a_plain_character_is_percent_encoded() -> None:
    assert canonical_query({"b": "同 *+~'", "a": ""}) == "a=&b=%E5%90%8C%20%2A%2B~%27"


async def test_a_message_goes_out_with_our_names_for_its_variables_and_our_number() -> None:
    gateway = Aliyun()
    assert await client(gateway).send("+86 100-0000-0001", FIELDS, reference="7") == "900619746936498440^0"
    assert gateway.asked[0].url.host == "dysmsapi.aliyuncs.com"
    assert json.loads(gateway.parameters.pop("TemplateParam")) == FIELDS
    assert gateway.parameters == {
        "PhoneNumbers": PHONE, "SignName": SIGN, "TemplateCode": "SMS_1", "OutId": "7",
        "TemplateParam": '{"code":"A-0312","time":"10:12"}',
    }  # fmt: skip


async def test_a_message_that_was_accepted_without_a_number_of_its_own_was_accepted() -> None:
    assert await client(Aliyun({"Code": "OK"})).send(PHONE, FIELDS, reference="7") == ""


async def test_every_message_has_a_nonce_of_its_own() -> None:
    gateway = Aliyun({"Code": "OK"}, {"Code": "OK"})
    await client(gateway).send(PHONE, FIELDS, reference="7")
    await client(gateway).send(PHONE, FIELDS, reference="7")
    assert len(gateway.nonces) == 2


async def test_another_address_is_signed_as_that_address() -> None:
    gateway = Aliyun()
    await client(gateway, base="http://127.0.0.1:8010/").send(PHONE, FIELDS, reference="7")
    assert gateway.asked[0].headers["host"] == "127.0.0.1:8010"


async def test_a_wrong_secret_is_noticed() -> None:
    error = await refusal(Aliyun(), secret="another")
    assert isinstance(error, Misconfigured)
    assert error.code == "SignatureDoesNotMatch"


async def test_a_clock_that_is_wrong_is_named() -> None:
    gateway = Aliyun()
    sms = client(gateway)
    gateway.clock = type(gateway.clock)(frozen_at=gateway.clock.now() + timedelta(minutes=16))
    with pytest.raises(Misconfigured, match="时钟"):
        await sms.send(PHONE, FIELDS, reference="7")


HANDLING: dict[type[OutsideError], tuple[str, ...]] = {
    TryLater: ("isv.BUSINESS_LIMIT_CONTROL", "Throttling", "Throttling.User", "isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR"),
    QuotaUsedUp: ("isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"),
    PersonUnreachable: ("isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.CUSTOMER_REFUSED"),
    ContentRefused: (
        *("isv.SMS_CONTENT_ILLEGAL", "isv.UNSUPPORTED_CONTENT", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL"),
        *("isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_JSON_PARAM", "isv.INVALID_PARAMETERS"),
    ),
    Misconfigured: (
        *("isv.TEMPLATE_MISSING_PARAMETERS", "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE"),
        *("isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SIGN_NAME_ILLEGAL"),
        *("isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT", "isv.SMS_TEST_NUMBER_LIMIT"),
        *("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "PORT_NOT_REGISTERED", "isv.DENY_IP_RANGE", "isv.AMOUNT_NOT_ENOUGH"),
        *("isv.OUT_OF_SERVICE", "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.ACCOUNT_NOT_EXISTS"),
        *("isv.ACCOUNT_ABNORMAL", "isv.SECURITY_FROZEN_ACCOUNT", "isp.RAM_PERMISSION_DENY", "NoPermission"),
        *("Forbidden", "Forbidden.RAM", "InvalidAccessKeyId", "InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch"),
        *("IncompleteSignature", "InvalidTimeStamp", "InvalidTimeStamp.Expired"),
    ),
    OutcomeUnknown: ("SignatureNonceUsed",),
    UnknownError: ("isv.SOMETHING_NEW", "SomethingNew.Entirely"),
}
TABLE = [(code, kind) for kind, codes in HANDLING.items() for code in codes]


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("code", "kind"), TABLE)
async def test_a_code_has_its_handling(code: str, kind: type[OutsideError], status: int) -> None:
    error = await refusal(Aliyun({"status": status, "Code": code, "Message": f"about {PHONE}"}))
    assert type(error) is kind
    assert (error.code, error.api, error.errcode) == (code, "aliyun/SendSms", None)
    assert error.advice


def test_every_code_of_the_table_is_tested() -> None:
    assert set(ANSWERS) <= {code for code, _ in TABLE}


async def test_too_often_waits_a_minute() -> None:
    error = await refusal(Aliyun({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控Permits:1"}))
    assert isinstance(error, TryLater)
    assert error.retry_after == timedelta(seconds=60)


@pytest.mark.parametrize("words", ["触发小时级流控Permits:5", "触发天级流控Permits:10"])
async def test_one_number_that_has_had_enough_closes_the_gateway_for_nobody_else(words: str) -> None:
    error = await refusal(Aliyun({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": words}))
    assert isinstance(error, ChannelClosed)
    assert error.reason == "count"


async def test_a_daily_limit_ends_at_midnight_in_beijing() -> None:
    error = await refusal(Aliyun({"Code": "isv.DAY_LIMIT_CONTROL"}))
    assert isinstance(error, QuotaUsedUp)
    assert error.until == datetime(2026, 11, 24, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (raising(httpx.ConnectError), NotSent),
        (raising(httpx.ConnectTimeout), NotSent),
        (raising(httpx.PoolTimeout), NotSent),
        (raising(httpx.ReadTimeout), OutcomeUnknown),
        (raising(httpx.WriteError), OutcomeUnknown),
        (raising(httpx.RemoteProtocolError), OutcomeUnknown),
        (httpx.Response(502, text="<html>"), OutcomeUnknown),
        (httpx.Response(503, json={"Code": "ServiceUnavailable"}), OutcomeUnknown),
        (httpx.Response(500, json={"Code": "OK"}), OutcomeUnknown),
        (httpx.Response(200, text="<html>"), OutcomeUnknown),
        (httpx.Response(200, json={}), OutcomeUnknown),
        (httpx.Response(200, json=["OK"]), OutcomeUnknown),
        (httpx.Response(404, text="nobody here"), UnknownError),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), UnknownError),
    ],
)
async def test_without_an_answer_it_matters_whether_the_request_had_left(
    answer: httpx.Response | Exception, kind: type[OutsideError]
) -> None:
    assert type(await refusal(Aliyun(answer))) is kind


async def test_a_number_abroad_loses_its_plus() -> None:
    gateway = Aliyun()
    await client(gateway).send("+852 0000 0001", FIELDS, reference="7")
    assert gateway.parameters["PhoneNumbers"] == "85200000001"


async def test_a_number_that_would_be_read_as_somebody_elses_is_not_called() -> None:
    gateway = Aliyun()
    with pytest.raises(PersonUnreachable):
        await client(gateway).send("+1 000 000 0001", FIELDS, reference="7")
    assert gateway.asked == []
