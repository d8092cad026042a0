"""A saved model is loaded by a process that knows nothing but the file and cnnlab's own layers."""

import subprocess
import sys

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.model import build_model

LOAD = """
import sys
from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig
start_backend(RuntimeConfig())
import keras, numpy
import cnnlab.layers.custom
model = keras.models.load_model(sys.argv[1])
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]), verbose=0))
"""


def test_our_own_layers_survive_saving(tmp_path, backend):
    normalization = {"LocalResponseNormalization": {"depth_radius": 2, "alpha": 0.5, "beta": 0.75}}
    layers = [normalization, "Grayscale", "Flatten", {"Dense": {"units": 3}}]
    config = ExperimentConfig.model_validate(
        {"name": "own_layers", "model": {"input_shape": [6, 6, 3], "layers": layers}}
    )
    model = build_model(config)
    images = np.random.default_rng(0).random((2, 6, 6, 3), np.float32)
    np.save(tmp_path / "images.npy", images)
    model.save(tmp_path / "model.keras")
    subprocess.run(
        [sys.executable, "-c", LOAD, "model.keras", "images.npy", "outputs.npy"], cwd=tmp_path, check=True
    )
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), model.predict(images, verbose=0), rtol=1e-6)
