"""The one font of figures and of Chinese text: Noto Sans SC, which the package zhplot brings."""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

FAMILY = "Noto Sans SC"
PAGE_FAMILY = "Report Sans"
_LICENCE = "Noto Sans SC, SIL Open Font License 1.1"


@cache
def font_file() -> Path:
    """Where the font stands.

    Raises:
        FileNotFoundError: The package zhplot is not installed, or brings the font no more.
    """
    found = importlib.util.find_spec("zhplot")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("zhplot is not installed; run make once, it installs the lock")
    path = Path(found.submodule_search_locations[0]) / "fonts" / "NotoSansSC-Regular.ttf"
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in zhplot; install the locked version")
    return path


@cache
def covered() -> frozenset[int]:
    """Code points that the font has a glyph for."""
    from fontTools.ttLib import TTFont

    with TTFont(font_file(), lazy=True) as font:
        return frozenset(font.getBestCmap())


def uncovered(text: str) -> set[str]:
    """Characters that would have no glyph; line ends and other controls aside."""
    return {letter for letter in text if letter.isprintable() and ord(letter) not in covered()}


@lru_cache(maxsize=32)
def _subset(letters: str) -> bytes:
    from fontTools import subset

    options = subset.Options(
        flavor="woff2",
        hinting=False,
        layout_features=["kern", "tnum", "locl", "ccmp"],
        name_IDs=[0, 1, 2, 5, 13, 14],
        notdef_outline=True,
        ignore_missing_unicodes=True,
    )
    font = subset.load_font(str(font_file()), options, lazy=True)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    target = io.BytesIO()
    subset.save_font(font, target, options)
    return target.getvalue()


def font_face(text: Iterable[str]) -> str:
    """A CSS `@font-face` rule with just the glyphs that a text needs, as data."""
    letters = "".join(sorted({letter for letter in "".join(text) if letter.isprintable()}))
    data = base64.b64encode(_subset(letters)).decode("ascii")
    return (
        f"/* {_LICENCE} */@font-face{{font-family:'{PAGE_FAMILY}';"
        f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
    )
