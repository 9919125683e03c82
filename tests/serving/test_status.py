"""What the server tells of the detector and of itself."""

import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from servers import get, post_disc


def test_it_tells_of_the_detector_and_of_itself(server: str, run: Path) -> None:
    about = get(f"{server}detector").json()
    assert about["labels"] == ["cross", "disc"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert about["metrics"]["accuracy"] == metrics["test"]["accuracy"]
    assert about["limits"]["files"] == 5
    post_disc(server)
    text = get(f"{server}metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["convlens_requests"].samples
    assert sum(sample.value for sample in families["convlens_pictures"].samples) >= 1
    assert "<h1>" in get(f"{server}report").text
