"""The version of this distribution, for modules that must not import the package's public names."""

__version__ = "0.2.0.dev0"

ARITHMETIC = 3
"""Recorded with every run. Raise it whenever the same config, seed and data would give other bits than before
on the same machine with the same libraries: another initial value, another order of data or of sums, another
rule in an optimizer. Runs from before 0.2.0 have no number."""

OWN_ARITHMETIC = {("jax", "cpu"): 4, ("jax", "gpu"): 4}
"""The same for a backend on a device that has changed alone: its runs have this number in place of the common
one, and all others keep theirs. The next common number is above all of these."""


def arithmetic_of(backend: object, device: object) -> int:
    """The number of today's arithmetic of a backend on a device, both as environment.json names them."""
    return next((own for where, own in OWN_ARITHMETIC.items() if where == (backend, device)), ARITHMETIC)
