"""What one writes without cnnlab: the same network, data and settings with plain `model.fit`.

usage: plain_keras.py dnn|cnn DATA_DIR EPOCHS SEED      see bench/README.md; KERAS_BACKEND=jax: on JAX
"""

import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from keras import layers


class EpochSeconds(keras.callbacks.Callback):
    """Seconds of the training steps of each epoch, validation not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_test_begin(self, logs=None):
        self.stop()

    def on_epoch_end(self, epoch, logs=None):
        self.stop()

    def stop(self):
        if self.began is not None:
            self.seconds.append(time.perf_counter() - self.began)
            self.began = None


def main() -> None:
    network, folder, epochs, seed = sys.argv[1:]
    with np.load(Path(folder) / "mnist.npz") as mnist:
        x_train = mnist["x_train"][:15000, ..., np.newaxis].astype("float32") / 255
        x_test = mnist["x_test"][..., np.newaxis].astype("float32") / 255
        y_train = keras.utils.to_categorical(mnist["y_train"][:15000], 10)
        y_test = keras.utils.to_categorical(mnist["y_test"], 10)

    keras.utils.set_random_seed(int(seed))
    stacks = {
        "dnn": [layers.Flatten(), *(layers.Dense(500, activation="relu") for _ in range(3))],
        "cnn": [
            layers.Conv2D(25, 3),
            layers.MaxPooling2D(),
            layers.Conv2D(50, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
        ],
    }
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), *stacks[network], layers.Dense(10, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
    timer = EpochSeconds()
    model.fit(
        x_train[:10000],
        y_train[:10000],
        batch_size=100,
        epochs=int(epochs),
        validation_data=(x_train[10000:], y_train[10000:]),
        verbose=0,
        callbacks=[timer],
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    backend = keras.backend.backend()
    print(
        json.dumps(
            {
                "seconds": timer.seconds,
                "test_accuracy": accuracy,
                "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "onednn": uses_onednn() if backend == "tensorflow" else None,
                "versions": {name: version(name) for name in ("keras", backend)},
            }
        )
    )


def uses_onednn() -> bool:
    """What TensorFlow has decided on this CPU; it has no public function for that."""
    from tensorflow.python.util import _pywrap_util_port

    return bool(_pywrap_util_port.IsMklEnabled())


if __name__ == "__main__":
    main()
