"""`cnnlab runs rm --keep-best` and disk use: what stays, what goes, and what is said of it first."""

import json

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import OptionError, UserError
from cnnlab.run_folders.removing import disk_use


@pytest.fixture
def out(tmp_path, make_run):
    """Four runs, the later the better on validation and the worse on test; one that failed."""
    for seed, accuracy in enumerate((0.6, 0.7, 0.8, 0.9)):
        path = make_run(tmp_path, "colors_dnn", seed=seed, accuracy=1 - accuracy)
        result = json.loads((path / "result.json").read_text("utf-8")) | {"validation_accuracy": accuracy}
        text = json.dumps(result)
        (path / "result.json").write_text(text, "utf-8")
        status = json.loads((path / "run.json").read_text("utf-8"))
        del status["format"]  # of a version without digests
        (path / "run.json").write_text(json.dumps(status), "utf-8")
    make_run(tmp_path, "colors_dnn", seed=4, state="failed")
    return tmp_path


def seeds(out):
    return [each.seed for each in cnnlab.runs(out=out, sort="seed")]


def test_the_best_by_validation_accuracy_stay(out, capsys):
    arguments = ["runs", "rm", "colors_dnn", "--keep-best", "2", "--out", str(out)]
    assert run([*arguments, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["keep"] * 2 + ["remove"] * 3
    assert [line.split("  ")[-1] for line in lines] == [
        "validation 90.00%", "validation 80.00%", "validation 60.00%", "validation 70.00%", "failed",
    ]  # fmt: skip
    assert seeds(out) == [0, 1, 2, 3, 4]
    assert run([*arguments, "--yes"]) == 0
    assert seeds(out) == [2, 3]


def test_a_condition_spares_the_others(out):
    plan = cnnlab.remove("colors_dnn", where="state = finished", keep_best=3, dry_run=True, out=out)
    assert [row["seed"] for row in plan.rows] == [0]
    assert plan.size == disk_use(plan.paths[0]) > 0
    assert cnnlab.remove(where="state = finished", keep_best=3, out=out).as_dict()["removed"] is True
    assert seeds(out) == [1, 2, 3, 4]


def test_nothing_is_best_without_validation(out):
    with pytest.raises(UserError, match="none of these runs has a validation accuracy"):
        cnnlab.remove(where="state = failed", keep_best=1, out=out)
    with pytest.raises(OptionError):
        cnnlab.remove("colors_dnn", keep_best=0, out=out)
    with pytest.raises(UserError, match="expected runs"):
        cnnlab.remove(keep_best=1, out=out)
    assert seeds(out) == [0, 1, 2, 3, 4]


def test_disk_use_is_listed(out, capsys):
    assert run(["runs", "list", "--disk", "--json", "--limit", "2", "--out", str(out)]) == 0
    streams = capsys.readouterr()
    rows = json.loads(streams.out)
    expected = [sum(file.stat().st_size for file in each.folder.iterdir()) for each in cnnlab.runs(out=out)]
    assert [row["bytes"] for row in rows] == expected[:2]
    assert f"{sum(expected[:2]) / 2**20:,.1f} MiB" in streams.err
