"""cnnlab sweep, as a user types it."""

import json

import pytest

from cnnlab.cli import run

GRID = ("--vary", "training.batch_size=50,100", "--vary", "training.optimizer.learning_rate=1e-3,3e-3")


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """A grid of four points, trained by the first test that needs it."""
    return tmp_path_factory.mktemp("sweep")


def sweep(capsys, out, *arguments):
    code = run(["sweep", *map(str, arguments), "--out", str(out), "--quiet"])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def tiny(tmp_path):
    """colors with a small network and few images."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "dataset: {name: colors, train_size: 200, validation_size: 100}\n"
        "model: {layers: [Flatten, {Dense: {units: 8, activation: relu}}, "
        "{Dense: {units: 6, activation: softmax}}]}\n"
        "training: {epochs: 1, batch_size: 50}\n"
    )
    return path


def test_a_grid(capsys, out, tiny):
    code, text, errors = sweep(capsys, out, tiny, *GRID, "--seeds", "0-1", "--json")
    assert (code, errors) == (0, "")
    document = json.loads(text)
    assert document["search"] == "grid"
    assert document["monitor"] == "validation_accuracy"
    assert [tuple(each["settings"].values()) for each in document["points"]] == [
        (50, 0.001), (50, 0.003), (100, 0.001), (100, 0.003),
    ]  # fmt: skip
    results = {}
    for point in document["points"]:
        values = [
            json.loads((path / "result.json").read_text())["validation_accuracy"]
            for seed in (0, 1)
            for path in [out / f"tiny-{point['digest'][:8]}" / f"seed-{seed}"]
        ]
        assert point["validation_accuracy"]["values"] == values
        assert point["seeds"] == [0, 1]
        assert point["state"] == "finished"
        assert point["error"] is None
        results[point["digest"]] = sum(values) / 2
    best = next(each for each in document["points"] if each["rank"] == 1)
    assert results[best["digest"]] == max(results.values())
    assert document["winner"]["settings"] == best["settings"]
    assert sorted(each["rank"] for each in document["points"]) == [1, 2, 3, 4]
    folder = out / "sweeps" / "tiny"
    assert json.loads((folder / "sweep.json").read_text())["points"] == document["points"]
    assert "test_accuracy" not in (folder / "table.csv").read_text()
