"""`why`, whole: on made pictures, and where something is missing."""

import json
from functools import partial
from pathlib import Path

import pytest
from torch import nn

from convlens import describe_network, train, why
from convlens.errors import UsageError
from convlens.reasons.experiments import architectures
from convlens.reasons.experiments.learning import measure as learning
from helpers import package, save_class
from networks import two_class

pytestmark = pytest.mark.trains


@pytest.mark.usefixtures("spared")
def test_the_whole_case_on_made_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {"dense": "dense 8", "lecture": "lecture", "resnet18": "resnet18"}
    monkeypatch.setattr(architectures, "ARCHITECTURES", lines)
    monkeypatch.setattr(architectures, "train", partial(train, compute="float32"))
    for kind in ("disc", "cross"):
        save_class(tmp_path / "p" / kind, kind, 60)
    told: list[str] = []
    line = "conv 4 5x5, pool 4, dense 8"
    case = why(
        line,
        tmp_path / "p",
        out=tmp_path / "o",
        size=16,
        minutes=0.05,
        seed=5,
        progress=lambda what, *_: told.append(what),
    )
    assert [one.key for one in case.sections] == [
        "arithmetic", "sharing", "sparsity", "translation", "examples", "efficiency"
    ]  # fmt: skip
    assert {"learning curves", "translation", "architectures", "optimizers"} <= set(told)
    kept = json.loads((tmp_path / "o" / "why.json").read_text())
    runs = next(s for s in kept["sections"] if s["section"] == "examples")["runs"]
    assert {run["kind"] for run in runs} == set(learning.kinds(two_class(line, 16)))
    assert min(run["seed"] for run in runs) == 5
    assert kept["command"].endswith("--seed 5")
    spared = {note for section in case.sections for note in section.notes if "left out" in note}
    assert spared and "resnet18" not in {
        one["name"] for section in case.sections for one in section.data.get("architectures", [])
    }
    page = (tmp_path / "o" / "why.html").read_text()
    for section in case.sections:
        for claim in section.claims:
            assert claim.verdict in page
    begun = len(list((tmp_path / "o" / "pieces").iterdir()))
    # without time, what is there is recalled and nothing is added
    again = why(
        line, tmp_path / "p", section="examples", out=tmp_path / "o", size=16, minutes=1e-6, seed=5
    )
    assert len(list((tmp_path / "o" / "pieces").iterdir())) == begun
    assert again.sections[0].data["ratio"] == case.sections[4].data["ratio"]


def test_what_cannot_be_said_is_said() -> None:
    with pytest.raises(UsageError, match="give --pictures"):
        why(section="examples")
    with pytest.raises(UsageError, match="it can be arithmetic"):
        why(section="everything")
    assert [one.key for one in why().sections] == ["arithmetic", "sharing"]
    published = why("resnet18").sections[0].data["network"]
    assert published["parameters"] == describe_network("resnet18", 224).total().parameters


def test_of_published_ones_only_convolutions_are_counted() -> None:
    """And no dense layer, though it may see maps whose channels come last."""
    data = why("timm:convnext_atto").sections[0].data["network"]
    made = package("timm").create_model("convnext_atto", num_classes=2)
    filters = [part.weight for part in made.modules() if isinstance(part, nn.Conv2d)]
    assert data["conv_weights"] == sum(weight.numel() for weight in filters)


def test_pictures_of_too_few_groups_are_refused(tmp_path: Path) -> None:
    rows = ["path,label,group"]
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 6)
        rows += [f"{kind}/{k:03}.png,{kind},{k % 2}" for k in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(UsageError, match="give three groups of each class"):
        why("lecture", tmp_path / "t.csv", section="examples", out=tmp_path / "o", size=16)


@pytest.mark.parametrize("line", ["dense", "conv 6 5x5 stride 3, pool 2, dense 8"])
def test_networks_whose_maps_no_shift_suits_have_a_case_too(line: str) -> None:
    case = why(line, size=32)
    (translation,) = (section for section in case.sections if section.key == "translation")
    says = [claim.says for claim in translation.claims]
    assert ("Shifting the picture shifts a convolution's feature map" in says) == (line != "dense")
