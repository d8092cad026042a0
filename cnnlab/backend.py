"""The only place that picks Keras's backend, the device and determinism."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from cnnlab.compilation_cache import keep_compiled_programs
from cnnlab.cpu_settings import BackendName, KerasBackendName
from cnnlab.deferred_imports import deferred_imports
from cnnlab.errors import UserError
from cnnlab.native_log import Aside, stderr_aside
from cnnlab.process_environment import set_default, set_variable

DeviceName = Literal["auto", "cpu", "gpu"]


class Runtime(Protocol):
    """What the arithmetic is to run on: a config's `runtime`."""

    @property
    def backend(self) -> BackendName: ...

    @property
    def device(self) -> DeviceName: ...


@dataclass(frozen=True)
class Device:
    """One of the devices that a backend can compute on."""

    name: str  # such as GPU:0
    model: str = ""  # such as NVIDIA H100; empty for a CPU

    def __str__(self) -> str:
        return f"{self.name} ({self.model})" if self.model else self.name


@dataclass(frozen=True)
class Backend:
    """What the arithmetic runs on, once it is settled."""

    name: BackendName
    version: str  # of the framework, or of NumPy
    device: Literal["cpu", "gpu"]
    device_name: str
    host: Backend | None = None
    """Of cnnlab's own engine: what Keras runs on, which initializes the weights and saves the model."""
    devices: tuple[Device, ...] = ()
    """All of the kind in use, where a training can share each batch between several; it uses the first one
    unless it is told otherwise. A CPU counts as several where the backend was told to divide it."""

    def __str__(self) -> str:
        if self.host is None:
            return f"{self.name} {self.version} on {self.device_name}"
        keras = f"Keras on {self.host.name} {self.host.version}"
        return f"{self.name}, NumPy {self.version} on {self.device_name}, with {keras}"


_running: list[Backend] = []
"""Keras's backend in this process, once it has one: it cannot be moved to another, nor to another device."""


_computing = threading.RLock()
"""The random generators that Keras draws from belong to the process: runs are trained one after the other."""


def start_backend(runtime: Runtime) -> Backend:
    """Import Keras on the backend asked for, deterministic, and take the device; once per process.

    Raises:
        UserError: the backend is not installed, another one or another device is taken already, or there is
            no such device.
    """
    with _computing:
        if runtime.backend == "scratch":
            return _start_scratch(runtime.device)
        if "keras" in sys.modules:
            import keras

            if keras.backend.backend() != runtime.backend:
                raise UserError(
                    f"this process already uses {keras.backend.backend()}, and a process can use only one "
                    f"backend; run experiments on {runtime.backend} in a separate process"
                )
        return _start(runtime.backend, runtime.device)


def computes_on_gpu(backend: KerasBackendName | None = None) -> bool:
    """Whether the backend of this process has taken a GPU; if given, only this one."""
    return any(each.device == "gpu" and backend in (None, each.name) for each in _running)


