"""Cohorts and other grids: a shade and a number in each cell, blank where it is too early."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import FOCUS, INK, Canvas, Mark, render
from helpers.report.formats import column_scale, is_missing, show_in_column

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROW_PX = 24
SHADES = ("#F1F5FA", FOCUS)
EQUAL_CONTRAST = 0.179


def heatmap(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    rows: str,
    columns: str,
    value: str,
    unit: str,
    n: str | None = None,
    alt: str = "",
) -> str:
    """Draw a grid, rows and columns in the order in which the frame brings them.

    Args:
        canvas: Where it is drawn.
        frame: One row a cell; a missing value leaves the cell blank.
        rows: Column of the rows' names (months, codes).
        columns: Column of the columns' names.
        value: Column of the shade.
        unit: Unit of the values; it stands in the subtitle, not in the cells.
        n: Column of what a row rests on, written beside its name.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    language = canvas.voice.language
    tops = list(dict.fromkeys(frame[columns]))
    scale = column_scale(list(frame[value]), unit, language)
    if canvas.narrow and unit == "ratio":
        scale = (0.01, "", 0)
    own = canvas.voice.localised([str(name) for name in frame.columns], rows)
    frame = frame.assign(**{rows: frame[own].fillna(frame[rows])}) if own != rows else frame
    sides = list(dict.fromkeys(frame[rows]))
    grid = frame.pivot(index=rows, columns=columns, values=value).loc[sides, tops].astype(float)
    beside = _beside(canvas, frame, rows, n)

    def draw(figure: Figure) -> list[Mark]:
        import seaborn
        from matplotlib.colors import LinearSegmentedColormap

        axes = figure.add_subplot()
        written = grid.map(
            lambda v: "" if is_missing(v) else show_in_column(v, unit, scale, language)
        )
        seaborn.heatmap(
            grid, ax=axes, annot=written.to_numpy(), fmt="", cbar=False, linewidths=1.5,
            linecolor="white", cmap=LinearSegmentedColormap.from_list("", SHADES),
            annot_kws={"fontsize": 9 if canvas.narrow else 11}, mask=grid.isna(),
        )  # fmt: skip
        _readable(axes, grid)
        axes.xaxis.tick_top()
        axes.set(xlabel="", ylabel="")
        small = axis.LABEL_PX - (1 if canvas.narrow else 0)
        above = [_broken(_name(canvas, columns, top), canvas, len(tops)) for top in tops]
        axes.set_xticklabels(above, fontsize=small)
        axes.set_yticklabels(beside, rotation=0, fontsize=small, color=INK)
        axes.tick_params(length=0)
        axes.grid(False)
        return [
            Mark(
                axes, j, i, _hover(canvas, (rows, side), (columns, top), grid.iat[i, j], unit), 1, 1
            )
            for i, side in enumerate(sides)
            for j, top in enumerate(tops)
            if not is_missing(grid.iat[i, j])
        ]

    lines = max(_broken(_name(canvas, columns, t), canvas, len(tops)).count("\n") for t in tops)
    return render(canvas, 34 + ROW_PX * len(sides) + 13 * lines, draw, alt)


def _broken(name: str, canvas: Canvas, columns: int) -> str:
    """A name on as many lines as fit above its column."""
    square = canvas.voice.spoken.square
    fits = int(0.75 * canvas.width_px / columns / (11 if square else 5.5))
    return "\n".join(textwrap.wrap(name, max(fits, 4), break_long_words=square))


def _name(canvas: Canvas, column: str, code: Any) -> str:
    if hasattr(code, "year"):
        return canvas.voice.show(code, "month")
    return canvas.voice.name_of(column, code)


def _beside(canvas: Canvas, frame: pd.DataFrame, rows: str, n: str | None) -> list[str]:
    first = frame.drop_duplicates(rows)
    limit = 12 if canvas.narrow else 24
    names = [axis.shorten(_name(canvas, rows, code), limit) for code in first[rows]]
    if not n:
        return names
    return [
        f"{name} ({canvas.voice.show(count, 'customers')})"
        for name, count in zip(names, first[n], strict=True)
    ]


def _readable(axes: Any, grid: pd.DataFrame) -> None:
    """Write in white or black, whichever stands out more: 4.5 to 1 on any shade."""
    from matplotlib.colors import LinearSegmentedColormap

    known = [v for v in grid.to_numpy().ravel() if v == v]
    low, span = min(known), (max(known) - min(known)) or 1.0
    shades = LinearSegmentedColormap.from_list("", SHADES)
    for text, number in zip(axes.texts, known, strict=True):
        dark = luminance(shades((number - low) / span)[:3]) < EQUAL_CONTRAST
        text.set_color("white" if dark else "black")


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of a colour by WCAG 2.2, from red, green and blue between 0 and 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hover(
    canvas: Canvas, side: tuple[str, Any], top: tuple[str, Any], number: float, unit: str
) -> str:
    return f"{_name(canvas, *side)} · {_name(canvas, *top)}: {canvas.voice.show(number, unit)}"
