"""What a run has to load before it knows that there is anything to do."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("ibis", "matplotlib", "nbconvert", "papermill", "seaborn", "statsmodels")


def test_starting_a_run_loads_none_of_the_heavy_packages(project_root: Path) -> None:
    code = f"import sys, run_all; print(*(name for name in {HEAVY} if name in sys.modules))"
    started = subprocess.run(
        [sys.executable, "-c", code], cwd=project_root, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout.split() == []
