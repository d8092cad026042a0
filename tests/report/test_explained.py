"""The page of `explain all`, in a real browser: pictures of a network, none of them from elsewhere."""

import json
import re

import numpy as np
import PIL.Image
import pytest

from cnnlab.report.explained import TechniqueSection, render_explanations
from tests.chromium import QUIET

pytestmark = QUIET

EVIL = "</p><script>alert('1')</script>"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    pictures = [folder / f"{name}.png" for name in ("saliency", "maximize-units", "maximize-classes")]
    for number, path in enumerate(pictures, start=1):
        pixels = np.random.default_rng(number).integers(0, 256, (300 * number, 900, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(path)
    sections = [
        TechniqueSection("saliency", "Which pixels matter.", f"10 images of it: {EVIL}", pictures[:1]),
        TechniqueSection("maximize", "The best images.", "8 units", pictures[1:], f"8 units\n   {EVIL}"),
    ]
    return render_explanations(
        "cnn, seed 0", "experiments/cnn-1a2b3c4d/seed-0", sections, left_out={"filters": "no convolution"}
    )


@pytest.fixture(scope="module")
def browser(chromium, text, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(text, encoding="utf-8")
    chromium.get(path.as_uri())
    return chromium


@pytest.fixture
def find(browser):
    from selenium.webdriver.common.by import By

    return lambda selector: browser.find_elements(By.CSS_SELECTOR, selector)


def test_what_is_written_is_text(text):
    assert EVIL not in text
    assert text.count("<script>") == 1
    assert '<pre class="text">8 units\n   &lt;/p&gt;&lt;script&gt;' in text  # its lines and indents stay
    assert ".text { white-space: pre-wrap; }" in text


def test_nothing_is_asked_for_and_nothing_is_wrong(browser):
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requested = [
        entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] == "Network.requestWillBeSent"
    ]
    assert browser.current_url in requested
    assert {url for url in requested if not url.startswith(("data:", "chrome:"))} == {browser.current_url}
    assert browser.get_log("browser") == []


def test_every_picture_is_there_and_told_apart(find):
    images = find("img")
    assert [(int(each.get_property("naturalWidth")), int(each.get_property("naturalHeight")))
            for each in images] == [(900, 300), (900, 600), (900, 900)]  # fmt: skip
    assert [each.get_attribute("alt") for each in images] == [
        f"saliency: 10 images of it: {EVIL}", "maximize, units: 8 units", "maximize, classes: 8 units",
    ]  # fmt: skip
    assert [each.text for each in find("h2")] == ["saliency", "maximize", "Left out"]
    assert find("#left-out dd")[0].text == "no convolution"


def test_it_can_be_walked_by_keyboard(browser, find):
    """Skip link, theme, contents, pictures, in this order; what has the focus can be seen."""
    from selenium.webdriver.common.keys import Keys

    seen = []
    for _ in range(7):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        assert browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focused) != "none"
        seen.append(focused.get_attribute("aria-label") or focused.text)
    assert seen == [
        "Skip to the pictures", "Switch theme", "saliency", "maximize", "Picture of saliency",
        "Picture of maximize 1", "Picture of maximize 2",
    ]  # fmt: skip


def test_dark_and_light(browser, find):
    def colors():
        paper, ink = (
            browser.execute_script(f"return getComputedStyle(document.body).{each}")
            for each in ("backgroundColor", "color")
        )
        return [sum(map(int, re.findall(r"\d+", each)[:3])) for each in (paper, ink)]

    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        paper, ink = colors()
        assert (paper > ink) == (scheme == "light")
    find("#theme")[0].click()
    paper, ink = colors()
    assert paper > ink  # the button outranks the system
    find("#theme")[0].click()


def test_a_narrow_window_scrolls_pictures_and_nothing_else(browser, find):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    assert all(each.size["width"] >= 600 for each in find("img"))  # readable, in a region that scrolls
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.get_log("browser") == []
