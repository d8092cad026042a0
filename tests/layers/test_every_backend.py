"""Every layer of the language × training and inference × precision × data format × backend."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "scripts" / "every_layer.py"
EVERY_LAYER = runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize("data_format", EVERY_LAYER["FORMATS"])
@pytest.mark.parametrize("precision", EVERY_LAYER["PRECISIONS"])
def test_on_tensorflow(precision, data_format, backend, tmp_path):
    EVERY_LAYER["exercise"]("tensorflow", precision, data_format, tmp_path)


def test_on_another_backend(other, elsewhere, tmp_path):
    """In one process, without TensorFlow: all precisions and formats, one after the other."""
    arguments = [str(SCRIPT), other, str(tmp_path)]
    elsewhere(f"import runpy; sys.argv = {arguments}; runpy.run_path(sys.argv[0], run_name='__main__')")
    assert len(list(tmp_path.glob(f"{other}-*.keras"))) == len(EVERY_LAYER["PRECISIONS"]) * len(
        EVERY_LAYER["FORMATS"]
    )
