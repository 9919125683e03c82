"""What OpenAPI says of each path."""

from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse


class Answer(BaseModel):
    """The answer for one picture, or the reason why there is none."""

    name: str = Field(description="the file's name, or what kind of thing was sent")
    label: str | None = Field(description="a class, or 'unsure'; null where there is an error")
    probability: float | None
    probabilities: dict[str, float] = Field(description="of every class, the likeliest first")
    strangeness: float | None = Field(description="above 1: unlike what the detector learnt from")
    strange: bool
    error: str | None
    seconds: float = Field(description="spent on this picture")


class Answers(BaseModel):
    """In the order of the pictures."""

    predictions: list[Answer]


class Corners(BaseModel):
    """A rectangle in the picture's pixels."""

    left: float
    top: float
    right: float
    bottom: float


class OneFound(BaseModel):
    """A class in a place; the probability is the answer for the box cut out by itself."""

    label: str
    probability: float
    box: Corners


class Point(BaseModel):
    """In the picture's pixels."""

    x: float
    y: float


class Place(BaseModel):
    """Where the classes are in one picture, or the reason why there is no answer."""

    name: str
    error: str | None
    width: int
    height: int
    findings: list[OneFound]
    hottest: Point = Field(description="where the evidence is strongest")
    heat: dict[str, list[list[float]]] = Field(description="per class, rows of 0 to 1")
    windows: int = Field(description="answered, over all scales")
    smallest: float = Field(description="shorter side of the smallest window, in pixels")
    multiplications: int
    multiplications_cut_out: int = Field(description="if each window were cut out")
    difference: float = Field(description="of the surest window between sliding and cut out")
    seconds: float


class Places(BaseModel):
    """In the order of the pictures."""

    pictures: list[Place]


class About(BaseModel):
    """What the detector knows, how good it was, how answers follow, and how it was made."""

    labels: list[str]
    figures: dict[str, Any]
    rule: dict[str, Any]
    limits: dict[str, Any]
    provenance: dict[str, Any]


class Health(BaseModel):
    """That the server is there, and how many requests wait."""

    status: str
    waiting: int


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    title: str
    status: int
    detail: str


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}}
    said = {
        400: "A form that cannot be read",
        401: "A token is needed",
        403: "A page of another site, or another name",
        409: "A detector that cannot do this",
        413: "Too many bytes or files",
        415: "A kind of content that it does not take",
        422: "No pictures, or a wrong size",
        503: "Busy; try again after the seconds in Retry-After",
        504: "Too slow",
    }
    return {status: {"description": said[status], "content": content} for status in statuses}


_PICTURES: dict[str, Any] = {
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
    "response_model": Answers,
    "responses": _refusals(400, 401, 403, 413, 415, 422, 503, 504),
    **_PICTURES,
}
FIND: dict[str, Any] = {
    "summary": "Say where in pictures it is",
    "response_model": Places,
    "responses": _refusals(400, 401, 403, 409, 413, 415, 422, 503, 504),
    **_PICTURES,
}
DETECTOR: dict[str, Any] = {
    "summary": "What the detector knows and how it was made",
    "response_model": About,
    "responses": _refusals(401, 403),
}
HEALTH: dict[str, Any] = {
    "summary": "Whether the server is there",
    "response_model": Health,
    "responses": _refusals(401, 403),
}
METRICS: dict[str, Any] = {
    "summary": "Numbers for Prometheus",
    "response_class": PlainTextResponse,
    "responses": _refusals(401, 403),
}
