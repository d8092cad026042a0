"""`cnnlab compare`: what it trains, what it prints, what it refuses before it trains anything."""

import json
from pathlib import Path
from typing import Any

import pytest

WIDE = """\
name: wide
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Flatten
    - Dense: {units: 8, activation: relu}
    - Dense: {units: 10, activation: softmax}
training: {epochs: 1, batch_size: 32, optimizer: sgd}
"""


@pytest.fixture(scope="module")
def experiments(configs, tmp_path_factory) -> tuple[Path, Path]:
    """Two experiments on the same images."""
    path = tmp_path_factory.mktemp("configs") / "wide.yaml"
    path.write_text(WIDE)
    return configs["small"], path


@pytest.fixture(scope="module")
def out(cnnlab, experiments, data_dir: Path, tmp_path_factory) -> Path:
    """A folder in which `small` has finished seeds 0, 1 and 2, and `wide` 1 and 2."""
    folder: Path = tmp_path_factory.mktemp("out")
    small, wide = experiments
    options = ("--data-dir", data_dir, "--out", folder, "--quiet")
    assert cnnlab("train", small, "--seeds", "0-2", *options).code == 0
    assert cnnlab("train", wide, "--seeds", "1,2", *options).code == 0
    return folder


def finished(out: Path) -> set[str]:
    return {f"{path.parent.parent.name[:-9]} {path.parent.name}" for path in out.glob("*/seed-*/result.json")}


@pytest.fixture(scope="module")
def document(cnnlab, experiments, out: Path, data_dir: Path) -> Any:
    result = cnnlab("compare", *experiments, "--data-dir", data_dir, "--out", out, "--quiet", "--json")
    assert result.code == 0, result.stderr
    return result.json


def test_the_default_is_the_seeds_in_common(document, out: Path) -> None:
    assert [each["seeds"] for each in document["experiments"]] == [[1, 2], [1, 2]]
    assert finished(out) == {"small seed-0", "small seed-1", "small seed-2", "wide seed-1", "wide seed-2"}


