"""`cnnlab runs`, as a user calls it."""

import contextlib
import csv
import io
import json

import filelock
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.run_folders.holding import hold
from cnnlab.run_folders.identity import run_path
from cnnlab.run_folders.run_writer import open_run


@pytest.fixture(scope="module")
def library(tmp_path_factory, make_run):
    """Runs that no test removes: by a short name their folders."""
    out = tmp_path_factory.mktemp("experiments")
    paths = {
        f"dnn{seed}": make_run(out, "colors_dnn", seed=seed, accuracy=0.8 + seed / 100) for seed in (0, 1)
    }
    paths["cnn0"] = make_run(out, "colors_cnn", accuracy=0.95)
    paths["short0"] = make_run(out, "colors_cnn", accuracy=0.9, changes=("training.epochs=3",))
    paths["failed"] = make_run(out, "colors_cnn_minimal", state="failed")
    paths["killed"] = make_run(out, "colors_cnn_minimal", seed=10, state="running")
    (out / "comparisons" / "a-vs-b").mkdir(parents=True)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    return out, paths


@pytest.fixture
def runs(library, capsys):
    def call(*arguments, code=0, out=None):
        assert run(["runs", *arguments, "--out", str(out or library[0])]) == code
        return capsys.readouterr()

    return call


def names(text):
    return [(row["name"], row["seed"], row["state"]) for row in json.loads(text)]


def test_list_knows_every_run(runs, library):
    streams = runs("list", "--json")
    assert names(streams.out) == [
        ("colors_cnn", 0, "finished"),
        ("colors_cnn", 0, "finished"),
        ("colors_cnn_minimal", 0, "failed"),
        ("colors_cnn_minimal", 10, "interrupted"),
        ("colors_dnn", 0, "finished"),
        ("colors_dnn", 1, "finished"),
    ]
    assert streams.err == f"6 runs in {library[0]}\n"
    row = next(row for row in json.loads(streams.out) if row["path"] == str(library[1]["cnn0"]))
    result = json.loads((library[1]["cnn0"] / "result.json").read_text(encoding="utf-8"))
    assert {key: row[key] for key in ("test_accuracy", "params", "macs", "seconds")} == {
        key: result[key] for key in ("test_accuracy", "params", "macs", "seconds")
    }


def test_list_filters_sorts_and_cuts(runs):
    text = runs(
        "list", "--where", "test_accuracy > 0.8", "--sort", "-test_accuracy", "--limit", "2", "--json"
    ).out
    assert [row["test_accuracy"] for row in json.loads(text)] == [0.95, 0.9]
    text = runs("list", "colors_dnn", "--json").out
    assert {row["name"] for row in json.loads(text)} == {"colors_dnn"}


def test_list_by_settings(runs, library):
    key = "training.epochs"
    text = runs("list", "colors_cnn", "colors_dnn", "--sort", f"-{key}", "--json").out
    assert [row[key] for row in json.loads(text)] == [100, 100, 20, 3]
    text = runs("list", "--where", "model.layers.conv2d_1.filters = 8 and training.epochs < 20", "--json").out
    assert [row["path"] for row in json.loads(text)] == [str(library[1]["short0"])]
    assert key not in json.loads(text)[0]
    text = runs("list", "--where", "model.layers.conv2d_1.filters = null", "--json").out
    assert {row["name"] for row in json.loads(text)} == {"colors_dnn"}
    layer = "model.layers.conv2d_1"
    columns = [f"--column={each}" for each in (f"{layer}.kernel_size", f"{layer}.use_bias", "train_loss")]
    table = runs("list", "colors_cnn", "colors_dnn", "--markdown", *columns).out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[-4:-1]] for line in table]
    assert cells[0] == [f"{layer}.kernel_size", f"{layer}.use_bias", "train_loss"]
    assert [row[:2] for row in cells[2:]] == [["[1, 1]", "true"]] * 2 + [["–", "–"]] * 2
    assert float(cells[2][2]) > 0
    rows = json.loads(runs("list", "colors_cnn", "--json", columns[0], "--column", "runtime.device").out)
    assert [row[f"{layer}.kernel_size"] for row in rows] == [[1, 1]] * 2
    assert [row["runtime.device"] for row in rows] == ["auto"] * 2
    table = runs("list", "colors_cnn", "--markdown", "--column", "training.optimizer").out.splitlines()
    assert table[2].split("|")[-2].strip().endswith("…")
    assert len(table[2].split("|")[-2].strip()) == 60
    rows = list(csv.DictReader(io.StringIO(runs("list", "colors_cnn", "--csv", columns[0]).out)))
    assert [row[f"{layer}.kernel_size"] for row in rows] == ["[1, 1]"] * 2


