"""Plug-ins that fail, names that are taken, and when installed distributions are looked through."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

from cnnlab.datasets import DATASETS
from cnnlab.errors import CnnlabWarning, UserError
from cnnlab.explanations import TECHNIQUES
from cnnlab.language.lazy_table import LazyTable
from cnnlab.plugins import Distribution, installed_plugins

GROUP = "cnnlab.layers"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution of one module with the given entry points."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    installed_plugins.cache_clear()

    def install(
        name: str, version: str, entry_points: dict[str, str], code: str = "", *, group: str = GROUP
    ) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"[{group}]", *(f"{key} = {value}" for key, value in entry_points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        (site / f"{name.replace('-', '_')}.py").write_text(code)

    yield install
    installed_plugins.cache_clear()
    for module in [each for each in sys.modules if each.startswith("fake_")]:
        del sys.modules[module]


def table(**options) -> LazyTable:
    return LazyTable({"Fraction": "fractions:Fraction"}, group=GROUP, base="numbers:Number", **options)


def test_a_plugin_is_in_the_table(install):
    install("fake-one", "1.0", {"Half": "fake_one:Half"}, "class Half(__import__('fractions').Fraction): ...")
    found = table(name_of=lambda kind: kind.__name__)
    assert list(found) == ["Fraction", "Half"]
    assert len(found) == 2
    assert found["Half"](1, 2) == 0.5
    assert found.distribution("Half") == Distribution("fake-one", "1.0")
    assert found.distribution("Fraction") is None
    assert "Third" not in found


@pytest.mark.parametrize(
    ("value", "code", "problem"),
    [
        pytest.param(
            "fake_one:Half", "import no_such_module",
            "ModuleNotFoundError: No module named 'no_such_module'", id="import",
        ),
        pytest.param("fake_one:Half", "1 / 0", "ZeroDivisionError: division by zero", id="any error"),
        pytest.param("fake_one:Half", "Half = int", "expected the name Half, found int", id="name"),
        pytest.param(
            "fake_one:Half", "Half = str", "expected a subclass of numbers.Number, found <class 'str'>",
            id="class",
        ),
        pytest.param(
            "fake_one:Half", "Half = 0.5", "expected a subclass of numbers.Number, found 0.5", id="value"
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_cannot_be_used_is_one_warning(install, value, code, problem):
    install("fake-one", "1.0", {"Half": value}, code)
    found = table(name_of=lambda kind: kind.__name__)
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert list(found) == ["Fraction"]
        assert "Half" not in found
        with pytest.raises(KeyError):
            found["Half"]
    assert [each.category for each in caught] == [CnnlabWarning]
    assert [str(each.message) for each in caught] == [
        f"plug-in fake-one 1.0 is ignored: cnnlab.layers: Half = {value}: {problem}"
    ]


def table_like(own: LazyTable, group: str) -> LazyTable:
    """A table of plug-ins alone, which asks of them what one of cnnlab's own tables does."""
    return LazyTable({}, group=group, base=own._base, name_of=own._name_of, required=own._required)


TECHNIQUE = """
from cnnlab.explanations.technique import Technique

class Means(Technique):
"""
DATASET = """
from typing import ClassVar, Literal
from cnnlab.datasets.base import DatasetConfig

class Stripes(DatasetConfig):
    name: Literal["stripes"] = "stripes"
"""


@pytest.mark.parametrize(
    ("group", "value", "code", "missing"),
    [
        pytest.param(
            "cnnlab.techniques", "fake_one:Means", TECHNIQUE + "    summary = 'Means.'", "name, explain",
            id="technique without a name",
        ),
        pytest.param(
            "cnnlab.techniques", "fake_one:Means",
            TECHNIQUE + "    name = 'means'\n    def explain(self, subject): ...", "summary",
            id="technique without a summary",
        ),
        pytest.param(
            "cnnlab.datasets", "fake_one:Stripes", DATASET,
            "title, image_shape, all_classes, train_count, test_count, read", id="dataset",
        ),
    ],
)  # fmt: skip
def test_an_incomplete_plugin_is_one_warning(install, group, value, code, missing):
    own = {"cnnlab.techniques": TECHNIQUES, "cnnlab.datasets": DATASETS}[group]
    name, kind = ("means", "Means") if group == "cnnlab.techniques" else ("stripes", "Stripes")
    install("fake-one", "1.0", {name: value}, code, group=group)
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert list(table_like(own, group)) == []
    assert [str(each.message) for each in caught] == [
        f"plug-in fake-one 1.0 is ignored: {group}: {name} = {value}: {kind} lacks {missing}"
    ]


COMPLETE = (
    DATASET
    + """
    title: ClassVar[str] = "Stripes"
    image_shape: ClassVar[tuple] = (2, 2, 1)
    all_classes: ClassVar[tuple] = ("a", "b")
    train_count: ClassVar[int] = 20
    test_count: ClassVar[int] = 10

    def read(self, data_paths, *, progress=None): ...
"""
)


def test_a_complete_dataset_lacks_nothing(install):
    install("fake-one", "1.0", {"stripes": "fake_one:Stripes"}, COMPLETE, group="cnnlab.datasets")
    assert list(table_like(DATASETS, "cnnlab.datasets")) == ["stripes"]


def test_a_name_that_cnnlab_has_is_an_error(install):
    install("fake-one", "1.0", {"Fraction": "fractions:Fraction"})
    with pytest.raises(UserError) as caught:
        list(table())
    assert str(caught.value) == (
        "cnnlab.layers: the name 'Fraction' is taken by cnnlab itself and by fake-one 1.0\n"
        "   uninstall one of them, such as with pip uninstall fake-one"
    )


def test_a_name_that_two_plugins_have_is_an_error(install):
    install("fake-one", "1.0", {"Half": "fractions:Fraction"})
    install("fake-two", "2.1", {"Half": "fractions:Fraction"})
    with pytest.raises(UserError) as caught:
        "Half" in table()  # noqa: B015
    first, second = sorted(["fake-one 1.0", "fake-two 2.1"], key=str(caught.value).index)
    assert (
        str(caught.value).splitlines()[0]
        == f"cnnlab.layers: the name 'Half' is taken by {first} and by {second}"
    )


def test_names_of_cnnlabs_own_need_no_look_at_what_is_installed(install):
    install("fake-one", "1.0", {"Fraction": "fractions:Fraction"})
    assert "Fraction" in table()
    assert table()["Fraction"](1, 2) == 0.5
    assert installed_plugins.cache_info().misses == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["summary", "cnn"], 0),
        (["summary"], 0),
        (["runs", "list"], 0),
        (["explain", "filters", "x"], 2),
    ],
)
def test_commands_do_not_look_at_what_is_installed(arguments, code, tmp_path):
    program = (
        "import sys; from cnnlab.cli import run; from cnnlab.plugins import installed_plugins;"
        "code = run(sys.argv[1:]); print('scans', installed_plugins.cache_info().misses, code)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"scans 0 {code}"


def test_the_command_line_shows_the_warning_as_one_line(install, capsys, monkeypatch):
    from cnnlab import cli

    install("fake-one", "1.0", {"Half": "fake_one:Half"}, "1 / 0")
    monkeypatch.setattr(cli, "run", lambda arguments: len(list(table())))
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.raises(SystemExit):
            cli.main([])
    assert capsys.readouterr().err == (
        "warning: plug-in fake-one 1.0 is ignored: cnnlab.layers: Half = fake_one:Half: "
        "ZeroDivisionError: division by zero\n"
    )
