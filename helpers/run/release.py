"""A release: pages, downloads and what stands beside them as JSON, laid out and published."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from helpers.report import front
from helpers.report.record import published_numbers
from helpers.run import files, pages, preparation, publication
from helpers.run.child import ChildDied, ChildFailed
from helpers.run.context import Run
from helpers.run.execution import FAILED, LEFT_OUT, STALE, Outcome
from helpers.run.redaction import parts_of_address
from helpers.run.workers import OnProgress
from helpers.store import fingerprints
from helpers.store.open import Prepared

SITE_INDEX = "index.html"
LAST_CHAPTER = "90_evaluation"


class NotPublished(Exception):
    """The release could not be made; what was published stands."""


def publish(
    run: Run,
    prepared: Prepared,
    cost: Mapping[str, Any],
    outcomes: list[Outcome],
    on_progress: OnProgress,
) -> tuple[Path, list[Outcome]]:
    """Render, check and publish what the chapters found.

    Returns:
        The published folder, and the outcomes, where a chapter whose page could not be made has
        failed.

    Raises:
        NotPublished: A page that every release needs could not be made.
        NotFit: The release did not pass the gate.
        OSError: It could not be written.
    """
    with publication.staging(run.places, run.id) as staged:
        published_at = datetime.now(UTC).isoformat(timespec="seconds")
        context = context_of(run, prepared, outcomes, published_at)
        rendered = _render(run, prepared, staged, context, outcomes, on_progress)
        outcomes = [_after_rendering(outcome, rendered["faults"]) for outcome in outcomes]
        _write_facts(staged, prepared, outcomes)
        facts = _run_facts(run, prepared, cost, outcomes, context)
        facts["rendering"] = {"peak_memory_mb": rendered["peak_memory_mb"]}
        files.write_json(staged / "run.json", run.redact.everywhere(facts))
        published = publication.publish(
            staged,
            run.places,
            store=prepared.name,
            period=prepared.period.label,
            run=run.id,
            pages=pages.page_names([page["chapter"] for page in context["pages"]],
                                   context["languages"]),
            secrets=parts_of_address(run.address),
            site_index=(run.folder / SITE_INDEX).read_text(encoding="utf-8"),
        )  # fmt: skip
    return published, outcomes


def context_of(
    run: Run, prepared: Prepared, outcomes: list[Outcome], published_at: str = ""
) -> dict[str, Any]:
    """What a page or a notice may say beside the chapters' own content."""
    period = prepared.period
    shown = [outcome for outcome in outcomes if outcome.status != LEFT_OUT]
    return {
        "store": prepared.name,
        "title": prepared.title,
        "currency": prepared.currency,
        "period": {"label": period.label, "start": f"{period.start}", "end": f"{period.end}"},
        "complete": prepared.as_of >= period.end,
        "languages": list(run.options.languages),
        "pages": [_page(outcome) for outcome in shown],
        "left_out": [outcome.chapter for outcome in outcomes if outcome.status == LEFT_OUT],
        "prepared": _without_paths(prepared),
        "quality": preparation.quality(prepared),
        "run": run.id,
        "commit": _commit(),
        "published_at": published_at,
    }


def _without_paths(prepared: Prepared) -> dict[str, Any]:
    """What is known of the store, JSON-able, without where it stands on this machine."""
    found = {name: value for name, value in vars(prepared).items()
             if name != "period" and not isinstance(value, Path)}  # fmt: skip
    return {
        n: value.isoformat() if isinstance(value, date) else value for n, value in found.items()
    }


def _page(outcome: Outcome) -> dict[str, Any]:
    execution = outcome.execution
    return {
        "chapter": outcome.chapter,
        "file": f"{outcome.chapter}.html",
        "status": outcome.status,
        "executed_at": execution.executed_at if execution else None,
        "stale_since": execution.executed_at if execution and outcome.status == STALE else None,
    }


def _render(
    run: Run,
    prepared: Prepared,
    staged: Path,
    context: dict[str, Any],
    outcomes: list[Outcome],
    on_progress: OnProgress,
) -> dict[str, Any]:
    request = {
        "target": str(staged),
        "context": context,
        "notebooks": {o.chapter: str(o.execution.notebook) for o in outcomes if o.execution},
        "records": {o.chapter: str(run.folder / f"{o.chapter}.json") for o in outcomes
                    if o.is_good},
        "entry": _entry(prepared, context, outcomes),
        "entries": [found for found in publication.published(run.places.output)
                    if (found["store"], found["period"]["label"])
                    != (prepared.name, prepared.period.label)],
        "site_index": str(run.folder / SITE_INDEX),
    }  # fmt: skip
    renderer = run.start("helpers.run.pages", "pages")
    try:
        return dict(
            renderer.ask(
                request,
                seconds=run.limits.pages_seconds,
                on_event=lambda event: on_progress("pages", event["done"], event["of"]),
            )
        )
    except (ChildDied, ChildFailed) as error:
        run.log(f"pages: {type(error).__name__}: {error}")
        raise NotPublished(f"the pages could not be made; {run.log.path} says why") from error
    finally:
        renderer.end()


