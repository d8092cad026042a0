"""cnnlab live as a user calls it, and the page as people use it: pointer, keys, files, narrow and dark."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import CnnlabError, UserError
from tests.chromium import QUIET, requested_beyond

pytestmark = [*QUIET, pytest.mark.filterwarnings("ignore::cnnlab.CnnlabWarning")]


@pytest.fixture(scope="module")
def runs(trained):
    names = {
        "cnn": "lenet5",
        "dnn": "mnist_maxout",
        "figures": "xo_cnn",
        "color": "colors_cnn_minimal",
        "tones": "tones_cnn",
    }
    return {kind: trained(name) for kind, name in names.items()} | {
        "go": trained("go_policy", **{"dataset.size": 7, "dataset.train_count": 200})
    }


@pytest.fixture(scope="module")
def page_of(runs, made_up_data, tmp_path_factory):
    """`page_of("dnn", "cnn") → path`: written once."""
    folder, written = tmp_path_factory.mktemp("pages"), {}

    def page(*kinds, **options):
        if kinds not in written:
            out = folder / f"{'-'.join(kinds)}.html"
            chosen = [runs[kind] for kind in kinds]
            written[kinds] = cnnlab.live(
                *chosen, out=out, data_dir=made_up_data, progress=False, **options
            ).page
        return written[kinds]

    return page


@pytest.fixture
def opened(chromium, page_of):
    """`opened("cnn") → run_script`, at 1,200 × 900 points."""

    def open_page(*kinds, width=1200):
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        chromium.get(page_of(*kinds).as_uri())
        settle(chromium)
        return chromium.execute_script

    return open_page


def settle(chromium):
    """Until what was asked for has been computed and drawn."""
    chromium.execute_async_script(
        "const done = arguments[0], page = window.cnnlab.page;"
        "(function look() { page.waiting ? setTimeout(look, 5) : done(); })()"
    )


def answers(script, run_index=0):
    return np.array(script(f"return Array.from(window.cnnlab.page.probabilities[{run_index}])"))


def pixels(script):
    return np.array(script("return Array.from(window.cnnlab.page.pixels)"))


def set_slider(chromium, name, value):
    chromium.execute_script(
        "const [name, value] = arguments, slider = document.querySelector(`[data-change=${name}]`);"
        "slider.value = value; slider.dispatchEvent(new Event('input'));", name, value,
    )  # fmt: skip
    settle(chromium)


def element(chromium, selector):
    from selenium.webdriver.common.by import By

    return chromium.find_element(By.CSS_SELECTOR, selector)


def test_the_command_writes_into_the_run_and_says_what(runs, made_up_data, capsys, monkeypatch, tmp_path):
    copy = tmp_path / "lenet5-00000000" / "seed-0"
    shutil.copytree(runs["cnn"].folder, copy)
    assert run(["live", str(copy), "--data-dir", str(made_up_data), "--json", "--quiet"]) == 0
    said = json.loads(capsys.readouterr().out)
    page = copy / "live.html"
    assert said == {"page": str(page), "bytes": page.stat().st_size, "runs": [str(copy)]}
    assert said["bytes"] < 2_000_000 + 4 * 61_706 * 4 / 3
    assert cnnlab.Run(copy).record.result.params == 61_706  # the run is as whole as before
    assert not list(copy.glob(".partial-*"))
    again = page.read_bytes()
    assert run(["live", str(copy), "--data-dir", str(made_up_data), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(f"{page}: ")
    assert page.read_bytes() == again


def test_it_needs_nothing_but_itself(chromium, opened, page_of):
    opened("dnn", "cnn")
    assert requested_beyond(chromium, page_of("dnn", "cnn")) == set()
    assert chromium.get_log("browser") == []


def test_layers_are_marked_for_whoever_drives_the_page(opened, runs):
    script = opened("dnn", "cnn")
    for index, kind in enumerate(("dnn", "cnn")):
        marked = script(
            f"return [...document.querySelectorAll('[data-run=\"{index}\"][data-layer]')]"
            ".map((each) => each.dataset.layer)"
        )
        assert marked == [row.name for row in runs[kind].record.config.architecture.rows]


def test_predict_refuses_what_is_no_picture(chromium, opened):
    opened("cnn")
    call = (
        "const done = arguments[1];"
        "window.cnnlab.predict(arguments[0]).then(() => done('taken'), (error) => done(error.message))"
    )
    assert chromium.execute_async_script(call, [0] * 784) == "taken"
    assert chromium.execute_async_script(call, [0] * 783) == "expected 784 numbers (28×28×1), found 783"
    assert chromium.execute_async_script(call, [256] * 784) == "expected numbers from 0 to 255"


def test_drawing_is_answered_at_once(chromium, opened):
    from selenium.webdriver import ActionChains

    script = opened("cnn")
    assert "which is" in element(chromium, ".best").text  # a test image, of a known class
    element(chromium, "#clear").click()
    settle(chromium)
    assert pixels(script).sum() == 0
    empty = answers(script)
    board = element(chromium, "#drawing")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", board)
    ActionChains(chromium).move_to_element_with_offset(board, 0, -60).click_and_hold().move_by_offset(
        0, 120
    ).release().perform()
    settle(chromium)
    drawn = pixels(script).reshape(28, 28)
    assert drawn.max() == 255
    assert np.abs(answers(script) - empty).max() > 1e-4
    assert "which is" not in element(chromium, ".best").text
    # As MNIST's digits: 20 pixels high, in the middle.
    rows = np.flatnonzero(drawn.max(axis=1) > 50)
    assert 19 <= rows[-1] - rows[0] + 1 <= 21
    assert abs((drawn.sum(axis=1) * np.arange(28)).sum() / drawn.sum() - 13.5) < 0.6
    element(chromium, "#center").click()
    settle(chromium)
    as_it_lies = pixels(script).reshape(28, 28)
    assert not np.array_equal(as_it_lies, drawn)
    element(chromium, "#undo").click()
    settle(chromium)
    assert pixels(script).sum() == 0


def test_a_shift_is_a_shift(chromium, opened):
    script = opened("cnn")
    before = pixels(script).reshape(28, 28)
    set_slider(chromium, "right", 3)
    set_slider(chromium, "down", -2)
    moved = pixels(script).reshape(28, 28)
    np.testing.assert_array_equal(moved[:26, 3:], before[2:, :25])
    assert moved[26:].sum() == moved[:, :3].sum() == 0
    element(chromium, "#unchanged").click()
    settle(chromium)
    np.testing.assert_array_equal(pixels(script).reshape(28, 28), before)
    set_slider(chromium, "turn", 180)
    np.testing.assert_array_equal(pixels(script).reshape(28, 28), before[::-1, ::-1])
    set_slider(chromium, "turn", 0)
    set_slider(chromium, "thick", 1)
    assert (pixels(script).reshape(28, 28) >= before).all()
    assert pixels(script).sum() > before.sum()
    set_slider(chromium, "thick", 0)
    square = np.zeros((28, 28), int)
    square[11:17, 11:17] = 255
    script("window.cnnlab.show(arguments[0])", square.ravel().tolist())
    set_slider(chromium, "scale", 2)
    assert pixels(script).sum() == pytest.approx(4 * square.sum(), rel=0.01)


def test_single_filters_can_be_turned_off(chromium, opened):
    script = opened("cnn")
    before = answers(script)
    first = "[data-layer='conv2d_1'] .filters button"
    script(
        "document.querySelector(\"[data-layer='conv2d_1'] details\").open = true;"
        "document.querySelector(arguments[0]).click()",
        first,
    )
    settle(chromium)
    assert np.abs(answers(script) - before).max() > 1e-6
    maps = np.array(
        script(
            "const { nets, outputs } = window.cnnlab.page;"
            "return Array.from(outputs[0][nets[0].data.nodes.findIndex((node) => node.name === 'conv2d_1')])"
        )
    )
    assert np.abs(maps.reshape(-1, 6)[:, 0]).max() == 0  # 6 maps, channels last
    assert "1 of 6 are off" in element(chromium, "[data-layer='conv2d_1'] summary").text
    script("document.querySelector(\"[data-layer='conv2d_1'] .maps\").focus()")
    assert element(chromium, "#inspected div").text == "This filter is turned off: its values are set to 0."
    script(f'[...document.querySelectorAll("{first}")].at(-1).click()')  # all on
    settle(chromium)
    np.testing.assert_array_equal(answers(script), before)


def test_pointing_shows_the_receptive_field_and_the_sum(chromium, opened):
    from selenium.webdriver.common.keys import Keys

    opened("cnn")
    maps = element(chromium, "[data-layer='conv2d_1'] .maps")
    chromium.execute_script("arguments[0].focus()", maps)
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.PAGE_DOWN):
        maps.send_keys(key)
    assert element(chromium, "#inspector-title").text.startswith("conv2d_1: map 2, row 3, column 2: ")
    said = element(chromium, "#inspected").text
    assert "Sees rows 1–5, columns 1–4" in said  # a 5×5 window, less what lies in the padding
    assert "25 products, sum " in said
    grids = chromium.find_elements("css selector", "#inspected .grids caption")
    assert [each.text for each in grids] == ["Input", "Weights", "Products"]
    flat = element(chromium, "[data-layer='flatten_1'] .maps")
    chromium.execute_script("arguments[0].focus()", flat)
    assert "Sees rows" in element(chromium, "#inspected").text  # Flatten moves a number, no more
    dense = element(chromium, "[data-layer='dense_1'] .maps")
    chromium.execute_script("arguments[0].focus()", dense)
    assert "Depends on all values before it" in element(chromium, "#inspected").text
    element(chromium, "#close").click()
    assert not element(chromium, "#inspector").is_displayed()
    assert chromium.switch_to.active_element == dense


def test_a_stroke_with_keys(chromium, opened):
    from selenium.webdriver.common.keys import Keys

    script = opened("figures")
    element(chromium, "#clear").click()
    board = element(chromium, "#drawing")
    for key in (Keys.ARROW_UP, Keys.SPACE, Keys.SHIFT + Keys.ARROW_RIGHT, Keys.SHIFT + Keys.ARROW_RIGHT):
        board.send_keys(key)
    settle(chromium)
    columns = np.flatnonzero(
        pixels(script).reshape(script("return window.cnnlab.page.data.size")).max(axis=0) > 50
    )
    assert len(columns) >= 3
    point = pixels(script)
    board.send_keys(Keys.ARROW_DOWN)
    for _ in range(3):
        board.send_keys(Keys.SHIFT + Keys.ARROW_DOWN)
    settle(chromium)
    assert not np.array_equal(pixels(script), point)
    board.send_keys(Keys.CONTROL + "z")  # a line is one stroke
    settle(chromium)
    np.testing.assert_array_equal(pixels(script), point)


def test_undo_brings_a_test_image_back_with_its_class(chromium, opened):
    script = opened("cnn")
    before, said = pixels(script), element(chromium, ".best").text
    element(chromium, "#clear").click()
    settle(chromium)
    element(chromium, "#undo").click()
    settle(chromium)
    np.testing.assert_array_equal(pixels(script), before)
    assert element(chromium, ".best").text == said
    assert element(chromium, "#examples button").get_attribute("aria-pressed") == "true"


def test_keys_go_where_they_point_on_a_spectrogram(chromium, opened):
    """Time lies across and frequency upwards: other axes than the array's."""
    from selenium.webdriver.common.keys import Keys

    script = opened("tones")
    height, width = script("return window.cnnlab.page.data.size")
    board = element(chromium, "#drawing")
    board.send_keys(Keys.ARROW_UP)
    assert script("return window.cnnlab.page.keyboard") == [height // 2, width // 2 + 1]
    board.send_keys(Keys.ARROW_RIGHT)
    assert script("return window.cnnlab.page.keyboard") == [height // 2 + 1, width // 2 + 1]
    maps = element(chromium, "[data-layer='conv2d_1'] .maps")
    chromium.execute_script("arguments[0].focus()", maps)
    first = script("return window.cnnlab.page.pointed.cursor")
    maps.send_keys(Keys.ARROW_UP)
    second = script("return window.cnnlab.page.pointed.cursor")
    assert (second["row"], second["column"]) == (first["row"], first["column"] + 1)


def test_colors_are_painted_in_color(chromium, opened):
    script = opened("color")
    script("document.getElementById('color').value = '#00ff00'; document.getElementById('brush').value = 8")
    board = element(chromium, "#drawing")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", board)
    board.click()
    settle(chromium)
    height, width = script("return window.cnnlab.page.data.size")
    middle = pixels(script).reshape(height, width, 3)[height // 2, width // 2]
    assert middle.tolist() == [0, 255, 0]


def test_stones_are_set_on_a_board(chromium, opened):
    script = opened("go")
    element(chromium, "#clear").click()
    settle(chromium)
    assert set(pixels(script)) == {1}
    script("document.getElementById('stone').value = '0'")
    board = element(chromium, "#drawing")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", board)
    board.click()
    settle(chromium)
    assert pixels(script).reshape(7, 7)[3, 3] == 0
    board.click()
    settle(chromium)
    assert set(pixels(script)) == {1}
    assert not chromium.find_elements("css selector", "#changes, #file")


def test_a_dropped_picture_is_answered_as_by_predict(chromium, opened, runs, tmp_path):
    script = opened("cnn")
    drawn = np.full((61, 47), 250, np.uint8)
    drawn[10:50, 20:26] = 15  # a one, dark on light
    Image.fromarray(drawn).save(tmp_path / "one.png")
    element(chromium, "#file").send_keys(str(tmp_path / "one.png"))
    assert_stated(chromium, "one.png; dark on light: inverted; scaled and centered")
    wanted = runs["cnn"].predict(tmp_path / "one.png", progress=False)
    np.testing.assert_array_equal(pixels(script), wanted.pixels.ravel())
    np.testing.assert_allclose(answers(script), wanted.probabilities[0], atol=1e-4)
    (tmp_path / "notes.png").write_text("no picture")
    element(chromium, "#file").send_keys(str(tmp_path / "notes.png"))
    assert_stated(chromium, "notes.png: expected a picture (PNG, JPEG, GIF, WebP, BMP), found")


def assert_stated(chromium, beginning):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(chromium, 5).until(lambda driver: element(driver, "#stated").text.startswith(beginning))
    settle(chromium)


def test_a_color_picture_is_answered_as_by_predict(chromium, opened, runs, tmp_path):
    script = opened("color")
    drawn = np.random.default_rng(0).integers(0, 256, (40, 57, 3), dtype=np.uint8)
    Image.fromarray(drawn).save(tmp_path / "noise.png")
    element(chromium, "#file").send_keys(str(tmp_path / "noise.png"))
    assert_stated(chromium, "noise.png; cropped and resized")
    wanted = runs["color"].predict(tmp_path / "noise.png", progress=False)
    np.testing.assert_allclose(answers(script), wanted.probabilities[0], atol=0.01)


def test_which_parts_matter(chromium, opened):
    from selenium.webdriver.support.ui import WebDriverWait

    script = opened("dnn", "cnn")
    element(chromium, "#occlusion").click()
    shown = "return [...document.querySelectorAll('.answer canvas')].every((each) => !each.hidden)"
    WebDriverWait(chromium, 20).until(lambda driver: driver.execute_script(shown))
    assert script("return document.querySelector('.answer canvas').width") == 28
    element(chromium, "#occlusion").click()
    assert script("return [...document.querySelectorAll('.answer canvas')].every((each) => each.hidden)")


@pytest.mark.parametrize("width", [360, 768, 1920])
@pytest.mark.parametrize("kinds", [("cnn",), ("dnn", "cnn"), ("go",)], ids="-".join)
def test_nothing_is_wider_than_the_window(opened, width, kinds):
    script = opened(*kinds, width=width)
    assert script("return document.documentElement.scrollWidth") <= width


def test_everything_has_a_name_for_screen_readers(opened):
    script = opened("dnn", "cnn")
    nameless = script(
        "return [...document.querySelectorAll('button, input, select, canvas')].filter((each) => {"
        "  const label = each.closest('label')?.textContent || each.getAttribute('aria-label')"
        "    || each.textContent || each.getAttribute('aria-hidden');"
        "  return !label?.trim(); }).map((each) => each.outerHTML)"
    )
    assert nameless == []


def test_dark_and_light_have_colors_of_their_own(chromium, opened):
    script = opened("cnn")
    colors = "return [getComputedStyle(document.body).backgroundColor, palette.zero]"
    light = script(colors)
    element(chromium, "#theme").click()
    settle(chromium)
    assert script(colors)[0] != light[0]
    assert script(colors)[1] != light[1]


def test_a_browser_that_computes_otherwise_says_so(chromium, page_of, tmp_path):
    text = page_of("cnn").read_text()
    wrong = tmp_path / "wrong.html"
    right = "return activated(node.settings.activation, Float32Array.from(sums), units);"
    assert right in text
    wrong.write_text(text.replace(right, right.replace("node.settings.activation", "'linear'")))
    chromium.get(wrong.as_uri())
    said = chromium.execute_script("return document.getElementById('trouble').textContent")
    assert said.startswith("This browser computes lenet5 differently: a probability is off by ")


def test_epoch_by_epoch(trained, made_up_data, chromium, tmp_path):
    kept = trained("colors_cnn_minimal", **{"training.keep_epochs": True, "training.epochs": 3, "seed": 4})
    page = cnnlab.live(kept, epochs=True, out=tmp_path / "epochs.html", data_dir=made_up_data, progress=False)
    chromium.get(page.page.as_uri())
    settle(chromium)
    assert chromium.get_log("browser") == []
    script = chromium.execute_script
    picture = pixels(script).reshape(1, *script("return window.cnnlab.page.data.size"), 3).astype(np.uint8)
    model, found = kept.model, []
    for epoch in range(4):
        script(
            "const slider = document.getElementById('epoch'); slider.value = arguments[0];"
            "slider.dispatchEvent(new Event('input'));", epoch,
        )  # fmt: skip
        settle(chromium)
        model.set_weights(list(kept.weights_of(epoch).values()))
        wanted = np.asarray(model((picture / 255).astype(np.float32)))[0]
        np.testing.assert_allclose(answers(script), wanted, atol=1e-4)
        assert element(chromium, "#epoch-number").text == str(epoch)
        found.append(element(chromium, "#epoch-history").text)
    assert found[0] == "Before training: random weights."
    accuracy = kept.record.history[1]["val_accuracy"]
    assert found[2] == f"After epoch 2: validation accuracy {100 * accuracy:.1f}%."


def test_two_seeds_of_an_experiment_are_told_apart(trained, made_up_data, chromium, tmp_path):
    one, two = (trained("xo_cnn", seed=seed) for seed in (0, 1))
    page = cnnlab.live(one, two, out=tmp_path / "seeds.html", data_dir=made_up_data, progress=False)
    chromium.get(page.page.as_uri())
    assert element(chromium, "h1").text == "xo_cnn, seed 0 and xo_cnn, seed 1"


def without_model(folder, tmp_path):
    copy = tmp_path / "copy" / "seed-0"
    shutil.copytree(folder, copy)
    (copy / "model.keras").unlink()
    return copy


def test_bad_input_is_one_sentence_and_nothing_is_written(runs, made_up_data, tmp_path):
    def said(*chosen, **options):
        with pytest.raises(CnnlabError) as error:
            cnnlab.live(
                *chosen,
                **{"out": tmp_path / "x.html", "data_dir": made_up_data, "progress": False, **options},
            )
        assert not (tmp_path / "x.html").exists()
        return error.value

    assert "no run" in str(said("nothing_of_the_kind")) or "no runs" in str(said("nothing_of_the_kind"))
    assert "expected one or two runs, found 3" in str(said(*[runs["cnn"]] * 3))
    assert "expected one or two runs, found 0" in str(said())
    assert "expected two runs, found the same one twice" in str(said(runs["cnn"], runs["cnn"]))
    assert "model.keras is missing" in str(said(without_model(runs["cnn"].folder, tmp_path)))
    both = said(runs["cnn"], runs["color"])
    assert "expected runs of the same data, found MNIST and " in str(both)
    assert isinstance(both, UserError)
    assert "expected a file, found a folder" in str(said(runs["cnn"], out=tmp_path))
    assert "expected a name that ends in .html" in str(said(runs["cnn"], out=tmp_path / "x.png"))
    assert "--epochs needs a run that has kept the weights" in str(said(runs["cnn"], epochs=True))
    assert "it shows one run, and two are given" in str(said(runs["cnn"], runs["dnn"], epochs=True))
    damaged = tmp_path / "damaged" / "seed-0"
    shutil.copytree(runs["cnn"].folder, damaged)
    (damaged / "model.keras").write_bytes(b"PK" + bytes(200))
    assert "is not the file that the run finished with" in str(said(damaged))
    unwritable = Path("/proc/nothing/x.html")
    assert "/proc" in str(said(runs["cnn"], out=unwritable))
