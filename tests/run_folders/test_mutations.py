"""Run records with anything in place of anything: every command answers in a sentence."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnlab.cli import run

GOLDEN = Path(__file__).parent / "golden" / "0.1.0"
FILES = ("run.json", "result.json", "environment.json", "history.csv", "config.yaml", "predictions.npz")
VALUES = [None, True, -1, 0, 10**30, 1.5, float("nan"), "", "x", "\ud800", [], {}, [1], {"a": 1}]


def places(value, path=()):
    """Where anything stands in JSON data, the whole included."""
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield from places(inner, (*path, key))


def with_value(data, path, value):
    if not path:
        return value
    outer = data
    for key in path[:-1]:
        outer = outer[key]
    outer[path[-1]] = value
    return data


@st.composite
def mutated(draw, content, *, is_json):
    """The content of a file with one thing in it changed."""
    kind = draw(st.sampled_from(["value"] * 4 * is_json + ["byte", "cut", "grown", "other"]))
    if kind == "value":
        data = json.loads(content)
        path = draw(st.sampled_from(list(places(data))))
        return json.dumps(with_value(data, path, draw(st.sampled_from(VALUES)))).encode()
    at = draw(st.integers(0, len(content) - 1))
    if kind == "byte":
        return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    if kind == "grown":
        return content[:at] + content[at // 2 :]
    return draw(st.sampled_from([b"", b"[", b"[" * 100_000, b"\xff\xfe", b"0" * 10_000, b"{}", b"null"]))


@pytest.fixture(params=["0.1.0", "now"])
def experiments(request, tmp_path, make_run):
    """Runs of a version whose files have no digests, so that changes go unnoticed, and of this one."""
    out = tmp_path / "experiments"
    if request.param == "0.1.0":
        shutil.copytree(GOLDEN, out)
        return out, next(out.glob("golden_cnn-*/seed-0")), out / next(out.glob("golden_dnn-*")).name
    folder = make_run(out, "colors_cnn")
    return out, folder, make_run(out, "colors_dnn")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_ends_in_an_internal_error(experiments, capsys, data):
    out, folder, other = experiments
    file = folder / data.draw(st.sampled_from(FILES))
    whole = file.read_bytes()
    file.write_bytes(data.draw(mutated(whole, is_json=file.suffix == ".json")))
    try:
        for call in (
            ["list"], ["list", "--json"], ["list", "--where", "training.epochs = 2"],
            ["show", str(folder)], ["diff", str(folder), str(other)],
        ):  # fmt: skip
            code = run(["runs", *call, "--out", str(out)])
            said = capsys.readouterr()
            assert code in (0, 2), said.err
            assert "internal error" not in said.err
            if "--json" in call:
                json.loads(said.out)
    finally:
        file.write_bytes(whole)
