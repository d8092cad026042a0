import pytest

from cnnlab.cli import run
from tests.chromium import chromium  # noqa: F401


@pytest.fixture(scope="session")
def page(tmp_path_factory, make_run):
    """The report on two experiments with three seeds, as the command writes it."""
    out = tmp_path_factory.mktemp("experiments")
    for seed in range(3):
        make_run(out, "colors_dnn", seed=seed, accuracy=0.75 + seed / 200)
        make_run(out, "colors_cnn", seed=seed, accuracy=0.9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
        assert run(["report", "colors_dnn", "colors_cnn", "--out", str(out), "--quiet"]) == 0
    return out / "comparisons" / "colors_dnn-vs-colors_cnn" / "report.html"