@pytest.mark.parametrize(
    "content", ["name: [", "3", "", "model: {layers: [3, null, {}, Dense: 4]}", "training: 7"]
)
@pytest.mark.parametrize(
    "condition", ["training.epochs != 3", "not training.epochs >= 3", "training.keep = null"]
)
def test_what_cannot_be_read_is_never_removed(runs, tmp_path, make_run, content, condition):
    make_run(tmp_path, "colors_cnn", changes=("training.epochs=3", "training.keep=last"))
    broken = make_run(tmp_path, "colors_dnn")
    (broken / "config.yaml").write_text(content, encoding="utf-8")
    streams = runs("rm", "--where", condition, "--dry-run", out=tmp_path)
    unreadable = f"warning: {broken}: config.yaml cannot be read; its settings are unknown\n"
    assert streams.out == ""
    assert streams.err == unreadable + "nothing to remove\n"


def test_a_config_that_cannot_be_read_is_said_where_it_is_asked_for(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn")
    (path / "config.yaml").write_text("name: [", encoding="utf-8")
    streams = runs("list", "--column", "training.epochs", "--json", out=tmp_path)
    assert [row["training.epochs"] for row in json.loads(streams.out)] == [None]
    warning = f"warning: {path}: config.yaml cannot be read; its settings are unknown\n"
    assert streams.err == f"{warning}1 run in {tmp_path}\n"
    assert "warning" not in runs("list", out=tmp_path).err


def test_what_is_set_is_not_null(runs, tmp_path, make_run):
    patient = make_run(tmp_path, "colors_cnn", changes=("training.early_stopping={patience: 3}",))
    other = make_run(tmp_path, "colors_cnn")
    for condition, meant in (("= null", other), ("!= null", patient)):
        text = runs("list", "--where", f"training.early_stopping {condition}", "--json", out=tmp_path).out
        assert [row["path"] for row in json.loads(text)] == [str(meant)]


def test_what_no_run_has_although_it_could_removes_nothing(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn")
    for condition, meeting in (("< 3", []), ("= null", [str(path)])):
        where = f"training.early_stopping.patience {condition}"
        text = runs("rm", "--where", where, "--dry-run", "--json", out=tmp_path).out
        assert json.loads(text)["runs"] == meeting


def test_layers_and_sections_are_what_they_are_called(runs, tmp_path, make_run):
    make_run(tmp_path, "colors_cnn")
    for condition, met in (
        ("model.layers.conv2d_1 = Conv2D", True), ("model.layers.conv2d_1 != Conv2D", False),
        ("model.layers[0] = Dense", False), ("dataset = colors", True), ("dataset = mnist", False),
    ):  # fmt: skip
        rows = json.loads(runs("list", "--where", condition, "--json", out=tmp_path).out)
        assert bool(rows) == met


def test_only_runs_that_were_named_are_warned_about(runs, tmp_path, make_run):
    make_run(tmp_path, "colors_dnn")
    (make_run(tmp_path, "colors_cnn") / "config.yaml").write_text("{", encoding="utf-8")
    streams = runs("rm", "colors_dnn", "--where", "training.epochs < 3", "--dry-run", out=tmp_path)
    assert streams.err == "nothing to remove\n"


def test_the_keys_of_set_are_those_of_list(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn", changes=("model.layers[0].name=first",))
    for key in ("model.layers[0].filters", "model.layers.first.filters"):
        text = runs("list", "--where", f"{key} = 8", "--json", out=tmp_path).out
        assert [row["path"] for row in json.loads(text)] == [str(path)]
    key = "model.layers.conv2d_1.filters"
    (row,) = json.loads(runs("list", "--json", "--column", key, out=tmp_path).out)
    assert row[key] == 16


def test_a_broken_config_hides_no_settings_of_the_other_seeds(runs, tmp_path, make_run):
    paths = [make_run(tmp_path, "colors_cnn", seed=seed) for seed in range(2)]
    (paths[0] / "config.yaml").write_text("name: [", encoding="utf-8")
    text = runs("list", "--column", "training.epochs", "--json", out=tmp_path).out
    assert [row["training.epochs"] for row in json.loads(text)] == [20, 20]


def test_list_as_a_table(runs):
    lines = runs("list", "colors_cnn", "--where", "epochs = 3").out.splitlines()
    assert lines[0].split() == [
        "Experiment", "Digest", "Seed", "State", "Test", "Validation", "Parameters",
        "Epochs", "Seconds", "Started",
    ]  # fmt: skip
    assert lines[2].split()[3:7] == ["finished", "90.00%", "89.00%", "19,990"]
    assert runs("list", "--markdown").out.startswith("| Experiment")
    rows = list(csv.DictReader(io.StringIO(runs("list", "--csv").out)))
    assert len(rows) == 6
    assert rows[0]["test_accuracy"] in ("0.95", "0.9")


def test_list_of_nothing(runs, tmp_path):
    assert runs("list", out=tmp_path).err == f"0 runs in {tmp_path}\n"
    assert json.loads(runs("list", "--json", out=tmp_path).out) == []


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "cnn"], ["diff", "cnn", "dnn"], ["rm", "--where", "seed = 0"]]
)
def test_a_folder_that_is_named_must_be_there(runs, tmp_path, arguments):
    streams = runs(*arguments, out=tmp_path / "nowhere", code=2)
    assert (streams.out, streams.err) == (
        "",
        f"--out {tmp_path / 'nowhere'}: no such folder; expected the folder of all runs\n",
    )


