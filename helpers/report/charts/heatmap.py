"""Cohorts and other grids: a shade and a number in each cell, blank where it is too early."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import FOCUS, INK, Canvas, Drawing, Mark, render
from helpers.report.findings import display_unit
from helpers.report.formats import column_scale, is_missing, show_in_column
from helpers.report.sheet import Label, Sheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROW_PX = 24
SHADES = ("#F1F5FA", FOCUS)
EQUAL_CONTRAST = 0.179
HUNDREDS = (1.0, "", 1)


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
) -> Drawing:
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
    tops, sides = (list(dict.fromkeys(frame[name])) for name in (columns, rows))
    grid = frame.pivot(index=rows, columns=columns, values=value).loc[sides, tops].astype(float)
    sheet = _sheet(canvas, frame, (rows, columns, value, n), unit)
    names = _Names(canvas, sheet, (rows, sides), (columns, tops), n)
    above, upright, above_px = _above(canvas, [names.top_name(top) for top in tops])

    def draw(figure: Figure) -> list[Mark]:
        import seaborn
        from matplotlib.colors import LinearSegmentedColormap

        axes = figure.add_subplot()
        scale = _scale(canvas, list(frame[value]), unit, len(tops))
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
        axes.set_xticklabels(above, fontsize=small, rotation=90 if upright else 0)
        beside = [names.beside(side) for side in sides]
        axes.set_yticklabels([one.text for one in beside], rotation=0, fontsize=small, color=INK)
        for text, label in zip(axes.get_yticklabels(), beside, strict=True):
            text.set_gid(label.mark)
        axes.tick_params(length=0)
        axes.grid(False)
        cells = [
            (i, j) for i in range(len(sides)) for j in range(len(tops))
            if not is_missing(grid.iat[i, j])
        ]  # fmt: skip
        for text, (i, j) in zip(axes.texts, cells, strict=True):
            text.set_gid(names.hover(sides[i], tops[j], value).mark)
        return [Mark(axes, j, i, names.hover(sides[i], tops[j], value), 1, 1) for i, j in cells]

    return render(canvas, sheet, 34 + ROW_PX * len(sides) + above_px, draw, alt)


def _scale(canvas: Canvas, values: list[float], unit: str, columns: int) -> tuple[float, str, int]:
    scale = column_scale(values, unit, canvas.voice.language)
    if canvas.narrow and (unit == "ratio" or (scale == HUNDREDS and columns > 8)):
        return *scale[:2], 0
    return scale


def _sheet(
    canvas: Canvas, frame: pd.DataFrame, columns: tuple[str, str, str, str | None], unit: str
) -> Sheet:
    rows, tops, value, n = columns
    units = {name: "month" if hasattr(frame[name].iloc[0], "year") else "value"
             for name in (rows, tops)}  # fmt: skip
    units |= {value: display_unit(value, unit)} | ({n: "customers"} if n else {})
    return Sheet(canvas.fact or canvas.id, units, frame.to_dict("records"))


class _Names:
    """What stands above, beside and in the cells of a grid."""

    def __init__(
        self, canvas: Canvas, sheet: Sheet, rows: tuple[str, list[Any]],
        columns: tuple[str, list[Any]], n: str | None,
    ) -> None:  # fmt: skip
        self.canvas, self.sheet, self.n = canvas, sheet, n
        self.rows, self.columns = rows[0], columns[0]
        self.places = {(row[rows[0]], row[columns[0]]): i for i, row in enumerate(sheet.rows)}
        self.side = {row[rows[0]]: i for i, row in reversed([*enumerate(sheet.rows)])}
        self.top = {row[columns[0]]: i for i, row in reversed([*enumerate(sheet.rows)])}

    def _shown(self, row: int, column: str) -> str:
        return self.sheet.show(self.canvas.voice, row, column)

    def top_name(self, top: Any) -> str:
        """A column's name."""
        return self._shown(self.top[top], self.columns)

    def beside(self, side: Any) -> Label:
        """A row's name, and what it rests on."""
        row = self.side[side]
        name = axis.shorten(self._shown(row, self.rows), 12 if self.canvas.narrow else 24)
        if not self.n:
            return Label(name)
        return self.sheet.label(f"{name} ({self._shown(row, self.n)})", row, self.n)

    def hover(self, side: Any, top: Any, value: str) -> Label:
        """A cell's row, column and value."""
        row = self.places[side, top]
        name = f"{self._shown(row, self.rows)} · {self._shown(row, self.columns)}"
        return self.sheet.label(f"{name}: {self._shown(row, value)}", row, value)


def _above(canvas: Canvas, names: Sequence[str]) -> tuple[list[str], bool, int]:
    """The columns' names, on as many lines as they need, whether they stand upright because a
    word of them is wider than its column, and the height in pixels beyond one line.
    """
    spaced = not canvas.voice.spoken.square
    letter_px = 5.5 if spaced else 11
    fits = max(int(0.75 * canvas.width_px / max(len(names), 1) / letter_px), 1 if spaced else 2)
    longest = max((len(word) for name in names for word in name.split()), default=0)
    upright = spaced and longest > max(fits, 5)
    wide = 12 if upright else fits
    lines = [_lines(name, wide) for name in names]
    if upright:
        letters = max(len(line) for each in lines for line in each)
        return ["\n".join(each) for each in lines], True, 6 * letters
    return ["\n".join(each) for each in lines], False, 13 * (max(map(len, lines)) - 1)


def _lines(name: str, fits: int) -> list[str]:
    """A name on lines of much the same length."""
    if " " in name or not name:
        return textwrap.wrap(name, fits, break_long_words=False) or [name]
    count = -(-len(name) // fits)
    return textwrap.wrap(name, -(-len(name) // count), break_long_words=not name.isascii())


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
