"""The two gateways as their documents describe them: they check the signature before they answer.

Written from the documented steps and not from our code: what a request says is taken apart again, so a
request that is signed or encoded wrongly is refused here as it would be there.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx

from app.clock import Clock

NOW = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)  # in Beijing it is already the 24th
KEY_ID = "KEY-ID-OF-TESTS"
KEY_SECRET = "key-secret-of-tests"
SIGN = "段塘小站"
# Mainland numbers begin with 13 to 19: this one belongs to nobody.
PHONE = "10000000001"
FIELDS = {"code": "A-0312", "time": "10:12"}

Scripted = dict[str, Any] | httpx.Response | Exception


class Gateway:
    """Answers from a list; the last answer stays."""

    def __init__(self, *answers: Scripted) -> None:
        self.clock = Clock(frozen_at=NOW)
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle), trust_env=False)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return self.refused(request) or httpx.Response(answer.pop("status", 200), json=answer)

    def refused(self, request: httpx.Request) -> httpx.Response | None:
        raise NotImplementedError


class Aliyun(Gateway):
    """dysmsapi.aliyuncs.com, V3 signature."""

    def __init__(self, *answers: Scripted) -> None:
        super().__init__(*(answers or ({"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0"},)))
        self.nonces: set[str] = set()

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.asked[-1].url.query.decode(), strict_parsing=True))

    def refused(self, request: httpx.Request) -> httpx.Response | None:
        def no(code: str, status: int = 400) -> httpx.Response:
            return httpx.Response(status, json={"Code": code, "Message": "", "RequestId": "R"})

        headers = request.headers
        given = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
        signed = given["SignedHeaders"].split(";")
        must = {"host", *(name for name in headers if name.startswith("x-acs-"))}
        if headers["x-acs-action"] != "SendSms":
            return no("InvalidAction.NotFound", 404)
        if headers["x-acs-version"] != "2017-05-25":
            return no("InvalidVersion")
        if given["Credential"] != KEY_ID:
            return no("InvalidAccessKeyId.NotFound", 404)
        sent_at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((sent_at - self.clock.now()).total_seconds()) > 15 * 60:
            return no("InvalidTimeStamp.Expired")
        if headers["x-acs-signature-nonce"] in self.nonces:
            return no("SignatureNonceUsed")
        self.nonces.add(headers["x-acs-signature-nonce"])
        body = hashlib.sha256(request.content).hexdigest()
        parameters = sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        canonical = "\n".join(
            [
                request.method,
                "/",
                "&".join(f"{rfc3986(name)}={rfc3986(value)}" for name, value in parameters),
                *(f"{name}:{headers[name].strip()}" for name in signed),
                "",
                ";".join(signed),
                body,
            ]
        )
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        right = hmac.new(KEY_SECRET.encode(), to_sign.encode(), "sha256").hexdigest()
        if signed != sorted(must) or headers["x-acs-content-sha256"] != body or given["Signature"] != right:
            return no("SignatureDoesNotMatch")
        return None


class Tencent(Gateway):
    """sms.tencentcloudapi.com, TC3 signature."""

    def __init__(self, *answers: Scripted) -> None:
        super().__init__(*(answers or (status("Ok", "5000:1045710669157053657849499619"),)))

    @property
    def order(self) -> Any:
        return json.loads(self.asked[-1].content)

    def refused(self, request: httpx.Request) -> httpx.Response | None:
        def no(code: str) -> httpx.Response:
            return httpx.Response(200, json=failure(code))

        headers = request.headers
        if (headers["x-tc-action"], headers["x-tc-version"]) != ("SendSms", "2021-01-11"):
            return no("InvalidAction")
        if not headers["x-tc-region"]:
            return no("MissingParameter")
        stamp = headers["x-tc-timestamp"]
        if abs(int(stamp) - self.clock.now().timestamp()) > 5 * 60:
            return no("AuthFailure.SignatureExpire")
        algorithm, _, rest = headers["authorization"].partition(" ")
        given = dict(part.split("=", 1) for part in rest.split(", "))
        day = datetime.fromtimestamp(int(stamp), UTC).date().isoformat()
        if given["Credential"].split("/") != [KEY_ID, day, "sms", "tc3_request"]:
            return no("AuthFailure.SecretIdNotFound")
        signed = given["SignedHeaders"].split(";")
        canonical = "\n".join(
            [
                "POST",
                "/",
                "",
                *(f"{name}:{headers[name].lower()}" for name in signed),
                "",
                ";".join(signed),
                hashlib.sha256(request.content).hexdigest(),
            ]
        )
        to_sign = "\n".join(
            ["TC3-HMAC-SHA256", stamp, f"{day}/sms/tc3_request", hashlib.sha256(canonical.encode()).hexdigest()]
        )
        secret_date = hmac.digest(b"TC3" + KEY_SECRET.encode(), day.encode(), "sha256")
        secret_service = hmac.digest(secret_date, b"sms", "sha256")
        secret_signing = hmac.digest(secret_service, b"tc3_request", "sha256")
        right = hmac.digest(secret_signing, to_sign.encode(), "sha256").hex()
        enough = {"content-type", "host"} <= set(signed) and signed == sorted(signed)
        if algorithm != "TC3-HMAC-SHA256" or not enough or given["Signature"] != right:
            return no("AuthFailure.SignatureFailure")
        return None


def status(code: str, serial: str = "") -> dict[str, Any]:
    """Tencent's answer about the one number that was asked for."""
    one = {"SerialNo": serial, "PhoneNumber": f"+86{PHONE}", "Fee": 1, "SessionContext": "7", "Code": code}
    return {"Response": {"SendStatusSet": [{**one, "Message": f"about {PHONE}"}], "RequestId": "R"}}


def failure(code: str) -> dict[str, Any]:
    """Tencent's answer when the whole request was refused."""
    return {"Response": {"Error": {"Code": code, "Message": f"about {PHONE}"}, "RequestId": "R"}}


def rfc3986(value: str) -> str:
    """Letters, digits and - _ . ~ as they are, every other byte as %XX."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in value.encode())


def raising(kind: Callable[..., Exception]) -> Exception:
    """An exception of httpx's that quotes what was being sent."""
    return kind(f"while sending to {PHONE} with {KEY_SECRET}")
