"""What to do about suppliers and carriers: whom to call, what to test.

Each function turns the findings of another measure into a list ranked by money.
Source: plan 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.measures import carriers, suppliers

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store


def suppliers_to_call(store: Store, period: Period) -> pd.DataFrame:
    """Suppliers with goods overdue at the period's end, and those clearly behind the others.

    Returns:
        One row per supplier and reason, most money first: `supplier_name`, `supplier_name_zh`,
        `action` (overdue | behind), `lines` (overdue; or due in the half year), `rate` (on time in
        full in the half year, 0 to 1), `worth` (money: of the overdue lines; or of the lines
        that missed in the half year).

    Raises:
        MissingTable: No purchase orders.
    """
    import pandas as pd

    names = ["supplier_name", "supplier_name_zh"]
    score = suppliers.scorecard(store, period)
    behind = score[score["standing"] == "behind"]
    behind = behind[names].assign(
        action="behind",
        lines=behind["lines"],
        rate=behind["on_time_in_full"],
        worth=behind["missed_value"],
    )
    late = suppliers.late_lines(store, period)
    late = late[late["open_lines"] > 0].merge(
        score[["shop_id", "supplier_id", "on_time_in_full"]],
        on=["shop_id", "supplier_id"],
        how="left",
    )
    overdue = late[names].assign(
        action="overdue",
        lines=late["open_lines"],
        rate=late["on_time_in_full"],
        worth=late["open_value"],
    )
    found = pd.concat([behind, overdue])
    return found.sort_values(
        ["worth", "supplier_name", "action"], ascending=[False, True, True], ignore_index=True
    )


def carriers_to_test(store: Store, period: Period) -> pd.DataFrame:
    """Carriers that another one beats, worded by what a move would bring.

    A dearer carrier is named only for one that is clearly behind the others: where promises are
    kept, paying more for fewer late parcels is no bargain.

    Returns:
        One row per beaten carrier, most money saved first, then the cheapest late parcel avoided:
        columns of `carriers.alternatives`, `action` (save: cheaper and no worse | save_and_keep:
        cheaper and more punctual | pay: more punctual and dearer), `worth` (money a period like
        this: saved, or to be paid, without its sign) and `at_stake` (money saved; NaN where it
        costs).

    Raises:
        MissingTable: No parcels, promises or freight.
    """
    frame = carriers.alternatives(store, period)
    standing = carriers.comparison(store, period).set_index("carrier")["standing"]
    saves = frame["saving"] > 0
    action = np.where(frame["reason"] == "cost", "save", np.where(saves, "save_and_keep", "pay"))
    frame = frame.assign(
        action=action, worth=frame["saving"].abs(), at_stake=frame["saving"].where(saves)
    )
    behind = frame["carrier"].map(standing) == "behind"
    frame = frame[saves | behind]
    return frame.sort_values(
        ["at_stake", "cost_per_late", "carrier"], ascending=[False, True, True], ignore_index=True
    )
