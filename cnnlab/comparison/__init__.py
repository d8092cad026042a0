"""Run records → a comparison: numbers over seeds, tables, conclusions. No framework, no files."""

from cnnlab.comparison.comparing import ComparedOutcomes, compare
from cnnlab.comparison.conclusions import conclusion, ranking
from cnnlab.comparison.experiments import ExperimentRuns, grouped, grouped_folds
from cnnlab.comparison.formats import Style, as_text
from cnnlab.comparison.labels import labels_of
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.spread import Spread, spread
from cnnlab.comparison.tables import (
    COST_KEY,
    accuracy_table,
    caption,
    class_accuracies,
    class_table,
    cost_table,
    fold_table,
    rounded_table,
    varied,
)

__all__ = [
    "COST_KEY",
    "ComparedOutcomes",
    "ExperimentRuns",
    "Outcome",
    "Pair",
    "Spread",
    "Style",
    "accuracy_table",
    "as_text",
    "caption",
    "class_accuracies",
    "class_table",
    "compare",
    "conclusion",
    "cost_table",
    "fold_table",
    "grouped",
    "grouped_folds",
    "labels_of",
    "ranking",
    "rounded_table",
    "spread",
    "varied",
]
