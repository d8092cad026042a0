"""File descriptor 2 is turned aside by one thread at a time, and given back."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from cnnlab.backend import own_randomness, start_up_noise
from cnnlab.native_log import stderr_aside

ENOUGH = 10
"""Seconds in which a thread that waits for nobody is done."""


def in_thread(target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def stderr():
    found = os.fstat(2)
    return found.st_dev, found.st_ino


def test_what_is_written_in_the_block_is_kept():
    with stderr_aside() as outer:
        os.write(2, b"a")
        with stderr_aside() as inner:
            os.write(2, b"b")
        os.write(2, b"c")
    assert (outer.text, inner.text) == (b"ac", b"b")


@contextmanager
def full_stderr():
    kept = os.dup(2)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(full)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_run_is_not_lost_where_stderr_is_full(backend, monkeypatch):
    from cnnlab import channels_first
    from cnnlab.training import slow_precision as module

    def seconds_of(dtype, kind):
        if dtype == "bfloat16":
            os.write(2, b"as the library says")
        return 0.01

    monkeypatch.setattr(module, "seconds_of", seconds_of)
    monkeypatch.setattr(channels_first, "FAILURE_LOGGED", channels_first.re.compile(b"nothing"))

    def convolution(images):
        os.write(2, b"as the library says")
        return images * 2

    with full_stderr():
        assert module.slow_precision("mixed_bfloat16", convolutions=True) is None
        assert channels_first.computes(convolution, (channels_first.Operand((2, 3), "float32"),), ())


def test_two_threads_leave_stderr_where_it_was():
    before = stderr()
    second_inside, first_left = threading.Event(), threading.Event()
    kept = []

    def take():
        with stderr_aside() as aside:
            second_inside.set()
            first_left.wait(ENOUGH)
            os.write(2, b"second")
        kept.append(aside.text)

    with stderr_aside() as aside:
        second = in_thread(take)
        second_inside.wait(0.3)  # it would be inside by then if it did not wait
        os.write(2, b"first")
    first_left.set()
    second.join(ENOUGH)
    assert stderr() == before
    assert [aside.text, *kept] == [b"first", b"second"]


def test_a_thread_that_loads_a_model_and_one_that_trains_do_not_wait_for_each_other():
    """The one needs the random generators while the log is aside, the other tries operations meanwhile."""
    loading = threading.Event()

    def load():
        with start_up_noise():
            loading.set()
            training_waits.wait(0.3)
            with own_randomness():
                pass

    def train():
        loading.wait(ENOUGH)
        with own_randomness():
            training_waits.set()
            with stderr_aside():
                pass

    training_waits = threading.Event()
    threads = [in_thread(load), in_thread(train)]
    for thread in threads:
        thread.join(ENOUGH)
    assert not any(thread.is_alive() for thread in threads)
