"""What JAX computes in a form of its own on a GPU: the numbers are Keras's, and so are the gradients.

No GPU is needed: the forms are called on a CPU.
"""

from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "scripts" / "forms_for_gpus.py"


@pytest.fixture
def other():
    return "jax"


def test_forms_for_gpus(elsewhere):
    """Max pooling to the bit, ties included; average pooling, convolutions and losses to rounding."""
    elsewhere(f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')")
