"""`cnnlab verify runs`: a class hands in, whole and broken, honest and not; strangers' files do no harm."""

import csv
import hashlib
import io
import json
import shutil
import stat
import zipfile

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import UserError
from cnnlab.verification.hand_ins.finding import handed_in

TASK = """\
name: task
dataset: {name: xo, train_count: 200, test_count: 100}
model:
  layers:
    - Flatten
    - Dense: {units: 4, activation: relu}
    - Dense: {units: 2, activation: softmax}
training: {epochs: 2, batch_size: 20, optimizer: {name: adam, learning_rate: 0.003}}
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "task.yaml"
    path.write_text(TASK)
    return path


@pytest.fixture(scope="module")
def trained(task, tmp_path_factory):
    """Three honest runs of the task, and one with fewer epochs: {name: folder}."""
    out = tmp_path_factory.mktemp("trained")
    runs = cnnlab.train(str(task), seeds=[0, 1, 2], out=out)
    other = cnnlab.train(str(task), set={"training.epochs": 1, "model.layers.dense_1.units": 3}, out=out)
    return {each.record.seed: each.folder for each in runs} | {"other": other[0].folder}


@pytest.fixture
def class_folder(tmp_path):
    folder = tmp_path / "hand-ins"
    folder.mkdir()
    return folder


def packed(run_folder, target, below=""):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in run_folder.rglob("*"):
            archive.write(file, f"{below}{file.relative_to(run_folder)}")
    return target


def copied(run_folder, target):
    shutil.copytree(run_folder, target, ignore=shutil.ignore_patterns(".*"))
    return target


def forged(run_folder, **claims):
    """Claim something else in result.json, with the digest to it: only the model tells the truth."""
    result = json.loads((run_folder / "result.json").read_text()) | claims
    text = json.dumps(result).encode()
    (run_folder / "result.json").write_bytes(text)
    status = json.loads((run_folder / "run.json").read_text())
    status["files"]["result.json"] = hashlib.sha256(text).hexdigest()
    (run_folder / "run.json").write_text(json.dumps(status))


def checked(folder, task):
    return {each.path: each for each in cnnlab.verify_runs(folder, against=str(task)).hand_ins}


def test_a_class_of_six_is_graded(trained, class_folder, tmp_path, task, capsys):
    copied(trained[0], class_folder / "ann" / "my-run")
    packed(trained[1], class_folder / "bob.zip", "experiments/task-12345678/seed-1/")
    packed(trained[2], class_folder / "cleo.zip")
    (class_folder / "dan").mkdir()
    inner = packed(trained[0], tmp_path / "inner.zip")
    with zipfile.ZipFile(class_folder / "dan" / "all.zip", "w") as archive:
        archive.write(inner, "exercise/inner.zip")
    copied(trained["other"], class_folder / "eve" / "seed-0")
    claimed = 0.999
    forged(copied(trained[2], class_folder / "fay" / "seed-2"), test_accuracy=claimed)
    (class_folder / "fay" / "seed-2" / "predictions.npz").unlink()

    assert run(["verify", "runs", str(class_folder), "--against", str(task), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["hand_ins", "ok"]
    assert document["ok"] is False
    found = {each["path"]: each for each in document["hand_ins"]}
    assert list(found) == [
        "ann/my-run",
        "bob.zip/experiments/task-12345678/seed-1",
        "cleo.zip",
        "dan/all.zip/exercise/inner.zip",
        "eve/seed-0",
        "fay/seed-2",
    ]
    assert [each["ok"] for each in found.values()] == [True] * 4 + [False] * 2
    for each in list(found.values())[:4]:
        assert (each["state"], each["differences"], each["reason"]) == ("finished", [], None)
        assert each["measured_accuracy"] == pytest.approx(each["claimed_accuracy"])
        assert each["digest"] == cnnlab.load(str(task)).config.digest
    eve, fay = found["eve/seed-0"], found["fay/seed-2"]
    assert eve["differences"] == [
        {"key": "model.layers.dense_1.units", "expected": 4, "found": 3},
        {"key": "training.epochs", "expected": 2, "found": 1},
    ]
    assert eve["reason"] == "model.layers.dense_1.units is 3, expected 4; training.epochs is 1, expected 2"
    assert eve["measured_accuracy"] == pytest.approx(eve["claimed_accuracy"])
    honest = json.loads((trained[2] / "result.json").read_text())["test_accuracy"]
    assert (fay["claimed_accuracy"], fay["measured_accuracy"]) == (claimed, pytest.approx(honest))
    assert fay["reason"] == f"claims an accuracy of 99.90%, its model reaches {honest:.2%}"

    assert run(["verify", "runs", str(class_folder), "--against", str(trained[0]), "--csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["ok"] for row in rows] == ["yes"] * 4 + ["no"] * 2
    assert float(rows[5]["measured_accuracy"]) == pytest.approx(honest)

    assert run(["verify", "runs", str(class_folder), "--against", str(task), "--quiet"]) == 1
    text = capsys.readouterr().out
    assert "4 of 6 hand-ins ok, checked against task" in text
    assert f"   fay/seed-2: {fay['reason']}" in text
    assert max(map(len, text.splitlines())) < 120


def test_all_ok_is_exit_0_and_nothing_is_written(trained, class_folder, task, tmp_path):
    copied(trained[0], class_folder / "ann")
    before = sorted(str(each) for each in tmp_path.rglob("*"))
    assert run(["verify", "runs", str(class_folder), "--against", str(task), "--quiet"]) == 0
    assert sorted(str(each) for each in tmp_path.rglob("*")) == before


def test_a_zip_of_the_whole_class(trained, tmp_path, task):
    file = packed(trained[0].parent.parent, tmp_path / "class.zip")
    found = checked(file, task)
    assert sorted(each.ok for each in found.values()) == [False, True, True, True]


def lacks_result(folder):
    (folder / "result.json").unlink()


def other_history(folder):
    with (folder / "history.csv").open("a") as file:
        file.write("3,0,1,0,1,0.1,1,1\n")


def lacks_status(folder):
    (folder / "run.json").unlink()


def no_model(folder):
    (folder / "model.keras").unlink()


def interrupted(folder):
    status = json.loads((folder / "run.json").read_text()) | {"state": "interrupted"}
    (folder / "run.json").write_text(json.dumps(status))


def without_digests(folder):
    """A run.json as of 0.1.0, so that no digest is compared."""
    status = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(
        json.dumps({key: status[key] for key in ("state", "started", "updated", "command")})
    )


def linked(folder):
    (folder / "model.keras").unlink()
    (folder / "model.keras").symlink_to("/etc/hostname")


def no_config(folder):
    (folder / "config.yaml").write_text("[")


def nothing(folder):
    for each in folder.iterdir():
        each.unlink()


@pytest.mark.parametrize(
    ("damage", "state", "reason"),
    [
        (lacks_result, "damaged", "result.json is missing"),
        (other_history, "damaged", "history.csv is not the file that the run finished with"),
        (lacks_status, "missing", "a half-copied run: run.json is missing"),
        (no_model, "finished", "model.keras is missing, so that its accuracy cannot be measured"),
        (interrupted, "interrupted", "the run is interrupted, not finished"),
        (without_digests, "finished", "of version 0.1.0, whose files cannot be checked; train it again"),
        (linked, "damaged", "model.keras is a symbolic link, which is not followed"),
        (no_config, "damaged", "config.yaml"),
        (nothing, "missing", "an empty folder"),
    ],
)
def test_damaged_hand_ins_do_not_stop_the_others(trained, class_folder, task, damage, state, reason):
    damage(copied(trained[0], class_folder / "ann"))
    copied(trained[1], class_folder / "bob")
    found = checked(class_folder, task)
    assert found["bob"].ok
    assert (found["ann"].state, found["ann"].ok) == (state, False)
    assert (
        found["ann"].reason.startswith(reason) if reason == "config.yaml" else (found["ann"].reason == reason)
    )
    assert str(class_folder) not in found["ann"].reason


def test_weights_that_are_none(trained, class_folder, task):
    """A model file that was exchanged, with the digest to it."""
    folder = copied(trained[0], class_folder / "ann")
    (folder / "model.keras").write_bytes(b"PK\x05\x06" + bytes(18))
    status = json.loads((folder / "run.json").read_text())
    digest = hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()
    status["files"]["model.keras"] = digest
    (folder / "run.json").write_text(json.dumps(status))
    found = checked(class_folder, task)["ann"]
    assert not found.ok
    assert "model.keras: cannot be read (expected config.json in it, found none)" in found.reason


def test_an_absurd_network_is_not_built(trained, class_folder, task, monkeypatch):
    folder = copied(trained[0], class_folder / "ann")
    text = (folder / "config.yaml").read_text().replace("units: 4", "units: 100000000")
    (folder / "config.yaml").write_text(text)
    digest = cnnlab.load(str(folder / "config.yaml")).config.digest
    forged(folder, digest=digest)
    status = json.loads((folder / "run.json").read_text()) | {"digest": digest}
    status["files"]["config.yaml"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "run.json").write_text(json.dumps(status))

    def never(*_):
        raise AssertionError("it was built")

    monkeypatch.setattr("cnnlab.verification.hand_ins.checking.trained_model", never)
    found = checked(class_folder, task)["ann"]
    assert found.measured_accuracy is None
    assert "its accuracy is not measured: its network takes" in found.reason
    assert [each.key for each in found.differences] == ["model.layers.dense_1.units"]


def member(name, content=b"x", mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info, content


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([member("../run.json")], "would write outside of its folder: ../run.json"),
        ([member("/tmp/run.json")], "would write outside of its folder: /tmp/run.json"),
        ([member("a\\..\\..\\run.json")], "would write outside of its folder: a/../../run.json"),
        ([member("C:/run.json")], "would write outside of its folder: C:/run.json"),
        ([member("seed-0/run.json", b"/etc/passwd", stat.S_IFLNK | 0o777)],
         "holds a symbolic link: seed-0/run.json"),
        ([member("seed-0/x", b"", stat.S_IFIFO)], "holds what is neither file nor folder: seed-0/x"),
        ([member("a/" * 40 + "run.json")], "holds a name that is too long: a/a/"),
        ([member("seed-0/model.keras", bytes(70 << 20))], "unpacks to more than 64 MiB"),
        ([member("notes.txt")], "no run in it"),
        ([member("__MACOSX/seed-0/run.json")], "no run in it"),
        ([], "no run in it"),
    ],
)  # fmt: skip
def test_hostile_zips_touch_nothing(class_folder, tmp_path, monkeypatch, members, reason):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with zipfile.ZipFile(class_folder / "mallory.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    before = sorted(tmp_path.rglob("*"))
    found = list(handed_in(class_folder))
    assert [(each.label, each.place) for each in found] == [("mallory.zip", None)]
    assert found[0].problem.startswith(reason)
    assert sorted(tmp_path.rglob("*")) == before


def test_sizes_that_a_zip_claims_are_not_believed(class_folder):
    """A bomb whose table of contents says that it is small."""
    file = class_folder / "mallory.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("seed-0/model.keras", bytes(80 << 20))
    content = file.read_bytes().replace((80 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    file.write_bytes(content)
    (found,) = handed_in(class_folder)
    assert found.place is None
    assert "zip" in found.problem or "MiB" in found.problem


def test_what_is_no_zip_and_what_is_a_link(class_folder, tmp_path):
    (class_folder / "half.zip").write_bytes(b"PK\x03\x04 and then the connection broke")
    (class_folder / "other.7z").write_bytes(b"7z")
    (class_folder / "empty").mkdir()
    (class_folder / "grades.csv").write_text("mine")
    (class_folder / "link").symlink_to(tmp_path)
    (class_folder / "text" / "deep").mkdir(parents=True)
    (class_folder / "text" / "deep" / "notes.txt").write_text("I was ill.")
    assert [(each.label, each.problem) for each in handed_in(class_folder)] == [
        ("empty", "an empty folder"),
        ("half.zip", "is no zip file, or a damaged one"),
        ("link", "a symbolic link, which is not followed"),
        ("other.7z", "expected a zip, found a file that ends in .7z"),
        ("text", "no run in it; expected a run's folder or a zip of it"),
    ]


def test_zips_in_zips_in_zips(class_folder):
    inner = b""
    for level in range(6):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("seed-0/notes.txt" if level == 0 else "inner.zip", inner or b"x")
        inner = target.getvalue()
    (class_folder / "russian.zip").write_bytes(inner)
    (found,) = handed_in(class_folder)
    assert found.problem == "more than 3 zips within each other"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "runs", "{}", "--against", "colors_dnn"], "no hand-ins there"),
        (["verify", "runs", "{}", "--against", "nothing_like_it"], "nothing_like_it"),
        (["verify", "runs", "{}", "--against", "vgg16"], "has no dataset"),
        (["verify", "runs", "{}", "--against", "colors_dnn", "--csv", "--json"], "exclude each other"),
        (["verify", "runs", "{}"], "--against"),
        (["verify", "runs", "{}/nowhere", "--against", "colors_dnn"], "does not exist"),
    ],
)  # fmt: skip
def test_mistakes(class_folder, capsys, arguments, message):
    assert run([each.format(class_folder) for each in arguments]) == 2
    assert message in capsys.readouterr().err


def test_data_that_is_other(trained, class_folder, task):
    copied(trained[0], class_folder / "ann")
    found = cnnlab.verify_runs(class_folder, against=str(task), set={"dataset.test_count": 120}).hand_ins[0]
    assert "trained on other data" in found.reason
    assert "dataset.test_count is 100, expected 120" in found.reason
    assert found.measured_accuracy is None
    with pytest.raises(UserError, match="is a run, whose settings are what they are"):
        cnnlab.verify_runs(class_folder, against=trained[0], set={"seed": 1})
