"""A batch of images, a few at a time: so that they stay in the CPU's cache, and on several threads.

Which images go together does not depend on the number of threads, and neither do the results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

import numpy as np

from cnnlab.blas import blas_threads
from cnnlab.cpu_settings import threads_of
from cnnlab.scratch.backward import Computed

Result = TypeVar("Result")

NUMBERS_AT_ONCE = 2**18
"""What a portion takes, roughly: 1 MB of float32."""

_threads: ContextVar[tuple[Executor, int] | None] = ContextVar("threads", default=None)
"""The threads, and how many they are."""


@contextmanager
def on_engine_threads() -> Iterator[None]:
    """In the block, as many portions are computed at once as the engine has threads.

    A product of matrices then has one thread: those of a portion are small, and several threads would spend
    most of their time waiting for one another.
    """
    with blas_threads(1), on_threads(threads_of("scratch")[0]):
        yield


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """In the block, so many portions are computed at once: NumPy lets other threads go on meanwhile."""
    if count == 1:
        yield
        return
    with ThreadPoolExecutor(count, "portions") as threads:
        token = _threads.set((threads, count))
        try:
            yield
        finally:
            _threads.reset(token)


def in_portions(work: Callable[[slice], Result], images: int, numbers: int) -> Iterator[Result]:
    """What `work` gives for each portion of a batch, in order.

    Args:
        work: computes a slice of the batch.
        images: how many there are. numbers: what one of them takes on the way.
    """
    size = max(1, NUMBERS_AT_ONCE // numbers)
    portions = [slice(start, start + size) for start in range(0, images, size)]
    at_work = _threads.get()
    if at_work is None or len(portions) == 1:
        yield from map(work, portions)
        return
    threads, count = at_work
    tasks: deque[Future[Result]] = deque()
    for portion in portions:
        # What holds in this thread, such as NumPy's handling of overflows, holds in the others, too.
        tasks.append(threads.submit(copy_context().run, work, portion))
        if len(tasks) > count:  # no more results than that wait to be taken
            yield tasks.popleft().result()
    while tasks:
        yield tasks.popleft().result()


def computed_in_portions(function: Callable[[np.ndarray], Computed], images: np.ndarray) -> Computed:
    """A function that treats each image by itself, and its way back, portion by portion.

    Args:
        function: (n, …) → (n, …), and the way back from the gradient with respect to that.
        images: (N, …)
    """
    numbers = images[0].size

    def forward(portion: slice) -> tuple[slice, Computed]:
        return portion, function(images[portion])

    parts = list(in_portions(forward, len(images), numbers))
    if len(parts) == 1:
        return parts[0][1]

    def backward(gradient: np.ndarray) -> np.ndarray:
        to_images = np.empty(images.shape, gradient.dtype)
        ways_back = {portion.start: back for portion, (_, back) in parts}

        def back(portion: slice) -> None:
            to_images[portion] = ways_back[portion.start](gradient[portion])

        for _ in in_portions(back, len(images), numbers):
            pass
        return to_images

    return np.concatenate([output for _, (output, _) in parts]), backward
