"""The HTML round a chart or a table: finding, what it shows, alt text, note, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from helpers.report.measured import Measured
from helpers.report.voice import Voice

ROWS = "rows"


def caption_html(voice: Voice, key: str, values: Mapping[str, Any]) -> str:
    """The finding as a title, and below it measure, unit, scope and period."""
    subtitle = voice.block_html(key, "subtitle", values)
    below = f'<p class="sr-subtitle">{subtitle}</p>' if subtitle else ""
    return f'<h3 class="sr-title">{voice.title_html(key, values)}</h3>{below}'


def source_html(voice: Voice, measured: Sequence[Measured], as_of: date, extra: str = "") -> str:
    """Where the numbers come from: tables, measure, section of the plan, as-of date."""
    tables = list(dict.fromkeys(name for one in measured for name in one.sources))
    parts = [voice.say("source.as_of", day=as_of)]
    if tables:
        parts.insert(0, voice.say("source.tables", names=", ".join(tables)))
    names = list(dict.fromkeys(one.name for one in measured if one.name))
    if names:
        parts.append(voice.say("source.measure", names=", ".join(names)))
    sections = list(dict.fromkeys(one.section for one in measured if one.section))
    if sections:
        parts.append(voice.say("source.plan", sections=", ".join(sections)))
    text = escape((" · ").join(part for part in parts if part))
    return f'<p class="sr-source">{text}{extra}</p>'


def figure_html(
    voice: Voice, key: str, values: Mapping[str, Any], drawings: Mapping[str, str], source: str
) -> str:
    """A chart with its words; `drawings` holds the wide and the narrow SVG."""
    body = "".join(f'<div class="sr-{name}">{svg}</div>' for name, svg in drawings.items())
    return (
        f'<figure class="sr-figure" id="block-{escape(key)}"><figcaption>'
        f"{caption_html(voice, key, values)}</figcaption>{body}{note_html(voice, key, values)}"
        f"{source}</figure>"
    )


def note_html(voice: Voice, key: str, values: Mapping[str, Any]) -> str:
    """A caveat below a figure; empty where there is none."""
    note = voice.block_html(key, "note", values)
    return f'<p class="sr-note">{note}</p>' if note else ""


def table_block_html(
    voice: Voice,
    key: str,
    values: Mapping[str, Any],
    table: str,
    rows: tuple[int, int],
    source: str,
) -> str:
    """A table with its words; `rows` are those shown and those there are."""
    shown, all_rows = rows
    fact = voice.fact(f"{key}.{ROWS}")
    more = voice.say_html("table.more", fact, **shown_rows(rows)) if shown < all_rows else ""
    hint = f'<p class="sr-more">{more}</p>' if more else ""
    return (
        f'<section class="sr-figure" id="block-{escape(key)}">{caption_html(voice, key, values)}'
        f"{table}{hint}{note_html(voice, key, values)}{source}</section>"
    )


def shown_rows(rows: tuple[int, int]) -> dict[str, int]:
    """How many rows a page shows, and how many there are."""
    return dict(zip(("shown", "all"), rows, strict=True))


def notice_html(voice: Voice, lead: str, would_show: str = "") -> str:
    """A plain box that says why something is not shown; both texts are HTML."""
    more = ""
    if would_show:
        more = f"<p>{escape(voice.say('missing.would_show'))} {would_show}</p>"
    return f'<div class="sr-notice" role="note"><p>{lead}</p>{more}</div>'


def download_marker(chapter: str, key: str) -> str:
    """The place of a download link; a page fills it with the address, JupyterLab shows nothing."""
    return f"<!--download:{chapter}-{key}-->"
