"""Routes from pictures to predictions: what is in them, and where."""

from functools import partial

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from ..detector.detector import Detector, Prediction
from ..detector.find import Finder
from ..detector.localization import Localization
from ..errors import ConvlensError, PictureError
from . import openapi
from .concurrency import ConcurrencyLimit, time_limit
from .current_model import CurrentModel
from .problems import Problem
from .prometheus import PrometheusMetrics
from .request_limits import RequestLimits
from .request_pictures import RequestPicture, read_pictures


def add_predict_routes(
    app: FastAPI,
    model: CurrentModel,
    *,
    limits: RequestLimits,
    concurrency: ConcurrencyLimit,
    metrics: PrometheusMetrics,
) -> None:
    """Add `/predict` and `/find`; a picture that cannot be read costs the others nothing."""

    @app.post("/predict", **openapi.PREDICT)
    async def predict(request: Request) -> JSONResponse:
        async with time_limit(limits.seconds):
            pictures = await read_pictures(request, limits)
            timed_predictions = [
                await concurrency.run(partial(_predict, model.detector, picture))
                for picture in pictures
            ]
        metrics.count_pictures([prediction for prediction, _ in timed_predictions])
        bodies = [_prediction_json(prediction, spent) for prediction, spent in timed_predictions]
        return JSONResponse({"predictions": bodies})

    @app.post("/find", **openapi.FIND)
    async def find(request: Request) -> JSONResponse:
        try:
            finder = Finder(model.detector)
        except ConvlensError as error:
            raise Problem(409, "Cannot slide", detail=str(error)) from error
        async with time_limit(limits.seconds):
            pictures = await read_pictures(request, limits)
            timed_findings = [
                await concurrency.run(partial(_find, finder, picture)) for picture in pictures
            ]
            bodies = [_findings_json(findings, spent) for findings, spent in timed_findings]
            return JSONResponse({"pictures": bodies})


def _predict(detector: Detector, picture: RequestPicture) -> Prediction:
    try:
        return detector.answer(picture.name, picture.pixels())
    except PictureError as error:
        return Prediction(picture.name, None, labels=detector.labels, error=str(error))


def _find(finder: Finder, picture: RequestPicture) -> Localization:
    try:
        return finder.find(picture.name, picture.pixels())
    except PictureError as error:
        return Localization(picture.name, error=str(error))


def _prediction_json(prediction: Prediction, seconds: float) -> dict[str, object]:
    return {
        "name": prediction.name,
        "predicted": prediction.predicted,
        "probability": prediction.probability,
        "probabilities": dict(prediction.top(len(prediction.labels))),
        "strangeness": prediction.strangeness,
        "strange": prediction.strange,
        "error": prediction.error,
        "seconds": seconds,
    }


def _findings_json(findings: Localization, seconds: float) -> dict[str, object]:
    return {
        "name": findings.name,
        "error": findings.error,
        **findings.as_json(),
        "seconds": seconds,
    }
