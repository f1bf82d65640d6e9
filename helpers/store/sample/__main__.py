"""Command line: `python -m helpers.store.sample --output data/sample`."""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.store.sample.generate import generate


def main(arguments: list[str] | None = None) -> None:
    """Generates the sample shop that the arguments describe."""
    parser = argparse.ArgumentParser(prog="python -m helpers.store.sample", description=__doc__)
    parser.add_argument("--seed", type=int, default=20231111, help="seeds every draw")
    parser.add_argument("--customers", type=int, default=60_000, help="expected buyers")
    parser.add_argument("--months", type=int, default=48, help="months, the first 12 a run-in")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the customers")
    parser.add_argument("--output", type=Path, default=Path("data/sample"), help="folder")
    given = parser.parse_args(arguments)
    try:
        truth = generate(
            given.output, seed=given.seed, customers=given.customers, months=given.months,
            scale=given.scale,
        )  # fmt: skip
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))
    shop = truth.sections["shop"]
    print(f"{given.output}: {shop['starts_on']} to {shop['ends_on']}, seed {shop['seed']}")


if __name__ == "__main__":
    main()
