"""An accuracy that was measured on a few images is told with what it leaves open."""

import pytest

from cnnlab.cli import run
from cnnlab.few_images import ENOUGH, few_images_note, few_images_warning, interval_of, share_text


@pytest.mark.parametrize(("right", "count"), [(9, 12), (30, 40), (1, 3), (60, 99)])
def test_the_interval_leaves_out_two_and_a_half_percent_on_either_side(right, count):
    from scipy.stats import binom

    low, high = interval_of(right, count)
    assert binom.sf(right - 1, count, low) == pytest.approx(0.025)
    assert binom.cdf(right, count, high) == pytest.approx(0.025)


def test_all_or_none_right():
    assert interval_of(0, 10)[0] == 0
    assert interval_of(10, 10)[1] == 1
    assert interval_of(10, 10)[0] == pytest.approx(0.025**0.1)


def test_enough_images_are_not_mentioned():
    assert few_images_warning("photos", ENOUGH) is None
    assert few_images_warning("photos", 12) == (
        "photos: 12 test images are few: with 9 of them right, the accuracy on other images may be anything "
        "from 43% to 95% (95% interval)"
    )


def test_a_share_of_few_images_is_an_interval():
    assert share_text(75, ENOUGH) == "75.00%"
    assert share_text(9, 12) == "43 to 95%, 95% interval"
    assert few_images_note({"a": 0.75}, ENOUGH) is None


def test_a_comparison_on_few_images_says_so(tmp_path, make_run, capsys, no_pictures, monkeypatch):
    """The colors have 1,000 test images, which are few here."""
    for module in ("few_images", "comparison.comparing"):
        monkeypatch.setattr(f"cnnlab.{module}.ENOUGH", 1001)
    runs = [make_run(tmp_path, name, accuracy=0.75) for name in ("colors_dnn", "colors_cnn")]
    assert run(["compare", *map(str, runs), "--out", str(tmp_path), "--quiet"]) == 0
    low, high = (f"{each:.0%}" for each in interval_of(750, 1000))
    note = (
        f"1,000 test images are few: on other images, the accuracy may be anything from {low} to {high} for "
        f"colors_dnn (750 right), {low} to {high} for colors_cnn (750 right); 95% intervals of a "
        "network that "
        "has so many right"
    )
    assert note in " ".join(capsys.readouterr().out.split())
    (page,) = tmp_path.glob("comparisons/*/table.md")
    assert note in page.read_text(encoding="utf-8")