def framework_errors() -> tuple[type[Exception], ...]:
    """What the backend raises that is none of Python's own errors: TensorFlow's are children of Exception."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return ()
    import tensorflow as tf

    return (tf.errors.OpError,)


def start_if_needed(runtime: Runtime) -> None:
    """Let Keras be there, on whatever backend: for questions that it answers alike on all of them."""
    if "keras" not in sys.modules:
        start_backend(runtime)


def set_seeds(seed: int) -> None:
    """Start every random generator that Keras and its backend draw from at `seed`.

    `keras.utils.set_random_seed` does the same, but imports TensorFlow wherever it is installed, which
    costs seconds on the other backends.
    """
    import keras
    import numpy as np

    random.seed(seed)  # Keras's initialisers and layers draw their own seeds from here
    np.random.seed(seed)  # noqa: NPY002
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.random.set_seed(seed)
        case "torch":
            import torch

            torch.manual_seed(seed)


@contextmanager
def own_randomness() -> Iterator[None]:
    """Seeds set in the block concern nobody else.

    No other thread computes meanwhile, and the caller's random numbers go on afterwards as if nothing had
    been drawn.
    """
    import numpy as np

    with _computing:
        python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _start_scratch(device: DeviceName) -> Backend:
    """Keras on what it runs on already, else on the first backend that is installed, with the CPU."""
    if device == "gpu":
        raise UserError(
            "--device gpu: backend scratch computes on the CPU; use --device cpu, or another backend, such "
            "as --backend tensorflow"
        )
    if "keras" in sys.modules:
        import keras

        host = _start(keras.backend.backend(), "auto")
    else:
        known: tuple[KerasBackendName, ...] = get_args(KerasBackendName)
        # Where none is installed, the absence of the first is an error with a way out.
        first = next((each for each in known if importlib.util.find_spec(each) is not None), known[0])
        host = _start(first, "cpu")
    import numpy as np

    return Backend("scratch", np.__version__, "cpu", _cpu(), host)


def _start(name: KerasBackendName, device: DeviceName) -> Backend:
    for running in _running:
        if device in ("auto", running.device):
            return running
        if device == "cpu" or _has_gpu(name):
            raise UserError(
                f"this process already uses the {running.device.upper()}, and a process can use only one "
                "device; "
                f"use --device {device} in a separate process"
            )
    if importlib.util.find_spec(name) is None:
        extra = "cnnlab" if name == "tensorflow" else f"'cnnlab[{name}]'"
        others = [each for each in get_args(KerasBackendName) if importlib.util.find_spec(each) is not None]
        instead = f", or use --backend {' or '.join(others)}" if others else ""
        raise UserError(f"backend {name} is not installed; install it with pip install {extra}{instead}")
    set_variable("KERAS_BACKEND", name)
    backend = {"tensorflow": _start_tensorflow, "jax": _start_jax, "torch": _start_torch}[name](device)
    _running[:] = [backend]
    return backend


def _has_gpu(name: KerasBackendName) -> bool:
    """Whether this machine has a GPU, be it hidden from the backend that runs."""
    match name:
        case "tensorflow":
            import tensorflow as tf

            return bool(tf.config.list_physical_devices("GPU"))
        case "jax":
            return os.environ.get("JAX_PLATFORMS") == "cpu"  # then it does not look for one: who knows
        case "torch":
            import torch

            return bool(torch.cuda.is_available())


def _start_tensorflow(device: DeviceName) -> Backend:
    set_default("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow asks for oneDNN by itself on the newest CPUs only; older ones gain from it as well.
    set_default("TF_ENABLE_ONEDNN_OPTS", "1")
    with start_up_noise() as noise, deferred_imports():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # every network is traced anew, which it warns of
        gpus = tf.config.list_physical_devices("GPU")
        if device == "cpu" and gpus:
            try:
                tf.config.set_visible_devices([], "GPU")
            except RuntimeError:
                raise _taken("TensorFlow") from None
            gpus = []
        for gpu in gpus:
            with suppress(RuntimeError):  # TensorFlow has started before, and holds what it holds
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
        tf.constant(0) + 1  # the devices start here, and say so
        from cnnlab.channels_first import complete_convolutions
    complete_convolutions()
    if device == "gpu" and not gpus:
        built = tf.sysconfig.get_build_info()
        cuda = f"for CUDA {built['cuda_version']}" if built.get("is_cuda_build") else "without CUDA"
        said = [line.split("] ", 1)[-1] for line in noise if "cuda" in line.lower() or "gpu" in line.lower()]
        raise _no_gpu(f"TensorFlow {tf.__version__}, built {cuda}", said)
    names = [each.name.removeprefix("/device:") for each in tf.config.list_logical_devices()]
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        model = str(details.get("device_name", gpus[0].name))
        found = tuple(Device(name, model) for name in names if name.startswith("GPU:"))
        return Backend("tensorflow", tf.__version__, "gpu", f"GPU ({model})", devices=found)
    found = tuple(Device(name) for name in names if name.startswith("CPU:"))
    return Backend("tensorflow", tf.__version__, "cpu", _cpu(), devices=found)


def _start_jax(device: DeviceName) -> Backend:
    if device == "cpu":
        set_variable("JAX_PLATFORMS", "cpu")
    else:
        flags = os.environ.get("XLA_FLAGS", "")
        set_variable("XLA_FLAGS", f"{flags} --xla_gpu_deterministic_ops=true".strip())
    with start_up_noise(), deferred_imports(but=("jax",)):
        import jax

        keep_compiled_programs()
        found = jax.devices()[0]
        import keras  # noqa: F401
    from cnnlab import keras_repairs

    keras_repairs.leave_tensorflow_alone()
    keras_repairs.fill_without_programs()
    if device == "cpu" and found.platform != "cpu":  # it had started before
        raise _taken("JAX")
    if device == "gpu" and found.platform == "cpu":
        raise _no_gpu(f"JAX {jax.__version__}", [])
    from cnnlab.fast_forms_jax import use_fast_form

    use_fast_form("max_pool")
    if found.platform == "cpu":
        devices = tuple(Device(f"CPU:{each.id}") for each in jax.local_devices())
        return Backend("jax", jax.__version__, "cpu", _cpu(), devices=devices)
    use_fast_form("average_pool")
    use_fast_form("conv")
    devices = tuple(Device(f"GPU:{each.id}", each.device_kind) for each in jax.local_devices())
    return Backend("jax", jax.__version__, "gpu", f"GPU ({found.device_kind})", devices=devices)


def _start_torch(device: DeviceName) -> Backend:
    set_default("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, cuBLAS is not deterministic
    import torch

    found = torch.cuda.is_available() and device != "cpu"
    if device == "gpu" and not found:
        raise _no_gpu(f"PyTorch {torch.__version__}, built for CUDA {torch.version.cuda}", [])
    set_variable("KERAS_TORCH_DEVICE", "cuda" if found else "cpu")
    torch.use_deterministic_algorithms(True)
    # It also fills every new tensor with NaN, lest somebody compute with memory that is not written yet.
    torch.utils.deterministic.fill_uninitialized_memory = False
    with deferred_imports():
        import keras  # noqa: F401
    from cnnlab import keras_repairs

    keras_repairs.leave_tensorflow_alone()
    keras_repairs.normalize_the_axes_named()
    keras_repairs.drop_out_by_the_layers_seed()
    name = f"GPU ({torch.cuda.get_device_name(0)})" if found else _cpu()
    return Backend("torch", torch.__version__, "gpu" if found else "cpu", name)


def _taken(framework: str) -> UserError:
    return UserError(
        f"--device cpu: {framework} has taken the GPU in this process already; "
        "use device auto, or start a process in which nothing has used Keras yet"
    )


def _no_gpu(library: str, said: list[str]) -> UserError:
    hints = "".join(f"\n   log: {line}" for line in dict.fromkeys(said))
    return UserError(
        f"--device gpu: {library}, found no GPU{hints}\n"
        "   check the driver with nvidia-smi, install CUDA with pip install 'cnnlab[gpu]', or use --device "
        "cpu"
    )


def _cpu() -> str:
    cores = os.cpu_count() or 1
    return f"CPU ({cores} core{'s' if cores > 1 else ''})"


@contextmanager
def start_up_noise() -> Iterator[list[str]]:
    """Keep the log lines that native libraries write while they start; they are there after the block.

    Log levels do not reach what is logged before the library has read them. Where starting fails, the user
    gets to see everything; not where they stop it.
    """
    lines: list[str] = []
    aside = Aside()
    try:
        with _computing, stderr_aside() as aside:  # in this order everywhere, for nobody to wait for ever
            yield lines
    except KeyboardInterrupt:
        raise
    except BaseException:
        sys.stderr.buffer.write(aside.text)
        raise
    finally:
        lines += aside.text.decode(errors="replace").splitlines()
