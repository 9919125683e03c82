"""The bodies of responses, as OpenAPI describes them."""

from pydantic import BaseModel, Field


class PicturePrediction(BaseModel):
    """The answer for one picture, or the reason why there is none."""

    name: str = Field(description="the file's name, or what kind of thing was sent")
    predicted: str | None = Field(description="a class, or 'unsure'; null where there is an error")
    probability: float | None
    probabilities: dict[str, float] = Field(description="of every class, the likeliest first")
    strangeness: float | None = Field(description="above 1: unlike what the detector learnt from")
    strange: bool
    error: str | None
    seconds: float = Field(description="spent on this picture")


class PredictResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    predictions: list[PicturePrediction]


class Box(BaseModel):
    """A rectangle in the picture's pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Finding(BaseModel):
    """A class in a box; the probability is the answer for the box cut out by itself."""

    predicted: str
    probability: float
    box: Box


class Point(BaseModel):
    """A point in the picture's pixels."""

    x: float
    y: float


class PictureFindings(BaseModel):
    """Where the classes are in one picture, or the reason why there is no answer."""

    name: str
    error: str | None
    width: int
    height: int
    findings: list[Finding]
    hottest: Point = Field(description="where the evidence is strongest")
    heat: dict[str, list[list[float]]] = Field(description="per class, rows of 0 to 1")
    windows: int = Field(description="answered, over all scales")
    smallest: float = Field(description="shorter side of the smallest window, in pixels")
    multiplications: int
    multiplications_cut_out: int = Field(description="if each window were cut out")
    difference: float = Field(description="of the surest window between sliding and cut out")
    seconds: float


class FindResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    pictures: list[PictureFindings]


class DetectorResponse(BaseModel):
    """What the detector knows, how good it was, how answers follow, and how it was made."""

    labels: list[str]
    metrics: dict[str, object]
    rule: dict[str, object]
    limits: dict[str, object]
    provenance: dict[str, object]


class HealthResponse(BaseModel):
    """That the server is there, and how many requests wait."""

    status: str
    waiting: int


class ProblemDetails(BaseModel):
    """An error, as problem details for HTTP APIs (RFC 9457)."""

    title: str
    status: int
    detail: str
