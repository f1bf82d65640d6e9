"""Time and peak memory of a command and all processes that it starts.

Memory is the sum over the process tree of what each process holds, sampled ten times a second:
its proportional set size (PSS: shared pages count once) where the system tells it, as Linux does,
else its resident set size (RSS: shared pages count in every process that has them).
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

EVERY_SECONDS = 0.1
MEGABYTE = 1_000_000
KERNELS = ("ipykernel_launcher", "helpers.run.kernel")


@dataclass
class Usage:
    """What a command took.

    Attributes:
        seconds: From start to end.
        peak_mb: Highest sum of memory over the tree, in megabytes (10^6 bytes).
        most_processes: Most processes at one time.
        has_kernel: Whether a Jupyter kernel was among them.
        exit_code: Of the command itself.
        output: Its standard output.
        errors: Its standard error.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0
    most_processes: int = 0
    has_kernel: bool = False
    exit_code: int = 0
    output: str = field(default="", repr=False)
    errors: str = field(default="", repr=False)


def kind() -> str:
    """What is summed: `PSS` or `RSS`."""
    return "PSS" if hasattr(psutil.Process().memory_full_info(), "pss") else "RSS"


def measured(command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command in a folder to its end, watching its process tree."""
    usage = Usage()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            list(command), env=dict(environment), cwd=folder, stdout=output, stderr=errors
        )
        _watch(process, usage)
        usage.seconds = time.monotonic() - start
        usage.exit_code = process.returncode
        for file, name in ((output, "output"), (errors, "errors")):
            file.seek(0)
            setattr(usage, name, file.read())
    return usage


def _watch(process: subprocess.Popen[bytes], usage: Usage) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        _sample(root, usage)
        try:
            process.wait(EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _sample(root: psutil.Process, usage: Usage) -> None:
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    usage.most_processes = max(usage.most_processes, len(tree))
    usage.peak_mb = max(usage.peak_mb, sum(map(_bytes, tree)) / MEGABYTE)
    usage.has_kernel = usage.has_kernel or any(map(_is_kernel, tree))


def _bytes(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return _resident(process)
    return int(getattr(found, "pss", found.rss))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _is_kernel(process: psutil.Process) -> bool:
    try:
        return any(name in process.cmdline() for name in KERNELS)
    except psutil.Error:
        return False
