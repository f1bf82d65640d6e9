"""From the contract's text to the measure that computes it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from helpers.plan.metrics import metric as entry

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

Measure = Callable[..., "pd.DataFrame"]


def resolve(name: str) -> Measure:
    """The measure that `module.function` names.

    Raises:
        LookupError: There is no such function below `helpers.measures`.
    """
    module, _, function = name.partition(".")
    try:
        return getattr(import_module(f"helpers.measures.{module}"), function)
    except (ImportError, AttributeError) as error:
        raise LookupError(
            f"measure {name!r} does not exist; metrics.toml must name a function of "
            "helpers/measures"
        ) from error


def compute(store: Store, metric: str, period: Period) -> pd.DataFrame:
    """A metric of the contract for a period: `frames.COLUMNS`, one row or one per scope.

    Raises:
        MissingTable: The store can't say.
    """
    return resolve(entry(metric).measure)(store, period)
