import pytest

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import as_term, percent, signed, written


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.941, 1, "94.1%"), (0.9801, 2, "98.01%"), (1, 1, "100.0%"), (0, 1, "0.0%"),
        (0.9997, 1, "> 99.9%"), (0.0003, 1, "< 0.1%"), (0.99997, 2, "> 99.99%"), (0.9994, 1, "99.9%"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_to_certainty(share, digits, text):
    assert percent(share, digits) == text


def test_signs_and_long_names():
    assert (signed(1.25), signed(-0.3), signed(-1.234, 2)) == ("+1.2", "−0.3", "−1.23")
    assert shortened("n" * 50 + "-deep", 20) == "nnnnnnnnnnn…nnn-deep"


@pytest.mark.parametrize(
    ("number", "text", "longer"),
    [
        (3.0, "3", "3"), (-1, "−1", "(−1)"), (-0.0, "0", "0"), (0.25, "0.25", "0.25"), (0.996, "1", "0.996"),
        (-0.9, "−0.9", "(−0.9)"), (0.0012, "0.00", "0.001"), (-0.0002, "−0.00", "(−0.000)"),
    ],
)  # fmt: skip
def test_numbers_have_two_digits_unless_more_are_asked_for(number, text, longer):
    assert (written(number), as_term(number, 3)) == (text, longer)
