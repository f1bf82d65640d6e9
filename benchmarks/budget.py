"""The budget against the truth: small shops through the whole way, files to recommendation.

Two kinds of shops, seeds 0 to 199, plain but for what is named:
- budgets raised and cut by lot, new customers follow spend: the true return on one more unit of
  spend, the true gain of the recommended split, and what the true best split would add, inside the
  same limits and at the same worth of a customer;
- spend that only follows the calendar (seasons and sales events): no channel may be told.

28 months, 104 weeks of them fitted, 24,000 customers, about 200 new ones a week.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.coverage import FEWEST_SHARE, MOST_SHARE, SEEDS
from benchmarks.text_table import text_table

if TYPE_CHECKING:
    import pandas as pd

CUSTOMERS = 24_000
MONTHS = 28
PERIOD = "2024-12"
LOWER, UPPER = 0.5, 1.5
LEAST_SHARE_OF_BEST = 0.5
LEAST_CANNOT_TELL = 0.95


@dataclass(frozen=True)
class Return:
    """What one shop's model says of one channel: new customers per unit of money, and the truth."""

    channel: str
    truth: float
    low: float
    high: float
    told: bool

    @property
    def holds(self) -> bool:
        """Whether the truth lies inside the 95 % interval."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Judged:
    """One shop: its channels, and what the recommended and the best split truly add a week."""

    seed: int
    returns: tuple[Return, ...]
    recommended: float
    best: float


def judged(seed: int) -> Judged:
    """Generate the shop of a seed, prepare it, ask for its returns and its best split."""
    import numpy as np

    from helpers.measures.budget import best_split
    from helpers.measures.response import ENDS, customer_values, shop_response
    from helpers.models.response import marginal
    from helpers.store.sample import PLAIN
    from helpers.store.sample import response as planted

    varied = replace(PLAIN, response=True, budget_variation=True)
    with (
        tempfile.TemporaryDirectory(prefix="store-report-budget-") as folder,
        Shop(folder, seed, varied) as (store, sections),
    ):
        found = shop_response(store, store.period)
        worth = customer_values(store, store.period, found.series.channels)
        split = best_split(found, worth, 1.0, LOWER, UPPER)
        truth = planted.response_truth(sections)
        order = [found.series.channels.index(of.channel) for of in truth]
        now, told, value = found.now[order], found.tells[order], worth[order]
        seen = found.series.spend.to_numpy().max(axis=0)[order]
        low, high = np.quantile(marginal(found.fit, found.now, found.demand), ENDS, axis=0)
        true = planted.true_marginal(truth, now)
        limits = LOWER * now, np.minimum(UPPER * now, np.maximum(seen, now))
        best = planted.true_optimum(truth, value, float(now.sum()), *limits)

        def adds(spend: np.ndarray) -> float:
            more = planted.true_new_customers(truth, spend) - planted.true_new_customers(truth, now)
            return float(value @ more - (spend.sum() - now.sum()))

        returns = tuple(
            Return(of.channel, *(float(one) for one in (true[i], low[j], high[j])), bool(told[i]))
            for i, (of, j) in enumerate(zip(truth, order, strict=True))
        )
        return Judged(seed, returns, adds(split.spend[order]), adds(best))


def told_of_calendar(seed: int) -> int:
    """How many channels of a shop are told though their spend only follows the calendar."""
    from helpers.measures.spend_weeks import spend_weeks
    from helpers.models.response_tellability import can_tell
    from helpers.store.sample import PLAIN

    calendar = replace(PLAIN, response=True, seasons=True, events=True)
    with (
        tempfile.TemporaryDirectory(prefix="store-report-budget-") as folder,
        Shop(folder, seed, calendar) as (store, _),
    ):
        series = spend_weeks(store, store.period)
        verdicts = can_tell(series.spend.to_numpy(), series.calendar, series.free_visitors)
        return sum(verdict.tells for verdict in verdicts)


class Shop:
    """A generated shop, opened: the store and the sections of its truth."""

    def __init__(self, folder: str, seed: int, mechanisms: object) -> None:
        self.folder, self.seed, self.mechanisms = Path(folder), seed, mechanisms

    def __enter__(self) -> tuple:
        from helpers.store.open import opened
        from helpers.store.sample import generate

        shop = self.folder / "shop"
        truth = generate(shop, seed=self.seed, customers=CUSTOMERS, months=MONTHS,
                         mechanisms=self.mechanisms)  # fmt: skip
        self.store = opened(shop, period=PERIOD, cache=self.folder / "cache")
        return self.store.__enter__(), truth.sections

    def __exit__(self, *error: object) -> None:
        self.store.__exit__(*error)


def frame(found: Sequence[Judged]) -> pd.DataFrame:
    """One row per shop and channel: `seed`, `channel`, `truth`, `low`, `high`, `told`, `holds`."""
    import pandas as pd

    return pd.DataFrame(
        [{"seed": one.seed, **vars(of), "holds": of.holds} for one in found for of in one.returns]
    )


def main(seeds: int = SEEDS, processes: int = 2) -> int:
    """Print the counts; 1 where one is not as it must be."""
    from rich.progress import track

    with ProcessPoolExecutor(processes, get_context("spawn"), _one_thread) as pool:
        varied = [pool.submit(judged, seed) for seed in range(seeds)]
        calendar = [pool.submit(told_of_calendar, seed) for seed in range(seeds)]
        for _ in track(as_completed([*varied, *calendar]), "shops", total=2 * seeds):
            pass
    found, wrong = [one.result() for one in varied], [one.result() for one in calendar]
    rows, fits = _returns(found, seeds)
    print(f"Return on one more unit of spend, 95 % intervals of {seeds} shops of {CUSTOMERS} "
          f"customers whose budgets vary by lot")  # fmt: skip
    print(text_table(["channel", "truth inside", "can be told", "inside where told", ""], rows))
    gained, best = sum(one.recommended for one in found), sum(one.best for one in found)
    share = gained / best if best else 0.0
    silent = sum(not told for told in wrong) / seeds
    print(f"recommended splits truly earn {share:.0%} of what the best splits would add "
          f"(must be {LEAST_SHARE_OF_BEST:.0%}); {sum(one.recommended >= 0 for one in found)} of "
          f"{seeds} lose nothing")  # fmt: skip
    print(f"spend that follows the calendar: no channel is told in {silent:.1%} of {seeds} shops "
          f"(must be {LEAST_CANNOT_TELL:.0%})")  # fmt: skip
    return 0 if fits and share >= LEAST_SHARE_OF_BEST and silent >= LEAST_CANNOT_TELL else 1


def _returns(found: Sequence[Judged], seeds: int) -> tuple[list[list[str]], bool]:
    """A row per channel, and whether all of them hold as often as 95 % intervals do."""
    fewest, most = round(FEWEST_SHARE * seeds), round(MOST_SHARE * seeds)
    rows, right = [], True
    for channel, part in frame(found).groupby("channel", sort=False):
        fits = fewest <= part["holds"].sum() <= most
        right &= bool(fits)
        told = part[part["told"]]
        inside, where_told = (f"{of['holds'].sum()} of {len(of)}" for of in (part, told))
        rows.append([str(channel), inside, f"{len(told)}", where_told, "" if fits else "OUTSIDE"])
    return rows, right


def _one_thread() -> None:
    """The processes share the processors; each engine takes one."""
    os.environ.update(STORE_REPORT_THREADS="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
