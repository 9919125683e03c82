"""The run's report: one HTML file with everything inside it."""

import shlex
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..detector.evaluate import Evaluation
from ..detector.rule import BALANCE
from ..errors import PictureError
from ..pictures.catalog import SPLITS
from ..pictures.decode import decode
from .charts import curves, paths
from .thumbnails import data_uri, thumbnail

MISTAKES = 24
LARGEST_CONFUSION = 40
FEWEST_IN_BIN = 5
"""A point of the calibration's chart stands for so many pictures at least."""
RULE = (
    "Fine-tuning is taken where its cost on the validation pictures is lower by more than a "
    "standard error of the paired costs, or, where the features cost 0.1 or more, at all lower."
)


def percent(share: float, digits: int = 1) -> str:
    """0.1234 as `12.3 %`, with a space at which no line breaks."""
    return f"{100 * share:.{digits}f}\u00a0%"


def render_report(
    record: dict[str, Any],
    metrics: dict[str, Any],
    history: Sequence[dict[str, Any]],
    evaluation: Evaluation | None,
    preview: bytes,
) -> str:
    """The page as text. `record` is run.json, `metrics` is metrics.json, `preview` a PNG.

    Everything that came from outside (names of files and classes) is escaped by the template.
    """
    import jinja2
    import markupsafe

    home = files("convlens.report")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        home.joinpath("report.html").read_text("utf-8")
    )
    classes = record["classes"]
    test, training = metrics["test"], metrics["training"]
    epochs = [moment["epoch"] for moment in history]
    best = next(
        (m["epoch"] for m in history if m["step"] == training["best_step"]),
        epochs[-1] if epochs else 0,
    )
    cost = {"training": [m["cost_train"] for m in history]}
    if any(m["cost_val"] is not None for m in history):
        cost["validation"] = [m["cost_val"] for m in history]
    accuracy = [m["accuracy_val"] and 100 * m["accuracy_val"] for m in history]
    sides = [side for side in SPLITS if side in metrics["pictures"]]
    return template.render(
        title=_title(classes),
        style=markupsafe.Markup(home.joinpath("style.css").read_text("utf-8")),  # noqa: S704
        summary=_summary(test, metrics, classes),
        figures=_figures(test, training),
        learned=_learned(training, record),
        tried=_tried(metrics["tried"]),
        cost_chart=markupsafe.Markup(  # noqa: S704
            curves(epochs, cost, "epoch", "cost J (nats)", (best, "parameters kept"))
        )
        if training["steps"]
        else "",
        accuracy_chart=markupsafe.Markup(  # noqa: S704
            curves(epochs, {"validation": accuracy}, "epoch", "accuracy (%)")
        )
        if "validation" in cost and training["steps"]
        else "",
        coverage_chart=markupsafe.Markup(_coverage_chart(test)) if test else "",  # noqa: S704
        calibration_chart=markupsafe.Markup(_calibration_chart(test)) if test else "",  # noqa: S704
        calibration=_calibration(test, metrics["uncalibrated"]) if test else "",
        rule=_rule(metrics["rule"], test),
        labels=classes,
        confusion=_confusion(test) if test and len(classes) <= LARGEST_CONFUSION else [],
        per_class=_per_class(test) if test else [],
        mistakes=_mistakes(evaluation) if evaluation else [],
        mistakes_note=f"{len(evaluation.mistakes)} of {test['n']} are wrong." if evaluation else "",
        preview=data_uri(preview),
        sides=sides,
        counts=[
            (label, [f"{metrics['pictures'][side].get(label, 0):,}" for side in sides])
            for label in classes
        ],
        skipped=metrics["skipped"],
        network=record["network"]["network"],
        layers=[
            (
                row["layer"],
                row["out"],
                f"{row['parameters']:,}",
                f"{row['multiplications']:,}",
            )
            for row in record["network"]["layers"]
        ],
        command=_command(record, training),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    )


def _title(classes: Sequence[str]) -> str:
    named = " or ".join(classes) if len(classes) <= 4 else f"{len(classes)} classes"
    return f"{named}: a detector"


