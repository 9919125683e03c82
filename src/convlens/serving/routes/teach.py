"""Routes that the page teaches by. They are its own, so that OpenAPI does not describe them."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ...detector.detector import Detector
from ...errors import ConvlensError
from ...pictures.source import BytesSource
from ..current_model import CurrentModel
from ..limits.request_limits import RequestLimits
from ..problems import Problem, not_found
from ..request_pictures import read_pictures, unknown_content
from ..teach.teaching import Teaching


def teach_routes(teaching: Teaching, model: CurrentModel, *, limits: RequestLimits) -> list[Route]:
    """Make the routes below `/teach`: the state, pictures, a training, and its detector."""

    async def state(_: Request) -> JSONResponse:
        return JSONResponse(teaching.state())

    async def pictures(request: Request) -> JSONResponse:
        label = request.query_params.get("label", "").strip()
        if request.method == "DELETE":
            teaching.check_idle()
            teaching.pictures.remove(label)
        else:
            encoded = [picture.data for picture in await files_in(request, limits)]
            teaching.pictures.add(label, encoded)
        return JSONResponse(teaching.state())

    async def start(request: Request) -> JSONResponse:
        what = request.query_params.get("what", "classes")
        teaching.start(_minutes(request), what=what)
        return JSONResponse(teaching.state())

    async def stop(_: Request) -> JSONResponse:
        teaching.stop()
        return JSONResponse(teaching.state())

    async def use(_: Request) -> JSONResponse:
        try:
            model.detector = Detector(_detector_file(teaching))
        except ConvlensError as error:
            raise Problem(500, "Not a detector", detail=str(error)) from error
        return JSONResponse({"labels": list(model.detector.labels)})

    async def download(_: Request) -> Response:
        return FileResponse(_detector_file(teaching), filename="detector.onnx")

    return [
        Route("/teach", state),
        Route("/teach/pictures", pictures, methods=["POST", "DELETE"]),
        Route("/teach/start", start, methods=["POST"]),
        Route("/teach/stop", stop, methods=["POST"]),
        Route("/teach/use", use, methods=["POST"]),
        Route("/teach/detector.onnx", download),
    ]


async def files_in(request: Request, limits: RequestLimits) -> list[BytesSource]:
    """The pictures that a request sends. Raises `Problem` as `read_pictures` does."""
    pictures = await read_pictures(request, limits)
    files = [picture for picture in pictures if isinstance(picture, BytesSource)]
    if len(files) < len(pictures):
        raise unknown_content("pictures to learn from are files")
    return files


def _minutes(request: Request) -> float | None:
    text = request.query_params.get("minutes", "")
    try:
        return float(text) if text else None
    except ValueError:
        raise Problem(422, "Not a time", detail=f"{text!r} is no number of minutes") from None


def _detector_file(teaching: Teaching) -> Path:
    path = teaching.detector_file()
    if path is None:
        raise not_found("nothing has been learnt yet")
    return path
