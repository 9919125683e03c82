"""`convlens networks`."""

import json

from helpers import Convlens


def test_networks_prints_the_lectures_table(convlens: Convlens) -> None:
    done = convlens("networks", "lecture", "--size", "32", "--classes", "10")
    assert done.returncode == 0
    assert "28×28×6" in done.stdout
    assert "62,006" in done.stdout
    table = json.loads(convlens("networks", "lecture", "--size", "32", "--json").stdout)
    assert table["layers"][0]["parameters"] == 456
    assert "residual" in convlens("networks").stdout
    line = json.loads(convlens("networks", "auto", "--json").stdout)["network"]
    assert json.loads(convlens("networks", line, "--json").stdout)["network"] == line
