"""`cnnlab bench convolution`: one convolution by four implementations, whose results agree."""

import importlib.util
import json
import re

import numpy as np
import pytest

import cnnlab
from cnnlab.benchmarks import convolution
from cnnlab.benchmarks.convolution_passes import PASSES
from cnnlab.cli import run
from cnnlab.pictures.plots.speeds import speed_bars

pytestmark = pytest.mark.usefixtures("backend")

MULTIPLICATIONS = 26 * 26 * 4 * 27
"""Of one image: 26×26 positions, 4 kernels of 3×3×3."""


@pytest.fixture(scope="module")
def measured(backend):
    """Two images, and what was told meanwhile."""
    pytest.importorskip("numba")
    told = []
    speed = cnnlab.bench_convolution(images=2, repeats=3, progress=told.append)
    return speed, [str(each) for each in told]


def test_numbers_are_consistent(measured) -> None:
    document = measured[0].as_dict()
    assert (document["images"], document["multiplications"]) == (2, 2 * MULTIPLICATIONS)
    by_name = {each["name"]: each for each in document["implementations"]}
    assert list(by_name) == ["loops", "numba", "im2col", "keras"]
    for name, each in by_name.items():
        assert each["missing"] is None
        assert list(each["passes"]) == list(PASSES)
        for which, told in each["passes"].items():
            seconds, loops = told["seconds"], by_name["loops"]["passes"][which]["seconds"]
            assert len(seconds["values"]) == (1 if name == "loops" else 3)
            assert min(seconds["values"]) > 0
            assert told["times_faster"] == loops["median"] / seconds["median"]
            assert told["multiplications_per_second"] == 2 * MULTIPLICATIONS / seconds["median"]
    assert all(each["times_faster"] == 1 for each in by_name["loops"]["passes"].values())
    compiled = {name: each["compilation_seconds"] for name, each in by_name.items()}
    assert (compiled["loops"], compiled["im2col"]) == (None, None)
    assert min(compiled["numba"], compiled["keras"]) > 0


def test_all_results_are_those_of_the_loops(measured) -> None:
    for each in measured[0].implementations:
        assert all(told.largest_difference < 1e-5 for told in each.passes.values())
    assert {told.largest_difference for told in measured[0].implementations[0].passes.values()} == {0.0}


SMALL = """
import numpy as np
from cnnlab.benchmarks.convolution_passes import Arrays, keras_passes, scratch_passes

rng = np.random.default_rng(1)
shapes = (2, 5, 7, 3), (3, 2, 3, 4), (2, 3, 6, 4)
arrays = Arrays(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))
for name, compute in keras_passes(arrays).items():
    wanted = scratch_passes(arrays, "loops")[name]()
    np.testing.assert_allclose(compute(), wanted, rtol=1e-4, atol=1e-5, err_msg=name)
"""
"""Keras beside the loops, on images and kernels that are not square."""


def test_keras_computes_what_the_loops_do() -> None:
    exec(SMALL, {})


def test_keras_computes_it_on_every_backend(other, elsewhere) -> None:
    elsewhere(
        "from cnnlab.backend import start_backend\nfrom cnnlab.config.sections import RuntimeConfig\n"
        f"start_backend(RuntimeConfig(backend={other!r}))\n{SMALL}"
    )


def test_the_time_of_the_loops_is_said_beforehand(measured) -> None:
    speed, told = measured
    (said,) = (float(found[1]) for each in told if (found := re.match(r"the loops take about (.*) s$", each)))
    assert said == pytest.approx(speed.estimated_seconds, rel=0.01)


def fake(*, off_by: float = 0.0):
    """Passes that compute nothing: 4 elements, the largest of which is −2; one is off."""
    result = np.array([0.5, 1.0, -2.0, 0.0], np.float32)
    wrong = result + np.array([0, off_by, 0, 0], np.float32)
    return dict.fromkeys(PASSES, lambda: wrong)


@pytest.fixture
def instant(monkeypatch):
    """Nothing is computed; im2col is off by 0.5 in one of its elements."""
    monkeypatch.setattr(convolution, "keras_passes", lambda arrays: fake())
    monkeypatch.setattr(
        convolution, "scratch_passes", lambda arrays, how: fake(off_by=0.5 * (how == "im2col"))
    )
    monkeypatch.setattr(convolution, "seconds_to_compile", lambda passes: 1.5)


