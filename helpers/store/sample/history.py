"""Purchase days of a block of customers: what is known of each on a day, and what follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.customers import Purchases
from helpers.store.sample.world import World


@dataclass(frozen=True)
class History:
    """Days on which the customers of a block bought, by customer and day, each day once.

    Attributes:
        buyer: Row of the customer in the block.
        day: Day of the purchase.
        starts: First entry of each customer, and the number of entries.
        width: More than any day that is asked for.
    """

    buyer: np.ndarray
    day: np.ndarray
    starts: np.ndarray
    width: int

    @property
    def first_day(self) -> np.ndarray:
        """Day of each customer's first purchase."""
        return self.day[self.starts[:-1]]

    def _entries_before(self, buyer: np.ndarray, day: np.ndarray) -> np.ndarray:
        keys = self.buyer * self.width + self.day
        return np.searchsorted(keys, buyer * self.width + np.clip(day, 0, self.width - 1))

    def before(self, buyer: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Purchase days of customers before a day each, and the last of them (-1: none)."""
        reached = self._entries_before(buyer, day)
        count = reached - self.starts[buyer]
        return count, np.where(count > 0, self.day[reached - 1], -1)

    def buys(self, buyer: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whether customers bought on one of the days `first` to `last`."""
        return self._entries_before(buyer, last + 1) > self._entries_before(buyer, first)


def make_history(world: World, customers: int, purchases: Purchases) -> History:
    """Purchase days out of a block's purchases."""
    width = world.setting.days * 2 + 400
    keys = np.unique(purchases.buyer * width + world.clock.day_of(purchases.operational))
    buyer, day = np.divmod(keys, width)
    return History(buyer, day, np.searchsorted(buyer, np.arange(customers + 1)), width)
