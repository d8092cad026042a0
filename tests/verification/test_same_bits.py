"""One bit is enough."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cnnlab
from cnnlab.npz import read_npz
from cnnlab.verification.same_bits import differences


@pytest.fixture(scope="module")
def run(backend, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    [trained] = cnnlab.train(str(tiny), out=tmp_path_factory.mktemp("out"))
    return trained.folder


def other_time(run: Path) -> None:
    lines = (run / "history.csv").read_text().splitlines()
    column = lines[0].split(",").index("seconds")
    cells = lines[2].split(",")
    cells[column] = "12345.5"
    (run / "history.csv").write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:], ""]))
    change_result(run, seconds=1.0, seconds_per_epoch=1.0, images_per_second=1.0, peak_memory_bytes=1)


def other_loss(run: Path) -> None:
    lines = (run / "history.csv").read_text().splitlines()
    cells = lines[2].split(",")
    cells[lines[0].split(",").index("loss")] = "0.5"
    cells[lines[0].split(",").index("accuracy")] = "0.5"
    (run / "history.csv").write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:], ""]))


def a_row_less(run: Path) -> None:
    lines = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([*lines[:-1], ""]))


def negative_zero(run: Path) -> None:
    arrays = read_npz(run / "predictions.npz")
    arrays["probabilities"][3, 1] = -arrays["probabilities"][3, 1]
    np.savez(run / "predictions.npz", **arrays)


def one_bit_of_a_weight(run: Path) -> None:
    import h5py

    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        weights: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: (
                weights.append(item) if isinstance(item, h5py.Dataset) and item.ndim == 2 else None
            )
        )
        values = weights[0][()]
        values.view(np.uint32)[0, 0] ^= 1
        weights[0][...] = values
    with zipfile.ZipFile(run / "model.keras", "w") as archive:
        for name, content in (members | {"model.weights.h5": buffer.getvalue()}).items():
            archive.writestr(name, content)


def other_accuracy(run: Path) -> None:
    change_result(run, test_accuracy=0.125)


def change_result(run: Path, **entries: float) -> None:
    path = run / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda run: None, [], id="nothing"),
        pytest.param(other_time, [], id="times-and-memory"),
        pytest.param(other_loss, ["history.csv differs from epoch 2 on: loss is 0.5, not "], id="history"),
        pytest.param(a_row_less, ["history.csv differs from epoch 5 on: 4 rows, not 5"], id="row"),
        pytest.param(
            negative_zero, ["predictions.npz differs: 1 of 200 values of probabilities"], id="predictions"
        ),
        pytest.param(one_bit_of_a_weight, ["model.keras differs: 1 of "], id="weight"),
        pytest.param(
            other_accuracy, ["result.json differs: test_accuracy is 0.125, not "], id="result"
        ),
    ],
)  # fmt: skip
def test_differences(run: Path, tmp_path: Path, change: Callable[[Path], None], said: list[str]) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    change(other)
    found = [str(each) for each in differences(run, other)]
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))
