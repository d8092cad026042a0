"""The pages on a phone, on a desktop and on paper, in Chromium: nothing is cut, no page nearly empty."""

import base64
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnlab.report.explained import TechniqueSection, render_explanations

pytestmark = [
    # Selenium leaves a socket to the driver open when it quits.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CUT = """
const reachable = each => {
  for (let above = each.parentElement; above; above = above.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(above).overflowX)) return true;
  return false;
};
return [...document.querySelectorAll('body *')]
  .filter(each => !each.closest('.skip, script, style, [hidden]') && each.getClientRects().length)
  .filter(each => each.getBoundingClientRect().right > arguments[0] + 1 && !reachable(each))
  .map(each => each.tagName + '.' + (each.className.baseVal ?? each.className) + ': '
       + each.textContent.trim().slice(0, 40));
"""
PAPER_WIDTH = 718
"""Pixels of A4 between Chromium's margins."""


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """A page with pictures in landscape, as all are, and long texts."""
    folder = tmp_path_factory.mktemp("explained")
    rng = np.random.default_rng(0)
    sections = []
    for name, size in (("saliency", (1600, 900)), ("examples", (1600, 850)), ("confusion", (1200, 800))):
        path = folder / f"{name}.png"
        Image.fromarray(rng.integers(0, 255, (*size[::-1], 3), np.uint8)).save(path)
        sentence = f"{'word ' * 30} experiments/{'n' * 90}/seed-0"
        sections.append(TechniqueSection(name, f"What {name} shows.", sentence, [path]))
    page = folder / "index.html"
    run = f"experiments/{'a_long_name_' * 8}-1a2b3c4d/seed-0"
    page.write_text(render_explanations("a network", run, sections, left_out={"filters": "no convolution"}))
    return page


@pytest.fixture(params=["report", "explanations"])
def any_page(request, page, explained):
    return page if request.param == "report" else explained


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_cut_without_a_way_to_scroll(chromium, any_page, width, scheme):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        chromium.get(any_page.as_uri())
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
        assert chromium.execute_script(CUT, width) == []
        background = chromium.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_nothing_is_cut_on_paper(chromium, any_page):
    size = {"width": PAPER_WIDTH, "height": 1040, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        chromium.get(any_page.as_uri())
        chromium.execute_script("dispatchEvent(new Event('beforeprint'))")
        # On paper nobody can scroll.
        assert chromium.execute_script(CUT.replace("return true", "return false"), PAPER_WIDTH) == []
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen"})


def test_no_page_of_the_print_is_nearly_empty(chromium, any_page):
    chromium.get(any_page.as_uri())
    chromium.execute_script("dispatchEvent(new Event('beforeprint'))")
    options = {"printBackground": True, "preferCSSPageSize": False, "paperWidth": 8.27, "paperHeight": 11.69}
    printed = base64.b64decode(chromium.execute_cdp_cmd("Page.printToPDF", options)["data"])
    filled = [lowest_ink(content) for content in page_contents(printed)]
    assert len(filled) > 1
    assert [round(float(share), 2) for share in filled[:-1] if share < 0.4] == []


def page_contents(pdf: bytes) -> list[str]:
    """What is drawn on each page, as Chromium writes it: one compressed stream for each."""
    objects = dict(re.findall(rb"(?m)^(\d+) 0 obj\n(.*?)endobj", pdf, re.DOTALL))
    pages = [each for each in objects.values() if re.search(rb"/Type /Page\b", each)]
    contents = []
    for page in pages:
        (number,) = re.findall(rb"/Contents (\d+) 0 R", page)
        stream = re.search(rb"stream\r?\n(.*)endstream", objects[number], re.DOTALL)
        contents.append(zlib.decompressobj().decompress(stream.group(1)).decode("latin-1"))
    return contents


def lowest_ink(content: str) -> float:
    """How far down the page, from 0 to 1, something is drawn: the lowest text or picture."""
    place, kept, lowest = np.eye(3), [], 0.0
    for line in content.splitlines():
        *numbers, operator = line.split() or [""]
        if operator == "q":
            kept.append(place)
        elif operator == "Q":
            place = kept.pop()
        elif operator in ("cm", "Tm"):
            a, b, c, d, e, f = map(float, numbers)
            inner = np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ place
            place = inner if operator == "cm" else place
            if operator == "Tm":
                lowest = max(lowest, 1 - inner[2, 1] / HEIGHT)
        elif operator == "Do":
            lowest = max(lowest, 1 - min(place[2, 1], place[2, 1] + place[1, 1]) / HEIGHT)
    return lowest


HEIGHT = 11.69 * 72
"""Of A4, in PDF's units."""
