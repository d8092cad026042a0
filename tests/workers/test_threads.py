"""The number of threads that is asked for is the one that computes, and the one that is recorded."""

import subprocess
import sys
from pathlib import Path

import pytest

import cnnlab
from cnnlab.api.training import estimate_costs
from cnnlab.cpu_settings import usual_threads

COUNT = """
import os
from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import threads_of, use_threads

use_threads({backend!r}, 3)
start_backend(RuntimeConfig(backend={backend!r}, device="cpu"))
{compute}
names = [open(f"/proc/self/task/{{thread}}/comm").read().strip() for thread in os.listdir("/proc/self/task")]
print(*threads_of({backend!r}), names.count({pool!r}))
"""

TENSORFLOW = "import tensorflow as tf; tf.function(lambda x: x @ x)(tf.ones((800, 800)))"
JAX = "import jax; jax.jit(lambda x: x @ x)(jax.numpy.ones((800, 800))).block_until_ready()"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux names the threads of a process")
@pytest.mark.parametrize(
    ("backend", "compute", "pool"),
    [
        pytest.param("tensorflow", TENSORFLOW, "tf_Compute", id="tensorflow"),
        pytest.param("jax", JAX, "tf_XLAEigen", id="jax"),
    ],
)
def test_a_backend_has_as_many_threads_as_it_is_told(backend: str, compute: str, pool: str) -> None:
    pytest.importorskip(backend)
    program = COUNT.format(backend=backend, compute=compute, pool=pool)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "3", "3"]


TORCH = """
import os
from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import threads_of, use_threads, usual_threads

use_threads("torch", 3)
start_backend(RuntimeConfig(backend="torch", device="cpu"))
assert threads_of("torch")[0] == usual_threads("torch") == 3
import torch

def threads():
    return len(os.listdir("/proc/self/task"))

before = threads()
torch.ones(10**6).exp()
assert threads() == before + 2, (before, threads())  # and the one that calls
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists the threads of a process")
@pytest.mark.parametrize("other", ["torch"])
def test_torch_has_as_many_threads_as_it_is_told(elsewhere) -> None:
    elsewhere(TORCH)


def test_costs_are_estimated_with_threads_that_this_process_does_not_have(backend) -> None:
    """In another process: here, nothing could change them any more, and nothing does."""
    usual = usual_threads("tensorflow")
    dataset = {"name": "xo", "size": 10, "train_count": 100, "test_count": 40}
    output = {"Dense": {"units": 2, "activation": "softmax"}}
    experiment = cnnlab.Experiment(dataset=dataset, layers=["Flatten", output], name="linear")
    (estimate,) = estimate_costs([experiment], threads=usual + 1)
    assert (estimate.name, estimate.steps_per_epoch) == ("linear", 3)
    assert estimate.steps > 1
    assert 0 < estimate.seconds_per_step < estimate.seconds
    assert usual_threads("tensorflow") == usual


@pytest.mark.usefixtures("backend")
def test_a_backend_that_has_started_keeps_its_threads() -> None:
    from cnnlab.cpu_settings import use_threads
    from cnnlab.errors import UserError

    usual = usual_threads("tensorflow")
    use_threads("tensorflow", usual)
    with pytest.raises(UserError) as refused:
        use_threads("tensorflow", usual + 1)
    assert str(refused.value).startswith(
        f"--threads {usual + 1}: this process already computes with {usual} "
    )
