from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CALIBRATION_END = pd.Timestamp("1997-09-30")


def purchase_days(file: Path, customer: str) -> pd.DataFrame:
    """One row a customer and day: `customer`, `day`, `value`."""
    orders = pd.read_parquet(file)
    orders["day"] = pd.to_datetime(orders["date"].astype(str))
    orders = orders.rename(columns={customer: "customer"})
    days = orders.groupby(["customer", "day"], as_index=False)["dollar_value"].sum()
    return days.rename(columns={"dollar_value": "value"})


def customer_summary(days: pd.DataFrame) -> pd.DataFrame:
    """One row a customer as known at calibration, in weeks, with purchases held out after it."""
    known = days[days["day"] <= CALIBRATION_END]
    grouped = known.groupby("customer")["day"].agg(["min", "max", "count"])
    later = days[days["day"] > CALIBRATION_END].groupby("customer").size()
    return pd.DataFrame(
        {
            "frequency": grouped["count"] - 1,
            "recency": (grouped["max"] - grouped["min"]).dt.days / 7,
            "age": (CALIBRATION_END - grouped["min"]).dt.days / 7,
            "purchases": later.reindex(grouped.index).fillna(0.0),
        }
    )


@pytest.fixture(scope="session")
def cdnow_sample(shared_data: Path) -> pd.DataFrame:
    return customer_summary(
        purchase_days(shared_data / "cdnow" / "CDNOW_sample.parquet", "master_id")
    )


@pytest.fixture(scope="session")
def cdnow_all(shared_data: Path) -> pd.DataFrame:
    return customer_summary(
        purchase_days(shared_data / "cdnow" / "CDNOW_master.parquet", "customer_id")
    )


@pytest.fixture(scope="session")
def cdnow_spend(shared_data: Path) -> pd.DataFrame:
    """The publisher's summary of the sample: mean of repeat purchases, rounded to cents."""
    summary = pd.read_parquet(
        shared_data / "cdnow" / "cdnow_customers_summary_with_transactions.parquet"
    )
    names = {"x": "frequency", "t_x": "recency", "T": "age", "zbar": "mean_value"}
    return summary.rename(columns=names)


class Shop:
    """Customers who buy by BG/NBD and gamma-gamma, in days, purchases of one day merged."""

    r, alpha, a, b = 0.6, 260.0, 0.7, 1.2
    p, q, v = 6.25, 3.75, 101.2

    def customers(self, n: int, seed: int, days: int = 1461) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        rows = [self._history(random, days) for _ in range(n)]
        names = ["frequency", "recency", "age", "mean_value"]
        return pd.DataFrame(rows, columns=names).astype(float)

    def _history(self, random: np.random.Generator, days: int) -> tuple[float, float, float, float]:
        rate = random.gamma(self.r, 1 / self.alpha)
        leaves = random.beta(self.a, self.b)
        inverse_scale = random.gamma(self.q, 1 / self.v)
        time = first = random.uniform(0, days)
        spent: dict[int, float] = {}
        while (time := time + random.exponential(1 / max(rate, 1e-12))) < days:
            value = random.gamma(self.p, 1 / inverse_scale)
            spent[int(time)] = spent.get(int(time), 0.0) + value
            if random.random() < leaves:
                break
        spent.pop(int(first), None)
        frequency, age = len(spent), days - 1 - int(first)
        if not spent:
            return 0, 0, age, 0.0
        return frequency, max(spent) - int(first), age, sum(spent.values()) / frequency


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()
