"""result.json as a type: what is read is what was written, key by key."""

import json
from pathlib import Path

import pytest

from cnnlab.run_folders.contents import DatasetFacts, RunResult

RUNS = sorted((Path(__file__).parent / "golden").glob("0.1.0/*/seed-*"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run.parts[-2:]))
def test_old_files_are_written_as_they_were_read(run):
    text = (run / "result.json").read_text(encoding="utf-8")
    written = RunResult.from_dict(json.loads(text)).as_dict()
    assert written.pop("warnings") == []  # which runs had not, then
    assert json.dumps(written) == json.dumps(json.loads(text))
    facts = json.loads((run / "environment.json").read_text(encoding="utf-8"))["dataset"]
    assert json.dumps(DatasetFacts.from_dict(facts).as_dict()) == json.dumps(facts)


def test_metrics_stand_behind_the_scores():
    result = RunResult(
        name="a", digest="d", seed=0, test_accuracy=0.5, params=1, macs=2, seconds=3.0,
        metrics={"test_top5_accuracy": 0.9},
    )  # fmt: skip
    keys = list(result.as_dict())
    assert keys.index("test_accuracy") + 1 == keys.index("test_top5_accuracy") == keys.index("epochs") - 1
    assert RunResult.from_dict(result.as_dict()) == result
    assert result.peak_memory_bytes is None


@pytest.mark.parametrize("missing", ["test_accuracy", "params"])
def test_what_every_version_has_written_must_be_there(missing):
    content = {
        "name": "a",
        "digest": "d",
        "seed": 0,
        "test_accuracy": 0.5,
        "params": 1,
        "macs": 2,
        "seconds": 3,
    }
    del content[missing]
    with pytest.raises(ValueError, match=missing):
        RunResult.from_dict(content)
