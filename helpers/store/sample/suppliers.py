"""Suppliers and how reliable each truly is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.names import SUPPLIER_CATEGORIES, SUPPLIERS
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import stream

TROUBLED = 5


@dataclass(frozen=True)
class Suppliers:
    """The suppliers, one entry each.

    Attributes:
        lead_time_days: Agreed days from order to receipt.
        on_time: True chance that a line comes by the promised day.
        in_full: True chance that it comes in full.
        reject_rate: True share of pieces refused for quality.
        lot: Smallest quantity it sells.
    """

    lead_time_days: np.ndarray
    on_time: np.ndarray
    in_full: np.ndarray
    reject_rate: np.ndarray
    lot: np.ndarray

    def __len__(self) -> int:
        return len(self.lot)


def supplier_id(index: int) -> str:
    """Id of a supplier."""
    return f"S{index + 1:03d}"


def make_suppliers(setting: Setting) -> Suppliers:
    """Suppliers of all kinds: most are good, some are not."""
    random = stream(setting.seed, "suppliers")
    count = len(SUPPLIERS)
    return Suppliers(
        lead_time_days=random.choice([10, 12, 14, 18, 21, 25, 30], count),
        on_time=np.round(np.clip(random.beta(13, 2.1, count), 0.55, 0.985), 3),
        in_full=np.round(np.clip(random.beta(22, 1.7, count), 0.72, 0.99), 3),
        reject_rate=np.round(np.clip(random.gamma(2.0, 0.006, count), 0.001, 0.05), 4),
        lot=np.maximum(random.choice([4, 6, 6, 10, 12], count), 1),
    )


def as_truth(suppliers: Suppliers) -> list[dict[str, Any]]:
    """The suppliers for `truth.json`."""
    return [
        {
            "supplier_id": supplier_id(index),
            "name": SUPPLIERS[index][0],
            "categories": list(SUPPLIER_CATEGORIES[index]),
            "lead_time_days": int(suppliers.lead_time_days[index]),
            "on_time": float(suppliers.on_time[index]),
            "in_full": float(suppliers.in_full[index]),
            "on_time_in_full": round(
                float(suppliers.on_time[index] * suppliers.in_full[index]), 6
            ),
            "reject_rate": float(suppliers.reject_rate[index]),
        }
        for index in range(len(suppliers))
    ]
