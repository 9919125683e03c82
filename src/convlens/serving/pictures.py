"""The pictures in a request: a form of files, one encoded picture, or raw pixels."""

from dataclasses import dataclass

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ..pictures.decode import MAX_PIXELS, RGB, decode
from .concurrency import Problem, too_large
from .limits import Limits

RAW = "application/octet-stream"


@dataclass(frozen=True)
class Sent:
    """A picture as it was sent: encoded bytes, or uint8 RGB pixels [height, width, 3]."""

    name: str
    data: bytes | RGB

    def pixels(self) -> RGB:
        """Upright uint8 RGB. Raises `PictureError`."""
        return decode(self.data) if isinstance(self.data, bytes) else self.data


async def pictures_of(request: Request, limits: Limits) -> list[Sent]:
    """What a request sends, in order. Raises `Problem`."""
    promised = request.headers.get("content-length", "0")
    if promised.isdecimal() and int(promised) > limits.upload:
        raise too_large(limits.upload)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _form(request, limits)
    if kind.startswith("image/"):
        return [Sent("picture", await request.body())]
    if kind == RAW:
        return [Sent("pixels", _raw(request, await request.body()))]
    raise Problem(
        415,
        "Unknown kind of content",
        detail=f"send multipart/form-data with files, image/*, or {RAW} with width and height; "
        f"this is {kind or 'nothing'}",
    )


class WholeForm(MultiPartParser):
    """Starlette's parser, to which a form that breaks off is one with fewer pictures; not here."""

    ended = False

    def on_end(self) -> None:
        """The closing boundary has come."""
        self.ended = True

    async def parse(self) -> FormData:
        """The form. Raises `MultiPartException`."""
        form = await super().parse()
        if not self.ended:
            await form.close()
            raise MultiPartException("it breaks off before its closing boundary")
        return form


async def _form(request: Request, limits: Limits) -> list[Sent]:
    try:
        form = await WholeForm(
            request.headers,
            request.stream(),
            max_files=limits.files,
            max_fields=limits.files,
            max_part_size=limits.upload,
        ).parse()
    except MultiPartException as error:
        many = "Too many" in error.message
        raise Problem(413 if many else 400, "Not a readable form", detail=error.message) from error
    except Problem:
        raise
    except Exception as error:  # the parser's own errors, from a form that breaks off
        raise Problem(
            400, "Not a readable form", detail=str(error) or type(error).__name__
        ) from error
    found = [
        Sent(value.filename or key, await value.read())
        for key, value in form.multi_items()
        if isinstance(value, UploadFile)
    ]
    await form.close()
    if not found:
        raise Problem(422, "No pictures", detail="the form has no files")
    return found


def _raw(request: Request, data: bytes) -> RGB:
    sides = [request.query_params.get(name, "") for name in ("height", "width")]
    if not all(side.isascii() and side.isdecimal() and len(side) < 10 for side in sides):
        raise Problem(422, "No size", detail="raw pixels need ?height=H&width=W, whole numbers")
    height, width = (int(side) for side in sides)
    if not 0 < height * width <= MAX_PIXELS or len(data) != height * width * 3:
        raise Problem(
            422,
            "Wrong size",
            detail=f"{height}×{width} RGB pixels are {height * width * 3:,} bytes; "
            f"{len(data):,} came",
        )
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)
