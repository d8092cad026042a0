"""`cnnlab verify gradients`: errors that are planted into the engine are found, each in its layers."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.config.experiment import shipped_configs
from cnnlab.layers import Activation, BatchNormalization, Conv2D, Dense
from cnnlab.reporting import SILENT
from cnnlab.scratch import activations, convolution, im2col, pooling
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer
from cnnlab.scratch.layers import convolutions, core, merging, normalization, regularization
from cnnlab.scratch.network import Network
from cnnlab.verification.gradients import loop_time, verifying
from cnnlab.verification.gradients.finite_differences import Slopes, finite_differences
from cnnlab.verification.gradients.one_layer import Trial
from cnnlab.verification.gradients.results import GradientVerification, LayerCheck
from cnnlab.verification.gradients.small_layers import small_shapes, work_of

Plant = Callable[[pytest.MonkeyPatch], None]

CONFIG: dict[str, Any] = {
    "name": "engines",
    "dataset": {"name": "xo", "train_count": 60, "test_count": 20},
    "model": {
        "layers": [
            {
                "Conv2D": {
                    "filters": 4,
                    "kernel_size": 3,
                    "strides": 2,
                    "padding": "same",
                    "activation": "relu",
                }
            },
            {"MaxPooling2D": {"pool_size": 2}},
            {"Conv2D": {"filters": 4, "kernel_size": [2, 3], "activation": "tanh", "use_bias": False}},
            {"BatchNormalization": {"momentum": 0.7}},
            {"AveragePooling2D": {"pool_size": 2, "strides": 1, "padding": "same"}},
            {"Residual": {"layers": [{"DepthwiseConv2D": {"kernel_size": 1}}]}},
            "Flatten",
            {"Dropout": {"rate": 0.3}},
            {"Dense": {"units": 6, "activation": "relu"}},
            {"Dense": {"units": 2, "activation": "softmax"}},
        ]
    },
    "seed": 3,
}
NAMES = (
    "conv2d_1", "max_pooling2d_1", "conv2d_2", "batch_normalization_1", "average_pooling2d_1",
    "residual_1/depthwise_conv2d_1", "residual_1/add", "flatten_1", "dropout_1", "dense_1", "dense_2",
)  # fmt: skip


def changed(function: Callable[..., Any], **changes: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function some of whose arguments are changed on the way in, and "output" on the way out."""
    signature = inspect.signature(function)

    def wrong(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        for name, change in changes.items():
            if name != "output":
                arguments[name] = change(arguments[name])
        found = function(**arguments)
        return changes["output"](found) if "output" in changes else found

    return wrong


def plant(place: Any, name: str, **changes: Callable[[Any], Any]) -> Plant:
    """Changes a function of the engine where it stands."""
    return lambda patch: patch.setattr(place, name, changed(getattr(place, name), **changes))


def wrong_gradients(change: Callable[[Gradients], Gradients]) -> Callable[[Pass], Pass]:
    """A pass whose way back is changed."""

    def wrong(passed: Pass) -> Pass:
        return replace(passed, backward=lambda *arguments: change(passed.backward(*arguments)))

    return wrong


def on_the_wrong_side(patch: pytest.MonkeyPatch) -> None:
    padding = changed(convolution.padding, output=lambda pads: tuple(each[::-1] for each in pads))
    patch.setattr(convolution, "padding", padding)
    patch.setattr(pooling, "padding", padding)


def to_every_tie(patch: pytest.MonkeyPatch) -> None:
    right = pooling.max_pool

    def max_pool(images: np.ndarray, window: Any) -> Any:
        output, _ = right(images, window)
        places = list(pooling._places(images, window))

        def backward(gradient: np.ndarray) -> np.ndarray:
            to_images = np.zeros(images.shape, gradient.dtype)
            for place in places:
                to_images[place] += gradient * (images[place] == output)
            return to_images

        return output, backward

    patch.setattr(pooling, "max_pool", max_pool)


def padding_counts(patch: pytest.MonkeyPatch) -> None:
    right = pooling.average_pool

    def average_pool(images: np.ndarray, window: Any) -> Any:
        output, backward = right(convolution.pad(images, window), window._replace(padding="valid"))
        (top, _), (left, _) = convolution.padding(images.shape[1:3], window)
        height, width = images.shape[1:3]
        return output, lambda gradient: backward(gradient)[:, top : top + height, left : left + width]

    patch.setattr(pooling, "average_pool", average_pool)


def activation(name: str, wrong: Callable[[np.ndarray], Any]) -> Plant:
    return lambda patch: patch.setitem(activations.ACTIVATIONS, name, wrong)


def relu_of_zero(x: np.ndarray) -> Any:
    return np.maximum(x, 0), lambda gradient: gradient * (np.maximum(x, 0) >= 0)


def softmax_alone(x: np.ndarray) -> Any:
    output, _ = activations.softmax(x)
    return output, lambda gradient: gradient * output * (1 - output)


def without_mean(computed: Any) -> Any:
    """Normalization whose gradient takes mean and variance for constants."""
    output, _ = computed
    scale = np.sqrt(output.var(axis=(0, 1, 2), keepdims=True))
    return output, lambda gradient: gradient * scale


def gamma_of_one(weights: Any) -> Any:
    return {**weights, "gamma": np.ones_like(weights["gamma"])}


def bias_twice(patch: pytest.MonkeyPatch) -> None:
    def doubled(weights: Any) -> Any:
        return {name: each * 2 if name == "bias" else each for name, each in weights.items()}

    plant(convolutions.Convolution, "forward", weights=doubled)(patch)


ERRORS: dict[str, tuple[Plant, set[str]]] = {
    "transposed kernel": (
        plant(im2col, "correlate", kernel=lambda kernel: kernel.transpose(1, 0, 2, 3)),
        {"conv2d_1", "conv2d_2"},
    ),
    "missing flip": (
        plant(im2col, "to_images", kernel=lambda kernel: kernel[::-1, ::-1]), {"conv2d_1", "conv2d_2"},
    ),
    "padding on the wrong side": (on_the_wrong_side, {"conv2d_1", "average_pooling2d_1"}),
    "bias counted twice": (bias_twice, {"conv2d_1", "residual_1/depthwise_conv2d_1"}),
    "bias averaged": (
        plant(
            core.Dense, "forward",
            output=wrong_gradients(lambda found: found._replace(
                weights={**found.weights, "bias": found.weights["bias"] / 8}
            )),
        ),
        {"dense_1", "dense_2"},
    ),
    "gradient of a pool to every tie": (to_every_tie, {"max_pooling2d_1"}),
    "padding in the mean of a pool": (padding_counts, {"average_pooling2d_1"}),
    "missing stride": (plant(im2col, "to_kernel", strides=lambda strides: (1, 1)), {"conv2d_1"}),
    "statistics of one axis too few": (
        plant(normalization, "normalize", axes=lambda axes: axes[1:]), {"batch_normalization_1"},
    ),
    "momentum the other way round": (
        plant(
            normalization.BatchNormalization, "forward",
            output=lambda passed: replace(
                passed, state={name: 1 - each for name, each in passed.state.items()}
            ),
        ),
        {"batch_normalization_1"},
    ),
    "mean and variance as constants": (
        plant(normalization, "normalize", output=without_mean), {"batch_normalization_1"},
    ),
    "gamma forgotten": (
        plant(normalization, "scaled_and_shifted", weights=gamma_of_one),
        {"batch_normalization_1"},
    ),
    "dropout without its scale": (
        plant(regularization, "dropped", output=lambda found: (found[0] * 0.7, found[1])), {"dropout_1"},
    ),
    "gradient past a kink": (activation("relu", relu_of_zero), {"conv2d_1", "dense_1"}),
    "softmax as if it were a sigmoid": (activation("softmax", softmax_alone), {"dense_2"}),
    "gradient to one branch": (
        plant(
            merging.Add, "forward",
            output=wrong_gradients(lambda found: Gradients([found.inputs[0], found.inputs[1] * 0])),
        ),
        {"residual_1/add"},
    ),
}  # fmt: skip


@pytest.mark.device
def test_without_an_error(backend: Any) -> None:
    verification = cnnlab.verify_gradients(CONFIG)
    assert verification.ok
    assert verification.differing == ()
    assert tuple(layer.name for layer in verification.layers) == NAMES
    weights = {layer.name: set(layer.weights) for layer in verification.layers}
    assert weights["conv2d_1"] == {"kernel", "bias"}
    assert weights["batch_normalization_1"] == {"gamma", "beta", "moving_mean", "moving_variance"}
    for layer in verification.layers:
        # Far from the tolerance, so that none of them is near to a false alarm.
        assert max(layer.output, layer.input_gradient, *layer.weights.values()) < 1e-13
        assert layer.finite_difference is not None
        assert layer.finite_difference < 1e-7
    entries = {layer.name: layer.entries for layer in verification.layers}
    assert entries["conv2d_1"] == 50 + 36 + 4  # of 4 images, the kernel and the bias
    assert entries["dense_2"] == 24 + 12 + 2
    assert str(verification).startswith(
        "engines, float64: Keras on tensorflow and the NumPy engine agree in 11 layers, and with "
    )


@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_found_in_its_layers(
    error: str, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_it, layers = ERRORS[error]
    plant_it(monkeypatch)
    found = cnnlab.verify_gradients(CONFIG)
    assert {layer.name for layer in found.differing} == layers
    assert not found.ok


def test_what_a_command_prints(
    backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of an engine that does not get as far as numbers."""
    file = tmp_path / "engines.yaml"
    cnnlab.load(CONFIG).to_yaml(file)
    arguments = ["verify", "gradients", str(file), "--quiet", "--seed", "5", "--batch", "3"]
    assert run([*arguments, "--json", "--dtype", "float32", "--convolution", "im2col"]) == 0
    document = json.loads(capsys.readouterr().out)
    layers = document.pop("layers")
    assert document == {
        "config": "engines", "backend": "tensorflow", "dtype": "float32", "seed": 5, "convolution": "im2col",
        "ok": True,
    }  # fmt: skip
    assert [(each["name"], each["type"]) for each in layers[-2:]] == [
        ("dense_1", "Dense"),
        ("dense_2", "Dense"),
    ]
    keys = "name", "type", "output", "input_gradient", "weights", "finite_difference", "tolerance", "ok"
    assert all(tuple(each) == keys for each in layers)
    assert {each["tolerance"] for each in layers} == {1e-4}
    # Where products are added up in the same order, as in a single layer without oneDNN, both may be equal.
    differences = [value for each in layers for value in (each["output"], *each["weights"].values())]
    assert 0 < max(differences) < 1e-5

    ERRORS["missing stride"][0](monkeypatch)
    assert run([*arguments, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    first, *others = document["layers"]
    assert not document["ok"]
    assert (first["ok"], first["input_gradient"], first["weights"]) == (
        False,
        None,
        {"kernel": None, "bias": None},
    )
    assert all(each["ok"] for each in others)
    assert run(arguments) == 1
    table, _, said = capsys.readouterr().out.partition("\n\n")
    assert [line.split()[-1] for line in table.splitlines()[3:]] == ["DIFFERS", *["same"] * 10]
    assert max(map(len, table.splitlines())) <= 80
    assert said.splitlines()[0] == (
        "engines, float64: Keras on tensorflow and the NumPy engine differ in 1 of 11 layers"
    )
    assert said.splitlines()[1].startswith("   conv2d_1: the NumPy engine fails: ")


def test_a_run_is_checked_with_its_own_weights(
    backend: Any, make_run: Any, settle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnlab.model import build_model

    folder = make_run(tmp_path, "larger_norm_cnn", accuracy=0.7)
    model = build_model(cnnlab.load("larger_norm_cnn").with_seed(7).config)
    model.save(folder / "model.keras")
    settle(folder)
    seen: dict[str, np.ndarray] = {}
    right = core.Dense.forward

    def forward(self: Any, inputs: Any, weights: Any, mode: Any) -> Pass:
        seen.setdefault("kernel", weights["kernel"])
        return right(self, inputs, weights, mode)

    monkeypatch.setattr(core.Dense, "forward", forward)
    run_of = cnnlab.runs("larger_norm_cnn", out=tmp_path)[0]
    for subject in (run_of, str(folder)):
        seen.clear()
        assert cnnlab.verify_gradients(subject, out=tmp_path).ok
        np.testing.assert_array_equal(seen["kernel"], model.layers[-1].get_weights()[0])
    with pytest.raises(cnnlab.UserError, match=r"^set: .* is a run, whose settings are what they are"):
        cnnlab.verify_gradients(str(folder), set={"seed": 1}, out=tmp_path)


SHARED = {
    "name": "ties",
    "model": {
        "input_shape": [6, 6, 1],
        "layers": [
            {"Parallel": {"branches": [["ReLU"], ["ReLU"]], "merge": "maximum"}},
            "Flatten",
            {"Dense": {"units": 2}},
        ],
    },
}
"""Both branches are equal everywhere."""


def test_where_several_slopes_are_right_none_is_an_error(
    backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAX gives each of two equal branches a half; both all of it is wrong everywhere."""

    def sharing(gradients: Gradients, share: float) -> Gradients:
        total = gradients.inputs[0] + gradients.inputs[1]
        tied = gradients.inputs[0] != 0
        return Gradients([np.where(tied, total * share, each) for each in gradients.inputs])

    def shared_by(share: float) -> Plant:
        return plant(merging.Maximum, "forward", output=wrong_gradients(lambda found: sharing(found, share)))

    assert cnnlab.verify_gradients(SHARED).ok
    with monkeypatch.context() as patch:
        halves_where_tied(patch)
        assert cnnlab.verify_gradients(SHARED).ok
    shared_by(1.0)(monkeypatch)
    assert [each.name for each in cnnlab.verify_gradients(SHARED).differing] == ["parallel_1/maximum"]


def halves_where_tied(patch: pytest.MonkeyPatch) -> None:
    def forward(self: Any, inputs: Any, weights: Any, mode: Any) -> Pass:
        one, other = inputs
        share = np.where(one == other, 0.5, one > other)
        return Pass(
            np.maximum(one, other), lambda gradient, _: Gradients([gradient * share, gradient * (1 - share)])
        )

    patch.setattr(merging.Maximum, "forward", forward)


def test_a_layer_that_is_all_kinks_does_not_pass() -> None:
    class Rough(ScratchLayer[Any]):
        def forward(self, inputs: Any, weights: Any, mode: Mode) -> Pass:
            return Pass(np.sin(1e9 * inputs[0]), lambda gradient, _: Gradients([gradient]))

    layer = Rough(Activation(activation="linear"), ((4,),))
    rng = np.random.default_rng(0)
    slopes = finite_differences(layer, [rng.random((3, 4))], {}, Mode(True), rng, 1e-6)
    assert slopes == Slopes(None, 0, 12, {"input": 0})
    check = LayerCheck("rough_1", "Rough", 0.0, 0.0, {}, slopes.difference, 1e-6, 0, slopes.left_out, {})
    assert not check.ok
    assert str(check) == "rough_1: no entry is away from kinks, so finite differences say nothing"


def test_a_tensor_with_few_entries_away_from_kinks_is_named() -> None:
    class Partly(ScratchLayer[Any]):
        """The first of four columns is smooth."""

        def forward(self, inputs: Any, weights: Any, mode: Mode) -> Pass:
            rough = np.array([False, True, True, True])
            output = np.where(rough, np.sin(1e9 * inputs[0]), inputs[0])
            return Pass(output, lambda gradient, _: Gradients([gradient]))

    layer = Partly(Activation(activation="linear"), ((4,),))
    rng = np.random.default_rng(0)
    slopes = finite_differences(layer, [rng.random((3, 4))], {}, Mode(True), rng, 1e-6)
    assert slopes.difference is not None
    assert slopes[1:] == (3, 9, {"input": 3})
    check = LayerCheck("partly_1", "Partly", 0.0, 0.0, {}, slopes.difference, 1e-6, *slopes[1:])
    assert str(GradientVerification("rough", "tensorflow", "float64", 0, "im2col", (check,))) == (
        "rough, float64: Keras on tensorflow and the NumPy engine agree in 1 layer, and with 3 finite "
        "differences (9 at kinks left out)\n"
        "   partly_1: finite differences at 3 entries of input only; the others are at kinks"
    )


@pytest.mark.parametrize("error", ["output", "gradient"])
def test_large_inputs_and_weights_that_are_not_trained_hide_no_error(
    error: str, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels up to 255, and their variance in the thousands: beside either, 1e-3 would be rounding."""
    config = cnnlab.load(
        {"model": {"input_shape": [4, 4, 3], "layers": ["BatchNormalization"]}, "name": "pixels"}
    ).config
    (step,) = Network.of(config.nodes, config.input_shape).steps
    rng = np.random.default_rng(0)
    weights = {
        "gamma": np.ones(3), "beta": np.full(3, 0.1),
        "moving_mean": np.full(3, 120.0), "moving_variance": np.full(3, 1812.0),
    }  # fmt: skip
    trial = Trial(step, config.nodes[0], weights, [rng.uniform(0, 255, (8, 4, 4, 3))], "im2col", (0, 0))
    assert trial.check("float32")[0].ok
    wrong: dict[str, Callable[[Pass], Pass]] = {
        "output": lambda passed: replace(passed, output=passed.output + 1e-3),
        "gradient": wrong_gradients(lambda found: found._replace(inputs=[1.01 * found.inputs[0]])),
    }
    plant(normalization.BatchNormalization, "forward", output=wrong[error])(monkeypatch)
    check, _ = trial.check("float32")
    assert (check.output <= check.tolerance, check.gradients_agree) == (
        error != "output",
        error != "gradient",
    )


def test_of_a_saturated_softmax_only_rounding_is_left_which_is_no_error() -> None:
    """Nor is a bias of almost nothing, as trained ones before a batch normalization are."""
    rng = np.random.default_rng(1)
    layer = core.Dense(Dense(units=5, activation="softmax"), ((8,),))
    weights = {"kernel": 40 * rng.normal(size=(8, 5)), "bias": 1e-8 * rng.normal(size=5)}
    slopes = finite_differences(layer, [rng.random((6, 8))], weights, Mode(True), rng, 1e-6)
    assert slopes.difference is not None
    assert slopes.difference < 1e-7
    assert slopes.entries > 60


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        pytest.param(Dense(units=4096), (25088,), id="dense"),
        pytest.param(Conv2D(filters=64, kernel_size=3, groups=32), (224, 224, 64), id="groups"),
        pytest.param(BatchNormalization(axis=1), (64, 112, 112), id="channels first"),
    ],
)
def test_of_a_large_layer_a_part_is_tried(layer: Any, shape: tuple[int, ...]) -> None:
    (small,) = small_shapes(layer, (shape,), "im2col")
    assert work_of(layer, (small,)) <= 500_000 < work_of(layer, (shape,))
    assert len(layer.weights(small)) == len(layer.weights(shape))


def test_what_the_engine_lacks_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lacking.yaml"
    file.write_text(
        "dataset: {name: xo}\n"
        "model:\n"
        "  layers:\n"
        "    - GaussianNoise: {stddev: 0.1}\n"
        "    - SpatialTransformer: {layers: [Flatten]}\n"
        "    - Conv2D: {filters: 2, kernel_size: 3, kernel_constraint: {max_norm: 2}}\n"
        "    - Flatten\n"
        "    - Dense: {units: 2, activation: softmax}\n"
    )
    assert run(["verify", "gradients", str(file)]) == 2
    message = capsys.readouterr().err
    assert message == (
        f"{file}:4:7: model.layers[0]: gaussian_noise_1: the NumPy engine has no GaussianNoise\n"
        f"{file}:5:7: model.layers[1]: spatial_transformer_1/sampling: "
        "the NumPy engine has no AffineSampling\n"
    )


def test_an_engine_that_is_asked_for_gradients_alone_needs_no_training(backend: Any) -> None:
    """Constraints, which the engine cannot train with, do not change a layer's gradients."""
    constrained = {"Dense": {"units": 2, "activation": "softmax", "kernel_constraint": {"max_norm": 2}}}
    config = {
        "name": "constrained",
        "model": {"input_shape": [2, 2, 1], "layers": ["Flatten", constrained]},
        "runtime": {"backend": "scratch", "convolution": "loops"},
    }
    for asked in (None, "tensorflow"):
        found = cnnlab.verify_gradients(config, backend=asked)
        assert (found.ok, found.backend, found.convolution) == (True, "tensorflow", "loops")


def test_no_more_images_than_there_are(backend: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(cnnlab.UserError, match=r"^batch=21: engines has 20 test images$"):
        cnnlab.verify_gradients(CONFIG, batch=21)
    assert run(["verify", "gradients", "alexnet", "--batch", "257"]) == 2
    assert "257 is not in the range 1<=x<=256" in capsys.readouterr().err


def test_a_run_without_weights_is_refused_before_keras_starts(
    make_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path, "larger_norm_cnn", accuracy=0.7)

    def never(*_: Any) -> None:
        raise AssertionError("Keras was started")

    monkeypatch.setattr(verifying, "start_backend", never)
    with pytest.raises(cnnlab.UserError, match=r"model\.keras: there is no such file; train this run again"):
        cnnlab.verify_gradients(str(folder), out=tmp_path)


def test_loops_that_nobody_would_wait_for_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop_time, "seconds_of_check", lambda *_: 3.1 * 86_400)
    assert run(["verify", "gradients", "vgg16", "--convolution", "loops"]) == 2
    assert capsys.readouterr().err == (
        "--convolution loops: checking vgg16 would take about 3 days; use im2col or numba\n"
    )


def test_loops_say_beforehand_what_they_take(backend: Any) -> None:
    """A convolution alone: the estimate is of its order."""
    config = cnnlab.load(CONFIG, {"model.layers[0].filters": 2}).config
    once, often = (loop_time.seconds_of_check(config, images) for images in (1, 100))
    assert 1 < often / once < 100
    assert cnnlab.verify_gradients(SMALL, convolution="loops").ok


def test_loops_of_a_locally_connected_layer_count_as_well() -> None:
    config = cnnlab.load(
        {
            "name": "local",
            "model": {
                "input_shape": [224, 224, 8],
                "layers": [{"LocallyConnected2D": {"filters": 32, "kernel_size": 5}}],
            },
        }
    ).config
    with pytest.raises(cnnlab.UserError, match=r"^convolution=loops: checking local would take about "):
        loop_time.check_loops(config, 256, SILENT)


SMALL = {
    "name": "small",
    "model": {
        "input_shape": [5, 5, 1],
        "layers": [{"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same"}}, "GlobalAveragePooling2D"],
    },
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"dtype": "float16"}, "dtype=float16: expected float64, float32", id="dtype"),
        pytest.param({"dtype": None}, "dtype: expected float64, float32", id="no dtype"),
        pytest.param(
            {"convolution": "fft"}, "convolution=fft: expected im2col, loops, numba", id="convolution"
        ),
        pytest.param({"batch": 0}, "batch: expected a whole number, from 1 to 256, found 0", id="batch"),
        pytest.param(
            {"seed": 2**32},
            "seed: expected a whole number, from 0 to 4,294,967,295, found 4294967296",
            id="seed",
        ),
        pytest.param(
            {"backend": "scratch"},
            "backend: a trained network is computed by Keras; expected tensorflow, jax or torch, "
            "found 'scratch'",
            id="backend",
        ),
    ],
)
def test_arguments_that_are_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cnnlab.UserError) as error:
        cnnlab.verify_gradients(SMALL, **arguments)
    assert str(error.value) == message


