"""The shop's tests of spend: what extra money brought beside a control.

The strongest evidence on what spend brings; the response model is calibrated by them. Source: plan
2.2, 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.response import customer_values

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

NORMAL = 1.96


def spend_tests(store: Store, period: Period) -> pd.DataFrame:
    """What each test found, the latest first.

    Returns:
        `channel`, `method`, `starts_on`, `ends_on`, `extra_spend` (money), `extra_customers`,
        `low`, `high` (new customers above the control, 95 %), `value` (contribution of their first
        365 days per unit of extra money; empty where cost is unknown), `value_low`, `value_high`,
        `reading` (`pays`, `loses`, `unsure` where the interval holds 1, `no_value`).

    Raises:
        MissingTable: The shop has no such table.

    Source: plan 2.2, 4.2.
    """
    import numpy as np

    store.require("spend_tests")
    table = store.table("spend_tests")
    table = table.filter(table.ends_on <= period.end)
    frame = store.to_frame(table.order_by(table.ends_on.desc(), "test_id"))
    worth = customer_values(store, period, [str(one) for one in frame["channel"]])
    half = NORMAL * frame["standard_error"]
    frame = frame.assign(
        extra_customers=frame["extra_new_customers"],
        low=frame["extra_new_customers"] - half,
        high=frame["extra_new_customers"] + half,
    )
    for name, column in (
        ("value", "extra_customers"),
        ("value_low", "low"),
        ("value_high", "high"),
    ):
        frame[name] = worth * frame[column] / frame["extra_spend"]
    ends = np.sort(frame[["value_low", "value_high"]].to_numpy(float), axis=1)
    frame["value_low"], frame["value_high"] = ends[:, 0], ends[:, 1]
    frame["reading"] = np.select(
        [np.isnan(frame["value"]), frame["value_low"] > 1, frame["value_high"] < 1],
        ["no_value", "pays", "loses"], "unsure",
    )  # fmt: skip
    names = ["channel", "method", "starts_on", "ends_on", "extra_spend", "extra_customers", "low",
             "high", "value", "value_low", "value_high", "reading"]  # fmt: skip
    return frame[names]
