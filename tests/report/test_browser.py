"""The page in a real Chromium: no errors, no request beyond itself, and the controls work."""

import pytest

from cnnlab.cli import run
from tests.chromium import QUIET, requested_beyond

pytestmark = QUIET


@pytest.fixture(scope="module")
def browser(chromium, page):
    chromium.get(page.as_uri())
    return chromium


@pytest.fixture
def find(browser):
    from selenium.webdriver.common.by import By

    return lambda selector: browser.find_elements(By.CSS_SELECTOR, selector)


def test_no_errors_and_no_request_beyond_itself(browser, page):
    assert requested_beyond(browser, page) == set()
    assert browser.get_log("browser") == []


def test_tables_sort_by_number_and_by_name(browser, find):
    table = "#tables .sortable"
    rows = lambda: [each.text for each in find(f"{table} tbody th")[:2]]  # noqa: E731
    heading = find(f"{table} thead th")[6]
    assert heading.text == "Test"
    assert rows() == ["colors_dnn", "colors_cnn"]
    find(f"{table} thead button")[6].click()
    assert rows() == ["colors_cnn", "colors_dnn"]
    assert heading.get_attribute("aria-sort") == "descending"
    find(f"{table} thead button")[6].click()
    assert rows() == ["colors_dnn", "colors_cnn"]
    assert heading.get_attribute("aria-sort") == "ascending"
    find(f"{table} thead button")[0].click()
    assert rows() == ["colors_cnn", "colors_dnn"]
    assert heading.get_attribute("aria-sort") == "none"


def test_arrow_keys_read_the_curves(browser, find):
    from selenium.webdriver.common.keys import Keys

    chart = find("[data-chart='1'] svg")[0]
    browser.execute_script("arguments[0].focus()", chart)
    chart.send_keys(Keys.HOME)
    chart.send_keys(Keys.ARROW_RIGHT)
    reading = find(".reading")[1].text.splitlines()
    assert reading[0] == "Epoch 2"
    assert [line.split(":")[0] for line in reading[1:]] == [
        "colors_dnn, validation", "colors_dnn, training", "colors_cnn, validation", "colors_cnn, training",
    ]  # fmt: skip
    # 0.9 · (1 − 0.6 · 0.7²), the same for all three seeds, as the made-up runs have it.
    assert reading[4] == "colors_cnn, training: 63.54% (63.54% to 63.54%)"
    chart.send_keys(Keys.END)
    assert find(".reading")[1].text.startswith("Epoch 100\ncolors_dnn")
    chart.send_keys(Keys.ESCAPE)
    assert find(".reading")[1].text == ""


def test_pointing_reads_the_curves(browser, find):
    from selenium.webdriver import ActionChains

    chart = find("[data-chart='0'] svg")[0]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    ActionChains(browser).move_to_element(chart).perform()
    assert find(".reading")[0].text.startswith("Epoch ")
    assert find("[data-chart='0'] .cursor")[0].get_attribute("visibility") == "visible"
    ActionChains(browser).move_to_element(find("h2")[0]).perform()
    assert find(".reading")[0].text == ""


def test_seeds_and_experiments_can_be_switched_off(browser, find):
    mean = "[data-chart='1'] [data-part='mean-validation-0'] path"
    seeds = "[data-chart='1'] [data-part^='seed-validation-0-']"
    path = lambda: find(mean)[0].get_attribute("d")  # noqa: E731
    all_seeds = path()
    for seed in ("1", "2"):
        find(f"input[data-seed='{seed}']")[0].click()
    assert path() != all_seeds
    numbers = lambda text: [float(each) for each in text.replace("M", " ").replace("L", " ").split()]  # noqa: E731
    assert numbers(path()) == pytest.approx(numbers(find(f"{seeds} path")[0].get_attribute("d")), abs=0.11)
    assert ["off" in (each.get_attribute("class") or "").split() for each in find(seeds)] == [
        False,
        True,
        True,
    ]
    find("input[data-experiment='0']")[0].click()
    assert path() == ""
    for selector in ("[data-experiment='0']", "[data-seed='1']", "[data-seed='2']"):
        find(f"input{selector}")[0].click()
    assert numbers(path()) == pytest.approx(numbers(all_seeds), abs=0.11)


def test_dark_and_light(browser, find):
    def paper(scheme=None):
        if scheme:
            feature = {"name": "prefers-color-scheme", "value": scheme}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert paper("light") == "rgb(255, 255, 255)"
    dark = paper("dark")
    assert dark != "rgb(255, 255, 255)"
    find("#theme")[0].click()
    assert paper() == "rgb(255, 255, 255)"
    find("#theme")[0].click()
    assert paper() == dark
    assert paper("light") == dark  # the button outranks the system
    find("#theme")[0].click()


def test_on_paper_everything_is_open_and_black_on_white(browser, find):
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [feature]})
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert all(each.get_attribute("open") for each in find("details"))
    assert browser.execute_script("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not any(each.is_displayed() for each in find(".script"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": []})


def test_narrow_screens_need_no_sideways_scrolling(browser):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    widths = browser.execute_script(
        "return [...document.querySelectorAll('.facts dd')].map(each => each.clientWidth)"
    )
    assert len(widths) > 5
    assert min(widths) > 250
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_nothing_went_wrong_meanwhile(browser):
    assert browser.get_log("browser") == []


def test_a_point_without_neighbours_is_a_dot_that_moves(chromium, find, tmp_path, make_run, monkeypatch):
    for seed, accuracy in enumerate((0.5, 0.9)):
        for name in ("colors_dnn", "colors_cnn"):
            make_run(tmp_path, name, seed=seed, accuracy=accuracy, changes=["training.epochs=1"])
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    arguments = ["--set", "training.epochs=1", "--seeds", "0-1", "--out", str(tmp_path), "--quiet"]
    assert run(["report", "colors_dnn", "colors_cnn", *arguments]) == 0
    (page,) = tmp_path.glob("comparisons/*/report.html")
    chromium.get(page.as_uri())

    def height():  # in one step: the page draws its charts anew where their room changes
        drawn = "document.querySelectorAll(\"[data-part='mean-validation-0'] use\")"
        return float(chromium.execute_script(f"return {drawn}[1].getAttribute('y')"))

    both = height()
    find("input[data-seed='0']")[0].click()
    only_the_better = height()
    find("input[data-seed='0']")[0].click()
    find("input[data-seed='1']")[0].click()
    assert only_the_better < both < height()  # the accuracies' axis points upwards
    assert both == pytest.approx((only_the_better + height()) / 2)
    assert chromium.get_log("browser") == []
