"""Values over time: one line, a few with their names at the ends, or small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import CONTEXT, FOCUS, SERIES, SERIES_TEXT, Canvas, Mark, render

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 4


def trend(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    unit: str,
    series: str | None = None,
    low: str | None = None,
    high: str | None = None,
    target: float | None = None,
    last_year: str | None = None,
    alt: str = "",
) -> str:
    """Draw values over time.

    Args:
        canvas: Where it is drawn.
        frame: One row a time (and series); optional bool `provisional` fades what is not final.
        x: Column of times or ordered numbers.
        y: Column of values.
        unit: Unit of the values.
        series: Column that tells lines apart; more than four become small multiples.
        low: Column of the lower end of the 95 % interval.
        high: Column of its upper end.
        target: The value to reach.
        last_year: Column of the values one year earlier, drawn in light grey.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    names = list(dict.fromkeys(frame[series])) if series else []
    lines = _Lines(canvas, frame, x, y, unit, series, low, high, target, last_year)
    if len(names) > MOST_LINES:
        columns = 2 if canvas.narrow else 4
        rows = -(-len(names) // columns)
        return render(canvas, 40 + 130 * rows, lambda f: lines.multiples(f, names, columns), alt)
    return render(canvas, 260 if canvas.narrow else 300, lambda f: lines.one(f, names), alt)


class _Lines:
    def __init__(
        self,
        canvas: Canvas,
        frame: pd.DataFrame,
        x: str,
        y: str,
        unit: str,
        series: str | None,
        low: str | None,
        high: str | None,
        target: float | None,
        last_year: str | None,
    ) -> None:
        self.canvas, self.frame, self.x, self.y = canvas, frame, x, y
        self.unit, self.series, self.low, self.high = unit, series, low, high
        self.target, self.last_year = target, last_year

    def one(self, figure: Figure, names: Sequence[Any]) -> list[Mark]:
        axes = figure.add_subplot()
        marks, ends = [], []
        self._scale(axes)
        for i, name in enumerate(names or [None]):
            colour = SERIES[i] if names else FOCUS
            rows = self.frame if name is None else self.frame[self.frame[self.series] == name]
            marks += self._line(axes, rows, colour, self._name(name))
            ends += self._ends(rows, SERIES_TEXT[i], self._name(name))
        times = list(self.frame[self.x])
        ends += axis.draw_target(axes, self.canvas, self.target, self.unit, times)
        axis.label_ends(axes, ends)
        return marks

    def multiples(self, figure: Figure, names: Sequence[Any], columns: int) -> list[Mark]:
        rows = -(-len(names) // columns)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        marks = []
        self._scale(grid[0][0])
        for place, axes in enumerate(grid.flat):
            if place >= len(names):
                axes.set_axis_off()
                continue
            for other in names:
                rest = self.frame[self.frame[self.series] == other]
                axes.plot(rest[self.x], rest[self.y], color="#E0E0E0", linewidth=1, zorder=1)
            own = self.frame[self.frame[self.series] == names[place]]
            name = self._name(names[place])
            marks += self._line(axes, own, FOCUS, name)
            axis.draw_target(axes, self.canvas, self.target, self.unit, list(self.frame[self.x]))
            value = self.canvas.voice.show(own[self.y].iloc[-1], self.unit)
            title = f"{axis.shorten(name, 14)}  {value}"
            axes.set_title(title, loc="left", fontsize=axis.LABEL_PX, color=FOCUS)
        times = sorted(set(self.frame[self.x]))
        if times and hasattr(times[0], "year"):
            ends = [times[0], times[-1]]
            for axes in grid[-1]:
                axis.format_time_axis(axes, self.canvas, ends)
                for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
                    label.set_horizontalalignment(side)
        return marks

    def _name(self, name: Any) -> str:
        return "" if name is None else self.canvas.voice.name_of(str(self.series), name)

    def _scale(self, axes: Axes) -> None:
        columns = [c for c in (self.y, self.low, self.high, self.last_year) if c]
        values = [value for column in columns for value in self.frame[column]]
        axis.begin_at_zero(axes, [*values, *([] if self.target is None else [self.target])])
        axis.format_value_axis(axes, self.canvas, self.unit)
        axis.format_x_axis(axes, self.canvas, list(self.frame[self.x]))

    def _line(self, axes: Axes, rows: pd.DataFrame, colour: str, name: str) -> list[Mark]:
        rows = rows.sort_values(self.x, kind="stable")
        if self.last_year:
            axes.plot(rows[self.x], rows[self.last_year], color=CONTEXT, linewidth=1.6)
        if self.low and self.high:
            band = (rows[self.low].astype(float), rows[self.high].astype(float))
            axes.fill_between(rows[self.x], *band, color=colour, alpha=0.16, linewidth=0)
        final = rows
        if "provisional" in rows and rows["provisional"].any():
            open_ = rows["provisional"].astype(bool)
            faded = rows[open_ | open_.shift(-1, fill_value=False)]
            axes.plot(faded[self.x], faded[self.y], color=colour, alpha=0.55, linestyle=(0, (1, 2)))
            hollow = rows[open_]
            axes.plot(hollow[self.x], hollow[self.y], "o", color=colour, mfc="white", markersize=5)
            final = rows[~open_]
        axes.plot(final[self.x], final[self.y], color=colour)
        if len(final):
            axes.plot(final[self.x].iloc[-1], final[self.y].iloc[-1], "o", color=colour, ms=4.5)
        known = rows.dropna(subset=[self.y])
        return [self._mark(axes, row, name) for row in known.to_dict("records")]

    def _mark(self, axes: Axes, row: dict[str, Any], name: str) -> Mark:
        import matplotlib.dates as dates

        show = self.canvas.voice.show
        text = f"{name} {axis.show_x(self.canvas, row[self.x])}: {show(row[self.y], self.unit)}"
        if self.low and self.high:
            text += f" ({show(row[self.low], self.unit)} – {show(row[self.high], self.unit)})"
        if row.get("provisional"):
            text += f" · {self.canvas.voice.say('word.provisional')}"
        x = dates.date2num(row[self.x]) if hasattr(row[self.x], "year") else row[self.x]
        return Mark(axes, float(x), float(row[self.y]), text.strip())

    def _ends(
        self, rows: pd.DataFrame, colour: str, name: str
    ) -> list[tuple[Any, float, str, str]]:
        rows = rows.dropna(subset=[self.y]).sort_values(self.x, kind="stable")
        if rows.empty:
            return []
        last = rows.iloc[-1]
        value = self.canvas.voice.show(last[self.y], self.unit)
        text = f"{axis.shorten(name, 18)}\n{value}" if name and self.canvas.narrow else value
        if name and not self.canvas.narrow:
            text = f"{axis.shorten(name, 18)} {value}"
        ends = [(last[self.x], float(last[self.y]), text, colour)]
        if self.last_year:
            words = self.canvas.voice.say("word.last_year")
            ends.append((last[self.x], float(last[self.last_year]), words, "#737373"))
        return [end for end in ends if end[1] == end[1]]
