"""Routes below `/teach/boxes`: pictures, and the boxes that are drawn in them."""

import io
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ...errors import PictureError
from ...pictures.decode import decode
from .. import openapi
from ..limits.concurrency import ConcurrencyLimit
from ..limits.request_limits import RequestLimits
from ..problems import Problem
from ..schemas import AddedPictures, BoxesToTeach, DrawnBoxes, TaughtPicture
from ..teach.teaching import Teaching
from .teach import files_in

BROWSERS_SHOW = frozenset((".jpg", ".png", ".webp", ".gif", ".bmp", ".avif"))
"""Endings of pictures that are sent to the page as they are."""
_HEADERS = {"cache-control": "private, max-age=86400, immutable"}
"""A picture's name is that of its contents."""


def add_box_routes(
    app: FastAPI, teaching: Teaching, *, limits: RequestLimits, concurrency: ConcurrencyLimit
) -> None:
    """Add the list of pictures, each one of them, and what is drawn in it."""

    @app.get("/teach/boxes", **openapi.BOXES)
    def boxes() -> BoxesToTeach:
        return teaching.boxes.state()

    @app.post("/teach/boxes", **openapi.ADD_PICTURES)
    async def add(request: Request) -> AddedPictures:
        return await run_in_threadpool(teaching.boxes.add, await files_in(request, limits))

    @app.get("/teach/boxes/{name}", **openapi.TAUGHT_PICTURE)
    async def picture(name: str) -> Response:
        path = teaching.boxes.path(name)
        if path.suffix in BROWSERS_SHOW:
            return FileResponse(path, headers=_HEADERS)
        data, _ = await concurrency.run(partial(_as_png, path))
        return Response(data, headers=_HEADERS, media_type="image/png")

    @app.put("/teach/boxes/{name}", **openapi.DRAW)
    def draw(name: str, drawn: DrawnBoxes) -> TaughtPicture:
        return teaching.boxes.draw(name, drawn.boxes)

    @app.delete("/teach/boxes/{name}", **openapi.REMOVE_PICTURE)
    def remove(name: str) -> TaughtPicture:
        teaching.check_idle()
        return teaching.boxes.remove(name)


def _as_png(path: Path) -> bytes:
    """A picture of a kind that browsers do not show. Raises `Problem` (422) if it is damaged."""
    buffer = io.BytesIO()
    try:
        Image.fromarray(decode(path.read_bytes())).save(buffer, "PNG")
    except PictureError as error:
        raise Problem(422, "Not a picture", detail=str(error)) from error
    return buffer.getvalue()
