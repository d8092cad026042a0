"""The bounds that readers are held to do end what goes beyond them."""

import os
import time

import numpy as np
import pytest

from tests.corpus.bounds import OutOfBounds, bounded


def test_what_never_ends_is_ended(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    began = time.perf_counter()
    with pytest.raises(OutOfBounds, match=r"takes more than 0\.2 s"), bounded(seconds=0.2):
        (tmp_path / "pipe").read_bytes()
    assert time.perf_counter() - began < 10


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="no peak that can be reset")
def test_memory_that_was_held_in_between_counts():
    with pytest.raises(OutOfBounds, match="bytes"), bounded(memory=1 << 24):
        np.ones(1 << 24).sum()
    with bounded(memory=1 << 24):
        np.ones(1 << 10).sum()
