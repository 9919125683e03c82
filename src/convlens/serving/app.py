"""The application: a detector behind an HTTP API, and a page to use it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from .._version import __version__
from ..detector.detector import Detector
from ..parallel import cores
from . import openapi
from .access_log import AccessLog
from .auth import Auth
from .current_model import CurrentModel
from .limits.concurrency import ConcurrencyLimit
from .limits.request_limits import RequestLimits
from .limits.upload_limit import UploadLimit
from .middleware import RequestMiddleware
from .path_prefix import PathPrefix
from .problems import add_problem_handlers
from .prometheus import PrometheusMetrics
from .routes.inside import add_inside_routes
from .routes.page import add_page_routes, add_report_route, page_html
from .routes.predict import add_predict_routes
from .routes.status import add_status_routes
from .routes.teach import teach_routes
from .routes.teach_boxes import add_box_routes
from .server_settings import ServerSettings
from .teach.teaching import Teaching


def create_app(
    detector: Detector,
    limits: RequestLimits | None = None,
    settings: ServerSettings | None = None,
    *,
    taught: Path | None = None,
) -> FastAPI:
    """Make the application that serves a detector.

    Args:
        detector: Answers until another one, taught in the page, is put in its place.
        limits: How much the server takes on; by default `RequestLimits()`.
        settings: Where it is found, and by whom it may be used; by default `ServerSettings()`.
        taught: A folder that keeps what is taught in the page; by default a temporary one.

    Returns:
        An ASGI application. Its temporary files are removed when its lifespan ends.

    Raises:
        ConvlensError: The folder of what is taught is another server's, or cannot be written to,
            or what lies in it cannot be read.
    """
    limits, settings = limits or RequestLimits(), settings or ServerSettings()
    model, teaching = CurrentModel(detector), Teaching(taught)
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
    add_inside_routes(app, model, limits=limits, concurrency=concurrency)
    add_status_routes(app, model, limits=limits, concurrency=concurrency, metrics=metrics)
    add_page_routes(app, page_html("index.html"), token=settings.token)
    add_report_route(app, model)
    app.router.routes += teach_routes(teaching, model, limits=limits)
    add_box_routes(app, teaching, limits=limits, concurrency=concurrency)
    guard(app, limits, settings, concurrency=concurrency, metrics=metrics)
    return app


def guard(
    app: FastAPI,
    limits: RequestLimits,
    settings: ServerSettings,
    *,
    concurrency: ConcurrencyLimit,
    metrics: PrometheusMetrics,
) -> None:
    """Put before every route what says who may use it, and how much."""
    app.add_middleware(UploadLimit, limit=limits.upload)
    log = AccessLog(sys.stderr) if settings.access_log else None
    app.add_middleware(
        RequestMiddleware, auth=Auth(settings), metrics=metrics, concurrency=concurrency, log=log
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "content-type"],
            expose_headers=["retry-after"],
        )
    if settings.root_path:
        app.add_middleware(PathPrefix, prefix=settings.root_path)
    if settings.token is not None:
        openapi.add_token(app)
