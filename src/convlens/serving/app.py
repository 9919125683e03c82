"""The HTTP API: pictures to answers and places, the detector, health, metrics, the page."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import PurePath
from typing import Any, TypeVar

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from .._version import __version__
from ..detector.detector import Detector, Prediction
from ..detector.find import Finder, Found
from ..errors import ConvlensError, PictureError
from ..parallel import cores
from . import api
from .auth import COOKIE, Guard
from .concurrency import Gate, Problem, UploadLimit
from .current_model import Served
from .limits import Limits
from .metrics import Metrics
from .middleware import Around, problem_response
from .pictures import Sent, pictures_of
from .teach import Teaching, routes

Result = TypeVar("Result")

KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
"""Of the page's files: all that are there, and no other is ever sent."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page needs, and nothing else."""


def create_app(
    detector: Detector,
    limits: Limits | None = None,
    *,
    hosts: Sequence[str] | None = None,
    token: str | None = None,
) -> FastAPI:
    """The application for one detector; `hosts` and `token` as `Guard` takes them."""
    limits = limits or Limits()
    teaching = Teaching()

    @asynccontextmanager
    async def lifetime(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            teaching.close()

    app = FastAPI(
        lifespan=lifetime,
        title="convlens",
        version=__version__,
        summary=f"Says which of {', '.join(detector.labels)} is in a picture.",
        docs_url=None,
        redoc_url=None,
    )
    gate, metrics, served = Gate(cores(), limits.waiting), Metrics(), Served(detector)

    _handle_problems(app)

    @app.post("/predict", **api.PREDICT)
    async def predict(request: Request) -> JSONResponse:
        async with _in_time(limits):
            sent = await pictures_of(request, limits)
            answers = [await _answer(served.detector, gate, sent=picture) for picture in sent]
        metrics.pictures(answers)
        return JSONResponse({"predictions": answers})

    @app.post("/find", **api.FIND)
    async def find(request: Request) -> JSONResponse:
        try:
            finder = Finder(served.detector)
        except ConvlensError as error:
            raise Problem(409, "Cannot slide", detail=str(error)) from error
        async with _in_time(limits):
            sent = await pictures_of(request, limits)
            return JSONResponse({"pictures": [await _look(finder, gate, one) for one in sent]})

    @app.get("/detector", **api.DETECTOR)
    async def about() -> JSONResponse:
        now = served.detector
        told = now.provenance()
        return JSONResponse(
            {
                "labels": list(now.labels),
                "figures": told.pop("figures", {}),
                "rule": now.rule.as_json(),
                "limits": vars(limits),
                "provenance": told,
            }
        )

    @app.get("/health", **api.HEALTH)
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok", "waiting": gate.waiting})

    @app.get("/metrics", **api.METRICS)
    async def numbers() -> Response:
        return Response(metrics.text(), media_type=metrics.kind)

    _page(app, served, token=token)
    app.router.routes += routes(teaching, served, limits=limits)
    app.add_middleware(UploadLimit, most=limits.upload)
    app.add_middleware(Around, guard=Guard(hosts, token), metrics=metrics, gate=gate)
    return app


@asynccontextmanager
async def _in_time(limits: Limits) -> AsyncIterator[None]:
    """Give a request up, with a word, when its time is over."""
    try:
        async with asyncio.timeout(limits.seconds):
            yield
    except TimeoutError:
        raise Problem(
            504, "Too slow", detail=f"a request has {limits.seconds:g} s, waiting included"
        ) from None


async def _look(finder: Finder, gate: Gate, sent: Sent) -> dict[str, Any]:
    """Where the classes are in one picture, or the reason why there is no answer."""
    found, seconds = await _in_turn(gate, partial(_find, finder, sent))
    told = found.as_json()
    return {"name": sent.name, "error": found.error, **told, "seconds": seconds}


def _find(finder: Finder, sent: Sent) -> Found:
    try:
        return finder.look(sent.name, sent.pixels())
    except PictureError as error:
        return Found(sent.name, error=str(error))


async def _in_turn(gate: Gate, work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, in a thread when its turn has come, and the seconds that it took."""
    async with gate.turn():
        begun = time.perf_counter()
        found = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        return found, round(time.perf_counter() - begun, 4)


async def _answer(detector: Detector, gate: Gate, *, sent: Sent) -> dict[str, Any]:
    """One picture's answer, or the reason why there is none."""
    found, seconds = await _in_turn(gate, partial(_predict, detector, sent))
    return {
        "name": found.name,
        "label": found.label,
        "probability": found.probability,
        "probabilities": dict(found.top(len(found.labels))),
        "strangeness": found.strangeness,
        "strange": found.strange,
        "error": found.error,
        "seconds": seconds,
    }


def _predict(detector: Detector, sent: Sent) -> Prediction:
    try:
        return detector.answer(sent.name, sent.pixels())
    except PictureError as error:
        return Prediction(sent.name, None, labels=detector.labels, error=str(error))


def _handle_problems(app: FastAPI) -> None:
    """Every error as problem+json."""

    @app.exception_handler(Problem)
    async def ours(_: Request, problem: Problem) -> JSONResponse:
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(str(one.get("msg")) for one in error.errors())
        return problem_response(Problem(422, "Not as the API takes it", detail=said))

    @app.exception_handler(HTTPException)
    async def usual(_: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(error.status_code, str(error.detail), detail="see /openapi.json")
        problem.headers = dict(error.headers or {})
        return problem_response(problem)


def _page(app: FastAPI, served: Served, *, token: str | None) -> None:
    """The page, read once, here, and the report beside the detector."""
    home = files("convlens.serving") / "page"
    contents = {part.name: part.read_text("utf-8") for part in home.iterdir() if part.is_file()}
    front = contents.pop("index.html")  # which goes with its policy, and by no other way

    @app.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        response = HTMLResponse(front, headers={"content-security-policy": POLICY})
        if token is not None:  # whoever is here has shown it
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    @app.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        if name not in contents:
            raise Problem(404, "Not there", detail="the page has no such part")
        return Response(contents[name], media_type=KINDS[PurePath(name).suffix])

    @app.api_route("/report", methods=["GET", "HEAD"], include_in_schema=False)
    async def the_report() -> HTMLResponse:
        path = served.detector.path
        if path is None or not (path.parent / "report.html").is_file():
            raise Problem(404, "Not there", detail="there is no report.html beside the detector")
        return HTMLResponse((path.parent / "report.html").read_text("utf-8"))
