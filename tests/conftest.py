import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import runs

os.environ.setdefault("MPLBACKEND", "Agg")

settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("project"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "project")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets that stands beside the project where tests have them."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data: the public data sets are not beside the project (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory, shared_data) -> runs.Published:
    """The run on Online Retail II, November 2011."""
    data = shared_data / "online_retail_II"
    base = tmp_path_factory.getbasetemp()
    return runs.once(base, "retail", lambda folder: runs.published(folder, data, "2011-11"))


@pytest.fixture(scope="session")
def published_retail(online_retail) -> Path:
    """The published folder of Online Retail II, November 2011."""
    assert online_retail.code == 0, online_retail.said
    return online_retail.folder


@pytest.fixture(scope="session")
def published_sample(tmp_path_factory) -> Path:
    """The published folder of the sample shop, as `make report` leaves it."""
    base = tmp_path_factory.getbasetemp()
    run = runs.once(base, "sample", lambda folder: runs.published_sample())
    assert run.code == 0, run.said
    return run.folder.resolve()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The address of an installed Chromium or Chrome; only in CI must there be one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"none of {', '.join(names)} is installed; .ci/run installs chromium")
    if found is None:
        pytest.skip(f"browser test: none of {', '.join(names)} is installed")
    return found
