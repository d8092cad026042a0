"""Pickles as plain data. No function or class of any library is ever called by a file.

CIFAR-10's Python layout is pickles, and a pickle is a program: loading one as usual runs whatever it
says. Here every name a pickle may look up leads to a stand-in of ours that keeps what it is given and
does nothing; all other names, and all instructions that a pickle of plain data does not need, are
errors. Sizes are bounded too: what a hostile file can take is memory in proportion to its own size.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

FORBIDDEN = frozenset(
    # Ways to make objects other than calling a looked-up name, and data that lies outside the pickle.
    (
        *("INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    )
)
LARGEST_MEMO = 1_000_000
"""The C unpickler takes memory for a memo slot's number, whether or not the slots below it are used."""

DTYPES = frozenset(("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "b1"))
MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ImportError,
    OverflowError,
    MemoryError,
    RecursionError,
)
"""What unpickling may raise for bytes that are no pickle; the library documents that the list is open."""


class PlainPickleError(Exception):
    """The bytes are no pickle, or one that is not plain data."""


def load_plain(data: bytes) -> Any:
    """The object in a pickle of lists, tuples, dicts, text, bytes, numbers and numeric arrays.

    Text of Python 2 stays bytes, as with `pickle.load(encoding="bytes")`.

    Args:
        data: a whole pickle.

    Returns:
        The object, with an `ArrayRecord` in place of each NumPy array.

    Raises:
        PlainPickleError: says what is wrong.
    """
    try:
        with warnings.catch_warnings():
            # Old text instructions warn about their escapes; that is the file's affair, not the user's.
            warnings.simplefilter("ignore", DeprecationWarning)
            _check_instructions(data)
            return _Unpickler(io.BytesIO(data), budget=2 * len(data)).load()
    except MALFORMED as error:
        raise PlainPickleError(str(error) or type(error).__name__) from error


def _check_instructions(data: bytes) -> None:
    """Read, without running it, the whole program."""
    for instruction, argument, _ in pickletools.genops(data):
        if instruction.name in FORBIDDEN:
            raise pickle.UnpicklingError(
                f"the instruction {instruction.name}, which plain data does not need"
            )
        if instruction.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > LARGEST_MEMO:
            raise pickle.UnpicklingError(f"memo slot {argument}")


class _StandIn:
    """What a name in a pickle leads to: callable, and closed to changes (BUILD would set attributes)."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a changed function")


class _DtypeRecord:
    """A NumPy dtype as its name and byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode("ascii") if isinstance(code, bytes) else code
        code = code.lstrip("|<") if isinstance(code, str) else code
        if code not in DTYPES:
            raise pickle.UnpicklingError(f"an array of type {code!r}")
        self.code = code
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, subarray, names, fields, item size, alignment, flags, …)
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("a compound array type")
        self.order = ">" if order == ">" else "<"

    def numpy(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.order + self.code)
        return dtype


class ArrayRecord:
    """A pickled NumPy array: the parts that were stored, put together by `numpy()` only."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state: tuple[Any, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        # (version, shape, dtype, Fortran order, bytes); version is missing in very old pickles
        shape, dtype, fortran, data = state[-4:]
        self._set(shape, dtype, "F" if fortran else "C", data)

    def _set(self, shape: Any, dtype: Any, order: Any, data: Any) -> None:
        if not (
            isinstance(dtype, _DtypeRecord)
            and isinstance(data, (bytes, bytearray))
            and isinstance(shape, tuple)
            and all(type(size) is int and size >= 0 for size in shape)
            and order in ("C", "F")
        ):
            raise pickle.UnpicklingError("an array that is not plain numbers")
        self._state = (shape, dtype, order, data)

    @classmethod
    def from_buffer(cls, data: Any, dtype: Any, shape: Any, order: Any) -> ArrayRecord:
        """What NumPy's protocol 5 pickles call."""
        record = cls()
        record._set(shape, dtype, order, data)
        return record

    def numpy(self) -> np.ndarray:
        """The array, a read-only view of the pickled bytes.

        Raises:
            PlainPickleError: the bytes do not fit the shape.
        """
        if self._state is None:
            raise PlainPickleError("an array without content")
        shape, dtype, order, data = self._state
        try:
            return np.frombuffer(data, dtype=dtype.numpy()).reshape(shape, order=order)
        except (ValueError, OverflowError) as error:
            raise PlainPickleError(f"an array whose bytes do not fit its shape ({error})") from error


class _Unpickler(pickle.Unpickler):
    """Leads every name to a stand-in, or nowhere."""

    def __init__(self, file: io.BytesIO, *, budget: int) -> None:
        super().__init__(file, encoding="bytes")
        reconstruct = _StandIn(lambda *_: ArrayRecord())
        dtype = _StandIn(_DtypeRecord)
        scalar = _StandIn(_scalar)
        from_buffer = _StandIn(ArrayRecord.from_buffer)
        self._known: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): _StandIn(_refuse),
            ("numpy", "dtype"): dtype,
            ("_codecs", "encode"): _StandIn(_Encode(budget)),
        }
        for core in ("numpy.core", "numpy._core"):
            self._known[f"{core}.multiarray", "_reconstruct"] = reconstruct
            self._known[f"{core}.multiarray", "scalar"] = scalar
            self._known[f"{core}.numeric", "_frombuffer"] = from_buffer

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self._known[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"a call of {module_name}.{global_name}") from None


class _Encode:
    """How Python 3 writes bytes into old pickle protocols: text that is to be encoded as Latin-1.

    Not a method of the unpickler: that would be a reference cycle, and keep each batch in memory.
    """

    def __init__(self, budget: int) -> None:
        self._left = budget

    def __call__(self, text: Any, encoding: Any) -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1", b"latin1", b"latin-1"):
            raise pickle.UnpicklingError("text in an unexpected encoding")
        # A short pickle could have one long text encoded again and again.
        self._left -= len(text)
        if self._left < 0:
            raise pickle.UnpicklingError("far more data than the file has bytes")
        return text.encode("latin-1")


def _refuse(*_: Any) -> Any:
    raise pickle.UnpicklingError("a call of numpy.ndarray")


def _scalar(dtype: Any, data: Any) -> int:
    """A NumPy integer, as an int."""
    if not isinstance(dtype, _DtypeRecord) or not isinstance(data, bytes) or len(data) > 8:
        raise pickle.UnpicklingError("a number of an unexpected type")
    return int(np.frombuffer(data, dtype=dtype.numpy(), count=1)[0])