@pytest.mark.parametrize("named", [None, "elsewhere"])
def test_the_default_folder_comes_with_the_first_run(tmp_path, monkeypatch, capsys, named):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNLAB_EXPERIMENTS", raising=False)
    if named:
        monkeypatch.setenv("CNNLAB_EXPERIMENTS", named)
    folder = named or "experiments"
    assert run(["runs", "list", "--json"]) == 0
    assert capsys.readouterr() == ("[]\n", f"no runs yet: {folder} does not exist\n")
    assert run(["runs", "show", "x"]) == 2
    assert capsys.readouterr().err == (
        f"unknown run 'x': there are no runs in {folder} yet; create one with cnnlab train\n"
    )


def test_list_reads_no_config(runs, library, monkeypatch):
    monkeypatch.setattr("cnnlab.run_folders.records.load_config", None)
    monkeypatch.setattr("cnnlab.language.source.read_yaml", None)
    assert len(json.loads(runs("list", "--json").out)) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "colors_dn"], "unknown run in {out}: 'colors_dn'; did you mean colors_dnn?"),
        (["list", "--where", "x > 1"], "--where x > 1: column 1: unknown key; known: name, digest"),
        (
            ["list", "--where", "training.epoch > 1"],
            "'training.epoch': none of these runs has such a setting; did you mean training.epochs?",
        ),
        (["list", "--column", "x.y"], "error, path, or a setting such as training.epochs"),
        (
            ["list", "--column", "model.unheard_of_and_far_away"],
            "to see the settings of a run, use cnnlab runs show",
        ),
        (["list", "--column", "test_acuracy"], "unknown key 'test_acuracy'; did you mean test_accuracy?"),
        (["list", "--sort", "accuracy"], "unknown key 'accuracy'; did you mean test_accuracy?"),
        (["list", "--json", "--csv"], "--json, --csv and --markdown exclude each other"),
        (["show", "mnist"], "unknown run in {out}: 'mnist'; known: colors_cnn"),
        (["rm"], "expected runs to remove, or --where"),
        (["rm", ""], "expected a run's folder or an experiment's name, found ''"),
        (["show", ""], "expected a run's folder or an experiment's name, found ''"),
        (["list", "--sort", ""], "Invalid value for '--sort': expected a key, found ''"),
    ],
)
def test_mistakes(runs, library, arguments, message):
    assert message.format(out=library[0]) in runs(*arguments, code=2).err


def test_show(runs, library):
    path = library[1]["cnn0"]
    text = runs("show", str(path)).out
    assert text.startswith(f"{path}: finished\n")
    assert "  test accuracy        95.00%\n" in text
    assert "name: colors_cnn\n" in text
    document = json.loads(runs("show", str(path), "--json").out)
    assert document["result"]["test_accuracy"] == 0.95
    assert document["config"]["training"]["optimizer"]["name"] == "sgd"
    assert set(document["files"]) >= {"run.json", "result.json", "config.yaml", "predictions.npz"}


