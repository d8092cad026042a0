"""The page as text: well-formed, self-contained, and with the numbers of the comparison."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from cnnlab.cli import run
from cnnlab.comparison import compare, conclusion, grouped
from cnnlab.comparison.tables import percent
from cnnlab.config.experiment import load_config
from cnnlab.layers.base import times
from cnnlab.report import render_report
from cnnlab.report.charts import chart
from cnnlab.report.images import png_uri
from cnnlab.report.network import drawing
from cnnlab.run_folders.records import read_record

VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """All elements with their attributes; complains where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.separate(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.separate(tag)

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    def separate(self, tag):
        if tag != "code":  # which stands within a sentence
            self.words.append(" ")

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def comparison(page):
    folders = sorted(page.parents[2].glob("colors_[dc]nn-*/seed-*"), reverse=True)
    return compare(grouped(read_record(path) for path in folders))


def test_it_is_small(page):
    assert page.stat().st_size < 3_000_000


def test_it_needs_nothing_else(page, parsed):
    for tag, attributes in parsed.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    text = page.read_text(encoding="utf-8")
    assert "url(" not in text.replace("url(#chart-", "")
    assert "@import" not in text
    (policy,) = (each for each in parsed.all("meta") if each.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none';")


def test_ids_are_unique_and_links_lead_somewhere(parsed):
    ids = Counter(attributes["id"] for _, attributes in parsed.elements if "id" in attributes)
    assert max(ids.values()) == 1
    for _, attributes in parsed.elements:
        for target in (attributes.get("href", ""), f"#{attributes.get('aria-labelledby', '')}"):
            if target.startswith("#") and target != "#":
                assert target[1:] in ids


def test_whoever_cannot_see_is_told(parsed):
    assert parsed.all("html") == [{"lang": "en"}]
    images = parsed.all("img")
    assert len(images) > 32
    assert all(re.match(r"Test image \d+: \w+\. colors_dnn predicts \w+", image["alt"]) for image in images)
    for svg in parsed.all("svg"):
        assert svg["role"] == "img"
        assert len(svg["aria-label"]) > 20
    assert all("scope" in heading for heading in parsed.all("th"))
    assert next(tag for tag, _ in parsed.elements if re.fullmatch(r"h\d", tag)) == "h1"


def test_it_says_what_compare_says(parsed, comparison):
    for paragraph in conclusion(comparison):
        assert paragraph in parsed.text
    for outcome in comparison.experiments:
        assert percent(outcome.test_accuracy) in parsed.text
        assert f"{outcome.params:,}" in parsed.text
        assert outcome.digest[:8] in parsed.text
    assert comparison.test_digest in parsed.text


def test_json(page, capsys, monkeypatch):
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    out = str(page.parents[2])
    assert run(["report", "colors_dnn", "colors_cnn", "--out", out, "--quiet", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["report"] == str(page)
    assert document["bytes"] == page.stat().st_size
    assert document["conclusion"][0].startswith("colors_cnn outperforms colors_dnn")


def test_names_and_data_are_only_text(page, comparison):
    """Nothing that comes from a run's files can end a tag or a script."""
    evil = '</script><img src=x onerror="alert(1)">'
    records = [record for outcome in comparison.experiments for record in outcome.records]
    for record in records:
        record.environment["dataset"] |= {"status": evil, "origin": "/home/someone/mnist"}
        record.environment["platform"] = evil
    text = render_report(compare(grouped(records)))
    assert evil not in text
    assert "/home/someone" not in text  # the page is handed on
    assert Page(text).all("img") == []


def test_provenance_says_when_and_on_which_machine(comparison, monkeypatch):
    record = comparison.experiments[0].records[0]
    monkeypatch.setitem(record.environment, "memory_bytes", 25_276_510_208)
    monkeypatch.setitem(record.environment, "git_commit", "4f2c8dd")
    monkeypatch.setitem(record.environment, "git_dirty", True)
    monkeypatch.setitem(record.environment, "plugins", {"cnnlab-example": "1.0"})
    started = json.loads((record.path / "run.json").read_text(encoding="utf-8"))["started"]
    text = Page(render_report(comparison)).text
    assert started[:10] in text
    assert "memory 23.5 GiB" in text
    assert "git commit 4f2c8dd with uncommitted changes" in text
    assert "plug-in cnnlab-example 1.0" in text


def test_the_same_input_gives_the_same_page(comparison):
    assert render_report(comparison) == render_report(comparison)


@pytest.mark.parametrize("experiments", [("cnn", "dnn", "fashion_cnn"), ("cnn", "dnn")])
def test_one_seed_no_predictions_many_experiments(page, comparison, experiments):
    (first, *_), *_ = (outcome.records for outcome in comparison.experiments)
    records = []
    for name in experiments:
        config = load_config(name)
        records.append(replace(first, path=page.parent / name, config=config, history=first.history[:1]))
    page_of = Page(render_report(compare(grouped(records))))
    assert page_of.all("img") == []
    assert len(page_of.all("svg")) == 3 + len(experiments)


def points(svg, part):
    """The points of a curve in an SVG, (N, 2)."""
    (path,) = re.findall(rf'<g data-part="{part}">\s*<path d="([^"]*)"', svg)
    return np.array([float(number) for number in re.findall(r"[\d.]+", path)]).reshape(-1, 2)


def test_chart_geometry():
    rows = [
        {"epoch": epoch, "loss": loss, "val_loss": None} for epoch, loss in enumerate((1.0, 0.5, 0.25), 1)
    ]
    other = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": float("nan")}]
    made = chart({"a": {0: rows, 4: other}}, "loss")
    low, high = made.data["y"]
    first, last = made.data["x"]
    assert (made.data["epochs"], low) == (3, 0.0)
    assert high == pytest.approx(1.05)
    assert [(line["seed"], line["kind"], line["values"]) for line in made.data["lines"]] == [
        (0, "training", [1.0, 0.5, 0.25]), (4, "training", [0.5, None]),
    ]  # fmt: skip
    left, top, right, bottom = made.data["frame"]
    x = [left + (epoch - first) / (last - first) * (right - left) for epoch in (1, 2, 3)]
    y = [bottom - (value - low) / (high - low) * (bottom - top) for value in (0.75, 0.5, 0.25)]
    np.testing.assert_allclose(points(made.svg, "mean-training-0"), np.stack([x, y], axis=1), atol=0.02)
    seed = points(made.svg, "seed-training-0-0")
    np.testing.assert_allclose(seed[0], [x[0], bottom - 1.0 / high * (bottom - top)], atol=0.02)
    json.dumps(made.data, allow_nan=False)
    assert "out of range" not in made.svg


def test_a_chart_says_what_is_outside():
    rows = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate([9.0, 8.0, *[0.1] * 28], 1)]
    assert ">epochs 1-2 partly out of range</text>" in chart({"a": {0: rows}}, "loss").svg


@pytest.mark.parametrize(
    "rows",
    [[], [{"epoch": 1, "loss": None}], [{"epoch": 1, "loss": 0.0}] * 9, [{"epoch": 1, "loss": float("inf")}]],
)
def test_odd_histories(rows):
    made = chart({"a": {0: rows}, "b": {0: []}}, "loss")
    low, high = made.data["y"]
    assert high > low


def test_all_colours_of_a_chart_are_the_theme_s():
    rows = [
        {"epoch": epoch, "loss": 1 / epoch, "val_loss": 2 / epoch, "val_accuracy": 0.5} for epoch in (1, 2)
    ]
    made = chart({f"e{index}": {0: rows, 1: rows} for index in range(9)}, "loss")
    assert re.findall(r"#[0-9a-f]{6}\b", re.sub(r"(id=|url\(|href=)[^ ]*", "", made.svg)) == []
    assert "var(--c6)" in made.svg


def labels_of(config):
    """What a drawing has to say, in this order: of a volume the type, of a note its name, and activations."""
    shape = config.architecture.input_shape
    for node, row in zip(config.nodes, config.architecture.rows, strict=True):
        layer = node.layer
        is_volume = layer.drawing_role != "note" or row.output_shape != shape
        yield row.type if is_volume else layer.short_name
        if is_volume and layer.output_activation != "linear":
            yield layer.output_activation
        shape = row.output_shape


def corners(shape):
    """The x and the y of what an SVG element covers; of a text, where it begins."""
    if "points" in shape.attrib:
        return zip(*(map(float, point.split(",")) for point in shape.attrib["points"].split()), strict=True)
    if "r" in shape.attrib:
        x, y, radius = (float(shape.attrib[key]) for key in ("cx", "cy", "r"))
        return (x - radius, x + radius), (y - radius, y + radius)
    return (float(shape.attrib["x"]),), (float(shape.attrib["y"]),)


@pytest.mark.parametrize("name", ["cnn", "dnn", "colors_cnn", "cnn_mixed_format"])
def test_every_layer_is_drawn_in_its_place(name):
    config = load_config(name)
    drawn = ET.fromstring(drawing(config))
    expected = list(labels_of(config))
    texts = [part for each in drawn if each.tag.endswith("text") for part in str(each.text).split(", ")]
    titles = (text if text in expected else text.split()[0] for text in texts)
    assert [title for title in titles if title in expected] == expected
    layers = ", ".join(f"{row.type} {times(row.output_shape)}" for row in config.architecture.rows)
    assert re.sub(r" with [\d,]+ parameters", "", drawn.attrib["aria-label"]).endswith(f", {layers}")


@pytest.mark.parametrize("name", ["cnn", "dnn", "colors_cnn", "cnn_mixed_format"])
def test_a_drawing_lies_in_its_box(name):
    drawn = ET.fromstring(drawing(load_config(name)))
    width, height = (float(drawn.attrib[side]) for side in ("width", "height"))
    for shape in drawn:
        xs, ys = corners(shape)
        assert 0 <= min(xs) <= max(xs) <= width
        assert 0 <= min(ys) <= max(ys) <= height


@pytest.mark.parametrize("shape", [(6, 5, 1), (6, 5, 3), (300, 200, 3)])
def test_images_are_inside_the_page(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    uri = png_uri(image)
    kind, _, data = uri.partition(",")
    assert kind == "data:image/png;base64"
    read = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data))))
    if max(shape) <= 96:
        np.testing.assert_array_equal(read, image[..., 0] if shape[-1] == 1 else image)
    else:
        assert max(read.shape) == 96
