"""Writes docs/networks.md: every classic network, our count beside the published one, and its picture.

python bench/networks.py            the page
python bench/networks.py --pictures  the page and docs/pictures/networks/
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from cnnlab.accounting.quantities import amount
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.layers.base import times

DOCS = Path(__file__).resolve().parent.parent / "docs"
PICTURES = DOCS / "pictures" / "networks"


@dataclass(frozen=True)
class Published:
    """What others count, of which parameters, and where it is said."""

    title: str
    params: int
    of: str  # "all" or "trainable"
    source: str


PUBLISHED = {
    "lenet5": Published(
        "LeNet-5", 61_706, "all",
        "the form taught today of LeCun et al. 1998; by its layers: 156 + 2,416 + 48,120 + 10,164 + 850",
    ),
    "alexnet": Published(
        "AlexNet", 60_965_224, "all", "Krizhevsky et al. 2012 (about 60 million); Caffe's `bvlc_alexnet`"
    ),
    "zfnet": Published(
        "ZFNet", 62_357_608, "all", "follows from figure 3 of Zeiler & Fergus 2014, without groups"
    ),
    "vgg16": Published(
        "VGG-16", 138_357_544, "all",
        "Simonyan & Zisserman 2015, table 2 (138 million); `keras.applications.VGG16`",
    ),
    "vgg19": Published(
        "VGG-19", 143_667_240, "all",
        "Simonyan & Zisserman 2015, table 2 (144 million); `keras.applications.VGG19`",
    ),
    "googlenet": Published(
        "GoogLeNet", 6_998_552, "all",
        "Szegedy et al. 2015, table 1 (about 7 million); Caffe's `bvlc_googlenet` without auxiliary heads",
    ),
    "resnet18": Published(
        "ResNet-18", 11_689_512, "trainable", "He et al. 2016, table 1; `torchvision.models.resnet18`"
    ),
    "resnet50": Published(
        "ResNet-50", 25_636_712, "all", "He et al. 2016, table 1; `keras.applications.ResNet50`"
    ),
    "densenet121": Published(
        "DenseNet-121", 8_062_504, "all", "Huang et al. 2017, table 1; `keras.applications.DenseNet121`"
    ),
}  # fmt: skip
"""Counts that others give exactly. The networks of the lectures, which nobody else counts, follow below."""

LECTURES = {
    "first_layer_dense": "one Dense layer of 1,000 neurons on a 100×100 colour picture",
    "dnn": "784 pixels → 500 → 500 → 500 → 10",
    "cnn": "the lecture's CNN",
    "cnn_mixed_format": "the same with its first layer channels_first and the rest channels_last",
    "cifar10_cnn": "the CIFAR-10 example of Keras 1 and 2",
    "mnist_4_6": "4 and 6 filters, two dense layers",
    "mnist_8_16": "8 and 16 filters of 5×5",
    "mnist_both_poolings": "the same with max and average pooling at once",
    "go_policy": "a 19×19 board → 361 moves; zero padding, no pooling",
    "cifar10_vgg": "a small VGG",
    "cifar10_resnet": "a small ResNet",
    "cifar10_googlenet": "a small GoogLeNet",
}

DRAWN = ("cnn", "lenet5", "alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "densenet121")


def page() -> str:
    """The text of docs/networks.md, counted from the configs as they are."""
    lines = [
        "# Networks",
        "",
        "Classic networks are configs like any other: `cnnlab summary alexnet` shows one layer by layer,",
        "`cnnlab draw alexnet` draws it, `cnnlab init mine --like alexnet` copies it. Each has exactly the",
        "parameters that others count. This page is written by `python bench/networks.py` from the configs.",
        "",
        "| network | config | input | our count | published | MACs | source |",
        "| --- | --- | --- | ---: | ---: | ---: | --- |",
    ]
    for name, published in PUBLISHED.items():
        config = load_config(name)
        macs = amount(config.architecture.macs)
        lines.append(
            f"| {published.title} | `{name}` | {times(config.input_shape)} | "
            f"{_count(config, published.of)} | {published.params:,} | {macs} | {published.source} |"
        )
    lines += [
        "",
        "Published counts leave out the moving averages of batch normalization in some places: *trainable*",
        "says so. MACs are multiplications with weights for one image.",
        "",
        "## Networks of the lectures",
        "",
        "| config | input | parameters | MACs | what it is |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for name, words in LECTURES.items():
        config = load_config(name)
        lines.append(
            f"| `{name}` | {times(config.input_shape)} | {config.architecture.total_params:,} | "
            f"{amount(config.architecture.macs)} | {words} |"
        )
    lines += [
        "",
        "## Pictures",
        "",
        "Drawn by `cnnlab draw NAME`, blocks by `cnnlab draw NAME --block BLOCK`.",
    ]
    for name in DRAWN:
        lines += ["", f"### {name}", "", f"![{name}](pictures/networks/{name}.svg)"]
    lines += [
        "", "### An inception block", "",
        "![the first inception block of GoogLeNet](pictures/networks/inception.svg)",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def counted(config: ExperimentConfig, of: str) -> int:
    """Our count of the parameters that the published one counts."""
    architecture = config.architecture
    return architecture.total_params if of == "all" else architecture.trainable_params


def _count(config: ExperimentConfig, of: str) -> str:
    return f"{counted(config, of):,}" + (" trainable" if of == "trainable" else "")


def draw() -> None:
    """All pictures of the page."""
    from cnnlab.pictures.diagrams.network import block_shapes, network_shapes
    from cnnlab.pictures.diagrams.svg import svg_file

    PICTURES.mkdir(parents=True, exist_ok=True)
    pictures = {name: network_shapes(load_config(name)) for name in DRAWN}
    pictures["inception"] = block_shapes(load_config("googlenet"), "inception_3a")
    for name, shapes in pictures.items():
        (PICTURES / f"{name}.svg").write_bytes(svg_file(shapes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", action="store_true")
    (DOCS / "networks.md").write_text(page(), encoding="utf-8")
    if parser.parse_args().pictures:
        draw()
