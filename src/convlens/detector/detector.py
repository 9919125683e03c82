"""The detector as its users have it: it predicts, is evaluated, and finds."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PictureError
from ..parallel import in_order
from ..pictures.shards.read import streamed
from ..progress import Progress
from .inputs import Picture, find_sources, pixels_of, source_of
from .predictor import Predictor

if TYPE_CHECKING:
    from ..tasks.answers import Evaluation
    from .heat_map import HeatMap
    from .inside.inside import Inside
    from .localization import Localization


class Detector(Predictor):
    """A trained detector, from the file that `convlens train` wrote.

    Each picture is run by itself on one core, and many pictures on all cores: so a picture's
    answer never depends, not in its last bit, on which others it came with.

    Args:
        file: A `detector.onnx`, a run folder that holds one, or the file's bytes.

    Raises:
        ConvlensError: The file is no detector, or was changed since it was written.

    Examples:
        >>> detector = Detector("runs/pictures")
        >>> detector.labels
        ('cross', 'disc')
    """

    def evaluate(
        self,
        pictures: str | Path,
        *,
        split: str | None = None,
        boxes: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> "Evaluation":
        """Compare the answers on labelled pictures with their labels.

        Args:
            pictures: A folder, a table or shards, as for training. On a run's `manifest.csv` a
                detector gives the metrics that its run reported, unless it was cross-validated.
            split: `train`, `val`, `test` or `all`; by default the test pictures where the data
                marks them, and all of them where it does not.
            boxes: Words that settle how boxes are written, where the data leaves it open.
            progress: Is told how many pictures are done, of how many.

        Returns:
            The metrics, each prediction beside its label, and the worst mistakes first.

        Raises:
            ConvlensError: There are no such pictures, or they have labels that it does not know.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> evaluation = detector.evaluate("other-pictures/")
            >>> evaluation.balanced_accuracy > 0.9
            True
        """
        from .evaluate import evaluate

        return evaluate(self, pictures, split=split, boxes=boxes, progress=progress)

    def find(
        self,
        picture: Picture,
        *,
        smallest: float | None = None,
        min_probability: float | None = None,
    ) -> "Localization":
        """Where in one picture the classes are.

        Args:
            picture: As `predict` takes it.
            smallest: The smallest window's side, as a share of the picture's shorter one; 0.2.
            min_probability: The probability from which on a box is a finding, 0 to 1; by default
                0.5, or, of a detector that learnt boxes, what its rule says.

        Returns:
            The findings, the hottest first, and a heat map for each class.

        Raises:
            PictureError: The picture is not there or cannot be read.
            ConvlensError: The network cannot slide over a picture.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> localization = detector.find("photo.jpg")
            >>> localization.findings[0].predicted
            'disc'
        """
        from .find import finder_of

        finder = finder_of(self, smallest, min_probability=min_probability)
        source = source_of(picture)
        try:
            return finder.find(source.name, pixels_of(source))
        except PictureError as error:
            raise PictureError(f"{source.name}: {error}") from error

    def find_many(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        smallest: float | None = None,
        min_probability: float | None = None,
    ) -> "Iterator[Localization]":
        """The same of many pictures, given as to `predict_many`, one by one, in their order.

        That of a picture that cannot be read has its `error`.
        Raises `ConvlensError` where the network cannot slide over a picture.
        """
        from .find import finder_of

        finder = finder_of(self, smallest, min_probability=min_probability)
        return in_order(finder, streamed(find_sources(pictures)))

    def heat_map(self, picture: Picture, *, label: str | None = None) -> "HeatMap":
        """What each part of one picture says for its answer, or for another class.

        Unlike `find`, every detector of classes can do this: it explains the answer to the whole
        picture.

        Args:
            picture: As `predict` takes it.
            label: The class; by default the most probable one.

        Returns:
            The log-odds that each part adds, and the same as heat, 0 to 1.

        Raises:
            PictureError: The picture is not there or cannot be read.
            UsageError: The detector has no such class, or tells of boxes, which say where.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> heat_map = detector.heat_map("photo.jpg")
            >>> heat_map.label, heat_map.heat.max()
            ('disc', np.float64(1.0))
        """
        from .heat_map import HeatMapper

        source = source_of(picture)
        try:
            return HeatMapper(self, label).look(source.name, pixels_of(source))
        except PictureError as error:
            raise PictureError(f"{source.name}: {error}") from error

    @cached_property
    def inside(self) -> "Inside":
        """The network's layers: their maps for a picture, and how single values were made.

        Raises:
            UsageError: It is no ONNX file.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> [layer.kind for layer in detector.inside.layers]
            ['conv 8 3×3', 'pool 2×2', 'conv 16 3×3', 'pool 2×2']
            >>> image = np.zeros((480, 640, 3), np.uint8)
            >>> (maps,) = detector.inside.maps(image, [0])
            >>> maps.shape
            (8, 24, 24)
        """
        from .inside.inside import Inside

        return Inside(self)


def opened(detector: str | Path | Detector) -> Detector:
    """A detector, read where it is given as a file."""
    return Detector(detector) if isinstance(detector, str | Path) else detector
