"""What beginners get wrong at the prompt: a line or a few, with the way out, and exit code 2."""

import errno
import os
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("photo.png")
    Path("folder").mkdir()
    Path("file").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(
            pytest.param(
                [*command, ""],
                "expected the name of an experiment or the path of a YAML file, found ''",
                id=f"{command[0]}-nothing",
            )
            for command in (["train"], ["summary"], ["draw"], ["compare", "cnn"], ["report"])
        ),
        pytest.param(["init", "mine", "--like", ""], "expected the name of an experiment", id="like-nothing"),
        pytest.param(
            ["data", "check", ""], "expected a dataset, a folder, an .npz file or", id="data-nothing"
        ),
        pytest.param(
            ["predict", "cnn", ""], "expected an image, a folder of images, or -", id="image-nothing"
        ),
        pytest.param(["predict", "", "photo.png"], "expected a run's folder or", id="run-nothing"),
        *(
            pytest.param(
                [command, "cnn", "dnn", option, ""],
                f"'{option}': expected a path, found ''",
                id=f"{command}{option}",
            )
            for command in ("train", "compare", "report")
            for option in ("--out", "--data-dir")
        ),
        pytest.param(["runs", "list", "--out", ""], "'--out': expected a path, found ''", id="runs-out"),
        pytest.param(["data", "list", "--data-dir", ""], "'--data-dir': expected a path", id="data-dir"),
        pytest.param(["draw", "cnn", "--out", ""], "'--out': expected a path, found ''", id="draw-out"),
        pytest.param(
            ["data", "show", "xo", "-o", ""], "--output: expected a name, found ''", id="show-output"
        ),
        pytest.param(
            ["predict", "cnn", "photo.png", "--sheet", ""], "--sheet: expected a name, found ''", id="sheet"
        ),
        pytest.param(["trian", "cnn"], "unknown command 'trian'; did you mean train?", id="command"),
        pytest.param(["runs", "lst"], "No such command 'lst'. Did you mean 'list'?", id="runs-command"),
        pytest.param(["data", "chek", "xo"], "Did you mean 'check'?", id="data-command"),
        pytest.param(
            ["train", "cnn", "--seed", "0"], "Did you mean one of: '--seeds', '--set'?", id="option"
        ),
        pytest.param(
            ["train", "cnn", "--epochs", "3"],
            "To change this setting of the config, use --set training.epochs=VALUE.",
            id="setting-as-option",
        ),
        pytest.param(
            ["train", "cnn", "--batch-size", "3"], "use --set training.batch_size=VALUE.", id="two-words"
        ),
        pytest.param(
            ["train", "cnn", "--lr", "3"], "use --set training.optimizer.learning_rate=VALUE.", id="lr"
        ),
        pytest.param(["train", "cnn", "--nonsense"], "Error: No such option '--nonsense'.", id="no-setting"),
        pytest.param(["train", "cnn", "--seeds", "０-４"], "expected seeds such as 0-4", id="wide-digits"),
        pytest.param(["train", "cnn", "--seeds", "٣"], "expected seeds such as 0-4", id="arabic-digits"),
        pytest.param(
            ["data", "show", "xo", "-o", "folder"],
            "expected the name of pictures, found the folder folder",
            id="a-folder",
        ),
        pytest.param(
            ["draw", "cnn", "--out", "folder"], "File 'folder' is a directory.", id="draw-to-a-folder"
        ),
        *(
            pytest.param(
                [*command, "a" * 300],
                "expected a path, found a name that is too long",
                id=f"{command[-1]}-too-long",
            )
            for command in (
                ["runs", "list", "--out"],
                ["data", "list", "--data-dir"],
                ["draw", "cnn", "--out"],
            )
        ),
        *(
            pytest.param(
                [*command, "a\udcff"], "expected a path in UTF-8, found a", id=f"{command[-1]}-not-utf-8"
            )
            for command in (["runs", "list", "--out"], ["data", "list", "--data-dir"])
        ),
    ],
)
def test_usage(cnnlab, here: Path, arguments: list[str], message: str) -> None:
    code, stdout, stderr = cnnlab(*arguments)
    assert (code, stdout) == (2, "")
    assert message in stderr
    assert len(stderr.splitlines()) <= 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["summary", "cnn.yaml"], "cnn.yaml: no such file; did you mean cnn?", id="ending"),
        pytest.param(["train", "cnn.yml"], "cnn.yml: no such file; did you mean cnn?", id="other-ending"),
        pytest.param(
            ["summary", "configs/cnn.yaml"], "configs/cnn.yaml: no such file; did you mean cnn?", id="path"
        ),
        pytest.param(["summary", "nowhere.yaml"], "nowhere.yaml: no such file", id="no-such-file"),
        pytest.param(
            ["summary", "~nobody-here/x.yaml"], "~nobody-here/x.yaml: no such file", id="no-such-user"
        ),
        pytest.param(
            ["data", "check", "a" * 300],
            f"{'a' * 300}: expected a path, found a name that is too long",
            id="too-long",
        ),
        pytest.param(
            ["explain", "saliency", f"{'a' * 300}.keras"],
            f"{'a' * 300}.keras: no such file",
            id="model-too-long",
        ),
        pytest.param(
            ["train", "cnn", "--data-dir", "~nobody-here/x"],
            "--data-dir: expected a folder, found nothing at ~nobody-here/x\n"
            "   create it, or leave --data-dir out to use the cache and the network",
            id="data-dir-of-no-user",
        ),
        pytest.param(
            ["train", "photo.png"],
            "photo.png: expected an experiment, found an image file\n"
            "   to classify it with a trained network: cnnlab predict RUN photo.png",
            id="picture",
        ),
        pytest.param(
            ["report", "cnn"],
            "expected two or more different experiments, found cnn",
            id="report-of-one",
        ),
        pytest.param(
            ["compare", "cnn"],
            "expected two or more different experiments, found cnn",
            id="compare-of-one",
        ),
        pytest.param(
            ["train", "cnn", "--data-dir", "nowhere"],
            "--data-dir: expected a folder, found nothing at nowhere\n"
            "   create it, or leave --data-dir out to use the cache and the network",
            id="data-dir",
        ),
        pytest.param(["init", "mine", "--like", "nope.yaml"], "nope.yaml: no such file", id="like-file"),
        pytest.param(
            ["init", "mine", "--like", "folder"],
            "folder: expected a YAML file, found a directory",
            id="like-folder",
        ),
        pytest.param(["init", "mine", "--like", "file"], "file: the file is empty", id="like-empty-file"),
        *(
            pytest.param(
                [*command, f"nowhere/it{ending}"],
                f"nowhere/it{ending or '.yaml'}: cannot be written: there is no folder nowhere",
                id=f"{command[0]}-to-nowhere",
            )
            for command, ending in (
                (["draw", "cnn", "--out"], ".svg"),
                (["data", "show", "xo", "-o"], ".png"),
                (["predict", "cnn", "photo.png", "--sheet"], ".png"),
                (["init"], ""),
            )
        ),
        pytest.param(
            ["draw", "cnn", "--out", "file/it.svg"],
            "file/it.svg: cannot be written: Not a directory",
            id="draw-below-a-file",
        ),
    ],
)
def test_message(cnnlab, here: Path, arguments: list[str], message: str) -> None:
    assert cnnlab(*arguments) == (2, "", f"{message}\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["explain", "saliency", "pipe.keras"], "pipe.keras"),
        (["data", "check", "mnist", "--data-dir", "set"], "set/train-labels-idx1-ubyte"),
        (["summary", "pipe.yaml"], "pipe.yaml: cannot be read"),
    ],
)
def test_a_pipe_is_not_said_to_be_missing(cnnlab, here: Path, arguments: list[str], path: str) -> None:
    (here / "set").mkdir()
    for name in ("pipe.keras", "pipe.yaml", "set/train-labels-idx1-ubyte"):
        os.mkfifo(here / name)
    (here / "set" / "train-images-idx3-ubyte").write_bytes(b"")
    code, stdout, stderr = cnnlab(*arguments)
    assert (code, stdout) == (2, "")
    assert stderr.lower() == f"{path}: not a regular file\n"