@pytest.mark.parametrize("held", [False, True])
def test_list_and_show_agree_on_a_run_that_was_killed(runs, tmp_path, make_run, held):
    path = make_run(tmp_path, "colors_cnn", state="running")
    state = "running" if held else "interrupted"
    with filelock.FileLock(path.parent / ".seed-0.lock") if held else contextlib.nullcontext():
        assert names(runs("list", "--json", out=tmp_path).out) == [("colors_cnn", 0, state)]
        assert runs("show", str(path), out=tmp_path).out.startswith(f"{path}: {state}\n")
        document = json.loads(runs("show", str(path), "--json", out=tmp_path).out)
    assert document["status"]["state"] == state
    assert json.loads((path / "run.json").read_text(encoding="utf-8"))["state"] == "running"


def test_a_run_has_several_names(runs, library):
    folder = library[1]["dnn0"].parent
    for text in (folder.name, str(folder), "colors_dnn"):
        documents = json.loads(runs("show", text, "--json").out)
        assert [each["run"] for each in documents] == [str(folder / "seed-0"), str(folder / "seed-1")]
    one = json.loads(runs("show", f"{folder.name}/seed-1", "--json").out)
    assert one["run"] == str(folder / "seed-1")


def test_diff_of_two_configs(runs, library):
    found = json.loads(runs("diff", str(library[1]["cnn0"]), str(library[1]["short0"]), "--json").out)
    config = {
        each["key"]: (each["a"], each["b"]) for each in found["differences"] if each["section"] == "config"
    }
    assert config == {"training.epochs": (20, 3)}
    result = {each["key"] for each in found["differences"] if each["section"] == "result"}
    assert {"test_accuracy", "epochs"} <= result


def test_diff_names_layers(runs):
    found = json.loads(runs("diff", "colors_dnn", "colors_cnn", "--json").out)["differences"]
    keys = {each["key"]: (each["a"], each["b"]) for each in found}
    assert keys["model.layers.dense_1.units"] == (128, 32)
    of_a, of_b = keys["model.layers.conv2d_1"]
    assert of_a is None
    assert of_b["Conv2D"]["filters"] == 8
    assert not any(key.startswith("model.layers.conv2d_1.") for key in keys)
    lines = runs("diff", "colors_dnn", "colors_cnn").out.splitlines()
    assert any(line.split()[:4] == ["config", "model.layers.dense_1.units", "128", "32"] for line in lines)


def test_no_difference(runs, library):
    path = str(library[1]["cnn0"])
    assert runs("diff", path, path).out == "no difference in config, result or environment\n"


