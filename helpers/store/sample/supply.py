"""Supply: purchase orders by a replenishment rule, and the stock that follows from them.

Stock moves week by week: on hand = before + accepted receipts - shipped + resaleable returns.
Demand is known to have been met: where stock would fall below zero, pieces are bought on the spot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME, concatenate
from helpers.store.sample.delivery import WAREHOUSES
from helpers.store.sample.incidents import BAD_SUPPLIER_MONTH
from helpers.store.sample.streams import stream
from helpers.store.sample.suppliers import SPOT, supplier_id
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

REORDER_COVER_WEEKS = 3.0
TARGET_COVER_WEEKS = 7.5
FIRST_COVER_WEEKS = 8.0
MEMORY = 0.82
FIRST_RECEIPT_DAYS = 9
LEAST_PIECES = 2


@dataclass(frozen=True)
class PurchaseLines:
    """Lines of purchase orders, one entry each.

    Attributes:
        cell: Warehouse x number of products + product.
        supplier: Index of the supplier.
        ordered: When it was ordered, in seconds from the start (may be below 0).
        promised: Day promised.
        received: When it came, in seconds from the start.
        ordered_quantity: Pieces ordered.
        received_quantity: Pieces received.
        rejected_quantity: Pieces refused.
    """

    cell: np.ndarray
    supplier: np.ndarray
    ordered: np.ndarray
    promised: np.ndarray
    received: np.ndarray
    ordered_quantity: np.ndarray
    received_quantity: np.ndarray
    rejected_quantity: np.ndarray


@dataclass(frozen=True)
class Stock:
    """Stock at the end of each full week (a Sunday), by week and cell.

    Attributes:
        day: The Sundays.
        on_hand: Pieces on hand.
        on_order: Pieces ordered and not yet received.
    """

    day: np.ndarray
    on_hand: np.ndarray
    on_order: np.ndarray


class _Replenishment:
    """State of the weekly simulation, one entry a product in a warehouse."""

    def __init__(self, world: World, totals: Totals) -> None:
        self.world = world
        self.random = stream(world.setting.seed, "supply")
        weeks, warehouses, products = totals.shipped.shape
        self.weeks, self.cells = weeks, warehouses * products
        self.product = np.tile(np.arange(products), warehouses)
        self.shipped = totals.shipped.reshape(weeks, self.cells)
        self.restocked = totals.restocked.reshape(weeks, self.cells)
        self.supplier = world.catalogue.supplier[self.product]
        self.lead = world.suppliers.lead_time_days[self.supplier]
        self.lot = world.suppliers.lot[self.supplier]
        self.monday = np.arange(weeks) * 7 - int(world.calendar.weekday[0])
        self.accepted = np.zeros((weeks, self.cells), dtype=np.int64)
        self.arrived = np.zeros((weeks, self.cells), dtype=np.int64)
        self.placed = np.zeros((weeks, self.cells), dtype=np.int64)
        self.on_hand = np.zeros(self.cells, dtype=np.int64)
        self.outstanding = np.zeros(self.cells, dtype=np.int64)
        self.forecast = np.zeros(self.cells)
        self.book: list[PurchaseLines] = []

    def order(
        self, cell: np.ndarray, quantity: np.ndarray, day: np.ndarray, promised: np.ndarray
    ) -> None:
        """Orders pieces; what comes when is decided by the supplier's reliability."""
        random, count = self.random, len(cell)
        hours = (random.triangular(9, 11, 18, count) * 3600).astype(np.int64)
        received = self._received_day(cell, promised)
        received = np.maximum(received, day + 1)
        full = random.random(count) < self.world.suppliers.in_full[self.supplier[cell]]
        short = np.ceil(quantity * random.uniform(0.55, 0.97, count)).astype(np.int64)
        short = np.minimum(short, np.maximum(quantity - 1, 1))
        came = np.where(full, quantity, short)
        rejects = self.world.suppliers.reject_rate[self.supplier[cell]]
        refused = random.binomial(came, rejects)
        self._enter(
            PurchaseLines(
                cell, self.supplier[cell], day * DAY + hours, promised, received, quantity, came,
                refused,
            )
        )  # fmt: skip

    def _received_day(self, cell: np.ndarray, promised: np.ndarray) -> np.ndarray:
        random, count = self.random, len(cell)
        on_time = random.random(count) < self._on_time(cell, promised)
        early = random.integers(0, 4, count)
        late = 1 + random.gamma(1.4, 4.0, count).astype(np.int64)
        return np.where(on_time, promised - early, promised + late)

    def _on_time(self, cell: np.ndarray, promised: np.ndarray) -> np.ndarray:
        """True chance of each line to come on time, incidents included."""
        chance = self.world.suppliers.on_time[self.supplier[cell]]
        for incident in self.world.incidents:
            if incident.kind == BAD_SUPPLIER_MONTH:
                days = incident.days(self.world.setting)
                hit = (promised >= days.start) & (promised < days.stop)
                names = np.array([supplier_id(i) for i in range(len(self.world.suppliers))])
                hit &= names[self.supplier[cell]] == incident.subject
                chance = np.where(hit, incident.effect, chance)
        return chance

    def _enter(self, lines: PurchaseLines) -> None:
        """Books lines, given with the day of receipt, and lets their pieces come in their week."""
        hours = (self.random.triangular(8, 10.5, 17.5, len(lines.cell)) * 3600).astype(np.int64)
        self.book.append(replace(lines, received=lines.received * DAY + hours))
        self.outstanding[lines.cell] += lines.ordered_quantity
        accepted = lines.received_quantity - lines.rejected_quantity
        self._add(self.accepted, lines.cell, lines.received, accepted)
        self._add(self.arrived, lines.cell, lines.received, lines.ordered_quantity)
        self._add(self.placed, lines.cell, lines.ordered // DAY, lines.ordered_quantity)

    def _add(
        self, by_week: np.ndarray, cell: np.ndarray, day: np.ndarray, pieces: np.ndarray
    ) -> None:
        """Adds pieces to the week of a day; what comes before the first week is there in it."""
        week = np.maximum((day - self.monday[0]) // 7, 0)
        inside = week < self.weeks
        np.add.at(by_week, (week[inside], cell[inside]), pieces[inside])

    def buy_on_the_spot(self, week: int, missing: np.ndarray) -> None:
        """Brings pieces in the week itself: agreed on Friday before, received on Tuesday."""
        cell = np.flatnonzero(missing > 0)
        wanted = missing[cell] + np.ceil(1.5 * self.forecast[cell]).astype(np.int64)
        tuesday = np.full(len(cell), self.monday[week] + 1)
        hours = self.random.integers(9 * 3600, 18 * 3600, len(cell))
        nothing = np.zeros(len(cell), dtype=np.int64)
        self._enter(
            PurchaseLines(
                cell, np.full(len(cell), SPOT), (tuesday - 4) * DAY + hours, tuesday, tuesday,
                wanted, wanted, nothing,
            )
        )  # fmt: skip

    def _in_lots(self, cell: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Whole lots, at least one."""
        lot = self.lot[cell]
        return np.maximum(np.ceil(wanted / lot), 1).astype(np.int64) * lot


def simulate_supply(world: World, totals: Totals) -> tuple[PurchaseLines, Stock]:
    """Purchase orders and weekly stock that fit what was shipped and what came back."""
    state = _Replenishment(world, totals)
    ahead = _demand_ahead(world, state.weeks)
    _first_orders(state)
    full_weeks = (world.setting.days + int(world.calendar.weekday[0])) // 7
    on_hand = np.zeros((full_weeks, state.cells), dtype=np.int64)
    for week in range(full_weeks):
        _review(state, week, float(ahead[week]))
        balance = state.on_hand - state.shipped[week] + state.restocked[week]
        state.buy_on_the_spot(week, -(balance + state.accepted[week]))
        state.on_hand = balance + state.accepted[week]
        state.outstanding -= state.arrived[week]
        state.forecast = MEMORY * state.forecast + (1 - MEMORY) * state.shipped[week]
        on_hand[week] = state.on_hand
    on_order = np.cumsum(state.placed - state.arrived, axis=0)[:full_weeks]
    sundays = state.monday[:full_weeks] + 6
    return _within_span(world, concatenate(state.book)), Stock(sundays, on_hand, on_order)


def _demand_ahead(world: World, weeks: int) -> np.ndarray:
    """Demand of the ten weeks ahead relative to the eight before, by week, as planners expect."""
    days = np.arange(world.setting.days)
    week = (days + int(world.calendar.weekday[0])) // 7
    speed = np.bincount(week, weights=world.clock.speed, minlength=weeks) / 7
    reached = np.concatenate([[0.0], np.cumsum(speed)])
    now = np.arange(weeks)
    high, low = np.minimum(now + 10, weeks), np.maximum(now - 8, 0)
    coming = (reached[high] - reached[now]) / np.maximum(high - now, 1)
    gone = np.where(now > 0, (reached[now] - reached[low]) / np.maximum(now - low, 1), coming)
    return np.clip(coming / np.maximum(gone, 0.1), 0.6, 1.8)


def _first_orders(state: _Replenishment) -> None:
    """Stock for the launch of every product: a forecast of its first weeks with its error."""
    catalogue = state.world.catalogue
    launched = np.maximum(catalogue.launched[state.product], 0)
    week = np.minimum((launched - state.monday[0]) // 7, state.weeks - 1)
    reached = np.concatenate([np.zeros((1, state.cells)), np.cumsum(state.shipped, axis=0)])
    after = np.minimum(week + 10, state.weeks)
    everyone = np.arange(state.cells)
    weekly = (reached[after, everyone] - reached[week, everyone]) / np.maximum(after - week, 1)
    error = np.exp(state.random.normal(0, 0.35, state.cells))
    state.forecast = (weekly + 0.03) * error
    quantity = state._in_lots(everyone, state.forecast * FIRST_COVER_WEEKS)
    promised = launched - FIRST_RECEIPT_DAYS
    state.order(everyone, quantity, promised - state.lead, promised)


def _review(state: _Replenishment, week: int, ahead: float) -> None:
    """Monday's review: orders up to the target where the position is below the reorder point."""
    day = int(state.monday[week])
    catalogue = state.world.catalogue
    launched = np.maximum(catalogue.launched[state.product], 0)
    runs = (launched < day) & (catalogue.dropped[state.product] > day + state.lead + 30)
    expected = state.forecast * ahead
    lead_weeks = state.lead / 7 + 1
    position = state.on_hand + state.outstanding
    least = np.maximum(expected * (lead_weeks + REORDER_COVER_WEEKS), LEAST_PIECES)
    cell = np.flatnonzero(runs & (position < least))
    wanted = (expected * (lead_weeks + TARGET_COVER_WEEKS) - position)[cell]
    quantity = state._in_lots(cell, wanted)
    today = np.full(len(cell), day)
    state.order(cell, quantity, today, today + state.lead[cell])


def _within_span(world: World, lines: PurchaseLines) -> PurchaseLines:
    """What is not yet received when the span ends is not known to come."""
    open_ = lines.received > world.setting.last_second
    lines.received[open_] = NO_TIME
    return lines


def cell_names(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Warehouse and product of every cell."""
    products = len(world.catalogue)
    return np.repeat(np.arange(len(WAREHOUSES)), products), np.tile(
        np.arange(products), len(WAREHOUSES)
    )
