"""Every layer of the language in one network, on the runtimes of exported files."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from cnnlab.conversion.converting import Request, write
from cnnlab.conversion.formats import FORMATS
from cnnlab.conversion.running import opened

EVERY_LAYER = runpy.run_path(str(Path(__file__).parents[1] / "layers" / "scripts" / "every_layer.py"))


@pytest.mark.filterwarnings("ignore:In the future `np:FutureWarning")  # of tf2onnx
@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_every_layer_has_a_counterpart(kind, backend, tmp_path):
    import keras

    from cnnlab.model import build_model

    pytest.importorskip(FORMATS[kind].runtime_module)
    model = build_model(EVERY_LAYER["network"]("float32", "channels_last", "tensorflow"))
    pixels = EVERY_LAYER["images_of"]("channels_last")
    images = keras.Input(pixels.shape[1:], dtype="uint8", name="images")
    whole = keras.Model(images, model(keras.ops.cast(images, "float32") / 255.0, training=False))
    (tmp_path / "facts.json").write_text('{"known": true}')
    request = Request(tmp_path, tmp_path, kind, FORMATS[kind].file, None)
    wanted = np.asarray(whole(pixels))
    write(whole, tmp_path / request.file, request)
    answer, facts = opened(tmp_path / request.file, kind)
    assert np.ptp(wanted) > 0.01  # the images are told apart
    np.testing.assert_allclose(answer(pixels), wanted, atol=1e-5)
    facts = facts.decode() if isinstance(facts, bytes) else facts
    assert facts == '{"known": true}'
