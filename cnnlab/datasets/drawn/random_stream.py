"""Random numbers that mean the same everywhere: the raw output of PCG64, and integers made from it.

NumPy promises that a bit generator and its seeding never change, but not what `Generator` makes of them
(NEP 19). So what is drawn here stays what it is, on every machine and with every NumPy.
"""

from __future__ import annotations

import numpy as np

Size = int | tuple[int, ...]


class RandomStream:
    """The numbers that follow from a seed: several integers, all of which count."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def raw(self, size: Size) -> np.ndarray:
        """64 random bits for each value: `size` uint64."""
        shape = (size,) if isinstance(size, int) else size
        return np.asarray(self._bits.random_raw(int(np.prod(shape)))).reshape(shape)

    def integers(self, low: int | np.ndarray, high: int | np.ndarray, size: Size) -> np.ndarray:
        """Whole numbers from low to high - 1, bounds included that broadcast to `size`: int64.

        The range must be far smaller than 2³²: by one part in 2³² ÷ range, some come more often.
        """
        span = np.asarray(high - low).astype(np.uint64)
        return np.asarray((self.raw(size) >> np.uint64(32)) * span >> np.uint64(32)).astype(np.int64) + low

    def uniform(self, size: Size) -> np.ndarray:
        """[0, 1) in steps of 2⁻⁵³: float64."""
        return np.asarray((self.raw(size) >> np.uint64(11)) * 2.0**-53)

    def bell(self, size: Size) -> np.ndarray:
        """Nearly normal, mean 0, standard deviation 1, within ±4.9: a sum of eight random bytes. float64."""
        raw = self.raw(size)
        total = raw.reshape(-1).view(np.uint8).reshape(*raw.shape, 8).sum(axis=-1, dtype=np.int64)
        return np.asarray((total - 1020) / np.sqrt(8 * (2**16 - 1) / 12))

    def balanced(self, count: int, classes: int) -> np.ndarray:
        """`count` labels in random order, of each class as many as possible alike: (count,) int64."""
        order = np.argsort(self.raw(count), kind="stable")
        return np.asarray(order % classes).astype(np.int64)
