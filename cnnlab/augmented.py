"""What a network sees of its training images: after the random layers at its beginning."""

from __future__ import annotations

import numpy as np

from cnnlab.backend import own_randomness, start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.errors import UserError


def augmented(config: ExperimentConfig, data: Dataset, images: np.ndarray) -> np.ndarray:
    """Send images through the layers of a config up to its last random one, as in training.

    Args:
        images: (N, *input_shape) uint8, in the dataset's data format.

    Returns:
        The same, changed, as uint8 pixels; a random crop makes them smaller.

    Raises:
        UserError: the network has no such layers, or their output is no image.
    """
    positions = [index for index, node in enumerate(config.nodes) if node.layer.is_augmentation]
    if not positions:
        raise UserError(f"{config.name}: the network has no augmentation layer, such as RandomFlip")
    start_backend(config.runtime)
    import keras

    from cnnlab.model import build_model

    with own_randomness():
        model = build_model(config)
    last = config.nodes[positions[-1]].keras_name
    front = keras.Model(model.input, model.get_layer(last).output)
    shape = tuple(front.output.shape[1:])
    channel_axis = 0 if config.dataset and config.dataset.data_format == "channels_first" else -1
    if len(shape) != 3 or shape[channel_axis] != images.shape[1:][channel_axis]:
        sizes = "×".join(str(side) for side in shape)
        raise UserError(f"{config.name}: the output of its last augmentation layer, {sizes}, is not an image")
    changed = np.asarray(keras.ops.convert_to_numpy(front(data.pixels.apply(images), training=True)))
    raw = (changed.astype(np.float32) - data.pixels.offset) / data.pixels.factor * 255
    return np.asarray(np.clip(np.rint(raw), 0, 255), dtype=np.uint8)
