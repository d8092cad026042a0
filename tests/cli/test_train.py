"""What a training command prints, and what it leaves in the run's folder."""

import csv
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("unrendered")

# Read before the tests get an environment of their own.
GIVEN = os.environ.get("CNNLAB_DATA_DIR")

FILES = {
    "config.yaml",
    "curves.png",
    "environment.json",
    "history.csv",
    "layers.csv",
    "model.keras",
    "predictions.npz",
    "result.json",
    "run.json",
}


class Trained(NamedTuple):
    out: Path
    folder: Any
    result: Any


@pytest.fixture(scope="module")
def trained(cnnlab, configs, data_dir, folder_of, tmp_path_factory) -> Trained:
    """A finished run of the small config."""
    out = tmp_path_factory.mktemp("out")
    result = cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", out)
    assert result.code == 0, result.stderr
    return Trained(out, folder_of(out), result)


def state_of(out: Path) -> dict[Path, tuple[int, int]]:
    """Every file below a folder with its inode and time: equal where nothing was written."""
    files = [path for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


FEW = (
    "MNIST: 40 test images are few: with 30 of them right, the accuracy on other images may be anything from "
    "59% to 87% (95% interval)"
)
"""What is said of a test set of 40 images."""


def test_results_go_to_stdout_and_messages_to_stderr(trained: Trained, data_dir: Path) -> None:
    import tensorflow as tf

    result = trained.folder.json("result.json")
    accuracies = [f"{result[f'{split}_accuracy']:.2%}" for split in ("train", "validation", "test")]
    header, rule, row, empty, path = trained.result.stdout.splitlines()
    assert header.split() == [
        "Experiment",
        "Seed",
        "Parameters",
        "Train",
        "Validation",
        "Test",
        "Seconds",
    ]
    assert set(rule) == {"-", " "}
    assert row.split() == [
        "small",
        "0",
        "7,850",
        *accuracies,
        f"{result['seconds']:.1f}",
    ]
    assert (empty, path) == ("", str(trained.folder.path))
    warning, device, start, first, second, end, few = trained.result.stderr.splitlines()
    assert warning == (
        f"MNIST in {data_dir}/mnist is not the official content (100 training and 40 test images); "
        "accuracies will differ from published ones"
    )
    assert device.startswith(f"tensorflow {tf.__version__} on ")
    assert start == "small, seed 0: 2 epochs"
    for line, epoch in ((first, trained.folder.history[0]), (second, trained.folder.history[1])):
        assert line == (
            f"epoch {epoch['epoch']}/2  loss {float(epoch['loss']):.4f}  "
            f"accuracy {float(epoch['accuracy']):.2%}  val_loss {float(epoch['val_loss']):.4f}  "
            f"val_accuracy {float(epoch['val_accuracy']):.2%}  {float(epoch['seconds']):.1f} s"
        )
    assert end == f"small, seed 0: test accuracy {accuracies[2]} ({trained.folder.path})"
    assert few == FEW


@pytest.fixture(scope="module")
def several(cnnlab, configs, data_dir: Path, tmp_path_factory) -> Trained:
    """Three seeds of an experiment with a long name, and its name as the second member."""
    out, name = tmp_path_factory.mktemp("several"), f"a_{'very_' * 17}long_name"
    settings = ("--set", f"name={name}", "--set", "training.epochs=1")
    options = (*settings, "--data-dir", data_dir, "--out", out, "--quiet")
    result = cnnlab("train", configs["small"], "--seeds", "0-1,3,1", *options, "--json")
    assert result.code == 0, result.stderr
    return Trained(out, name, result)


@pytest.mark.parametrize("check", [False, True])
def test_tables_fit_a_terminal(several: Trained, cnnlab, configs, data_dir: Path, check: bool) -> None:
    out, name, _ = several
    options = ("--set", f"name={name}", "--data-dir", data_dir, "--out", out, "--quiet")
    arguments = ("--check",) if check else ("--seeds", "0,1", "--set", "training.epochs=1")
    result = cnnlab("train", configs["small"], *arguments, *options)
    assert result.code == 0, result.stderr
    table, _, folders = result.stdout.partition("\n\n")
    assert max(len(line) for line in table.splitlines()) <= 80
    assert re.search(r"^a_very_\w*…\w*_long_name  ", table, re.MULTILINE)
    if not check:
        [experiment] = out.glob(f"{name}-*")
        assert folders == f"{experiment}: seed-0, seed-1\n"


def test_the_folder_is_named_by_the_digest_and_holds_whole_files_only(trained: Trained, configs) -> None:
    from cnnlab.config.experiment import load_config

    digest = load_config(str(configs["small"])).digest
    assert trained.folder.path == trained.out / f"small-{digest[:8]}" / "seed-0"
    assert {path.name for path in trained.folder.path.iterdir()} == FILES


def test_run_json(trained: Trained) -> None:
    run = trained.folder.json("run.json")
    assert run["state"] == "finished"
    assert run["error"] is None
    assert run["command"] == sys.argv
    assert run["started"] <= run["updated"]
    assert run["started"].endswith("+00:00")
    assert 0 < run["seconds"] < 100


def test_history_csv(trained: Trained) -> None:
    text = (trained.folder.path / "history.csv").read_text()
    assert text.splitlines()[0] == (
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second"
    )
    assert [row["epoch"] for row in trained.folder.history] == ["1", "2"]
    for row in trained.folder.history:
        seconds, speed = float(row["seconds"]), float(row["images_per_second"])
        assert speed == pytest.approx(80 / seconds)
        assert float(row["learning_rate"]) == pytest.approx(0.05)
        assert float(row["accuracy"]) * 80 == pytest.approx(round(float(row["accuracy"]) * 80))
        assert float(row["val_accuracy"]) * 20 == pytest.approx(round(float(row["val_accuracy"]) * 20))


def test_result_json(trained: Trained, configs) -> None:
    from cnnlab.config.experiment import load_config

    result = trained.folder.json("result.json")
    assert set(result) == {
        *(f"{split}_{what}" for split in ("train", "validation", "test") for what in ("loss", "accuracy")),
        *("name", "digest", "seed", "epochs", "best_epoch", "tested_epoch", "params", "trainable_params"),
        *("macs", "seconds", "seconds_per_epoch", "images_per_second", "peak_memory_bytes", "warnings"),
    }
    history = trained.folder.history
    assert result["name"] == "small"
    assert result["digest"] == load_config(str(configs["small"])).digest
    assert (result["seed"], result["epochs"], result["tested_epoch"]) == (0, 2, 2)
    assert (result["params"], result["trainable_params"], result["macs"]) == (7850, 7850, 7840)
    # What was measured after the last epoch is what the history says of it.
    assert result["validation_loss"] == pytest.approx(float(history[-1]["val_loss"]), rel=1e-6)
    assert result["validation_accuracy"] == float(history[-1]["val_accuracy"])
    best = max(history, key=lambda row: float(row["val_accuracy"]))
    assert result["best_epoch"] == int(best["epoch"])
    total = sum(float(row["seconds"]) for row in history)
    assert result["seconds_per_epoch"] == pytest.approx(total / 2)
    assert result["images_per_second"] == pytest.approx(160 / total)
    assert result["seconds"] >= total
    assert result["peak_memory_bytes"] > 2**26


def test_predictions_npz_is_what_the_accuracy_is_computed_from(trained: Trained, data_dir: Path) -> None:
    predictions, result = trained.folder.predictions, trained.folder.json("result.json")
    labels = np.frombuffer((data_dir / "mnist/t10k-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
    assert set(predictions) == {"labels", "predicted", "probabilities"}
    np.testing.assert_array_equal(predictions["labels"], labels)
    assert np.mean(predictions["predicted"] == labels) == result["test_accuracy"]
    probabilities = predictions["probabilities"]
    assert (probabilities.shape, probabilities.dtype) == ((40, 10), np.float16)
    np.testing.assert_allclose(probabilities.astype(float).sum(axis=1), 1, atol=2e-3)
    loss = -np.log(probabilities.astype(float)[np.arange(40), labels]).mean()
    assert loss == pytest.approx(result["test_loss"], rel=2e-3)


def test_environment_json(trained: Trained, data_dir: Path) -> None:
    import keras
    import tensorflow as tf

    import cnnlab
    from cnnlab.datasets.content import digest

    environment = trained.folder.json("environment.json")
    assert environment["cnnlab"] == cnnlab.__version__
    assert environment["keras"] == keras.__version__
    assert environment["numpy"] == np.__version__
    assert (environment["backend"], environment["tensorflow"]) == ("tensorflow", tf.__version__)
    assert environment["precision"] == "float32"
    assert environment["device"] in ("cpu", "gpu")
    assert environment["cores"] == os.cpu_count()
    arrays = []
    for name in ("train", "t10k"):
        images = (data_dir / f"mnist/{name}-images-idx3-ubyte").read_bytes()[16:]
        labels = (data_dir / f"mnist/{name}-labels-idx1-ubyte").read_bytes()[8:]
        arrays += [np.frombuffer(images, np.uint8).reshape(-1, 28, 28, 1)]
        arrays += [np.frombuffer(labels, np.uint8).astype(np.int64)]
    assert environment["dataset"] == {
        "name": "mnist",
        "title": "MNIST",
        "origin": str(data_dir / "mnist"),
        "status": "different",
        "digest": digest(*arrays),
        "test_digest": digest(*arrays[2:]),
        "warning": trained.result.stderr.splitlines()[0],
    }


def test_layers_csv(trained: Trained, cnnlab, configs) -> None:
    with (trained.folder.path / "layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = cnnlab("summary", configs["small"], "--json").json
    assert [row["name"] for row in rows] == ["flatten_1", "dense_1"]
    assert list(rows[0]) == list(document["layers"][0])
    assert [int(row["params"]) for row in rows] == [layer["params"] for layer in document["layers"]]


def test_curves_png(trained: Trained) -> None:
    from PIL import Image

    with Image.open(trained.folder.path / "curves.png") as image:
        image.verify()
        assert image.format == "PNG"
        assert min(image.size) > 300


def test_config_yaml_is_the_same_run(trained: Trained, cnnlab, data_dir: Path) -> None:
    """Its digest is the same, so that training it finds the finished run."""
    config = trained.folder.path / "config.yaml"
    before = state_of(trained.out)
    again = cnnlab("train", config, "--data-dir", data_dir, "--out", trained.out, "--json")
    assert again.json["run"] == str(trained.folder.path)
    assert state_of(trained.out) == before


def test_a_finished_run_is_not_trained_again(trained: Trained, cnnlab, configs, data_dir: Path) -> None:
    before = state_of(trained.out)
    again = cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", trained.out)
    assert again.code == 0
    assert again.stdout == trained.result.stdout
    accuracy = trained.folder.json("result.json")["test_accuracy"]
    assert again.stderr.splitlines()[1:] == [
        f"small, seed 0: already finished, test accuracy {accuracy:.2%} ({trained.folder.path})",
        FEW,
    ]
    assert state_of(trained.out) == before


def test_a_comment_a_description_and_the_device_change_nothing(
    trained: Trained, cnnlab, configs, data_dir: Path
) -> None:
    before = state_of(trained.out)
    options = ["--set", "description=another", "--device", "cpu", "--data-dir", data_dir]
    assert cnnlab("train", configs["small"], *options, "--out", trained.out).code == 0
    assert state_of(trained.out) == before


def test_json_is_one_document(trained: Trained, cnnlab, configs, data_dir: Path) -> None:
    again = cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", trained.out, "--json")
    expected = trained.folder.json("result.json") | {"run": str(trained.folder.path)}
    assert again.json == expected
    assert list(again.json) == list(expected)


def test_seeds_are_ranges_and_lists(several: Trained) -> None:
    documents = several.result.json
    assert [document["seed"] for document in documents] == [0, 1, 3]
    for document in documents:
        run = Path(document.pop("run"))
        assert run.name == f"seed-{document['seed']}"
        assert document == json.loads((run / "result.json").read_text())
        assert f"seed: {document['seed']}\n" in (run / "config.yaml").read_text()
    assert len({document["test_loss"] for document in documents}) == 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--seeds", "0-4"), "--seeds"),
        (("--fresh",), "--fresh"),
        (("--seeds", "1", "--fresh"), "--seeds, --fresh"),
    ],
)
def test_check_refuses_what_it_does_not_look_at(cnnlab, configs, data_dir: Path, options, named) -> None:
    result = cnnlab("train", configs["small"], "--check", *options, "--data-dir", data_dir)
    assert (result.code, result.stdout) == (2, "")
    said = f"{named}: --check only runs a few steps of each experiment and keeps no result"
    assert said in " ".join(result.stderr.split())


def test_several_configs_give_a_list(trained: Trained, cnnlab, configs, data_dir: Path) -> None:
    options = ("--data-dir", data_dir, "--out", trained.out, "--json")
    result = cnnlab("train", configs["small"], trained.folder.path / "config.yaml", *options)
    assert [document["name"] for document in result.json] == ["small", "small"]


@pytest.fixture(scope="module")
def quiet(cnnlab, configs, data_dir: Path, folder_of, tmp_path_factory) -> Trained:
    """A run on the CPU, of whose folders only variables tell."""
    out = tmp_path_factory.mktemp("quiet") / "here"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNLAB_EXPERIMENTS", str(out))
        patch.setenv("CNNLAB_DATA_DIR", str(data_dir))
        options = ("--set", "training.epochs=1", "--device", "cpu", "--quiet")
        result = cnnlab("train", configs["small"], *options)
    assert result.code == 0
    return Trained(out, folder_of(out), result)


def test_quiet_is_silent_but_for_the_warning(quiet: Trained, data_dir: Path) -> None:
    assert quiet.result.stderr == (
        f"MNIST in {data_dir}/mnist is not the official content (100 training and 40 test images); "
        "accuracies will differ from published ones\n"
    )


def test_out_may_come_from_the_environment(quiet: Trained) -> None:
    assert quiet.folder.json("run.json")["state"] == "finished"


def test_device_cpu(quiet: Trained) -> None:
    assert quiet.folder.json("environment.json")["device"] == "cpu"
    assert "device: cpu" in (quiet.folder.path / "config.yaml").read_text()


def test_fresh_trains_again(trained: Trained, cnnlab, data_dir: Path, folder_of, tmp_path: Path) -> None:
    """From the config.yaml of a run, bit for bit the same."""
    shutil.copytree(trained.out, tmp_path, dirs_exist_ok=True)
    first = folder_of(tmp_path)
    written = (first.path / "result.json").stat().st_mtime_ns
    (first.path / "left-over").touch()
    options = ("--data-dir", data_dir, "--out", tmp_path, "--fresh")
    assert cnnlab("train", trained.folder.path / "config.yaml", *options).code == 0
    again = folder_of(tmp_path)
    again.assert_same_training(trained.folder)
    assert (again.path / "result.json").stat().st_mtime_ns != written
    assert {path.name for path in again.path.iterdir()} == FILES


def test_other_data_of_the_same_name_is_trained_on_and_the_earlier_run_is_kept(
    trained: Trained, cnnlab, configs, write_mnist, folder_of, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained.out, out)
    path = folder_of(out).path
    digests = [folder_of(out).json("environment.json")["dataset"]["digest"]]
    kept = [path.with_name("earlier-seed-0"), path.with_name("earlier-seed-0-2")]
    for seed, earlier in enumerate(kept, 1):
        files = {file.name: file.read_bytes() for file in path.iterdir()}
        data = write_mnist(tmp_path / f"{seed}", seed=seed)
        result = cnnlab("train", configs["small"], "--out", out, "--data-dir", data)
        assert result.code == 0
        assert (
            f"{path}: this run was trained on different data of the same name; it is kept as {earlier.name}, "
            "and training starts again; to use both, give the experiment another name"
        ) in result.stderr
        assert {file.name: file.read_bytes() for file in earlier.iterdir()} == files
        digests.append(json.loads((path / "environment.json").read_text("utf-8"))["dataset"]["digest"])
    assert len(set(digests)) == 3


def test_two_sets_of_one_name_are_not_trained_on_in_one_call(cnnlab, tmp_path: Path) -> None:
    """They would share one run's folder."""
    from PIL import Image

    for place, shade in (("one", 0), ("two", 100)):
        for number in range(10):
            folder = tmp_path / place / "images" / ("cat" if number % 2 else "dog")
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (shade + number, 7, 7)).save(folder / f"{number}.png")
        (tmp_path / place / "exp.yaml").write_text(
            "dataset: {name: folder, folder: images}\nmodel: {layers: [Flatten, {Dense: {units: 2}}]}\n"
        )
    configs = [tmp_path / place / "exp.yaml" for place in ("one", "two")]
    result = cnnlab("train", *configs, "--out", tmp_path / "out")
    assert result.code == 2
    assert (
        "exp: expected one dataset for each experiment, found two of the same name: "
        f"{tmp_path}/one/images and {tmp_path}/two/images\n   give one of the experiments another name"
    ) in result.stderr
    assert not (tmp_path / "out").exists()


def test_without_validation_its_columns_stay_empty(
    cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path
) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path, "--set", "dataset.validation_size=0")
    result = cnnlab("train", configs["small"], *options)
    run = folder_of(tmp_path)
    assert [(row["val_loss"], row["val_accuracy"]) for row in run.history] == [("", "")] * 2
    found = run.json("result.json")
    assert (found["validation_loss"], found["validation_accuracy"], found["best_epoch"]) == (None, None, None)
    assert found["tested_epoch"] == 2
    assert result.stdout.splitlines()[2].split()[4] == "–"
    assert "val_loss" not in result.stderr


