"""The HTML round a chart or a table: finding, what it shows, alt text, note, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from helpers.plan.metrics import metric
from helpers.report.basis import Basis
from helpers.report.languages import chosen
from helpers.report.provenance import VERDICTS
from helpers.report.voice import Voice

ROWS = "rows"


def caption_html(voice: Voice, key: str, values: Mapping[str, Any]) -> str:
    """The finding as a title, and below it measure, unit, scope and period."""
    subtitle = voice.block_html(key, "subtitle", values)
    below = f'<p class="sr-subtitle">{subtitle}</p>' if subtitle else ""
    return f'<h3 class="sr-title">{voice.title_html(key, values)}</h3>{below}'


def source_html(voice: Voice, basis: Basis, metrics: Sequence[str], extra: str = "") -> str:
    """Where the numbers come from: tables and as-of date in sight, how they were computed folded.

    Args:
        voice: Language.
        basis: What the block rests on.
        metrics: Metrics of the contract that it states.
        extra: HTML at the end of the line.
    """
    parts = [voice.say("source.as_of", day=basis.as_of)]
    if basis.answer.sources:
        parts.insert(0, voice.say("source.tables", names=", ".join(basis.answer.sources)))
    line = f'<p class="sr-source">{escape(" · ".join(parts))}{extra}</p>'
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{text}</dd>" for term, text in _how(
        voice, basis, metrics) if text)  # fmt: skip
    name = escape(voice.say("how.name"))
    return f'{line}<details class="sr-how"><summary>{name}</summary><dl>{rows}</dl></details>'


def _how(voice: Voice, basis: Basis, metrics: Sequence[str]) -> list[tuple[str, str]]:
    """What is folded away, as terms and HTML."""
    answer, between = basis.answer, voice.spoken.between
    links = (
        f'<a href="#metric-{escape(name)}">{escape(chosen(metric(name).name, voice.language))}</a>'
        for name in metrics
    )
    tables = [voice.say("how.table", name=name, n=n) for name, n in basis.tables.items()]
    sections = answer.section.replace(" and ", ", ").split(", ") if answer.section else []
    return [
        (voice.say("how.measure"), answer.name and f"<code>{escape(answer.name)}</code>"),
        (voice.say("how.definition"), between.join(links)),
        (voice.say("how.tables"), escape(between.join(tables))),
        (voice.say("how.checks"), escape(_checks(voice, basis))),
        (voice.say("how.rows"), escape(voice.say("how.rows_text", n=len(answer.frame)))),
        (
            voice.say("how.plan"),
            escape(voice.say("how.plan_text", n=len(sections), sections=between.join(sections))),
        ),
    ]


def _checks(voice: Voice, basis: Basis) -> str:
    """The verdict on the tables of a block: the worst of its checks first; empty without any."""
    worst = next((name for name in reversed(VERDICTS) if basis.checks[name]), "")
    counts = {f"n_{name}": count for name, count in basis.checks.items()}
    verdict = worst and voice.say(f"how.{worst}", **counts)
    aside = basis.quarantined and voice.say("how.quarantined", n=basis.quarantined)
    return voice.spoken.between.join(one for one in (verdict, aside) if one)


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
