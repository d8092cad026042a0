"""A run's network in Keras, whose weights can be read, exchanged and tried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.backend import own_randomness, start_backend
from cnnlab.datasets.permuting import permuted
from cnnlab.prediction import AT_ONCE, dataset_of

if TYPE_CHECKING:
    from cnnlab.config.sections import RuntimeConfig
    from cnnlab.datasets.content import PixelScale
    from cnnlab.run_folders.records import Record


class TrainedModel:
    """The network of a finished run, in float32 whatever it was trained in.

    Raises:
        UserError: the model's file is missing or broken.
    """

    def __init__(self, record: Record, scale: PixelScale, runtime: RuntimeConfig) -> None:
        self._dataset = dataset_of(record)
        self._scale = scale
        runtime = runtime.model_copy(update={"precision": "float32"})
        self._config = record.config.model_copy(update={"runtime": runtime})
        start_backend(runtime)
        from cnnlab.model import build_model
        from cnnlab.saved_model import readable_model

        path = record.path / "model.keras"
        with own_randomness():
            self._model: Any = build_model(self._config)
        with readable_model(
            path, "cannot be read ({}); train this run again with --fresh", weights_only=True
        ):
            self._model.load_weights(path)

    @property
    def weights(self) -> list[list[np.ndarray]]:
        """By position of the layer; a layer that shares another's has none of its own."""
        return [
            [np.asarray(array, np.float32) for array in self._model.get_layer(node.keras_name).get_weights()]
            if node.shares is None
            else []
            for node in self._config.nodes
        ]

    def set_all_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Exchange them; in the order of Keras's `get_weights`."""
        self._model.set_weights(list(weights))

    def set_weights(self, weights: Sequence[Sequence[np.ndarray]]) -> None:
        """Exchange them; see `weights`."""
        for node, arrays in zip(self._config.nodes, weights, strict=True):
            if arrays:
                self._model.get_layer(node.keras_name).set_weights(arrays)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, C) uint8 before anything is done for the network → (N, classes) float32."""
        import keras

        images = permuted(images, self._dataset)
        if self._dataset.data_format == "channels_first":
            images = images.transpose(0, 3, 1, 2)
        parts = []
        for start in range(0, len(images), AT_ONCE):
            outputs = self._model(self._scale.apply(images[start : start + AT_ONCE]), training=False)
            if self._config.gives_logits:
                outputs = keras.ops.softmax(outputs, axis=-1)
            parts.append(np.asarray(keras.ops.convert_to_numpy(outputs), dtype=np.float32))
        return np.concatenate(parts)
