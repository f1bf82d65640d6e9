"""Orders shared out to the channels of their journeys, by seven rules, and how far these disagree.

What is shared out is what happened: attribution, the weakest grade of evidence. Where the rules
agree a channel's credit does not hang on the rule; where they don't, only a test can tell.
Journeys give shares; where money or customers of the whole shop are shown, the shares are applied
to the shop's totals. Source: plan 2.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.measures.channel_days import channel_days, paid_channels
from helpers.measures.channels import or_none
from helpers.measures.journeys import handovers, journeys, window_of
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.measures.traffic_actions import cost_against_value
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.attribution import Credits
    from helpers.plan.periods import Period
    from helpers.store.open import Store

DRAWS = 400
OTHER = "other"
FEWEST_NEW = 50


def by_model(store: Store, period: Period) -> pd.DataFrame:
    """Share of orders, of their sales and of new customers that each rule gives each channel.

    Channels that fewer than 10 people with an order came by are one, `other`.

    Returns:
        One row per channel and model, channels by their mean share, the largest first, models in
        the order `last`, `first`, `linear`, `time_decay`, `position`, `markov`, `shapley`:
        `channel`, `model`, `conversions` (orders of known journeys; all channels of a model add up
        to the orders exactly), `share`, `low`, `high` (of orders, 0 to 1; 95 %, people drawn anew),
        `sales_share` (of paid sales; removal effects are those of orders), `new_share`, `new_low`,
        `new_high` (of new customers; empty where fewer than 50 are known). Empty where it rests on
        1 to 9 orders, and in the next smallest where one empty channel could be worked out.

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2; Anderl et al. (2016); Zhao, Mahboobi and Bagheri (2018).
    """
    window = window_of(store, period)
    key = f"attribution.{window.start}.{window.end}"
    found: pd.DataFrame = store.once(key, lambda: _by_model(journeys(store, period)))
    return found.copy()


def _by_model(found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from helpers.models.attribution import MODELS

    found = _merge_rare(found)
    orders = _Shared(found)
    new = found[~found["ordered"] | found["is_new"]]
    newly = _Shared(new) if new["ordered"].sum() >= FEWEST_NEW else None
    parts = []
    for model in MODELS:
        part = orders.frame(model)
        first = newly.frame(model).set_index("channel") if newly else part.set_index("channel")
        for column, source in (("new_share", "share"), ("new_low", "low"), ("new_high", "high")):
            part[column] = part["channel"].map(first[source]) if newly else math.nan
        parts.append(_hide_small(part))
    frame = pd.concat(parts, ignore_index=True)
    mean = frame.fillna({"share": 0.0}).groupby("channel")["share"].mean()
    frame["mean"] = frame["channel"].map(mean)
    frame["place"] = frame["model"].map({name: i for i, name in enumerate(MODELS)})
    frame = frame.sort_values(["mean", "channel", "place"], ascending=[False, True, True])
    names = ["channel", "model", "conversions", "share", "low", "high", "sales_share", "new_share",
             "new_low", "new_high"]  # fmt: skip
    return frame[names].reset_index(drop=True)


class _Shared:
    """Journeys made ready to be shared out: different paths, and kinds of people who made them."""

    def __init__(self, found: pd.DataFrame) -> None:
        from helpers.models.attribution import resampled_shares

        self.credits, self.paths_of, self.sales = _paths(found)
        self.counts, self.made = _kinds(found["person"].to_numpy(), self.paths_of)
        self.drawn = resampled_shares(self.credits, self.counts, self.made, draws=DRAWS)

    def frame(self, model: str) -> pd.DataFrame:
        """One row per channel: conversions, shares and their interval by one model."""
        import numpy as np
        import pandas as pd

        from helpers.models.attribution import MARKOV, exactly

        weights = self.counts @ self.made
        share = self.credits.shares(model, weights[None, :])[0]
        total = float(sum(w for w, p in zip(weights, self.credits.paths, strict=True)
                          if p.conversions))  # fmt: skip
        low, high = np.nanquantile(self.drawn[model], (0.025, 0.975), axis=0)
        sales = share if model == MARKOV else self.credits.shares(model, self.sales[None, :])[0]
        return pd.DataFrame(
            {"channel": self.credits.channels, "model": model, "conversions": exactly(
                share * total, total), "share": share, "low": low, "high": high,
             "sales_share": sales}
        )  # fmt: skip


def _paths(found: pd.DataFrame) -> tuple[Credits, np.ndarray, np.ndarray]:
    """Different paths, the path of each journey, and the sales of each path."""
    import numpy as np
    import pandas as pd

    from helpers.models.attribution import Credits, Path

    keys = [
        (names, days if ordered else (), ordered)
        for names, days, ordered in zip(
            found["channels"], found["days"], found["ordered"], strict=True
        )
    ]
    codes, different = pd.factorize(pd.Series(keys, dtype=object))
    paths = [
        Path(names, conversions=int(ordered), others=int(not ordered), days=days)
        for names, days, ordered in different
    ]
    sales = np.bincount(codes, weights=found["paid_sales"], minlength=len(paths))
    channels = sorted({name for path in paths for name in path.channels})
    return Credits(paths, channels), codes, sales


def _kinds(person: np.ndarray, path: np.ndarray) -> tuple[np.ndarray, Any]:
    """Persons of each kind, and the journeys of each path that one of a kind made."""
    import numpy as np
    from scipy.sparse import csr_array

    size = int(path.max()) + 1
    times = np.bincount(person)
    alone = times[person] == 1
    single = np.bincount(path[alone], minlength=size)
    kinds: dict[tuple[int, ...], float] = {
        (int(i),): float(single[i]) for i in np.flatnonzero(single)
    }
    several: dict[int, list[int]] = {}
    for who, which in zip(person[~alone].tolist(), path[~alone].tolist(), strict=True):
        several.setdefault(who, []).append(which)
    for made in several.values():
        kind = tuple(sorted(made))
        kinds[kind] = kinds.get(kind, 0.0) + 1
    rows = np.repeat(np.arange(len(kinds)), [len(kind) for kind in kinds])
    columns = np.array([which for kind in kinds for which in kind])
    journeys_of = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(kinds), size))
    return np.array(list(kinds.values())), journeys_of


def _merge_rare(found: pd.DataFrame) -> pd.DataFrame:
    """Journeys with the channels that fewer than 10 ordering people came by renamed to one."""
    orders = found[found["ordered"]]
    pairs = orders[["person", "channels"]].explode("channels").drop_duplicates()
    people = pairs.groupby("channels").size()
    every = {name for names in found["channels"].unique() for name in names}
    rare = {name for name in every if people.get(name, 0) < SMALLEST_GROUP}
    if not rare:
        return found
    renamed = {
        names: tuple(OTHER if name in rare else name for name in names)
        for names in found["channels"].unique()
    }
    return found.assign(channels=found["channels"].map(renamed))


def _hide_small(frame: pd.DataFrame) -> pd.DataFrame:
    """Shares that rest on fewer than 10 orders emptied, and one more where it could be told."""
    conversions = frame["conversions"]
    hidden = (conversions > 0) & (conversions < SMALLEST_GROUP)
    if 0 < conversions[hidden].sum() < SMALLEST_GROUP and (~hidden & (conversions > 0)).any():
        hidden |= frame.index == conversions[~hidden & (conversions > 0)].idxmin()
    names = ["conversions", "share", "low", "high", "sales_share"]
    names += ["new_share", "new_low", "new_high"]
    return frame.assign(**{name: frame[name].mask(hidden) for name in names})


def disagreement(store: Store, period: Period) -> pd.DataFrame:
    """How far the rules disagree about each channel, beside what others say of it.

    Returns:
        One row per channel, most disagreement first: `channel`, one column per model (share of
        orders), `lowest`, `highest` (of them), `range` (between them), `more_by` (rule that gives
        most), `less_by`, `platform_share` (share of the shop's orders in the same days that
        `orders.channel` names), `claimed_share` (sales that the channel claims / paid sales of the
        whole shop; as it reports them, never to be added up; empty where it reports none),
        `claim_excess` (claims less the highest; empty where no channel claims).

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    from helpers.models.attribution import MODELS

    long = by_model(store, period)
    wide = long.pivot(index="channel", columns="model", values="share")[list(MODELS)]
    wide = wide.reindex(list(dict.fromkeys(long["channel"])))
    known = wide.dropna(how="all")
    frame = wide.assign(
        lowest=wide.min(axis=1), highest=wide.max(axis=1), range=wide.max(axis=1) - wide.min(axis=1)
    )
    frame["more_by"] = known.idxmax(axis=1)
    frame["less_by"] = known.idxmin(axis=1)
    others = or_none(_elsewhere, store, window_of(store, period))
    for name in ("platform_share", "claimed_share"):
        frame[name] = math.nan if others is None else others[name].reindex(frame.index)
    frame["claim_excess"] = frame["claimed_share"] - frame["highest"]
    frame = frame.reset_index().rename_axis(columns=None)
    return frame.sort_values(["range", "channel"], ascending=[False, True], ignore_index=True)


