"""Logs: one line an event, as data, without a word that somebody wrote or anything that says who they are."""

import logging
import sys
import traceback
from collections.abc import MutableMapping, Sequence
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


class _Discreet(logging.Formatter):
    """For what libraries log: an exception is its type and where it was; its message may quote what people wrote."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "asyncio":  # the first line says what happened, the others print the exception
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        kind, _, trace = ei
        frames = _last_of_ours([(f.filename, f.lineno, f.name) for f in traceback.extract_tb(trace)])
        return "\n".join([*frames, getattr(kind, "__name__", "")])


def set_up_logs(level: str) -> None:
    """Log to standard error at `level`; libraries that print addresses are quieted."""
    number = getattr(logging, level.upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for noisy in ("alembic", "apscheduler", "aiosqlite", "httpx", "httpcore", "asyncio", "uvicorn.access"):
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
    if "exception" in event:
        event["exception"] = [_where(trace) for trace in event["exception"] or () if isinstance(trace, dict)]
    return event


def _where(trace: MutableMapping[str, Any]) -> dict[str, Any]:
    frames = _last_of_ours([(f["filename"], f["lineno"], f["name"]) for f in trace.get("frames", ())])
    return {"exc_type": trace.get("exc_type"), "is_cause": trace.get("is_cause", False), "frames": frames}


def _last_of_ours(frames: Sequence[tuple[str, int | None, str]]) -> list[str]:
    """The last frames of our own code, which a database error has deep below; all there are if none is ours."""
    ours = [frame for frame in frames if "site-packages" not in frame[0]]
    return [f"{file}:{line} {name}" for file, line, name in (ours or frames)[-6:]]
