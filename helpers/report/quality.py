"""What the front page says about the data: can they be trusted, what to mend, the bridge."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from helpers.report import blocks, text
from helpers.report.formats import currency_sign
from helpers.report.text.template import Piece, number_html, placeholders, to_html
from helpers.report.voice import Voice

ASK_FOR_ACTION = (
    "export_total_differs", "export_perhaps_twice", "export_currency_assumed", "export_spread",
    "ga4_orders_unknown", "sheets_unknown", "codes_unknown", "campaigns_undated", "unknown_column",
    "file_empty", "file_unknown",
)  # fmt: skip
"""Notes that a reader can mend; the others only say how the source was read."""
TOLD_BY_REASON = ("quarantined_rows", "keys", "ranges", "references")
"""Checks whose warning the list of rows set aside tells better; a failure stands by itself."""
MOST_FAULTS = 12
_FIGURE = re.compile(r"-?\d+(\.\d+)?")
_MONEY = re.compile(r"-?\d+\.\d\d")


def verdict(quality: Mapping[str, Any], voice: Voice) -> str:
    """Whether the numbers can be trusted, in one sentence."""
    failed = sorted({o["table"] for o in quality.get("verdicts", ()) if o["status"] == "fail"})
    if failed:
        names = _listed([_table_name(name, voice) for name in failed], voice)
        return voice.say("quality.verdict_failed", tables=len(failed), names=names)
    points = len(_poor(quality)) + bool(quality.get("quarantine"))
    return (
        voice.say("state.quality_warned", n=points) if points else voice.say("state.quality_good")
    )


def quality_html(quality: Mapping[str, Any], voice: Voice) -> str:
    """The verdict on the data; what warns, fails or is set aside; notes and bridge folded away."""
    notes = quality.get("notes", ())
    urgent = [note for note in notes if note["key"] in ASK_FOR_ACTION]
    others = [note for note in notes if note["key"] not in ASK_FOR_ACTION]
    told = _notes(others, voice) + _twice(quality.get("tables", {}), voice)
    return (
        f'<p class="sr-quality">{escape(verdict(quality, voice))}</p>'
        + _checks(_poor(quality), voice)
        + _quarantine(quality.get("quarantine", ()), quality.get("tables", {}), voice)
        + _list(_notes(urgent, voice))
        + (blocks.folded(voice.say("quality.notes", n=len(told)), _list(told)) if told else "")
        + _bridge(quality.get("bridge", ()), voice)
    )


def _poor(quality: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Checks that fail, and warnings: not of a table that failed, nor told by the quarantine."""
    told = TOLD_BY_REASON if quality.get("quarantine") else ()
    verdicts = quality.get("verdicts", ())
    failed = {one["table"] for one in verdicts if one["status"] == "fail"}
    return [
        one
        for one in verdicts
        if one["status"] == "fail"
        or (one["status"] == "warn" and one["check"] not in told and one["table"] not in failed)
    ]


