"""What one writes without cnnlab: the same network, data and settings with plain `model.fit`.

usage: plain_keras.py dnn|cnn DATA_DIR EPOCHS      prints one JSON document with the seconds of each epoch
"""

import gzip
import json
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from keras import layers


def idx(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        content = file.read()
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


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
    network, folder, epochs = sys.argv[1], Path(sys.argv[2]) / "mnist", int(sys.argv[3])
    images = idx(folder / "train-images-idx3-ubyte.gz")[..., np.newaxis].astype("float32") / 255
    labels = keras.utils.to_categorical(idx(folder / "train-labels-idx1-ubyte.gz"), 10)
    test_images = idx(folder / "t10k-images-idx3-ubyte.gz")[..., np.newaxis].astype("float32") / 255
    test_labels = keras.utils.to_categorical(idx(folder / "t10k-labels-idx1-ubyte.gz"), 10)

    keras.utils.set_random_seed(0)
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
        images[:10000],
        labels[:10000],
        batch_size=100,
        epochs=epochs,
        validation_data=(images[10000:15000], labels[10000:15000]),
        verbose=0,
        callbacks=[timer],
    )
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    print(json.dumps({"seconds": timer.seconds, "test_accuracy": accuracy}))


if __name__ == "__main__":
    main()
