"""Running figures of a price in floats. For signals only: none of them is money."""

from __future__ import annotations


class Ema:
    """Exponential moving average with weight 2 / (length + 1), seeded with the first value."""

    __slots__ = ("value", "_weight", "_rest", "_missing", "_seeded")

    def __init__(self, length: int) -> None:
        length = max(1, length)
        #: The average; zero before the first value.
        self.value = 0.0
        self._weight = 2.0 / (length + 1.0)
        self._rest = 1.0 - self._weight
        self._missing = length
        self._seeded = False

    def update(self, value: float) -> float:
        """Takes in a value and says the average."""
        if self._seeded:
            self.value = self._weight * value + self._rest * self.value
        else:
            self._seeded = True
            self.value = value
        if self._missing:
            self._missing -= 1
        return self.value

    @property
    def is_warm(self) -> bool:
        """Whether it has seen as many values as it is long."""
        return self._missing == 0
