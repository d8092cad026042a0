import struct
import warnings
from importlib.resources import files

import numpy as np
import pytest

from cnnlab.live_page.page import SCRIPTS
from tests.chromium import chromium  # noqa: F401


@pytest.fixture(scope="module")
def engine(chromium, tmp_path_factory):  # noqa: F811
    """A browser with all scripts of a page but the page's own: `engine(script, *arguments)` → its result."""
    texts = [(files("cnnlab.live_page") / name).read_text() for name in SCRIPTS if name != "live.js"]
    page = tmp_path_factory.mktemp("engine") / "engine.html"
    script = '"use strict";\n' + "\n".join(texts)
    page.write_text(f"<!DOCTYPE html><meta charset='utf-8'><script>{script}</script>")
    chromium.get(page.as_uri())
    assert chromium.get_log("browser") == []
    return chromium.execute_script


@pytest.fixture(scope="session")
def made_up_data(tmp_path_factory):
    """A data folder with MNIST, Fashion-MNIST and CIFAR-10 in their own layouts, each class a blob."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data")

    def images(count, shape):
        labels = np.arange(count) % 10
        y, x = np.mgrid[: shape[0], : shape[1]] / shape[0]
        blobs = np.stack(
            [
                np.exp(-30 * ((y - 0.2 - 0.3 * (k // 4)) ** 2 + (x - 0.15 - 0.2 * (k % 4)) ** 2))
                for k in range(10)
            ]
        )
        noise = rng.random((count, *shape)) * rng.integers(0, 2, (count, *shape))
        chosen = blobs[labels] if len(shape) == 2 else blobs[labels][..., None]
        return (255 * np.clip(chosen + 0.4 * noise, 0, 1)).astype(np.uint8), labels.astype(np.uint8)

    def idx(array):
        header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
        return header + array.tobytes()

    for name in ("mnist", "fashion_mnist"):
        (folder / name).mkdir()
        for part, count in (("train", 300), ("t10k", 100)):
            pixels, labels = images(count, (28, 28))
            (folder / name / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
            (folder / name / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    batches = folder / "cifar10" / "cifar-10-batches-bin"
    batches.mkdir(parents=True)
    pixels, labels = images(500, (32, 32, 3))
    rows = np.concatenate([labels[:, None], pixels.transpose(0, 3, 1, 2).reshape(500, -1)], axis=1)
    content = np.tile(rows, (20, 1)).astype(np.uint8).tobytes()  # a batch has 10,000 images
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (batches / f"{name}.bin").write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory, made_up_data, backend):
    """`trained(config, **settings) → Run`: one short epoch."""
    import cnnlab

    out = tmp_path_factory.mktemp("experiments")

    def train(config, **settings):
        known = type(cnnlab.load(config).config.dataset).model_fields
        counts = {"train_count": 300, "test_count": 100} if "train_count" in known else {"train_size": 200}
        chosen = {f"dataset.{key}": value for key, value in counts.items()}
        chosen |= {"dataset.validation_size": 50, "training.epochs": 1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cnnlab.CnnlabWarning)  # such short trainings teach little
            (run,) = cnnlab.train(
                config, set={**chosen, **settings}, out=out, data_dir=made_up_data, progress=False
            )
        return run

    return train
