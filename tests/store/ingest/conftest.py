"""Exports written by hand, and what an ingest makes of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from helpers.store import engine
from helpers.store.ingest import Ingested, recognise
from helpers.store.settings import load_settings

ORDERS = "order_id,customer_id,created_at,paid_at"
LINES = "order_id,line_id,product_id,quantity,buyer_paid"


@dataclass
class Read:
    """What an ingest gave back, and the folder that it wrote."""

    ingested: Ingested
    target: Path

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        path = self.target / f"{table}.parquet"
        return duckdb.sql(f"SELECT {columns} FROM read_parquet('{path}')").fetchall()

    def quarantine(self, table: str) -> list[tuple[Any, ...]]:
        """File, line and reason of the rows set aside."""
        path = self.target / "quarantine" / f"{table}.parquet"
        if not path.exists():
            return []
        return duckdb.sql(f"SELECT file, line, reason FROM read_parquet('{path}')").fetchall()


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Callable[..., Read]]:
    """Ingest a file, a folder or `env:NAME`."""
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    count = 0

    def read_data(data: str | Path) -> Read:
        nonlocal count
        count += 1
        target = tmp_path / f"tables_{count}"
        target.mkdir()
        ingested = recognise(data).read(
            data, target, connection=connection, settings=load_settings(data)
        )
        return Read(ingested, target)

    yield read_data
    connection.close()
    engine.remove(temporary)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder of text files: name without suffix = text or bytes; two orders when not given."""

    def write(**files: str | bytes) -> Path:
        made = tmp_path / "shop"
        made.mkdir(exist_ok=True)
        usual = {
            "orders": f"{ORDERS}\nA1,c1,2026-03-01 10:00:00,2026-03-01 10:05:00\n"
            "A2,c2,2026-03-02 11:00:00,\n",
            "order_lines": f"{LINES}\nA1,1,p1,2,20.00\nA1,2,p2,1,5.50\nA2,1,p1,1,10.00\n",
        }
        for name, content in {**usual, **files}.items():
            path = made / (name if "." in name else f"{name}.csv")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return made

    return write
