"""One block in one language: sentences, figures, tables and notices put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from helpers.plan.periods import Period
from helpers.report import cards, figures, tables
from helpers.report.basis import Basis
from helpers.report.charts.figure import NARROW_PX, WIDE_PX, Canvas, Drawing
from helpers.report.findings import Finding, Missing, number, period_json
from helpers.report.measured import Measured
from helpers.report.sheet import Sheet
from helpers.report.text import template
from helpers.report.text.template import Piece, given_html, to_html, to_text
from helpers.report.voice import Voice


def _pieces(
    voice: Voice, key: str, finding: Finding | None, values: Mapping[str, Any]
) -> tuple[Piece, ...] | None:
    given = dict(values)
    variant = str(given.pop("variant", finding.status if finding else ""))
    if finding:
        given["finding"] = finding
    return voice.fill(voice.texts.sentence(key, variant), given, key)


def sentence_text(
    voice: Voice, key: str, finding: Finding | None, values: Mapping[str, Any]
) -> str:
    """A sentence without marks; empty where nothing can be said."""
    pieces = _pieces(voice, key, finding, values)
    return to_text(pieces) if pieces else ""


def sentence_html(
    kind: str, voice: Voice, key: str, finding: Finding | None, values: Mapping[str, Any]
) -> str:
    """A sentence as a paragraph; where nothing can be said, what the store lacks, or nothing."""
    pieces = _pieces(voice, key, finding, values)
    if pieces:
        return f'<p class="sr-{kind}">{to_html(pieces)}</p>'
    if finding and finding.missing:
        lack = cards.missing_pieces(finding.missing.as_json(), voice)
        name = cards.metric_name(finding.metric, voice)
        return figures.notice_html(voice, voice.say_html("missing.metric", name=name, lack=lack))
    return ""


def sentence_figures(
    voice: Voice, key: str, finding: Finding | None, values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Numbers that a sentence states and that are no facts of the contract, by their id."""
    return {voice.fact(key): template.figures(_pieces(voice, key, finding, values) or ())}


def block_figures(voice: Voice, key: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The same of the words round a figure, a table or actions."""
    return {
        voice.fact(f"{key}.{part}"): template.figures(voice.block(key, part, values))
        for part in ("title", "subtitle", "note")
    }


def row_figures(
    voice: Voice, key: str, answer: Measured, layout: tables.Layout
) -> dict[str, dict[str, Any]]:
    """How many rows of a table are on the page, and how many there are."""
    rows = figures.shown_rows((min(layout.top, len(answer.frame)), len(answer.frame)))
    found = {name: {"value": count, "unit": "integer"} for name, count in rows.items()}
    return {voice.fact(f"{key}.{figures.ROWS}"): found}


def metrics_of(metric: str | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Metrics whose definitions a block needs."""
    found = [metric] if metric else []
    found += [value.metric for value in values.values() if isinstance(value, Finding)]
    return tuple(dict.fromkeys(found))


def figure(
    voice: Voice,
    chapter: str,
    key: str,
    basis: Basis,
    chart: Callable[..., Drawing],
    options: Mapping[str, Any],
    values: Mapping[str, Any],
    metrics: Sequence[str],
) -> tuple[str, Sheet]:
    """A chart, once for wide pages and paper and once for phones, with its words.

    Returns:
        The HTML, and the numbers that the chart states.
    """
    alt = voice.block_text(key, "alt", values) or voice.block_text(key, "title", values)
    stem = f"{chapter}-{key}".replace("_", "-")
    drawn = {
        name: chart(
            Canvas(f"{stem}-{voice.language}-{name}", voice, width, voice.fact(key)),
            basis.answer.frame,
            alt=alt or voice.block_name(key),
            **options,
        )
        for name, width in (("wide", WIDE_PX), ("narrow", NARROW_PX))
    }
    source = figures.source_html(voice, basis, metrics)
    drawings = {name: one.svg for name, one in drawn.items()}
    html = figures.figure_html(voice, key, values, drawings, source)
    return html, drawn["wide"].sheet


def table(
    voice: Voice,
    chapter: str,
    key: str,
    basis: Basis,
    layout: tables.Layout,
    values: Mapping[str, Any],
    metrics: Sequence[str],
) -> str:
    """A table with its words, its source and the place of its download."""
    answer = basis.answer
    marker = figures.download_marker(chapter, key)
    return figures.table_block_html(
        voice,
        key,
        values,
        tables.table_html(voice, key, answer.frame, layout),
        (min(layout.top, len(answer.frame)), len(answer.frame)),
        figures.source_html(voice, basis, metrics, marker),
    )


def notice(voice: Voice, key: str, missing: Missing | None) -> str:
    """What is needed for a block, and what would be seen; or what it means that nothing is."""
    if missing is None:
        lead = voice.texts.block(key, "nothing")
        lead = lead or voice.say("missing.nothing", name=voice.block_name(key))
        return figures.notice_html(voice, given_html(lead))
    lack = cards.missing_pieces(missing.as_json(), voice)
    lead = voice.say_html("missing.metric", name=voice.block_name(key), lack=lack)
    return figures.notice_html(voice, lead, given_html(voice.texts.block(key, "missing") or ""))


def parameter_fact(
    name: str, estimate: Any, n: float | None, period: Period, chapter: str
) -> dict[str, Any]:
    """The entry of `facts.json` for a fitted parameter."""

    def part(field: str) -> float | None:
        if isinstance(estimate, Mapping):
            return number(estimate.get(field))
        if isinstance(estimate, (int, float)):
            return number(estimate) if field == "value" else None
        return number(getattr(estimate, field, None))

    return {
        "id": name,
        "metric": name,
        "scope": {},
        "period": period_json(period),
        **{field: part(field) for field in ("value", "low", "high", "standard_error")},
        "n": part("n") or number(n),
        **dict.fromkeys(("numerator", "denominator", "target", "target_direction", "target_due")),
        "unit": "number",
        **dict.fromkeys(("gap", "previous", "last_year", "observed", "missing")),
        "status": "no_target",
        "definition_version": 1,
        "provisional": False,
        "chapter": chapter,
    }
