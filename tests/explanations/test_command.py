"""The commands, from outside: a small run is trained once, everything is explained once."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.datasets.sources.colors import Colors
from cnnlab.explanations import TECHNIQUES
from cnnlab.pictures.kit.formats import short

COLORS = Colors().class_names
LOOK_INTO_NETWORKS = [name for name, each in TECHNIQUES.items() if each.takes_network != "never"]
SMALL = [
    "--set=dataset.train_size=200",
    "--set=dataset.validation_size=50",
    "--set=training.epochs=2",
    "--quiet",
]


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """Two seeds of a small CNN, and a channels-first one in mixed precision with a branch."""
    folder = tmp_path_factory.mktemp("runs")
    branch = folder / "branch.yaml"
    branch.write_text(
        """
dataset: {name: colors, data_format: channels_first}
model:
  layers:
    - Conv2D: {filters: 6, kernel_size: 3, activation: relu, data_format: channels_first}
    - MaxPooling2D: {data_format: channels_first}
    - Residual:
        layers:
          - Conv2D: {filters: 6, kernel_size: 3, padding: same, data_format: channels_first}
    - Flatten: {data_format: channels_first}
    - Dense: {units: 6}
runtime: {precision: mixed_bfloat16}
"""
    )
    assert run(["train", "colors_cnn", "--seeds", "0-1", "--out", str(folder), *SMALL]) == 0
    assert run(["train", str(branch), "--out", str(folder), *SMALL]) == 0
    return folder


@pytest.fixture
def explain(out, capsys):
    """Run `cnnlab explain`; returns what it prints as JSON."""

    def call(*arguments):
        capsys.readouterr()
        code = run(["explain", *map(str, arguments), "--out", str(out), "--quiet", "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    return call


@pytest.fixture(scope="module")
def everything(out):
    """The folder of `explain all`."""
    assert run(["explain", "all", "branch", "--out", str(out), "--quiet"]) == 0
    (index,) = out.glob("branch-*/seed-0/explain/index.html")
    return index.parent


@pytest.mark.device
@pytest.mark.parametrize("name", LOOK_INTO_NETWORKS)
def test_every_technique_leaves_pictures_arrays_and_numbers(everything, name):
    document = json.loads((everything / f"{name}.json").read_text(encoding="utf-8"))
    assert document["technique"] == name
    assert document["sentence"]
    assert document["pictures"]
    for picture in document["pictures"]:
        with Image.open(everything / picture) as image:
            width, height = image.size
            assert min(width, height) > 300
            assert len(np.unique(np.asarray(image.convert("L")))) > 10  # not blank
    with np.load(everything / document["arrays"]["file"], allow_pickle=False) as arrays:
        assert {key: list(array.shape) for key, array in arrays.items()} == document["arrays"]["shapes"]
        for array in arrays.values():
            assert np.isfinite(array).all()


def test_the_page_needs_no_other_file(everything):
    html = (everything / "index.html").read_text(encoding="utf-8")
    for name in LOOK_INTO_NETWORKS:
        assert f'id="{name}"' in html
    assert html.count("data:image/png;base64,") >= len(LOOK_INTO_NETWORKS)
    outside = re.sub(r"base64,[^\"]*", "", html)
    assert not re.search(r"https?:|(src|href)=\"(?!#|data:)", outside)  # neither links nor scripts


def test_every_technique_says_how_it_is_called(capsys):
    for name in (*TECHNIQUES, "all"):
        assert run(["explain", name, "--help"]) == 0
        assert f"cnnlab explain {name}" in capsys.readouterr().out


def test_one_image_one_method_one_class(explain, out):
    document = explain("saliency", "colors_cnn", "--image", 3, "--method", "gradient", "--class", "blue")
    assert document["images"] == ["test image 3"]
    assert document["classes"] == ["blue"]
    assert document["arrays"]["shapes"] == {"gradient": [1, 28, 28], "classes": [1], "images": [1, 28, 28, 3]}
    assert "seed 1" in document["subject"]  # the run that finished last


def test_a_picture_file(explain, tmp_path):
    """Any size and mode; a green square is cut to the network's 28×28."""
    path = tmp_path / "green.png"
    Image.new("RGBA", (90, 60), (0, 255, 0, 255)).save(path)
    document = explain("features", "colors_cnn", "--picture", path)
    assert document["images"] == ["green.png"]
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        assert arrays["00_conv2d_1_Conv2D"].shape == (1, 28, 28, 8)
        assert np.ptp(arrays["00_conv2d_1_Conv2D"], axis=(1, 2)).max() < 1e-6


