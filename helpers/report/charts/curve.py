"""What a model said beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import FOCUS, SERIES, SOFT, Canvas, Mark, render

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Held-out time that begins so late leaves no room for its name before the names of the lines.
LATE = 0.6


def curve(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    x: str,
    actual: str,
    predicted: str,
    unit: str,
    low: str | None = None,
    high: str | None = None,
    since: Any = None,
    alt: str = "",
) -> str:
    """Draw two lines over the same axis: actual solid, predicted dashed with its band.

    Args:
        canvas: Where it is drawn.
        frame: One row a place on the x axis; actual may end before predicted.
        x: Column of times or numbers.
        actual: Column of what happened.
        predicted: Column of what the model says.
        unit: Unit of both.
        low: Column of the lower end of the prediction's 95 % interval.
        high: Column of its upper end.
        since: Where held-out time begins; a thin line marks it.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    rows = frame.sort_values(x, kind="stable")
    names = {actual: canvas.voice.say("word.actual"), predicted: canvas.voice.say("word.predicted")}

    def draw(figure: Figure) -> list[Mark]:
        axes = figure.add_subplot()
        shown = [c for c in (actual, predicted, low, high) if c]
        axis.begin_at_zero(axes, [v for c in shown for v in rows[c]], always=True)
        axis.format_value_axis(axes, canvas, unit)
        axis.format_x_axis(axes, canvas, list(rows[x]))
        if low and high:
            band = (rows[low].astype(float), rows[high].astype(float))
            axes.fill_between(rows[x], *band, color=SERIES[2], alpha=0.16, linewidth=0)
        axes.plot(rows[x], rows[predicted], color="#C24E10", linestyle=(0, (4, 2)))
        axes.plot(rows[x], rows[actual], color=FOCUS)
        if since is not None:
            late = (rows[x] <= since).mean() > LATE
            axes.axvline(since, color=SOFT, linewidth=0.8)
            axes.annotate(
                canvas.voice.say("chart.held_out"), (since, axes.get_ylim()[1]),
                xytext=(-4 if late else 4, -2), ha="right" if late else "left",
                textcoords="offset points", va="top", **axis.quiet(),
            )  # fmt: skip
        ends = []
        for column, colour in ((actual, FOCUS), (predicted, "#B5430B")):
            known = rows.dropna(subset=[column])
            if len(known):
                last = known.iloc[-1]
                text = f"{names[column]} {canvas.voice.show(last[column], unit)}"
                ends.append((last[x], float(last[column]), text, colour))
        axis.label_ends(axes, ends)
        return [
            mark
            for column in (actual, predicted)
            for mark in _marks(axes, canvas, rows, x, column, names[column], unit)
        ]

    return render(canvas, 260 if canvas.narrow else 300, draw, alt)


def _marks(
    axes: Any, canvas: Canvas, rows: pd.DataFrame, x: str, column: str, name: str, unit: str
) -> list[Mark]:
    import matplotlib.dates as dates

    marks = []
    for row in rows.dropna(subset=[column]).to_dict("records"):
        place = dates.date2num(row[x]) if hasattr(row[x], "year") else row[x]
        value = canvas.voice.show(row[column], unit)
        text = f"{name}, {axis.show_x(canvas, row[x])}: {value}"
        marks.append(Mark(axes, float(place), float(row[column]), text))
    return marks
