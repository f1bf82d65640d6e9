"""Time and memory by size: the whole run, the unchanged run, a bare scan, plain pandas.

For each size one shop is generated in a temporary folder, which is deleted at the end. The files
have just been written, so they are read from the page cache by all four alike.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import memory
from benchmarks.memory import Usage
from benchmarks.text_table import text_table
from helpers.store.fingerprints import PROJECT

MILLION = 1_000_000
LINES_AT_SCALE_1 = 267_000
PERIOD = "2024-12"
SECOND_RUN_SECONDS = 5.0
COLD_RUN_MB = 2_000
TOLERANCE = 1e-9
SHARED_FACTS = ("paid_sales", "net_sales", "repurchase_rate", "repurchase_rate_cohort")


@dataclass
class Sized:
    """What one size came to.

    Attributes:
        lines: Order lines.
        megabytes: Size of the exports.
        usages: By what was done.
        faults: What is not as it must be.
        columns: How many columns the scan read.
    """

    lines: int
    megabytes: float
    usages: dict[str, Usage] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    columns: int = 0


def measure_size(lines: float, folder: Path) -> Sized:
    """Generate a shop of so many order lines in a folder and measure all four ways."""
    shop, output = folder / "shop", folder / "reports"
    environment = {**os.environ, "STORE_REPORT_CACHE": str(folder / "cache")}

    def run(*arguments: object) -> Usage:
        command = [sys.executable, *map(str, arguments)]
        return memory.measured(command, environment=environment, folder=PROJECT)

    scale = lines / LINES_AT_SCALE_1
    generated = run("-m", "helpers.store.sample", "--output", shop, "--scale", scale)
    if generated.exit_code:
        raise RuntimeError(f"the shop could not be generated: {generated.errors}")
    found = Sized(_rows(shop / "order_lines.parquet"), _megabytes(shop))
    found.usages["generating the shop"] = generated
    whole = ("run_all.py", "--data", shop, "--period", PERIOD, "--output", output)
    found.usages["cold run"] = run(*whole)
    found.usages["unchanged second run"] = run(*whole)
    columns = _columns(folder)
    found.columns = sum(map(len, json.loads(columns.read_text()).values()))
    found.usages["one DuckDB scan"] = run("-m", "benchmarks.scan", shop, columns)
    found.usages["plain pandas"] = run("-m", "benchmarks.plain_pandas", shop, PERIOD)
    found.faults = [*_faults(found), *_differences(found, output / "shop" / PERIOD)]
    return found


def _rows(file: Path) -> int:
    import pyarrow.parquet

    return int(pyarrow.parquet.read_metadata(file).num_rows)


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / memory.MEGABYTE


def _columns(folder: Path) -> Path:
    """The file that tells the scan what the marts of the run read."""
    from benchmarks.scan import columns_read

    prepared = next((folder / "cache" / "runs").glob("*/prepared.json"))
    target = folder / "columns.json"
    target.write_text(json.dumps(columns_read(prepared)))
    return target


def _faults(found: Sized) -> list[str]:
    """What breaks the promises of the suite."""
    faults = [
        f"{name}: exit code {usage.exit_code}: {usage.errors[-2_000:]}"
        for name, usage in found.usages.items()
        if usage.exit_code
    ]
    cold, second = found.usages["cold run"], found.usages["unchanged second run"]
    if cold.peak_mb >= COLD_RUN_MB:
        faults.append(f"cold run: {cold.peak_mb:,.0f} MB, must be below {COLD_RUN_MB:,}")
    if not cold.has_kernel:
        faults.append("cold run: no kernel was seen; the sampling does not see the process tree")
    if second.has_kernel:
        faults.append("unchanged second run: a kernel started; none may")
    if second.seconds >= SECOND_RUN_SECONDS:
        faults.append(
            f"unchanged second run: {second.seconds:.1f} s, must be below {SECOND_RUN_SECONDS:g}"
        )
    return faults


def _differences(found: Sized, published: Path) -> list[str]:
    """Where pandas came to other figures than the run published."""
    if found.usages["plain pandas"].exit_code or not (published / "facts.json").exists():
        return []
    theirs = json.loads(found.usages["plain pandas"].output)
    ours = {fact["id"]: fact for fact in json.loads((published / "facts.json").read_text())}
    differences = []
    for name in SHARED_FACTS:
        fact = ours[name]
        value = fact["value"] if fact.get("observed") is None else fact["observed"]
        if abs(value / theirs[name] - 1) > TOLERANCE:
            differences.append(f"{name}: the run says {value}, plain pandas {theirs[name]}")
    return differences


def report(sizes: list[Sized]) -> str:
    """One table of all sizes, what it means, and what is not as it must be."""
    rows = [
        [f"{found.lines:,}", name, f"{usage.seconds:,.1f}", f"{usage.peak_mb:,.0f}",
         str(usage.most_processes)]
        for found in sizes
        for name, usage in found.usages.items()
    ]  # fmt: skip
    header = ["order lines", "what", "seconds", f"peak MB ({memory.kind()})", "processes"]
    return "\n".join(
        [
            f"Measured on {os.cpu_count()} cores; peak of the sum of {memory.kind()} over the "
            f"process tree, sampled every {memory.EVERY_SECONDS:g} s; 1 MB = 10^6 bytes",
            text_table(header, rows),
            *(f"{found.lines:,} lines: {found.megabytes:,.0f} MB of exports; the scan reads "
              f"{found.columns} columns" for found in sizes),
            "Plain pandas: purchase days, repurchase, cohorts, RFM, net sales by month, sums by "
            f"product; its {', '.join(SHARED_FACTS)} equal the run's",
            *(f"FAULT at {found.lines:,} lines: {fault}"
              for found in sizes for fault in found.faults),
        ]
    )  # fmt: skip


def main(millions: list[float], folder: Path | None = None) -> int:
    """Measure all sizes and print the table; 1 where something is not as it must be."""
    sizes = []
    for size in millions:
        with tempfile.TemporaryDirectory(prefix="store-report-scale-", dir=folder) as temporary:
            sizes.append(measure_size(size * MILLION, Path(temporary)))
    print(report(sizes))
    return 1 if any(found.faults for found in sizes) else 0
