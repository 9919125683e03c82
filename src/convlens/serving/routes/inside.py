"""Routes into the network: its layers, their maps for a picture, and how values were made."""

from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import JSONResponse

from ...detector.inputs import pixels_of
from ...detector.inside.inside import Inside, Layer
from ...errors import PictureError, UsageError
from ...pictures.canvas import GREY, Canvas, shape_of
from ...pictures.decode import RGB
from ...pictures.source import Source
from .. import openapi
from ..current_model import CurrentModel
from ..limits.concurrency import ConcurrencyLimit, time_limit, while_connected
from ..limits.request_limits import RequestLimits
from ..problems import Problem
from ..request_pictures import read_pictures
from .predict import answer_each

MAPS = 64
"""Most maps of a layer that are sent: those that vary most."""

Index = Annotated[int, Query(ge=0, le=100_000)]


def add_inside_routes(
    app: FastAPI,
    model: CurrentModel,
    *,
    limits: RequestLimits,
    concurrency: ConcurrencyLimit,
) -> None:
    """Add `/layers`, `/maps`, `/sum` and `/strongest`."""

    async def inside(layer: int = 0, channel: int = 0) -> Inside:
        try:
            found, _ = await concurrency.run(lambda: model.detector.inside)
        except UsageError as error:
            raise Problem(409, "Cannot look inside", detail=str(error)) from error
        if layer >= len(found.layers) or channel >= found.layers[layer].shape[0]:
            raise Problem(422, "No such layer", detail="GET /layers has those that there are")
        return found

    async def of_pictures(
        request: Request, answer: Callable[[RGB], dict[str, Any]]
    ) -> JSONResponse:
        pictures = await read_pictures(request, limits)
        work = answer_each(concurrency, partial(_of_picture, answer), pictures)
        return JSONResponse({"pictures": await while_connected(request, work)})

    @app.get("/layers", **openapi.LAYERS)
    async def layers() -> JSONResponse:
        found = await inside()
        height, width = shape_of(found.frame)
        return JSONResponse(
            {
                "height": height,
                "width": width,
                "grey": GREY if isinstance(found.frame, Canvas) else None,
                "chosen": found.chosen,
                "layers": [_layer_json(layer) for layer in found.layers],
            }
        )

    @app.post("/maps", **openapi.MAPS)
    async def maps(
        request: Request, layer: Index, count: Annotated[int, Query(ge=1, le=MAPS)] = 16
    ) -> JSONResponse:
        async with time_limit(limits.seconds):
            found = await inside(layer)
            return await of_pictures(request, partial(_maps_json, found, layer, count))

    @app.post("/sum", **openapi.SUM)
    async def sum_of(
        request: Request, layer: Index, channel: Index, row: Index, column: Index
    ) -> JSONResponse:
        async with time_limit(limits.seconds):
            found = await inside(layer, channel)
            _, height, width = found.layers[layer].shape
            if row >= height or column >= width:
                raise Problem(422, "No such value", detail=f"the maps are {height}×{width}")
            place = {"channel": channel, "row": row, "column": column}
            return await of_pictures(request, partial(_sum_json, found, layer, place))

    @app.post("/strongest", **openapi.STRONGEST)
    async def strongest(request: Request, layer: Index, channel: Index) -> JSONResponse:
        async with time_limit(limits.seconds):
            found = await inside(layer, channel)
            return await of_pictures(request, partial(_peak_json, found, layer, channel))


def _of_picture(answer: Callable[[RGB], dict[str, Any]], picture: Source) -> dict[str, object]:
    try:
        return {"name": picture.name, "error": None, **answer(pixels_of(picture))}
    except PictureError as error:
        return {"name": picture.name, "error": str(error)}


def _layer_json(layer: Layer) -> dict[str, Any]:
    channels, height, width = layer.shape
    filters = None
    if layer.filters is not None:
        filters = [_packed(kernel.transpose(1, 2, 0)) for kernel in layer.filters]
    return {
        "kind": layer.kind,
        "name": layer.name,
        "channels": channels,
        "height": height,
        "width": width,
        "field": None if layer.field is None else [span._asdict() for span in layer.field],
        "filters": filters,
        "adds_up": layer.adds_up,
    }


def _packed(values: Any) -> dict[str, Any]:
    """Numbers as bytes between the lowest and the highest one."""
    low, high = float(values.min()), float(values.max())
    levels = np.round((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return {
        "low": low,
        "high": high,
        "shape": list(values.shape),
        "levels": b64encode(levels.tobytes()).decode(),
    }


def _maps_json(inside: Inside, layer: int, count: int, image: RGB) -> dict[str, Any]:
    (maps,) = inside.maps(image, [layer])
    order = np.argsort(-maps.std((1, 2)), kind="stable")[:count].tolist()
    return {"maps": [{"channel": channel, **_packed(maps[channel])} for channel in order]}


def _sum_json(inside: Inside, layer: int, place: dict[str, int], image: RGB) -> dict[str, Any]:
    found = inside.sum_of(image, layer, **place)
    if found is None:
        return {"sum": None}
    return {
        "sum": {
            "inputs": found.inputs.tolist(),
            "weights": found.weights.tolist(),
            "bias": found.bias,
            "before": found.before,
            "value": found.value,
        }
    }


def _peak_json(inside: Inside, layer: int, channel: int, image: RGB) -> dict[str, Any]:
    (patch,) = inside.strongest([image], layer, channel=channel)
    return {"value": patch.value, "box": patch.box._asdict()}
