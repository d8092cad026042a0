"""Files that are right, changed at random: flipped, cut, spliced, grown. `make fuzz` tries many more."""

import os
import time
import unicodedata
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnlab.errors import CnnlabError
from tests.corpus.bounds import bounded
from tests.corpus.readers import ALL_READERS
from tests.corpus.valid import VALID, file_name, valid

EXAMPLES = 40
"""For each reader, again and again for as many seconds:"""

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))

MOST_LINES = 12
"""A config has many places that can be wrong; the rest has one."""

NUMBERS = [0, 1, -1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]
WORDS = [
    *(b"(", b"[", b"{", b"}", b"'", b'"', b"\n", b"\t", b"-", b": ", b".", b"\0", b"&a *a", b"!!x", b"1e999"),
    *(b"\x1f\x8b", b"PK\x01\x02", b"\xff\xd8", b"IEND", b"'shape': (", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80"),
]
PLACES = st.floats(0, 1)

Mutation = tuple[str, float, float, int, bytes]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut", "drop", "repeat", "number", "insert", "splice"]),
        PLACES,
        PLACES,
        st.sampled_from(NUMBERS) | st.integers(0, 255),
        st.sampled_from(WORDS) | st.binary(max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, mutations: list[Mutation]) -> bytes:
    """The bytes after each change in turn; a place is a share of the length, as the length changes."""
    for what, first, second, number, word in mutations:
        begin, end = sorted((int(first * len(data)), int(second * len(data))))
        some = data[begin : begin + 1]
        match what:
            case "flip" if some:
                data = data[:begin] + bytes([some[0] ^ (1 << number % 8)]) + data[begin + 1 :]
            case "set" if some:
                data = data[:begin] + bytes([number & 0xFF]) + data[begin + 1 :]
            case "cut":
                data = data[:begin]
            case "drop":
                data = data[:begin] + data[end:]
            case "repeat":
                data = data[:end] + data[begin:end] * (1 + number % 3) + data[end:]
            case "number":
                written = (number & 0xFFFFFFFF).to_bytes(4, "little" if number % 2 else "big")
                data = data[:begin] + written + data[begin + 4 :]
            case "insert":
                data = data[:begin] + word + data[begin:]
            case "splice":
                data = data[:begin] + data[end:] + data[begin:end]
    return data


def may_be_shown(letter):
    return letter == "\n" or letter.isprintable() or unicodedata.category(letter) == "Zs"


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.usefixtures("backend")
def test_a_changed_file_is_read_or_named(kind, tmp_path):
    end = time.monotonic() + SECONDS
    check(kind, tmp_path)
    while time.monotonic() < end:
        check(kind, tmp_path)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 9), mutations=MUTATIONS)
def check(kind, tmp_path, which, mutations):
    files = valid(kind)
    path = tmp_path / file_name(kind)
    path.write_bytes(mutated(files[which % len(files)], mutations))
    with warnings.catch_warnings(), bounded():
        # Keras warns of what it reads.
        warnings.simplefilter("ignore" if kind == "keras-archive" else "error")
        try:
            ALL_READERS[kind](path)
        except CnnlabError as error:
            said = error.on_command_line()
            # Options are no files; a setting that does not fit the rest is named where the rest stands.
            names = {"set": ("--set", "cnn.yaml"), "where": ("--where",)}.get(kind, (str(path),))
            assert any(name in said for name in names)
            assert all(
                each == "\n" or each.isprintable() or unicodedata.category(each) == "Zs" for each in said
            )
            # What Python prints of an object, or of an error that nobody has put into words.
            assert not any(each in said for each in ("Traceback", "<class '", " object at 0x"))
            assert len(said.splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    "kind", sorted(VALID.keys() - {"npz-archive", "cifar-archive", "set", "where", "other-images"})
)
@pytest.mark.usefixtures("backend")
def test_what_mutations_start_from_is_right(kind, tmp_path):
    for content in valid(kind):
        path = tmp_path / file_name(kind)
        path.write_bytes(content)
        ALL_READERS[kind](path)
