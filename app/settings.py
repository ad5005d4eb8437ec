"""Every setting, read from the environment with the prefix `TONGXING_` (or from a `.env` file).

A wrong value, an unknown name and a forbidden combination each end in a `SettingsError` whose text says
what to do; the command prints it as one line.
"""

import difflib
import ipaddress
import os
import re
from datetime import time
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source

REAL_API = "https://api.weixin.qq.com"
REAL_OAUTH = "https://open.weixin.qq.com"
REAL_WECOM_API = "https://qyapi.weixin.qq.com"
DEMO_APP_ID = "wx_tongxing_demo"
# What the fields of our two kinds of template message mean; an account names them its own way.
ACTIVITY_FIELDS = ("title", "time", "place", "note")
SHORTEST_TOKEN = 16
DUTY_FIELDS = ("code", "kind", "time", "note")


class SettingsError(Exception):
    """A setting that cannot be worked with; the text is for the person who installs."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="TONGXING_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    data_dir: Path = Path("var")
    database_url: str = ""
    secret_key: SecretStr = SecretStr("")
    public_url: str = "http://127.0.0.1:8000"
    region: Literal["CN", "NZ"] = "CN"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    wechat_app_id: str = DEMO_APP_ID
    wechat_app_secret: SecretStr = SecretStr("")
    wechat_token: SecretStr = SecretStr("")
    wechat_encoding_aes_key: SecretStr = SecretStr("")
    wechat_api_base: str = REAL_API
    wechat_oauth_base: str = REAL_OAUTH
    wechat_template_activity: str = ""
    wechat_template_activity_fields: dict[str, str] = {
        "title": "thing1",
        "time": "time2",
        "place": "thing3",
        "note": "thing4",
    }
    wechat_template_duty: str = ""
    wechat_template_duty_fields: dict[str, str] = {
        "code": "character_string1",
        "kind": "phrase2",
        "time": "time3",
        "note": "thing4",
    }
    wechat_subscription_activity: str = ""
    wechat_subscription_activity_fields: dict[str, str] = {
        "title": "thing1",
        "time": "time2",
        "place": "thing3",
        "note": "thing4",
    }
    wechat_answer_within: Annotated[float, Field(gt=0, lt=5)] = 4.0
    wechat_fresh_within: Annotated[int, Field(gt=0)] = 600
    wechat_window_messages: Annotated[int, Field(ge=1)] = 5
    wechat_window_hours: Annotated[int, Field(ge=1)] = 48
    wechat_tap_messages: Annotated[int, Field(ge=0)] = 3
    wechat_tap_seconds: Annotated[int, Field(ge=0)] = 60
    wechat_window_reserve: Annotated[int, Field(ge=0)] = 2
    wechat_timeout: Annotated[float, Field(gt=0)] = 8.0
    wechat_calls_a_second: Annotated[float, Field(gt=0)] = 100.0
    menus_file: str = ""

    wecom_corp_id: str = ""
    wecom_agent_id: Annotated[int, Field(ge=0)] = 0
    wecom_secret: SecretStr = SecretStr("")
    wecom_token: SecretStr = SecretStr("")
    wecom_encoding_aes_key: SecretStr = SecretStr("")
    wecom_api_base: str = REAL_WECOM_API
    wecom_a_minute: Annotated[int, Field(ge=1)] = 30
    wecom_robots: dict[str, SecretStr] = {}
    wecom_robot_a_minute: Annotated[int, Field(ge=1)] = 20

    sms_gateway: Literal["", "aliyun", "tencent"] = ""
    sms_key_id: str = ""
    sms_key_secret: SecretStr = SecretStr("")
    sms_app_id: str = ""
    sms_region: str = ""
    sms_sign: str = ""
    sms_template_duty: str = ""
    sms_api_base: str = ""

    mail_host: str = ""
    mail_port: Annotated[int, Field(ge=1, le=65535)] = 465
    mail_security: Literal["tls", "starttls", "none"] = "tls"
    mail_user: str = ""
    mail_password: SecretStr = SecretStr("")
    mail_from: str = ""
    operator_mail: str = ""
    operator_robot: SecretStr = SecretStr("")
    operator_phone: SecretStr = SecretStr("")
    ping_url: SecretStr = SecretStr("")
    metrics_token: SecretStr = SecretStr("")

    second_opinion_url: str = ""
    second_opinion_model: str = ""
    second_opinion_key: SecretStr = SecretStr("")
    second_opinion_told: bool = False
    second_opinion_from: Annotated[float, Field(gt=0, le=1)] = 0.05
    second_opinion_to: Annotated[float, Field(gt=0, le=1)] | None = None
    second_opinion_alerts: bool = True
    second_opinion_timeout: Annotated[float, Field(gt=0, le=30)] = 8.0
    second_opinion_a_day: Annotated[int, Field(ge=1)] = 200

    quiet_from: time = time(21, 30)
    quiet_until: time = time(8, 30)
    unsolicited_a_day: Annotated[int, Field(ge=1)] = 1
    unsolicited_a_week: Annotated[int, Field(ge=1)] = 4
    talk_quiet_hours: Annotated[float, Field(gt=0, le=48)] = 4.0
    senders: Annotated[int, Field(ge=1, le=200)] = 8
    urgent_senders: Annotated[int, Field(ge=1, le=200)] = 4

    console_idle_hours: Annotated[float, Field(gt=0)] = 12
    console_hours: Annotated[float, Field(gt=0)] = 24 * 14
    console_totp_for: tuple[Literal["counsellor", "worker", "supervisor", "administrator"], ...] = (
        "supervisor",
        "administrator",
    )
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")

    clock_offset: float = 0.0

    @property
    def database(self) -> str:
        """The database address: the one that was set, or a SQLite file in the data folder."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'tongxing.db').absolute()}"

    @property
    def talks_to_the_real_wechat(self) -> bool:
        return self.wechat_app_id != DEMO_APP_ID

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if self.clock_offset and self.talks_to_the_real_wechat:
            raise ValueError("TONGXING_CLOCK_OFFSET 只能在演示里用：请删掉它，或者不要设置 TONGXING_WECHAT_APP_ID")
        if not self.database.startswith(("sqlite+aiosqlite://", "postgresql+psycopg://")):
            raise ValueError("TONGXING_DATABASE_URL 要以 sqlite+aiosqlite:// 或 postgresql+psycopg:// 开头")
        for template, meanings in (
            ("template_activity", ACTIVITY_FIELDS), ("template_duty", DUTY_FIELDS),
            ("subscription_activity", ACTIVITY_FIELDS),
        ):  # fmt: skip
            unknown = set(getattr(self, f"wechat_{template}_fields")) - set(meanings)
            if unknown:
                raise ValueError(
                    f"TONGXING_WECHAT_{template.upper()}_FIELDS 里不能写 {'、'.join(sorted(unknown))}："
                    f"只有 {'、'.join(meanings)}"
                )
        if trouble := _half_set_up(self):
            raise ValueError(trouble)
        return self


