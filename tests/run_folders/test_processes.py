"""Several processes in one folder: nobody reads half a file, waits for a reader, or writes outside."""

import json
import multiprocessing
import threading
import time

import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.errors import CnnlabError
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.holding import hold, remove_checkpoints, start_over
from cnnlab.run_folders.identity import run_path
from cnnlab.run_folders.records import read_json
from cnnlab.run_folders.run_writer import open_run
from cnnlab.run_folders.states import is_held

spawned = multiprocessing.get_context("spawn")


@pytest.fixture
def config():
    return load_config("colors_cnn")


def write_often(path, number, barrier):
    folder = Folder(path)
    barrier.wait()
    for _ in range(200):
        folder.write_json("facts.json", {"writer": number, "rest": "x" * 100_000})


def test_a_file_that_several_write_is_whole_at_every_moment(tmp_path):
    barrier = spawned.Barrier(4)
    writers = [spawned.Process(target=write_often, args=(tmp_path, each, barrier)) for each in range(3)]
    for each in writers:
        each.start()
    barrier.wait()
    seen = 0
    while any(each.is_alive() for each in writers):
        if (tmp_path / "facts.json").exists():
            facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
            assert len(facts["rest"]) == 100_000
            seen += 1
    assert [each.exitcode for each in writers] == [0, 0, 0]
    assert seen > 0
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]


def ask_often(path, barrier, done):
    barrier.wait()
    while not done.is_set():
        is_held(path)


