"""The page of a sweep: what it says, and that a browser shows it."""

import json
import re

import pytest

from cnnlab.config.axes import Axis
from cnnlab.report.sweep import render_sweep
from tests.chromium import QUIET
from tests.search.conftest import make_document

pytestmark = QUIET

EVIL = "</p><script>alert('1')</script>"
RATE, NAME = Axis("training.rate", (0.001, 0.003)), Axis("model.name", ("plain", EVIL))
POINTS = [
    ({"training.rate": rate, "model.name": name}, [0.9 + rate, 0.91 + rate])
    for rate in RATE.values
    for name in NAME.values
]


@pytest.fixture(scope="module")
def document():
    return make_document(
        (RATE, NAME), POINTS, states=["finished", "finished", "finished", "failed"], tied=[2]
    )


@pytest.fixture(scope="module")
def text(document):
    return render_sweep(document)


@pytest.fixture(scope="module")
def browser(chromium, text, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    chromium.get(path.as_uri())
    return chromium


@pytest.fixture
def find(browser):
    from selenium.webdriver.common.by import By

    return lambda selector: browser.find_elements(By.CSS_SELECTOR, selector)


def test_the_same_sweep_gives_the_same_page(document, text):
    assert render_sweep(document) == text


def test_what_is_written_is_text(text):
    assert EVIL not in text


def test_it_has_verdict_command_table_and_failures(document, text):
    assert "<title>Sweep of net</title>" in text
    assert document["verdict"] in text
    assert document["winner"]["command"] in text
    rows = re.findall(r'<th scope="row" data-key="[^"]*">([^<]*)</th>', text)
    assert rows == ["1", "2 =", "3", "–"]
    assert "<dd>training diverged</dd>" in text


def test_pictures_whose_colors_are_accuracies_stay_on_white(text):
    shown = {name: bool(lit) for lit, name in re.findall(r'<figure class="network( lit)?" id="(\w+)">', text)}
    assert shown == {"map": True, "slices": False, "parallel": True}


def test_without_importance_the_page_says_why(document, text):
    assert document["importance"] is None
    assert "at least 10 points must have finished, and 3 have" in text


def test_a_sweep_without_a_winner():
    text = render_sweep(make_document((RATE, NAME), POINTS, states=["failed"] * 4))
    assert "<svg" not in text
    assert 'id="command"' not in text


def test_nothing_is_asked_for_and_nothing_is_wrong(browser):
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] == "Network.requestWillBeSent"
    ]
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert browser.get_log("browser") == []


def test_points_are_sorted_by_a_click(find):
    heading = next(each for each in find("th button") if each.text.startswith("training.rate"))
    heading.click()
    first = [each.text for each in find("tbody tr td:nth-of-type(1)")]
    assert first == sorted(first, reverse=True)
    assert len(first) == 4


def test_in_the_dark_the_map_keeps_its_own_background(browser, find):
    browser.execute_script("document.documentElement.dataset.theme = 'dark'")
    (lit, *_), (plain,) = find("figure.lit"), find("#slices")
    body = find("body")[0].value_of_css_property("background-color")
    assert body == "rgba(23, 24, 26, 1)"
    assert lit.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    assert plain.value_of_css_property("background-color") == "rgba(0, 0, 0, 0)"


def test_a_narrow_window_scrolls_the_table_and_nothing_else(browser):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.get_log("browser") == []
