"""The pictures in a request: a form of files, one encoded picture, or raw pixels."""

import sys
from dataclasses import dataclass

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ..detector.inputs import Pixels
from ..errors import PictureError
from ..pictures.decode import RGB
from ..pictures.formats.opening import dimensions
from ..pictures.source import BytesSource, Source
from .limits.request_limits import RequestLimits
from .problems import Problem, content_too_large

RAW_PIXELS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class UploadedPicture(BytesSource):
    """An encoded picture that is not unpacked where it has too many pixels."""

    max_pixels: int

    def read(self) -> bytes:
        """The bytes. Raises `PictureError` by the size that their head tells."""
        try:
            width, height = dimensions(self.data)
        except PictureError:  # decoding says more about what is wrong
            return self.data
        if width * height > self.max_pixels:
            raise PictureError(
                f"{width}×{height} pixels are more than the {self.max_pixels:,} that this server "
                "opens"
            )
        return self.data


async def read_pictures(request: Request, limits: RequestLimits) -> list[Source]:
    """Read the pictures that a request sends.

    Args:
        request: A form with files, an encoded picture, or raw pixels with `height` and `width`.
        limits: How many bytes and files are read.

    Returns:
        One or more pictures in the order of the request; whether they can be decoded is open.

    Raises:
        Problem: The body is too large (413), of a kind that is not taken (415), a form that
            cannot be read (400), or has no picture or another size than it says (422).
    """
    content_length = request.headers.get("content-length", "0")
    if content_length.isdecimal() and int(content_length) > limits.upload:
        raise content_too_large(limits.upload)
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        return await _files_of_form(request, limits)
    if content_type.startswith("image/"):
        return [UploadedPicture("picture", await request.body(), limits.pixels)]
    if content_type == RAW_PIXELS:
        return [Pixels("pixels", _raw_pixels(request, await request.body(), limits.pixels))]
    raise unknown_content(
        f"send multipart/form-data with files, image/*, or {RAW_PIXELS} with width and height; "
        f"this is {content_type or 'nothing'}"
    )


def unknown_content(detail: str) -> Problem:
    """A body of a kind that is not taken."""
    return Problem(415, "Unknown kind of content", detail=detail)


class _CompleteFormParser(MultiPartParser):
    """Refuses a form that breaks off; to Starlette's own parser it is one with fewer files."""

    spool_max_size = sys.maxsize  # a body is in memory anyhow, and there may be no disk
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


async def _files_of_form(request: Request, limits: RequestLimits) -> list[Source]:
    form = await _parse_form(request, limits)
    pictures: list[Source] = [
        UploadedPicture(value.filename or key, await value.read(), limits.pixels)
        for key, value in form.multi_items()
        if isinstance(value, UploadFile)
    ]
    await form.close()
    if not pictures:
        raise Problem(422, "No pictures", detail="the form has no files")
    return pictures


async def _parse_form(request: Request, limits: RequestLimits) -> FormData:
    parser = _CompleteFormParser(
        request.headers,
        request.stream(),
        max_files=limits.files,
        max_fields=limits.files,
        max_part_size=limits.upload,
    )
    try:
        return await parser.parse()
    except (Problem, ClientDisconnect):  # the body grew beyond its limit, or comes no more
        raise
    except MultiPartException as error:
        status = 413 if "Too many" in error.message else 400
        raise Problem(status, "Not a readable form", detail=error.message) from error
    except Exception as error:  # the parser's own errors, from a form that breaks off
        raise Problem(
            400, "Not a readable form", detail=str(error) or type(error).__name__
        ) from error


def _raw_pixels(request: Request, data: bytes, max_pixels: int) -> RGB:
    texts = [request.query_params.get(name, "") for name in ("height", "width")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in texts):
        raise Problem(422, "No size", detail="raw pixels need ?height=H&width=W, whole numbers")
    height, width = map(int, texts)
    if height * width > max_pixels:
        raise Problem(
            413,
            "Too many pixels",
            detail=f"a picture may have {max_pixels:,}, {height}×{width} came",
        )
    if not height * width or len(data) != height * width * 3:
        raise Problem(
            422,
            "Wrong size",
            detail=f"{height}×{width} RGB pixels are {height * width * 3:,} bytes; "
            f"{len(data):,} came",
        )
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)
