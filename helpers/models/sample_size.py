"""How many units a test of two shares needs."""

import math

from scipy.stats import norm


def two_shares(before: float, after: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Units per arm with which a test of two shares finds the difference with a given chance.

    n = (z_level sqrt(2 m (1 - m)) + z_power sqrt(b (1 - b) + a (1 - a)))^2 / (a - b)^2 with the
    mean m of both, two-sided, arms of one size.

    Args:
        before: Share in the control, 0 to 1.
        after: Share in the other arm, 0 to 1, unlike `before`.
        level: Confidence level of the test.
        power: Chance to find the difference.

    Raises:
        ValueError: A share outside 0 to 1, or both alike.

    Source: Fleiss, Levin and Paik (2003), eq. 4.14; R's `power.prop.test`.
    """
    if not (0 <= before <= 1 and 0 <= after <= 1) or before == after:
        raise ValueError(f"shares == {before}, {after}, must differ and lie from 0 to 1.")
    middle = (before + after) / 2
    alike = norm.ppf(0.5 + level / 2) * math.sqrt(2 * middle * (1 - middle))
    apart = norm.ppf(power) * math.sqrt(before * (1 - before) + after * (1 - after))
    return float((alike + apart) ** 2 / (after - before) ** 2)
