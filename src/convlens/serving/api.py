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
        413: "Too many bytes or files",
        415: "A kind of content that it does not take",
        422: "No pictures, or a wrong size",
        503: "Busy; try again after the seconds in Retry-After",
        504: "Too slow",
    }
    return {status: {"description": said[status], "content": content} for status in statuses}


PREDICT: dict[str, Any] = {
    "summary": "Say what is in pictures",
    "response_model": Answers,
    "responses": _refusals(400, 401, 403, 413, 415, 422, 503, 504),
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
