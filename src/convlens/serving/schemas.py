"""The bodies of requests and responses, as OpenAPI describes them."""

from pydantic import BaseModel, ConfigDict, Field


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


class Box(BaseModel):
    """A rectangle in the picture's pixels."""

    left: float
    top: float
    right: float
    bottom: float


class FoundObject(BaseModel):
    """An object, by a detector that learnt boxes."""

    predicted: str
    score: float
    box: Box


class PictureObjects(BaseModel):
    """The objects in one picture, by a detector that learnt boxes, or the reason for no answer."""

    name: str
    objects: list[FoundObject] = Field(description="the surest first")
    counts: dict[str, int] = Field(description="of each class of which there are any")
    error: str | None
    seconds: float


class PredictResponse(BaseModel):
    """One for each picture, in the order of the pictures: all of one kind, the detector's."""

    predictions: list[PicturePrediction | PictureObjects]


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


class PictureHeatMap(BaseModel):
    """What each part of one picture says for its answer, or the reason why there is none."""

    name: str
    error: str | None
    width: int
    height: int
    label: str = Field(description="the most probable class")
    probability: float
    heat: list[list[float]] = Field(description="rows of 0 to 1 over the whole picture")
    method: str = Field(description="'class activation map' or 'occlusion'")
    seconds: float


class HeatMapResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    pictures: list[PictureHeatMap]


class Numbers(BaseModel):
    """Numbers as bytes: 0 is the lowest one, 255 the highest."""

    low: float
    high: float
    shape: list[int]
    levels: str = Field(description="base64, row by row")


class Span(BaseModel):
    """Value i of units along an axis sees the pixels step × i + first to step × i + last.

    But none before 0, and none behind end.
    """

    step: int
    first: int
    last: int
    end: int
    units: int


class Layer(BaseModel):
    """One layer's maps."""

    kind: str = Field(description="the layer in words, such as conv 32 3×3 stride 2")
    name: str = Field(description="where it stands in the network")
    channels: int
    height: int
    width: int
    field: list[Span] | None = Field(description="down and across; null: the whole picture")
    filters: list[Numbers] | None = Field(description="[k, k, 3], where they see colours")
    adds_up: bool = Field(description="whether its values can be told number by number")


class LayersResponse(BaseModel):
    """The layers from the first to the last, and the few that are shown first."""

    height: int = Field(description="of what the network sees, in pixels")
    width: int
    grey: int | None = Field(
        description="level of the canvas in whose upper left pictures stand, as large as they fit; "
        "null: pictures are squashed"
    )
    chosen: list[int]
    layers: list[Layer]


class Map(Numbers):
    """What one filter gives over the whole picture."""

    channel: int


class PictureMaps(BaseModel):
    """A layer's maps of one picture, or the reason why there are none."""

    name: str
    error: str | None
    maps: list[Map] = []
    seconds: float


class MapsResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    pictures: list[PictureMaps]


class Sum(BaseModel):
    """Inputs × weights [C, k, k] and the bias make `before`; the activation makes `value` of it."""

    inputs: list[list[list[float]]]
    weights: list[list[list[float]]]
    bias: float
    before: float
    value: float


class PictureSum(BaseModel):
    """How a value was made; null where it is no convolution's, or of too many products."""

    name: str
    error: str | None
    sum: Sum | None = None
    seconds: float


class SumsResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    pictures: list[PictureSum]


class PicturePeak(BaseModel):
    """A filter's strongest answer in one picture; the box is in shares of its sides, 0 to 1."""

    name: str
    error: str | None
    value: float | None = None
    box: Box | None = None
    seconds: float


class PeaksResponse(BaseModel):
    """One for each picture, in the order of the pictures."""

    pictures: list[PicturePeak]


class DrawnBox(Box):
    """An object that somebody drew a box around."""

    model_config = ConfigDict(allow_inf_nan=False)

    label: str


class DrawnBoxes(BaseModel):
    """What a picture shows."""

    boxes: list[DrawnBox] | None = Field(
        max_length=1000, description="none where nothing is there; null: nobody has looked"
    )


class TaughtPicture(BaseModel):
    """A picture to learn from, its size as it is seen, and its boxes.

    They are null until somebody has looked, and then nothing is learnt from it.
    """

    name: str
    width: int
    height: int
    boxes: list[DrawnBox] | None


class BoxesToTeach(BaseModel):
    """Every picture that boxes are drawn in, and the classes of the boxes."""

    classes: list[str]
    pictures: list[TaughtPicture]


class RefusedPicture(BaseModel):
    """A file that is not taken, and why."""

    name: str
    error: str


class AddedPictures(BaseModel):
    """The pictures, those that were there before among them; others may be refused."""

    added: list[TaughtPicture]
    refused: list[RefusedPicture]


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
