"""A backend starts without what it imports on the side, and nobody is missing it."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnlab import deferred_imports as module
from cnnlab import starting
from cnnlab.deferred_imports import deferred_imports

START = """\
import sys
from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig

start_backend(RuntimeConfig(backend={backend!r}, device="cpu"))
"""

SIDE = "({'IPython', 'jax', 'matplotlib', 'pandas', 'sklearn', 'torch'} & sys.modules.keys())"

USE = """\
import numpy as np
import keras
import tensorflow as tf
from keras.src.trainers.data_adapters.array_slicing import can_slice_array

assert can_slice_array(np.zeros(3)) and "pandas" not in sys.modules
import pandas as pd

table = pd.DataFrame({"x": [1.0, 2.0]})
assert can_slice_array(table) and can_slice_array(table.x)
tf.random.set_seed(0)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
assert len(model.fit(table, table.x, verbose=0).epoch) == 1
from keras.wrappers import SKLearnRegressor
from sklearn.base import BaseEstimator

assert issubclass(SKLearnRegressor, BaseEstimator) and keras.wrappers.SKLearnRegressor is SKLearnRegressor
images = np.zeros((4, 8, 8, 3), "uint8")
keras.visualization.plot_image_gallery(images, value_range=(0, 255), rows=2, cols=2, path=sys.argv[1])
print("used")
"""


def in_process(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tensorflow_starts_alone() -> None:
    assert in_process(f"{START.format(backend='tensorflow')}print{SIDE}") == "set()\n"


def test_other_backends_start_alone(elsewhere, other: str) -> None:
    elsewhere(START.format(backend=other) + f"assert {SIDE} == {{{other!r}}}")


def test_keras_gets_what_it_was_kept_from(tmp_path: Path) -> None:
    picture = tmp_path / "gallery.png"
    assert in_process(START.format(backend="tensorflow") + USE, str(picture)) == "used\n"
    assert picture.stat().st_size


def test_only_in_a_process_of_its_own_cnnlab_keeps_all_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.unfreeze()  # conftest keeps what this process has loaded
    monkeypatch.setattr(starting, "_own", [])
    with deferred_imports():
        pass
    assert gc.get_freeze_count() == 0
    monkeypatch.setattr(starting, "_own", [True])
    try:
        with deferred_imports():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.freeze()


def test_a_command_has_a_process_of_its_own() -> None:
    code = """\
from cnnlab import cli, starting

assert not starting.runs_nothing_else()
cli.run = lambda arguments: print(starting.runs_nothing_else()) or 0
cli.main()
"""
    assert in_process(code) == "True\n"


def test_a_worker_has_a_process_of_its_own() -> None:
    code = """\
import os, pickle
from types import SimpleNamespace

from cnnlab import starting
from cnnlab.workers import worker

assert not starting.runs_nothing_else()
worker._work = lambda *_: print(starting.runs_nothing_else(), flush=True)
tasks, parent = map(os.fdopen, os.pipe(), ("rb", "wb"))
pickle.dump(SimpleNamespace(settings=SimpleNamespace(command=["cnnlab"])), parent)
parent.flush()
worker.main(tasks, None)
"""
    assert in_process(code) == "True\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose import is put off."""
    folder = tmp_path / "put_off"
    folder.mkdir()
    (folder / "__init__.py").write_text("__version__ = '1.0'\nclass Thing:\n    answer = 42\n")
    (folder / "inside.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "NEVER_NEEDED_AT_ONCE", frozenset({"put_off", "not_installed"}))
    yield "put_off"
    for name in [name for name in sys.modules if name.partition(".")[0] == "put_off"]:
        del sys.modules[name]


def test_names_stand_for_what_they_were_imported_as(package: str) -> None:
    with deferred_imports():
        import put_off
        import put_off.inside as inside
        from put_off import Thing
        from put_off import inside as again
        from put_off.inside import double
    assert package not in sys.modules
    assert not isinstance(3, Thing)
    assert package not in sys.modules  # nothing can be a Thing yet
    assert (double(4), inside.double(4), again.double(4)) == (8, 8, 8)
    assert put_off.Thing.answer == Thing.answer == 42
    assert isinstance(sys.modules[package].Thing(), Thing)


def test_what_is_used_at_once_is_there_at_once(package: str) -> None:
    with deferred_imports():
        from put_off import Thing

        class Derived(Thing):
            pass

        import put_off
    assert Derived.answer == 42
    assert Derived.__mro__[1] is sys.modules[package].Thing is put_off.Thing


def test_what_was_imported_before_stays(package: str) -> None:
    import put_off as before

    with deferred_imports():
        import put_off
    assert put_off is before is sys.modules[package]


def test_other_threads_import_as_ever(package: str) -> None:
    found = []

    def work() -> None:
        import put_off

        found.append(put_off.Thing.answer)

    with deferred_imports():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert vars(sys.modules[package])["Thing"].answer == 42
    assert found == [42]
    assert package in sys.modules


def test_other_threads_find_more_than_placeholders(package: str) -> None:
    found = []

    def work() -> None:
        import put_off.inside

        found.extend([put_off.inside.double(4), put_off.__version__])

    with deferred_imports():
        import put_off

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [8, "1.0"]
    assert put_off.Thing.answer == 42


def test_a_version_and_a_subclass_are_the_real_ones(package: str) -> None:
    with deferred_imports():
        import put_off
        from put_off import Thing
    assert not issubclass(int, Thing)
    assert package not in sys.modules
    assert put_off.__version__ == "1.0"
    assert issubclass(type("Derived", (sys.modules[package].Thing,), {}), Thing)


def test_what_is_not_installed_is_missing(package: str) -> None:
    with deferred_imports(), pytest.raises(ModuleNotFoundError):
        import not_installed  # noqa: F401


@pytest.mark.parametrize("collects", [True, False])
def test_the_garbage_collector_goes_on_as_before(collects: bool) -> None:
    try:
        if not collects:
            gc.disable()
        with deferred_imports():
            assert not gc.isenabled()
        assert gc.isenabled() == collects
    finally:
        gc.enable()


def test_exceptions_leave_the_imports_as_they_were(package: str) -> None:
    finders = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError), deferred_imports(but=("put_off",)):
        import put_off.not_there  # noqa: F401
    assert sys.meta_path == finders
    assert package in sys.modules
