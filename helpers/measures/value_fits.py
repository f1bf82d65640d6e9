"""The shop's fits of customer value: how often customers buy and what a purchase contributes.

Ages are in weeks. A purchase is worth its contribution where the cost of goods is known, else what
the buyer paid. Source: plan 2.1, 4.4; Fader, Hardie and Lee (2005); Fader and Hardie (2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from helpers.measures.contribution import contribution_share, known_contributions
from helpers.measures.purchases import CUSTOMER
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.models.customer_value import Horizon
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.purchase_models import PurchaseModel
    from helpers.store.open import Store

DAYS_PER_WEEK = 7
WEEKS_PER_YEAR = 365.25 / 7
DISCOUNT_RATE = 0.10
FEWEST_CUSTOMERS = 100
CENT = "decimal(18,2)"


@dataclass(frozen=True)
class Fit:
    """The shop's fits.

    Attributes:
        name: Model of purchases that predicts this shop best, as in `purchase_models.FITS`.
        purchases: Its fit.
        bg_nbd: The fit of BG/NBD, which is published with its parameters in any case.
        paid: Gamma-gamma of what buyers paid.
        earned: Gamma-gamma of contribution; None where it can't be had.
        share: Contribution per unit of money paid; None where cost is unknown.
    """

    name: str
    purchases: PurchaseModel
    bg_nbd: PurchaseModel
    paid: GammaGamma
    earned: GammaGamma | None
    share: float | None

    @property
    def basis(self) -> str:
        """What value means: `contribution`, or `paid_sales` where cost is unknown."""
        return "paid_sales" if self.share is None else "contribution"

    @property
    def spend(self) -> GammaGamma:
        """The model of what a purchase is worth; times `margin` it is on the basis."""
        return self.earned or self.paid

    @property
    def margin(self) -> float:
        """Value per unit of `spend`."""
        return 1.0 if self.earned or self.share is None else self.share


def histories(store: Store, until: date) -> pd.DataFrame:
    """Distinct purchase histories up to a day, with the customers who share each.

    Returns:
        One row per history: `frequency` (repeat purchase days), `recency` and `age` (weeks),
        `customers`.
    """
    import ibis
    import pandas as pd

    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    people = (
        days.filter(days.day <= until)
        .group_by(*CUSTOMER)
        .aggregate(
            frequency=ibis._.count() - 1, first_day=ibis._.day.min(), last_day=ibis._.day.max()
        )
    )
    grouped = (
        people.group_by("frequency", "first_day", "last_day")
        .aggregate(customers=ibis._.count())
        .order_by("first_day", "last_day", "frequency")
    )
    frame = store.to_frame(grouped)
    week = pd.Timedelta(weeks=1)
    frame["recency"] = (frame["last_day"] - frame["first_day"]) / week
    frame["age"] = (pd.Timestamp(until) - frame["first_day"]) / week
    return frame[["frequency", "recency", "age", "customers"]]


def repeat_spend(store: Store) -> pd.DataFrame:
    """Mean money of the repeat purchases, by customers who have any.

    Returns:
        One row per distinct pair: `frequency`, `mean_value` (money a purchase day, to the cent),
        `customers`. Customers whose repeat purchases cost nothing are left out.
    """
    import ibis

    store.require("orders", "customer_id")
    people = store.mart("customer_summary")
    people = people.filter(people.frequency > 0, people.repeat_paid_sales > 0)
    value = (people.repeat_paid_sales / people.frequency).cast(CENT)
    grouped = (
        people.mutate(mean_value=value)
        .group_by("frequency", "mean_value")
        .aggregate(customers=ibis._.count())
        .order_by("frequency", "mean_value")
    )
    return store.to_frame(grouped)


def repeat_contribution(store: Store) -> pd.DataFrame:
    """What repeat purchases earned and lost, by customers who have any of known cost.

    Returns:
        One row per distinct set: `gains` (repeat purchases that contribute), `gained` (money),
        `losses` (repeat purchases that contribute nothing or lose), `lost` (money, 0 or more),
        `customers`.
    """
    import ibis

    names = ("gains", "losses", "gained", "lost")
    people = _repeat_records(store)
    people = people.filter(people.gains + people.losses > 0)
    grouped = people.group_by(*names).aggregate(customers=ibis._.count()).order_by(*names)
    return store.to_frame(grouped)


def _repeat_records(store: Store) -> ir.Table:
    """`gains`, `losses`, `gained` and `lost` of each customer with a repeat purchase."""
    days = known_contributions(store)
    days = days.filter(days.number > 1)
    gain, loss = days.value > 0, days.value <= 0
    return days.group_by(*CUSTOMER).aggregate(
        gains=gain.sum().fill_null(0).cast("int64"),
        losses=loss.sum().fill_null(0).cast("int64"),
        gained=days.value.sum(where=gain).fill_null(0.0).cast(CENT),
        lost=(-days.value.sum(where=loss)).fill_null(0.0).cast(CENT),
    )


def fit(store: Store) -> Fit:
    """All fits on what is known at the store's day; computed once and kept.

    Raises:
        MissingTable: Customers are unknown, fewer than 100 of them bought again, or what they
            spend has no mean.
    """
    from helpers.models.gamma_gamma import GammaGamma
    from helpers.models.gamma_gamma_losses import GammaGammaWithLosses
    from helpers.models.purchase_models import KINDS

    found = store.once(
        "value_fits", lambda: store.fitted("customer_value", [], lambda: _fitted(store))
    )
    name, earned = found["name"], found["earned"] or {}
    kind = GammaGammaWithLosses if "loss_share" in earned else GammaGamma
    return Fit(
        name=name,
        purchases=_restored(KINDS[name], found["purchases"]),
        bg_nbd=_restored(KINDS["bg_nbd"], found["bg_nbd"]),
        paid=_restored(GammaGamma, found["paid"]),
        earned=_restored(kind, earned) if earned else None,
        share=found["share"],
    )


def _fitted(store: Store) -> dict[str, Any]:
    from helpers.measures.held_out import chosen_model
    from helpers.models import gamma_gamma
    from helpers.models.purchase_models import FITS

    history, spend = histories(store, store.as_of), repeat_spend(store)
    if spend["customers"].sum() < FEWEST_CUSTOMERS:
        raise MissingTable("orders", ("customer_id",), "short")
    name = chosen_model(store)
    columns = [history[column] for column in ("frequency", "recency", "age", "customers")]
    purchases = {key: FITS[key](*columns) for key in dict.fromkeys(("bg_nbd", name))}
    name = name if purchases[name].converged else "bg_nbd"
    paid = gamma_gamma.fit(spend["frequency"], spend["mean_value"], spend["customers"])
    share = contribution_share(store, Period(store.as_of, store.as_of))
    earned = _fit_of_contribution(store) if share is not None else None
    if not paid.q > 1 and earned is None:
        raise MissingTable("orders", ("customer_id",), "short")
    return {
        "name": name, "purchases": vars(purchases[name]), "bg_nbd": vars(purchases["bg_nbd"]),
        "paid": vars(paid), "earned": vars(earned) if earned else None, "share": share,
    }  # fmt: skip


def _fit_of_contribution(store: Store) -> GammaGamma | None:
    """None where too few customers earn anything, or the fit has no mean."""
    from helpers.models.gamma_gamma_losses import fit as fit_with_losses

    found = repeat_contribution(store)
    earning = found.loc[found["gains"] > 0]
    if earning["customers"].sum() < FEWEST_CUSTOMERS:
        return None
    mean_gain = found["gained"] / found["gains"].clip(lower=1)
    model = fit_with_losses(
        found["gains"], mean_gain, found["losses"], found["lost"], found["customers"]
    )
    return model if model.converged and model.q > 1 else None


def _restored(kind: type, content: dict[str, Any]) -> Any:
    covariance = tuple(tuple(row) for row in content["log_covariance"])
    return kind(**{**content, "log_covariance": covariance})


def valued_histories(store: Store, people: ir.Table | None = None, *keys: str) -> pd.DataFrame:
    """Distinct histories of customers with what their repeat purchases were worth.

    Value given a history is linear in the money of its purchases, so that customers who share one
    are one row, at the mean of their money: a million customers stay a frame of thousands.

    Args:
        store: Uses mart `customer_summary`.
        people: The mart with columns added; the mart itself when not given.
        *keys: Columns that split histories further, such as a segment.

    Returns:
        `keys`, `frequency`, `recency` and `age` (weeks), `gains`, `losses` (repeat purchases),
        `mean_value` (money of a gain), `customers`; ordered by all of these.
    """
    import ibis

    people = store.mart("customer_summary") if people is None else people
    people = with_records(store, people)
    names = (*keys, "frequency", "recency_days", "age_days", "gains", "losses")
    grouped = people.group_by(*names).aggregate(
        customers=ibis._.count(), gained=ibis._.gained.sum()
    )
    frame = store.to_frame(grouped.order_by(*names))
    return as_history(frame)


def with_records(store: Store, people: ir.Table) -> ir.Table:
    """Customers with `gains`, `losses` (repeat purchases) and `gained` (money) on the basis."""
    if fit(store).earned is None:
        money = people.repeat_paid_sales.fill_null(0).cast("float64")
        return people.mutate(gains=people.frequency, losses=0, gained=money)
    joined = people.left_join(_repeat_records(store), list(CUSTOMER))
    return joined.select(
        *people.columns,
        gains=joined.gains.fill_null(0),
        losses=joined.losses.fill_null(0),
        gained=joined.gained.cast("float64").fill_null(0.0),
    )


def as_history(frame: pd.DataFrame) -> pd.DataFrame:
    """Days to weeks, and the mean money of a gain."""
    many = frame.get("customers", 1)
    return frame.assign(
        recency=frame["recency_days"] / DAYS_PER_WEEK,
        age=frame["age_days"] / DAYS_PER_WEEK,
        mean_value=frame["gained"] / (frame["gains"] * many).clip(lower=1),
    )


def expected_value(
    found: Fit,
    history: pd.DataFrame,
    months: float = 12,
    *,
    purchases: PurchaseModel | None = None,
    spend: GammaGamma | None = None,
) -> np.ndarray:
    """Discounted value expected of one customer of each row over the coming months, in money.

    `purchases` and `spend` stand for the fits of `found` where given.
    """
    from helpers.models import customer_value as model

    fits = purchases or found.purchases, spend or found.spend
    return model.expected_value(*fits, history, _horizon(found, months))


def value_lost(
    found: Fit,
    history: pd.DataFrame,
    *,
    purchases: PurchaseModel | None = None,
    spend: GammaGamma | None = None,
) -> np.ndarray:
    """What one customer of each row would bring in 12 months, times the chance of having left."""
    from helpers.models import customer_value as model

    fits = purchases or found.purchases, spend or found.spend
    alive = fits[0].probability_alive(history["frequency"], history["recency"], history["age"])
    lost: np.ndarray = model.value_if_alive(*fits, history, _horizon(found, 12)) * (1 - alive)
    return lost


def _horizon(found: Fit, months: float) -> Horizon:
    from helpers.models.customer_value import Horizon

    return Horizon(months, DISCOUNT_RATE, found.margin, WEEKS_PER_YEAR)
