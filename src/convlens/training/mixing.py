"""What is fine-tuned of joined backbones, and how it comes back beside the others."""

import copy
from dataclasses import replace

import torch

from ..engine.model_selection import ModelSelection
from ..network.named import describe_network
from ..network.spec import PREFIX, parts_of
from ..transfer.features import FeatureTable
from ..transfer.mixing import beside_others, choose_share, first_alone
from ..transfer.pretrained import Pretrained
from .fit import Fitted
from .job import Job, learning_from, timed
from .model import Model, chosen_without_test, fit_probe


def to_train(job: Job, model: Model) -> tuple[Job, Model, Model]:
    """The pictures to learn from, the network as it is, and that to begin with, a copy.

    Of joined backbones it is the first, the fastest. Fine-tuned networks are not made for every
    fold: they are judged on pictures that are held out.
    """
    if not model.pretrained:
        return learning_from(job, model.folds), model, model
    model = chosen_without_test(job, model)
    begun = replace(model, module=copy.deepcopy(model.module))
    begun.module.temperature.fill_(1.0)  # which is that of the features as they are
    first, *others = parts_of(model.architecture.text)
    if others:
        assert isinstance(begun.module, Pretrained)  # noqa: S101
        known, size = model.architecture, job.dataset.store.size
        architecture = describe_network(first, size, classes=known.classes)
        begun = replace(
            begun,
            architecture=architecture,
            choice=replace(begun.choice, line=first),
            module=first_alone(begun.module),
        )
        if begun.table is not None:
            begun = replace(begun, probe=fit_probe(job, begun.table, folds=1))
    return job, model, begun


@timed("fitting", "mixing what was fine-tuned with what was not")
def beside_what_is_frozen(
    job: Job, model: Model, *, tuned: Model, fitted: Fitted
) -> tuple[Model, Fitted]:
    """What was fine-tuned, beside the other backbones where they make it better.

    `model` are the joined backbones as they are, and `tuned` is what `to_train` made of them. Where
    the validation pictures prefer `model`, the outcome is as it was begun; where there are none, it
    is what was fine-tuned. Each is judged by its answers as sure as it is right, as in a file.
    """
    unjudged = not len(job.dataset.split.rows("val"))
    _, *others = parts_of(model.architecture.text)
    if not others or fitted.as_begun or unjudged:
        return tuned, fitted
    joined, own, frozen = model.module, fitted.module, model.probe
    assert frozen is not None  # noqa: S101
    assert isinstance(joined, Pretrained) and isinstance(own, Pretrained)  # noqa: S101
    beside = FeatureTable.joined([model.tables[part] for part in others])
    rest = fit_probe(job, beside, folds=1)
    objective, labels = frozen.objective, torch.from_numpy(job.dataset.examples("val").labels)
    others_NK = rest.val_logits()
    share = choose_share(fitted.val_logits, others_NK, labels, objective=objective)
    logits = share * fitted.val_logits + (1 - share) * others_NK
    frozen_NK = frozen.val_logits()
    before, after = (
        objective.losses(z / objective.temperature(z, labels), labels) for z in (frozen_NK, logits)
    )
    fitted = replace(
        fitted,
        compared={
            name: {
                "step": step,
                "cost_val": losses.mean().item(),
                "accuracy_val": objective.accuracy(z, labels),
            }
            for name, step, losses, z in (
                ("frozen", 0, before, frozen_NK),
                ("tuned", fitted.progress.best_step, after, logits),
            )
        },
    )
    selection = ModelSelection(pretrained=True, reference=before)
    if not selection.accepts(after, before.mean().item()):
        return tuned, replace(fitted, progress=replace(fitted.progress, best_step=0))
    if share == 1:
        return tuned, fitted
    own_logits = fitted.val_logits / objective.temperature(fitted.val_logits, labels)
    alone = objective.losses(own_logits, labels).mean()
    name = tuned.architecture.text.removeprefix(PREFIX)
    job.callback.say(
        f"mixed:   the fine-tuned {name} has {share:.0%} of the answer, backbones as they are the "
        f"rest: validation J {after.mean():.4f}, and {alone:.4f} by itself"
    )
    module = beside_others(joined, own, others=rest.head(), share=share)
    return replace(model, module=module), replace(
        fitted, module=module, val_logits=logits, beside=beside
    )
