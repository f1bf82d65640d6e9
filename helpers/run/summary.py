"""What a run says when it is over."""

from __future__ import annotations

from pathlib import Path

from helpers.run.execution import Outcome

_WORDS = {
    "executed": "executed",
    "unchanged": "unchanged",
    "carried": "carried over",
    "stale": "FAILED, last good page shown",
    "failed": "FAILED, notice shown",
    "left_out": "left out",
}


def lines(outcomes: list[Outcome], published: Path) -> list[str]:
    """One line a chapter: status, seconds, where its page stands, why it failed."""
    rows = [("chapter", "status", "seconds", "page"), *(_row(o, published) for o in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    found = []
    for row in rows:
        name, status, seconds = row[:3]
        found.append(
            f"{name:<{widths[0]}}  {status:<{widths[1]}}  {seconds:>{widths[2]}}  {row[3]}".rstrip()
        )
    return found


def _row(outcome: Outcome, published: Path) -> tuple[str, str, str, str]:
    status = _WORDS[outcome.status] + (f" ({outcome.reason})" if outcome.reason else "")
    took = outcome.execution and outcome.status == "executed"
    seconds = f"{outcome.execution.seconds:.1f}" if took and outcome.execution else ""
    page = "" if outcome.status == "left_out" else str(published / f"{outcome.chapter}.html")
    return outcome.chapter, status, seconds, page
