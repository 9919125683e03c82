"""Which boxes are probably missing, of another class, badly placed, or around nothing."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..options import BudgetOptions, DataOptions, TrainOptions
from ..pictures.boxes.box import Box
from ..progress import Progress
from ..tasks.boxes.matching import ENOUGH, Answers, Truth, overlaps
from ..tasks.boxes.prediction import BoxPrediction

SURE = 0.8
"""How sure an answer is that speaks against a label."""
UNLIKELY = 0.1
"""How sure an answer that agrees may be at most, for another to speak against a label."""
APART, NEAR = 0.1, 0.3
"""Overlaps up to which boxes are of two things, and from which on of the same one."""
SEEN = 0.9
"""Of its objects so many are found in other pictures, where a box that nothing finds is told of."""
KINDS = {
    "missing": "no box",
    "class": "another class",
    "place": "badly placed",
    "nothing": "around nothing",
}


@dataclass(frozen=True)
class BoxIssue:
    """A box that is probably wrong, or one that is probably missing.

    Attributes:
        name: The picture.
        kind: Of `KINDS`: `missing` has no label, `nothing` has nothing suggested.
        box: Where it should be, in pixels of the picture as seen; of `nothing`, where it is.
        label: The class that it has.
        suggested: The class that it should have.
        probability: How sure a network is of that, 0 to 1, that did not learn from this picture; of
            `nothing`, how sure that nothing is there.
    """

    name: str
    kind: str
    box: Box
    _: KW_ONLY
    label: str | None
    suggested: str | None
    probability: float

    @property
    def said(self) -> str:
        """In words: `no box: ball`, `another class: disc, not ball`."""
        what = {
            "missing": f"{self.suggested}",
            "class": f"{self.suggested}, not {self.label}",
        }.get(self.kind, f"{self.label}")
        return f"{KINDS[self.kind]}: {what}"


def crosswise_answers(
    pictures: str | Path, data: DataOptions, *, minutes: float | None, progress: Progress
) -> Answers:
    """What `box_issues` takes: networks are trained for it. Raises `ConvlensError`."""
    from ..training.boxes.crosswise import answer_crosswise

    options = TrainOptions(data=data, budget=BudgetOptions(minutes=minutes))
    return answer_crosswise(pictures, options, progress=progress)


def box_issues(answers: Answers) -> tuple[BoxIssue, ...]:
    """The boxes that are probably wrong or missing, the surest first.

    After the kinds of ObjectLab (Tkachenko et al. 2023). Crowds and difficult objects speak neither
    way.

    Args:
        answers: What is there, and what networks that did not learn from each picture say of it,
            calibrated.

    Examples:
        >>> import numpy as np
        >>> truth = Truth(np.zeros((0, 4)), (), np.zeros(0, bool))
        >>> answer = BoxPrediction(
        ...     "1.jpg",
        ...     labels=("ball",),
        ...     boxes=np.array([[10.0, 20, 30, 40]], np.float32),
        ...     scores=np.array([0.9], np.float32),
        ...     classes=np.array([0]),
        ... )
        >>> [(issue.kind, issue.suggested) for issue in box_issues([(truth, answer)])]
        [('missing', 'ball')]
    """
    of_pictures = [_Picture.of(truth, answer) for truth, answer in answers]
    found = [issue for picture in of_pictures for issue in picture.issues()]
    if answers:
        for label in answers[0][1].labels:
            found += _around_nothing(of_pictures, label)
    return tuple(sorted(found, key=lambda issue: -issue.probability))


def _around_nothing(pictures: "list[_Picture]", label: str) -> Iterator[BoxIssue]:
    """Boxes of a class near which nothing is found, where others of it nearly always are."""
    nearest = [
        (picture, i, picture.nearest(i))
        for picture in pictures
        for i, of in enumerate(picture.truth.labels)
        if of == label and not picture.truth.ignored[i]
    ]
    unseen = [(picture, i) for picture, i, share in nearest if share < APART]
    if nearest and len(unseen) <= (1 - SEEN) * len(nearest):
        for picture, i in unseen:
            box = Box(*picture.truth.xyxy[i].tolist())
            share = 1 - len(unseen) / len(nearest)
            yield BoxIssue(
                picture.answer.name, "nothing", box, label=label, suggested=None, probability=share
            )


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture's objects and answers: `shares` [answers, objects] are their overlaps."""

    truth: Truth
    answer: BoxPrediction
    _: KW_ONLY
    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    said: tuple[str, ...]
    shares: npt.NDArray[np.float64]

    @staticmethod
    def of(truth: Truth, answer: BoxPrediction) -> "_Picture":
        boxes, scores, said = np.zeros((0, 4)), np.zeros(0), ()
        if answer.boxes is not None and answer.scores is not None and answer.classes is not None:
            boxes, scores = answer.boxes.astype(np.float64), answer.scores.astype(np.float64)
            said = tuple(answer.labels[k] for k in answer.classes.tolist())
        same = np.array(said, object)[:, None] == np.array(truth.labels, object)
        crowd_of_its_class = same & truth.ignored
        shares = overlaps(boxes, truth.xyxy.reshape(-1, 4), inside=crowd_of_its_class)
        return _Picture(truth, answer, boxes=boxes, scores=scores, said=said, shares=shares)

    def nearest(self, i: int) -> float:
        """The largest overlap of an object with any answer."""
        return float(self.shares[:, i].max(initial=0.0))

    def agreed(self, i: int) -> float:
        """How sure an answer is of this object's class, at its place."""
        own = [
            score
            for score, said, share in zip(self.scores, self.said, self.shares[:, i], strict=True)
            if said == self.truth.labels[i] and share >= ENOUGH
        ]
        return float(max(own, default=0.0))

    def issues(self) -> Iterator[BoxIssue]:
        """What sure answers speak against."""
        for n in np.flatnonzero(self.scores >= SURE).tolist():
            issue = self._issue(n)
            if issue is not None:
                kind, label = issue
                yield BoxIssue(
                    self.answer.name,
                    kind,
                    Box(*self.boxes[n].tolist()),
                    label=label,
                    suggested=self.said[n],
                    probability=round(float(self.scores[n]), 4),
                )

    def _issue(self, n: int) -> tuple[str, str | None] | None:
        """What the n-th answer speaks against: which kind, and the label that is there."""
        shares = self.shares[n]
        if shares.max(initial=0.0) < APART:
            return "missing", None
        i = int(shares.argmax())
        if self.truth.ignored[i]:
            return None
        mine = [of == self.said[n] for of in self.truth.labels]
        if shares[mine].max(initial=0.0) >= ENOUGH or self.agreed(i) > UNLIKELY:
            return None
        if shares[i] >= ENOUGH:
            return "class", self.truth.labels[i]
        if mine[i] and shares[i] >= NEAR:
            return "place", self.truth.labels[i]
        return None
