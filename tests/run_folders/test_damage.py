"""Damaged files: whatever is wrong with them, they are named, and nothing that they say is believed."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnlab
from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.errors import CnnlabError, CnnlabWarning, UserError
from cnnlab.run_folders import checkpoints
from cnnlab.run_folders.checkpoints import DamagedCheckpoint, Owner, SavedEpoch
from cnnlab.run_folders.holding import hold, start_over
from cnnlab.run_folders.identity import finished_seeds, is_finished, run_path
from cnnlab.run_folders.integrity import DIGESTED, NEEDED, DamagedRun
from cnnlab.run_folders.listing.finding import finished_runs, latest_experiment
from cnnlab.run_folders.records import is_run, read_record, read_status, runs_in
from cnnlab.run_folders.run_writer import open_run

CONFIGS = Path(__file__).parents[2] / "configs"
OWNER = Owner("a" * 64, 3, "d" * 64)
HISTORY = [
    {"epoch": epoch, "loss": 0.1 / 3 / epoch, "accuracy": 0.5, "val_loss": None, "val_accuracy": None,
     "learning_rate": 0.1, "seconds": 1.5, "images_per_second": 100.0}
    for epoch in (1, 2)
]  # fmt: skip


def no_history():
    raise AssertionError("the checkpoint has the table itself")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    rng = np.random.default_rng(0)
    arrays = {
        "epoch": np.array(2),
        "variable_0": rng.normal(size=(3, 4)).astype(np.float32),
        "variable_1": np.zeros((), np.int64),
        "best_weight_0": rng.normal(size=(0, 2)),
    }
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.npz"
    np.savez(path, **checkpoints.as_arrays(SavedEpoch(arrays, HISTORY), OWNER))
    return path, arrays


def test_a_checkpoint_comes_back_bit_for_bit(checkpoint):
    path, arrays = checkpoint
    saved = checkpoints.read(path, OWNER, history=no_history)
    assert saved.history == HISTORY
    assert saved.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert saved.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(saved.arrays[name], array)


@given(data=st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_bit_of_a_checkpoint_is_believed(checkpoint, tmp_path, data):
    path, arrays = checkpoint
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    flipped = tmp_path / "checkpoint.npz"
    flipped.write_bytes(content)
    try:
        saved = checkpoints.read(flipped, OWNER, history=no_history)
    except DamagedCheckpoint:
        return
    assert saved.history == HISTORY  # the bit means nothing, such as a file's time in the archive
    assert saved.arrays.keys() == arrays.keys()
    assert all(np.array_equal(saved.arrays[name], array) for name, array in arrays.items())


@pytest.mark.parametrize(
    "other", [Owner("b" * 64, 3, "d" * 64), Owner("a" * 64, 4, "d" * 64), Owner("a" * 64, 3, "e" * 64)]
)
def test_a_checkpoint_of_another_run_is_refused(checkpoint, other):
    with pytest.raises(DamagedCheckpoint, match="is of another run"):
        checkpoints.read(checkpoint[0], other, history=no_history)


@pytest.mark.parametrize("missing", ["best_weight_0", "variable_1", "facts", "digest"])
def test_a_checkpoint_without_one_of_its_arrays_is_refused(checkpoint, tmp_path, missing):
    with np.load(checkpoint[0]) as arrays:
        np.savez(tmp_path / "short.npz", **{name: arrays[name] for name in arrays if name != missing})
    with pytest.raises(DamagedCheckpoint, match="is damaged"):
        checkpoints.read(tmp_path / "short.npz", OWNER, history=no_history)


def with_facts(facts):
    """A checkpoint whose digest fits, whatever it says: anybody can make one."""
    everything = {"epoch": np.array(1), "facts": np.frombuffer(facts, np.uint8)}
    return everything | {"digest": np.frombuffer(checkpoints._digest(everything), np.uint8)}


FACTS = {"owner": {"experiment": "a" * 64, "seed": 3, "data": "d" * 64}, "history": HISTORY}


@pytest.mark.parametrize(
    "facts",
    [
        b"\xff",
        b"[" * 100_000,
        b"null",
        b"{}",
        json.dumps(FACTS | {"owner": 3}).encode(),
        json.dumps(FACTS | {"history": []}).encode(),
        json.dumps(FACTS | {"history": ["1"]}).encode(),
        json.dumps(FACTS | {"history": HISTORY[1:]}).encode(),
        json.dumps(FACTS | {"history": [{"epoch": 1}]}).encode(),
        json.dumps(FACTS | {"history": [HISTORY[0] | {"loss": float("nan")}]}).encode(),
        json.dumps(FACTS | {"history": [HISTORY[0] | {"loss": None}]}).encode(),
    ],
)
def test_a_crafted_checkpoint_is_refused(tmp_path, facts):
    np.savez(tmp_path / "crafted.npz", **with_facts(facts))
    with pytest.raises(DamagedCheckpoint):
        checkpoints.read(tmp_path / "crafted.npz", OWNER, history=no_history)


@pytest.mark.parametrize("epoch", [np.nan, 1.0, 1j, [1], True, -1, 3])
def test_an_old_checkpoint_of_no_epoch_is_refused(tmp_path, epoch):
    np.savez(tmp_path / "old.npz", epoch=np.array(epoch))
    with pytest.raises(DamagedCheckpoint):
        checkpoints.read(tmp_path / "old.npz", OWNER, history=lambda: HISTORY)


def test_a_damaged_checkpoint_never_takes_the_place_of_the_one_before(tmp_path):
    """Whoever is killed in the save that follows still has it."""
    config = load_config("colors_cnn")
    with hold(tmp_path / "seed-0", tmp_path), open_run(tmp_path / "seed-0", config, data="d" * 64) as run:
        for epoch in (1, 2):
            run.write_checkpoint({"epoch": np.array(epoch)}, HISTORY[:epoch])
        HARM["halved"](run.path / "checkpoint.npz")
        told = []
        assert run.read_checkpoint(told.append).epoch == 1
        assert "resuming after epoch 1" in told[0]
        run._before_naming("checkpoint.npz", run.path / "checkpoint-previous.npz")  # the save's first half
        assert run.read_checkpoint(told.append).epoch == 1


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["lost", "emptied"])
def test_a_run_that_has_lost_its_status_is_resumed_from_its_checkpoint(tmp_path, harm):
    """A power failure can leave an empty run.json, which is not flushed after every epoch."""
    config, data = load_config("colors_cnn"), "d" * 64
    path = run_path(config, tmp_path)
    with suppress(CnnlabError), hold(path, tmp_path), open_run(path, config, data=data) as run:
        run.write_checkpoint({"epoch": np.array(2)}, HISTORY)
        raise CnnlabError("the power fails")
    harm(path / "run.json")
    assert not is_finished(path, config)
    assert finished_seeds(config, tmp_path) == set()
    told = []
    with hold(path, tmp_path), open_run(path, config, data=data) as run:
        assert run.read_checkpoint(told.append).epoch == 2
    (said,) = told
    assert said.endswith("; resuming after epoch 2 from its checkpoint")


@pytest.mark.parametrize(
    ("digest", "seed"), [("e" * 64, 0), (None, 1), (None, None)], ids=["experiment", "seed", "damaged"]
)
def test_a_run_that_has_lost_its_status_is_not_resumed_from_anything_else(tmp_path, make_run, digest, seed):
    config = load_config("colors_cnn")
    path = make_run(tmp_path, "colors_cnn", state="running")
    (path / "run.json").unlink()
    owner = Owner(digest or config.digest, seed or 0, "d" * 64)
    np.savez(path / "checkpoint.npz", **checkpoints.as_arrays(SavedEpoch({}, HISTORY), owner))
    if seed is None:
        HARM["halved"](path / "checkpoint.npz")
    with pytest.raises(DamagedRun, match=r"run.json is missing"):
        is_finished(path, config)


def test_a_finished_run_is_on_the_disk_before_its_checkpoints_go(tmp_path, monkeypatch):
    config, done, real = load_config("colors_cnn"), [], {"fsync": os.fsync, "unlink": Path.unlink}

    def fsync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append("folder" if path.is_dir() else path.name.rpartition("-")[2])
        real["fsync"](descriptor)

    def unlink(path, **options):
        done.append(f"remove {path.name}")
        real["unlink"](path, **options)

    with hold(tmp_path / "seed-0", tmp_path), open_run(tmp_path / "seed-0", config, data="d" * 64) as run:
        run.write_checkpoint({"epoch": np.array(2)}, HISTORY)
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(Path, "unlink", unlink)
        for name in DIGESTED:
            run.write_text(name, "{}")
    monkeypatch.undo()
    done = [each for each in done if ".partial-" not in each]
    flushed = [name for name in DIGESTED if name != "history.csv"]
    end = ["history.csv", "folder", "run.json", "folder", "remove checkpoint.npz"]
    assert done[: len(flushed) + len(end)] == [*flushed, *end]


def test_a_save_after_a_kill_between_two_names_leaves_no_partial_file(tmp_path):
    """Then both names of the checkpoint are those of one file, and renaming one to the other does nothing."""
    config = load_config("colors_cnn")
    with hold(tmp_path / "seed-0", tmp_path), open_run(tmp_path / "seed-0", config, data="d" * 64) as run:
        run.write_checkpoint({"epoch": np.array(1)}, HISTORY[:1])
        os.link(run.path / "checkpoint.npz", run.path / "checkpoint-previous.npz")
        run.write_checkpoint({"epoch": np.array(2)}, HISTORY)
        assert not list(run.path.glob(".partial-*"))
        HARM["halved"](run.path / "checkpoint.npz")
        assert run.read_checkpoint(lambda _: None).epoch == 1


def test_there_is_a_checkpoint_at_every_moment(tmp_path, monkeypatch):
    config, seen = load_config("colors_cnn"), []
    real = Path.replace

    def replace(path, target):
        seen.append((tmp_path / "seed-0" / "checkpoint.npz").exists())
        return real(path, target)

    with hold(tmp_path / "seed-0", tmp_path), open_run(tmp_path / "seed-0", config, data="d" * 64) as run:
        run.write_checkpoint({"epoch": np.array(1)}, HISTORY[:1])
        monkeypatch.setattr(Path, "replace", replace)
        run.write_checkpoint({"epoch": np.array(2)}, HISTORY)
        monkeypatch.undo()
    assert all(seen)
    assert len(seen) >= 3


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_run):
    return make_run(tmp_path_factory.mktemp("finished"), "colors_cnn")


@pytest.fixture
def copied(finished, tmp_path):
    """The folder of a finished run, to be damaged."""
    shutil.copytree(finished.parent, tmp_path / finished.parent.name)
    return tmp_path / finished.parent.name / finished.name


WRITTEN = [name for name in DIGESTED if name != "model.keras"]
HARM = {
    "emptied": lambda path: path.write_bytes(b""),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "endless": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("harm", HARM)
def test_a_finished_run_whose_files_have_changed_is_named(copied, name, harm):
    HARM[harm](copied / name)
    with pytest.raises(DamagedRun) as caught:
        read_record(copied)
    assert str(caught.value).startswith(f"{copied}: this run is damaged: {name} ")
    assert "--fresh" in str(caught.value)


@pytest.mark.parametrize("name", NEEDED)
def test_a_finished_run_without_one_of_its_files_is_named(copied, name):
    (copied / name).unlink()
    with pytest.raises(DamagedRun, match=f"{name} is missing"):
        read_record(copied)


def test_a_finished_run_without_its_status_is_named(copied, capsys):
    before = (copied / "result.json").read_bytes()
    (copied / "run.json").unlink()
    assert run(["train", "colors_cnn", "--out", str(copied.parent.parent), "--quiet"]) == 2
    assert f"{copied}: this run is damaged: run.json is missing" in capsys.readouterr().err
    assert (copied / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"test_accuracy": float("nan")},
        {"test_accuracy": 7.0},
        {"params": -5},
        {"seconds": "long"},
        {"macs": 1.5},
    ],
)  # fmt: skip
def test_results_that_cannot_be_are_refused(copied, settle, changed):
    """Such as of 0.1.0, which has no digests."""
    result = read_json(copied / "result.json") | changed
    (copied / "result.json").write_text(json.dumps(result), encoding="utf-8")
    settle(copied)
    with pytest.raises(DamagedRun, match=f"result.json is not what a run writes .{next(iter(changed))}"):
        read_record(copied)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: {"predicted": it["predicted"][:-1]},
        lambda it: {"predicted": it["predicted"] + 100},
        lambda it: {"predicted": it["predicted"].astype(float)},
        lambda it: {"predicted": it["predicted"][:, None]},
        lambda it: {"labels": it["labels"] - 10},
        lambda it: {"probabilities": it["probabilities"][:, :1]},
        lambda it: {"probabilities": it["probabilities"][:2]},
        lambda it: {"probabilities": it["probabilities"] * np.float16(np.nan)},
    ],
)
def test_predictions_that_cannot_be_are_refused(copied, settle, change):
    with np.load(copied / "predictions.npz") as arrays:
        whole = dict(arrays)
    np.savez(copied / "predictions.npz", **whole | change(whole))
    settle(copied)
    with pytest.raises(DamagedRun, match=r"predictions.npz does not hold"):
        _ = read_record(copied).predictions


def test_a_command_whose_words_are_no_text_is_recorded(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr("sys.argv", ["cnnlab", "train", "caf\udce9/cnn.yaml"])
    path = make_run(tmp_path, "colors_cnn")
    assert read_record(path).checked
    assert read_json(path / "run.json")["command"][-1] == "caf\\udce9/cnn.yaml"


def test_predictions_may_be_removed_to_save_space(copied):
    (copied / "predictions.npz").unlink()
    assert read_record(copied).predictions is None


@given(data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_bit_of_run_json_changes_a_result(finished, copied, data):
    content = bytearray((finished / "run.json").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (copied / "run.json").write_bytes(content)
    try:
        record = read_record(copied)
    except UserError:
        return
    assert (record.result, record.history) == (read_record(finished).result, read_record(finished).history)


def test_train_refuses_a_damaged_run(copied, capsys):
    HARM["halved"](copied / "history.csv")
    out = str(copied.parent.parent)
    assert run(["train", "colors_cnn", "--out", out, "--quiet"]) == 2
    assert f"{copied}: this run is damaged: history.csv is not the file" in capsys.readouterr().err
    assert read_json(copied / "run.json")["state"] == "finished"


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_starting_over_keeps_a_damaged_run(copied):
    config, out = load_config("colors_cnn"), copied.parent.parent
    for kept in ("damaged-seed-0", "damaged-seed-0-2"):
        shutil.copytree(copied, copied.with_name("again"))
        HARM["halved"](copied / "history.csv")
        damaged = (copied / "history.csv").read_bytes()
        with hold(copied, out):
            start_over(copied, config)
        assert not copied.exists()
        assert (copied.with_name(kept) / "history.csv").read_bytes() == damaged
        copied.with_name("again").rename(copied)
    with hold(copied, out):
        start_over(copied, config)
    assert sorted(path.name for path in copied.parent.iterdir() if path.name[0] != ".") == [
        "damaged-seed-0",
        "damaged-seed-0-2",
    ]


@pytest.fixture
def experiments(tmp_path, make_run):
    """Two experiments, three seeds each; the second seed of one is damaged."""
    paths = {
        (name, seed): make_run(tmp_path, name, seed=seed, accuracy=0.8 + seed / 100)
        for name in ("colors_dnn", "colors_cnn")
        for seed in range(3)
    }
    HARM["halved"](paths["colors_cnn", 1] / "history.csv")
    return paths


@pytest.mark.parametrize("seeds", [(), ("--seeds", "0-2")])
@pytest.mark.usefixtures("no_pictures")
def test_a_comparison_leaves_damaged_runs_out_and_names_them(experiments, tmp_path, capsys, seeds):
    call = ["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path), "--json", "--quiet", *seeds]
    assert run(call) == 0
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert [each["seeds"] for each in document["experiments"]] == [[0, 1, 2], [0, 2]]
    said = f"left out: {experiments['colors_cnn', 1]}: this run is damaged: history.csv is not the file"
    assert said in streams.err
    assert any(said in warning for warning in document["warnings"])


@pytest.fixture(scope="module")
def six_runs(tmp_path_factory, make_run):
    """A folder for each way to name two experiments, which have three seeds each.

    "config" and "folder" have one; "name" has experiments of no shipped config.
    """
    folders = {by: tmp_path_factory.mktemp(by) for by in ("config", "name")}
    for kind in ("dnn", "cnn"):
        text = (CONFIGS / f"colors_{kind}.yaml").read_text(encoding="utf-8")
        own = folders["name"] / f"first_{kind}"
        own.with_suffix(".yaml").write_text(text.replace(f"colors_{kind}", own.name), encoding="utf-8")
        for seed in range(3):
            make_run(folders["config"], f"colors_{kind}", seed=seed)
            make_run(folders["name"], str(own), seed=seed)
    return folders | {"folder": folders["config"]}


@pytest.mark.parametrize("by", ["config", "folder", "name"])
@pytest.mark.parametrize("harm", [Path.unlink, HARM["emptied"], HARM["a folder"], HARM["endless"]])
@pytest.mark.usefixtures("no_pictures")
def test_a_run_that_has_lost_its_status_is_named(tmp_path, six_runs, capsys, harm, by):
    shutil.copytree(six_runs[by], tmp_path, dirs_exist_ok=True)
    names = ["first_dnn", "first_cnn"] if by == "name" else ["colors_dnn", "colors_cnn"]
    folders = [next(tmp_path.glob(f"{name}-????????")) for name in names]
    lost = folders[1] / "seed-1"
    harm(lost / "run.json")
    asked = [str(folder) for folder in folders] if by == "folder" else names
    assert run(["compare", *asked, "--out", str(tmp_path), "--json", "--quiet"]) == 0
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert [each["seeds"] for each in document["experiments"]] == [[0, 1, 2], [0, 2]]
    problem = "is missing" if harm is Path.unlink else "cannot be read"
    said = f"left out: {lost}: this run is damaged: run.json {problem}"
    assert streams.err.count(said) == 1
    assert any(said in warning for warning in document["warnings"])


def test_a_run_that_has_lost_its_status_is_listed_and_can_be_removed(copied, capsys):
    (copied / "run.json").unlink()
    out = ["--out", str(copied.parent.parent)]
    assert run(["runs", "show", str(copied), *out]) == 2
    assert f"{copied}: this run is damaged: run.json is missing" in capsys.readouterr().err
    with pytest.warns(CnnlabWarning, match="left out: .*run.json is missing"):
        assert cnnlab.runs(out=copied.parent.parent) == []
    assert run(["runs", "rm", "colors_cnn", "--yes", *out]) == 0
    assert not copied.exists()


@pytest.mark.parametrize("harm", [Path.unlink, HARM["emptied"]], ids=["lost", "emptied"])
def test_an_experiment_is_not_explained_without_a_run_that_has_lost_its_status(copied, harm):
    out = copied.parent.parent
    assert finished_runs("colors_cnn", out) == [copied]
    harm(copied / "run.json")
    with pytest.raises(DamagedRun, match=r"run.json"):
        finished_runs("colors_cnn", out)


def test_an_experiment_is_explained_by_the_seeds_that_are_whole(tmp_path, make_run):
    first, lost, last = (make_run(tmp_path, "colors_cnn", seed=seed) for seed in range(3))
    (lost / "run.json").unlink()
    with pytest.warns(CnnlabWarning, match=r"left out: .*seed-1: this run is damaged: run.json") as said:
        assert latest_experiment("colors_cnn", tmp_path) == [first, last]
    assert len(said) == 1


@pytest.mark.parametrize("name", ["checkpoint.npz", "checkpoint-previous.npz"])
def test_a_run_without_its_status_is_resumed_from_its_checkpoint(copied, name):
    (copied / "run.json").unlink()
    with pytest.raises(DamagedRun, match=r"run.json is missing; train it again with --fresh"):
        read_status(copied)
    (copied / name).touch()
    with pytest.raises(DamagedRun, match=r"train it again to resume it from its checkpoint$"):
        read_status(copied)
    with pytest.raises(DamagedRun, match=r"train it again with --fresh"):  # it is empty
        is_finished(copied, load_config("colors_cnn"))


def test_a_run_of_which_only_predictions_are_left_is_one(tmp_path):
    (tmp_path / "seed-3").mkdir()
    assert not is_run(tmp_path / "seed-3")
    (tmp_path / "seed-3" / "predictions.npz").touch()
    assert is_run(tmp_path / "seed-3")


@pytest.mark.parametrize("name", ["result.json", "model.keras"])
def test_a_folder_with_files_of_the_same_names_is_no_run(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("{}", encoding="utf-8")
    assert not is_run(tmp_path / "mine")
    assert runs_in(tmp_path / "mine") == []


@pytest.mark.usefixtures("no_pictures")
def test_folders_of_damaged_runs_are_left_out_of_comparisons(experiments, tmp_path, capsys):
    folders = [str(path.parent) for (_, seed), path in experiments.items() if seed == 0]
    assert run(["compare", *folders, "--out", str(tmp_path), "--json", "--quiet"]) == 0
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert [each["seeds"] for each in document["experiments"]] == [[0, 1, 2], [0, 2]]
    assert streams.err.count("this run is damaged: history.csv") == 1
    assert any("this run is damaged: history.csv" in warning for warning in document["warnings"])


def test_damaged_runs_that_are_given_as_runs_are_left_out(experiments, tmp_path):
    runs = [cnnlab.Run(path) for path in experiments.values()]
    with pytest.warns(CnnlabWarning, match="left out: .*this run is damaged: history.csv"):
        document = cnnlab.compare(runs, out=tmp_path).as_dict()
    assert [each["seeds"] for each in document["experiments"]] == [[0, 1, 2], [0, 2]]
    with pytest.raises(DamagedRun, match=r"history.csv"):
        cnnlab.compare([runs[0], cnnlab.Run(experiments["colors_cnn", 1])], out=tmp_path)


def test_an_experiment_of_damaged_runs_only_cannot_be_compared(experiments, tmp_path, capsys):
    call = ["compare", "colors_dnn", "colors_cnn", "--seeds", "1", "--out", str(tmp_path), "--quiet"]
    assert run(call) == 2
    assert "this run is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: HARM["halved"](path / "result.json"),
        lambda path: HARM["halved"](path / "run.json"),
        lambda path: (path / "run.json").unlink(),
        lambda path: (path / "run.json").write_text('{"state": "well"}', encoding="utf-8"),
        lambda path: (path / "run.json").write_text("[" * 100_000, encoding="utf-8"),
    ],
    ids=["result", "status", "lost", "state", "nested"],
)
def test_a_listing_shows_damaged_runs(copied, capsys, harm):
    harm(copied)
    assert run(["runs", "list", "--json", "--out", str(copied.parent.parent)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["state"], row["test_accuracy"]) == ("colors_cnn", "damaged", None)


def test_a_run_of_a_later_version_is_neither_read_nor_damaged(copied):
    status = read_json(copied / "run.json")
    (copied / "run.json").write_text(json.dumps(status | {"format": 99}), encoding="utf-8")
    with pytest.raises(UserError, match="of a later version of cnnlab; update cnnlab") as caught:
        read_record(copied)
    assert not isinstance(caught.value, DamagedRun)
