"""The version of this distribution, for modules that must not import the package's public names."""

__version__ = "0.2.0.dev0"

ARITHMETIC = 3
"""Recorded with every run. Raise it whenever the same config, seed and data would give other bits than before
on the same machine with the same libraries: another initial value, another order of data or of sums, another
rule in an optimizer. Runs from before 0.2.0 have no number."""