def test_a_wrong_result_is_seen(instant) -> None:
    speed = cnnlab.bench_convolution(images=1, repeats=1)
    for each in speed.implementations:
        found = {told.largest_difference for told in each.passes.values()}
        assert found <= {0.25 if each.name == "im2col" else 0.0}  # 0.5, where the largest value is 2
    assert len(speed.implementations[2].passes) == 3


def test_without_numba_its_row_says_how_to_install_it(instant, monkeypatch, capsys) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba" else find(name))
    assert run(["bench", "convolution", "--images", "1", "--repeats", "1", "--quiet"]) == 0
    out = capsys.readouterr().out
    (row,) = (line for line in out.splitlines() if line.startswith("numba"))
    assert row.split("  ")[:1] + re.split(" {2,}", row)[1:] == [
        "numba",
        "pip install 'cnnlab[numba]'",
        *"––––",
    ]
    names = [line.split()[0] for line in out.partition("\n\n")[0].splitlines()[3:]]
    assert names == ["loops"] * 3 + ["numba"] + ["im2col"] * 3 + ["keras"] * 3
    assert run(["bench", "convolution", "--images", "1", "--repeats", "1", "--quiet", "--json"]) == 0
    numba = json.loads(capsys.readouterr().out)["implementations"][1]
    assert numba == {
        "name": "numba", "passes": {}, "compilation_seconds": None, "missing": "pip install 'cnnlab[numba]'",
    }  # fmt: skip


def test_a_table_for_people(measured, monkeypatch, capsys) -> None:
    monkeypatch.setattr(convolution, "measure_convolution", lambda *args, **options: measured[0])
    assert run(["bench", "convolution", "--quiet"]) == 0
    table, _, notes = capsys.readouterr().out.partition("\n\n")
    assert max(map(len, table.splitlines())) <= 80
    assert len(table.splitlines()) == 3 + 4 * 3
    assert "2 images of 28×28×3 with 4 kernels of 3×3×3: 146,016 multiplications a pass." in notes
    assert "median of 3 measurements after a warm-up" in notes
    assert re.search(r"Compilation before that: numba \S+ s, keras \S+ s\.", notes)


def test_a_drawing_where_it_is_asked_for(measured, monkeypatch, capsys, tmp_path_factory) -> None:
    monkeypatch.setattr(convolution, "measure_convolution", lambda *args, **options: measured[0])
    out = tmp_path_factory.mktemp("drawn") / "speeds.png"
    assert run(["bench", "convolution", "--quiet", "--json", "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(measured[0].as_dict()))
    assert out.read_bytes().startswith(b"\x89PNG")


def test_bars_are_as_long_as_the_work_takes() -> None:
    figure = speed_bars(
        {"forward": {"loops": 2.0, "keras": 4e-3}, "backward": {"loops": 4.0, "keras": 5e-5}},
        baseline="loops",
        title="It",
    )
    forward, backward = figure.axes
    for axes, ends in ((forward, [2.0, 4e-3]), (backward, [4.0, 5e-5])):
        assert axes.get_xscale() == "log"
        assert [bar.get_x() + bar.get_width() for bar in axes.patches] == pytest.approx(ends)
        low, high = axes.get_xlim()
        assert low < 5e-5 < 4.0 < high
    assert [each.get_text() for each in forward.texts] == ["2 s", "4 ms, 500×"]
    assert [each.get_text() for each in backward.texts] == ["4 s", "50 µs, 80,000×"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "speeds.gif"], "--out speeds.gif: expected a file that ends in .svg, .png or .pdf"),
        (
            ["--out", "nowhere/speeds.png"],
            "nowhere/speeds.png: cannot be written: there is no folder nowhere",
        ),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_measured(arguments, message: str, capsys) -> None:
    assert run(["bench", "convolution", *arguments]) == 2
    assert capsys.readouterr().err == f"{message}\n"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("images", 0, "images: expected a whole number, from 1 to 10,000, found 0"),
        ("images", 10**8, "images: expected a whole number, from 1 to 10,000, found 100000000"),
        ("repeats", 0, "repeats: expected a whole number, 1 or more, found 0"),
    ],
)
def test_a_wrong_number(option: str, value: int, message: str) -> None:
    with pytest.raises(cnnlab.UserError, match=f"^{message}$"):
        cnnlab.bench_convolution(**{option: value})


def test_the_backend_is_that_of_keras() -> None:
    message = r"^backend: it is that of Keras here; expected tensorflow, jax or torch$"
    with pytest.raises(cnnlab.UserError, match=message):
        cnnlab.bench_convolution(backend="scratch")
