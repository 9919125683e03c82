"""Arithmetic, to the digit."""

import json

from convlens.reasons import arithmetic, counting


def test_the_lectures_figures_to_the_digit() -> None:
    case = counting.lecture_twins()
    assert (case.inputs, case.outputs) == (3072, 4704)
    assert case.dense.weights == 14_450_688
    assert case.conv.parameters == 456
    assert arithmetic.LECTURES_156 == 156
    large = counting.lecture_twins(1000)
    assert large.dense.weights == 17_856_288_000_000
    assert large.conv.parameters == 456
    assert case.saved == case.saved_by_sparsity * case.saved_by_sharing
    said = json.dumps(arithmetic.section().as_json())
    assert "17856288000000" in said