def _half_set_up(settings: Settings) -> str:
    """One sentence about WeCom, SMS or mail that are switched on but lack something; "" if nothing is wrong."""
    if settings.wecom_corp_id:
        needs = ["wecom_agent_id", "wecom_secret", "wecom_token", "wecom_encoding_aes_key"]
        if missing := [f"TONGXING_{name.upper()}" for name in needs if not getattr(settings, name)]:
            return f"设置了 TONGXING_WECOM_CORP_ID，还要设置 {'、'.join(missing)}"
        if len(settings.wecom_encoding_aes_key.get_secret_value()) != 43:
            return "TONGXING_WECOM_ENCODING_AES_KEY 要正好 43 个字符，请从企业微信“接收消息”里重新复制"
    if settings.sms_gateway:
        needs = ["sms_key_id", "sms_key_secret", "sms_sign", "sms_template_duty"]
        if settings.sms_gateway == "tencent":
            needs.append("sms_app_id")
        if missing := [f"TONGXING_{name.upper()}" for name in needs if not getattr(settings, name)]:
            return f"设置了 TONGXING_SMS_GATEWAY，还要设置 {'、'.join(missing)}"
    if settings.mail_host and "@" not in parseaddr(settings.mail_from)[1]:
        return "设置了 TONGXING_MAIL_HOST，还要把 TONGXING_MAIL_FROM 设成发件人的邮箱地址"
    if settings.mail_host and bool(settings.mail_user) != bool(settings.mail_password):
        return "TONGXING_MAIL_USER 和 TONGXING_MAIL_PASSWORD 要么都设，要么都不设"
    if settings.operator_mail and not settings.mail_host:
        return "设置了 TONGXING_OPERATOR_MAIL，还要设置 TONGXING_MAIL_HOST"
    if settings.operator_phone.get_secret_value() and not settings.sms_gateway:
        return "设置了 TONGXING_OPERATOR_PHONE，还要设置 TONGXING_SMS_GATEWAY"
    return _badly_asked(settings) or _badly_watched(settings) or _badly_identified(settings)


