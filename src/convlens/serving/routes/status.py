"""Routes that describe the detector and the server."""

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from .. import openapi
from ..current_model import CurrentModel
from ..limits.concurrency import ConcurrencyLimit
from ..limits.request_limits import RequestLimits
from ..prometheus import PrometheusMetrics


def add_status_routes(
    app: FastAPI,
    model: CurrentModel,
    *,
    limits: RequestLimits,
    concurrency: ConcurrencyLimit,
    metrics: PrometheusMetrics,
) -> None:
    """Add `/detector`, and what `add_health_routes` does."""
    add_health_routes(app, concurrency=concurrency, metrics=metrics)

    @app.get("/detector", **openapi.DETECTOR)
    async def describe_detector() -> JSONResponse:
        detector = model.detector
        provenance = detector.provenance()
        return JSONResponse(
            {
                "labels": list(detector.labels),
                "metrics": provenance.pop("metrics", {}),
                "rule": detector.rule.as_json(),
                "limits": vars(limits),
                "provenance": provenance,
            }
        )


def add_health_routes(
    app: FastAPI, *, concurrency: ConcurrencyLimit, metrics: PrometheusMetrics
) -> None:
    """Add `/health` and `/metrics`."""

    @app.get("/health", **openapi.HEALTH)
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok", "waiting": concurrency.waiting})

    @app.get("/metrics", **openapi.METRICS)
    async def prometheus_metrics() -> Response:
        return Response(metrics.text(), media_type=metrics.content_type)
