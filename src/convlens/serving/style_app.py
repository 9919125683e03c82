"""The application of a learnt style: a page that paints what a camera sees, and its HTTP API."""

import io
from functools import partial
from html import escape

from fastapi import FastAPI
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from .._version import __version__
from ..detector.inputs import pixels_of
from ..errors import PictureError
from ..painting.pictures import NARROWEST
from ..painting.style_file import StyleFile
from ..parallel import cores
from ..pictures.source import Source
from . import openapi
from .app import guard
from .limits.concurrency import ConcurrencyLimit, time_limit, while_connected
from .limits.request_limits import RequestLimits
from .problems import Problem, add_problem_handlers
from .prometheus import PrometheusMetrics
from .request_pictures import read_pictures
from .routes.page import add_page_routes, page_html
from .routes.status import add_health_routes
from .server_settings import ServerSettings


def create_style_app(
    style: StyleFile,
    limits: RequestLimits | None = None,
    settings: ServerSettings | None = None,
) -> FastAPI:
    """Make the application that paints by a learnt style: an ASGI application, as `create_app`."""
    limits, settings = limits or RequestLimits(), settings or ServerSettings()
    concurrency, metrics = ConcurrencyLimit(cores(), limits.waiting), PrometheusMetrics()
    app = FastAPI(
        title="convlens",
        version=__version__,
        summary="Paints pictures in one style.",
        docs_url=None,
        redoc_url=None,
    )
    add_problem_handlers(app)
    add_health_routes(app, concurrency=concurrency, metrics=metrics)
    html = page_html("paint.html").replace("@PAINTING@", escape(style.painting))
    add_page_routes(app, html, token=settings.token)

    @app.post("/paint", **openapi.PAINT)
    async def paint(request: Request) -> Response:
        async with time_limit(limits.seconds):
            picture, *_ = await read_pictures(request, limits)
            work = concurrency.run(partial(_painted, style, picture))
            data, _ = await while_connected(request, work)
        return Response(data, media_type="image/jpeg")

    guard(app, limits, settings, concurrency=concurrency, metrics=metrics)
    return app


def _painted(style: StyleFile, picture: Source) -> bytes:
    """A JPEG. Raises `Problem` (422)."""
    try:
        image = pixels_of(picture)
    except PictureError as error:
        raise Problem(422, "Not a picture", detail=str(error)) from error
    if min(image.shape[:2]) < NARROWEST:
        raise Problem(422, "Too narrow", detail=f"it takes {NARROWEST} pixels or more each way")
    out = io.BytesIO()
    Image.fromarray(style.paint(image)).save(out, "JPEG", quality=92)
    return out.getvalue()
