"""File descriptor 2 is turned aside by one thread at a time, and given back."""

import os
import threading

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
