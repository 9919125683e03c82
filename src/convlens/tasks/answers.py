"""The answers of the tasks that there are, as types."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .classification import evaluation, prediction

Prediction: TypeAlias = "prediction.Prediction"
Evaluation: TypeAlias = "evaluation.Evaluation"
"""The answers of the tasks that there are, and what they come to: of several tasks, the union."""
