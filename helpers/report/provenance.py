"""Where a chapter's numbers come from: the store, its rows, its quality, the versions."""

from __future__ import annotations

from typing import Any

from helpers.report.findings import period_json

VERDICTS = ("pass", "warn", "fail")


def period(store: Any) -> dict[str, Any]:
    """The report's period, and whether all its days are in the data."""
    return {**period_json(store.period), "complete": store.as_of >= store.period.end}


def of(store: Any) -> dict[str, Any]:
    """The parts of a record that say what it rests on."""
    return {
        "quality": quality_summary(store.quality),
        "provenance": {
            "source": store.source,
            "currency": store.currency,
            "time_zone": store.time_zone,
            "as_of": store.as_of.isoformat(),
            "first_day": store.first_day.isoformat(),
            "last_day": store.last_day.isoformat(),
            "fingerprint": store.prepared.fingerprint,
            "rows": dict(store.quality.get("rows", {})),
        },
    }


def quality_summary(quality: dict[str, Any]) -> dict[str, Any]:
    """Counts of the checks' verdicts, the tables that failed, and the rows in quarantine."""
    verdicts = quality.get("verdicts", [])
    counts = {name: sum(one["status"] == name for one in verdicts) for name in VERDICTS}
    return {
        **counts,
        "failed": list(quality.get("failed", [])),
        "quarantined": sum(int(one["quarantined"]) for one in quality.get("tables", {}).values()),
    }
