"""Shares of a whole over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import (
    CONTEXT,
    SERIES,
    SERIES_TEXT,
    SOFT,
    Canvas,
    Drawing,
    Mark,
    render,
)
from helpers.report.findings import display_unit
from helpers.report.sheet import Sheet, place, place_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OTHER = "other"


def stacked(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    x: str,
    series: str,
    value: str,
    unit: str = "ratio",
    share: bool = True,
    alt: str = "",
) -> Drawing:
    """Draw columns over time, parts on top of one another; the four largest parts by name.

    Args:
        canvas: Where it is drawn.
        frame: One row a time and part.
        x: Column of times.
        series: Column of parts.
        value: Column of values.
        unit: Unit of the values; shares are ratios.
        share: Draw shares of each time's whole instead of the values.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    grid = _parts(frame, x, series, value)
    if share:
        grid = grid.div(grid.sum(axis=1), axis=0)
        unit = "ratio"
    sheet = _sheet(canvas, grid, (x, series, value), unit)
    colours = [CONTEXT if name == OTHER else SERIES[i] for i, name in enumerate(grid.columns)]

    def draw(figure: Figure) -> list[Mark]:
        axes = figure.add_subplot()
        marks, ends = [], []
        base = [0.0] * len(grid)
        places = range(len(grid))
        for part, (name, colour) in enumerate(zip(grid.columns, colours, strict=True)):
            heights = grid[name].fillna(0).tolist()
            axes.bar(places, heights, bottom=base, width=0.86, color=colour)
            label = canvas.voice.name_of(series, name)
            for i, height in enumerate(heights):
                row = part * len(grid) + i
                when, shown = (sheet.show(canvas.voice, row, name) for name in (x, value))
                hover = sheet.label(f"{label} {when}: {shown}", row, value)
                marks.append(Mark(axes, i - 0.43, base[i], hover, 0.86, height or 1e-9))
            ink = SOFT if name == OTHER else SERIES_TEXT[part]
            end = base[-1] + heights[-1] / 2
            short = axis.shorten(label, 14 if canvas.narrow else 24)
            ends.append((len(grid) - 0.6, end, sheet.label(f"{short} {shown}", row, value), ink))
            base = [b + h for b, h in zip(base, heights, strict=True)]
        axes.set_ylim(0, max(base) * (1 if share else 1.05))
        axes.set_xlim(-0.6, len(grid) - 0.5)
        axis.format_value_axis(axes, canvas, unit)
        _time_ticks(axes, canvas, list(grid.index))
        axis.label_ends(axes, ends)
        return marks

    return render(canvas, sheet, 260 if canvas.narrow else 300, draw, alt)


def _parts(frame: pd.DataFrame, x: str, series: str, value: str) -> pd.DataFrame:
    grid = frame.pivot_table(index=x, columns=series, values=value, aggfunc="sum", sort=True)
    order = grid.sum().sort_values(ascending=False, kind="stable").index
    kept = [name for name in order if name != OTHER][: len(SERIES)]
    rest = [name for name in order if name not in kept]
    found = grid[kept].copy()
    if rest:
        found[OTHER] = grid[rest].sum(axis=1)
    return found.fillna(0.0)


def _sheet(canvas: Canvas, grid: pd.DataFrame, columns: tuple[str, str, str], unit: str) -> Sheet:
    """The drawn heights, part by part."""
    x, series, value = columns
    rows = [
        {x: when, series: part, value: height}
        for part in grid.columns
        for when, height in zip(grid.index, grid[part].tolist(), strict=True)
    ]
    units = {x: place_unit(list(grid.index)), series: "value", value: display_unit(value, unit)}
    return Sheet(canvas.fact or canvas.id, units, rows)


def _time_ticks(axes: Any, canvas: Canvas, times: list[Any]) -> None:
    step = max(1, -(-len(times) // (4 if canvas.narrow else 8)))
    shown = list(range(len(times)))[::-1][::step][::-1]
    if hasattr(times[0], "year"):
        axes.set_xticks(shown, axis.time_labels([times[i] for i in shown], canvas))
    else:
        axes.set_xticks(shown, [place(times[i]) for i in shown])
