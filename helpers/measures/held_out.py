"""How far the forecasts of purchases miss time that they have not seen, and which misses least.

Two looks at held-out time. The models are fitted without the last stretch before the store's day
and predict it: that chooses the model. And where the data go on after the store's day, what came
since is held against the forecast of that day: that chooses nothing. Ages are in weeks.

Source: plan 2.1, 4.4; Fader, Hardie and Lee (2005), whose figures of cumulative and conditional
repeat purchases these are.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures.frames import one_row
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, YEAR_DAYS
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.models.purchase_models import PurchaseModel
    from helpers.plan.periods import Period
    from helpers.store.open import Store

DAYS_PER_WEEK = 7
FEWEST_CUSTOMERS = 100
HELD_OUT_DAYS = 182
CLOSE = 0.05
# Cumulative figures hold the time of the fit, which it can't miss by much.
CLOSE_CUMULATIVE = 0.02


def chosen_model(store: Store) -> str:
    """Name of the model of purchases that predicts this shop's held-out time best.

    By the log-likelihood of the purchase times after the cut, given the history before it: the
    likeliest of `purchase_models.FITS` among those above BG/NBD by 2 standard errors of the
    difference; BG/NBD where none is, and where the history is too short to tell.

    Raises:
        MissingTable: Customers are unknown.
    """
    store.require("orders", "customer_id")
    try:
        return str(_trial(store)["chosen"])
    except MissingTable:
        return "bg_nbd"


def model_comparison(store: Store, period: Period) -> pd.DataFrame:
    """The models of purchases by how well they predict the last stretch without having seen it.

    The stretch is the 182 days before the store's day, a third of the history where that is
    shorter.

    Returns:
        One row per model, the chosen one first, the others by held-out likelihood: `model`,
        `chosen`, `log_likelihood` (of the past up to the cut), `advantage`, `low`, `high`
        (held-out log-likelihood a customer less that of BG/NBD, 95 %; its own row has no
        interval), `predicted`, `actual` (repeat purchases after the cut of customers known at it),
        `error_share`, `error_low`, `error_high` (95 %, as customers vary), `verdict` (`low`,
        `high`, `close`: within 5 %), `converged`; in every row `cut` (day), `days`, `n` (customers
        at the cut).

    Raises:
        MissingTable: Fewer than 100 repeat customers before the cut, or an earlier period.
    """
    import pandas as pd

    _require_own_day(store, period)
    found = _trial(store)
    rows = [
        {"model": name, "chosen": name == found["chosen"], **_scores(score)}
        for name, score in found["models"].items()
    ]
    frame = pd.DataFrame(rows).assign(
        cut=pd.Timestamp(found["cut"]), days=found["days"], n=found["n"]
    )
    frame.loc[frame["model"] == "bg_nbd", ["low", "high"]] = float("nan")
    ordered = frame.sort_values(["chosen", "advantage", "model"], ascending=[False, False, True])
    return ordered.reset_index(drop=True)


def held_out(store: Store, period: Period) -> pd.DataFrame:
    """The chosen model's prediction of the last stretch by how often customers bought before it.

    Returns:
        One row per number of repeat purchases at the cut: `frequency` (the last stands for so many
        or more: 7, or fewer where a group would have under 10 customers), `customers`,
        `predicted`, `actual` (purchase days a customer), `low`, `high` (95 % of `actual`); in every
        row `cut` (day), `days`, `predicted_total`, `actual_total`, `error_share`, `verdict`,
        `model`.

    Raises:
        MissingTable: Fewer than 100 repeat customers before the cut, or an earlier period.
    """
    import pandas as pd

    _require_own_day(store, period)
    found = _trial(store)
    score = found["models"][found["chosen"]]
    frame = pd.DataFrame(score["by_frequency"])
    frame["frequency"] = frame["frequency"].str.rstrip("+").astype(int)
    return frame.assign(
        cut=pd.Timestamp(found["cut"]), days=found["days"], predicted_total=score["predicted"],
        actual_total=score["actual"], error_share=score["error_share"],
        verdict=_verdict(score["error_share"]), model=found["chosen"],
    )  # fmt: skip


def forecast_error(store: Store, period: Period) -> pd.DataFrame:
    """How far the chosen model missed the purchases of the last stretch, which it had not seen.

    Returns:
        One row, `frames.COLUMNS`: predicted / actual - 1, the interval as customers vary, `n`
        customers at the cut, `numerator` predicted and `denominator` actual repeat purchases.
    """
    return _error_row(model_comparison(store, period))


def forecast_error_since(store: Store, period: Period) -> pd.DataFrame:
    """How far the chosen model missed what came after the store's day; see `since_then`.

    Returns:
        As `forecast_error`, `n` customers known at the store's day.
    """
    return _error_row(since_then(store, period))


def _error_row(compared: pd.DataFrame) -> pd.DataFrame:
    row = compared.iloc[0]
    return one_row(
        row["error_share"],
        low=row["error_low"],
        high=row["error_high"],
        n=row["n"],
        numerator=row["predicted"],
        denominator=row["actual"],
    )


def tracking(store: Store, period: Period) -> pd.DataFrame:
    """Cumulative repeat purchases by week, actual and as the chosen model expects them.

    Of customers who first bought up to the cut; expected of each from the day of the first
    purchase on, by the fit at the cut and without looking at what the customer did then.

    Returns:
        One row per week that ends on the store's weekday, from the first with 10 repeat purchases
        on: `week_end` (day), `actual`, `predicted`, `held_out` (after the cut); in every row `cut`,
        `model`, and of the last week `error_share` and `verdict` (within 2 %).

    Raises:
        MissingTable: Fewer than 100 repeat customers before the cut, or an earlier period.
    """
    import pandas as pd

    _require_own_day(store, period)
    found = _trial(store)
    frame = pd.DataFrame(found["tracking"])
    frame["week_end"] = pd.to_datetime(frame["week_end"])
    cut = pd.Timestamp(found["cut"])
    last = frame.iloc[-1]
    error = last["predicted"] / last["actual"] - 1
    return frame.assign(
        held_out=frame["week_end"] > cut, cut=cut, model=found["chosen"],
        error_share=error, verdict=_verdict(error, CLOSE_CUMULATIVE),
    )  # fmt: skip


def since_then(store: Store, period: Period) -> pd.DataFrame:
    """What came after the store's day against the forecasts of that day, of every model.

    Twice: purchases since then given each customer's history, and cumulative repeat purchases since
    the first purchase, which the model expects of any customer without looking at the history. All
    of customers known at the store's day; reads what is known at the data's last day.

    Returns:
        One row per model, the one chosen on the past first: `model`, `chosen`, `predicted`,
        `actual`, `error_share`, `error_low`, `error_high` (95 %, as customers vary), `verdict`
        (`low`, `high`, `close`: within 5 %), `cumulative_predicted`, `cumulative_actual`,
        `cumulative_error_share`, `cumulative_verdict` (within 2 %), `log_likelihood`; in every row
        `since` and `until` (days), `days`, `n` (customers).

    Raises:
        MissingTable: The data end within 90 days after the store's day, fewer than 100 repeat
            customers, or an earlier period.
    """
    import pandas as pd

    _require_own_day(store, period)
    later = store.later_mart("purchase_days")
    found = store.fitted("since_then", [], lambda: _since_then(store, later))
    chosen = chosen_model(store)
    rows = [
        {"model": name, "chosen": name == chosen, **score,
         "verdict": _verdict(score["error_share"]),
         "cumulative_verdict": _verdict(score["cumulative_error_share"], CLOSE_CUMULATIVE)}
        for name, score in found["models"].items()
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(
        since=pd.Timestamp(store.as_of), until=pd.Timestamp(store.last_day), days=found["days"],
        n=found["n"],
    )  # fmt: skip
    return frame.sort_values("chosen", ascending=False, kind="stable").reset_index(drop=True)


def planned_purchases(store: Store, period: Period) -> pd.DataFrame:
    """What to plan with: repeat purchases of today's customers in the time ahead.

    Expected by the chosen model fitted on all that is known, over as many days as were held out;
    the range divides that by 1 + the error of held-out time, so that a model that ran low says
    more; of one that came close it holds the forecast itself too. A purchase is worth what a repeat
    purchase day was paid on average in the last 365 days.

    Returns:
        One row: `action` (`low`, `high`, `close`: how the forecast of held-out time ran), `days`,
        `purchases`, `purchases_low`, `purchases_high`, `worth`, `worth_low`, `worth_high` (money
        paid), `customers` (known today).

    Raises:
        MissingTable: As `model_comparison`, or no repeat purchase in the last 365 days.
    """
    import pandas as pd

    row = model_comparison(store, period).iloc[0]
    found = store.fitted("planned_purchases", [], lambda: _planned(store))
    purchases = found["purchases"]
    days = store.mart("purchase_days")
    repeats = days.filter(days.number > 1, days.day > store.as_of - timedelta(days=YEAR_DAYS))
    paid = store.to_frame(repeats.aggregate(mean=repeats.paid_sales.mean())).iloc[0, 0]
    if pd.isna(paid):
        raise MissingTable("orders", ("paid_at",), "short")
    ends = [purchases / (1 + row["error_high"]), purchases / (1 + row["error_low"])]
    if row["verdict"] == "close":
        ends.append(purchases)
    low, high = min(ends), max(ends)
    return pd.DataFrame(
        [{
            "action": row["verdict"], "days": row["days"], "purchases": purchases,
            "purchases_low": low, "purchases_high": high, "worth": purchases * paid,
            "worth_low": low * paid, "worth_high": high * paid,
            "customers": found["customers"],
        }]
    )  # fmt: skip


def _planned(store: Store) -> dict[str, Any]:
    """What the chosen model, fitted on all that is known, expects for as long as was held out."""
    from helpers.models.purchase_models import FITS

    days = store.mart("purchase_days")
    people = _histories(store, days, days, store.as_of, store.as_of)
    x, last, age = people["frequency"], people["recency"], people["age"]
    found = _trial(store)
    model = FITS[found["chosen"]](x, last, age, people["customers"])
    expected = model.expected_purchases(found["days"] / DAYS_PER_WEEK, x, last, age)
    return {
        "purchases": float(expected @ people["customers"]),
        "customers": int(people["customers"].sum()),
    }


def _require_own_day(store: Store, period: Period) -> None:
    """An earlier period would need fits of its own."""
    if min(period.end, store.last_day) != store.as_of:
        raise MissingTable("orders", ("customer_id",), "short")


def _verdict(error_share: float, close: float = CLOSE) -> str:
    if not abs(error_share) > close:
        return "close"
    return "low" if error_share < 0 else "high"


def _scores(score: dict[str, Any]) -> dict[str, Any]:
    names = ("log_likelihood", "advantage", "low", "high", "predicted", "actual", "error_share",
             "error_low", "error_high", "converged")  # fmt: skip
    return {name: score[name] for name in names} | {"verdict": _verdict(score["error_share"])}


def _trial(store: Store) -> dict[str, Any]:
    """All models fitted up to the cut and tried on the time since; computed once and kept."""
    return store.once("held_out", lambda: store.fitted("held_out", [], lambda: _tried(store)))


def _tried(store: Store) -> dict[str, Any]:
    from helpers.models.held_out import advantages, chosen, held_out_error

    length = min(HELD_OUT_DAYS, (store.as_of - store.first_day).days // 3)
    cut = store.as_of - timedelta(days=length)
    days = store.mart("purchase_days")
    people = _histories(store, days, days, cut, store.as_of)
    models = _fits(people)
    gains = advantages(models, people)
    name = chosen(models, gains)
    scores = {}
    for key, model in models.items():
        error = held_out_error(model, people, length / DAYS_PER_WEEK, smallest_group=SMALLEST_GROUP)
        scores[key] = {
            "log_likelihood": model.log_likelihood, "converged": model.converged,
            "advantage": gains[key].value, "low": gains[key].low, "high": gains[key].high,
            "predicted": error.predicted, "actual": error.actual,
            "error_share": error.error_share, "error_low": error.low, "error_high": error.high,
            "by_frequency": error.by_frequency.to_dict("records"),
        }  # fmt: skip
    return {
        "models": scores, "chosen": name, "cut": str(cut), "days": length,
        "n": int(people["customers"].sum()),
        "tracking": _tracked(store, models[name], cut),
    }  # fmt: skip


def _since_then(store: Store, later: ir.Table) -> dict[str, Any]:
    from helpers.models.held_out import held_out_error

    length = (store.last_day - store.as_of).days
    days = store.mart("purchase_days")
    people = _histories(store, days, later, store.as_of, store.last_day)
    many = people["customers"]
    actual = float(((people["frequency"] + people["purchases"]) * many).sum())
    ages = many.groupby((people["age_after"] * DAYS_PER_WEEK).round().astype(int)).sum()
    scores = {}
    for name, model in _fits(people).items():
        error = held_out_error(model, people, length / DAYS_PER_WEEK)
        expected = float(_expected_new(model, ages.index[-1])[ages.index] @ ages)
        scores[name] = {
            "predicted": error.predicted, "actual": error.actual,
            "error_share": error.error_share, "error_low": error.low, "error_high": error.high,
            "cumulative_predicted": expected, "cumulative_actual": actual,
            "cumulative_error_share": expected / actual - 1,
            "log_likelihood": model.log_likelihood,
        }  # fmt: skip
    return {"models": scores, "days": length, "n": int(many.sum())}


def _fits(people: pd.DataFrame) -> dict[str, PurchaseModel]:
    """Every model on the histories.

    Raises:
        MissingTable: Fewer than 100 of the customers bought again.
    """
    from helpers.models.purchase_models import FITS

    if people.loc[people["frequency"] > 0, "customers"].sum() < FEWEST_CUSTOMERS:
        raise MissingTable("orders", ("customer_id",), "short")
    names = ["frequency", "recency", "age"]
    alike = people.groupby(names, as_index=False)["customers"].sum()
    columns = [alike[name] for name in (*names, "customers")]
    return {name: fit(*columns) for name, fit in FITS.items()}


def _histories(
    store: Store, past: ir.Table, future: ir.Table, cut: date, end: date
) -> pd.DataFrame:
    """Distinct histories until the cut and from there to the end, with the customers of each.

    Args:
        store: Runs the query.
        past: Purchase days as known at the cut, or later.
        future: Purchase days as known at the end.
        cut: Customers of later are left out.
        end: Last day that counts.

    Returns:
        `frequency`, `recency`, `age` (weeks) at the cut, `purchases` after it, `recency_after` and
        `age_after` (weeks) at the end, `customers`.
    """
    import ibis

    store.require("orders", "customer_id")
    known = past.filter(past.day <= cut)
    known = known.group_by(*CUSTOMER).aggregate(
        frequency=known.count() - 1, first_day=known.day.min(), last_day=known.day.max()
    )
    since = future.filter(future.day > cut, future.day <= end)
    since = since.group_by(*CUSTOMER).aggregate(purchases=since.count(), latest=since.day.max())
    people = known.left_join(since, list(CUSTOMER))
    first = people.first_day
    latest = ibis.coalesce(people.latest, people.last_day)
    people = people.select(
        "frequency",
        purchases=people.purchases.fill_null(0),
        recency=people.last_day.delta(first, unit="day") / DAYS_PER_WEEK,
        age=ibis.literal(cut).delta(first, unit="day") / DAYS_PER_WEEK,
        recency_after=latest.delta(first, unit="day") / DAYS_PER_WEEK,
        age_after=ibis.literal(end).delta(first, unit="day") / DAYS_PER_WEEK,
    )
    alike = ("age", "recency", "frequency", "purchases", "recency_after", "age_after")
    grouped = people.group_by(*alike).aggregate(customers=ibis._.count())
    return store.to_frame(grouped.order_by(*alike))


def _tracked(store: Store, model: PurchaseModel, cut: date) -> dict[str, list[Any]]:
    """Weekly cumulative repeat purchases of customers known at the cut, actual and expected."""
    import ibis
    import numpy as np
    import pandas as pd

    days = store.mart("purchase_days")
    first = days.filter(days.number == 1, days.day <= cut)
    repeats = days.filter(days.number > 1).semi_join(first, list(CUSTOMER))
    entered = _by_day(store, first.group_by("day").aggregate(n=ibis._.count()))
    bought = _by_day(store, repeats.group_by("day").aggregate(n=ibis._.count()))
    expected = np.convolve(entered, _expected_new(model, len(entered) - 1))[: len(entered)]
    actual = np.cumsum(bought)
    places = np.arange(len(actual) - 1, -1, -DAYS_PER_WEEK)[::-1]
    places = places[actual[places] >= SMALLEST_GROUP]
    ends = pd.Timestamp(store.first_day) + pd.to_timedelta(places, unit="D")
    return {
        "week_end": [str(end.date()) for end in ends],
        "actual": actual[places].tolist(),
        "predicted": expected[places].tolist(),
    }


def _by_day(store: Store, counted: ir.Table) -> np.ndarray:
    """`n` on every day from the store's first to its own, 0 where there is none."""
    import pandas as pd

    frame = store.to_frame(counted.order_by("day")).set_index("day")["n"]
    everyday = pd.date_range(store.first_day, store.as_of)
    return frame.reindex(everyday, fill_value=0).to_numpy(dtype=float)


def _expected_new(model: PurchaseModel, days: int) -> np.ndarray:
    """Repeat purchases expected of a new customer within 0, 1, ... so many days."""
    import numpy as np

    return np.array(
        [model.expected_purchases_new(day / DAYS_PER_WEEK) for day in range(int(days) + 1)]
    )
