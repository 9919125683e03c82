"""Routes from pictures to predictions: what is in them, where, and what spoke for it."""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from ...detector.detector import Detector
from ...detector.find import Finder, finder_of
from ...detector.find_boxes import BoxFinder
from ...detector.heat_map import HeatMapper
from ...errors import ConvlensError
from ...pictures.source import Source
from .. import openapi
from ..current_model import CurrentModel
from ..limits.concurrency import ConcurrencyLimit, time_limit, while_connected
from ..limits.request_limits import RequestLimits
from ..problems import Problem
from ..prometheus import PrometheusMetrics
from ..request_pictures import read_pictures


def add_predict_routes(
    app: FastAPI,
    model: CurrentModel,
    *,
    limits: RequestLimits,
    concurrency: ConcurrencyLimit,
    metrics: PrometheusMetrics,
) -> None:
    """Add `/predict`, `/find` and `/heat-map`; a picture that fails costs the others nothing."""

    @app.post("/predict", **openapi.PREDICT)
    async def predict(request: Request) -> JSONResponse:
        async with time_limit(limits.seconds):
            pictures = await read_pictures(request, limits)
            answer = partial(_prediction_json, model.detector)
            answers = answer_each(concurrency, answer, pictures)
            predictions = await while_connected(request, answers)
        metrics.count_pictures(predictions)
        return JSONResponse({"predictions": predictions})

    @app.post("/find", **openapi.FIND)
    async def find(request: Request) -> JSONResponse:
        try:
            finder = finder_of(model.detector)
        except ConvlensError as error:
            raise Problem(409, "Cannot slide", detail=str(error)) from error
        async with time_limit(limits.seconds):
            pictures = await read_pictures(request, limits)
            answers = answer_each(concurrency, partial(_findings_json, finder), pictures)
            findings = await while_connected(request, answers)
        return JSONResponse({"pictures": findings})

    @app.post("/heat-map", **openapi.HEAT_MAP)
    async def heat_map(request: Request) -> JSONResponse:
        try:
            mapper = HeatMapper(model.detector)
        except ConvlensError as error:
            raise Problem(409, "No heat map", detail=str(error)) from error
        async with time_limit(limits.seconds):
            pictures = await read_pictures(request, limits)
            answer = partial(_heat_map_json, mapper)
            heat_maps = await while_connected(request, answer_each(concurrency, answer, pictures))
        return JSONResponse({"pictures": heat_maps})


async def answer_each(
    concurrency: ConcurrencyLimit,
    answer: Callable[[Source], dict[str, object]],
    pictures: Sequence[Source],
) -> list[dict[str, object]]:
    """The answer for each picture, with the seconds that it took."""
    answers = []
    for picture in pictures:
        content, seconds = await concurrency.run(partial(answer, picture))
        answers.append({**content, "seconds": seconds})
    return answers


def _prediction_json(detector: Detector, picture: Source) -> dict[str, object]:
    return detector.task.as_json(detector.predict_source(picture))


def _findings_json(finder: Finder | BoxFinder, picture: Source) -> dict[str, object]:
    localization = finder(picture)
    return {"name": localization.name, "error": localization.error, **localization.as_json()}


def _heat_map_json(mapper: HeatMapper, picture: Source) -> dict[str, object]:
    heat_map = mapper(picture)
    return {"name": heat_map.name, "error": heat_map.error, **heat_map.as_json()}
