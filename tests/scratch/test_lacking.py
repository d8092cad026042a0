"""What of a network the engine by hand has no arithmetic for, by layer and setting."""

from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import read_layer
from cnnlab.scratch.lacking import lacking


def test_values_that_are_lacking_are_named():
    layers = [
        {"UpSampling2D": {"interpolation": "bicubic"}},
        {"UpSampling2D": {"interpolation": "bilinear"}},
        {"Conv2D": {"filters": 4, "kernel_size": 1, "activation": "glu"}},
        {"Parallel": {"branches": [[{"Activation": {"activation": "sparsemax"}}], []]}},
    ]
    nodes = expand([read_layer(each) for each in layers])
    assert [(node.name, field, what) for node, field, what in lacking(nodes)] == [
        ("up_sampling2d_1", "interpolation", "interpolation bicubic"),
        ("conv2d_1", "activation", "activation glu"),
        ("parallel_1/branch_1/activation_1", "activation", "activation sparsemax"),
    ]
