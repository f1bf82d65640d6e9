"""Turn the codes of a published list back into customers, for whoever may write to them.

`python -m helpers.store.contacts STORE LIST.csv ...` (`make contacts ARGS="..."`) reads lists
from a report's `tables/` and writes them with the shop's own customer ids into the store's cache,
readable by their owner alone. Nothing of it is ever published.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers.store import fingerprints
from helpers.store.errors import BadInput
from helpers.store.schema import TABLES


def write_contacts(store: str, lists: Sequence[Path], cache: Path | None = None) -> list[Path]:
    """Write each list with the columns `shop_id` and `customer_id` before its own.

    Args:
        store: The store's name, as in `reports/<store>/`.
        lists: CSV files of a report whose cells hold customer codes.
        cache: The folder of the cache; `data/.cache` when not given.

    Returns:
        The files written, in `<cache>/<store>/contacts/`, mode 0600.

    Raises:
        BadInput: The store has no key or tables in this cache, or a list has no code of it.
    """
    root = (cache or fingerprints.cache_folder()) / store
    known = _customers_by_code(root)
    folder = root / "contacts"
    folder.mkdir(mode=0o700, exist_ok=True)
    return [_write(Path(path), folder, known) for path in lists]


def _customers_by_code(root: Path) -> dict[str, tuple[str, str]]:
    """Shop and customer of every code that the store's key can make."""
    from helpers.store.open import keyed_hash, secret_key

    tables = sorted((root / "tables").glob("*/manifest.json"), key=os.path.getmtime)
    if not (root / "key").exists() or not tables:
        raise BadInput(
            f"{root.name}: no such store in {root.parent.name}/; name a store whose report was "
            "made on this machine (the folders of reports/ are named after them)"
        )
    key = secret_key(root / "key")
    return {
        keyed_hash(key, f"{shop}/{customer}"): (shop, customer)
        for shop, customer in _ids(tables[-1].parent)
    }


def _ids(folder: Path) -> Iterator[tuple[str, str]]:
    """Every shop and customer id of the store's tables."""
    import duckdb

    for name, table in TABLES.items():
        path = folder / f"{name}.parquet"
        if "customer_id" in table.column_names and path.exists():
            yield from duckdb.execute(
                "SELECT DISTINCT shop_id, customer_id FROM read_parquet(?) "
                "WHERE customer_id IS NOT NULL",
                [str(path)],
            ).fetchall()


def _write(path: Path, folder: Path, known: dict[str, tuple[str, str]]) -> Path:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: can't be read as a list of a report ({error})") from error
    found = [(_customer(row, known), row) for row in rows]
    if not any(customer for customer, _ in found):
        raise BadInput(
            f"{path.name}: none of its {len(rows)} rows holds a customer code of store "
            f"{folder.parent.name}; give a list from reports/{folder.parent.name}/<period>/tables/ "
            "with a column of customer codes, made with the key of this machine"
        )
    target = folder / path.name
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop_id", "customer_id", *head])
        writer.writerows([*(customer or ("", "")), *row] for customer, row in found)
    return target


def _customer(row: Sequence[str], known: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    return next((known[cell] for cell in row if cell in known), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the lists that the arguments name; 2 where one can't be."""
    parser = argparse.ArgumentParser(prog="python -m helpers.store.contacts", description=__doc__)
    parser.add_argument("store", help="name of the store, as in reports/<store>/")
    parser.add_argument("lists", nargs="+", type=Path, help="CSV files of its report")
    given = parser.parse_args(arguments)
    try:
        written = write_contacts(given.store, given.lists)
    except BadInput as error:
        print(f"contacts: {error}", file=sys.stderr)
        return 2
    print("\n".join(str(path) for path in written))
    return 0


if __name__ == "__main__":
    sys.exit(main())
