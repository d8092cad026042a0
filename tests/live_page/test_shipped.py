"""The page of every shipped network answers as Keras does."""

import numpy as np
import pytest

import cnnlab
from cnnlab.config.experiment import load_config
from cnnlab.config.starters import shipped_configs
from cnnlab.datasets import load_dataset
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.permuting import raw_images
from tests.chromium import QUIET

pytestmark = [*QUIET, pytest.mark.filterwarnings("ignore::cnnlab.CnnlabWarning")]

FAST = (
    "cnn", "cnn_mixed_format", "colored_shapes_cnn", "colors_cnn", "colors_dnn", "dnn", "go_policy",
    "larger_norm_cnn", "lenet5", "mnist_distorted_st_cnn", "mnist_maxout", "tones_transposed", "xo_cnn",
)  # fmt: skip
"""Each of another kind; all others take minutes together."""

TRAINABLE = [
    pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
    for name in sorted(path.stem for path in shipped_configs().glob("*.yaml"))
    if load_config(name).dataset is not None
]

PREDICT = """
const done = arguments[arguments.length - 1];
(async () => {
  const found = [];
  for (const pixels of arguments[0]) found.push(await window.cnnlab.predict(pixels));
  return found;
})().then(done, (error) => done(String(error)));
"""


def images_of(run, data_dir, count=100):
    """(N, H, W, C) uint8 as they are before anything is done for the network."""
    dataset = run.record.config.dataset
    data = load_dataset(dataset, DataPaths(data_dir, data_dir / "cache", data_dir / "keras"))
    return raw_images(data.test.images[:count], dataset)


def assert_same_answers(chromium, page, runs, images):
    """The page's probabilities and Keras's differ by at most 0.0001."""
    from cnnlab.config.asked_runtime import asked_runtime
    from cnnlab.prediction import probabilities

    chromium.get(page.as_uri())
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return document.getElementById('trouble').hidden")
    chromium.set_script_timeout(300)
    found = chromium.execute_async_script(PREDICT, [image.ravel().tolist() for image in images])
    assert isinstance(found, list), found
    for index, (run, data_paths) in enumerate(runs):
        runtime = asked_runtime(run.record.config.runtime, backend=None, device=None)
        wanted = probabilities(run.record, images, data_paths, runtime)
        np.testing.assert_allclose([each[index] for each in found], wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_shipped_network_answers_as_in_keras(name, trained, made_up_data, chromium, tmp_path):
    run = trained(name)
    page = cnnlab.live(run, out=tmp_path / "live.html", data_dir=made_up_data, progress=False)
    paths = DataPaths(made_up_data, tmp_path, tmp_path)
    assert_same_answers(chromium, page.page, [(run, paths)], images_of(run, made_up_data))


VARIANTS = {
    "permuted": ("xo_cnn", {"dataset.permute_pixels": 3}),
    "standardized": ("colors_cnn_minimal", {"dataset.standardize": True}),
    "channels first": ("cnn_mixed_format", {"dataset.permute_pixels": 1, "dataset.standardize": True}),
    "bfloat16": ("shapes_cnn", {"runtime.precision": "mixed_bfloat16"}),
    "by hand": ("shapes_dnn", {"runtime.backend": "scratch"}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_done_to_pixels_is_done_in_the_page(variant, trained, made_up_data, chromium, tmp_path):
    name, settings = VARIANTS[variant]
    run = trained(name, **settings)
    page = cnnlab.live(run, out=tmp_path / "live.html", data_dir=made_up_data, progress=False)
    paths = DataPaths(made_up_data, tmp_path, tmp_path)
    if variant != "bfloat16":
        assert_same_answers(chromium, page.page, [(run, paths)], images_of(run, made_up_data))
        return
    # A page computes in float32: close to what 8 bits of precision give, and not the same.
    chromium.get(page.page.as_uri())
    images = images_of(run, made_up_data, 20)
    found = chromium.execute_async_script(PREDICT, [image.ravel().tolist() for image in images])
    wanted = run.predict(list(images), progress=False).probabilities
    np.testing.assert_allclose([each[0] for each in found], wanted, atol=0.03)
