"""What lies outside of a receptive field changes nothing."""

import pytest

from convlens.reasons.experiments.dependence.perturbation import prove
from networks import LECTURE, RESIDUAL, two_class


@pytest.mark.parametrize(("line", "size"), [(LECTURE, 32), (RESIDUAL, 24)])
def test_what_lies_outside_changes_nothing_at_all(line: str, size: int) -> None:
    proofs = prove(two_class(line, size))
    assert len(proofs) >= 3
    for proof in proofs:
        assert proof.change_outside == 0
        assert proof.change_inside > 0
    assert proofs[0].inside + proofs[0].outside == 3 * size * size
