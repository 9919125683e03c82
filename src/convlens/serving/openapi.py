"""What OpenAPI says of each path."""

from typing import Any

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response

from .auth import OPEN_PATHS
from .problems import MEDIA_TYPE
from .schemas import (
    AddedPictures,
    BoxesToTeach,
    DetectorResponse,
    FindResponse,
    HealthResponse,
    HeatMapResponse,
    LayersResponse,
    MapsResponse,
    PeaksResponse,
    PredictResponse,
    ProblemDetails,
    SumsResponse,
    TaughtPicture,
)


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem details that a path may answer with, by status."""
    content = {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}
    descriptions = {
        400: "A form that cannot be read",
        401: "A token is needed",
        403: "A page of another site, or another name",
        404: "No such picture",
        409: "A detector that cannot do this, or a training that is running",
        413: "Too many bytes or files",
        415: "A kind of content that it does not take",
        422: "No pictures, a wrong size, no such layer or value, or a box that cannot be",
        503: "Busy; try again after the seconds in Retry-After",
        504: "Too slow",
        507: "No place on the disk",
    }
    return {
        status: {"description": descriptions[status], "content": content} for status in statuses
    }


_FILES: dict[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "files": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "format": "binary"},
                }
            },
            "required": ["files"],
        }
    },
    "image/*": {"schema": {"type": "string", "format": "binary"}},
}
_REQUEST_BODY: dict[str, Any] = {
    "openapi_extra": {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": f"{name} of raw pixels",
                "schema": {"type": "integer", "minimum": 1, "maximum": 100_000},
            }
            for name in ("height", "width")
        ],
        "requestBody": {
            "required": True,
            "content": {
                **_FILES,
                "application/octet-stream": {
                    "schema": {
                        "type": "string",
                        "format": "binary",
                        "description": "uint8 RGB pixels, row by row; with ?height and ?width",
                    }
                },
            },
        },
    },
}
PREDICT: dict[str, Any] = {
    "summary": "Say what is in pictures",
    "response_model": PredictResponse,
    "responses": _problems(400, 401, 403, 413, 415, 422, 503, 504),
    **_REQUEST_BODY,
}
FIND: dict[str, Any] = {
    "summary": "Say where in pictures it is",
    "response_model": FindResponse,
    "responses": _problems(400, 401, 403, 409, 413, 415, 422, 503, 504),
    **_REQUEST_BODY,
}
HEAT_MAP: dict[str, Any] = {
    "summary": "Say which parts of pictures speak for the answer",
    "response_model": HeatMapResponse,
    "responses": _problems(400, 401, 403, 409, 413, 415, 422, 503, 504),
    **_REQUEST_BODY,
}
PAINT: dict[str, Any] = {
    "summary": "Paint a picture",
    "response_class": Response,
    "responses": {
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **_problems(400, 401, 403, 413, 415, 422, 503, 504),
    },
    **_REQUEST_BODY,
}
LAYERS: dict[str, Any] = {
    "summary": "The network's layers that have maps",
    "response_model": LayersResponse,
    "responses": _problems(401, 403, 409, 422, 503),
}
_INSIDE: dict[str, Any] = {
    "responses": _problems(400, 401, 403, 409, 413, 415, 422, 503, 504),
    **_REQUEST_BODY,
}
MAPS: dict[str, Any] = {
    "summary": "A layer's maps of pictures, those that vary most",
    "response_model": MapsResponse,
    **_INSIDE,
}
SUM: dict[str, Any] = {
    "summary": "How one value of a convolution was made, number by number",
    "response_model": SumsResponse,
    **_INSIDE,
}
STRONGEST: dict[str, Any] = {
    "summary": "Where in pictures a filter answers most, and what it sees there",
    "response_model": PeaksResponse,
    **_INSIDE,
}
BOXES: dict[str, Any] = {
    "summary": "The pictures to learn boxes from",
    "response_model": BoxesToTeach,
    "responses": _problems(401, 403),
}
ADD_PICTURES: dict[str, Any] = {
    "summary": "Add pictures to draw boxes in",
    "response_model": AddedPictures,
    "responses": _problems(400, 401, 403, 413, 415, 422, 507),
    "openapi_extra": {"requestBody": {"required": True, "content": _FILES}},
}
TAUGHT_PICTURE: dict[str, Any] = {
    "summary": "A picture to draw boxes in, as it was sent, or as PNG where browsers need it",
    "response_class": Response,
    "responses": {
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        **_problems(401, 403, 404, 422, 503),
    },
}
DRAW: dict[str, Any] = {
    "summary": "Say what a picture shows: its boxes, in place of those before",
    "response_model": TaughtPicture,
    "responses": _problems(400, 401, 403, 404, 413, 422, 507),
}
REMOVE_PICTURE: dict[str, Any] = {
    "summary": "Take a picture and its boxes away",
    "response_model": TaughtPicture,
    "responses": _problems(401, 403, 404, 409, 507),
}
DETECTOR: dict[str, Any] = {
    "summary": "What the detector knows and how it was made",
    "response_model": DetectorResponse,
    "responses": _problems(401, 403),
}
HEALTH: dict[str, Any] = {
    "summary": "Whether the server is there",
    "response_model": HealthResponse,
    "responses": _problems(403),
}
METRICS: dict[str, Any] = {
    "summary": "Numbers for Prometheus",
    "response_class": PlainTextResponse,
    "responses": _problems(403),
}


def add_token(app: FastAPI) -> None:
    """Say that a token is needed, where it is; after every route has been added."""
    schema = app.openapi()
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN_PATHS else [{"token": []}]
