"""`cnnlab.train`: the command line's run folders, as values."""

import contextlib
import io
import json
import pickle
import random
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import cnnlab
from cnnlab import cli
from cnnlab.api.progress import Progress
from cnnlab.reporting import Reporter

pytestmark = pytest.mark.usefixtures("unrendered")

QUICK = {"dataset.train_size": 200, "dataset.validation_size": 50, "training.epochs": 1}


def on_the_command_line(*arguments):
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = cli.run([str(each) for each in arguments])
    return code, stdout.getvalue(), stderr.getvalue()


def test_runs_are_what_the_command_line_finds(runs, experiments, out):
    assert [(run.name, run.seed) for run in runs] == [
        ("colors_dnn", 0), ("colors_dnn", 1), ("colors_cnn", 0), ("colors_cnn", 1),
    ]  # fmt: skip
    settings = [f"--set={key}={value}" for key, value in QUICK.items()]
    code, text, told = on_the_command_line(
        "train", "colors_dnn", "colors_cnn", "--seeds", "0-1", *settings, "--out", out, "--json"
    )
    assert code == 0
    assert told.count("already finished") == 4
    assert json.loads(text) == runs.as_dict()


def test_a_run_is_its_folder(runs):
    run = runs[2]
    history = pd.read_csv(run.folder / "history.csv")
    pd.testing.assert_frame_equal(run.history, history, check_dtype=False)
    assert run.result.as_dict() == json.loads((run.folder / "result.json").read_text())
    assert run.predictions.right.mean() == run.result.test_accuracy
    assert run.environment["dataset"]["name"] == "colors"
    assert run.state == "finished"
    assert cnnlab.Run(run.folder) == run
    assert cnnlab.load(run.folder / "config.yaml") == run.experiment


def test_the_model_gives_the_recorded_predictions(runs):
    from cnnlab.datasets import DataPaths, load_dataset

    run = runs[2]
    data = load_dataset(run.experiment.config.dataset, DataPaths.from_environment(None))
    answers = run.model.predict(data.pixels.apply(data.test.images), verbose=0)
    np.testing.assert_array_equal(answers.argmax(axis=1), run.predictions.predicted)
    np.testing.assert_allclose(answers, run.predictions.probabilities, atol=1e-3)


def test_it_prints_nothing_and_leaves_signals_and_random_numbers_alone(experiments, tmp_path, capfd):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = [random.random(), np.random.rand()]  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    cnnlab.train(experiments[0], out=tmp_path)
    assert [random.random(), np.random.rand()] == expected  # noqa: NPY002
    assert capfd.readouterr() == ("", "")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_progress_reaches_a_function(experiments, tmp_path):
    events: list[Progress] = []
    (run,) = cnnlab.train(experiments[0], set={"training.epochs": 2}, out=tmp_path, progress=events.append)
    assert [each.event for each in events if each.event != "note"] == [
        "started",
        "epoch",
        "epoch",
        "finished",
    ]
    epochs = [each for each in events if each.event == "epoch"]
    assert [each.row for each in epochs] == list(run.record.history)
    assert str(epochs[0]).startswith("colors_dnn, seed 0: epoch 1/2, loss ")
    assert str(events[-1]) == f"colors_dnn, seed 0: test accuracy {run.result.test_accuracy:.2%}"


class Steps(Reporter):
    def __init__(self):
        self.last = None

    def stepped(self, config, epoch, step, steps, *, loss, accuracy):
        self.last = (epoch, step, steps)


@pytest.fixture(scope="module")
def in_threads(experiments, runs, tmp_path_factory):
    """The CNN with seeds 0 and 1, each trained in a thread; and who was told of the steps of the first."""
    out, steps = tmp_path_factory.mktemp("threads"), Steps()

    def train(seed, progress):
        return cnnlab.train(experiments[1], seeds=seed, out=out, progress=progress)[0]

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(train, (0, 1), (steps, None))), steps


def test_progress_reaches_a_reporter_step_by_step(in_threads):
    _, steps = in_threads
    assert steps.last == (1, 12, 12)  # 200 images in batches of 16, and drop_last


def test_threads_train_what_a_single_one_does(in_threads, runs):
    trained, _ = in_threads
    assert [run.result.test_loss for run in trained] == [run.result.test_loss for run in runs[2:]]


def test_a_bar_in_a_notebook(experiments, tmp_path, monkeypatch):
    import IPython.display

    shown = []

    class Handle:
        def update(self, bar):
            shown.append(bar)

    def display(bar, *, display_id):
        assert display_id
        shown.append(bar)
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(IPython, "get_ipython", lambda: "a shell")
    (run,) = cnnlab.train(experiments[0], out=tmp_path, progress=True)
    assert "<progress value='1.0000' max='1'>" in shown[-1]._repr_html_()
    assert f"test accuracy {run.result.test_accuracy:.2%}" in shown[-1]._repr_html_()
    assert repr(shown[0]).startswith("colors_dnn, seed 0: 0%")