def test_json_contract(document, out: Path) -> None:
    assert document["dataset"] == "mnist"
    assert isinstance(document["pairs"], list)
    assert [each["name"] for each in document["experiments"]] == ["small", "wide"]
    assert [each["params"] for each in document["experiments"]] == [7_850, 6_370]
    assert [each["macs"] for each in document["experiments"]] == [7_840, 6_352]
    for each in document["experiments"]:
        [folder] = out.glob(f"{each['name']}-*")
        results = [json.loads((folder / f"seed-{seed}" / "result.json").read_text()) for seed in (1, 2)]
        for key in ("test_accuracy", "seconds"):
            values = [result[key] for result in results]
            assert each[key]["values"] == values
            mean = sum(values) / 2
            assert each[key]["mean"] == pytest.approx(mean)
            assert each[key]["std"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
            low, high = each[key]["ci95"]
            assert low <= mean <= high


def test_the_comparison_is_written_down(document, out: Path) -> None:
    folder = out / "comparisons" / "small-vs-wide"
    assert {"table.csv", "table.md", "curves.png", "comparison.json"} <= {p.name for p in folder.iterdir()}
    assert json.loads((folder / "comparison.json").read_text()) == document
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    lines = (folder / "table.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("small,")
    assert "| small" in (folder / "table.md").read_text()


def test_the_table_says_which_seeds_and_which_is_better(cnnlab, experiments, out, data_dir) -> None:
    result = cnnlab("compare", *experiments, "--data-dir", data_dir, "--out", out, "--quiet")
    assert result.code == 0
    for expected in ("small", "wide", "7,850", "6,370", "±", f"{out}/comparisons/small-vs-wide"):
        assert expected in result.stdout


def test_seeds_that_are_missing_are_trained_and_the_rest_is_reused(
    cnnlab, experiments, data_dir: Path, tmp_path: Path
) -> None:
    small, wide = experiments
    options = ("--data-dir", data_dir, "--out", tmp_path)
    assert cnnlab("train", small, "--seeds", "5", *options).code == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    result = cnnlab("compare", small, wide, "--seeds", "4,5", *options, "--json")
    assert [each["seeds"] for each in result.json["experiments"]] == [[4, 5], [4, 5]]
    assert finished(tmp_path) == {"small seed-4", "small seed-5", "wide seed-4", "wide seed-5"}
    assert "small, seed 5: already finished" in result.stderr
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_without_finished_seeds_the_configs_own_count(
    cnnlab, experiments, data_dir: Path, tmp_path: Path
) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path, "--json", "--set", "seed=7")
    document = cnnlab("compare", *experiments, *options).json
    for each in document["experiments"]:
        assert each["seeds"] == [7]
        assert each["test_accuracy"]["std"] is None
        assert each["test_accuracy"]["ci95"] is None


def test_run_folders_take_part_as_they_are(cnnlab, experiments, out: Path, data_dir: Path) -> None:
    [small] = out.glob("small-*/seed-0")
    [wide] = out.glob("wide-*/seed-1")
    before = finished(out)
    document = cnnlab("compare", small, wide, "--data-dir", data_dir, "--out", out, "--json").json
    assert [(each["name"], each["seeds"]) for each in document["experiments"]] == [
        ("small", [0]),
        ("wide", [1]),
    ]
    assert finished(out) == before


def test_an_unfinished_run_is_refused(cnnlab, out: Path, data_dir: Path, tmp_path: Path) -> None:
    [wide] = out.glob("wide-*/seed-1")
    (tmp_path / "run.json").write_text('{"state": "interrupted"}')
    result = cnnlab("compare", tmp_path, wide, "--data-dir", data_dir, "--out", out)
    assert result == (
        2,
        "",
        f"{tmp_path}: expected a finished run, this one is interrupted; train it again to resume it\n",
    )


def test_different_data_is_refused_before_anything_is_trained(
    cnnlab, write_config, experiments, data_dir: Path, tmp_path: Path
) -> None:
    other = write_config(WIDE.replace("mnist", "colors").replace("units: 10", "units: 6"))
    out = tmp_path / "out"
    result = cnnlab("compare", experiments[0], other, "--data-dir", data_dir, "--out", out, "--quiet")
    assert (result.code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()[1:]
    assert lines[0] == "cannot compare experiments that are tested on different images"
    assert lines[1].startswith(f"   small: mnist, {data_dir}/mnist, test digest ")
    assert lines[2].startswith("   wide: colors, generated, test digest ")
    assert lines[3:] == ["   use the same dataset in all configs"]
    assert not out.exists()


def test_runs_of_data_that_has_changed_in_between(
    cnnlab, experiments, out: Path, write_mnist, tmp_path: Path
) -> None:
    [small] = out.glob("small-*/seed-0")
    data = write_mnist(tmp_path / "data", seed=1)
    result = cnnlab(
        "compare", small, experiments[1], "--data-dir", data, "--out", tmp_path / "out", "--quiet"
    )
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1] == "cannot compare experiments that are tested on different images"
    assert result.stderr.splitlines()[-1] == (
        "   the dataset's files have changed in between; train again with --fresh so that all runs use the "
        "same files"
    )
    assert finished(tmp_path / "out") == set()


def test_a_run_that_fails_fails_the_comparison(
    cnnlab, write_config, experiments, data_dir: Path, tmp_path: Path
) -> None:
    wild = write_config(WIDE.replace("optimizer: sgd", "optimizer: {name: sgd, learning_rate: 1e30}"))
    out = tmp_path / "out"
    result = cnnlab("compare", wild, experiments[0], "--data-dir", data_dir, "--out", out, "--quiet")
    assert (result.code, result.stdout) == (1, "")
    assert "training diverged: the loss is nan in epoch 1 at step" in result.stderr
    assert finished(out) == {"small seed-0"}  # kept, and reused when the other one is mended
    assert not (out / "comparisons").exists()


def test_a_config_without_data_is_refused(cnnlab, write_config, experiments, data_dir, tmp_path) -> None:
    path = write_config("name: dry\nmodel: {input_shape: [4, 4, 1], layers: [Flatten]}\n")
    options = ("--data-dir", data_dir, "--out", tmp_path / "out", "--quiet")
    result = cnnlab("compare", path, experiments[0], *options)
    assert (result.code, result.stdout) == (2, "")
    assert (
        result.stderr
        == "dry: this config has no dataset and can only be summarized; add a dataset to train it\n"
    )


def test_two_configs_of_one_name_are_told_apart(
    cnnlab, write_config, experiments, data_dir, tmp_path
) -> None:
    namesake = write_config("name: small\n" + WIDE.split("\n", 1)[1])
    options = ("--data-dir", data_dir, "--out", tmp_path / "out", "--json", "--quiet")
    names = [
        each["name"] for each in cnnlab("compare", experiments[0], namesake, *options).json["experiments"]
    ]
    assert len(set(names)) == 2
    assert all(name.startswith("small-") for name in names)


def test_a_failure_is_told_once(cnnlab, experiments, data_dir: Path, tmp_path: Path, monkeypatch) -> None:
    from cnnlab.errors import CnnlabError

    def fail(*arguments: object, **named: object) -> None:
        raise CnnlabError("the disk is on fire")

    monkeypatch.setattr("cnnlab.training.train.train", fail)
    options = ("--data-dir", data_dir, "--out", tmp_path, "--quiet")
    code, stdout, stderr = cnnlab("compare", *experiments, *options)
    assert (code, stdout) == (1, "")
    assert stderr.splitlines()[1:] == [
        "small, seed 0: the disk is on fire",
        "wide, seed 0: the disk is on fire",
        "2 of 2 runs failed; finished runs are kept",
    ]
