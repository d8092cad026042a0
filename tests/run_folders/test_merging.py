"""`cnnlab runs merge`: runs trained elsewhere are taken in whole, checked, and never over others."""

import json
import shutil
from pathlib import Path

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.holding import hold
from cnnlab.run_folders.records import read_record
from cnnlab.run_folders.states import held


@pytest.fixture
def there(tmp_path, make_run):
    """A folder of runs as another machine left it: two finished ones, one that failed, and what is no run."""
    folder = tmp_path / "there"
    paths = [make_run(folder, "colors_dnn", seed=seed, accuracy=0.8) for seed in (0, 1)]
    paths.append(make_run(folder, "colors_cnn", state="failed"))
    (folder / "comparisons" / "a-vs-b").mkdir(parents=True)
    (folder / "sweeps" / "seed-0").mkdir(parents=True)
    return folder, paths


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def outcomes(merged):
    return [each.outcome for each in merged.runs]


def test_runs_are_taken_in_and_then_are_there(there, out, capsys):
    folder, _ = there
    assert run(["runs", "merge", str(folder), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["outcome"] for each in document["runs"]] == ["taken in"] * 3
    assert [each["state"] for each in document["runs"]] == ["failed", "finished", "finished"]
    assert files(out) == files(folder)
    assert len(cnnlab.runs("colors_dnn", out=out)) == 2
    assert outcomes(cnnlab.merge(folder, out=out)) == ["already there"] * 3
    assert run(["runs", "merge", str(folder), "--out", str(out)]) == 0
    assert "0 of 3 runs taken in" in capsys.readouterr().err


def test_an_experiment_and_a_run(there, out):
    _, paths = there
    assert [each.source for each in cnnlab.merge(paths[1], out=out).taken] == [paths[1]]
    merged = cnnlab.merge(paths[1].parent, out=out)
    assert outcomes(merged) == ["taken in", "already there"]


def test_a_dry_run_writes_nothing(there, out, capsys):
    assert run(["runs", "merge", str(there[0]), "--out", str(out), "--dry-run"]) == 0
    streams = capsys.readouterr()
    assert streams.out.count("would be taken in") == 3
    assert not out.exists()


def test_other_content_is_named_and_left_out(there, out, make_run, capsys):
    mine = make_run(out, "colors_dnn", seed=1, accuracy=0.7)
    before = files(mine)
    assert run(["runs", "merge", str(there[0]), "--out", str(out)]) == 1
    streams = capsys.readouterr()
    assert f"{there[1][1]}: other content (" in streams.out
    assert "2 of 3 runs taken in" in streams.err
    assert files(mine) == before


def test_times_are_no_content(there, out):
    cnnlab.merge(there[0], out=out)
    path = there[1][0]
    result = json.loads((path / "result.json").read_text("utf-8")) | {"seconds": 12345.0}
    rewrite(path, "result.json", json.dumps(result))
    assert outcomes(cnnlab.merge(path, out=out)) == ["already there"]


def rewrite(path, name, text):
    """Change a file of a run, and its digest."""
    import hashlib

    (path / name).write_text(text, "utf-8")
    status = json.loads((path / "run.json").read_text("utf-8"))
    status["files"][name] = hashlib.sha256(text.encode()).hexdigest()
    (path / "run.json").write_text(json.dumps(status), "utf-8")


def test_other_data_is_other_content(there, out):
    cnnlab.merge(there[0], out=out)
    path = there[1][0]
    status = json.loads((path / "run.json").read_text("utf-8")) | {"data": "f" * 64}
    (path / "run.json").write_text(json.dumps(status), "utf-8")
    [each] = cnnlab.merge(path, out=out).runs
    assert (each.outcome, each.reason) == ("other content", "it was trained on other data")


@pytest.mark.parametrize("name", ["result.json", "predictions.npz", "config.yaml", "run.json", "history.csv"])
def test_a_damaged_run_is_left_out(there, out, name):
    path = there[1][0]
    content = (path / name).read_bytes()
    (path / name).write_bytes(content[: len(content) // 2])
    merged = cnnlab.merge(there[0], out=out)
    assert [each.source for each in merged.problems] == [path]
    assert len(merged.taken) == 2
    assert not (out / path.parent.name / path.name).exists()


def test_links_are_not_followed(there, out, tmp_path):
    folder, paths = there
    secret = tmp_path / "secret"
    secret.write_text("secret", "utf-8")
    (paths[0] / "notes.txt").symlink_to(secret)
    shutil.move(paths[2].parent, tmp_path / "moved")
    paths[2].parent.symlink_to(tmp_path / "moved")
    merged = cnnlab.merge(folder, out=out)
    assert [each.source for each in merged.problems] == [paths[2].parent, paths[0]]
    assert b"secret" not in files(out).values()
    assert len(merged.taken) == 1


def test_a_run_being_trained_waits(there, out):
    with held(there[1][0]):
        merged = cnnlab.merge(there[0], out=out)
    assert outcomes(merged) == ["taken in", "being trained", "taken in"]
    assert merged.problems == ()


def test_a_run_being_trained_here_is_not_touched(there, out):
    path = out / there[1][0].relative_to(there[0])
    shutil.copytree(there[1][0], path)
    status = json.loads((path / "run.json").read_text("utf-8")) | {"state": "running", "files": None}
    (path / "run.json").write_text(json.dumps(status), "utf-8")
    with hold(path, out):
        assert outcomes(cnnlab.merge(there[0], out=out)) == ["taken in", "unfinished here", "taken in"]


def test_a_finished_run_does_not_replace_an_unfinished_one(there, out, make_run):
    mine = make_run(out, "colors_dnn", seed=0, state="interrupted")
    before = files(mine)
    [each] = cnnlab.merge(there[1][0], out=out).problems
    assert each.outcome == "unfinished here"
    assert f"cnnlab runs rm {mine}" in each.reason
    assert files(mine) == before


def test_another_experiment_has_the_short_name(there, out):
    source = there[1][0]
    short = out / source.parent.name / "seed-5"
    short.mkdir(parents=True)
    digest = read_record(source).config.digest[:8] + "0" * 56
    status = {"format": 2, "state": "failed", "digest": digest, "seed": 5}
    (short / "run.json").write_text(json.dumps(status), "utf-8")
    [each] = cnnlab.merge(source, out=out).taken
    assert each.path.parent.name == f"colors_dnn-{read_record(source).config.digest[:16]}"


@pytest.mark.parametrize("moment", ["copying", "naming"])
def test_a_kill_leaves_no_half_run(there, out, monkeypatch, moment):
    source = there[1][0]
    copytree = shutil.copytree

    def killed(*arguments, **options):
        if moment == "naming":
            copytree(*arguments, **options)
        else:
            Path(arguments[1]).mkdir()
            shutil.copy(source / "config.yaml", arguments[1])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # nothing is tidied up after a kill
        with pytest.raises(KeyboardInterrupt):
            cnnlab.merge(source, out=out)
    assert len(list((out / source.parent.name).glob(".removed-*"))) == 1
    assert cnnlab.runs(out=out) == []
    assert outcomes(cnnlab.merge(source, out=out)) == ["taken in"]
    assert list((out / source.parent.name).glob(".removed-*")) == []
    assert files(out / source.parent.name / source.name) == files(source)


def test_a_full_disk_is_said_and_keeps_what_is_there(there, out, monkeypatch):
    copytree = shutil.copytree
    taken = []

    def full(*arguments, **options):
        if taken:
            raise OSError(28, "No space left on device")
        taken.append(arguments[0])
        copytree(*arguments, **options)

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(CnnlabError, match="free some space and merge again"):
        cnnlab.merge(there[0], out=out)
    assert [each.folder.relative_to(out) for each in cnnlab.runs(out=out)] == [taken[0].relative_to(there[0])]


def test_folders_that_cannot_be_merged(there, out, tmp_path):
    with pytest.raises(UserError, match="lies in"):
        cnnlab.merge(there[0], out=there[0])
    with pytest.raises(UserError, match="lies in"):
        cnnlab.merge(there[1][0], out=there[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no runs there"):
        cnnlab.merge(tmp_path / "empty", out=out)
