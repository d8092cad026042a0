"""Networks that have seen the world: VGG with weights from ImageNet, for dreams and styles."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import keras

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.data_paths import DataPaths, RemoteFile
from cnnlab.datasets.reading.download import DownloadError, download
from cnnlab.errors import CnnlabError, OptionError, UserError
from cnnlab.files import absence
from cnnlab.saved_model import UNREADABLE

NetworkName = Literal["vgg16", "vgg19"]

_BASE = "https://storage.googleapis.com/tensorflow/keras-applications"
WEIGHTS: dict[NetworkName, RemoteFile] = {
    "vgg16": RemoteFile(
        f"{_BASE}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
        "md5",
    ),
    "vgg19": RemoteFile(
        f"{_BASE}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
        "md5",
    ),
}

CONTENT_LAYERS = ("block4_conv2",)
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
"""As Gatys et al. 2015 choose them."""

_MEAN = (103.939, 116.779, 123.68)  # of ImageNet's blue, green and red


def imagenet_network(name: NetworkName, weights: Path) -> keras.Model:
    """VGG without its dense layers, on (N, H, W, 3) float32 RGB in [0, 1], of any size.

    Simonyan & Zisserman 2014 (arXiv 1409.1556).

    Raises:
        UserError: the file does not hold this network's weights.
    """
    image = keras.Input((None, None, 3), name="image")
    centred = keras.ops.flip(image, axis=-1) * 255.0 - keras.ops.array(_MEAN, "float32")
    build = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    network = build(include_top=False, weights=None, input_tensor=centred)
    try:
        network.load_weights(weights)
    except UNREADABLE as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{weights}: does not hold the weights of {name}: {reason}") from None
    return keras.Model(image, network.output, name=name)


def find_weights(
    name: NetworkName, given: Path | None, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Path:
    """The file of a network's weights: as given, from Keras's cache, from cnnlab's, or downloaded.

    Raises:
        UserError: the given file is not there.
        CnnlabError: it is nowhere and cannot be downloaded.
    """
    if given is not None:
        if not given.is_file():
            raise OptionError("weights", absence(given), value=given)
        return given
    remote = WEIGHTS[name]
    folders = [data_paths.keras_cache.parent / "models", data_paths.cache / "models"]
    if data_paths.data_dir is not None:
        folders.insert(0, data_paths.data_dir)
    for folder in folders:
        if (folder / remote.name).is_file():
            return folder / remote.name
    try:
        return download(remote, data_paths.cache / "models", progress=progress)
    except DownloadError as error:
        raise CnnlabError(
            f"{name}: its weights are not on this machine, and their download failed: {error}\n"
            f"   looked in {', '.join(map(str, folders))} for {remote.name}\n"
            "   try again with an internet connection, give the file with --weights FILE, or leave out "
            "--network to use the run's own network"
        ) from error
