"""A batch in portions: on threads or not, the same bits."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cnnlab.layers.window import Window
from cnnlab.scratch import convolution, portions
from cnnlab.scratch.pooling import max_pool


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "NUMBERS_AT_ONCE", 2000)  # a batch is several portions then
    random = np.random.default_rng(0)
    images = random.normal(size=(23, 9, 8, 3)).astype(np.float32)
    kernel = random.normal(size=(3, 2, 3, 4)).astype(np.float32)
    window = Window((3, 2), (1, 2), "same")

    def computed() -> list[np.ndarray]:
        maps = convolution.correlate(images, kernel, window)
        pooled, back = max_pool(maps, Window((2, 2), (1, 1)))
        return [
            maps,
            convolution.to_images(maps, kernel, (9, 8), window),
            convolution.to_kernel(images, maps, window),
            pooled,
            back(pooled),
        ]

    alone = computed()
    for count in (2, 5):
        with portions.on_threads(count):
            for one, other in zip(alone, computed(), strict=True):
                assert one.tobytes() == other.tobytes()


def test_results_come_in_order_from_other_threads() -> None:
    with portions.on_threads(3):
        where = list(portions.in_portions(lambda each: (each.start, threading.get_ident()), 10, 2**17))
    assert [start for start, _ in where] == [0, 2, 4, 6, 8]
    assert threading.get_ident() not in {thread for _, thread in where}
    inside = list(portions.in_portions(lambda _: threading.get_ident(), 10, 2**17))
    assert set(inside) == {threading.get_ident()}


def test_what_fails_in_a_thread_is_raised_here() -> None:
    def fail(portion: slice) -> None:
        if portion.start == 4:
            raise FloatingPointError("portion 4")

    with portions.on_threads(2), pytest.raises(FloatingPointError, match="portion 4"):
        list(portions.in_portions(fail, 10, 2**17))


def test_threads_handle_overflows_as_their_caller_does() -> None:
    def overflow(_: slice) -> None:
        np.float32(3e38) * np.float32(10)

    with portions.on_threads(2), np.errstate(over="raise"), pytest.raises(FloatingPointError):
        list(portions.in_portions(overflow, 4, 2**18))


def test_a_product_of_matrices_has_one_thread_while_the_engine_computes() -> None:
    def found() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        with portions.on_engine_threads():
            assert found() == {1}
        assert found() == {2}