def _summary(test: dict[str, Any] | None, metrics: dict[str, Any], classes: Sequence[str]) -> str:
    if test is None:
        return "There were no held-out pictures, so nothing can be said of how good it is."
    if metrics["plain"] is not None:
        return _unequal(test, metrics)
    low, high = test["interval"]
    answered = " where it answers" if test["coverage"] < 1 else ""
    return (
        f"{_judged_on(test, metrics)} is right {percent(test['accuracy'])} of the time{answered}. "
        f"With so many pictures the true figure lies between {percent(low)} and {percent(high)} "
        "(95 % interval). Always answering the commonest of the "
        f"{len(classes)} classes would be right {percent(test['majority_baseline'])} of the time."
    )


def _judged_on(test: dict[str, Any], metrics: dict[str, Any]) -> str:
    if metrics["folds"] > 1:
        return (
            f"There are few pictures, so all {test['n']:,} were judged, each by a detector that "
            f"neither learnt from it nor was chosen by it ({metrics['folds']} folds), and the one "
            "in this file then learnt from all of them. Such a detector"
        )
    return (
        f"On {test['n']:,} pictures that played no part in training or in any choice, the detector"
    )


def _unequal(test: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The summary where classes are unequal: balanced accuracy leads."""
    plain = metrics["plain"]
    low, high = test["balanced_interval"]
    rarest = min(test["per_class"], key=lambda label: test["per_class"][label]["support"] or 1e9)
    return (
        f"The classes are unequal, so each counts alike. {_judged_on(test, metrics)} finds "
        f"{percent(test['balanced_accuracy'])} of a class on average (95 % interval {percent(low)} "
        f"to {percent(high)}; a guess finds {percent(1 / max(1, len(test['labels'])))}). Of "
        f"{rarest}, the rarest, it finds {percent(test['per_class'][rarest]['recall'])}; if every "
        f"picture counted alike, {percent(plain['per_class'][rarest]['recall'])}. It is right "
        f"{percent(test['accuracy'])} of the time; always answering the commonest class would be "
        f"right {percent(test['majority_baseline'])} of the time."
    )


def _rule(rule: dict[str, Any], test: dict[str, Any] | None) -> str:
    """What was asked of the answers, and how much of it came true on held-out pictures."""
    aim = rule["aim"]
    if aim in {"", BALANCE} or test is None:  # what balance does, the summary says
        return ""
    if aim.startswith("coverage"):
        return (
            f"It was made to answer the surest pictures only ({aim}), and to call the others "
            f"unsure: it answers {percent(test['coverage'])} of the held-out ones."
        )
    if aim.startswith("recall"):
        label = test["labels"][rule["called_from"][0]]
        one = test["per_class"][label]
        return (
            f"It was made to find nearly all pictures of one class ({aim}): it finds "
            f"{percent(one['recall'])} of the held-out ones, and {percent(one['precision'])} of "
            f"those that it calls {label} are."
        )
    return f"Its answers weigh mistakes by their costs ({aim})."


def _coverage_chart(test: dict[str, Any]) -> str:
    curve = test["coverage_curve"]
    shares = [100 * share for share, _, _ in curve]
    accuracy = [100 * right for _, right, _ in curve]
    lowest = max(0.0, 2 * min(accuracy) - 100 - 1)
    return curves(
        shares,
        {"held-out pictures": accuracy},
        "share answered, the surest first (%)",
        "accuracy of the answers (%)",
        lowest=lowest,
    )


def _calibration(test: dict[str, Any], before: dict[str, float]) -> str:
    return (
        f"On average the share right differs from the probability by {percent(test['ece'])} "
        f"(expected calibration error; {percent(before['ece'])} before the temperature was "
        f"fitted), and J is {test['cost']:.3f} ({before['cost']:.3f} before)."
    )


def _calibration_chart(test: dict[str, Any]) -> str:
    bins = [one for one in test["calibration"] if one[2] >= FEWEST_IN_BIN]
    if len(bins) < 2:
        return ""
    sure, right = [100 * one[0] for one in bins], [100 * one[1] for one in bins]
    least = min([50.0, *sure, *right])
    lines = {
        "as sure as right": ([least, 100.0], [least, 100.0]),
        "held-out pictures": (sure, right),
    }
    return paths(lines, "probability of the answer (%)", "share right (%)", lowest=least)


def _figures(test: dict[str, Any] | None, training: dict[str, Any]) -> list[tuple[str, str]]:
    held = []
    if test is not None:
        held = [
            ("accuracy", percent(test["accuracy"])),
            ("balanced accuracy", percent(test["balanced_accuracy"])),
            ("held-out pictures", f"{test['n']:,}"),
            ("cost J", f"{test['cost']:.3f}"),
            ("calibration error", percent(test["ece"])),
        ]
    return [
        *held,
        ("parameters", f"{training['parameters']:,}"),
        ("training", f"{training['seconds'] / 60:.1f} min"),
    ]


def _learned(training: dict[str, Any], record: dict[str, Any]) -> str:
    planned, chosen = training["steps_planned"], record["chosen"]
    side = f"{chosen['size']}×{chosen['size']} pixels"
    if not planned:
        return f"Only the head was fitted, on features of pictures of {side}."
    of_planned = f"of {planned:,} " if training["steps"] < planned else ""
    return (
        f"{training['steps']:,} {of_planned}steps of {chosen['batch']:,} pictures of up to {side} "
        f"in {chosen['compute']}. The parameters kept are those after step "
        f"{training['best_step']:,}, by their cost on the validation pictures. The cost on "
        "training pictures is measured on varied pictures, and with label smoothing where that is "
        "on, so it can lie above the other."
    )


def _tried(tried: dict[str, Any] | None) -> str:
    if tried is None:
        return ""
    frozen, tuned = tried["frozen"], tried["tuned"]
    text = (
        "The pretrained features as they are, with a linear head on them, have cost "
        f"{tried['cost']:.4f} on pictures that the head was not fitted on"
        f"{_held(frozen, '; on the validation pictures')}. "
    )
    again = "The head was fitted again on all pictures that are not held out."
    if tuned is None:
        return text + f"Fine-tuning the later layers was not tried. {again}"
    text += f"{_held(tuned, 'Fine-tuning the later layers, at its best')}. "
    if tried["fine-tuned"]:
        return text + f"It was taken. {RULE}"
    return text + f"It was not taken, and the features stay as they are. {RULE} {again}"


def _held(moment: dict[str, Any], what: str = "") -> str:
    if moment["cost_val"] is None:
        return what
    return f"{what}: cost {moment['cost_val']:.4f}, accuracy {percent(moment['accuracy_val'])}"


def _confusion(test: dict[str, Any]) -> list[tuple[str, list[tuple[int, str]]]]:
    return [
        (label, [(count, f"{count / max(1, sum(row)):.3f}") for count in row])
        for label, row in zip(test["labels"], test["confusion"], strict=True)
    ]


def _per_class(test: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            label,
            f"{one['support']:,}",
            percent(one["recall"]),
            percent(one["precision"]),
            percent(one["f1"]),
        )
        for label, one in test["per_class"].items()
    ]


def _mistakes(evaluation: Evaluation) -> list[dict[str, str]]:
    shown = []
    for mistake in evaluation.mistakes[:MISTAKES]:
        try:
            image = thumbnail(decode(mistake.source.read()))
        except PictureError:  # gone meanwhile
            image = ""
        shown.append(
            {
                "image": image,
                "label": mistake.label,
                "called": mistake.called,
                "probability": percent(mistake.probability, 0),
                "name": Path(mistake.name).name,
            }
        )
    return shown


def _command(record: dict[str, Any], training: dict[str, Any]) -> str:
    """The command that repeats the run: what was settled on the way is spelt out."""
    chosen, options = record["chosen"], record["options"]
    words = ["convlens", "train", record["pictures"]]
    settled = {
        **{name: value for name, value in options.items() if value is not None},
        "steps": training["steps_planned"],
        "augment": chosen["augment"],
        "size": chosen["size"],
        "folds": chosen["folds"],
        "network": chosen["network"],
        "weights": chosen["weights"],
        "compute": chosen["compute"],
        "threads": chosen["threads"],
    }
    for name in ("epochs", "minutes"):  # the steps say the same, exactly
        settled.pop(name, None)
    for name, value in settled.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join(words)