def _checks(poor: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    """What warns or fails: what was found, what it means for the numbers, and the verdict."""
    if not poor:
        return ""
    rows = [
        f'<tr><th scope="row">{escape(_row_name(one["table"], voice))}</th>'
        f"<td>{_found(one, voice)}</td><td>{escape(_meaning(one, voice))}</td>"
        f"<td>{escape(voice.say('quality.' + one['status']))}</td></tr>"
        for one in sorted(poor, key=lambda one: one["status"])
    ]
    table = _table("quality.checks", ("table", "found", "means", "status"), rows, voice)
    return f"<h3>{escape(voice.say('quality.checks'))}</h3>{table}"


def _found(one: Mapping[str, Any], voice: Voice) -> str:
    values = dict(one.get("values", {}))
    if "limit" in values:
        unit = "days" if "days" in values else "ratio"
        values["limit"] = voice.show(values["limit"], unit, strip=True)
    fact = f"quality.check.{one['table']}.{one['check']}"
    if "then" in values:
        fact += f".{values['then']}"
    return _marked(f"checks.{one['check']}.found", values, voice, fact) or escape(one["found"])


def _meaning(one: Mapping[str, Any], voice: Voice) -> str:
    if one["status"] == "fail":
        return voice.say("quality.left_out")
    return str(_common(f"checks.{one['check']}.means", voice) or "")


def _quarantine(found: Sequence[Mapping[str, Any]], tables: Mapping[str, Any], voice: Voice) -> str:
    """The rows set aside by reason, each with where the first stands and what to mend."""
    if not found:
        return ""
    whole = sum(int(account["rows_in"]) for account in tables.values())
    values = {"rows": sum(int(one["rows"]) for one in found), "of": whole}
    lead = _marked("quality.set_aside", values, voice, "quality.quarantine")
    most = sorted(range(len(found)), key=lambda i: (-int(found[i]["rows"]), i))[:MOST_FAULTS]
    rows = [_fault_row(found[i], f"quality.quarantine.{i}", voice) for i in most]
    heads = ("table", "rows", "reason", "mend", "first")
    more = ""
    if len(found) > len(rows):
        shown = voice.say("quality.more", shown=len(rows), all=len(found))
        more = f'<p class="sr-note">{escape(shown)}</p>'
    return f"<h3>{lead}</h3>{_table('quality.quarantine', heads, rows, voice)}{more}"


def _fault_row(fault: Mapping[str, Any], fact: str, voice: Voice) -> str:
    key = fault["key"]
    values = {name: _told(name, value, voice) for name, value in fault["values"].items()}
    why = _marked(f"faults.{key}.why", values, voice, fact) or escape(fault["reason"])
    mend = _marked(f"faults.{key}.mend", values, voice, fact)
    place = {"file": fault["file"], "line": fault["line"]}
    first = _marked("quality.place", place, voice, fact) if fault["line"] else ""
    rows = number_html(f"{int(fault['rows']):,}", fact, "rows", style="sr-c")
    return (
        f'<tr><th scope="row">{escape(_row_name(fault["table"], voice))}</th>'
        f'<td class="sr-num">{rows}</td><td>{why}</td><td>{mend}</td><td>{first}</td></tr>'
    )


def _told(name: str, value: str, voice: Voice) -> str:
    """A value of a fault: a table by its name, a list with the language's commas."""
    if name == "parent":
        return _table_name(value, voice)
    return _listed(value.split(", "), voice) if name in ("column", "allowed") else value


def _table_name(table: str, voice: Voice) -> str:
    return voice.name_of("table", table)


def _row_name(table: str, voice: Voice) -> str:
    name = _table_name(table, voice)
    return name[:1].upper() + name[1:]


def _listed(names: Sequence[str], voice: Voice) -> str:
    return voice.spoken.between.join(names)


def _common(key: str, voice: Voice) -> Any:
    return text.find(text.load(voice.language, "common"), key)


def _marked(key: str, values: Mapping[str, Any], voice: Voice, fact: str) -> str:
    """A text of the catalogue filled, its figures marked; empty where it can't be filled."""
    written = _common(key, voice)
    if not written or not {name for name, _, _ in placeholders(written)} <= set(values):
        return ""
    given = {
        name: (Piece(value, fact, name),)
        if isinstance(value, str) and _FIGURE.fullmatch(value)
        else value
        for name, value in values.items()
    }
    return to_html(voice.pieces(key, given, fact))


def _notes(notes: Sequence[Mapping[str, Any]], voice: Voice) -> list[str]:
    """Notes in words as HTML; in the source's own where the catalogue has none."""
    found = []
    for note in notes:
        fact = f"quality.note.{note['key']}"
        values = {n: _shown(v, voice, fact, n) for n, v in note.get("values", {}).items()}
        said = _marked(f"notes.{note['key']}", values, voice, fact)
        found.append(said or escape(note["text"]))
    return found


def _shown(value: str, voice: Voice, fact: str, name: str) -> Any:
    """A value of a note: an amount with its currency, a count with a comma between thousands."""
    if not _FIGURE.fullmatch(value):
        return value
    figure = f"{abs(Decimal(value)):,}"
    sign = "−" if value.startswith("-") else ""
    currency = currency_sign(voice.currency) if _MONEY.fullmatch(value) else ""
    return (Piece(f"{sign}{currency}{figure}", fact, name),)


def _twice(tables: Mapping[str, Any], voice: Voice) -> list[str]:
    """That rows which the source delivers twice count once."""
    rows = sum(int(account.get("delivered_twice", 0)) for account in tables.values())
    return [_marked("quality.twice", {"n": rows}, voice, "quality.twice")] if rows else []


def _list(items: Sequence[str]) -> str:
    return f'<ul class="sr-notes"><li>{"</li><li>".join(items)}</li></ul>' if items else ""


def _bridge(steps: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    """From the source's raw total to net sales, exact to the cent, folded away."""
    shown = [s for s in steps if Decimal(s["money"]) or s["key"] in ("raw_total", "net_sales")]
    if len(shown) < 2:
        return ""
    rows = [
        f'<tr><th scope="row">{escape(voice.name_of("bridge", step["key"]))}</th>'
        f'<td class="sr-num">{_of_bridge(step, "rows", lambda v: f"{int(v):,}")}</td>'
        f'<td class="sr-num">{_of_bridge(step, "money", _cents)}</td></tr>'
        for step in shown
    ]
    table = _table("foot.bridge", ("step", "rows", "money"), rows[:-1], voice, total=rows[-1])
    return blocks.folded(voice.say("foot.bridge"), table)


def _of_bridge(step: Mapping[str, Any], name: str, show: Callable[[Any], str]) -> str:
    return number_html(show(step[name]), f"quality.bridge.{step['key']}", name, style="sr-c")


def _cents(money: str) -> str:
    return f"{Decimal(money):,.2f}".replace("-", "−")


def _table(
    label: str, heads: Sequence[str], rows: Sequence[str], voice: Voice, *, total: str = ""
) -> str:
    """A table in a box that scrolls by itself where the page is narrow."""
    head = "".join(_head(name, voice) for name in heads)
    end = f"<tfoot>{total}</tfoot>" if total else ""
    return (
        '<div class="sr-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(voice.say(label))}"><table class="sr-table"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody>{end}</table></div>"
    )


def _head(name: str, voice: Voice) -> str:
    style = ' class="sr-num"' if name in ("rows", "money") else ""
    unit = f' <span class="sr-unit">{escape(voice.currency)}</span>' if name == "money" else ""
    return f'<th scope="col"{style}>{escape(voice.say(f"quality.{name}"))}{unit}</th>'
