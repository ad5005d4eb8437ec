"""Logs: one line an event, as data, without a word that somebody wrote or anything that says who they are."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.wechat import silence_http_logs

# A log call that carries one of these by mistake loses it here.
PRIVATE = frozenset(
    {"text", "content", "said", "note", "name", "called", "phone", "openid", "token", "secret", "reply", "params"}
)


def _drop_private(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in PRIVATE & event.keys():
        del event[key]
    return event


def set_up_logs(level: str) -> None:
    """Log to standard error at `level`; libraries that print addresses are quieted."""
    number = getattr(logging, level.upper())
    logging.basicConfig(level=number, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)
    for noisy in ("apscheduler", "aiosqlite", "httpx", "httpcore", "asyncio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    silence_http_logs()
    # Frames hold people's words: a traceback shows the code, never its variables.
    plain_traceback = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _drop_private,
            plain_traceback,
            _without_messages,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_messages(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's message may quote parameters (SQLAlchemy does): keep its type and where it was."""
    for trace in event.get("exception") or ():
        if isinstance(trace, dict):
            trace.pop("exc_value", None)
            trace.pop("exc_notes", None)
            trace["frames"] = [f"{f['filename']}:{f['lineno']} {f['name']}" for f in trace.get("frames", ())][-6:]
    return event
