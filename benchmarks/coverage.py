"""Coverage: how often the 95 % intervals hold the known truth of plain sample shops.

One mechanism at a time: no seasons, events, incidents, returns, growth, other orders or noise in
traffic; purchases alone, or besides them one of the funnel, referral, members and a test with a
control group. Each shop takes the whole way: files, tables, marts, measures. Periods: the year
2024, the last of 48 months, so that repurchase has 365 days before its end, the cohort a year of
first purchases whose windows end in it (about 375 customers), conversion 366 days; conversion also
for December alone, as a default run reports it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.text_table import text_table

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store
    from helpers.store.sample import Truth

CUSTOMERS = 1_500
SEEDS = 200
YEAR = "2024"
FEWEST_SHARE, MOST_SHARE = 0.90, 0.99
CLAIMS = {
    "funnel": ("funnel.registration_rate", "funnel.first_order_rate", "funnel.activation_rate"),
    "referral": ("referral.k_factor",),
    "experiments": ("experiments.experiment_effect",),
    "members": ("private_domain.member_effect",),
}
PARAMETERS = {"bg_nbd": ("r", "alpha", "a", "b"), "gamma_gamma": ("p", "q", "v")}


@dataclass(frozen=True)
class Interval:
    """One interval of one shop, and the truth that it should hold."""

    claim: str
    truth: float
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the truth lies inside; not so where there is no interval."""
        return self.low <= self.truth <= self.high


def intervals_of_shop(seed: int, mechanism: str | None = None) -> list[Interval]:
    """Generate the plain shop of a seed, prepare it, measure it.

    Args:
        seed: Seeds every draw.
        mechanism: A key of `CLAIMS`, switched on beside the purchases; None for none.
    """
    from helpers.store.open import opened
    from helpers.store.sample import PLAIN, generate

    mechanisms = replace(PLAIN, **{mechanism: True}) if mechanism else PLAIN
    with tempfile.TemporaryDirectory(prefix="store-report-coverage-") as folder:
        shop, cache = Path(folder) / "shop", Path(folder) / "cache"
        truth = generate(shop, seed=seed, customers=CUSTOMERS, mechanisms=mechanisms)
        with opened(shop, period=YEAR, cache=cache) as store:
            if mechanism:
                return list(_claims(store, truth, CLAIMS[mechanism]))
            return [*_rates(store, truth), *_parameters(store, truth)]


def _claims(store: Store, truth: Truth, measures: Iterable[str]) -> Iterator[Interval]:
    """The intervals of measures named after their metric, in modules of `helpers.measures`."""
    for measure in measures:
        module, claim = measure.split(".")
        found = getattr(import_module(f"helpers.measures.{module}"), claim)
        row = found(store, store.period).iloc[0]
        named = f"{claim} {store.period.label}"
        yield Interval(named, truth.metric(claim), row["value"], row["low"], row["high"])


def _rates(store: Store, truth: Truth) -> Iterator[Interval]:
    from helpers.measures import lifecycle, traffic

    year, month = store.period, store.period.months()[-1]
    for claim, measure, period in (
        ("repurchase_rate", lifecycle.repurchase_rate, year),
        ("repurchase_rate_cohort", lifecycle.repurchase_rate_cohort, year),
        ("conversion_rate", traffic.conversion_rate, year),
        ("conversion_rate", traffic.conversion_rate, month),
    ):
        row = measure(store, period).iloc[0]
        named = f"{claim} {period.label}"
        yield Interval(named, truth.metric(claim), row["value"], row["low"], row["high"])


def _parameters(store: Store, truth: Truth) -> Iterator[Interval]:
    from helpers.measures import customer_value

    found = customer_value.model_parameters(store, store.period).set_index("parameter")
    for model, names in PARAMETERS.items():
        for name in names:
            true = truth.parameter(model, name)
            if name == "alpha":
                true /= customer_value.DAYS_PER_WEEK
            row = found.loc[f"{model}.{name}"]
            yield Interval(f"{model}.{name}", true, row["value"], row["low"], row["high"])


def intervals_of_shops(
    seeds: Sequence[int],
    processes: int = 2,
    mechanisms: Iterable[str | None] = (None, *CLAIMS),
) -> pd.DataFrame:
    """All intervals of the plain shops of these seeds, one shop for each mechanism.

    Returns:
        One row per shop and claim, by mechanism as given and seed: `seed`, `claim`, `truth`,
        `value`, `low`, `high`, `holds`.
    """
    import pandas as pd
    from rich.progress import track

    shops = [(seed, mechanism) for mechanism in mechanisms for seed in seeds]
    with ProcessPoolExecutor(processes, get_context("spawn"), _one_thread) as pool:
        waiting = [pool.submit(intervals_of_shop, *shop) for shop in shops]
        for _ in track(as_completed(waiting), "shops", total=len(shops)):
            pass
    rows = [
        {"seed": seed, **vars(found), "holds": found.holds}
        for (seed, _), done in zip(shops, waiting, strict=True)
        for found in done.result()
    ]
    return pd.DataFrame(rows)


def _one_thread() -> None:
    """The processes share the processors; each engine takes one."""
    os.environ["STORE_REPORT_THREADS"] = "1"


def summary(intervals: pd.DataFrame) -> pd.DataFrame:
    """One row per claim: `truth`, `mean_value`, `holds` (shops), `shops`, `mean_width`."""
    width = intervals["high"] - intervals["low"]
    grouped = intervals.assign(width=width).groupby("claim", sort=False)
    return grouped.agg(
        truth=("truth", "mean"),
        mean_value=("value", "mean"),
        holds=("holds", "sum"),
        shops=("holds", "size"),
        mean_width=("width", "mean"),
    )


def main(seeds: int = SEEDS, processes: int = 2) -> int:
    """Print the counts; 1 where one of them is too low or too high for 95 %."""
    found = summary(intervals_of_shops(range(seeds), processes))
    fewest, most = round(FEWEST_SHARE * seeds), round(MOST_SHARE * seeds)
    fits = found["holds"].between(fewest, most)
    print(f"95 % intervals of plain shops of {CUSTOMERS} customers, one mechanism at a time, "
          f"seeds 0 to {seeds - 1}")  # fmt: skip
    rows = [
        [claim, f"{row.truth:.5g}", f"{row.mean_value:.5g}", f"{row.mean_width:.4g}",
         f"{row.holds} of {row.shops}", "" if fits[claim] else "OUTSIDE"]
        for claim, row in zip(found.index, found.itertuples(), strict=True)
    ]  # fmt: skip
    print(text_table(["claim", "truth", "mean value", "mean width", "holds", ""], rows))
    print(f"must hold in {fewest} to {most} of {seeds}")
    return 0 if fits.all() else 1
