import builtins
import contextlib
import os
import pickle
import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.datasets.reading.plain_pickle import ArrayRecord, PlainPickleError, load_plain

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

# {"data": array of 2×3 uint8, "labels": [6, 9]} as Python 2 and NumPy 1 wrote it: the official files' form.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
    b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02K\x03\x86q\x09cnumpy\ndtype\nq\x0aU\x02u1q\x0bK\x00K\x01\x87q\x0cRq\x0d"
    b"(K\x03U\x01|q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x06abcdefq\x10tq\x11bU\x06labelsq\x12"
    b"]q\x13(K\x06K\x09eu."
)


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def test_a_pickle_of_python_2_is_read():
    content = load_plain(PYTHON_2)
    assert content[b"labels"] == [6, 9]
    array = content[b"data"].numpy()
    assert array.dtype == np.uint8
    assert array.tolist() == [[97, 98, 99], [100, 101, 102]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numeric_arrays_of_every_protocol_are_read(protocol, dtype, order):
    array = np.arange(6).reshape(2, 3).astype(dtype, order=order)
    record = load_plain(pickle.dumps([array], protocol))[0]
    assert isinstance(record, ArrayRecord)
    assert record.numpy().dtype == array.dtype
    np.testing.assert_array_equal(record.numpy(), array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_of_every_protocol_is_read(protocol):
    plain = {"text": "Bär", "numbers": [1, -2.5, 2**70, True, None], "pair": (1, 2), "bytes": b"\x00\xff"}
    if protocol == 0:
        del plain["bytes"]  # written with an empty text as separate argument, by Python 3 only
    assert load_plain(pickle.dumps(plain, protocol)) == plain


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numpy_integers_are_read_as_numbers(protocol):
    assert load_plain(pickle.dumps([np.uint8(7), np.int64(-3)], protocol)) == [7, -3]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "call",
    [
        Calls(os.system, "touch called"),
        Calls(os.mkdir, "called"),
        Calls(eval, "open('called', 'w').close()"),
        Calls(exec, "open('called', 'w').close()"),
        Calls(subprocess.check_output, ["touch", "called"]),
        Calls(builtins.getattr, "text", "upper"),
        Calls(np.save, "called", 1),
        Calls(np.ndarray, (10**9,)),
        Calls(np.dtype, "O"),
        Calls(np.dtype, [("a", "u1")]),
    ],
    ids=lambda call: call.call[0].__name__,
)
def test_a_pickle_that_would_call_anything_is_refused_and_calls_nothing(
    tmp_path, monkeypatch, call, protocol
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlainPickleError):
        load_plain(pickle.dumps({"data": call}, protocol))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [np.array([print, None]), np.zeros(2, dtype=[("a", "u1")]), np.array(["text"]), np.array([1.5])],
    ids=["objects", "records", "text", "floats"],
)
def test_arrays_of_anything_but_integers_are_refused(array, protocol):
    with pytest.raises(PlainPickleError):
        load_plain(pickle.dumps(array, protocol))


def call_of(module, name):
    return f"c{module}\n{name}\n".encode()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"", "pickle exhausted before seeing STOP"),
        (b"not a pickle", "opcode b'n' unknown"),
        (PYTHON_2[:-1], "pickle exhausted before seeing STOP"),
        (PYTHON_2[:80], ""),
        (b"\x80\x02r\xff\xff\xff\xff.", "memo slot 4294967295"),
        (b"\x80\x02]r\x00\x00\x00\x7f.", "memo slot 2130706432"),
        (
            b"\x80\x04\x96" + struct.pack("<Q", 2**62) + b".",
            "expected 4611686018427387904 bytes in a bytearray8",
        ),
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".", "expected 1099511627776 bytes in a bytes8"),
        (b"cos\nsystem\n(S'true'\ntR.", "a call of os.system"),
        (b"(S'true'\nios\nsystem\n.", "the instruction INST, which plain data does not need"),
        (b"\x80\x02cnumpy\ndtype\n)\x81.", "the instruction NEWOBJ, which plain data does not need"),
        (b"\x80\x02U\x01xQ.", "the instruction BINPERSID, which plain data does not need"),
        (b"\x80\x02\x82\x01.", "the instruction EXT1, which plain data does not need"),
        (b"\x80\x02" + call_of("_codecs", "encode") + b"}U\x01aK\x01sb.", "a changed function"),
        (b"\x80\x02" + call_of("numpy", "dtype") + b"N}U\x01aK\x01s\x86b.", "a changed function"),
        (b"\x80\x02" + call_of("numpy", "ndarray") + b"J\xff\xff\xff\x7f\x85R.", "a call of numpy.ndarray"),
        (
            b"\x80\x02" + call_of("_codecs", "encode") + b"X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
            "text in an unexpected encoding",
        ),
        (b"\x80\x02" + call_of("numpy", "dtype.__class__") + b".", "a call of numpy.dtype.__class__"),
        (b"\x80\x04\x8c\x05numpy\x8c\x05dtypeq\x00\x93q\x01(\x8c\x01OtR.", "an array of type 'O'"),
    ],
)
def test_hostile_programs_are_refused(program, message):
    with pytest.raises(PlainPickleError) as caught:
        load_plain(program)
    assert message in str(caught.value)


def test_one_long_text_cannot_be_multiplied():
    text = "a" * 1000
    once = call_of("_codecs", "encode") + b"h\x00X\x06\x00\x00\x00latin1\x86R0"
    data = b"\x80\x02X" + struct.pack("<I", len(text)) + text.encode() + b"q\x000" + once * 100 + b"N."
    with pytest.raises(PlainPickleError, match="far more data than the file has bytes"):
        load_plain(data)


def test_an_array_that_declares_more_than_it_has_takes_no_memory():
    array = np.zeros((2, 3), np.uint8)
    data = pickle.dumps(array, 2).replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86")
    with pytest.raises(PlainPickleError, match="bytes do not fit its shape"):
        load_plain(data).numpy()


def test_a_shape_of_truth_values_is_refused():
    data = pickle.dumps(np.zeros((1, 1), np.uint8), 2).replace(b"K\x01K\x01\x86", b"\x88\x88\x86")
    with pytest.raises(PlainPickleError, match="an array that is not plain numbers"):
        load_plain(data)


def test_odd_escapes_in_old_pickles_do_not_warn_the_user():
    assert load_plain(b"S'\\m'\n.") == b"\\m"


def test_an_array_without_content_is_no_array():
    data = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R."
    with pytest.raises(PlainPickleError, match="an array without content"):
        load_plain(data).numpy()


@given(st.binary(max_size=200))
def test_no_bytes_escape_as_another_error(data):
    with contextlib.suppress(PlainPickleError):
        load_plain(data)


@given(position=st.integers(0, len(PYTHON_2) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_escapes_as_another_error(position, byte):
    data = bytearray(PYTHON_2)
    data[position] = byte
    with contextlib.suppress(PlainPickleError):
        content = load_plain(bytes(data))
        if isinstance(content, dict) and isinstance(content.get(b"data"), ArrayRecord):
            content[b"data"].numpy()
