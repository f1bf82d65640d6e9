"""Command line: `python -m benchmarks [coverage | budget | scale | customers]`, or all of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import budget, coverage, customers, scale


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where a figure is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("what", nargs="?", choices=("coverage", "budget", "scale", "customers"),
        help="all when not given")  # fmt: skip
    add("--millions", type=float, nargs="+", default=[1, 10], metavar="LINES",
        help="order lines of `scale`, in millions")  # fmt: skip
    add("--folder", type=Path, help="where `scale` makes its temporary folder: 4 GB for 10 million")
    add("--seeds", type=int, default=coverage.SEEDS, help="shops of `coverage` and `budget`")
    add("--processes", type=int, default=2, help="processes of both")
    given = parser.parse_args(arguments)
    codes = []
    if given.what in (None, "customers"):
        codes.append(customers.main())
    if given.what in (None, "scale"):
        codes.append(scale.main(given.millions, given.folder))
    if given.what in (None, "coverage"):
        codes.append(coverage.main(given.seeds, given.processes))
    if given.what in (None, "budget"):
        codes.append(budget.main(given.seeds, given.processes))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
