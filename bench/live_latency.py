"""How fast the page of `cnnlab live` answers: python bench/live_latency.py [CONFIG ...] [--rounds 20]

Each network is trained for one short epoch, its page opened in headless Chromium, and a stroke drawn again
and again: "layers" is the forward pass alone, "stroke" all until the page is drawn. Prints the table of
docs/live.md: medians in milliseconds. The networks take turns, so that a busy machine slows down all of them.

CNNLAB_DATA_DIR says where MNIST and CIFAR-10 are; needs selenium, chromium and chromedriver.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import cnnlab

DEFAULT = [
    "dnn",
    "cnn",
    "lenet5",
    "mnist_distorted_st_cnn",
    "go_policy",
    "cifar10_cnn",
    "cifar10_vgg",
    "cifar10_resnet",
    "cifar10_googlenet",
]

FORWARD = """
const page = window.cnnlab.page, start = performance.now();
page.nets[0].forward(page.pixels);
return performance.now() - start;
"""
STROKE = """
const page = window.cnnlab.page, start = performance.now();
page.drawing.stroke([20 + arguments[0], 30], [90, 60], 8, Array(3).fill(page.data.brightest));
page.compute();
return performance.now() - start;
"""


def browser(profile: str) -> Any:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("configs", nargs="*", default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pages, macs = {}, {}
        for name in arguments.configs:
            experiment = cnnlab.load(name)
            assert experiment.config.dataset is not None
            known = type(experiment.config.dataset).model_fields
            small = {"train_count": 300, "test_count": 100} if "train_count" in known else {"train_size": 300}
            settings = {f"dataset.{key}": value for key, value in {**small, "validation_size": 30}.items()}
            (run,) = cnnlab.train(
                name, set={**settings, "training.epochs": 1}, out=Path(folder) / "runs", progress=False
            )
            pages[name] = cnnlab.live(run, out=Path(folder) / f"{name}.html", progress=False)
            macs[name] = run.record.result.macs
        driver = browser(f"{folder}/profile")
        driver.get("about:blank")
        tabs = {}
        for name, page in pages.items():
            driver.switch_to.new_window("tab")
            driver.get(page.page.as_uri())
            tabs[name] = driver.current_window_handle
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
        for round_ in range(arguments.rounds):
            for name, tab in tabs.items():
                driver.switch_to.window(tab)
                times[name].append((driver.execute_script(FORWARD), driver.execute_script(STROKE, round_)))
        print(f"Chromium {driver.capabilities['browserVersion']}")
        driver.quit()
    print(
        "| network | multiplications | page | layers: ms | stroke: ms |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for name, page in pages.items():
        forward, stroke = (statistics.median(each) for each in zip(*times[name], strict=True))
        size = f"{page.bytes / 2**20:.2f} MiB"
        print(f"| `{name}` | {macs[name]:,} | {size} | {forward:.1f} | {stroke:.1f} |")


if __name__ == "__main__":
    main()
