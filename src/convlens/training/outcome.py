"""What came of a training, or of pretrained features as they are: whichever is better."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.checkpoint import Progress
from .finish import Results, finish
from .fit import Fitted
from .job import Job
from .model import Model
from .summary import summarize


@dataclass(frozen=True)
class Outcome:
    """A proven detector, the pictures that it learnt from, and all figures of the run.

    `progress` is how training went, be the detector made by it or not.
    """

    job: Job
    model: Model
    results: Results
    metrics: dict[str, Any]
    progress: Progress

    @property
    def history(self) -> Sequence[dict[str, Any]]:
        """The measurements in training."""
        return self.progress.history


def conclude(job: Job, model: Model, *, fitted: Fitted, frozen: Outcome | None = None) -> Outcome:
    """The detector of a fitted network, or the `frozen` one where that stays ahead.

    `frozen` is what came of the pretrained features as they are. Raises `ConvlensError` where the
    file does not answer as the network does.
    """
    if frozen is not None and fitted.as_begun:
        job, model, results = frozen.job, frozen.model, frozen.results
    else:
        results = finish(job, model, fitted=fitted)
    before = frozen.results if frozen is not None else None
    if model.pretrained and before is None:
        before = results
    metrics = summarize(
        job,
        model,
        plan=fitted.plan,
        results=results,
        frozen=before,
        probe=(model if frozen is None else frozen.model).probe,
        tuned=None if frozen is None else fitted,
    )
    outcome = Outcome(job, model, results, metrics, fitted.progress)
    if frozen is None and model.pretrained:
        _tell(outcome, more=fitted.plan.trains)
    return outcome


def _tell(outcome: Outcome, *, more: bool) -> None:
    """That there is a detector already, and how good it is."""
    evaluation = outcome.results.evaluation
    if not more or evaluation is None:
        return
    metrics = evaluation.metrics
    outcome.job.callback.say(
        f"ready:   a detector, not fine-tuned, which answers {metrics.accuracy:.1%} of "
        f"{metrics.n:,} pictures rightly; a fine-tuned one takes its place only if it is better"
    )
