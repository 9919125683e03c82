"""Labels that are probably wrong: confident learning (Northcutt et al. 2021), by cleanlab."""

import warnings

import numpy as np
import numpy.typing as npt


def find_label_errors(
    labels_N: npt.NDArray[np.int64], probabilities_NK: npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """Indices of pictures whose label is probably wrong, the surest first.

    Probabilities have to come from what did not learn from these pictures. Where a class has no
    picture nothing is said.
    """
    classes = probabilities_NK.shape[1]
    differs: npt.NDArray[np.bool_] = probabilities_NK.argmax(1) != labels_N
    if len(set(labels_N.tolist())) < classes or not differs.any():
        return np.zeros(0, np.int64)
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each class of few pictures: which is told before
        found = find_label_issues(
            labels_N, probabilities_NK, return_indices_ranked_by="self_confidence", n_jobs=1
        )
    issues: npt.NDArray[np.int64] = np.asarray(found, np.int64)
    return issues[differs[issues]]
