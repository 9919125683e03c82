"""Cost, optimizers, schedule, order, augmentation and the loop, against torch's own."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convlens.dataset.batches import Order
from convlens.engine import muon
from convlens.engine.callbacks import NullCallback
from convlens.engine.ema import EXPONENT
from convlens.engine.measurement import predict_examples
from convlens.engine.optimizers import LEARNING_RATES, make_optimizer, rate_factor
from convlens.engine.step_plan import StepPlan
from convlens.errors import ConvlensError
from convlens.network.build import build
from convlens.network.classifier import MICRO_BATCH
from convlens.network.spec import network
from convlens.options import AUGMENTATIONS, LossOptions, OptimizerOptions
from convlens.tasks.classification.objective import make_objective
from loops import SIZE, examples, loop


class Heard(NullCallback):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


TORCHS: dict[str, Any] = {
    "gd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
}


@pytest.mark.parametrize("name", TORCHS)
def test_each_step_is_that_of_torchs_own_optimizer(name: str) -> None:
    """The same full-batch descent written down plainly, compared after every step."""
    options = OptimizerOptions(optimizer=name, learning_rate=0.01, schedule="constant", warmup=0)
    ours = loop(batch=20, optimizer=options)
    theirs = build(network("dense 8", SIZE, classes=3), 0)
    optimizer = TORCHS[name](theirs.parameters(), 0.01)
    data = ours.batches.examples
    everything = np.arange(20)
    for step in range(6):
        loss = nn.functional.cross_entropy(
            theirs(data.images(everything)), data.targets(everything)
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        assert ours.train_step(step) == pytest.approx(loss.item(), rel=1e-5)
        for a, b in zip(ours.module.parameters(), theirs.parameters(), strict=True):
            assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(("pretrained", "kind"), [(False, muon.Muon), (True, torch.optim.AdamW)])
def test_auto_has_decay_on_weights_only(pretrained: bool, kind: type[Any]) -> None:
    module = build(network("conv 4 3x3, norm", SIZE, classes=3), 0)
    optimizer = make_optimizer(OptimizerOptions(), module.parameters(), pretrained=pretrained)
    assert isinstance(optimizer, kind)
    decayed, free = optimizer.param_groups
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim == 1 for p in free["params"])
    assert free["weight_decay"] == 0 < decayed["weight_decay"]
    assert len(decayed["params"]) + len(free["params"]) == len(list(module.parameters()))
    assert set(LEARNING_RATES) == {"adamw", "muon", *TORCHS}


@pytest.mark.parametrize(("asked", "of_new"), [(None, 0.001), (0.01, 0.01)])
def test_what_was_learnt_below_what_is_new_moves_less(asked: float | None, of_new: float) -> None:
    module = build(network("conv 4 3x3, norm", SIZE, classes=3), 0)
    *learnt, new, new_bias = module.parameters()
    optimizer = make_optimizer(
        OptimizerOptions(learning_rate=asked), module.parameters(), learnt=learnt
    )
    assert isinstance(optimizer, torch.optim.AdamW)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in (new, new_bias)] == pytest.approx([of_new] * 2)
    assert [rates[id(p)] for p in learnt] == pytest.approx([of_new / 5] * len(learnt))


def test_the_learning_rate_rises_and_falls() -> None:
    def rates_of(steps: int, **options: Any) -> list[float]:
        plan = StepPlan.of(steps, [(1.0, SIZE, 1.0)], measure_every=1)
        shares = pairwise(plan.done(step) for step in range(steps + 1))
        made = OptimizerOptions(**options)
        return [rate_factor(made, done, after=after) for done, after in shares]

    rates = rates_of(100, warmup=0.1)
    assert all(a < b for a, b in pairwise(rates[:11]))
    assert max(rates) == 1 == rates[10]
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[55] == pytest.approx(0.5)
    assert set(rates_of(9, warmup=0, schedule="constant")) == {1.0}
    assert rates_of(100, warmup=0, schedule="linear")[25] == 0.75


@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_cost_is_torchs_mean_whatever_the_parts(weights: str, smoothing: float) -> None:
    random = torch.Generator().manual_seed(0)
    logits, labels = (
        torch.randn(50, 3, generator=random),
        torch.tensor([0] * 35 + [1] * 10 + [2] * 5),
    )
    loss = make_objective(
        LossOptions(class_weights=weights, label_smoothing=smoothing), labels.numpy(), classes=3
    )
    wanted = nn.functional.cross_entropy(
        logits, labels, weight=loss.class_weights, label_smoothing=smoothing
    )
    parts = [
        loss.loss(logits[part], labels[part], batch_labels=labels)
        for part in ([*range(17)], [*range(17, 50)])
    ]
    assert sum(parts).item() == pytest.approx(wanted.item(), rel=1e-5)  # type: ignore[union-attr]


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = torch.tensor([0] * 35 + [1] * 10 + [2] * 5)
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    assert make_objective(
        LossOptions(class_weights="balanced"), labels.numpy(), classes=3
    ).class_weights.tolist() == pytest.approx(wanted)


def test_l2_adds_half_its_sum_of_squared_weights() -> None:
    plain, decayed = loop(), loop(loss=LossOptions(label_smoothing=0.0, l2=0.1))
    squares = sum(p.square().sum().item() for p in plain.module.parameters() if p.ndim > 1)
    assert decayed.train_step(0) - plain.train_step(0) == pytest.approx(0.05 * squares, rel=1e-4)


def test_a_large_batch_in_groups_is_one_batch() -> None:
    count = 2 * MICRO_BATCH + 10
    grouped = loop("conv 4 3x3, dense 6", count=count, batch=count)
    whole = build(network("conv 4 3x3, dense 6", SIZE, classes=3), 0)
    indices, _ = grouped.batches.order.at(0)
    data = grouped.batches.examples
    loss = nn.functional.cross_entropy(whole(data.images(indices)), data.targets(indices))
    loss.backward()  # type: ignore[no-untyped-call]
    encode = grouped.objective.encode
    assert len(list(grouped.batches.micro_batches(0, SIZE, encode=encode)[1])) == 3
    grouped.optimizer.step = lambda *_: None  # type: ignore[method-assign,assignment]
    assert grouped.train_step(0) == pytest.approx(loss.item(), rel=1e-5)
    for a, b in zip(grouped.module.parameters(), whole.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-6)


@pytest.mark.parametrize(("count", "batch"), [(10, 3), (7, 7), (64, 10)])
def test_every_picture_is_seen_once_an_epoch_and_every_batch_is_full(
    count: int, batch: int
) -> None:
    order = Order(count, batch, seed=1)
    seen: Counter[tuple[int, int]] = Counter()
    for step in range(3 * count):
        indices, epochs = order.at(step)
        assert len(indices) == batch
        seen.update(zip(epochs.tolist(), indices.tolist(), strict=True))
    for epoch in range(3):
        assert [seen[epoch, index] for index in range(count)] == [1] * count
    assert not np.array_equal(order.shuffled(0), order.shuffled(1))


def test_the_average_reaches_back_over_a_share_of_the_steps() -> None:
    made = loop(steps=40, optimizer=OptimizerOptions(optimizer="momentum"))
    seen = []
    for step in range(40):
        made.train_step(step)
        seen.append({k: v.clone() for k, v in made.module.state_dict().items()})
    reach = (np.arange(41) / 40) ** (EXPONENT + 1)  # the share of all weight up to each step
    for name, average in made.ema_module.state_dict().items():
        wanted = sum(w * state[name] for w, state in zip(np.diff(reach), seen, strict=True))
        assert torch.allclose(average, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["auto", "momentum", "rmsprop", "adam"])
def test_stopped_and_resumed_ends_in_the_same_bits(name: str, tmp_path: Any) -> None:
    line = "conv 4 3x3, norm, dropout 0.5, dense 6"
    options = OptimizerOptions(optimizer=name)
    made = {"optimizer": options, "augmentations": frozenset(AUGMENTATIONS), "steps": 9}
    whole = loop(line, **made)  # type: ignore[arg-type]
    assert whole.run()
    for stop_at in (1, 3, 5):
        folder = tmp_path / str(stop_at)
        first = loop(line, **made)  # type: ignore[arg-type]
        assert not first.run(folder, stop=lambda: first.progress.step >= stop_at)  # noqa: B023
        second = loop(line, **made)  # type: ignore[arg-type]
        second.restore(folder, pytest.fail)
        assert second.progress.step == stop_at
        assert second.run(folder)
        for key, value in whole.best.items():
            assert torch.equal(value, second.best[key]), key
        timed = dict.fromkeys(("seconds", "pictures_per_second", "waiting"), 0)
        history = [{**m, **timed} for m in second.progress.history]
        wanted = [{**m, **timed} for m in whole.progress.history]
        assert history == wanted


def test_without_validation_pictures_a_stopped_training_keeps_its_last_averages(
    tmp_path: Any,
) -> None:
    stopped = loop(steps=9, held=0)
    assert not stopped.run(tmp_path, stop=lambda: stopped.progress.step >= 4)
    assert stopped.progress.best_step == 4  # it is measured, and saved, after the third step
    for name, average in stopped.ema_module.state_dict().items():
        assert torch.equal(average, stopped.best[name])


def test_a_training_that_is_stopped_where_it_exploded_leaves_no_such_checkpoint(
    tmp_path: Any,
) -> None:
    exploded = loop(steps=9)

    def stop() -> bool:
        if exploded.progress.step == 2:
            next(exploded.module.parameters()).data.fill_(torch.nan)
        return exploded.progress.step == 2

    assert not exploded.run(tmp_path, stop=stop)
    assert [file.stem for file in tmp_path.glob("*.safetensors")] == ["step-000000000"]


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Any) -> None:
    first = loop(steps=9)
    first.run(tmp_path)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert [f.stem for f in files] == ["step-000000006", "step-000000009"]
    files[-1].write_bytes(files[-1].read_bytes()[:-1])
    warned: list[str] = []
    second = loop(steps=9)
    second.restore(tmp_path, warned.append)
    assert second.progress.step == 6
    assert "step-000000009" in warned[0]
    assert warned[0].endswith("the checkpoint before it is used")
    files[0].write_bytes(b"")
    with pytest.raises(ConvlensError, match=f"there is no checkpoint in {tmp_path}: train again"):
        loop(steps=9).restore(tmp_path, warned.append)


def test_an_exploding_cost_goes_back_and_takes_smaller_steps(tmp_path: Any) -> None:
    heard = Heard()
    wild = loop("dense 30", steps=30, optimizer=OptimizerOptions(optimizer="gd", learning_rate=0.3))
    train_step = wild.train_step
    exploded: list[int] = []

    def once(step: int) -> float:
        cost = train_step(step)
        if step == 20 and not exploded:
            exploded.append(step)
            for parameter in wild.module.parameters():
                parameter.data.fill_(float("nan"))
            return float("nan")
        return cost

    wild.train_step = once  # type: ignore[method-assign,assignment]
    assert wild.run(tmp_path / "a", [heard])
    assert len(heard.warnings) == 1
    assert "J exploded at step 21 (nan): back to step" in heard.warnings[0]
    assert wild.progress.recoveries == 1
    assert all(torch.isfinite(value).all() for value in wild.best.values())
    # by then the learning rate was smaller, and it stays so
    calm = loop("dense 30", steps=30, optimizer=OptimizerOptions(optimizer="gd", learning_rate=0.3))
    assert calm.run()
    rates = [m["learning_rate"] for m in wild.progress.history]
    usual = {m["step"]: m["learning_rate"] for m in calm.progress.history}
    assert rates[-2] == pytest.approx(0.3 * usual[wild.progress.history[-2]["step"]])


def test_what_always_explodes_ends_with_what_to_do(tmp_path: Any) -> None:
    heard = Heard()
    wild = loop(
        "dense 30", steps=30, optimizer=OptimizerOptions(optimizer="gd", learning_rate=99.0)
    )
    wild.learning_rates = [1e20]
    with pytest.raises(ConvlensError, match=r"lower --learning-rate than 1e\+20"):
        wild.run(tmp_path, [heard])
    assert len(heard.warnings) == 3
    again = loop(
        "dense 30", steps=30, optimizer=OptimizerOptions(optimizer="gd", learning_rate=99.0)
    )
    again.restore(tmp_path, pytest.fail)  # what it ends with is sound
    assert all(torch.isfinite(p).all() for p in again.module.parameters())


def test_measuring_changes_nothing_and_recording_keeps_it() -> None:
    trained = loop()
    trained.train_step(0)
    once, twice = trained.measure(), trained.measure()
    assert once is not None
    assert twice is not None
    assert torch.equal(once.losses, twice.losses)
    assert not trained.best
    assert not trained.progress.history
    assert trained.selection.reference is None
    measurement = trained.record(once, 0.0)
    assert measurement.best
    assert measurement.cost_val == once.loss == trained.progress.best_loss
    assert trained.best


def test_the_parameters_kept_are_those_of_their_step() -> None:
    trained = loop(
        "dense 30", steps=30, optimizer=OptimizerOptions(optimizer="gd", learning_rate=0.3)
    )
    trained.run()
    costs = {m["step"]: m["cost_val"] for m in trained.progress.history}
    assert trained.progress.best_loss == costs[trained.progress.best_step]
    assert trained.progress.best_step == 30  # so few pictures cannot tell, and the last ones stay
    trained.module.load_state_dict(trained.best)
    logits = predict_examples(trained.module, trained.val, execution=trained.execution)
    labels = torch.from_numpy(trained.val.labels)
    calibrated = logits / trained.objective.temperature(logits, labels)
    again = trained.objective.losses(calibrated, labels).mean().item()
    assert again == pytest.approx(trained.progress.best_loss, rel=1e-5)


def test_mean_and_deviation_are_numpys() -> None:
    data = examples(40)
    values = data.pixels[data.rows].reshape(-1, 3) / 255
    mean, deviation = data.moments()
    assert mean == pytest.approx(values.mean(0).tolist(), rel=1e-12)
    assert deviation == pytest.approx(values.std(0).tolist(), rel=1e-12)
