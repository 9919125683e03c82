"""Architectures compared: who is on the Pareto front, and what the section says of it."""

from convlens.drawing.charts import pareto
from convlens.reasons.experiments.architectures import ArchitectureResult, Budget, section
from convlens.reasons.section import HOLDS, NOT


def result(name: str, accuracy: float, multiplications: int) -> ArchitectureResult:
    return ArchitectureResult(
        name,
        accuracy,
        interval=(accuracy - 0.05, accuracy + 0.05),
        n=100,
        parameters=1000,
        multiplications=multiplications,
        steps=10,
        seconds_to_train=1.0,
        seconds_to_predict=0.001,
    )


def test_the_front_is_beaten_by_none() -> None:
    points = {"dense": (10.0, 0.7), "small": (20.0, 0.8), "large": (30.0, 0.8)}
    assert pareto(points) == ["dense", "small"]
    assert pareto({"a": (20.0, 0.8), "b": (20.0, 0.8)}) == ["a", "b"]


def test_the_verdict_compares_intervals() -> None:
    dense, budget = result("dense", 0.7, 10), Budget(64, 1.5, seed=0)
    for accuracy, verdict in ((0.85, HOLDS), (0.75, NOT)):
        (claim,) = section([dense, result("conv", accuracy, 20)], budget).claims
        assert claim.verdict == verdict
        assert claim.figure.startswith(f"conv {100 * accuracy:.1f} %, the dense network 70.0 %")