def _elsewhere(store: Store, window: Period) -> pd.DataFrame:
    """Channels' shares of the shop by the platform's order channel, and what they claim."""
    days = channel_days(store, window)
    orders = store.mart("orders_valued")
    orders = orders.filter(orders.is_purchase, orders.day >= window.start, orders.day <= window.end)
    counted = store.to_frame(orders.group_by("channel").aggregate(n=orders.count()))
    counts = counted.set_index("channel")["n"].astype(float)
    sums = days.groupby("channel")[["attributed_sales", "paid_sales"]].sum(min_count=1)
    index = sums.index.union(counts.index)
    counts, sums = counts.reindex(index), sums.reindex(index)
    known = store.has("orders") and counts.index.tolist() != ["unknown"]
    share = (counts / counts.sum()).mask(counts < SMALLEST_GROUP)
    frame = sums.assign(
        platform_share=share if known else math.nan,
        claimed_share=sums["attributed_sales"] / sums["paid_sales"].sum(),
    )
    return frame[["platform_share", "claimed_share"]]


def roles(store: Store, period: Period) -> pd.DataFrame:
    """Which channel begins journeys that others end, and what last click makes of it.

    Returns:
        One row: `starter` (the channel with the largest excess of orders begun over orders ended),
        `closer` (where most of the orders that it began and did not end were ended; empty where
        fewer than 10 people), `begun` (share of orders that it began), `ended` (by last click),
        `shapley`, `markov` (shares), `gap` (begun less ended), `gap_low`, `gap_high` (95 %, paired
        by order), `reading` (`hands_over`: the gap is above 0 beyond chance; `even`).

    Raises:
        MissingTable: As `journeys`.

    Source: plan 2.2.
    """
    import pandas as pd

    from helpers.models.attribution import FIRST, LAST, MARKOV, SHAPLEY

    wide = by_model(store, period).pivot(index="channel", columns="model", values="share")
    wide = wide.drop(index=OTHER, errors="ignore").dropna(subset=[FIRST])
    if wide.empty:
        raise MissingTable("sessions", ("order_id",), "short")
    gaps = (wide[FIRST] - wide[LAST].fillna(0.0)).sort_values(ascending=False, kind="stable")
    starter = str(gaps.index[0])
    gap, low, high = _paired_gap(journeys(store, period), starter, len(gaps))
    pairs = handovers(store, period)
    pairs = pairs[(pairs["began"] == starter) & (pairs["ended"] != starter)]
    row = {
        "starter": starter,
        "closer": pairs["ended"].iloc[0] if len(pairs) else "",
        "begun": wide.at[starter, FIRST],
        "ended": wide.at[starter, LAST],
        "shapley": wide.at[starter, SHAPLEY],
        "markov": wide.at[starter, MARKOV],
        "gap": gap,
        "gap_low": low,
        "gap_high": high,
        "reading": "hands_over" if low > 0 else "even",
    }
    return pd.DataFrame([row])


