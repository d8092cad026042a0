"""The runs below a folder as rows: found, filtered, sorted, set against each other."""

from cnnlab.run_folders.listing.differences import Difference, differences
from cnnlab.run_folders.listing.finding import (
    find_runs,
    finished_at,
    finished_runs,
    latest_experiment,
    latest_run,
    runs_at,
    runs_meant,
    runs_named,
    unknown_run,
)
from cnnlab.run_folders.listing.scanning import KEYS, Row, scan, sort_rows
from cnnlab.run_folders.listing.selecting import select
from cnnlab.run_folders.listing.settings import with_settings
from cnnlab.run_folders.listing.where import parse_condition

__all__ = [
    "KEYS",
    "Difference",
    "Row",
    "differences",
    "find_runs",
    "finished_at",
    "finished_runs",
    "latest_experiment",
    "latest_run",
    "parse_condition",
    "runs_at",
    "runs_meant",
    "runs_named",
    "scan",
    "select",
    "sort_rows",
    "unknown_run",
    "with_settings",
]
