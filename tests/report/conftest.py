import shutil

import pytest

from cnnlab.cli import run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1200,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser that logs what it says and what it asks the network for."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs Chromium and chromedriver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get("about:blank")
    driver.get_log("performance")  # the browser's own start page is none of ours
    yield driver
    driver.quit()


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
