"""Draw how seconds and memory grow with the rows: two charts side by side, both scales logarithmic, as one SVG.

The charts are pygal's, which is all Python and writes plain SVG; it is the extra `bench`, and nothing else needs it.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from math import ceil, floor, log10
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.bench import BESIDE, Figure

WIDTH, HEIGHT = 620, 680
ROWS_PER_SCALE = 10_000
_COLORS = (
    "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#222222",
    "#1f77b4", "#8c564b", "#17becf", "#bcbd22",
)  # fmt: skip
_SVG = "http://www.w3.org/2000/svg"

Series = Mapping[str, Sequence[tuple[int, float]]]
"""By piece of work, how much at how many rows."""


def series(found: Mapping[int, Sequence[Figure]], value: Callable[[Figure], float]) -> Series:
    """
    Give a *value* of each piece of work by the number of rows, from the figures of each scale.

    A work whose name says how many rows it is about is one work at all scales; one that is timed again beside another
    tool's is drawn once.
    """
    points = sorted(
        (_name(figure.work), scale * ROWS_PER_SCALE, value(figure))
        for scale, figures in found.items()
        for figure in figures
        if figure.seconds and figure.rows is None and BESIDE not in figure.work
    )
    return {
        name: [(rows, amount) for _, rows, amount in group] for name, group in groupby(points, lambda point: point[0])
    }


def _name(work: str) -> str:
    return " ".join(word for word in work.split() if not word.replace(",", "").isdecimal() or "row of" in work)


def write_plot(file: Path, found: Mapping[int, Sequence[Figure]]) -> None:
    """
    Write the charts of *found*, figures by scale, to *file*.

    Raises:
        SystemExit: pygal is not installed.

    """
    charts = [
        _chart("seconds by rows", "seconds", series(found, lambda figure: figure.median)),
        _chart("peak memory in MB by rows", "memory", series(found, lambda figure: max(figure.memory))),
    ]
    ElementTree.register_namespace("", _SVG)
    whole = ElementTree.Element(f"{{{_SVG}}}svg", {"viewBox": f"0 0 {len(charts) * WIDTH} {HEIGHT}"})
    for place, chart in enumerate(charts):
        drawn = ElementTree.fromstring(chart)  # noqa: S314 - drawn a line above
        _drop_scripts(drawn)
        drawn.attrib |= {"x": str(place * WIDTH), "width": str(WIDTH), "height": str(HEIGHT)}
        whole.append(drawn)
    ElementTree.ElementTree(whole).write(file, encoding="utf-8", xml_declaration=True)


def _drop_scripts(drawn: ElementTree.Element) -> None:
    """Leave out what is meant for a browser: a picture on a page runs nothing."""
    for parent in list(drawn.iter()):
        for child in [child for child in parent if child.tag == f"{{{_SVG}}}script"]:
            parent.remove(child)


def _chart(title: str, identifier: str, lines: Series) -> bytes:
    try:
        pygal = importlib.import_module("pygal")
    except ImportError:
        raise SystemExit("--plot needs pygal: pip install -e '.[bench]'") from None
    chart = pygal.XY(
        title=title,
        width=WIDTH,
        height=HEIGHT,
        logarithmic=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        truncate_legend=-1,
        js=[],
        margin_right=40,
        explicit_size=True,
        value_formatter=lambda amount: f"{amount:,.4g}",
        x_value_formatter=lambda rows: f"{rows:,.0f}",
        style=pygal.style.CleanStyle(colors=_COLORS, legend_font_size=12, label_font_size=11, title_font_size=15),
    )
    amounts = [amount for points in lines.values() for _, amount in points]
    chart.x_labels = sorted({rows for points in lines.values() for rows, _ in points})
    chart.y_labels = [10.0**power for power in range(floor(log10(min(amounts))), ceil(log10(max(amounts))) + 1)]
    chart.uuid = identifier  # the same figures give the same file
    for name, points in lines.items():
        chart.add(name, points)
    drawn: bytes = chart.render()
    return drawn
