"""Prepare a store's data, execute the chapters in file-name order, render and publish.

`python run_all.py --help` lists the arguments and exit codes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.run import arguments, locks, notify
from helpers.run.arguments import Options
from helpers.run.places import Limits, Places
from helpers.run.processes import Ended, ended_by_signals
from helpers.store.errors import BadInput

if TYPE_CHECKING:
    from helpers.run.execution import Outcome

PUBLISHED, CHAPTER_FAILED, BAD_INPUT, LOCK_HELD = 0, 1, 2, locks.EXIT_CODE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite once; the exit code is the contract's."""
    options = arguments.read(argv)
    places = Places.of(options.output)
    try:
        notify.Notices.of(options.notify)
        with ended_by_signals(), locks.held(places.cache, places.output):
            return run_locked(options, places, Limits.of_environment())
    except locks.LockHeld as held:
        return complain(str(held), LOCK_HELD)
    except BadInput as error:
        return fail(options, redacted(options, str(error)), BAD_INPUT)
    except OSError as error:
        reason = redacted(options, f"nothing was published: {error}")
        return fail(options, reason, CHAPTER_FAILED)
    except Ended as ended:
        return complain(f"{ended}; what was published stands", ended.exit_code)


def run_locked(options: Options, places: Places, limits: Limits) -> int:
    """Do nothing where nothing has changed; otherwise the whole way."""
    from helpers.run import history, publication

    publication.mend(places)
    state = history.state_of(options, places)
    past = None if options.force else history.same_run(places, state)
    if past:
        print(f"nothing changed since {past.published_at} (run {past.run})")
        print(past.index)
        return PUBLISHED
    return run_anew(options, places, limits, state)


def run_anew(options: Options, places: Places, limits: Limits, state: str | None) -> int:
    """Prepare, execute, render, publish, and say what came of it."""
    from helpers.run import chapters, context, execution, history, preparation, release, summary
    from helpers.run.gate import NotFit
    from helpers.run.progress import shown

    every = chapters.find(places.notebooks)
    chosen = chapters.choose(every, options.chapters)
    with context.begun(options, places, limits) as run, shown() as progress:
        try:
            progress.say("preparing the data")
            prepared, cost = preparation.prepared(run)
            progress.say(f"executing the chapters for {prepared.name}, {prepared.period.label}")
            outcomes = execution.execute(run, prepared, every, chosen, progress)
            published, outcomes = release.publish(run, prepared, cost, outcomes, progress)
        except (preparation.NotPrepared, release.NotPublished, NotFit, OSError) as error:
            run.log(f"{type(error).__name__}: {error}")
            reason = run.redact(f"nothing was published: {error}")
            return fail(options, reason, CHAPTER_FAILED)
        failed = [outcome.chapter for outcome in outcomes if outcome.has_failed]
        if not failed:
            state = state or history.state_of(options, places)
            facts = {"store": prepared.name, "period": prepared.period.label, "run": run.id}
            history.remember(places, state, facts)
    print("\n".join(summary.lines(outcomes, published)))
    tell(options, release.context_of(run, prepared, outcomes), outcomes, published)
    if failed:
        fail(options, f"{', '.join(failed)} failed; the log says why: {run.log.path}", 1)
    print(published / "index.html")
    return CHAPTER_FAILED if failed else PUBLISHED


def tell(
    options: Options, context: dict[str, Any], outcomes: list[Outcome], published: Path
) -> None:
    """Send or print the notice of a publication, where one was asked for."""
    from helpers.run.release import good_records

    try:
        notices = notify.Notices.of(options.notify)
        notices.published(context, good_records(outcomes), published)
    except notify.NotSent as error:
        complain(str(error), PUBLISHED)


def fail(options: Options, reason: str, exit_code: int) -> int:
    """Say what went wrong on standard error, and to the owner where notices were asked for."""
    try:
        store = options.store or Path(options.data).name
        notify.Notices.of(options.notify).failed(store, reason, options.languages[0])
    except (BadInput, notify.NotSent) as error:
        if str(error) not in reason:
            complain(str(error), exit_code)
    return complain(reason, exit_code)


def redacted(options: Options, text: str) -> str:
    """The text without secrets."""
    import os

    from helpers.run.redaction import Redactor

    return Redactor.of(os.environ, options.variable)(text)


def complain(text: str, exit_code: int) -> int:
    """Say what went wrong on standard error."""
    print(f"run_all.py: {text}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
