"""What one writes without cnnlab: which of two networks is better, and is that more than chance?

usage: plain_keras_loop.py mnist.npz EPOCHS SEED...

`cnnlab bench verdict` runs this program beside `cnnlab compare dnn cnn`: the same networks, images, settings
and seeds. mnist.npz is the file that keras.datasets.mnist downloads, or the part of it that is used here.
"""

import sys

import keras
import numpy as np
from keras import layers
from scipy import stats

NETWORKS = {
    "dnn": lambda: [layers.Flatten(), *(layers.Dense(500, activation="relu") for _ in range(3))],
    "cnn": lambda: [
        layers.Conv2D(25, 3),
        layers.MaxPooling2D(),
        layers.Conv2D(50, 3),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
    ],
}


def main() -> None:
    path, epochs, *seeds = sys.argv[1:]
    with np.load(path) as mnist:
        x_train = mnist["x_train"][:15000, ..., np.newaxis].astype("float32") / 255
        x_test = mnist["x_test"][..., np.newaxis].astype("float32") / 255
        y_train = keras.utils.to_categorical(mnist["y_train"][:15000], 10)
        y_test = keras.utils.to_categorical(mnist["y_test"], 10)

    accuracies = {network: [] for network in NETWORKS}
    for network, hidden in NETWORKS.items():
        for seed in seeds:
            keras.utils.clear_session()
            keras.utils.set_random_seed(int(seed))
            output = layers.Dense(10, activation="softmax")
            model = keras.Sequential([keras.Input((28, 28, 1)), *hidden(), output])
            model.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
            model.fit(
                x_train[:10000],
                y_train[:10000],
                batch_size=100,
                epochs=int(epochs),
                validation_data=(x_train[10000:], y_train[10000:]),
                verbose=0,
            )
            _, accuracy = model.evaluate(x_test, y_test, verbose=0)
            accuracies[network].append(accuracy)

    dnn, cnn = np.array(accuracies["dnn"]), np.array(accuracies["cnn"])
    test = stats.ttest_rel(cnn, dnn)
    low, high = test.confidence_interval()
    better, other = ("cnn", "dnn") if cnn.mean() > dnn.mean() else ("dnn", "cnn")
    significant = "is significantly better than" if test.pvalue < 0.05 else "is not significantly better than"
    print(
        f"{better} {significant} {other}: test accuracy cnn {cnn.mean():.2%} ± {cnn.std(ddof=1):.2%}, "
        f"dnn {dnn.mean():.2%} ± {dnn.std(ddof=1):.2%}; difference {cnn.mean() - dnn.mean():.2%} "
        f"(95% confidence interval {low:.2%} to {high:.2%}), paired t-test over {len(seeds)} seeds: "
        f"p = {test.pvalue:.2g}"
    )


if __name__ == "__main__":
    main()
