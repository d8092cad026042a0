"""`import cnnlab`: light, complete, and whole after every submodule has been imported."""

import json
import pkgutil
import subprocess
import sys

import pytest

import cnnlab

HEAVY = [
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "pandas",
    "matplotlib",
    "scipy",
    "PIL",
    "click",
    "rich",
]


def in_a_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_it_loads_no_framework():
    loaded = in_a_process(f"import cnnlab, sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]\n"


def test_a_config_is_checked_without_any_framework():
    code = (
        "import cnnlab, sys\n"
        "cnnlab.summary('cnn').as_dict()\n"
        "try: cnnlab.train('cnn', set={'training.epoch': 3})\n"
        "except cnnlab.UserError as error: print(error)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert in_a_process(code) == "--set training.epoch: unknown key; did you mean epochs?\n[]\n"


def test_every_name_is_there():
    for name in cnnlab.__all__:
        assert getattr(cnnlab, name) is not None
        assert name in dir(cnnlab)
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = cnnlab.tarin


def test_no_submodule_hides_a_function():
    """Importing a.b sets the attribute b of a: no module may be called as a public function is."""
    names = [
        module.name
        for module in pkgutil.walk_packages(cnnlab.__path__, "cnnlab.")
        if not module.name.endswith(("steps_jax", "steps_jax_together", "steps_torch", "steps_tensorflow"))
    ]
    code = (
        "import importlib, json, cnnlab\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "print(json.dumps([cnnlab.runs(out='nowhere'), cnnlab.summary('cnn').total_params]))"
    )
    assert json.loads(in_a_process(code)) == [[], 137_660]


def test_types_are_shipped():
    from importlib.resources import files

    assert (files("cnnlab") / "py.typed").is_file()