@pytest.mark.usefixtures("unrendered")
def test_what_is_explained_is_what_was_trained(explain, out):
    """The matrix of confusions adds up to the accuracy that the run recorded."""
    document = explain("confusion", "colors_cnn")
    result = json.loads((Path(document["run"]) / "result.json").read_text(encoding="utf-8"))
    assert_allclose(document["accuracy"], result["test_accuracy"])
    assert np.sum(document["counts"]) == 1000


@pytest.mark.usefixtures("unrendered")
def test_equivalence_is_proved_on_the_run_s_data(explain):
    document = explain("equivalence", "colors_cnn", "--layer", "conv2d_2")
    assert document["inputs"] == 14 * 14 * 8
    assert document["outputs"] == 12 * 12 * 16
    assert document["weights_not_zero"] == 12 * 12 * 16 * 9 * 8
    assert document["largest_difference"] < 1e-5 * document["largest_output"]


@pytest.mark.device
@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("name", ["colors_cnn", "branch"])
def test_the_output_that_is_worked_out_is_the_one_that_keras_computes(explain, name):
    """Also behind channels first."""
    document = explain("convolution", name, "--filter", 2, "--image", 5)
    model = keras.models.load_model(Path(document["run"]) / "model.keras")
    layer = model.get_layer("conv2d_1")
    layer.activation = keras.activations.linear
    data = load_dataset(
        load_config(str(Path(document["run"]) / "config.yaml")).dataset, DataPaths.from_environment(None)
    )
    output = np.array(layer(data.pixels.apply(data.test.images[5:6])))[0]
    output = (output.transpose(1, 2, 0) if name == "branch" else output)[..., 2].astype(np.float32)
    examples = document["examples"]
    one, work = examples["one-output"], examples["multiplications"]
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if name == "colors_cnn" else {"rtol": 0.02, "atol": 0.01}
    assert_allclose(one["output"], output[one["row"], one["column"]], **tolerance)
    assert_allclose(one["output"], np.sum(one["products"]) + one["bias"], rtol=1e-6)
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        assert_allclose(arrays["one_output_map"], output, **tolerance)
    assert ("flipped-kernel" in examples) is (name == "branch")  # the other kernel is 1×1
    if name == "branch":
        assert_allclose(examples["flipped-kernel"]["correlation"], one["output"], rtol=1e-12)
    assert work["weights"] == np.size(layer.kernel)
    assert document["image"] == "test image 5"


@pytest.mark.usefixtures("unrendered")
def test_a_yaml_file_means_the_run_that_was_trained_with_it(explain, out, tmp_path):
    (folder,) = out.glob("branch-*/seed-0")
    own = folder / "config.yaml"
    assert explain("convolution", own)["run"] == str(folder)
    copy = tmp_path / "branch.yaml"
    copy.write_text(own.read_text(encoding="utf-8"), encoding="utf-8")
    assert explain("convolution", copy, "--filter", 3)["filter"] == 3
    document = explain("convolution", out / "branch.yaml")  # trained with other settings
    assert (document["run"], document["folder"]) == (None, str(out / "explain" / "branch"))


@pytest.mark.usefixtures("unrendered")
def test_maximize_takes_units_and_penalties(explain):
    document = explain(
        "maximize", "colors_cnn", "--layer", "dense_1", "--unit", 4, "--unit", 0, "--steps", 5, "--jitter", 1,
        "--starts", 2, "--total-variation", 0.01, "--no-classes",
    )  # fmt: skip
    assert document["units"] == [4, 0]
    assert document["arrays"]["shapes"]["images"] == [2, 28, 28, 3]


