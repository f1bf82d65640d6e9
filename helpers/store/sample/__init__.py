"""The sample shop: a generator whose truth is known."""

from helpers.store.sample.generate import generate
from helpers.store.sample.settings import FULL, PLAIN, Mechanisms
from helpers.store.sample.truth import Truth

__all__ = ["FULL", "PLAIN", "Mechanisms", "Truth", "generate"]
