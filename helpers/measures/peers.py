"""What shops like this one reach, where the platform's figures were exported. Source: plan 1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def peer_values(store: Store, period: Period) -> pd.DataFrame:
    """The platform's figures of similar shops, in the last month of the period that has any.

    Returns:
        One row per metric: `metric`, `month` (its first day), `average`, `best` (in the metric's
        unit; the mean over shops where the store has several; empty where not exported).

    Raises:
        MissingTable: There are no figures of peers, or none in the period.

    Source: plan 1.2.
    """
    store.require("peers", "month", "metric", "peer_group", "value")
    peers = store.table("peers")
    month = peers.month.truncate("M")
    peers = peers.mutate(month=month.cast("timestamp"))
    peers = peers.filter(peers.month >= period.start, peers.month <= period.end)
    last = peers.group_by("metric").aggregate(last=peers.month.max())
    peers = peers.inner_join(last, "metric").filter(lambda t: t.month == t.last)
    grouped = peers.group_by("metric", "month", "peer_group").aggregate(value=peers.value.mean())
    rows = store.to_frame(grouped.order_by("metric", "peer_group"))
    if rows.empty:
        raise MissingTable("peers", ("month",), "short")
    wide = rows.pivot(index=["metric", "month"], columns="peer_group", values="value")
    return wide.reindex(columns=["average", "best"]).rename_axis(columns=None).reset_index()