def test_rm_asks_and_then_removes(runs, tmp_path, make_run):
    first, second = (make_run(tmp_path, "colors_cnn", seed=seed) for seed in (0, 1))
    streams = runs("rm", str(first), out=tmp_path, code=2)
    assert "standard input is not a terminal; add --yes to confirm" in streams.err
    assert first.exists()
    streams = runs("rm", str(first), "--dry-run", out=tmp_path)
    assert streams.out == f"{first}\n"
    assert streams.err.startswith("would remove 1 run, ")
    assert first.exists()
    runs("rm", str(first), "--yes", out=tmp_path)
    assert not first.exists()
    assert second.exists()
    runs("rm", "colors_cnn", "--yes", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rm_as_json(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn")
    size = sum(file.stat().st_size for file in path.iterdir())
    document = {"removed": False, "bytes": size, "runs": [str(path)]}
    assert json.loads(runs("rm", "colors_cnn", "--dry-run", "--json", out=tmp_path).out) == document
    streams = runs("rm", "colors_cnn", "--json", out=tmp_path, code=2)
    assert streams.out == ""
    assert "--json cannot ask; add --yes to confirm, or --dry-run to list the runs only" in streams.err
    assert path.exists()
    document["removed"] = True
    assert json.loads(runs("rm", "colors_cnn", "--yes", "--json", out=tmp_path).out) == document
    assert not path.exists()
    nothing = json.loads(runs("rm", "--where", "seed = 0", "--yes", "--json", out=tmp_path).out)
    assert nothing == {"removed": True, "bytes": 0, "runs": []}


@pytest.mark.parametrize(("answer", "stays"), [("n", True), ("y", False)])
def test_rm_takes_no_for_an_answer(runs, tmp_path, make_run, monkeypatch, answer, stays):
    path = make_run(tmp_path, "colors_cnn")
    terminal = io.StringIO(f"{answer}\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    streams = runs("rm", "colors_cnn", out=tmp_path)
    assert path.exists() is stays
    assert ("nothing was removed" if stays else "removed 1 run") in streams.err


@pytest.mark.parametrize(
    ("dirty", "shown"), [(True, "abc1234, with uncommitted changes"), (False, "abc1234"), (None, "abc1234")]
)
def test_show_says_whether_the_checkout_was_changed(runs, tmp_path, make_run, dirty, shown):
    path = make_run(tmp_path, "colors_cnn")
    facts = json.loads((path / "environment.json").read_text(encoding="utf-8"))
    facts |= {"git_commit": "abc1234"} | ({} if dirty is None else {"git_dirty": dirty})
    (path / "environment.json").write_text(json.dumps(facts), encoding="utf-8")
    assert f"  commit               {shown}\n" in runs("show", "colors_cnn", out=tmp_path).out


def test_rm_by_condition(runs, tmp_path, make_run):
    for seed in range(3):
        make_run(tmp_path, "colors_cnn", seed=seed, accuracy=0.9 + seed / 100)
    runs("rm", "--where", "test_accuracy < 0.915", "--yes", out=tmp_path)
    assert [row[1] for row in names(runs("list", "--json", out=tmp_path).out)] == [2]
    assert runs("rm", "--where", "seed = 7", "--yes", out=tmp_path).err == "nothing to remove\n"
    short = make_run(tmp_path, "colors_cnn", changes=("training.epochs=3",))
    runs("rm", "--where", "training.epochs < 20", "--yes", out=tmp_path)
    assert not short.exists()
    assert len(json.loads(runs("list", "--json", out=tmp_path).out)) == 1


def test_a_run_in_training_stays(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn", state="running")
    with filelock.FileLock(tmp_path / path.parent.name / ".seed-0.lock"):
        assert names(runs("list", "--json", out=tmp_path).out) == [("colors_cnn", 0, "running")]
        streams = runs("rm", str(path), "--yes", out=tmp_path, code=1)
        assert "a process is training this run; nothing was removed" in streams.err
    assert (path / "config.yaml").exists()


def test_a_removed_run_can_be_trained_again(runs, tmp_path, make_run):
    path = make_run(tmp_path, "colors_cnn")
    runs("rm", str(path), "--yes", out=tmp_path)
    config = load_config("colors_cnn")
    assert run_path(config, tmp_path) == path
    with hold(path, tmp_path), open_run(path, config, data="0" * 64) as again:
        assert again.path == path


def test_only_runs_are_ever_removed(runs, tmp_path, make_run):
    path = make_run(tmp_path / "real", "colors_cnn")
    (path.parent / "notes.txt").write_text("mine", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(path)
    assert (
        "expected a folder, found a symbolic link; nothing was removed"
        in runs("rm", str(link), "--yes", code=2).err
    )
    assert path.exists()
    runs("rm", str(path), "--yes", out=tmp_path / "real")
    assert (path.parent / "notes.txt").exists()


def test_runs_in_nested_folders_are_listed_and_never_removed(tmp_path, make_run, capsys):
    mine = make_run(tmp_path, "colors_dnn", seed=0)
    hers = make_run(tmp_path / "class" / "ann" / "experiments", "colors_dnn", seed=1)
    renamed = make_run(tmp_path / "elsewhere", "colors_cnn", seed=2)
    (tmp_path / "class" / "bob").mkdir()
    renamed = renamed.rename(tmp_path / "class" / "bob" / "my run")
    hers.with_name("earlier-seed-1").mkdir()
    (hers.with_name("earlier-seed-1") / "run.json").write_text("{}")
    (tmp_path / "class" / "loop").symlink_to(tmp_path)
    assert run(["runs", "list", "--out", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["seed"], row["path"], row["state"]) for row in rows] == [
        ("colors_cnn", 2, str(renamed), "finished"),
        ("colors_dnn", 0, str(mine), "finished"),
        ("colors_dnn", 1, str(hers), "finished"),
    ]
    assert {row["digest"] for row in rows if row["name"] == "colors_dnn"} == {mine.parent.name[-8:]}
    assert [each.folder for each in cnnlab.runs("colors_dnn", out=tmp_path)] == [mine, hers]
    assert run(["runs", "rm", "--where", "state = finished", "--yes", "--out", str(tmp_path)]) == 0
    assert not mine.exists()
    assert hers.exists()
    assert renamed.exists()
