"""What cnnlab sets for its own process does not reach the processes that it starts."""

import os
import subprocess
import sys

import pytest

from cnnlab import process_environment
from cnnlab.process_environment import environment_of_the_user, set_default, set_variable


@pytest.fixture(autouse=True)
def nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_environment, "_CHANGED", {})
    monkeypatch.setenv("MINE", "as it was")
    monkeypatch.delenv("OWN", raising=False)


def test_what_cnnlab_sets_is_taken_back() -> None:
    before = dict(os.environ)
    set_variable("MINE", "1")
    set_variable("MINE", "2")
    set_variable("OWN", "3")
    assert (os.environ["MINE"], os.environ["OWN"]) == ("2", "3")
    assert environment_of_the_user() == before
    del os.environ["OWN"]


def test_what_the_user_has_set_is_kept() -> None:
    set_default("MINE", "cnnlab's")
    set_variable("OWN", "cnnlab's")
    os.environ["OWN"] = "the user's, later"
    environment = environment_of_the_user()
    assert (environment["MINE"], environment["OWN"]) == ("as it was", "the user's, later")
    del os.environ["OWN"]


def test_a_backend_leaves_no_trace_in_other_processes() -> None:
    code = (
        "import os\n"
        "before = dict(os.environ)\n"
        "from cnnlab.backend import start_backend\n"
        "from cnnlab.config.sections import RuntimeConfig\n"
        "from cnnlab.cpu_settings import use_threads\n"
        "from cnnlab.process_environment import environment_of_the_user\n"
        "use_threads('jax', 1)\n"
        "start_backend(RuntimeConfig(backend='jax', device='cpu'))\n"
        "assert os.environ['PJRT_NPROC'] == '1' and os.environ['JAX_PLATFORMS'] == 'cpu'\n"
        "after = environment_of_the_user()\n"
        "names = 'KERAS_BACKEND', 'JAX_PLATFORMS', 'NPROC', 'PJRT_NPROC', 'XLA_FLAGS'\n"  # JAX adds some, too
        "print([name for name in names if before.get(name) != after.get(name)])\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS_", "JAX_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]"
