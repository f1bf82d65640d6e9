"""From a drawing on Matplotlib axes to inline SVG that is safe beside others on a page."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.report import fonts
from helpers.report.sheet import Label, Sheet
from helpers.report.voice import Voice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FOCUS, CONTEXT, SOFT = "#222222", "#12436D", "#BFBFBF", "#595959"
SERIES = (FOCUS, "#28A197", "#F46A25", "#A285D1")
WORSE = "#F46A25"
SERIES_TEXT = (FOCUS, "#1A746D", "#B5430B", "#6D4BA3")
WIDE_PX, NARROW_PX = 720, 360
_STYLE = Path(__file__).parents[1] / "theme" / "report.mplstyle"
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_FAMILY = re.compile(r"\s*font-family:[^;]*;?")
_TICK = re.compile(r"[xy]tick_\d")
_UNNEEDED_ID = re.compile(r"(text|line2d|patch|[xy]tick|matplotlib\.axis)_\d+")
_FINER_THAN_A_PIXEL = re.compile(r"(\.\d\d)\d+")
_NO_TURN = re.compile(r"rotate\(-?0 [^)]*\)")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True)
class Canvas:
    """Where a chart is drawn.

    Attributes:
        id: The figure's own id.
        voice: Language and formats.
        width_px: Width of the drawing.
        fact: Id of the facts that the figure states; its own id when empty.
    """

    id: str
    voice: Voice
    width_px: int = WIDE_PX
    fact: str = ""

    @property
    def narrow(self) -> bool:
        """Whether it is the drawing for phones."""
        return self.width_px < WIDE_PX


@dataclass(frozen=True)
class Mark:
    """A place on the axes that tells its value on hover; a box has a width and height.

    Coordinates are those of the axes' data.
    """

    axes: Axes
    x: float
    y: float
    label: Label
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True)
class Drawing:
    """A figure as an SVG element, and the numbers that it states."""

    svg: str
    sheet: Sheet


Draw = Callable[["Figure"], Sequence[Mark]]


def render(canvas: Canvas, sheet: Sheet, height_px: int, draw: Draw, alt: str) -> Drawing:
    """Draw a figure as an SVG element.

    Args:
        canvas: Width and id; all ids inside begin with it.
        sheet: The numbers that the figure states.
        height_px: Height at full width.
        draw: Puts axes and artists on the figure; returns the marks.
        alt: The takeaway, read out in the figure's place.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    ensure_font()
    salt: dict[Any, Any] = {"svg.hashsalt": canvas.id, "svg.id": canvas.id}
    with mpl.rc_context(rc=salt, fname=_STYLE):
        size = (canvas.width_px / 72, height_px / 72)
        layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
        figure = Figure(figsize=size)
        canvas_svg = FigureCanvasSVG(figure)
        marks = draw(figure)
        layout.execute(figure)
        target = io.BytesIO()
        canvas_svg.print_svg(target, metadata={"Date": None, "Creator": None})
        hits = [_hit(mark, height_px) for mark in marks]
    return Drawing(clean(target.getvalue(), canvas.id, alt, hits), sheet)


def ensure_font() -> None:
    """Make Matplotlib know the font that the pages embed."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    if str(fonts.font_file()) not in known:
        font_manager.fontManager.addfont(str(fonts.font_file()))


def _hit(mark: Mark, height_px: int) -> ElementTree.Element:
    place = mark.axes.transData.transform
    left, bottom = place((mark.x, mark.y))
    if mark.width or mark.height:
        right, top = place((mark.x + mark.width, mark.y + mark.height))
        element = ElementTree.Element(
            "rect",
            {
                "x": f"{min(left, right):.1f}",
                "y": f"{height_px - max(top, bottom):.1f}",
                "width": f"{abs(right - left):.1f}",
                "height": f"{abs(top - bottom):.1f}",
            },
        )
    else:
        element = ElementTree.Element(
            "circle", {"cx": f"{left:.1f}", "cy": f"{height_px - bottom:.1f}", "r": "9"}
        )
    element.attrib |= _fact_attributes(mark.label.mark)
    ElementTree.SubElement(element, "title").text = mark.label.text
    return element


def _fact_attributes(mark: str | None) -> dict[str, str]:
    """What a label's mark says, as attributes of its element."""
    fact, _, fields = (mark or "").partition(" ")
    return {"data-fact": fact, "data-field": fields} if fields else {}


def clean(svg: bytes, figure_id: str, alt: str, hits: Sequence[ElementTree.Element]) -> str:
    """Matplotlib's SVG as an element of a page: own ids, no global style, no fixed font."""
    root = ElementTree.fromstring(svg)
    _without_styles(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _own_attributes(element, figure_id)
        _shorten(element)
    root.attrib = {
        "class": "sr-svg",
        "id": figure_id,
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": alt,
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    if hits:
        group = ElementTree.SubElement(root, "g", {"class": "sr-hits"})
        group.extend(hits)
    return ElementTree.tostring(root, encoding="unicode")


def _without_styles(root: ElementTree.Element) -> None:
    unwanted = {f"{_SVG}style", f"{_SVG}metadata"}
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in unwanted:
                parent.remove(child)
    for definitions in root.findall(f"{_SVG}defs"):
        if not len(definitions):
            root.remove(definitions)


def _shorten(element: ElementTree.Element) -> None:
    """Leave out what no reader sees: parts of a hundredth of a pixel, turns by nothing, indents."""
    attributes = element.attrib
    for name in ("d", "x", "y", "transform"):
        if name in attributes:
            attributes[name] = _FINER_THAN_A_PIXEL.sub(r"\1", attributes[name])
    if _NO_TURN.fullmatch(attributes.get("transform", "")):
        del attributes["transform"]
    if element.tag != "text" and not (element.text or "").strip():
        element.text = None
    if not (element.tail or "").strip():
        element.tail = "\n" if element.tag == "text" else None


def _own_attributes(element: ElementTree.Element, figure_id: str) -> None:
    attributes = element.attrib
    if _XLINK in attributes:
        attributes["href"] = f"#{figure_id}-{attributes.pop(_XLINK).removeprefix('#')}"
    if facts := _fact_attributes(attributes.get("id")):
        del attributes["id"]
        attributes |= facts
    elif "id" in attributes:
        own = attributes.pop("id")
        if not _UNNEEDED_ID.fullmatch(own):
            attributes["id"] = f"{figure_id}-{own}"
        if _TICK.match(own):
            attributes["class"] = "sr-axis"
    for name, value in attributes.items():
        if "url(#" in value:
            attributes[name] = _REFERENCE.sub(rf"url(#{figure_id}-\1)", value)
    if "style" in attributes:
        attributes["style"] = _FAMILY.sub("", attributes["style"])
