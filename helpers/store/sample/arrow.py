"""Arrow columns out of numpy arrays, in the types that the schema declares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.store.sample.columns import NO_TIME
from helpers.store.sample.settings import Setting
from helpers.store.schema import TABLES

ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "decimal(18,2)": pa.decimal128(18, 2),
    "decimal(18,4)": pa.decimal128(18, 4),
}


def arrow_schema(table: str) -> pa.Schema:
    """The columns of a canonical table as Arrow fields."""
    return pa.schema(
        [pa.field(column.name, ARROW_TYPES[column.type]) for column in TABLES[table].columns]
    )


def decimals(units: np.ndarray, places: int, absent: np.ndarray | None = None) -> pa.Array:
    """DECIMAL(18, places) out of whole numbers of the last place."""
    words = np.empty((len(units), 2), dtype="<i8")
    words[:, 0] = units
    words[:, 1] = words[:, 0] >> 63
    valid = None
    if absent is not None:
        valid = pa.py_buffer(np.packbits(~absent, bitorder="little").tobytes())
    return pa.Array.from_buffers(
        pa.decimal128(18, places), len(units), [valid, pa.py_buffer(words.tobytes())]
    )


def money(cents: np.ndarray, absent: np.ndarray | None = None) -> pa.Array:
    """Money out of cents."""
    return decimals(cents, 2, absent)


def unit_price(units: np.ndarray, absent: np.ndarray | None = None) -> pa.Array:
    """Unit prices out of hundredths of cents."""
    return decimals(units, 4, absent)


def times(setting: Setting, seconds: np.ndarray) -> pa.Array:
    """Local times out of seconds from the start; `NO_TIME` is empty."""
    start = np.datetime64(setting.starts_on, "us").astype(np.int64)
    absent = (seconds == NO_TIME) | (seconds > setting.last_second)
    micros = np.where(absent, 0, seconds) * 1_000_000 + start
    return pa.array(micros, mask=absent).cast(pa.timestamp("us"))


def dates(setting: Setting, days: np.ndarray) -> pa.Array:
    """Dates out of days from the start."""
    start = int(np.datetime64(setting.starts_on, "D").astype(np.int64))
    return pa.array((np.asarray(days) + start).astype(np.int32)).cast(pa.date32())


def words(
    vocabulary: Sequence[str], index: np.ndarray, absent: np.ndarray | None = None
) -> pa.Array:
    """Text out of indices into a vocabulary; empty where absent."""
    return pa.array(list(vocabulary), pa.string()).take(pa.array(index, pa.int64(), mask=absent))


def text(value: str, count: int) -> pa.Array:
    """The same text so many times."""
    return pa.repeat(pa.scalar(value, pa.string()), count)


def numbered(prefix: str, numbers: np.ndarray, width: int) -> pa.Array:
    """Ids such as C0000123: a prefix and a number of fixed width."""
    digits = pc.utf8_lpad(pa.array(numbers, pa.int64()).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def joined(left: pa.Array, right: pa.Array) -> pa.Array:
    """Texts one after another, row by row."""
    return pc.binary_join_element_wise(left, right, "")
