"""What both gateways and the recording one have in common."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.clock import Clock
from app.settings import GivenSettings, Settings, SettingsError, read_settings
from bot.outside import Misconfigured, OutsideError, PersonUnreachable
from bot.sms import RecordedSms, SentSms, SmsGateway, sms_gateway
from bot.sms.numbers import mobile

from .gateways import FIELDS, KEY_ID, KEY_SECRET, NOW, PHONE, SIGN, Aliyun, Gateway, Tencent, failure, raising, status

SETTINGS: dict[str, Any] = {
    "sms_key_id": KEY_ID, "sms_key_secret": KEY_SECRET, "sms_sign": SIGN, "sms_template_duty": "1110",
    "sms_app_id": "1400000000",
}  # fmt: skip


def given(**values: Any) -> Settings:
    return GivenSettings.model_validate({**SETTINGS, **values})


def gateway_for(double: Gateway) -> SmsGateway:
    kind = "aliyun" if isinstance(double, Aliyun) else "tencent"
    gateway = sms_gateway(given(sms_gateway=kind), double.http, double.clock)
    assert gateway is not None
    assert gateway.name == kind
    return gateway


@pytest.mark.parametrize(
    "written",
    [PHONE, "100 0000 0001", "100-0000-0001", "+86 100 0000 0001", "+8610000000001", "0086-10000000001",
     "8610000000001", "＋86 （100）0000‑0001", "\t10000000001 ", "1000000\u00a00001"],
)  # fmt: skip
def test_a_mainland_number_is_known_however_it_is_written(written: str) -> None:
    assert mobile(written, "test") == PHONE


@pytest.mark.parametrize(("written", "number"), [("+852 0000 0001", "+85200000001"), ("+1 (000) 000-0001", None)])
def test_a_number_abroad_keeps_its_country(written: str, number: str | None) -> None:
    assert mobile(written, "test") == (number or "+10000000001")


@pytest.mark.parametrize(
    "junk",
    ["", "0574 0000 0001", "+86 574 0000 0001", "00000000", "1000000000", "100000000011", "12356", "没有电话",
     "10000000001,10000000002", "10000000001\r\nx", "+0 000 000 000", "１００００００００01", "0085200000001"],
)  # fmt: skip
@pytest.mark.parametrize("double", [Aliyun, Tencent])
async def test_a_landline_or_junk_is_refused_before_any_call(junk: str, double: Callable[[], Gateway]) -> None:
    gateway = double()
    with pytest.raises(PersonUnreachable) as caught:
        await gateway_for(gateway).send(junk, FIELDS, reference="7")
    assert gateway.asked == []
    assert junk == "" or junk not in str(caught.value)


def test_without_a_gateway_text_messages_are_off() -> None:
    assert sms_gateway(GivenSettings(), httpx.AsyncClient(), Clock(frozen_at=NOW)) is None


@pytest.mark.parametrize("double", [Aliyun, Tencent])
async def test_a_gateway_made_from_the_settings_signs_so_that_it_is_understood(double: Callable[[], Gateway]) -> None:
    assert await gateway_for(double()).send(PHONE, FIELDS, reference="7")


@pytest.mark.parametrize("kind", ["aliyun", "tencent"])
@pytest.mark.parametrize("field", sorted(SETTINGS))
def test_a_gateway_that_lacks_something_says_what(kind: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "model_config", {**Settings.model_config, "env_file": None})
    complete = {**SETTINGS, "sms_gateway": kind, field: ""}
    if field == "sms_app_id" and kind == "aliyun":
        assert read_settings(**complete).sms_gateway == "aliyun"
        return
    with pytest.raises(SettingsError) as caught:
        read_settings(**complete)
    assert str(caught.value) == f"设置了 TONGXING_SMS_GATEWAY，还要设置 TONGXING_{field.upper()}"


LEAKY: list[Gateway] = [
    Aliyun(),
    Aliyun({"Code": f"about {PHONE}", "Message": PHONE}),
    Aliyun({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": f"{PHONE} {FIELDS}"}),
    Aliyun(raising(httpx.ReadTimeout)),
    Aliyun(raising(httpx.ConnectError)),
    Aliyun(httpx.Response(200, text=PHONE)),
    Tencent(),
    Tencent(status(PHONE)),
    Tencent(failure("AuthFailure.SignatureFailure")),
    Tencent(raising(httpx.ReadTimeout)),
    Tencent(httpx.Response(200, text=PHONE)),
]


@pytest.mark.parametrize("double", LEAKY, ids=lambda double: type(double).__name__)
async def test_no_number_no_word_and_no_key_reaches_a_log_or_an_exception(
    double: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sms, told = gateway_for(double), ""
    (outcome,) = await asyncio.gather(sms.send(PHONE, FIELDS, reference="7"), return_exceptions=True)
    if isinstance(outcome, OutsideError):
        told = "".join(traceback.format_exception(outcome)) + repr(outcome) + str(vars(outcome))
        assert outcome.__context__ is None
    said = told + caplog.text + repr(sms)
    assert "HTTP Request" in said or told
    for secret in (PHONE, KEY_SECRET, KEY_ID, *FIELDS.values(), "10%3A12"):
        assert secret not in said


async def test_the_recording_gateway_keeps_what_it_was_given_and_shows_it() -> None:
    shown: list[SentSms] = []
    gateway: SmsGateway = RecordedSms(shown.append)
    serial = await gateway.send("100-0000-0001", FIELDS, reference="7")
    assert shown == [SentSms(PHONE, FIELDS, "7", serial)]
    assert PHONE not in repr(shown)
    assert "A-0312" not in repr(shown)


async def test_the_recording_gateway_refuses_what_a_real_one_would_and_what_it_is_told_to() -> None:
    gateway = RecordedSms()
    with pytest.raises(PersonUnreachable):
        await gateway.send("0574 0000 0001", FIELDS, reference="7")
    gateway.failures.append(Misconfigured(None, "recorded/SendSms", "余额不足"))
    with pytest.raises(Misconfigured):
        await gateway.send(PHONE, FIELDS, reference="7")
    assert gateway.sent == []
    await gateway.send(PHONE, FIELDS, reference="7")
    assert [message.reference for message in gateway.sent] == ["7"]
