"""An estimate with its 95 % interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and the number of units it rests on.

    Attributes:
        value: Point estimate; NaN where it is undefined.
        low: Lower end of the interval; NaN where the data carry none.
        high: Upper end of the interval; NaN where the data carry none.
        n: Units that carry the evidence (customers, days), as the maker of the estimate says.
        standard_error: Standard error on the scale of `value`, where one exists.
    """

    value: float
    low: float
    high: float
    n: float
    standard_error: float | None = None