def _badly_asked(settings: Settings) -> str:
    """About the second opinion: what leaves the house is people's words, so that half of it is none of it."""
    url, key = settings.second_opinion_url, settings.second_opinion_key.get_secret_value()
    if not url:
        if extra := [f"TONGXING_SECOND_OPINION_{name}" for name, value in (
            ("MODEL", settings.second_opinion_model), ("KEY", key),
        ) if value]:  # fmt: skip
            return f"设置了 {'、'.join(extra)}，还要设置 TONGXING_SECOND_OPINION_URL；不想问外面，就都删掉"
        return ""
    if missing := [f"TONGXING_SECOND_OPINION_{name}" for name, value in (
        ("MODEL", settings.second_opinion_model), ("KEY", key),
    ) if not value]:  # fmt: skip
        return f"设置了 TONGXING_SECOND_OPINION_URL，还要设置 {'、'.join(missing)}"
    if trouble := _unsafe_endpoint(url):
        return f"TONGXING_SECOND_OPINION_URL {trouble}"
    if not re.fullmatch(r"[!-~]+", key):
        return "TONGXING_SECOND_OPINION_KEY 里只能有英文字母、数字和符号，请重新复制"
    if not settings.second_opinion_told:
        return (
            "设置了 TONGXING_SECOND_OPINION_URL：大家的话（去掉名字和号码）会发到那里。先告诉他们、他们也同意了，"
            "再设 TONGXING_SECOND_OPINION_TOLD=true，见 docs/second-opinion.md"
        )
    if (highest := settings.second_opinion_to) is not None and highest < settings.second_opinion_from:
        return "TONGXING_SECOND_OPINION_TO 不能比 TONGXING_SECOND_OPINION_FROM 小"
    return ""


def _unsafe_endpoint(url: str) -> str:
    """Without TLS only to this machine or inside one's own network, by number: a name may lead anywhere."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("https", "http") or re.search(r"[\s?#@]", url):
        return "不是网址：要写成 https://…/v1，后面不带 ? 和 #，里面不带用户名"
    if parts.scheme == "http" and host != "localhost" and not _is_ours(host):
        return "要用 https：大家的话不能明文在网上走（自己的机器和内网可以用 http，写 IP 地址）"
    return ""


def _is_ours(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _badly_watched(settings: Settings) -> str:
    ping, token = settings.ping_url.get_secret_value(), settings.metrics_token.get_secret_value()
    if ping and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", ping):
        return "TONGXING_PING_URL 不是网址：要写成 https://…"
    if token and len(token) < SHORTEST_TOKEN:
        return f"TONGXING_METRICS_TOKEN 太短：至少 {SHORTEST_TOKEN} 个字符"
    return ""


def _badly_identified(settings: Settings) -> str:
    names = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")
    missing = [f"TONGXING_{name.upper()}" for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        return f"用单位账号登录，还要设置 {'、'.join(missing)}；不用，就都删掉"
    if not settings.oidc_issuer:
        return ""
    try:
        parts = urlsplit(settings.oidc_issuer)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or re.search(r"[\s?#@]", settings.oidc_issuer):
        return "TONGXING_OIDC_ISSUER 不是网址：要和单位给的 issuer 一个字不差"
    if parts.scheme != "https" and not (parts.scheme == "http" and (host == "localhost" or _is_ours(host))):
        return "TONGXING_OIDC_ISSUER 要用 https（自己的机器和内网可以用 http，写 IP 地址）"
    return ""


class GivenSettings(Settings):
    """Settings that are all given by the caller: the demo and the tests read no environment and no `.env`."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Source, env_settings: Source,
        dotenv_settings: Source, file_secret_settings: Source,
    ) -> tuple[Source, ...]:  # fmt: skip
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def read_settings(**overrides: object) -> Settings:
    """The settings of this process; SettingsError with one clear sentence for each thing that is wrong."""
    known = {f"TONGXING_{name}".upper() for name in Settings.model_fields}
    for name in sorted({*os.environ, *dotenv_values(".env")}):
        if name.upper().startswith("TONGXING_") and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
            hint = f"，是不是想写 {near[0]}？" if near else "，请删掉它，或对照 docs/settings.md 改名"
            raise SettingsError(f"没有 {name} 这个设置{hint}")
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("；".join(_sentence(dict(e)) for e in error.errors(include_input=False))) from None


def _sentence(error: dict[str, object]) -> str:
    where = error.get("loc") or ()
    message = str(error.get("msg", "")).removeprefix("Value error, ")
    if not isinstance(where, tuple) or not where:
        return message
    return f"TONGXING_{str(where[0]).upper()} 的值不对：{message}"