def test_an_unwritable_folder(cnnlab, configs, data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    result = cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", out, "--quiet")
    assert result == (2, "", f"{out}: cannot be written: Not a directory\n")


def test_a_folder_without_permission(cnnlab, configs, data_dir: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may do everything
    out = tmp_path / "not" / "yet"
    result = cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", out, "--quiet")
    assert result == (2, "", f"{out}: cannot be written: Permission denied\n")


def test_device_gpu_without_one(cnnlab, configs, data_dir: Path, backend, tmp_path: Path) -> None:
    import tensorflow as tf

    if backend.device == "gpu":
        pytest.skip("this machine has a GPU")
    built = tf.sysconfig.get_build_info()
    cuda = f"for CUDA {built['cuda_version']}" if built.get("is_cuda_build") else "without CUDA"
    options = ("--data-dir", data_dir, "--out", tmp_path, "--quiet")
    result = cnnlab("train", configs["small"], *options, "--device", "gpu")
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1:] == [
        f"--device gpu: TensorFlow {tf.__version__}, built {cuda}, found no GPU",
        "   check the driver with nvidia-smi, install CUDA with pip install 'cnnlab[gpu]', or use --device "
        "cpu",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_backend_that_is_not_installed(cnnlab, configs, data_dir: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("torch is installed")
    options = ("--data-dir", data_dir, "--out", tmp_path, "--quiet")
    result = cnnlab("train", configs["small"], *options, "--backend", "torch")
    assert result.code == 2
    assert result.stderr.splitlines()[1] in (
        "backend torch is not installed; install it with pip install 'cnnlab[torch]', or use --backend "
        "tensorflow or jax",
        "this process already uses tensorflow, and a process can use only one backend; "
        "run experiments on torch in a separate process",
    )


def test_the_model_is_the_same_in_another_process(trained: Trained, data_dir: Path, tmp_path: Path) -> None:
    """With Keras alone, on pixels / 255: cnnlab is not needed to use what it trained."""
    code = """\
import sys

import keras
import numpy as np

model = keras.models.load_model(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    images = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28, 1)
np.save(sys.argv[3], model.predict(images / np.float32(255), verbose=0))
assert "cnnlab" not in sys.modules
"""
    images, answers = data_dir / "mnist/t10k-images-idx3-ubyte", tmp_path / "answers.npy"
    command = [sys.executable, "-c", code, trained.folder.path / "model.keras", images, answers]
    subprocess.run(command, check=True, capture_output=True)
    probabilities = trained.folder.predictions["probabilities"]
    np.testing.assert_allclose(np.load(answers), probabilities.astype(np.float32), atol=1e-3)


def test_mixed_precision(cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path, "--precision", "mixed_bfloat16")
    assert cnnlab("train", configs["stateful"], *options, "--set", "training.epochs=1").code == 0
    run = folder_of(tmp_path)
    assert run.json("environment.json")["precision"] == "mixed_bfloat16"
    np.testing.assert_allclose(run.predictions["probabilities"].astype(float).sum(axis=1), 1, atol=3e-3)


def test_jax(process, configs, data_dir: Path, folder_of, tmp_path: Path) -> None:
    """The same data in the same order: on another backend only the initial weights differ."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    options = ("--data-dir", data_dir, "--out", tmp_path, "--backend", "jax", "--device", "cpu", "--json")
    result = process("train", configs["stateful"], *options)
    assert result.code == 0, result.stderr
    run = folder_of(tmp_path)
    assert run.json("environment.json")["backend"] == "jax"
    losses = [float(row["loss"]) for row in run.history]
    assert losses[-1] < losses[0]
    predictions = run.predictions
    assert np.mean(predictions["predicted"] == predictions["labels"]) == result.json["test_accuracy"]


def test_the_real_thing(cnnlab, folder_of, tmp_path: Path) -> None:
    """One epoch of the lecture's CNN on the first 10,000 real digits."""
    folder = Path(GIVEN) if GIVEN else Path(__file__).parents[3] / "shared" / "datasets"
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no real data: no folder mnist in {folder} (CNNLAB_DATA_DIR)")
    options = ("--data-dir", folder, "--out", tmp_path, "--set", "training.epochs=1", "--json")
    result = cnnlab("train", "cnn", *options)
    assert result.code == 0, result.stderr
    assert result.json["test_accuracy"] > 0.9
    assert result.json["params"] == 137_660
    assert folder_of(tmp_path).json("environment.json")["dataset"]["status"] == "official"