def _paired_gap(found: pd.DataFrame, channel: str, compared: int) -> tuple[float, float, float]:
    """Orders begun less orders ended by a channel, per order; people independent.

    The interval is widened for the channel being the one of so many with the largest gap
    (Bonferroni).
    """
    from scipy.stats import norm

    orders = found[found["ordered"]]
    net = [(names[0] == channel) - (names[-1] == channel) for names in orders["channels"]]
    each = orders.assign(net=net).groupby("person")["net"].agg(["sum", "size"])
    gap = float(each["sum"].sum() / each["size"].sum())
    residual = each["sum"] - gap * each["size"]
    error = math.sqrt(float((residual**2).sum())) / float(each["size"].sum())
    half = float(norm.ppf(1 - 0.025 / compared)) * error
    return gap, gap - half, gap + half


def cost_by_model(store: Store, period: Period) -> pd.DataFrame:
    """What a new customer of each paid channel costs by each rule, against what one brings.

    A rule's share of new customers is applied to all new customers of the period; the spend is
    exact. A rule says `earns` where the interval of the cost lies below what the channel's
    customers bring in a year, `loses` where it lies above, `unsure` between.

    Returns:
        One row per paid channel, most spend first: `channel`, `spend`, `platform` (cost by the
        channel that the platform names), one column per model (cost; empty where it rests on too
        few), `lowest`, `highest` (of the models), `span` (between them / `lowest`), `line` (what a
        customer brings in 365 days; what the target bears where cost of goods is unknown; empty
        where neither), `line_is` (`value`, `target` or empty), `last_says`, `loses_by`, `earns_by`
        (number of models that say so), `rule_verdict` (`earns`, `loses`: all rules say so;
        `depends`: some say earns and others loses, or last click says loses and others don't;
        `some_lose`, `some_earn`: the others can't tell; `unsure`: none can; rules that rest on too
        few say nothing), `worth` (what the new customers bring less spend, by Shapley's rule),
        `worth_low`, `worth_high` (by the rules that give least and most).

    Raises:
        MissingTable: As `journeys`, `cost_against_value`; or fewer than 50 journeys of new
            customers are known.

    Source: plan 1.3, 2.2.
    """
    import pandas as pd

    long = by_model(store, period)
    if long["new_share"].isna().all():
        raise MissingTable("sessions", ("order_id",), "short")
    costs = cost_against_value(store, period)
    days = channel_days(store, period)
    costs = costs[costs["channel"].isin(paid_channels(days))]
    new = float(days["new_customers"].sum())
    rows = []
    for row in costs.to_dict("records"):
        part = long[long["channel"] == row["channel"]].set_index("model")
        if len(part):
            rows.append(_priced(row, part, new))
    if not rows:
        raise MissingTable("sessions", ("channel",), "undefined")
    frame = pd.DataFrame(rows)
    return frame.assign(span=frame["highest"] / frame["lowest"] - 1)


