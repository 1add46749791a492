"""Random numbers that are the same in every run of the same seed. Python's own `random` is the
same in every run whatever the seed, so use these."""

from __future__ import annotations

_MASK = 2**64 - 1


class Random:
    """SplitMix64: for jitter and sampling, not for secrets. The same sequence as in the other
    languages' SDKs."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next_u64(self) -> int:
        """Any 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        bits = self._state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return bits ^ (bits >> 31)

    def random(self) -> float:
        """A float from 0 up to but not including 1, in steps of 2^-53."""
        return (self.next_u64() >> 11) / (1 << 53)

    def below(self, bound: int) -> int:
        """A number from 0 up to but not including `bound`; 0 where `bound` is 0."""
        return (self.next_u64() * bound) >> 64