@pytest.fixture(scope="module")
def failure(experiments, runs, tmp_path_factory):
    """The error of a call in which the second of three runs failed."""
    from cnnlab.errors import CnnlabError
    from cnnlab.training import train as training

    trained = training.train

    def fails_with_seed_1(config, *arguments, **named):
        if config.seed == 1:
            raise CnnlabError("the disk is on fire")
        trained(config, *arguments, **named)

    out = tmp_path_factory.mktemp("failure")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", fails_with_seed_1)
        with pytest.raises(cnnlab.TrainingFailed) as caught:
            cnnlab.train(experiments[0], seeds=range(3), out=out)
    return caught.value


def test_an_exception_carries_the_runs_that_finished(failure):
    assert str(failure) == (
        "1 of 3 runs failed; finished runs are kept\n   colors_dnn, seed 1: the disk is on fire"
    )
    assert [run.seed for run in failure.runs] == [0, 2]
    assert [str(error) for error in failure.errors] == ["the disk is on fire"]
    out = failure.runs[0].folder.parents[1]
    assert [run.state for run in cnnlab.runs(out=out)] == ["finished", "failed", "finished"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": [-1]}, "seeds: expected whole numbers from 0 to 2³²-1, found -1"),
        ({"seeds": [True]}, "seeds: expected whole numbers from 0 to 2³²-1, found True"),
        ({"seeds": []}, "seeds: expected at least one seed, found none"),
        ({"seeds": "0-"}, "expected seeds such as 0-4 or 0,2,5, found '0-'"),
        ({"precision": "float8"}, "precision: unknown value 'float8'; did you mean float32?"),
        ({"backend": "foo"}, "backend: expected tensorflow, jax, torch or scratch, found 'foo'"),
        ({"seeds": 1.5}, "seeds: expected whole numbers from 0 to 2³²-1, found 1.5"),
        ({"set": "training.epochs=3"}, "set: expected a mapping such as"),
        ({"set": {3: 4}}, "--set 3: expected a key such as training.epochs"),
        ({"data_dir": "/nowhere"}, "--data-dir: expected a folder, found nothing at /nowhere"),
        ({"progress": 3}, "progress: expected True, a function or a Reporter, found 3"),
        ({"set": {"dataset": None}}, "--set dataset: "),
    ],
)
def test_wrong_arguments(experiments, tmp_path, arguments, message):
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.train(experiments[0], out=tmp_path, **arguments)
    assert message in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_a_bar_needs_a_notebook(experiments, tmp_path):
    with pytest.raises(cnnlab.UserError, match="progress=True draws a bar in a notebook, and this is none"):
        cnnlab.train(experiments[0], out=tmp_path, progress=True)


def test_errors_reach_another_process(failure):
    from cnnlab.errors import OptionError, ShapeError

    for error in (failure, OptionError("a_b", "wrong", value=3), ShapeError("it does not fit", "mend it")):
        twin = pickle.loads(pickle.dumps(error))
        assert type(twin) is type(error)
        assert (str(twin), twin.on_command_line(), twin.exit_code) == (
            str(error), error.on_command_line(), error.exit_code,
        )  # fmt: skip


def test_a_run_stays_the_same_in_another_directory(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(runs[0].folder.parent)
    run = cnnlab.Run(runs[0].folder.name)
    monkeypatch.chdir(tmp_path)
    assert run == runs[0]
    assert run.state == "finished"
    assert len(run.history) == 1
    assert str(run.folder) == "seed-0"


def test_a_run_that_was_removed_says_so(runs, tmp_path):
    folder = runs[0].folder
    run = cnnlab.Run(shutil.copytree(folder, tmp_path / folder.parent.name / folder.name))
    assert len(run.history) == 1
    run.remove()
    for look in (lambda: run.state, lambda: run.history, run.facts):
        with pytest.raises(cnnlab.UserError, match="not a run"):
            look()


def test_a_cost_estimate(experiments):
    estimate = experiments[0].estimate_cost()
    assert (estimate.name, estimate.steps_per_epoch) == ("colors_dnn", 13)
    assert estimate.seconds > 0


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("workers", 0, 'a whole number, 1 or more, or "auto"'),
        ("workers", "many", 'a whole number, 1 or more, or "auto"'),
        ("workers", True, 'a whole number, 1 or more, or "auto"'),
        ("workers", 1.5, 'a whole number, 1 or more, or "auto"'),
        ("threads", 0, "a whole number from 1 to 1024"),
        ("threads", 2000, "a whole number from 1 to 1024"),
        ("threads", "all", "a whole number from 1 to 1024"),
    ],
)
@pytest.mark.parametrize("function", [cnnlab.train, cnnlab.compare])
def test_numbers_of_workers_and_threads_that_are_refused(function, option, value, expected, tmp_path):
    with pytest.raises(cnnlab.UserError) as refused:
        function(["dnn", "cnn"], out=tmp_path, **{option: value})
    assert str(refused.value) == f"{option}: expected {expected}, found {value!r}"