def without_data(name: str) -> dict[str, Any]:
    """A shipped config whose images are random numbers: its own may not be here."""
    experiment = cnnlab.load(str(shipped_configs() / f"{name}.yaml"))
    settings = experiment.as_dict()
    settings.pop("dataset", None)
    settings["model"]["input_shape"] = list(experiment.config.input_shape)
    return settings


ALL = sorted(path.stem for path in shipped_configs().glob("*.yaml"))
LACKING = {
    "cifar10_resnet": {"RandomFlip", "RandomTranslation"},
    "mnist_distorted_st_cnn": {"AffineSampling"},
}
QUICK = (
    "cnn_mixed_format", "colors_cnn", "colors_dnn", "go_cnn_pooling", "larger_norm_cnn", "lenet5",
    "mnist_both_poolings", "mnist_maxout", "tones_transposed",
)  # fmt: skip
"""Each kind of layer that a small network has."""

LARGE = ("vgg16", "vgg19", "densenet121", "resnet50")
"""They take minutes each, VGG several gigabytes; resnet18 and alexnet have the same layers."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in ALL
        if name not in {*LACKING, *LARGE}
    ],
)
def test_no_shipped_config_raises_a_false_alarm(name: str, backend: Any) -> None:
    """On random images. VGG16, VGG19, DenseNet-121 and ResNet-50 are left out: see `LARGE`."""
    found = cnnlab.verify_gradients(without_data(name))
    assert found.ok, str(found)


@pytest.mark.parametrize("name", ["colors_dnn", "larger_norm_cnn"])
def test_nor_does_single_precision(name: str, backend: Any) -> None:
    found = cnnlab.verify_gradients(without_data(name), dtype="float32")
    assert found.ok, str(found)


@pytest.mark.parametrize("name", LACKING)
def test_of_shipped_configs_two_have_layers_that_the_engine_lacks(name: str) -> None:
    with pytest.raises(cnnlab.UserError) as error:
        cnnlab.verify_gradients(without_data(name))
    assert {line.rpartition(" ")[2] for line in str(error.value).splitlines()} == LACKING[name]


def test_on_another_backend(other: str, elsewhere: Callable[[str], None]) -> None:
    """On a part of the network, and on a shipped config: JAX compiles a program for each layer."""
    layers = CONFIG["model"]["layers"]
    config = {**CONFIG, "model": {"layers": [*layers[:2], layers[3], *layers[6:8], layers[-1]]}}
    elsewhere(
        f"""
import cnnlab
found = cnnlab.verify_gradients({config!r}, backend={other!r})
assert found.ok, str(found)
assert (found.backend, found.dtype) == ({other!r}, "float64")
assert max(max(each.output, each.input_gradient, *each.weights.values()) for each in found.layers) < 1e-12
found = cnnlab.verify_gradients({without_data("colors_dnn")!r}, backend={other!r})
assert found.ok, str(found)
"""
    )
