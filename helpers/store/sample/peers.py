"""Table `peers`: what the platform shows of shops like this one, month by month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from helpers.store.sample.arrow import dates, words
from helpers.store.sample.block_tables import Columns
from helpers.store.sample.streams import stream
from helpers.store.sample.world import World
from helpers.store.schema_traffic import PEER_GROUPS

LEVELS = {
    "conversion_rate": (0.029, 0.041),
    "order_value": (188.0, 236.0),
    "add_to_cart_rate": (0.081, 0.104),
    "repurchase_rate": (0.31, 0.37),
}  # fmt: skip
SPREAD = 0.02


def peer_columns(world: World) -> Columns:
    """Average and best of every month, a few per cent round their level."""
    starts = np.flatnonzero(np.diff(world.calendar.month, prepend=0))
    starts = starts[1:] if world.setting.starts_on.day != 1 else starts
    level = np.array(list(LEVELS.values()))
    noise = stream(world.setting.seed, "peers").normal(0, SPREAD, (len(starts), *level.shape))
    month, metric, group = (axis.ravel() for axis in np.indices(noise.shape))
    return {
        "month": dates(world.setting, starts[month]),
        "metric": words(list(LEVELS), metric),
        "peer_group": words(list(PEER_GROUPS), group),
        "value": pa.array(np.round(level * np.exp(noise), 4).ravel()),
    }


def peer_truth() -> dict[str, Any]:
    """Levels of the average and the best, for `truth.json`."""
    return {name: dict(zip(PEER_GROUPS, levels, strict=True)) for name, levels in LEVELS.items()}
