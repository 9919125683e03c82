"""Heads on pretrained features, as `inspect` and `suggest` fit them."""

from convlens.tasks.classification.objective import plain_objective
from convlens.transfer.head import FeatureSet, Head
from convlens.transfer.linear_probe import fit_linear_probe


def fit_head(learn: FeatureSet, classes: int) -> Head:
    """A head fitted to these features and labels."""
    return fit_linear_probe(learn, objective=plain_objective(classes), seed=0).head()


def accuracy(head: Head, judged: FeatureSet) -> float:
    """The share of pictures that a head answers rightly."""
    predicted = head.logits(judged.pooled()).argmax(1)
    return float((predicted == judged.labels).float().mean())
