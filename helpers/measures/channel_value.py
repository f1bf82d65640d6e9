"""What each channel's new customer costs, brings and when it has paid back, side by side.

Value is contribution before marketing and before the commission that acquisition cost holds.
Channels are those that the platform names for the first order: attribution, the weakest grade.
Source: plan 1.3, 2.2, 4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.channel_days import channel_days, paid_channels
from helpers.measures.channels import or_none
from helpers.measures.payback import payback_by_channel
from helpers.measures.traffic_actions import value_by_channel as brought_by_channel
from helpers.measures.value_groups import ltv_to_cac, ltv_to_cac_by_channel, value_by_channel

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

YEAR_DAYS = 365
COLUMNS = [
    "channel", "is_paid", "customers", "cac", "cac_low", "cac_high", "brought", "brought_low",
    "brought_high", "value_12", "value_24", "value_24_low", "value_24_high", "ratio", "ratio_low",
    "ratio_high", "left", "left_low", "left_high", "payback", "payback_low", "payback_high",
    "channel_verdict",
]  # fmt: skip


def channel_value(store: Store, period: Period) -> pd.DataFrame:
    """Cost, value and payback of a new customer by channel, lowest LTV:CAC first.

    Cost and predicted value are those of the new customers of the last 365 days. What was brought
    in 365 days, and the month of payback, are observed on the customers of the year before, at what
    they cost.

    Returns:
        One row per channel on which anything was spent (`other` joins those of fewer than 10
        customers): `channel`, `is_paid` (visitors were bought on it), `customers`, `cac`,
        `cac_low`, `cac_high`, `brought`, `brought_low`, `brought_high` (contribution in 365 days;
        empty where history is shorter than two years or fewer than 30 customers came), `value_12`,
        `value_24` (to 12 and 24 months, predicted in part and discounted), `value_24_low`,
        `value_24_high` (money a customer), `ratio` (`value_12` / `cac`), `ratio_low`, `ratio_high`,
        `left` (value of 12 months less cost of all its customers, money), `left_low`, `left_high`,
        `payback` (month since first purchase; empty where not reached in 12), `payback_low`,
        `payback_high`, `channel_verdict` (`pays`: surely more in 12 months than it costs; `later`:
        surely less in 12 months but more in 24; `loses`: surely less in 24 months too; `late`:
        surely less in 12 months, 24 can't be told; `open`: 12 months can't be told). Intervals are
        95 %.

    Raises:
        MissingTable: Cost of goods, spend or the channel of orders is unknown for 365 days, or the
            period does not end on the store's day.

    Source: plan 1.3, 2.2, 4.4.
    """
    frame = _ratios(store, period)
    frame = frame.rename(columns={"low": "ratio_low", "high": "ratio_high", "value": "value_12"})
    paid = paid_channels(channel_days(store, period.trailing(YEAR_DAYS)))
    longer = value_by_channel(store, period, months=24).set_index("channel")
    joined = {
        "": (longer, {"value_24": "value", "value_24_low": "low", "value_24_high": "high"}),
        "brought": (_brought(store, period),
                    {"brought": "value", "brought_low": "low", "brought_high": "high"}),
        "payback": (_payback(store, period),
                    {"payback": "month", "payback_low": "month_low", "payback_high": "month_high"}),
    }  # fmt: skip
    for source, names in joined.values():
        for name, column in names.items():
            known = {} if source is None else source[column]
            frame[name] = frame["channel"].map(known).astype("float64")
    frame["is_paid"] = frame["channel"].isin(paid)
    frame["channel_verdict"] = [_verdict(row) for row in frame.to_dict("records")]
    return frame[COLUMNS]


def _ratios(store: Store, period: Period) -> pd.DataFrame:
    """`ltv_to_cac_by_channel`, computed once for both measures."""
    store.mart("channel_days")  # named on the page also when the result is at hand
    key = f"ltv_to_cac_by_channel {period.end}"
    found: pd.DataFrame = store.once(key, lambda: ltv_to_cac_by_channel(store, period))
    return found


def _brought(store: Store, period: Period) -> pd.DataFrame | None:
    def measure(one: Store, span: Period) -> pd.DataFrame:
        return brought_by_channel(one, span, before_acquisition=True)

    found = or_none(measure, store, period)
    return None if found is None else found.set_index("channel")


def _payback(store: Store, period: Period) -> pd.DataFrame | None:
    found = or_none(payback_by_channel, store, period)
    return None if found is None else found.set_index("channel")


def _verdict(row: dict[str, float]) -> str:
    """Judged by the ends of the intervals; of 24 months with the upper or lower end of the cost."""
    if row["ratio_low"] > 1:
        return "pays"
    if not row["ratio_high"] < 1:
        return "open"
    if row["value_24_low"] > row["cac_high"]:
        return "later"
    return "loses" if row["value_24_high"] < row["cac_low"] else "late"


def channel_value_whole(store: Store, period: Period) -> pd.DataFrame:
    """The whole shop beside `channel_value`: blended cost of a customer and what it brings.

    Returns:
        One row: `customers`, `cac` (blended), `value_12`, `ratio`, `ratio_low`, `ratio_high` (95
        %), `losing` (channels that bring surely less in 12 months than they cost), `losing_share`
        (of the new customers of channels with spend), `lost` (money not brought back in 12 months
        on them).

    Raises:
        MissingTable: As `channel_value`.
    """
    import pandas as pd

    whole = ltv_to_cac(store, period).iloc[0]
    channels = _ratios(store, period)
    losing = channels[channels["reading"] == "loses"]
    row = {
        "customers": whole["n"], "cac": whole["denominator"], "value_12": whole["numerator"],
        "ratio": whole["value"], "ratio_low": whole["low"], "ratio_high": whole["high"],
        "losing": len(losing), "losing_share": losing["customers"].sum() / whole["n"],
        "lost": -losing["left"].sum(),
    }  # fmt: skip
    return pd.DataFrame([row])
