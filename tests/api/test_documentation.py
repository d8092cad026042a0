"""The examples of docs/api.md, run as a user would: in an empty directory."""

import doctest
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_examples_are_true(tmp_path, monkeypatch, backend):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNLAB_EXPERIMENTS", raising=False)
    results = doctest.testfile(
        str(DOCUMENT),
        module_relative=False,
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.REPORT_NDIFF,
        encoding="utf-8",
    )
    assert results.attempted > 25
    assert results.failed == 0
    assert {path.name for path in tmp_path.iterdir()} == {"experiments", "page.html", "tiny.yaml"}


@pytest.mark.parametrize(
    "name",
    [
        "load",
        "summary",
        "train",
        "compare",
        "why",
        "runs",
        "predict",
        "explain",
        "verify_resume",
        "verify_gradients",
        "verify_runs",
        "bench_convolution",
        "bench_epoch",
        "bench_verdict",
    ],
)
def test_every_function_is_documented(name):
    assert f"cnnlab.{name}(" in DOCUMENT.read_text(encoding="utf-8")
