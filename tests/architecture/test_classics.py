"""The classic networks: their parameters are the published ones, to the last."""

import pytest

from cnnlab.config.experiment import load_config

PUBLISHED = [
    pytest.param("lenet5", 61_706, 0, id="lenet5"),
    pytest.param("alexnet", 60_965_224, 0, id="alexnet"),  # Caffe's bvlc_alexnet
    pytest.param("zfnet", 62_357_608, 0, id="zfnet"),  # the layers of the paper's figure 3
    pytest.param("vgg16", 138_357_544, 0, id="vgg16"),  # keras.applications
    pytest.param("vgg19", 143_667_240, 0, id="vgg19"),  # keras.applications
    pytest.param("googlenet", 6_998_552, 0, id="googlenet"),  # Caffe's bvlc_googlenet, main head
    pytest.param("resnet18", 11_689_512, 9_600, id="resnet18"),  # torchvision counts what is trained
    pytest.param("resnet50", 25_583_592, 53_120, id="resnet50"),  # keras.applications
    pytest.param("densenet121", 7_978_856, 83_648, id="densenet121"),  # keras.applications
    pytest.param("first_layer_dense", 30_001_000, 0, id="first_layer_dense"),
]


@pytest.mark.parametrize(("name", "trainable", "not_trainable"), PUBLISHED)
def test_parameters(name, trainable, not_trainable):
    architecture = load_config(name).architecture
    assert architecture.trainable_params == trainable
    assert architecture.non_trainable_params == not_trainable


@pytest.mark.parametrize(
    ("name", "keras_name"),
    [
        ("vgg16", "VGG16"),
        ("vgg19", "VGG19"),
        ("resnet50", "ResNet50"),
        ("densenet121", "DenseNet121"),
    ],
)
def test_keras_applications(name, keras_name, backend):
    """Totals, and the shape and parameters of every layer with weights, in order."""
    import keras

    with keras.StatelessScope(initialize_variables=False):  # shapes only: no weights are made
        theirs = getattr(keras.applications, keras_name)(weights=None)
    ours = load_config(name).architecture
    assert ours.total_params == theirs.count_params()
    weighted = [
        (tuple(layer.output.shape[1:]), layer.count_params()) for layer in theirs.layers if layer.weights
    ]
    assert sorted(weighted) == sorted((row.output_shape, row.params) for row in ours.rows if row.params)


def test_neurons_of_alexnet():
    """The paper's 253,440 in the first layer is 55×55×96 = 290,400; the others are as printed there."""
    neurons = [row.neurons for row in load_config("alexnet").architecture.rows if row.neurons]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert sum(neurons) == 659_272


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        # Multiplications of the forward pass as tables of efficient networks give them, in millions.
        pytest.param("alexnet", 724, id="alexnet"),
        pytest.param("vgg16", 15_470, id="vgg16"),
        pytest.param("vgg19", 19_632, id="vgg19"),
        pytest.param("resnet18", 1_814, id="resnet18"),
        pytest.param("googlenet", 1_583, id="googlenet"),
    ],
)
def test_multiplications(name, macs):
    assert load_config(name).architecture.macs / 1e6 == pytest.approx(macs, abs=0.5)


@pytest.mark.parametrize(
    ("name", "layer", "field"),
    [
        # The tables of Araujo, Norris & Sim 2019, no larger than the image.
        pytest.param("alexnet", "max_pooling2d_3", 195, id="alexnet"),
        pytest.param("vgg16", "max_pooling2d_5", 212, id="vgg16"),
        pytest.param("resnet50", "repeat_4/residual_2/relu", 224, id="resnet50"),
    ],
)
def test_receptive_fields(name, layer, field):
    rows = {row.name: row for row in load_config(name).architecture.rows}
    assert rows[layer].receptive_field == (field, field)


def test_shapes_of_the_inception_blocks():
    """Table 1 of Szegedy et al. 2015."""
    rows = {row.name: row.output_shape for row in load_config("googlenet").architecture.rows}
    blocks = {
        name.split("/")[0].removeprefix("inception_"): shape for name, shape in rows.items() if "conc" in name
    }
    assert blocks == {
        "3a": (28, 28, 256), "3b": (28, 28, 480),
        "4a": (14, 14, 512), "4b": (14, 14, 512), "4c": (14, 14, 512), "4d": (14, 14, 528),
        "4e": (14, 14, 832),
        "5a": (7, 7, 832), "5b": (7, 7, 1024),
    }  # fmt: skip
