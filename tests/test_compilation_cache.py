"""Programs that JAX has compiled are kept for the next process, within bounds, and change no bit."""

import json
import os
import warnings
from pathlib import Path

import pytest

from cnnlab import cli, compilation_cache

TRAIN = """\
import hashlib, json, os, warnings
from collections import Counter
from pathlib import Path

warnings.simplefilter("error", UserWarning)  # as which JAX says that it cannot use an entry
os.environ["CNNLAB_CACHE"] = {cache!r}
import jax
import cnnlab

events = Counter()
jax.monitoring.register_event_listener(lambda event, **_: events.update([event.rpartition("/")[2]]))
config = cnnlab.Experiment(
    dataset={{"name": "colors", "train_size": 200, "validation_size": 50}},
    layers=[cnnlab.layers.Flatten(), cnnlab.layers.Dense(units=6, activation="softmax")],
    training={{"epochs": 1}}, runtime={{"backend": "jax", "device": "cpu"}},
)
(run,) = cnnlab.train(config, out={out!r})
# The process is the caller's, and so are its filters.
assert not any(each[1] and "compilation" in each[1].pattern for each in warnings.filters)
files = hashlib.sha256((run.folder / "predictions.npz").read_bytes()).hexdigest()
Path({told!r}).write_text(json.dumps([files, events["cache_hits"], events["cache_misses"]]))
"""

MOST_PROGRAMS = 53
"""Of that training. Some 36 are operations of the loss, for splits of three sizes: on a CPU they stay single
ones, and the last digits what they were."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled programs are kept."""
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path))
    return tmp_path / "compiled"


def write_program(folder: Path, name: str, *, whole: bool) -> None:
    (folder / f"{name}-cache").write_bytes(b"program")
    if whole:
        (folder / f"{name}-atime").write_bytes(bytes(8))


def test_the_folder_is_the_users_own(folder: Path) -> None:
    own = compilation_cache._prepared()
    assert own.parent == folder
    assert own.stat().st_mode & 0o777 == 0o700


def test_half_written_programs_are_removed(folder: Path) -> None:
    own = compilation_cache._prepared()
    write_program(own, "whole", whole=True)
    write_program(own, "killed", whole=False)
    assert compilation_cache._prepared() == own
    assert {each.name for each in own.glob("*-*")} == {"whole-cache", "whole-atime"}


def test_the_machines_used_last_keep_their_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for number in range(compilation_cache.MOST_FOLDERS + 2):
        monkeypatch.setattr(compilation_cache, "kind_of_machine", lambda number=number: str(number))
        made.append(compilation_cache._prepared())
        os.utime(made[-1], (number, number))
    assert set(folder.iterdir()) == set(made[-compilation_cache.MOST_FOLDERS :])


def test_what_others_can_write_is_not_run(folder: Path) -> None:
    compilation_cache._prepared().chmod(0o777)
    with pytest.raises(PermissionError):
        compilation_cache._prepared()


def test_another_number_of_threads_is_another_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PJRT_NPROC", "1")
    before = compilation_cache._prepared()
    monkeypatch.setenv("PJRT_NPROC", "2")
    assert compilation_cache._prepared() != before


@pytest.fixture
def other() -> str:
    return "jax"


def test_the_next_run_compiles_nothing_and_gets_the_same_bits(elsewhere, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    cache = tmp_path / "cache"
    found = []
    for name in ("first", "second"):
        elsewhere(TRAIN.format(cache=str(cache), out=str(tmp_path / name), told=str(told)))
        found.append(json.loads(told.read_text()))
    (bits, hits, misses), (bits_again, hits_again, misses_again) = found
    assert bits_again == bits
    assert (hits, misses_again) == (0, 0)
    assert hits_again == misses > 0
    assert misses <= MOST_PROGRAMS
    assert len([*cache.glob("compiled/*/*-cache")]) == misses


def test_without_a_folder_nothing_is_kept(elsewhere, tmp_path: Path) -> None:
    elsewhere(
        "import os, jax\n"
        "os.environ['CNNLAB_CACHE'] = '/dev/null/nowhere'\n"
        "from cnnlab.compilation_cache import keep_compiled_programs\n"
        "keep_compiled_programs()\n"
        "assert jax.config.jax_compilation_cache_dir is None\n"
        "assert jax.jit(lambda x: x + 1)(1) == 2"
    )


def test_whoever_switches_it_off_gets_none(elsewhere, tmp_path: Path) -> None:
    elsewhere(
        "import os\n"
        "os.environ['JAX_ENABLE_COMPILATION_CACHE'] = 'false'\n"
        f"os.environ['CNNLAB_CACHE'] = {str(tmp_path / 'cache')!r}\n"
        "import jax\n"
        "from cnnlab.compilation_cache import keep_compiled_programs\n"
        "keep_compiled_programs()\n"
        "assert jax.config.jax_compilation_cache_dir is None\n"
    )
    assert not (tmp_path / "cache").exists()


def test_commands_do_not_tell_that_a_program_could_not_be_kept() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cli._settle_libraries()
        warnings.warn(
            "Error writing persistent compilation cache entry for 'jit_step': no space", stacklevel=1
        )
        warnings.warn("something else", stacklevel=1)
    assert [str(each.message) for each in told] == ["something else"]


def test_the_users_own_cache_is_used(elsewhere, tmp_path: Path) -> None:
    elsewhere(
        "import os, jax\n"
        f"jax.config.update('jax_compilation_cache_dir', {str(tmp_path / 'own')!r})\n"
        f"os.environ['CNNLAB_CACHE'] = {str(tmp_path / 'other')!r}\n"
        "from cnnlab.compilation_cache import keep_compiled_programs\n"
        "keep_compiled_programs()\n"
        f"assert jax.config.jax_compilation_cache_dir == {str(tmp_path / 'own')!r}\n"
    )
    assert not (tmp_path / "other").exists()
