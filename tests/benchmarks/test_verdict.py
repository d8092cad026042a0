"""`cnnlab bench verdict`: a whole comparison from a cold start, beside the loop in plain Keras."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cnnlab
from cnnlab.benchmarks import verdict
from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths

OTHER = {"dataset": {"name": "xo", "size": 10, "train_count": 100, "test_count": 40, "validation_size": 20}}
LINEAR = {
    **OTHER,
    "name": "linear",
    "model": {"layers": ["Flatten", {"Dense": {"units": 2, "activation": "softmax"}}]},
}
TIMING = {"median", "min", "max", "mean", "std", "ci95", "values"}


def test_a_verdict_on_experiments_of_ones_own(tmp_path_factory, folder: Path) -> None:
    settings = {"training.epochs": 1}
    speed = cnnlab.bench_verdict(["small.yaml", LINEAR], seeds=[0, 3], set=settings, workers=2, threads=1)
    told = speed.as_dict()
    assert told["experiments"] == ["small", "linear"]
    assert (told["seeds"], told["epochs"], told["workers"]) == ([0, 3], [1, 1], 2)
    assert set(told["cnnlab"]["seconds"]) == TIMING
    assert len(told["cnnlab"]["seconds"]["values"]) == 1
    assert (told["plain_keras"], told["ratio"]) == (None, None)
    assert told["left_out"].startswith("the plain Keras loop is written for dnn and cnn")
    compared = cnnlab.compare(
        ["small.yaml", LINEAR], seeds=[0, 3], set=settings, out=tmp_path_factory.mktemp("runs"), threads=1
    )
    assert told["cnnlab"]["verdict"] == compared.verdict


@pytest.mark.slow
def test_the_lecture_beside_the_plain_loop(mnist: Path, tmp_path_factory, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TMPDIR", str(temporary := tmp_path_factory.mktemp("temporary")))
    options = ["--seeds", "0,1", "--set", "training.epochs=1", "--data-dir", str(mnist), "--quiet"]
    assert run(["bench", "verdict", *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["experiments"], told["left_out"]) == (["dnn", "cnn"], None)
    assert " better than " in told["plain_keras"]["verdict"]
    assert "paired t-test over 2 seeds: p = " in told["plain_keras"]["verdict"]
    ours, theirs = (told[tool]["seconds"]["values"][0] for tool in ("cnnlab", "plain_keras"))
    assert told["ratio"]["values"] == [ours / theirs]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "changes", "same"),
    [
        pytest.param(("dnn", "cnn"), [], True, id="as shipped"),
        pytest.param(("cnn", "dnn"), ["training.epochs=3", "runtime.backend=jax"], True, id="on JAX"),
        pytest.param(("dnn", "cnn"), ["training.batch_size=50"], False, id="another batch size"),
        pytest.param(("dnn", "cnn"), ["runtime.precision=mixed_bfloat16"], False, id="another precision"),
        pytest.param(("dnn", "dnn_60000"), [], False, id="another experiment"),
        pytest.param(("dnn", "cnn", "fashion_cnn"), [], False, id="one more"),
    ],
)  # fmt: skip
def test_the_plain_loop_is_run_only_if_it_trains_the_same(names, changes, same: bool) -> None:
    reason = verdict.why_no_plain_loop([load_config(name, changes) for name in names])
    assert (reason is None) == same


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["small.yaml"], "expected two or more different experiments"),
        (["small.yaml", "small.yaml"], "expected two or more different experiments"),
        (["dnn", "cnn", "--seeds", "4"], "a verdict needs two or more seeds, and six to be significant"),
    ],
)
def test_what_gives_no_verdict(arguments, message: str, capsys) -> None:
    assert run(["bench", "verdict", *arguments]) == 2
    assert capsys.readouterr().err == f"{message}\n"


@pytest.mark.parametrize(("code", "kind"), [(1, "CnnlabError"), (2, "UserError")])
def test_a_process_that_fails_is_quoted(code: int, kind: str, monkeypatch) -> None:
    program = f"import sys; sys.stderr.write('the disk is full'); sys.exit({code})"
    monkeypatch.setattr(verdict, "COMMAND", program)
    with pytest.raises(cnnlab.CnnlabError) as caught:
        cnnlab.bench_verdict(["small.yaml", LINEAR], seeds=[0, 1])
    assert type(caught.value).__name__ == kind
    assert str(caught.value) == "cnnlab compare failed\n   the disk is full"


def test_options_reach_the_command(tmp_path: Path) -> None:
    data_paths = DataPaths.from_environment(tmp_path)
    command = verdict._compare([tmp_path / "a.yaml"], tmp_path / "runs", [0, 4], "auto", 3, data_paths)
    wanted = {"--seeds": "0,4", "--workers": "auto", "--threads": "3", "--data-dir": str(tmp_path)}
    for name, value in wanted.items():
        assert command[command.index(name) + 1] == value


def test_a_process_does_not_outlive_its_parent(tmp_path_factory) -> None:
    """The loop, if what started it is killed."""
    loop = tmp_path_factory.mktemp("loop") / "loop.py"
    loop.write_text("import sys, time\nprint(sys.argv[1], flush=True)\ntime.sleep(300)\n")
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", verdict.SCRIPT, str(loop), "trains"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout.readline() == "trains\n"
    started.stdin.close()
    assert started.wait(timeout=60) == 1
    started.stdout.close()


def test_a_wrong_number_of_repeats() -> None:
    with pytest.raises(cnnlab.UserError, match=r"^repeats: expected a whole number, 1 or more, found 0$"):
        cnnlab.bench_verdict(repeats=0)