def _priced(row: dict[str, Any], part: pd.DataFrame, new: float) -> dict[str, Any]:
    from helpers.models.attribution import LAST, MODELS, SHAPLEY

    known = row["break_even"] == row["break_even"]
    line = row["break_even"] if known else row["ceiling"]
    ends = (row["break_even_low"], row["break_even_high"]) if known else (line, line)
    cost, says, worth = {}, {}, {}
    for model in MODELS:
        shares = [float(part.at[model, name]) for name in ("new_share", "new_low", "new_high")]
        value, low, high = (share * new for share in shares)
        cost[model] = row["spend"] / value if value > 0 else math.nan
        dearest = row["spend"] / low if low > 0 else math.inf
        cheapest = row["spend"] / high if high > 0 else math.nan
        if value == value:
            says[model] = _says(cheapest, dearest, ends)
        worth[model] = value * line - row["spend"]
    sure = [one for one in worth.values() if one == one]
    loses = sum(one == "loses" for one in says.values())
    earns = sum(one == "earns" for one in says.values())
    found = [one for one in cost.values() if one == one]
    return {
        "channel": row["channel"],
        "spend": row["spend"],
        "platform": row["cac"],
        **cost,
        "lowest": min(found, default=math.nan),
        "highest": max(found, default=math.nan),
        "line": line,
        "line_is": "value" if known else "target" if line == line else "",
        "last_says": says.get(LAST, ""),
        "loses_by": loses,
        "earns_by": earns,
        "rule_verdict": _verdict(says.get(LAST, ""), loses, earns, len(says)),
        "worth": worth[SHAPLEY],
        "worth_low": min(sure, default=math.nan),
        "worth_high": max(sure, default=math.nan),
    }


def _says(cheapest: float, dearest: float, line: tuple[float, float]) -> str:
    if cheapest > line[1]:
        return "loses"
    return "earns" if dearest < line[0] else "unsure"


def _verdict(last: str, loses: int, earns: int, models: int) -> str:
    if not models:
        return "unsure"
    if loses == models:
        return "loses"
    if earns == models:
        return "earns"
    if (loses and earns) or (last == "loses" and loses < models):
        return "depends"
    return "some_lose" if loses else "some_earn" if earns else "unsure"


def attribution_actions(store: Store, period: Period) -> pd.DataFrame:
    """What the rules together ask for, channel by channel, most money first.

    Returns:
        `action` (`keep`: last click alone would cut it and other rules would not; `depends`: rules
        contradict each other; `lower`: it loses by every rule), `channel`, `spend`, `last` and
        `shapley` (cost of a new customer), `lowest`, `highest` (of all rules), `line`, `worth`
        (money of the period by Shapley's rule: what the new customers bring less spend; on `lower`
        the spend that they don't earn back), `worth_low`, `worth_high` (least and most by any
        rule). No row where all rules say that a channel earns, or none can tell.

    Raises:
        MissingTable: As `cost_by_model`.

    Source: plan 2.2.
    """
    import pandas as pd

    rows = []
    for row in cost_by_model(store, period).to_dict("records"):
        if row["rule_verdict"] not in ("loses", "depends"):
            continue
        action, worth = "depends", (row["worth"], row["worth_low"], row["worth_high"])
        if row["rule_verdict"] == "loses":
            action, worth = "lower", (-row["worth"], -row["worth_high"], -row["worth_low"])
        elif row["last_says"] == "loses":
            action = "keep"
        money = dict(zip(("worth", "worth_low", "worth_high"), worth, strict=True))
        rows.append({**row, "action": action, **money})
    names = ["action", "channel", "spend", "last", "shapley", "line", "highest", "lowest", "worth",
             "worth_low", "worth_high"]  # fmt: skip
    frame = pd.DataFrame(rows).reindex(columns=names)
    return frame.sort_values(["worth", "channel"], ascending=[False, True], ignore_index=True)
