"""The model card: read by the hub's own reader, without paths, and escaped."""

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from convlens.report.card import model_card
from convlens.tasks.shown import Report

pytestmark = pytest.mark.trains


def test_the_hubs_own_reader_takes_it_with_the_figures_of_the_run(run: Path) -> None:
    card = ModelCard.load(run / "card.md")
    test = json.loads((run / "metrics.json").read_text("utf-8"))["test"]
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.model_name == "shapes"
    figures = {result.metric_type: result for result in card.data.eval_results}
    assert set(figures) == {"accuracy", "balanced_accuracy"}
    for name, figure in figures.items():
        assert figure.metric_value == test[name]
        assert figure.metric_args == {"interval_95": test[f"{name}_interval"], "pictures": 32}
    assert "\n| disc | 56 | 8 | 16 |\n" in card.text
    assert json.loads((run / "run.json").read_text("utf-8"))["data"]["fingerprint"] in card.text
    for words in (
        "1 files or folders gave no pictures",
        "is called so.\n",
        "random, from the seed.",
    ):
        assert words in card.text


def test_what_comes_from_outside_is_escaped_and_many_classes_are_not_all_listed(run: Path) -> None:
    record: dict[str, Any] = json.loads((run / "run.json").read_text("utf-8"))
    metrics: dict[str, Any] = json.loads((run / "metrics.json").read_text("utf-8"))
    wild = ["<b>|x", "a\nb", *(f"c{number}" for number in range(30))]
    record |= {"classes": wild, "pictures": "/home/me/wild: `set`.csv"}
    record["options"] |= {
        "background": "/home/me/others",
        "weights": "/home/me/w.safetensors",
        "teacher": "/home/me/large",
        "unlabelled": "/home/me/more",
    }
    record["plan"]["weights"] = "/home/me/w.safetensors"
    record["weights"] = {
        "words": "/home/me/w.safetensors, every layer's",
        "file": "/home/me/w.safetensors",
        "sha256": "0",
    }
    metrics |= {"pictures": {"train": dict.fromkeys(wild, 7)}, "test": None}
    metrics |= {"strange": 0.05, "advice": ["Of 9 'a_b_c' only 1 are found."]}
    text = model_card(
        record, metrics, task="classification", report=Report("Nothing held out.", [], "")
    )
    card = ModelCard(text)
    assert "model-index" not in text
    assert "| \\<b\\>\\|x | 7 |" in card.text
    assert "| a b | 7 |" in card.text
    assert "c17 " in card.text
    assert "c18 " not in card.text
    assert "/home/me" not in text
    assert "--background others" in text
    assert "Fewer than 50 pictures were there of 32 classes" in text
    assert "a\\_b\\_c" in text
    assert "5.0\u00a0% of the held-out ones" in text


def test_the_example_for_boxes_prints_what_counts(boxes_run: Path) -> None:
    assert 'predict("photo.jpg").objects' in (boxes_run / "card.md").read_text("utf-8")
