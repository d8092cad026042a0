"""The numbers of `cnnlab summary --json` that are not Keras's own, against counting."""

import json

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnnlab.processor import usable_cpus

CONTRACT = {
    "name", "type", "output_shape", "params", "trainable_params", "macs", "neurons", "receptive_field",
    "dense_equivalent_params", "locality_saving", "sharing_saving",
}  # fmt: skip


def layers_of(cnnlab, *arguments):
    return {layer["name"]: layer for layer in json.loads(cnnlab("summary", *arguments, "--json"))["layers"]}


def test_the_contract_is_kept_and_extended(cnnlab):
    document = json.loads(cnnlab("summary", "cnn", "--json"))
    assert document["total_params"] == 137_660
    assert all(set(layer) >= CONTRACT for layer in document["layers"])


def test_the_second_convolution_of_the_lecture(cnnlab):
    layer = layers_of(cnnlab, "cnn")["conv2d_2"]
    assert layer["kernel"] == [3, 3]
    assert layer["stride"] == [1, 1]
    assert layer["input_stride"] == [2, 2]
    assert layer["params_share"] == 11_300 / 137_660
    assert layer["params_bytes"] == 4 * 11_300
    assert layer["activation_bytes"] == 4 * 11 * 11 * 50
    assert layer["flops"] == 2 * 1_361_250 + 6_050


def test_shares_add_up(cnnlab):
    assert sum(layer["params_share"] for layer in layers_of(cnnlab, "cifar10_cnn").values()) == pytest.approx(
        1
    )


@pytest.mark.parametrize("bias", [True, False], ids=["with biases", "without"])
@pytest.mark.parametrize("stride", [1, 2])
def test_flops_are_the_operations_of_a_convolution_written_out(cnnlab, network, bias, stride):
    """Every product and every addition of the sums, which begin with the bias, or else with zero."""
    path = network([{"Conv2D": {"filters": 4, "kernel_size": 3, "strides": stride, "use_bias": bias}}])
    windows = sliding_window_view(np.zeros((12, 12, 3)), (3, 3), axis=(0, 1))[::stride, ::stride]
    products = windows.size * 4
    additions = windows.size * 4 + (windows.shape[0] * windows.shape[1] * 4 if bias else 0)
    layer = layers_of(cnnlab, path)["conv2d_1"]
    assert layer["macs"] == products
    assert layer["flops"] == products + additions


def test_the_stride_on_the_input_is_the_shift_that_moves_the_output_by_one(cnnlab, network):
    """Strides multiply: pixels one jump apart are seen by neighbouring outputs at the same place."""
    path = network(
        [
            {"Conv2D": {"filters": 2, "kernel_size": 3, "strides": [1, 2]}},
            {"MaxPooling2D": {"pool_size": 2}},
            {"Conv2D": {"filters": 2, "kernel_size": 2}},
            "Flatten",
        ]
    )
    strides = [layer["input_stride"] for layer in layers_of(cnnlab, path).values()]
    assert strides == [[1, 2], [2, 4], [2, 4], None]


def test_flatten_holds_no_memory_of_its_own(cnnlab, network):
    document = json.loads(cnnlab("summary", network(["Flatten", {"Dense": {"units": 5}}]), "--json"))
    assert [layer["activation_bytes"] for layer in document["layers"]] == [0, 20]
    assert document["activation_bytes"] == 4 * 12 * 12 * 3 + 20


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        pytest.param({"name": "sgd"}, 0),
        pytest.param({"name": "sgd", "momentum": 0.9}, 1),
        pytest.param({"name": "adam"}, 2),
    ],
)
def test_training_memory(cnnlab, network, optimizer, slots):
    layers = [{"Conv2D": {"filters": 2, "kernel_size": 3}}, "BatchNormalization", "Flatten",
              {"Dense": {"units": 5}}]  # fmt: skip
    path = network(layers, training={"optimizer": optimizer, "batch_size": 8})
    memory = json.loads(cnnlab("summary", path, "--json"))["training_memory"]
    trainable = (27 * 2 + 2) + 4 + (200 * 5 + 5)
    assert memory["weights_bytes"] == 4 * (trainable + 4)  # with the moving mean and variance
    assert memory["gradients_bytes"] == 4 * trainable
    assert memory["optimizer_bytes"] == 4 * trainable * slots
    assert memory["activations_bytes"] == 8 * 4 * (12 * 12 * 3 + 200 + 200 + 5)
    parts = ("weights", "gradients", "optimizer", "activations")
    assert memory["total_bytes"] == sum(memory[f"{part}_bytes"] for part in parts)


def test_mixed_precision_halves_the_activations_only(cnnlab):
    full = json.loads(cnnlab("summary", "cnn", "--json"))["training_memory"]
    mixed = json.loads(
        cnnlab("summary", "cnn", "--json", "--set", "runtime.precision=mixed_float16")
    )["training_memory"]  # fmt: skip
    assert mixed["activations_bytes"] == full["activations_bytes"] // 2
    assert mixed["weights_bytes"] == full["weights_bytes"]


def test_windows_that_are_written_out_take_memory(cnnlab):
    """Those of one layer at a time, of an image for each thread; in loops, there are none."""
    by_keras, by_products, in_loops = (
        json.loads(cnnlab("summary", "cnn", "--json", *changes))["training_memory"]["activations_bytes"]
        for changes in (
            (),
            ("--set", "runtime.backend=scratch"),
            ("--set", "runtime={backend: scratch, convolution: loops}"),
        )
    )
    assert by_products - by_keras == min(usable_cpus(), 100) * 4 * 11 * 11 * 3 * 3 * 25  # conv2d_2's
    assert in_loops == by_keras


def test_groups(cnnlab, network):
    alexnet = layers_of(cnnlab, "alexnet")
    assert [layer["groups"] for name, layer in alexnet.items() if "conv" in name] == [1, 2, 1, 2, 2]
    assert alexnet["max_pooling2d_1"]["groups"] is None
    depthwise = network([{"DepthwiseConv2D": {"kernel_size": 3}}], input_shape=[8, 8, 6])
    assert layers_of(cnnlab, depthwise)["depthwise_conv2d_1"]["groups"] == 6
