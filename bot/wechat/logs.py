"""httpx logs every URL at INFO, and URLs hold tokens, secrets, keys, openids and phone numbers."""

import logging
import re

_SECRET = re.compile(
    r"\b(access_token|secret|appsecret|corpsecret|key|code|openid|ticket|PhoneNumbers|TemplateParam)=[^&\s\"']*",
    re.IGNORECASE,
)
# A filter is not asked about what child loggers say, so each of them gets it.
_LOGGERS = (
    "httpx",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


class ScrubToken(logging.Filter):
    """Takes the values of secret query parameters out of a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _SECRET.sub(r"\1=***", record.getMessage())
        record.args = ()
        return True


_SCRUB = ScrubToken()


def silence_http_logs() -> None:
    """Install `ScrubToken` on the loggers of httpx and httpcore. Twice is the same as once."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SCRUB)
