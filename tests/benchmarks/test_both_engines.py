"""The script behind the curves of docs/from-scratch.md: what it trains, its table and its picture."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "both_engines.py"

ENVIRONMENT = {
    "device_name": "CPU (2 cores)", "instruction_set": "AVX2", "threads": 2, "tensorflow": "2.21.0",
    "keras": "3.15.1", "numpy": "2.4.6", "blas": "openblas 0.3.31", "python": "3.11.7",
}  # fmt: skip


def trained(backend: str) -> SimpleNamespace:
    """A run of three epochs, whose first one takes long; by hand they take twice as long and learn more."""
    by_hand = backend == "scratch"
    columns = {
        each: [0.9, 0.8, 0.5 + by_hand / 8] for each in ("loss", "accuracy", "val_loss", "val_accuracy")
    }
    seconds = [9.0, 1.0, 2.0] if not by_hand else [0.5, 2.0, 4.0]
    return SimpleNamespace(
        history=pd.DataFrame({"epoch": [1, 2, 3], "seconds": seconds, **columns}),
        result=SimpleNamespace(test_accuracy=0.9875 if by_hand else 0.98),
        environment=ENVIRONMENT,
    )


def test_both_engines_train_the_same(monkeypatch, capsys, tmp_path_factory) -> None:
    program = runpy.run_path(str(SCRIPT))
    asked = []

    def train(name, *, seeds, set, out, data_dir, backend, progress):
        assert data_dir is None
        asked.append((name, backend, seeds, set))
        return [trained(backend)]

    monkeypatch.setattr("cnnlab.train", train)
    out = tmp_path_factory.mktemp("runs")
    arguments = ["--out", str(out), "--only", "colors_cnn", "cnn", "--epochs", "3"]
    monkeypatch.setattr("sys.argv", ["both_engines.py", *arguments])
    program["main"]()
    assert asked == [
        (name, backend, [0], {"training.epochs": 3})
        for name in ("colors_cnn", "cnn")
        for backend in ("tensorflow", "scratch")
    ]
    page = (out / "both_engines.md").read_text()
    assert capsys.readouterr().out == page + "\n"
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows[:2] == [
        "| `colors_cnn` | Keras on TensorFlow | 98.00% | 1.5 | 1.00 |",
        "| `colors_cnn` | from scratch | 98.75% | 3 | 2.00 |",
    ]
    assert len(rows) == 4
    assert (
        page.count(
            "CPU (2 cores), AVX2, 2 threads; TensorFlow 2.21.0, Keras 3.15.1, NumPy 2.4.6 with openblas"
        )
        == 1
    )
    assert (out / "both_engines.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("backend", ["tensorflow", "scratch"])
def test_every_curve_is_drawn(backend: str) -> None:
    curves = runpy.run_path(str(SCRIPT))["curves"]
    figure = curves({"cnn": {each: trained(each) for each in ("tensorflow", "scratch")}})
    place = ["tensorflow", "scratch"].index(backend)
    for axes, quantity in zip(figure.axes, ("loss", "accuracy"), strict=True):
        validation, training = axes.lines[2 * place : 2 * place + 2]
        history = trained(backend).history
        assert list(validation.get_ydata()) == list(history[f"val_{quantity}"])
        assert list(training.get_ydata()) == list(history[quantity])
        assert (validation.get_linestyle(), training.get_linestyle()) == ("-", "--")
