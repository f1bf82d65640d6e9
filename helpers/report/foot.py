"""The foot of a page: where its numbers come from; and the definitions of its metrics."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from importlib import metadata
from typing import Any

from helpers.plan import metrics
from helpers.plan.periods import parse_period
from helpers.report.languages import chosen
from helpers.report.voice import Voice

_LINK = re.compile(r'href="[^"]*#metric-([a-z0-9_.]+)"')
_PACKAGES = ("duckdb", "ibis-framework", "pandas", "matplotlib", "nbconvert")
_PARTS = ("numerator", "denominator", "window", "rule", "time")


def linked_metrics(html: str) -> list[str]:
    """Metrics that a page links to, in the order of the contract."""
    linked = set(_LINK.findall(html))
    return [name for name in metrics.load() if name in linked]


def definitions(html: str, voice: Voice) -> list[dict[str, Any]]:
    """Entries of the contract for the metrics that a page links to."""
    return [_definition(name, voice) for name in linked_metrics(html)]


def sentence(name: str, voice: Voice) -> str:
    """A metric's definition in one sentence."""
    entry, language = metrics.metric(name), voice.language
    texts = (entry.numerator, entry.denominator or {"en": ""}, entry.window)
    numerator, denominator, window = (text.get(language, text["en"]) for text in texts)
    key = "define.rate" if denominator else "define.sum"
    return voice.say(key, numerator=numerator, denominator=denominator, window=window)


def _definition(name: str, voice: Voice) -> dict[str, Any]:
    entry = metrics.metric(name)
    parts = [
        (voice.say(f"define.{part}"), chosen(text, voice.language))
        for part in _PARTS
        if (text := getattr(entry, part))
    ]
    version = voice.say(
        "define.version_text", n=entry.version, section=entry.section, measure=entry.measure
    )
    parts.append((voice.say("define.version"), version))
    return {"id": name, "name": chosen(entry.name, voice.language), "parts": parts}


@cache
def package_versions() -> str:
    """The packages that make the numbers and the pages, with their versions."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)


def contract_version() -> str:
    """How many definitions there are and the sum of their versions, as one mark."""
    entries = metrics.load().values()
    return f"{len(entries)}.{sum(entry.version for entry in entries)}"


def read_day(text: str) -> date:
    """A day of a context or record."""
    return date.fromisoformat(text[:10])


def read_moment(text: str, voice: Voice) -> str:
    """A moment as day and time with its offset from UTC."""
    moment = datetime.fromisoformat(text)
    zone = moment.strftime("%z")
    offset = f" UTC{zone[:3]}:{zone[3:]}" if zone and zone != "+0000" else " UTC" if zone else ""
    return f"{voice.show(moment.date(), 'date')} {moment:%H:%M}{offset}"


def period_title(period: dict[str, Any], voice: Voice) -> str:
    """A period's name."""
    start, end = read_day(period["start"]), read_day(period["end"])
    return voice.show(parse_period(period["label"], start, end), "period")


def lines(context: dict[str, Any], voice: Voice) -> list[str]:
    """What the foot says, a line each."""
    prepared, quality = context["prepared"], context["quality"]
    rows = quality.get("rows", {})
    verdicts = [one["status"] for one in quality.get("verdicts", ())]
    aside = sum(int(one["quarantined"]) for one in quality.get("tables", {}).values())
    found = [
        voice.say(
            "foot.through",
            day=read_day(prepared["as_of"]),
            period=period_title(context["period"], voice),
        ),
        voice.say("foot.rows", n=sum(rows.values()), tables=len(rows)),
        voice.say(
            "foot.source",
            source=prepared["source"],
            currency=prepared["currency"],
            zone=prepared["time_zone"],
        ),
        voice.say(
            "foot.checks",
            passed=verdicts.count("pass"),
            warned=verdicts.count("warn"),
            failed=verdicts.count("fail"),
        ),
        voice.say("foot.quarantine", n=aside) if aside else "",
        voice.say("foot.definitions", versions=contract_version()),
        voice.say("foot.run", run=context["run"]),
        voice.say("foot.commit", commit=context["commit"][:12]),
        voice.say("foot.packages", packages=package_versions()),
        voice.say("foot.published", when=read_moment(context["published_at"], voice)),
    ]
    return [line for line in found if line]
