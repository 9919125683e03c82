"""Which of several pretrained backbones: what pictures that no head learnt from say of each."""

from collections.abc import Iterable, Mapping, Sequence

from ..engine.model_selection import HARD
from ..network.pretrained import installed_packages
from ..network.spec import PREFIX, parts_of
from ..options import NetworkOptions
from .linear_probe import LinearProbe
from .pretrained import NetworkChoice

GAIN = 0.002
"""What a slower one has to gain in loss: less, about a mistake in 500 pictures, is not worth the
time of every answer."""


def backbone_lines(options: NetworkOptions, choice: NetworkChoice) -> tuple[str, ...]:
    """Those that come into question, the fastest first.

    Where the network is left open: the fastest and the largest that are installed, and both
    together, to begin with (see `further_lines`); else the one that was named.
    """
    installed = [known.line for known in installed_packages()]
    several = options.network == "auto" and choice.weights == "package" and len(installed) > 1
    if not several or options.prefer == "speed":
        return (choice.line,)
    fast, large = installed[0], installed[-1]
    return fast, large, _joined((fast, large))


def further_lines(
    options: NetworkOptions, choice: NetworkChoice, probes: Mapping[str, LinearProbe]
) -> tuple[str, ...]:
    """Those between the fastest and the largest, and all together; none where little is to gain.

    `probes` are those of `backbone_lines`; where time did not suffice for all of them, it does not
    for more.
    """
    installed = [known.line for known in installed_packages()]
    between = tuple(line for line in installed if line not in probes)
    usual = backbone_lines(options, choice)
    if len(usual) == 1 or not between or not set(usual) <= set(probes):
        return ()
    if min(probe.loss or 0.0 for probe in probes.values()) < HARD:  # or nothing is known of it
        return ()
    return (*between, _joined(installed))


def _joined(lines: Sequence[str]) -> str:
    return PREFIX + "+".join(line.removeprefix(PREFIX) for line in lines)


def by_speed(lines: Iterable[str]) -> tuple[str, ...]:
    """The same, the fastest first: those of one backbone, of two, and so on."""
    return tuple(sorted(lines, key=lambda line: (len(parts_of(line)), line)))


def choose_backbone(
    probes: Sequence[LinearProbe], prefer: str, *, without: int | None = None
) -> int:
    """The index of the one to take, of probes on the same pictures, the fastest first.

    A slower one has to have losses that are lower by `GAIN`, or lower at all where accuracy is
    preferred.

    Args:
        probes: One for each backbone.
        prefer: `accuracy`, `balance`, or `speed`, which is the first.
        without: A fold that has no say.

    Examples:
        >>> choose_backbone([probe], "balance")  # doctest: +SKIP
        0
    """
    best = 0
    losses = [probe.losses(probe.best_c(without=without), without=without) for probe in probes]
    if prefer == "speed":
        return best
    for k in range(1, len(losses)):
        gain = (losses[best].mean() - losses[k].mean()).item()
        if gain > (0 if prefer == "accuracy" else GAIN):
            best = k
    return best
