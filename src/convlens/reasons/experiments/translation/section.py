"""Translation, as a section: what is exact, what stride and pooling break, what is learnt."""

from collections.abc import Iterator, Sequence

from ....drawing.charts import curves
from ...section import Claim, Figure, Section, Table, verdict
from .equivariance import Equivariance
from .invariance import SHIFTS, Invariance
from .measure import CONV, DENSE, PLAIN, SHIFT, SMOOTH, UNTRAINED, Translation, TwinResult

TRAININGS = {UNTRAINED: "untrained", PLAIN: "no augmentation", SHIFT: "with shifts"}
SHOWN = (1, 2, 4, 8)
"""Shifts in pixels that tables show."""


def section(translation: Translation) -> Section:
    """Whether maps move with the picture, and whether answers stay."""
    claims = list(_equivariance_claims(translation.layers))
    tables = [_equivariance_table(translation)] if translation.layers else []
    figures = []
    if translation.twins:
        claims.append(_twins_claim(translation.twins))
        tables.append(_twins_table(translation.twins))
        figures.append(_twins_figure(translation.twins))
    if translation.detector is not None:
        claims += _detector_claims(translation.detector, translation.detector_size)
    return Section(
        "translation",
        "Translation",
        claims=claims,
        tables=tables,
        figures=figures,
        data=translation.as_json(),
    )


def _equivariance_claims(layers: Sequence[Equivariance]) -> Iterator[Claim]:
    """One, or none where no map was shifted by whole steps: of dense layers there are no maps."""
    errors = [
        (error, shift % layer.jump == 0)
        for layer in layers
        for shift, error in layer.errors.items()
    ]
    exact = max((error for error, whole in errors if whole), default=None)
    broken = max((error for error, whole in errors if not whole), default=0.0)
    if exact is None:
        return
    yield Claim(
        "Shifting the picture shifts a convolution's feature map",
        f"by whole strides exactly, up to {exact:.1g} of the largest value, away from the "
        f"border; between the strides of pooling it is off by up to {broken:.1f}",
        *verdict(exact, 1e-12, nearly=1e-6),
    )


def _equivariance_table(translation: Translation) -> Table:
    conv = translation.conv
    return Table(
        "How far the map of a shifted picture is from the shifted map, inside, as a share of its "
        f"largest value: {conv.text}",
        ["layer", "pixels per step", *(f"shift {shift}" for shift in SHOWN)],
        rows=[
            [
                str(conv.all_layers[int(layer.layer.split(".")[0])]),
                str(layer.jump),
                *(f"{layer.errors[shift]:.1g}" if shift in layer.errors else "" for shift in SHOWN),
            ]
            for layer in translation.layers
        ],
    )


def _detector_claims(shifts: Invariance, size: int) -> list[Claim]:
    return [
        Claim(
            f"Shifting the picture by {words} leaves the detector's answer alone",
            f"{100 * shifts.kept[distance]:.2f} % of {shifts.pictures:,} held-out pictures × 8 "
            f"directions keep their label at {size}×{size}; the probability moves by "
            f"{100 * shifts.change[distance]:.2f} points",
            *verdict(100 * shifts.kept[distance], holds, nearly=nearly, unit=" %"),
        )
        for words, distance, holds, nearly in (
            ("two pixels", 2, 99, 95),
            ("eight pixels", 8, 98, 90),
        )
    ]


def _twins_claim(twins: Sequence[TwinResult]) -> Claim:
    kept = {(result.kind, result.training): 100 * result.kept[2] for result in twins}
    return Claim(
        "Shifting the picture by two pixels leaves the answer alone",
        f"trained without shifts {kept[CONV, PLAIN]:.1f} % keep their label (anti-aliased "
        f"{kept[SMOOTH, PLAIN]:.1f} %, dense {kept[DENSE, PLAIN]:.1f} %), with shifts "
        f"{kept[CONV, SHIFT]:.1f} %: part of it is learnt",
        *verdict(kept[CONV, PLAIN], 99, nearly=90, unit=" %"),
    )


def _twins_table(twins: Sequence[TwinResult]) -> Table:
    return Table(
        "Share of held-out pictures that keep their label (%), agreement of pairs of shifts "
        "(after Zhang 2019), and accuracy",
        [
            "network",
            "training",
            *(f"shift {shift}" for shift in SHOWN),
            "pairs agree",
            "right",
        ],
        rows=[
            [
                result.kind,
                TRAININGS[result.training],
                *(f"{100 * result.kept[shift]:.1f}" for shift in SHOWN),
                f"{100 * result.consistency:.1f}",
                f"{100 * result.accuracy:.1f}",
            ]
            for result in twins
        ],
        left=2,
    )


def _twins_figure(twins: Sequence[TwinResult]) -> Figure:
    lines = {
        result.kind: [100.0, *(100 * result.kept[shift] for shift in SHIFTS)]
        for result in twins
        if result.training == PLAIN
    }
    lowest = 10 * (min(min(values) for values in lines.values()) // 10)
    chart = curves(
        (0, *SHIFTS),
        lines,
        x_label="shift (pixels)",
        y_label="label kept (%)",
        lowest=min(lowest, 90),
    )
    return Figure("Trained without shifts: the farther, the more labels change.", chart)
