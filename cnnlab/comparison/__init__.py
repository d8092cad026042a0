"""Run records → a comparison: numbers over seeds, tables, one sentence. No framework, no files."""

from cnnlab.comparison.comparing import Comparison, Outcome, compare
from cnnlab.comparison.experiments import Experiment, grouped
from cnnlab.comparison.headlines import headline
from cnnlab.comparison.spread import Spread, spread
from cnnlab.comparison.tables import accuracy_table, caption, rounded_table

__all__ = [
    "Comparison",
    "Experiment",
    "Outcome",
    "Spread",
    "accuracy_table",
    "caption",
    "compare",
    "grouped",
    "headline",
    "rounded_table",
    "spread",
]
