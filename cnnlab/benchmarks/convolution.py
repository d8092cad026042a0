"""Seconds of one convolution, forwards and backwards: in loops, compiled, as im2col and in Keras."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.benchmarks.convolution_passes import (
    IMAGE,
    KERNELS,
    PASSES,
    Arrays,
    Passes,
    PassName,
    keras_passes,
    scratch_passes,
    seconds_to_compile,
)
from cnnlab.benchmarks.timing import Timing
from cnnlab.blas import blas_name
from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import threads_of
from cnnlab.reporting import Reporter
from cnnlab.run_folders.environment import computed_with
from cnnlab.scratch.loop_cost import loop_seconds
from cnnlab.scratch.portions import on_engine_threads
from cnnlab.wording import counted, three_digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMPLEMENTATIONS = ("loops", "numba", "im2col", "keras")

INSTALL_NUMBA = "pip install 'cnnlab[numba]'"


@dataclass(frozen=True)
class PassSpeed:
    """How fast one implementation is on one pass, and how far its result is from that of the loops.

    largest_difference: of two elements, as a share of the largest absolute value in the loops' result.
    """

    seconds: Timing
    times_faster: float  # than the loops, by medians
    multiplications_per_second: float
    largest_difference: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "seconds": self.seconds.as_dict()}


@dataclass(frozen=True)
class ImplementationSpeed:
    """One implementation: loops, numba, im2col or keras.

    passes: all of them, or none where it is not installed.
    compilation_seconds: of all passes together; Keras's are those of the first calls.
    missing: how to install it, where it is not.
    """

    name: str
    passes: Mapping[PassName, PassSpeed]
    compilation_seconds: float | None = None
    missing: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "passes": {name: each.as_dict() for name, each in self.passes.items()}}


@dataclass(frozen=True)
class ConvolutionSpeed:
    """How fast the lecture's convolution is here. Seconds are those of one pass over all images."""

    images: int
    multiplications: int  # of one pass
    estimated_seconds: float  # of all passes in loops, from a few multiplications
    implementations: tuple[ImplementationSpeed, ...]
    environment: Mapping[str, Any]  # versions, device and threads, as in a run's environment.json

    @cached_property
    def figure(self) -> Figure:
        """The seconds as bars, on a logarithmic scale; drawn when it is first looked at."""
        return self.draw()

    def draw(self, *, aspect: str = "auto", font_scale: float = 1.0) -> Figure:
        """The figure anew.

        Args:
            aspect: of its sides: auto, 16:9, 4:3.
            font_scale: how much larger its text is, 0.5 to 2.

        Raises:
            UserError: there is no such aspect or scale.
        """
        from cnnlab.pictures.kit.files import PictureFiles
        from cnnlab.pictures.kit.page import drawing_for
        from cnnlab.pictures.plots.speeds import speed_bars

        installed = [each for each in self.implementations if each.passes]
        seconds: dict[str, dict[str, float]] = {
            name: {each.name: each.passes[name].seconds.median for each in installed} for name in PASSES
        }
        with drawing_for(PictureFiles.of(aspect=aspect, font_scale=font_scale).page):
            return speed_bars(seconds, baseline="loops", title=f"Convolution of {self.shapes}")

    @property
    def shapes(self) -> str:
        """64 images of 28×28×3 with 4 kernels of 3×3×3"""
        image, kernel = ("×".join(map(str, shape)) for shape in (IMAGE, KERNELS[:3]))
        return f"{counted(self.images, 'image')} of {image} with {KERNELS[3]} kernels of {kernel}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "images": self.images,
            "image_shape": list(IMAGE),
            "kernel_shape": list(KERNELS),
            "dtype": "float32",
            "multiplications": self.multiplications,
            "estimated_seconds": self.estimated_seconds,
            "implementations": [each.as_dict() for each in self.implementations],
            "environment": dict(self.environment),
        }


def measure_convolution(
    images: int, *, repeats: int, runtime: RuntimeConfig, reporter: Reporter
) -> ConvolutionSpeed:
    """Time one convolution: in loops once, by all others several times, in turn and after a warm-up.

    Args:
        repeats: of all but the loops.
        runtime: whose backend and device Keras computes on.

    Raises:
        UserError: the backend or the device is not there.
    """
    backend = start_backend(runtime)
    reporter.note(str(backend))
    arrays = Arrays.drawn(images)
    estimated = arrays.multiplications * sum(loop_seconds(*KERNELS))
    reporter.note(f"the loops take about {three_digits(estimated)} s")
    measured = _in_turn({"loops": scratch_passes(arrays, "loops")}, rounds=1)
    others: dict[str, Passes] = {"im2col": scratch_passes(arrays, "im2col"), "keras": keras_passes(arrays)}
    compilation = {}
    if importlib.util.find_spec("numba") is not None:
        others["numba"] = scratch_passes(arrays, "numba")
        compilation["numba"] = seconds_to_compile(others["numba"])
    warm_up = _in_turn(others, rounds=1)
    compilation["keras"] = sum(each.seconds.median for each in warm_up["keras"].values())
    measured |= _in_turn(others, rounds=repeats)
    implementations = (
        ImplementationSpeed(
            name,
            {
                each: _speed(measured[name][each], measured["loops"][each], arrays.multiplications)
                for each in PASSES
                if name in measured
            },
            compilation.get(name),
            None if name in measured else INSTALL_NUMBA,
        )
        for name in IMPLEMENTATIONS
    )
    facts = computed_with(backend, runtime) | {
        "blas": blas_name(),
        "numba": version("numba") if "numba" in measured else None,
        "im2col_threads": threads_of("scratch")[0],
    }
    return ConvolutionSpeed(images, arrays.multiplications, estimated, tuple(implementations), facts)


class _Measured(NamedTuple):
    seconds: Timing
    result: np.ndarray


def _in_turn(implementations: Mapping[str, Passes], *, rounds: int) -> dict[str, dict[PassName, _Measured]]:
    """Each pass of each implementation, again and again; by hand with the threads of a training."""
    seconds: dict[tuple[str, PassName], list[float]] = {
        (name, each): [] for name in implementations for each in PASSES
    }
    results = {}
    for _ in range(rounds):
        for (name, each), taken in seconds.items():
            with on_engine_threads() if name != "keras" else nullcontext():
                began = perf_counter()
                results[name, each] = implementations[name][each]()
                taken.append(perf_counter() - began)
    return {
        name: {each: _Measured(Timing(tuple(seconds[name, each])), results[name, each]) for each in PASSES}
        for name in implementations
    }


def _speed(measured: _Measured, loops: _Measured, multiplications: int) -> PassSpeed:
    seconds = measured.seconds.median
    return PassSpeed(
        measured.seconds,
        loops.seconds.median / seconds,
        multiplications / seconds,
        float(np.abs(measured.result - loops.result).max() / np.abs(loops.result).max()),
    )