@pytest.mark.parametrize("variable", [None, "CNNLAB_DATA_DIR", "CNNLAB_CACHE"])
@pytest.mark.parametrize("command", [["summary"], ["summary", "--json"], ["train", "--check"]])
def test_a_path_may_be_in_another_encoding(
    cnnlab, here: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, command: list[str]
) -> None:
    folder = here / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    text = "dataset: colors\nmodel: {layers: [Flatten, Dense: {units: 6, activation: softmax}]}\n"
    (folder / "tiny.yaml").write_text(text, encoding="utf-8")
    if variable is not None:
        monkeypatch.setenv(variable, str(folder))
    code, stdout, stderr = cnnlab(*command, str(folder / "tiny.yaml"))
    assert (code, "internal error" in stderr) == (0, False)
    assert "tiny" in stdout


def test_like_names_each_experiment_once(cnnlab, here: Path) -> None:
    code, _, stderr = cnnlab("init", "mine", "--like", "zzzzz")
    names = stderr.split("known: ")[1].strip().split(", ")
    assert code == 2
    assert len(names) == len(set(names))
    assert {"cnn", "resnet", "vgg16"} < set(names)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 1), (errno.EACCES, 2), (errno.EROFS, 2)],
)
@pytest.mark.parametrize(
    "arguments",
    [["init", "mine"], ["draw", "xo_cnn", "--out", "it.png"], ["data", "show", "xo", "-o", "it.png"]],
)
def test_a_full_disk_is_no_mistake_of_the_users(
    cnnlab, here: Path, monkeypatch, arguments: list[str], number: int, code: int
) -> None:
    import os

    def fail(*arguments: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    for writer in ("pathlib.Path.write_text", "pathlib.Path.write_bytes", "PIL.Image.Image.save"):
        monkeypatch.setattr(writer, fail)
    name = "mine.yaml" if arguments[0] == "init" else "it.png"
    if arguments[0] == "draw":
        monkeypatch.setattr(
            "cnnlab.pictures.diagrams.drawing.NetworkDrawing.encode", lambda drawing, kind: b""
        )
    assert cnnlab(*arguments) == (code, "", f"{name}: cannot be written: {os.strerror(number)}\n")


def test_an_overview_with_a_broken_config_is_not_all_right(cnnlab, here: Path) -> None:
    Path("configs").mkdir()
    Path("configs/broken.yaml").write_text(
        "seed: -1\ndataset: colors\nmodel: {layers: [Flatten, Dense: {units: 6}]}\n"
    )
    code, stdout, stderr = cnnlab("summary")
    assert (code, stderr) == (2, "configs/broken.yaml:1:7: seed: expected 0 or more, found -1\n")
    assert any(line.startswith("cnn ") for line in stdout.splitlines())
    assert "exit code is then 2" in " ".join(cnnlab("summary", "--help").stdout.split())


def test_a_config_in_the_folder_is_named(tmp_path, monkeypatch, capsys):
    """An experiment's name is looked up in configs/; `cnnlab init mine` writes mine.yaml here."""
    monkeypatch.chdir(tmp_path)
    from cnnlab.cli import run

    assert run(["init", "mine", "--like", "dnn"]) == 0
    capsys.readouterr()
    assert run(["train", "mine"]) == 2
    message = "unknown experiment 'mine'; did you mean mine.yaml, the file in this folder?"
    assert capsys.readouterr().err.strip() == message
