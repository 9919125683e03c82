"""Numbers about the server for Prometheus."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST


class PrometheusMetrics:
    """Requests by path and status, their seconds, pictures by outcome, and how many wait."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "convlens_requests", "Requests", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "convlens_request_seconds", "Seconds of a request", ["path"], registry=self._registry
        )
        self._pictures = Counter(
            "convlens_pictures", "Pictures by outcome", ["outcome"], registry=self._registry
        )
        self._waiting = Gauge("convlens_waiting", "Requests that wait", registry=self._registry)

    def count_request(self, path: str, status: int, seconds: float, waiting: int) -> None:
        """Count a request that has ended; `path` is that of its route, so that there are few."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)
        self._waiting.set(waiting)

    def count_pictures(self, predictions: Sequence[Mapping[str, object]]) -> None:
        """Count pictures by what became of them: answered, strange or unreadable."""
        for prediction in predictions:
            outcome = "unreadable" if prediction["error"] else "answered"
            self._pictures.labels("strange" if prediction.get("strange") else outcome).inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return bytes(generate_latest(self._registry))
