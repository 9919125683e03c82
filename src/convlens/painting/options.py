"""What painting can be told; the command line is made from these fields."""

from dataclasses import dataclass, fields

from ..errors import UsageError
from ..options.keywords import check_option
from ..options.option import option


@dataclass(frozen=True, kw_only=True)
class PaintOptions:
    """How a photograph is painted. Raises `UsageError` where one is out of range."""

    size: int | None = option(
        None,
        "longer side",
        auto="512; the photograph's for an .onnx; 192 to learn",
        metavar="PIXELS",
        least=64,
        most=16_384,
    )
    strength: float = option(
        1.0, "the style's, against the photograph's", metavar="NUMBER", least=0.01, most=100
    )
    weights: str | None = option(None, "of several styles", auto="equal", metavar="N,…")
    colours: str = option(
        "painting",
        "photo: brightness alone is painted; matched: moved to the photograph's mean and spread",
        choices=("painting", "photo", "matched"),
        metavar="WHOSE",
    )
    mask: str | None = option(None, "a picture, white where to paint", metavar="FILE")
    features: str = option(
        "auto",
        "what pictures are compared in, if not an installed pretrained network",
        choices=("auto", "random"),
        metavar="auto|random",
    )
    steps: int | None = option(
        None,
        "at each size, from coarse to fine",
        auto="100; to learn, by --minutes",
        metavar="N",
        least=1,
        most=10**6,
    )
    minutes: float | None = option(
        None, "most time", auto="any; 10 to learn", metavar="MINUTES", least=0.001, most=100_000
    )
    seed: int = option(0, "same seed, same bytes", metavar="N", least=0, most=2**31)

    def __post_init__(self) -> None:
        for field in fields(self):
            check_option(type(self), field.name, value=getattr(self, field.name))

    def weights_of(self, styles: int) -> list[float]:
        """A weight for each of so many paintings. Raises `UsageError`."""
        try:
            weights = [float(one) for one in (self.weights or ",".join("1" * styles)).split(",")]
        except ValueError:
            weights = []
        if len(weights) != styles or not all(0 < weight < 1e6 for weight in weights):
            raise UsageError(f"--weights {self.weights}: it takes {styles} numbers above 0")
        return weights
