"""A bridge from one total to another, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.report.charts import axis
from helpers.report.charts.figure import CONTEXT, FOCUS, INK, WORSE, Canvas, Drawing, Mark, render
from helpers.report.findings import display_unit
from helpers.report.sheet import Sheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROW_PX = 28
_TOTAL = "#595959"


def waterfall(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    unit: str,
    total: str = "is_total",
    alt: str = "",
) -> Drawing:
    """Draw steps from the top down, each from where the one before ended.

    Args:
        canvas: Where it is drawn.
        frame: One row a step, in order.
        label: Column of names or codes.
        value: Column of steps; where `total` is true it is a level, drawn from zero.
        unit: Unit of the values.
        total: Bool column; without it the first and last rows are totals.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    rows = frame.to_dict("records")
    last = len(rows) - 1
    is_total = [bool(row[total]) if total in row else i in (0, last) for i, row in enumerate(rows)]
    spans = _spans([float(row[value]) for row in rows], is_total)
    units = {label: "value", value: display_unit(value, unit)}
    sheet = Sheet(canvas.fact or canvas.id, units, rows)
    names = [sheet.show(canvas.voice, i, label) for i in range(len(rows))]

    def draw(figure: Figure) -> list[Mark]:
        axes = figure.add_subplot()
        marks = []
        for i, (start, end) in enumerate(spans):
            rising = FOCUS if end >= start else WORSE
            axes.barh(i, end - start, left=start, height=0.62,
                      color=_TOTAL if is_total[i] else rising)  # fmt: skip
            if i < last:
                axes.plot([end, end], [i - 0.31, i + 1.31], color=CONTEXT, linewidth=0.8, zorder=0)
            number = sheet.show(canvas.voice, i, value, signed=not is_total[i])
            said = sheet.label(number, i, value)
            axes.annotate(
                said.text, (max(start, end), i), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=axis.LABEL_PX + 1, color=INK, annotation_clip=False,
                gid=said.mark,
            )  # fmt: skip
            width = (end - start) or 1e-9
            hover = sheet.label(f"{names[i]}: {number}", i, value)
            marks.append(Mark(axes, start, i - 0.5, hover, width, 1))
        limit = 18 if canvas.narrow else 34
        axes.set_yticks(range(len(rows)), [axis.shorten(name, limit) for name in names])
        axes.set_ylim(last + 0.5, -0.5)
        axes.axvline(0, color="#8C8C8C", linewidth=0.8)
        axes.tick_params(axis="y", labelsize=axis.LABEL_PX + 1, labelcolor=INK, length=0)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        return marks

    return render(canvas, sheet, 24 + ROW_PX * len(rows), draw, alt)


def _spans(values: list[float], is_total: list[bool]) -> list[tuple[float, float]]:
    spans = []
    level = 0.0
    for value, whole in zip(values, is_total, strict=True):
        start = 0.0 if whole else level
        level = value if whole else level + value
        spans.append((start, level))
    return spans