def _entry(
    prepared: Prepared, context: Mapping[str, Any], outcomes: list[Outcome]
) -> dict[str, Any]:
    """This release in the list of all that is published."""
    failed = any(outcome.has_failed for outcome in outcomes)
    good = good_records(outcomes)
    return {
        **{name: context[name] for name in ("store", "title", "period", "languages")},
        "published_at": context["published_at"],
        "address": f"{prepared.name}/{prepared.period.label}/index.html",
        "status": "incomplete" if failed or context["left_out"] else "complete",
        "verdict": good.get(LAST_CHAPTER, {}).get("verdict"),
    }


def _after_rendering(outcome: Outcome, faults: Mapping[str, str]) -> Outcome:
    if outcome.chapter not in faults:
        return outcome
    reason = outcome.reason or faults[outcome.chapter]
    return replace(outcome, status=FAILED, execution=None, reason=reason)


def good_records(outcomes: list[Outcome]) -> dict[str, dict[str, Any]]:
    """The records of the chapters whose findings are this run's."""
    return {o.chapter: o.execution.record for o in outcomes if o.is_good and o.execution}


def _write_facts(staged: Path, prepared: Prepared, outcomes: list[Outcome]) -> None:
    """The findings of the chapters that are good, the other numbers of all pages that are shown,
    and what the ingest says about the data.
    """
    good = good_records(outcomes).values()
    facts = [fact for record in good for fact in record.get("facts", [])]
    files.write_json(staged / "facts.json", facts)
    shown = [outcome.execution.record for outcome in outcomes if outcome.execution]
    numbers = published_numbers(shown)
    if ahead := front.event_ahead(prepared.as_of, prepared.currency):
        numbers["figures"][front.NEXT_EVENT] = {"days": {"value": ahead[1], "unit": "count"}}
    files.write_json(staged / "numbers.json", numbers)
    files.write_json(staged / "quality.json", preparation.quality(prepared))


def _run_facts(
    run: Run,
    prepared: Prepared,
    cost: Mapping[str, Any],
    outcomes: list[Outcome],
    context: Mapping[str, Any],
) -> dict[str, Any]:
    """What `run.json` says: how this release came about. No path of the machine stands in it."""
    options = run.options
    return {
        "schema": 1,
        "run": run.id,
        **_entry(prepared, context, outcomes),
        "started_at": run.started_at,
        "parameters": {
            "data": options.data if options.variable else Path(options.data).name,
            "store": options.store,
            "period": options.period,
            "chapters": options.chapters,
            "languages": options.languages,
            "jobs": options.jobs,
            "force": options.force,
        },
        "source": prepared.source,
        "currency": prepared.currency,
        "time_zone": prepared.time_zone,
        "data": {name: context["prepared"][name] for name in ("first_day", "last_day", "as_of")},
        "fingerprints": _fingerprints(run, prepared),
        "python": platform.python_version(),
        "system": platform.system(),
        "packages": _packages(),
        "commit": context["commit"],
        "preparation": {name: cost.get(name) for name in ("seconds", "peak_memory_mb")},
        "chapters": [_chapter(outcome) for outcome in outcomes],
    }


def _chapter(outcome: Outcome) -> dict[str, Any]:
    execution = outcome.execution
    return {
        "chapter": outcome.chapter,
        "status": outcome.status,
        "reason": outcome.reason or None,
        "run": execution.run if execution else None,
        "executed_at": execution.executed_at if execution else None,
        "seconds": execution.seconds if execution else None,
        "peak_memory_mb": execution.peak_memory_mb if execution else None,
    }


def _fingerprints(run: Run, prepared: Prepared) -> dict[str, str]:
    places = run.places
    found = {"data": prepared.fingerprint, "code": fingerprints.of_code(*places.code)}
    found |= {name: fingerprints.of_code(path) for name, path in
              (("plan", places.plan), ("packages", places.lock)) if path.exists()}  # fmt: skip
    return found


def _packages() -> dict[str, str]:
    found = {each.metadata["Name"]: each.version for each in distributions()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _commit() -> str:
    """The commit of the project, with a mark where files differ from it; empty outside git."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=fingerprints.PROJECT, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()
