"""The application: a detector behind an HTTP API, and a page to use it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from .._version import __version__
from ..detector.detector import Detector
from ..parallel import cores
from .auth import Auth
from .concurrency import ConcurrencyLimit
from .current_model import CurrentModel
from .middleware import RequestMiddleware
from .problems import add_problem_handlers
from .prometheus import PrometheusMetrics
from .request_limits import RequestLimits
from .routes.page import add_page_routes
from .routes.predict import add_predict_routes
from .routes.status import add_status_routes
from .routes.teach import teach_routes
from .teach.teaching import Teaching
from .upload_limit import UploadLimit


def create_app(
    detector: Detector,
    limits: RequestLimits | None = None,
    *,
    hosts: Sequence[str] | None = None,
    token: str | None = None,
) -> FastAPI:
    """Make the application that serves a detector.

    Args:
        detector: Answers until another one, taught in the page, is put in its place.
        limits: How much the server takes on; by default `RequestLimits()`.
        hosts: Names by which the server may be addressed; None allows any.
        token: What a caller has to show; None allows anyone.

    Returns:
        An ASGI application. Its temporary files are removed when its lifespan ends.
    """
    limits = limits or RequestLimits()
    model, teaching = CurrentModel(detector), Teaching()
    concurrency, metrics = ConcurrencyLimit(cores(), limits.waiting), PrometheusMetrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            teaching.close()

    app = FastAPI(
        lifespan=lifespan,
        title="convlens",
        version=__version__,
        summary=f"Says which of {', '.join(detector.labels)} is in a picture.",
        docs_url=None,
        redoc_url=None,
    )
    add_problem_handlers(app)
    add_predict_routes(app, model, limits=limits, concurrency=concurrency, metrics=metrics)
    add_status_routes(app, model, limits=limits, concurrency=concurrency, metrics=metrics)
    add_page_routes(app, model, token=token)
    app.router.routes += teach_routes(teaching, model, limits=limits)
    app.add_middleware(UploadLimit, limit=limits.upload)
    app.add_middleware(
        RequestMiddleware, auth=Auth(hosts, token), metrics=metrics, concurrency=concurrency
    )
    return app
