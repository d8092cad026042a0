"""The runs below a folder as rows: found, filtered, sorted, set against each other."""

from cnnlab.runs.listing.differences import Difference, differences
from cnnlab.runs.listing.finding import find_runs, finished_runs, latest_experiment, latest_run, unknown_run
from cnnlab.runs.listing.scanning import KEYS, Row, scan, sort_rows
from cnnlab.runs.listing.settings import A_SETTING, is_setting, with_settings
from cnnlab.runs.listing.where import parse_condition

__all__ = [
    "A_SETTING",
    "KEYS",
    "Difference",
    "Row",
    "differences",
    "find_runs",
    "finished_runs",
    "is_setting",
    "latest_experiment",
    "latest_run",
    "parse_condition",
    "scan",
    "sort_rows",
    "unknown_run",
    "with_settings",
]
