"""What purchases on top of BG/NBD change of the true repurchase rates.

The rates without them are expectations under BG/NBD. The difference is counted: buyers and
returning buyers of the same draws with and without the purchases on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.history import History
from helpers.store.sample.repurchase import YEAR_DAYS
from helpers.store.sample.world import World


@dataclass
class RepurchaseShift:
    """Sums over all blocks: counts with the purchases on top less counts without them.

    Attributes:
        buyers: Customers with a purchase day in the last 365 days.
        returned: Those with two or more.
        again: Customers of `cohort` with a second purchase day within 365 days of the first.
        cohort: Customers whose 365 days end in the last 365 days; the same with and without.
    """

    buyers: int = 0
    returned: int = 0
    again: int = 0
    cohort: int = 0

    def add(self, world: World, without: History, having: History) -> None:
        """Adds a block of customers."""
        days = world.setting.days
        for sign, history in ((-1, without), (1, having)):
            recent = history.day >= days - YEAR_DAYS
            times = np.bincount(history.buyer[recent])
            self.buyers += sign * int((times >= 1).sum())
            self.returned += sign * int((times >= 2).sum())
            first = history.first_day
            ends = first + YEAR_DAYS
            cohort = np.flatnonzero((ends < days) & (ends >= days - YEAR_DAYS))
            again = history.buys(cohort, first[cohort] + 1, ends[cohort])
            self.again += sign * int(again.sum())
        self.cohort += len(cohort)
