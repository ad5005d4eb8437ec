"""`/metrics` for Prometheus: what can be counted, and nothing that says whom or which house it is about.

Everything but the spool is read from the database when it is asked for, so that any process can be asked.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.clock import Clock
from app.db import Database
from app.escalations import figures
from app.escalations.states import Level
from app.messages import health
from app.opinions import service as opinions
from app.settings import Settings
from app.watch import service as watch
from app.watch.audit import LATE
from bot.spool import Spool

BEARER = "bearer "
# Seconds: the first alert should take one, taking it minutes, and hours are what must not happen.
BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 14400, 86400)


class Metrics:
    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._token = settings.metrics_token.get_secret_value()
        self._spool = Spool(settings.data_dir / "spool", db.vault)

    async def scrape(self, request: Request) -> Response:
        """GET with the token; who does not have it finds nothing here."""
        if not self._token or not self._is_known(request.headers.get("authorization", "")):
            return PlainTextResponse("Not Found", status_code=404)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Read(await self._measure()))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _is_known(self, given: str) -> bool:
        scheme, token = given[: len(BEARER)].lower(), given[len(BEARER) :]
        return scheme == BEARER and hmac.compare_digest(token.encode(), self._token.encode())

    async def _measure(self) -> list[Metric]:
        now = self._clock.now()
        async with self._db.read() as session:
            open_now = await figures.now_open(session, now - LATE)
            lives = await figures.lives(session)
            counts = await health.counts(session)
            beats = await watch.beats(session)
            opinion = await opinions.tally(session)
        since = open_now.untaken_red_since
        ages: dict[tuple[str, ...], float] = {}
        for beat in beats:  # the last one heard of each role comes first
            ages.setdefault((beat.role.value,), (now - beat.at).total_seconds())
        return [
            _gauge("cases", "Unresolved cases.", ("level", "state"), {
                (_word(level), state): n for (level, state), n in open_now.cases.items()
            }),
            _gauge("cases_overdue", "Unresolved cases that nobody advances.", ("level",), {
                (_word(level),): open_now.overdue.get(level, 0) for level in Level
            }),
            _gauge("oldest_untaken_red_seconds", "Age of the oldest red case that nobody has taken; 0 if none.", (), {
                (): (now - since).total_seconds() if since else 0
            }),
            _histogram("case_seconds_to_alert", "From the opening of a case to the first alert that left.", {
                level: [life.until(life.alerted_at) for life in lives if life.level is level] for level in Level
            }),
            _histogram("case_seconds_to_ack", "From the opening of a case until somebody took it.", {
                level: [life.until(life.taken_at) for life in lives if life.level is level] for level in Level
            }),
            _gauge("outbox_waiting", "Messages that are not finished.", ("lane", "state"), {
                (lane.name.lower(), state): n for (lane, state), n in counts.waiting.items()
            }),
            _counter("attempts", "Tries to send.", ("rung", "result"), counts.attempts),
            _counter("alarms", "Alarms for whoever runs the program.", ("channel", "what"), counts.alarms),
            _counter("second_opinions", "Messages that somebody else was to be asked about, and what came of it.", (
                "result",
            ), {("asked",): opinion.asked, **{(one.value,): n for one, n in opinion.outcomes.items()}}),
            _gauge("second_opinions_waiting", "Messages that somebody else is still to be asked about.", (), {
                (): opinion.waiting
            }),
            _counter("inbound", "What was delivered to us.", (), {(): counts.inbound}),
            _gauge("heartbeat_age_seconds", "Since the last beat of any process in this role.", ("role",), ages),
            _gauge("spool_files", "Deliveries that wait on the disk of this process.", (), {
                (): len(self._spool.waiting())
            }),
        ]  # fmt: skip


class _Read(Collector):
    """What has been read already, in the shape that the registry asks for."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _word(level: Level) -> str:
    return level.name.lower()


def _gauge(name: str, what: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = GaugeMetricFamily(f"tongxing_{name}", what, labels=labels)
    for where, value in values.items():
        metric.add_metric(where, value)
    return metric


def _counter(name: str, what: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = CounterMetricFamily(f"tongxing_{name}", what, labels=labels)
    for where, value in values.items():
        metric.add_metric(where, value)
    return metric


def _histogram(name: str, what: str, spans: Mapping[Level, Sequence[timedelta | None]]) -> Metric:
    metric = HistogramMetricFamily(f"tongxing_{name}", what, labels=("level",))
    for level, some in spans.items():
        seconds = [span.total_seconds() for span in some if span is not None]
        buckets = [(str(float(most)), float(sum(one <= most for one in seconds))) for most in BUCKETS]
        metric.add_metric((_word(level),), [*buckets, ("+Inf", float(len(seconds)))], sum(seconds))
    return metric
