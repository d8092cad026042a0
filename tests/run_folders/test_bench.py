"""The benchmark measures what users have: its made-up runs are listed like theirs."""

import importlib.util
from pathlib import Path

from cnnlab.run_folders.listing import scan, with_settings


def test_the_benchmark_writes_what_the_list_reads(tmp_path):
    path = Path(__file__).parents[2] / "bench" / "runs_list.py"
    spec = importlib.util.spec_from_file_location("runs_list", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    bench.write_runs(tmp_path, 25)
    rows = with_settings(scan(tmp_path), ["training.epochs"])
    assert len(rows) == 25
    assert {row["state"] for row in rows} == {"finished"}
    assert all(row["test_accuracy"] is not None for row in rows)
    assert {row["training.epochs"] for row in rows} == {3, 20}, "one experiment in seven is found by a filter"
