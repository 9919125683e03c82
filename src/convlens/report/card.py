"""The run's model card: what it learnt from, how good it is, and where not to trust it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..drawing.text import percent
from ..options import TrainOptions
from ..pictures.catalog import SPLITS
from ..pictures.shards.urls import dataset_name
from ..tasks.shown import Report
from . import words

Values = Mapping[str, Any]

PIPELINES = {"classification": "image-classification", "boxes": "object-detection"}
"""What the hub calls each task."""
UNITS = {"classification": "pictures", "boxes": "objects"}
"""What is counted by class."""
SHOWN = 20
"""Classes in a table, those of which least is found first."""
FEW = 50
"""Pictures of a class below which it is named among the limits."""


def model_card(record: Values, metrics: Values, *, task: str, report: Report) -> str:
    """The card as Markdown below YAML, as model cards on the Hugging Face Hub are.

    It has nothing of the clock and no path of this machine, so that a run that is repeated ends in
    the same card, and the card can be shown to others.

    Args:
        record: What `run.json` holds.
        metrics: What `metrics.json` holds.
        task: The name of the kind of answers.
        report: What the task tells of its answers.
    """
    import yaml

    head = yaml.safe_dump(_front_matter(record, metrics, task=task), sort_keys=False)
    sections = {
        "Use": _use(record, task),
        "Pictures": _pictures(record, metrics, UNITS[task]),
        "Figures": _figures(metrics, report),
        "Limits": _limits(record, metrics, UNITS[task]),
        "Licences": _licences(record),
        "To repeat it": _repeat(record),
    }
    body = "".join(
        f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items()
    )
    return f"---\n{head}---\n\n# {_plain(words.title(record['classes']))}\n{body}"


def _front_matter(record: Values, metrics: Values, *, task: str) -> dict[str, Any]:
    """What the hub reads. The licence is for the owner of the pictures to add."""
    pipeline, name = PIPELINES[task], dataset_name(record["pictures"])
    head: dict[str, Any] = {"library_name": "onnx", "pipeline_tag": pipeline, "tags": ["convlens"]}
    weights = record["weights"]
    if _weights(record) == "hub":
        head["base_model"] = [part.split(" at ")[0] for part in weights["words"].split(" + ")]
    test = metrics["test"] or {}
    intervals = [name.removesuffix("_interval") for name in test if name.endswith("_interval")]
    names = [name for name in intervals if test[name] is not None]
    if not names:
        return head
    results = [
        {
            "type": name,
            "value": test[name],
            "name": name.replace("_", " "),
            "args": {"interval_95": list(test[f"{name}_interval"]), "pictures": test["n"]},
        }
        for name in names
    ]
    of = {
        "task": {"type": pipeline},
        "dataset": {"type": "imagefolder", "name": name, "split": "test"},
        "metrics": results,
    }
    return {**head, "metrics": names, "model-index": [{"name": name, "results": [of]}]}


def _use(record: Values, task: str) -> Iterator[str]:
    asked = (
        "which of {} classes they are of" if task == "classification" else "where {} classes are"
    )
    yield (
        f"In pictures like those it learnt from, it tells {asked.format(len(record['classes']))}: "
        f"{_listed(record['classes'])}. `detector.onnx` takes raw pixels (uint8 RGB `[batch, "
        f"height, width, 3]`, any size); the resize to {_size(record)} pixels is inside."
    )
    shown = "predicted" if task == "classification" else "objects"
    yield (
        "\n```python\n# pip install convlens\nimport convlens\n\n"
        'detector = convlens.Detector("detector.onnx")\n'
        f'print(detector.predict("photo.jpg").{shown})\n```'
    )


def _pictures(record: Values, metrics: Values, unit: str) -> Iterator[str]:
    counts = metrics["pictures"]
    splits = [split for split in SPLITS if split in counts]
    classes = sorted(
        record["classes"], key=lambda label: sum(counts[split].get(label, 0) for split in splits)
    )[:SHOWN]
    fewest = _fewest(record["classes"], f" with the fewest {unit}")
    yield f"From `{_code(dataset_name(record['pictures']))}`, in {unit}.{fewest}\n"
    yield f"| class | {' | '.join(splits)} |\n| --- |{' --- |' * len(splits)}"
    for label in classes:
        yield f"| {_plain(label)} | {' | '.join(f'{counts[s].get(label, 0):,}' for s in splits)} |"
    total = (f"{sum(counts[split].values()):,}" for split in splits)
    yield f"| all {len(record['classes']):,} classes | {' | '.join(total)} |\n"
    skipped = len(metrics["skipped"])
    left_out = (
        f"{skipped:,} files or folders gave no pictures and were left out. " if skipped else ""
    )
    yield (
        "The same picture, one that looks alike, or one of the same group never stands in two "
        f"splits. {left_out}SHA-256 over the content, label and split of every picture: "
        f"`{record['data']['fingerprint']}`."
    )


def _figures(metrics: Values, report: Report) -> Iterator[str]:
    yield _plain(report.summary)
    if report.headline:
        yield "\n| | |\n| --- | --- |"
        yield from (f"| {name} | {value} |" for name, value in report.headline)
    per_class = (metrics["test"] or {}).get("per_class", {})
    if not per_class:
        return
    yield _fewest(per_class, " of which least is found") + "\n"
    yield (
        "| class | judged | found (recall) | right if named (precision) |\n" + "| --- " * 4 + "|"
    )
    least = sorted(per_class.items(), key=lambda one: one[1]["recall"] or 0.0)[:SHOWN]
    for label, of_class in least:
        shares = (of_class["recall"], of_class["precision"])
        yield (
            f"| {_plain(label)} | {of_class.get('support', of_class.get('objects')):,} | "
            + " | ".join("" if share is None else percent(share) for share in shares)
            + " |"
        )


def _limits(record: Values, metrics: Values, unit: str) -> Iterator[str]:
    classes, counts = record["classes"], metrics["pictures"]
    strange = metrics.get("strange")
    yield (
        "- It was trained for these classes and for nothing else: what is none of them, and looks "
        "like one, is called so"
        + (
            "."
            if strange is None
            else ", and most such pictures are marked as strange, as are "
            f"{percent(strange)} of the held-out ones."
        )
    )
    yield (
        "- The figures hold for pictures that come about as these did. Other cameras, places, or "
        "times can give others; `convlens evaluate` tells on pictures of your own."
    )
    yield f"- It sees a picture at {_size(record)} pixels: what is too small there is lost."
    few = [label for label in classes if sum(s.get(label, 0) for s in counts.values()) < FEW]
    if few:
        yield f"- Fewer than {FEW} {unit} were there of {len(few):,} classes: {_listed(few)}."
    yield from (f"- {_plain(sentence)}" for sentence in metrics.get("advice", ()))
    if metrics.get("label_errors"):
        yield (
            f"- Of the held-out pictures {len(metrics['label_errors']):,} probably have a wrong "
            "label, which the figures count as they stand."
        )
    yield (
        "- It is not meant to decide about people, or where a wrong answer does harm, without "
        "somebody who looks."
    )


def _licences(record: Values) -> Iterator[str]:
    weights = record["weights"]
    begun = weights["words"]
    if weights["file"] and _weights(record) not in {"package", "hub"}:
        begun = begun.replace(weights["file"], Path(weights["file"]).name)
    begun = begun.split(";")[0]
    yield (
        f"Parameters at the beginning: {_plain(begun)}. The pictures and this detector are under "
        "the terms of their owner, who states them here, and as `license` at the top."
    )


def _repeat(record: Values) -> Iterator[str]:
    plan, versions = record["plan"], record["versions"]
    usual, name = TrainOptions().flat(), dataset_name(record["pictures"])
    given = [
        word
        for option, value in record["options"].items()
        if value != usual.get(option)
        for word in (f"--{option.replace('_', '-')}", _without_folders(option, value))
    ]
    yield f"```\n{shlex.join(['convlens', 'train', name, *given])}\n```\n"
    yield (
        f"Seed {record['options']['seed']}, computed in {plan['compute']} by {plan['threads']} "
        f"threads, with {', '.join(f'{name} {version}' for name, version in versions.items())}. "
        "With the run's folder and the pictures, `convlens train --repeat RUN` obeys all that was "
        "decided on the way, and ends in the same bytes on the same machine."
    )


def _size(record: Values) -> str:
    plan = record["plan"]
    height, width = (
        (plan["canvas"]["height"], plan["canvas"]["width"])
        if "canvas" in plan
        else [plan["size"]] * 2
    )
    return f"{width}×{height}"


def _weights(record: Values) -> str:
    """Where the first parameters come from; those of a detector of boxes from a package."""
    return str(record["plan"].get("weights", "package"))


def _without_folders(option: str, value: Any) -> str:
    """A value of the command line; of a path, its name."""
    return (
        Path(value).name
        if option in {"background", "weights", "teacher", "unlabelled"}
        else str(value)
    )


def _fewest(classes: Any, which: str) -> str:
    return f" Shown are the {SHOWN} classes{which}." if len(classes) > SHOWN else ""


def _listed(labels: Any) -> str:
    """Labels with commas between, the first of many."""
    return ", ".join(map(_plain, labels[:SHOWN])) + (", …" if len(labels) > SHOWN else "")


def _plain(text: str) -> str:
    """Text from outside that stays what it is in Markdown: on one line, without marks."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Text from outside between backticks."""
    return " ".join(text.replace("`", "'").split())
