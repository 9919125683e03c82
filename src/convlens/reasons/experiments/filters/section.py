"""That each filter serves the whole picture, as a section."""

import numpy as np

from ...pictures import brightness_map, row_markup
from ...section import Claim, Figure, Section, Table, verdict
from ...sharing import edges
from .measure import Filters, FirstLayer, LayerResponses


def section(filters: Filters) -> Section:
    """Edges on one of the pictures, learned filters, strongest patches and where they stand."""
    responses = [
        (layer.depth, response) for layer in filters.layers for response in layer.responses
    ]
    table = Table(
        "Spread of the places where a filter answers most strongly (100 %: anywhere alike)",
        ["convolution", "filter", "spread"],
        rows=[
            [
                f"{depth} ({response.layer})",
                str(response.filter),
                f"{100 * response.spread:.0f} %",
            ]
            for depth, response in responses
        ],
    )
    first_figures = _first_figures(filters.first) if filters.first else []
    return Section(
        "sharing",
        "Parameter sharing",
        claims=[_claim([response.spread for _, response in responses])],
        tables=[table],
        figures=[
            _edges_figure(filters),
            *first_figures,
            *map(_patches_figure, filters.layers),
        ],
        data={
            "filters": [
                {
                    "layer": response.layer,
                    "filter": response.filter,
                    "spread": response.spread,
                    "places": response.positions,
                }
                for _, response in responses
            ]
        },
    )


def _claim(spreads: list[float]) -> Claim:
    usual = float(np.median(spreads)) if spreads else 0.0
    return Claim(
        "A feature detector that is useful in one place is useful in another",
        f"the strongest answers of a filter are spread over the picture {100 * usual:.0f} % as far "
        "as if they stood anywhere (median of the filters shown)",
        *verdict(100 * usual, 75, nearly=50, unit=" %"),
    )


def _edges_figure(filters: Filters) -> Figure:
    picture = filters.picture
    maps = [brightness_map(np.abs(values)) for values in edges(picture).values()]
    return Figure(
        "A picture, its vertical edges and its horizontal edges: the same nine numbers slid "
        "over all of it.",
        row_markup([picture, *maps], 200),
    )


def _first_figures(first: FirstLayer) -> list[Figure]:
    return [
        Figure(
            f"The filters that the first convolution ({first.layer}) has learned.",
            row_markup(first.filters, 40),
        ),
        Figure(
            "Where four of them fire on that picture.",
            row_markup([brightness_map(values) for values in first.maps], 150),
        ),
    ]


def _patches_figure(layer: LayerResponses) -> Figure:
    return Figure(
        f"{layer.depth} convolution ({layer.layer}): a row per filter, the patches of "
        f"{layer.field} pixels to which it answers most, each from another picture.",
        "".join(row_markup(response.patches, 64) for response in layer.responses),
    )