def test_own_kernels(explain, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("corner: [[1, 1], [1, -3]]\nwide: [[1, 0, -1]]\n")
    document = explain("kernels", "colors_cnn", "--kernels", path, "--pipeline", "wide")
    assert document["kernels"] == {"corner": [[1, 1], [1, -3]], "wide": [[1, 0, -1]]}
    assert document["arrays"]["shapes"]["corner"] == [27, 27]
    assert document["arrays"]["shapes"]["pipeline_convolution"] == [28, 26]
    assert document["pictures"] == ["kernels.png", "kernels-pipeline.png"]  # no curve: it was not asked for


def test_the_curve_detector_says_its_numbers(explain, monkeypatch):
    drawn = drawings(monkeypatch, "units.curve_detector")
    responses = drawings(monkeypatch, "units.curve_response")
    document = explain("kernels", "colors_cnn")
    curve, (arguments, said) = document["curve"], drawn[0]
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        answers = arrays["curve_detector"]
    assert curve["own"] == 6
    for which in ("strongest", "weakest"):
        assert_allclose(curve[which]["answer"], answers[tuple(curve[which]["place"])])
    assert curve["strongest"]["answer"] == answers.max()
    patches = arguments[1]
    assert patches[0][2] == "6.00 on the curve − 0.15 × 0.00 beside it = 6.00"
    assert patches[1][2].endswith(f"= {answers.max():.2f}")
    assert "6 on its own curve" in said["subtitle"]
    assert short(float(answers.max())) in responses[0][1]["subtitle"]


def drawings(monkeypatch, name):
    """What a drawing is called with: a list of positional and named arguments."""
    module, _, function = f"cnnlab.pictures.drawings.{name}".rpartition(".")
    draw, called = getattr(importlib.import_module(module), function), []

    def noted(*arguments, **named):
        called.append((arguments, named))
        return draw(*arguments, **named)

    monkeypatch.setattr(f"{module}.{function}", noted)
    return called


def test_a_row_s_penalty_is_its_own(explain, monkeypatch):
    drawn = drawings(monkeypatch, "units.best_images")
    explain("maximize", "colors_cnn", "--steps", 2, "--l1", 0.3, "--l2", 0.1)
    (_, units), ((groups,), classes) = drawn
    assert "penalties L1 0.3, L2 0.1" in units["subtitle"]
    assert [heading for heading, _, _ in groups] == ["plain", "with L1,\nλ = 0.3"]
    assert classes["subtitle"].endswith("Both: 2 steps of gradient ascent, penalties L2 0.1.")
    assert "the score before the softmax of each class" in classes["subtitle"]


def test_projections_have_signs_and_scales(explain, monkeypatch):
    drawn = drawings(monkeypatch, "units.strongest_examples")
    document = explain("deconvnet", "colors_cnn", "--unit", 2, "--unit", 2, "--unit", 0)
    assert document["units"] == [2, 0]
    ((_, said),) = drawn
    assert "In each color bright: positive, dark: negative projection" in said["subtitle"]
    assert "larger" not in said["subtitle"]


def rows_of(drawn):
    """Captions and names of a drawing of examples."""
    (((_, _, captions, names), said),) = drawn
    return captions, names, said["subtitle"]


@pytest.mark.parametrize("technique", ["examples", "deconvnet"])
def test_silent_units_have_no_examples(explain, out, monkeypatch, technique):
    """One filter is silent, one answers to a single image."""
    (*_, file) = sorted(out.glob("colors_cnn-*/seed-*/model.keras"))
    model = keras.models.load_model(file)
    layer = model.get_layer("conv2d_2")
    kernel, bias = (np.array(each) for each in layer.get_weights())
    layer.set_weights([kernel, bias + 100])  # no ReLU is silent
    data = load_dataset(
        load_config(str(file.parent / "config.yaml")).dataset, DataPaths.from_environment(None)
    )
    images = data.pixels.apply(data.test.images)
    peaks = keras.Model(model.inputs, layer.output).predict(images, verbose=0).max(axis=(1, 2))[:, 1] - 100
    layer.set_weights([kernel, bias + np.eye(16)[0] * -1e6 - np.eye(16)[1] * np.sort(peaks)[-2:].mean()])
    monkeypatch.setattr("cnnlab.analyses.network.load_model", lambda _: model)
    drawn = drawings(monkeypatch, "units.strongest_examples")
    units = [each for unit in (0, 1, 2) for each in ("--unit", unit)]
    document = explain(technique, "colors_cnn", "--layer", "conv2d_2", *units)
    assert document["indices"][:2] == [[], [int(peaks.argmax())]]
    captions, names, subtitle = rows_of(drawn)
    assert captions[0] == [None] * len(captions[0])
    assert [each is None for each in captions[1]] == [False] + [True] * (len(captions[1]) - 1)
    assert names[:2] == ["conv2d_2\nunit 0\nsilent", "conv2d_2\nunit 1"]
    assert "3 units (1 silent on all images) of conv2d_2" in document["sentence"]
    assert subtitle.endswith("Where there is no image, none activates the unit.")


@pytest.mark.parametrize("technique", ["examples", "deconvnet", "maximize"])
def test_units_of_the_last_layer_are_classes(explain, monkeypatch, technique):
    drawing = "best_images" if technique == "maximize" else "strongest_examples"
    drawn = drawings(monkeypatch, f"units.{drawing}")
    more = ["--no-classes", "--steps", 2] if technique == "maximize" else []
    document = explain(technique, "colors_cnn", "--layer", "dense_2", "--unit", 5, "--unit", 0, *more)
    names = [COLORS[unit] for unit in document["units"]]
    if technique == "maximize":
        ((((_, _, captions),),), _) = drawn[0]
        assert [each.split(":")[0] for each in captions] == names
    else:
        assert rows_of(drawn)[1] == [f"dense_2\nclass {name}" for name in names]


def test_of_many_units_the_first_are_maximized(explain, monkeypatch):
    drawn = drawings(monkeypatch, "units.best_images")
    document = explain("maximize", "colors_cnn", "--layer", "flatten_1", "--steps", 1, "--no-classes")
    assert document["units"] == list(range(64))
    assert "Images that maximize 64 of the 576 units of flatten_1" in drawn[0][1]["title"]
    assert document["sentence"].startswith("64 of 576 units of flatten_1")


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("technique", ["maximize", "examples"])
def test_a_unit_asked_for_twice_is_looked_at_once(explain, technique):
    more = ["--steps", 2, "--no-classes"] if technique == "maximize" else []
    document = explain(technique, "colors_cnn", "--unit", 3, "--unit", 1, "--unit", 3, *more)
    assert document["units"] == document["options"]["unit"] == [3, 1]


def test_colours_of_filters_say_their_range(explain, monkeypatch):
    drawn = drawings(monkeypatch, "units.filter_weights")
    document = explain("filters", "colors_cnn")
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        largest = np.abs(arrays["kernels"]).max()
    assert f"gray is 0, ±{short(float(largest))} from black to white." in drawn[0][1]["subtitle"]


def test_invariance_of_several_experiments_is_a_comparison(explain, out, monkeypatch):
    """It names its seeds and images."""
    drawn = drawings(monkeypatch, "sets.invariance_curves")
    document = explain("invariance", "colors_cnn", "branch", "--images", 60)
    assert Path(document["folder"]) == out / "comparisons" / "colors_cnn-vs-branch"
    assert np.shape(document["accuracies"]["scale"]["colors_cnn"]) == (2, 14)  # two seeds
    assert np.shape(document["accuracies"]["shift"]["branch"]) == (1, 17)
    (((panel, *_),), said) = drawn[0]
    assert list(panel.curves) == ["colors_cnn, seeds 0-1 (mean and range)", "branch, seed 0"]
    assert said["accuracy_of"] == "60 test images"


def test_a_sheet_stands_beside_the_surest_mistakes(explain, monkeypatch):
    drawn = drawings(monkeypatch, "sets.mistakes")
    surest = explain("mistakes", "branch")
    sheet = explain("mistakes", "branch", "--sheet", "--count", 20)
    folder = Path(sheet["folder"])
    assert (surest["pictures"], sheet["pictures"]) == (["mistakes.png"], ["mistakes-sheet.png"])
    assert {"mistakes.png", "mistakes.json", "mistakes-sheet.png", "mistakes-sheet.json"} <= {
        each.name for each in folder.iterdir()
    }
    assert "the most confident" not in sheet["sentence"]
    assert sheet["sentence"].endswith(f"; {sheet['wrong_shown']} among the first 20, which the sheet shows")
    for (_, captions), _ in drawn:
        assert all(re.match(r"\w+, ([<>] )?\d", each) for each in captions)


def test_a_dense_network_has_no_kernels_to_speak_of(explain, out, monkeypatch):
    assert run(["train", "colors_dnn", "--out", str(out), *SMALL]) == 0
    drawn = drawings(monkeypatch, "stages.stages")
    for name in ("colors_dnn", "colors_cnn"):
        explain("features", name)
    assert ["kernels" in said["subtitle"] for _, said in drawn] == [False, True]


def test_a_keras_file_without_a_run(explain, out, tmp_path):
    """It has no dataset: pictures come from files, classes are numbers."""
    (model, *_) = out.glob("colors_cnn-*/seed-0/model.keras")
    alone = tmp_path / "alone.keras"
    alone.write_bytes(model.read_bytes())
    picture = tmp_path / "red.png"
    Image.new("RGB", (28, 28), "red").save(picture)
    document = explain("saliency", alone, "--picture", picture)
    assert Path(document["folder"]) == tmp_path / "alone-explain"
    assert document["classes"][0] in "012345"


NEED_A_RUN = ("examples", "deconvnet", "invariance", "mistakes", "confusion", "embedding", "equivalence")
TAKE_PICTURES = {
    "convolution": "--picture", "kernels": "--picture", "features": "--picture", "saliency": "--picture",
    "occlusion": "--picture", "dream": "--picture", "style": "--content and --style",
}  # fmt: skip


@pytest.mark.parametrize("technique", [*NEED_A_RUN, *TAKE_PICTURES])
def test_what_a_keras_file_lacks_and_the_way_out(rescaling_files, capsys, technique):
    """Options that are advised exist."""
    file = rescaling_files["unit"]
    assert run(["explain", technique, str(file), "--quiet"]) == 2
    if technique in NEED_A_RUN:
        said = (
            "this needs test images, and a .keras file has none; name an experiment with the same images by "
            "--dataset-of, such as cnn, or give its run's folder"
        )
    else:
        way = TAKE_PICTURES[technique]
        said = (
            f"a .keras file has no test images; give pictures with {way}, name an experiment with the same "
            "images by --dataset-of, such as cnn, or give its run's folder"
        )
    assert capsys.readouterr().err == f"{file}: {said}\n"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_everything_that_pictures_show_of_a_keras_file(
    explain, rescaling_files, capsys, tmp_path, monkeypatch, count
):
    drawn = drawings(monkeypatch, "maps.pixel_maps")
    pictures = [tmp_path / "red.png", tmp_path / "blue.png"][:count]
    for path in pictures:
        Image.new("RGB", (40, 30), path.stem).save(path)
    given = [each for path in pictures for each in ("--picture", path)]
    found = explain("all", rescaling_files["raw"], *given, "--pixels", -1, 1)
    shown = {each["technique"]: each for each in found["techniques"]}
    wanted = {"filters", "maximize"}
    if count:
        wanted |= {"convolution", "kernels", "features", "saliency", "occlusion", "dream"}
    if count > 1:
        wanted.add("style")
    else:
        assert found["left_out"]["style"].endswith("style takes two pictures; name both with --picture")
    assert set(shown) == wanted
    assert set(found["left_out"]) == set(LOOK_INTO_NETWORKS) - wanted
    with np.load(Path(found["folder"]) / shown["maximize"]["arrays"]["file"]) as arrays:
        assert -1 <= arrays["images"].min() < -0.1  # black is −1, as --pixels says
    if count > 1:
        names = [path.name for path in pictures]
        assert shown["features"]["images"] == shown["occlusion"]["images"] == names
        assert shown["features"]["notes"] == [["cropped and resized from 40×30 to 8×8 (width × height)"]] * 2
        assert (shown["style"]["content"], shown["style"]["style"]) == tuple(names)
        assert {shown[each]["image"] for each in ("convolution", "kernels", "dream")} == {names[0]}
        for (_, labels, *_), _ in drawn:
            assert all(
                label.endswith("cropped and resized from 40×30 to 8×8 (width × height)") for label in labels
            )


def test_all_of_a_run_on_a_picture(explain, tmp_path, monkeypatch):
    """Of techniques that look at no pictures one stands for all: they show what they show without any."""
    places = {name: TECHNIQUES._places[name] for name in ("filters", *TAKE_PICTURES)}
    monkeypatch.setattr(TECHNIQUES, "_places", places)
    path = tmp_path / "red.png"
    Image.new("RGB", (28, 28), "red").save(path)
    found = explain("all", "colors_cnn", "--picture", path)
    shown = {each["technique"]: each for each in found["techniques"]}
    assert set(shown) == set(places)
    assert found["left_out"] == {}
    assert shown["saliency"]["images"] == ["red.png"]
    assert shown["saliency"]["notes"] == [[]]
    assert (shown["style"]["content"], shown["style"]["style"]) == ("red.png", "test image 1")


def test_all_for_slides(explain, monkeypatch):
    """The page has the pictures as PNG, whatever formats are asked for besides."""
    monkeypatch.setattr(TECHNIQUES, "_places", {"filters": TECHNIQUES._places["filters"]})
    found = explain("all", "colors_cnn", "--aspect", "16:9", "--format", "svg", "--font-scale", 1.2)
    folder = Path(found["folder"])
    files = found["techniques"][0]["pictures"]
    assert {Path(each).suffix for each in files} == {".png", ".svg"}
    for each in files:
        if each.endswith(".png"):
            with Image.open(folder / each) as picture:
                width, height = picture.size
            assert width / height == pytest.approx(16 / 9, abs=0.01)
    assert "data:image/png;base64," in (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rescaling_files(tmp_path_factory, backend):
    """One network that wants [0, 1], as it is, behind Rescaling from [0, 255], and for [-1, 1]."""
    folder = tmp_path_factory.mktemp("rescaling")
    layers = [keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(4)]
    files = {}
    raw, signed = keras.layers.Rescaling(1 / 255), keras.layers.Rescaling(0.5, offset=0.5)
    for name, before in {"unit": [], "raw": [raw], "signed": [signed]}.items():
        files[name] = folder / f"{name}.keras"
        keras.Sequential([keras.Input((8, 8, 3)), *before, *layers]).save(files[name])
    return files


@pytest.mark.usefixtures("unrendered")
def test_a_keras_file_gets_the_pixels_that_it_wants(explain, rescaling_files, tmp_path):
    """Scores are the same as those of [0, 1], and their slope for the same step of brightness."""
    picture = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(picture)

    def maps_of(name, *options):
        document = explain("saliency", rescaling_files[name], "--picture", picture, "--samples", 3, *options)
        with np.load(Path(document["folder"]) / document["arrays"]["file"]) as found:
            return dict(found)

    unit = maps_of("unit")
    for name, options, factor in (
        ("raw", [], 255),
        ("raw", ["--pixels", 0, 255], 255),
        ("signed", ["--pixels", -1, 1], 2),
    ):
        other = maps_of(name, *options)
        assert_allclose(other["gradient"] * factor, unit["gradient"], rtol=1e-4, atol=1e-6)
        assert_allclose(other["smoothgrad"] * factor, unit["smoothgrad"], rtol=1e-3, atol=1e-4)
        assert_allclose(other["integrated_gradients"], unit["integrated_gradients"], rtol=1e-3, atol=1e-5)
        assert_allclose(other["grad_cam"], unit["grad_cam"], rtol=1e-3, atol=1e-5)


def test_neighbours_in_the_plane_of_t_sne_are_neighbours_in_the_network(explain):
    document = explain("embedding", "colors_cnn", "--method", "tsne", "--images", 200, "--seed", 3)
    assert document["trustworthiness"] > 0.9
    assert document["arrays"]["shapes"] == {"coordinates": [200, 2], "labels": [200]}
    assert document["pictures"] == ["embedding-tsne.png"]  # beside embedding.png


def test_people_get_a_sentence(out, capsys):
    assert run(["explain", "filters", "colors_cnn", "--out", str(out), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("8 kernels of 1×1×3 in conv2d_1 of colors_cnn, seed 1\n\n")
    assert printed.endswith("explain: filters.png, filters.npz, filters.json\n")


WRONG = {
    "technique": ("salience colors_cnn", "unknown technique 'salience'; did you mean saliency?"),
    "run": ("saliency color_cnn", "unknown run in {out}: 'color_cnn'; did you mean colors_cnn?"),
    "pixels": (
        "saliency colors_cnn --pixels 0 255",
        "--pixels: only for .keras files; a run's config says what its network takes",
    ),
    "same pixels": (
        "saliency {keras} --pixels 1 1",
        "--pixels: expected two different numbers, found 1 twice",
    ),
    "untrained": ("saliency dnn", "dnn: no finished run in {out}; train it first: cnnlab train dnn"),
    "only summarized": (
        "saliency vgg16",
        "vgg16: no finished run in {out}; this config has no dataset and can only be summarized",
    ),
    "file": ("saliency nowhere.keras", "nowhere.keras: no such file"),
    "image": (
        "saliency colors_cnn --image 1000",
        "--image 1000: expected 0 to 999, the test images of colors_cnn, seed 1",
    ),
    "class": ("saliency colors_cnn --class gren", "--class: unknown class 'gren'; did you mean green?"),
    "picture": (
        "saliency colors_cnn --picture {readme}",
        "{readme}: expected an image, found no PNG, JPEG, BMP, GIF, WebP, TIFF or PPM image",
    ),
    "layer": ("filters colors_cnn --layer dense_1", "dense_1 is a Dense; choose a convolution"),
    "unit": ("maximize colors_cnn --unit 16", "--unit 16: conv2d_2 has 16 units, 0 to 15"),
    "patch": (
        "occlusion colors_cnn --patch 29",
        "a 29×29 patch does not fit the 28×28 image; choose a smaller patch",
    ),
    "method": ("embedding colors_cnn --seed 1", "--seed: has no effect with method pca; leave it out"),
    "perplexity": (
        "embedding colors_cnn --method tsne --images 10 --perplexity 4",
        "--perplexity: expected 3 or less for 10 images, found 4",
    ),
    "weights": ("dream colors_cnn --network vgg16 --weights none.h5", "--weights none.h5: no such file"),
    "target": (
        "maximize colors_cnn --no-classes --target probability",
        "--target: has no effect without the classes; leave it out",
    ),
    "stride": (
        "occlusion colors_cnn --stride 29",
        "a stride of 29 pixels leaves the 28×28 image; choose a smaller stride",
    ),
    "jitter": (
        "maximize colors_cnn --jitter 28",
        "a jitter of 28 pixels is all of the 28×28 image; choose a smaller jitter",
    ),
    "maps": (
        "saliency colors_cnn --method grad_cam --layer dense_1",
        "dense_1 has no maps; choose a convolution, an activation or a pooling before it",
    ),
    "filter": ("convolution colors_cnn --filter 8", "--filter 8: conv2d_1 has 8 filters, 0 to 7"),
    "kernel": ("kernels colors_cnn --pipeline sobel", "unknown kernel 'sobel'; did you mean Sobel y?"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_mistakes_of_the_user(out, capsys, tmp_path, arguments, message):
    readme = tmp_path / "readme.png"
    readme.write_text("no picture")
    (tmp_path / "any.keras").touch()
    arguments = [each.format(readme=readme, keras=tmp_path / "any.keras") for each in arguments.split()]
    assert run(["explain", *arguments, "--out", str(out), "--quiet"]) == 2
    assert message.format(out=out, readme=readme) in capsys.readouterr().err


def test_kernels_in_yaml_point_at_the_line(out, capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("good: [[1, 0], [0, 1]]\nbad: [[1, 2], [3]]\n")
    assert (
        run(["explain", "kernels", "colors_cnn", "--kernels", str(path), "--out", str(out), "--quiet"]) == 2
    )
    wanted = (
        f"{path}:2:15: bad: expected rows of numbers, all of the same length; found 1 number in a row after 2"
    )
    assert capsys.readouterr().err.strip() == wanted


def test_weights_that_cannot_be_downloaded(out, capsys, monkeypatch, tmp_path):
    """Offline: what was looked for and where, and the ways out."""
    from cnnlab.analyses import imagenet
    from cnnlab.datasets.reading.download import DownloadError

    def offline(remote, folder, *, progress=None):
        raise DownloadError("storage.googleapis.com: no answer")

    monkeypatch.setattr(imagenet, "download", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert run(["explain", "dream", "colors_cnn", "--network", "vgg19", "--out", str(out), "--quiet"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("vgg19: its weights are not on this machine, and their download failed: storage")
    assert "give the file with --weights FILE" in error


def test_a_dense_network_has_no_filters(out, capsys):
    assert run(["train", "colors_dnn", "--out", str(out), *SMALL]) == 0
    capsys.readouterr()
    assert run(["explain", "filters", "colors_dnn", "--out", str(out), "--quiet"]) == 2
    assert capsys.readouterr().err.startswith(
        "colors_dnn: this network has no convolution; choose one that has"
    )
    assert run(["explain", "saliency", "colors_dnn", "--out", str(out), "--quiet"]) == 0


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("technique", ["maximize", "examples", "deconvnet"])
def test_without_convolutions_it_is_the_last_hidden_layer_s_turn(explain, out, technique):
    assert run(["train", "colors_dnn", "--out", str(out), *SMALL]) == 0
    document = explain(technique, "colors_dnn")
    assert document["layer"] == document["options"]["layer"] == "dense_2"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from cnnlab.cli import run; run(['explain', '--help']); run(['explain', "
        "'saliency', '--help']);"
        "run(['explain', 'saliency', 'nonsense']);"
        "print([each for each in ('keras', 'tensorflow', 'matplotlib', 'pandas', 'jax', 'numpy') if each in "
        "sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
