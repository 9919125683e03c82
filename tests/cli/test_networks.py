"""`convlens networks`."""

import json

from helpers import Convlens, assert_clear


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


def test_networks_that_do_not_fit_a_size_are_named(convlens: Convlens) -> None:
    done = convlens("networks", "--size", "32")
    assert done.returncode == 0
    assert "alexnet does not fit pictures of 32 pixels: " in done.stdout
    assert "lenet5: " in done.stdout


def test_numbers_that_say_nothing_are_refused(convlens: Convlens) -> None:
    for words, says in (
        (("lecture", "--classes", "0"), "they can be 1 or more"),
        (("lecture", "--size", "0"), "they can be 1 or more"),
        (("--measure", "pictures", "--classes", "9"), "--classes does not go with --measure"),
        (("--measure", "pictures", "--size", "-5"), "--size -5: it can be 8 to 4096"),
    ):
        assert_clear(convlens("networks", *words), 2, says)
