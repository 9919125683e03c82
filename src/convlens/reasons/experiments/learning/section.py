"""Fewer examples, less overfitting: what the learning curves say, as a section."""

from ....drawing.charts import curves
from ....network.spec import network
from ...section import HOLDS, NEARLY, NOT, Claim, Figure, Section, Table, verdict
from .measure import RATES, SHUFFLES
from .results import CONV, DENSE, LESS, LOCAL, CurvePoint, Learning


def section(learning: Learning) -> Section:
    """The learning curves, the sentence that they come to, and the two controls."""
    return Section(
        "examples",
        "Fewer examples, less overfitting",
        claims=[
            _fewer_examples(learning),
            _less_overfitting(learning),
            _uses_neighbours(learning),
            _learns_nothing_from_chance(learning),
        ],
        tables=[_table(learning)],
        figures=[_figure(learning)],
        notes=_notes(learning),
        data=learning.as_json(),
    )


def _fewer_examples(learning: Learning) -> Claim:
    ratio, bound = learning.examples_ratio()
    times = f"{bound} {ratio:.2g} times".lstrip()
    reached = 0.0 if bound == LESS else ratio
    return Claim(
        "A smaller training set suffices",
        f"the dense network needs {times} the examples",
        *verdict(reached, 2, nearly=1, unit=" times"),
    )


def _less_overfitting(learning: Learning) -> Claim:
    most = max(learning.points(CONV))
    last = {kind: learning.points(kind)[most] for kind in (CONV, LOCAL, DENSE)}
    return Claim(
        "It overfits less",
        f"training less held-out accuracy with {most:,} examples: convolutional "
        f"{100 * last[CONV].gap:.1f}, local {100 * last[LOCAL].gap:.1f}, dense "
        f"{100 * last[DENSE].gap:.1f} points"
        + ("" if last[CONV].seeds > 1 else ", trained once each"),
        verdict=HOLDS if last[CONV].gap < last[DENSE].gap else NOT,
        rule="holds where the convolutional network's gap is the smaller one",
    )


def _two_errors(learning: Learning) -> float:
    """Two standard errors of an accuracy at chance."""
    chance = learning.chance
    return float(2 * (chance * (1 - chance) / learning.test_examples) ** 0.5)


def _uses_neighbours(learning: Learning) -> Claim:
    noise = _two_errors(learning)
    conv, dense = (learning.controls[kind].lost for kind in (CONV, DENSE))
    nearly = NEARLY if conv > dense else NOT
    return Claim(
        "It uses which pixels are neighbours (control: one permutation of all pixels)",
        f"accuracy falls by {100 * conv:.1f} points; the dense network's by {100 * dense:.1f}",
        verdict=HOLDS if conv > noise >= dense else nearly,
        rule=f"holds where only the convolutional network falls by more than {100 * noise:.1f} "
        "points (two standard errors), nearly where it falls by more",
    )


def _learns_nothing_from_chance(learning: Learning) -> Claim:
    noise, controls = _two_errors(learning), learning.controls
    at_chance = all(
        abs(control.shuffled - learning.chance) <= max(control.half_interval, 1.5 * noise)
        for control in controls.values()
    )
    return Claim(
        "Nothing is learnt where there is nothing to learn (control: shuffled labels)",
        ", ".join(
            f"{kind} {100 * control.shuffled:.1f} ± {100 * control.half_interval:.1f} %"
            for kind, control in controls.items()
        )
        + f"; chance is {100 * learning.chance:.1f} %",
        verdict=HOLDS if at_chance else NOT,
        rule=f"holds where chance lies within the interval of {SHUFFLES} ways to shuffle, or "
        f"within {150 * noise:.1f} points (three standard errors of one way)",
    )


def _table(learning: Learning) -> Table:
    points = {kind: learning.points(kind) for kind in learning.lines}
    size = learning.conv.size
    return Table(
        "Held-out accuracy (95 % interval over seeds), and the gap to training accuracy, at "
        f"{size}×{size}, without augmentation",
        ["examples", *learning.lines],
        rows=[
            [f"{count:,}", *(_cell(points[kind][count]) for kind in learning.lines)]
            for count in sorted(points[CONV])
        ],
    )


def _cell(point: CurvePoint) -> str:
    interval = f"± {100 * point.half_interval:.1f}" if point.seeds > 1 else "once"
    return f"{100 * point.held_out:.1f} {interval} (gap {100 * point.gap:.0f})"


def _figure(learning: Learning) -> Figure:
    points = {kind: learning.points(kind) for kind in learning.lines}
    counts = sorted(points[CONV])
    chart = curves(
        counts,
        {kind: [100 * of[count].held_out for count in counts] for kind, of in points.items()},
        x_label="training examples",
        y_label="held-out accuracy (%)",
        logarithmic=True,
    )
    return Figure("With how many examples each kind of network learns how much.", chart)


def _notes(learning: Learning) -> list[str]:
    conv = learning.conv
    parameters = {
        kind: network(line, conv.size, classes=conv.classes).total().parameters
        for kind, line in learning.lines.items()
    }
    return [
        "; ".join(
            f"{kind}: {line} ({parameters[kind]:,} parameters)"
            for kind, line in learning.lines.items()
        ),
        "Each network's learning rate is the one of "
        + ", ".join(map(str, RATES))
        + " (Adam) with the lowest J on validation pictures.",
    ]
