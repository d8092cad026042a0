"""A real browser for the pages: Debian's Chromium, driven by selenium."""

import json
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1200,900",
)  # fmt: skip


QUIET = [
    # Selenium leaves a socket to the driver open when it quits.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""Marks of a file whose tests use a browser."""


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


def requested_beyond(driver, page):
    """What a page has asked for besides itself."""
    entries = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    requested = {
        entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] == "Network.requestWillBeSent"
    }
    assert page.as_uri() in requested
    return {url for url in requested if not url.startswith(("data:", "chrome:"))} - {page.as_uri()}
