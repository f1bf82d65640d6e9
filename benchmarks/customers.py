"""A million customers: summary and BG/NBD fit beside `lifetimes`, in one run from the same orders.

The orders of customers who buy and leave by a known BG/NBD are written to a Parquet file. Each side
goes several times, by turns, and its fastest time of each step counts; imports are over before.

What is timed. Ours, summary: from the Parquet file by the chapters' own query to the distinct
histories in a data frame; fit: from those to the estimates with their standard errors. `lifetimes`,
summary: `summary_data_from_transaction_data` from a data frame of the same rows that is in memory
already; fit: `BetaGeoFitter().fit` on what that returns.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.text_table import text_table
from helpers.measures.value_fits import DAYS_PER_WEEK, histories
from helpers.models import bg_nbd
from helpers.store import engine
from helpers.store.open import Store

if TYPE_CHECKING:
    import ibis.expr.types as ir

Floats = NDArray[np.float64]

CUSTOMERS = 1_000_000
REPEATS = 3
DAYS = 730
FIRST_DAY = date(2023, 1, 1)
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
# A shop like CDNOW, alpha in days: Fader, Hardie and Lee (2005).
TRUTH = (0.2426, 4.4135 * DAYS_PER_WEEK, 0.7929, 2.4258)
WHOLE_SECONDS = 2.0
FIT_TIMES = 15.0
WHOLE_TIMES = 8.0
LIKELIHOOD_LOSS = 1e-6


@dataclass(frozen=True)
class Side:
    """What one side came to: seconds of its steps, estimates in days, sums of its summary."""

    summary: float
    fit: float
    parameters: Floats
    totals: tuple[float, ...]

    @property
    def whole(self) -> float:
        """Seconds of both steps."""
        return self.summary + self.fit

    def fastest(self, other: Side) -> Side:
        """The faster time of each step; the estimates are the same every time."""
        return Side(
            min(self.summary, other.summary), min(self.fit, other.fit),
            self.parameters, self.totals,
        )  # fmt: skip


def orders(customers: int, seed: int = 0) -> pd.DataFrame:
    """Order rows of BG/NBD customers who come first on any day of two years, in no order.

    Returns:
        `customer_id` (whole number) and `day` (datetime), one row per order.
    """
    r, alpha, a, b = TRUTH
    random = np.random.default_rng(seed)
    rate, leaves = random.gamma(r, 1 / alpha, customers), random.beta(a, b, customers)
    who, at = np.arange(customers), random.uniform(0, DAYS, customers)
    rows, times = [who], [at]
    while len(who):
        at = at + random.exponential(1 / np.maximum(rate[who], 1e-12))
        who, at = who[at < DAYS], at[at < DAYS]
        rows.append(who)
        times.append(at)
        stays = random.random(len(who)) >= leaves[who]
        who, at = who[stays], at[stays]
    ids, days = np.concatenate(rows), np.concatenate(times).astype("timedelta64[D]")
    shuffled = random.permutation(len(ids))
    day = np.datetime64(FIRST_DAY) + days[shuffled]
    return pd.DataFrame({"customer_id": ids[shuffled], "day": day.astype("datetime64[ns]")})


class OrderFile:
    """What `histories` needs of a store, over a file of orders: purchase days of customers."""

    def __init__(self, file: Path, temporary: Path) -> None:
        self._connection = engine.connect_builder(temporary)
        self._file = file

    def require(self, *_: str) -> None:
        """Nothing is missing."""

    def mart(self, _: str) -> ir.Table:
        """One row per customer and day."""
        import ibis

        rows = self._connection.read_parquet(self._file)
        days = rows.select(
            shop_id=ibis.literal("shop"), customer_id=rows.customer_id, day=rows.day.cast("date")
        )
        return days.distinct()

    def to_frame(self, expression: ir.Table) -> pd.DataFrame:
        """As a store does it."""
        return Store.to_frame(self, expression)  # type: ignore[arg-type]

    def close(self) -> None:
        """Disconnect."""
        self._connection.disconnect()


def ours(source: OrderFile) -> tuple[Side, pd.DataFrame]:
    """Our two steps, and the histories."""
    start = time.perf_counter()
    people = histories(source, LAST_DAY)  # type: ignore[arg-type]
    between = time.perf_counter()
    columns = (people["frequency"], people["recency"], people["age"], people["customers"])
    model = bg_nbd.fit(*columns)
    end = time.perf_counter()
    weeks = np.array([1, DAYS_PER_WEEK, 1, 1])
    many = people["customers"].to_numpy(float)
    totals = (
        float(many.sum()), float(many @ people["frequency"]),
        float(many @ people["recency"]) * DAYS_PER_WEEK,
        float(many @ people["age"]) * DAYS_PER_WEEK,
    )  # fmt: skip
    return Side(between - start, end - between, model.parameters * weeks, totals), people


def theirs(rows: pd.DataFrame) -> Side:
    """The two steps of `lifetimes`."""
    from lifetimes import BetaGeoFitter  # type: ignore[import-untyped]
    from lifetimes.utils import (  # type: ignore[import-untyped]
        summary_data_from_transaction_data,
    )

    start = time.perf_counter()
    people = summary_data_from_transaction_data(
        rows, "customer_id", "day", observation_period_end=LAST_DAY
    )
    between = time.perf_counter()
    model = BetaGeoFitter().fit(people["frequency"], people["recency"], people["T"])
    end = time.perf_counter()
    totals = (float(len(people)), *(float(people[c].sum()) for c in ("frequency", "recency", "T")))
    return Side(between - start, end - between, model.params_.to_numpy(float), totals)


def mean_log_likelihood(parameters: Floats, people: pd.DataFrame) -> float:
    """Of a customer at estimates in days; the one function for both sides."""
    r, alpha, a, b = (float(value) for value in parameters)
    nothing = ((float("nan"),) * 4,) * 4
    model = bg_nbd.BgNbd(
        r=r, alpha=alpha, a=a, b=b,
        log_covariance=nothing, log_likelihood=0.0, n_customers=1.0, converged=True,
    )  # fmt: skip
    days = (people["frequency"], people["recency"] * DAYS_PER_WEEK, people["age"] * DAYS_PER_WEEK)
    many = people["customers"].to_numpy(float)
    return float(many @ model.log_likelihoods(*days) / many.sum())


def faults(our: Side, their: Side, likelihoods: tuple[float, float]) -> list[str]:
    """What breaks the promises of the suite."""
    found = []
    if not np.allclose(our.totals, their.totals, rtol=1e-9):
        found.append(f"the summaries differ: {our.totals} and {their.totals}")
    if our.whole >= WHOLE_SECONDS:
        found.append(f"whole: {our.whole:.2f} s, must be under {WHOLE_SECONDS:g}")
    if their.fit < FIT_TIMES * our.fit:
        found.append(f"fit: {their.fit / our.fit:.1f} times faster, must be {FIT_TIMES:g}")
    if their.whole < WHOLE_TIMES * our.whole:
        found.append(f"whole: {their.whole / our.whole:.1f} times faster, must be {WHOLE_TIMES:g}")
    if likelihoods[0] < likelihoods[1] - LIKELIHOOD_LOSS:
        found.append(
            f"mean log-likelihood: {likelihoods[0]:.9f}, theirs {likelihoods[1]:.9f}; "
            f"must be no more than {LIKELIHOOD_LOSS:g} lower"
        )
    return found


def report(our: Side, their: Side, likelihoods: tuple[float, float], rows: int) -> str:
    """Times and estimates of both sides."""
    header = ["what", "ours", "lifetimes", "times faster"]
    steps: list[tuple[str, Any]] = [
        ("summary, s", "summary"), ("fit, s", "fit"), ("summary and fit, s", "whole"),
    ]  # fmt: skip
    lines = [
        [label, f"{getattr(our, name):.2f}", f"{getattr(their, name):.2f}",
         f"{getattr(their, name) / getattr(our, name):.1f}"]
        for label, name in steps
    ]  # fmt: skip
    lines.append(["mean log-likelihood", *(f"{value:.9f}" for value in likelihoods), ""])
    names = ("r", "alpha, days", "a", "b")
    for name, *pair in zip(names, our.parameters, their.parameters, strict=True):
        lines.append([name, *(f"{value:.5f}" for value in pair), ""])
    customers = int(our.totals[0])
    return "\n".join(
        [
            f"{customers:,} customers, {rows:,} orders, {os.cpu_count()} cores "
            f"(load {os.getloadavg()[0]:.1f}); fastest of {REPEATS} each, by turns",
            text_table(header, lines),
            "Ours from the Parquet file; lifetimes from a data frame that is in memory already",
        ]
    )


def main(customers: int = CUSTOMERS) -> int:
    """Measure both sides and print the figures; 1 where one is not as it must be."""
    rows = orders(customers)
    temporary = engine.fresh_temporary()
    with tempfile.TemporaryDirectory(prefix="store-report-customers-") as folder:
        file = Path(folder) / "orders.parquet"
        rows.to_parquet(file)
        source = OrderFile(file, temporary)
        try:
            our, people = ours(source)
            their = theirs(rows)
            for _ in range(REPEATS - 1):
                our, their = our.fastest(ours(source)[0]), their.fastest(theirs(rows))
        finally:
            source.close()
            engine.remove(temporary)
    likelihoods = (
        mean_log_likelihood(our.parameters, people),
        mean_log_likelihood(their.parameters, people),
    )
    print(report(our, their, likelihoods, len(rows)))
    found = faults(our, their, likelihoods)
    print("\n".join(f"FAULT: {fault}" for fault in found), end="\n" if found else "")
    return 1 if found else 0
