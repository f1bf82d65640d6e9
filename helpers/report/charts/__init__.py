"""Charts: a small frame and a unit in, one inline SVG out. No chart queries anything."""

from helpers.report.charts.bars import bars
from helpers.report.charts.curve import curve
from helpers.report.charts.heatmap import heatmap
from helpers.report.charts.stacked import stacked
from helpers.report.charts.trend import trend
from helpers.report.charts.waterfall import waterfall

__all__ = ["bars", "curve", "heatmap", "stacked", "trend", "waterfall"]