def test_who_asks_whether_a_run_is_trained_keeps_nobody_from_training_it(tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn")
    barrier, done = spawned.Barrier(3), spawned.Event()
    readers = [spawned.Process(target=ask_often, args=(path, barrier, done)) for _ in range(2)]
    for each in readers:
        each.start()
    barrier.wait()
    for _ in range(200):
        with hold(path, tmp_path):
            assert is_held(path)
    done.set()
    for each in readers:
        each.join()


def test_readers_do_not_take_each_other_for_a_training(tmp_path, make_run):
    """A killed run is interrupted, however many look at it at once."""
    path = make_run(tmp_path, "colors_cnn", state="running")
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(is_held(path) for _ in range(500))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [False] * 2000


def test_writers_of_the_same_results_wait_for_each_other(tmp_path):
    order = []

    def write(number):
        with Folder(tmp_path / "results").alone():
            order.append(number)
            time.sleep(0.1)
            order.append(number)

    threads = [threading.Thread(target=write, args=(each,)) for each in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert order[::2] == order[1::2]


def test_what_killed_processes_left_is_removed(config, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn", state="running")
    (path / ".partial-1a2b3c4d-run.json").write_text("{", encoding="utf-8")
    removed = path.with_name(f".removed-{path.name}-1a2b3c4d")
    removed.mkdir()
    (removed / "run.json").write_text("{}", encoding="utf-8")
    with hold(path, tmp_path), open_run(path, config, data="0" * 64):
        pass
    assert [each.name for each in path.iterdir() if each.name.startswith(".")] == []
    assert not removed.exists()


def test_a_checkpoint_that_outlived_its_run_is_removed_by_the_next_command(tmp_path, make_run, capsys):
    path = make_run(tmp_path, "colors_cnn")
    for name in ("checkpoint.npz", "checkpoint-previous.npz"):
        (path / name).write_bytes(b"of the last epoch")
    assert run(["train", "colors_cnn", "--out", str(tmp_path), "--quiet"]) == 0
    assert not list(path.glob("checkpoint*"))


def test_the_checkpoint_of_a_run_that_began_anew_stays(config, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn", state="running")
    (path / "checkpoint.npz").write_bytes(b"of an epoch")
    remove_checkpoints(path, tmp_path)
    assert (path / "checkpoint.npz").exists()


def test_a_run_is_cleared_in_one_step(config, tmp_path, make_run, monkeypatch):
    """Whoever is killed while it is removed leaves nothing that could be gone on with."""
    path = make_run(tmp_path, "colors_cnn")

    def killed(doomed):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt), hold(path, tmp_path):
        start_over(path, config)
    assert not path.exists()


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    return folder


@pytest.mark.parametrize("part", ["experiment", "run"])
def test_a_run_is_not_trained_through_a_link(config, tmp_path, outside, part):
    path = run_path(config, tmp_path / "out")
    link = path if part == "run" else path.parent
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with (
        pytest.raises(CnnlabError, match="expected a folder, found a symbolic link"),
        hold(path, tmp_path / "out"),
    ):
        pass
    assert [each.name for each in outside.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("part", ["experiment", "run"])
def test_a_checkpoint_is_not_removed_through_a_link(config, tmp_path, make_run, capsys, part):
    """The finished run that the link leads to is reused, and stays as it is."""
    there, link = make_run(tmp_path / "elsewhere", "colors_cnn"), run_path(config, tmp_path / "out")
    (there / "checkpoint.npz").write_bytes(b"of somebody else")
    (there.parent / f".{there.name}.lock").unlink()
    if part == "experiment":
        there, link = there.parent, link.parent
    link.parent.mkdir(parents=True)
    link.symlink_to(there)
    before = sorted(tmp_path.glob("elsewhere/**/*"))
    assert run(["train", "colors_cnn", "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert sorted(tmp_path.glob("elsewhere/**/*")) == before


def test_the_folder_of_all_runs_may_be_a_link(config, tmp_path, outside):
    (tmp_path / "out").symlink_to(outside)
    path = run_path(config, tmp_path / "out")
    with hold(path, tmp_path / "out"):
        assert path.parent.is_dir()


@pytest.mark.parametrize("name", ["run.json", ".partial-run.json", "checkpoint.npz", "config.yaml"])
def test_a_planted_link_is_replaced_and_not_followed(config, tmp_path, outside, make_run, name):
    path = make_run(tmp_path / "out", "colors_cnn", state="interrupted")
    status = read_json(path / "run.json")
    (path / name).unlink(missing_ok=True)
    (path / name).symlink_to(outside / "notes.txt")
    with hold(path, tmp_path / "out"):
        start_over(path, config)
        with open_run(path, config, data="0" * 64) as writer:
            writer.write_setting({})
            writer.write_json(name, {})
    assert status["state"] == "interrupted"
    assert (outside / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_planted_lock_is_not_written_to(config, tmp_path, outside):
    path = run_path(config, tmp_path / "out")
    path.parent.mkdir(parents=True)
    (path.parent / f".{path.name}.lock").symlink_to(outside / "notes.txt")
    with pytest.raises(CnnlabError, match="cannot be written"), hold(path, tmp_path / "out"):
        pass
    assert (outside / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("folder", ["comparisons", "comparisons/colors_dnn-vs-colors_cnn"])
def test_a_comparison_is_not_written_through_a_link(tmp_path, make_run, outside, capsys, folder):
    out = tmp_path / "out"
    for name in ("colors_dnn", "colors_cnn"):
        make_run(out, name)
    (out / folder).parent.mkdir(exist_ok=True)
    (out / folder).symlink_to(outside)
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(out), "--quiet"]) == 1
    assert f"{out / folder}: expected a folder, found a symbolic link" in capsys.readouterr().err
    assert [each.name for each in outside.iterdir()] == ["notes.txt"]


def test_an_explanation_is_not_written_through_a_link(tmp_path, make_run, settle, outside, capsys, backend):
    path = make_run(tmp_path / "out", "colors_cnn")
    from cnnlab.model import build_model

    build_model(load_config("colors_cnn")).save(path / "model.keras")
    settle(path)
    (path / "explain").symlink_to(outside)
    assert run(["explain", "confusion", str(path), "--quiet"]) == 1
    assert "expected a folder, found a symbolic link" in capsys.readouterr().err
    assert [each.name for each in outside.iterdir()] == ["notes.txt"]


def test_names_in_an_old_document_remove_nothing_else(tmp_path, make_run, settle, outside, backend):
    path = make_run(tmp_path / "out", "colors_cnn")
    from cnnlab.model import build_model

    build_model(load_config("colors_cnn")).save(path / "model.keras")
    settle(path)
    (path / "explain").mkdir()
    victims = [outside / "confusion.png", path / "explain" / "other.png"]
    for each in victims:
        each.write_bytes(b"mine")
    names = [
        str(victims[0]),
        "confusion/../../../../outside/confusion.png",
        "../explain/other.png",
        "other.png",
    ]
    document = {"pictures": [*names, "confusion-old.png", 7, None]}
    (path / "explain" / "confusion.json").write_text(json.dumps(document), encoding="utf-8")
    (path / "explain" / "confusion-old.png").write_bytes(b"of the technique")
    assert run(["explain", "confusion", str(path), "--quiet"]) == 0
    assert all(each.read_bytes() == b"mine" for each in victims)
    assert not (path / "explain" / "confusion-old.png").exists()


def test_no_path_is_ever_taken_for_a_name(tmp_path):
    with pytest.raises(ValueError, match="is not the name of a file"):
        Folder(tmp_path / "results").remove("../notes.txt")


def test_what_is_no_text_is_written_as_valid_json(tmp_path):
    facts = {"command": ["cnnlab", "train", "\udcff.yaml", "größer"]}
    Folder(tmp_path).write_json("facts.json", facts)
    assert read_json(tmp_path / "facts.json") == facts


def test_nothing_but_results_is_written_to_a_folder_of_the_user(tmp_path, make_run, settle, backend):
    import cnnlab
    from cnnlab.model import build_model

    path = make_run(tmp_path / "out", "colors_cnn")
    build_model(load_config("colors_cnn")).save(path / "model.keras")
    settle(path)
    mine = tmp_path / "mine" / "pictures"
    mine.mkdir(parents=True)
    (mine / ".partial-of-mine").write_text("mine", encoding="utf-8")
    cnnlab.explain("confusion", path).save(mine)
    assert [each.name for each in mine.parent.iterdir()] == ["pictures"]
    assert sorted(each.name for each in mine.iterdir()) == [
        ".partial-of-mine", "confusion.json", "confusion.npz", "confusion.png",
    ]  # fmt: skip
