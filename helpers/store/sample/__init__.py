"""The sample shop: a generator whose truth is known.

A part that a chapter adds is one module: it draws from its own `stream`, changes what it is about
in `world.py` (before any customer comes), per block or at the end (`generate.py`), and puts its
true parameters in a section of their own in `truth.py`. A switch in `Mechanisms` turns it off.
"""

from helpers.store.sample.generate import generate
from helpers.store.sample.settings import FULL, PLAIN, Mechanisms
from helpers.store.sample.truth import Truth

__all__ = ["FULL", "PLAIN", "Mechanisms", "Truth", "generate"]
