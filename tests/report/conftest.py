from pathlib import Path

import pytest

from helpers.report import text
from tests.report import shop

TEXTS = Path(__file__).parent / "texts"


@pytest.fixture(scope="session", autouse=True)
def _demo_texts():
    """The catalogue of the made-up chapter `20_demo`."""
    text.folders.append(TEXTS)
    yield
    text.folders.remove(TEXTS)


@pytest.fixture(scope="session")
def made():
    return shop.report()


@pytest.fixture(scope="session")
def found(made):
    """Every kind of block, drawn once for all tests."""
    return shop.chapter_blocks(made)


@pytest.fixture(scope="session")
def record(made, found):
    return made.record().record
