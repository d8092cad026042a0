"""--vary KEY=V1,V2,… or KEY=LOW..HIGH: a setting that varies, and what it takes in turn."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from cnnlab.config.given import given_by
from cnnlab.config.overrides import KEY
from cnnlab.errors import OptionError, UserError
from cnnlab.language.fields import as_written
from cnnlab.language.source import parse_value

EXAMPLE = "dataset.train_size=300,1000,3000"


class Axis(NamedTuple):
    """A setting, by the key that --set takes, and its values in their order."""

    key: str
    values: tuple[Any, ...]


class Span(NamedTuple):
    """A setting, by the key that --set takes, and the range that its values are drawn from, ends included.

    Between two whole numbers, whole numbers are drawn; between others, numbers whose logarithms are spread
    evenly, or from 0 on the numbers themselves.
    """

    key: str
    low: float
    high: float

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def is_logarithmic(self) -> bool:
        return not self.is_whole and self.low > 0

    def __str__(self) -> str:
        return f"{self.low!r}..{self.high!r}"


_SPAN = re.compile(r"\s*([^\s.]\S*?|\.\d\S*?)\s*\.\.\s*(\S+)\s*")


def parse_axis(text: str) -> Axis | Span:
    """KEY=V1,V2,…, every value in YAML; KEY=[[3, 3], [5, 5]] where the values are lists themselves.

    KEY=LOW..HIGH is a range.

    Raises:
        UserError: it is not of this form, or no YAML.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not KEY.fullmatch(key) or not values.strip():
        raise UserError(f"--vary {text}: expected KEY=VALUE,VALUE,…, such as {EXAMPLE}")
    return _read(key, values)


def _read(key: str, text: str) -> Axis | Span:
    """What stands behind KEY=."""
    if span := _SPAN.fullmatch(text):
        ends = [parse_value(end, f"--vary {key}").plain() for end in span.groups()]
        return _span(key, *ends)
    given = parse_value(f"[{text}]", f"--vary {key}").plain()
    if len(given) == 1 and isinstance(given[0], list):
        (given,) = given
    return Axis(key, tuple(given))


def _span(key: str, low: object, high: object) -> Span:
    """A range, its ends checked.

    Raises:
        OptionError: they are not two ascending numbers, or a logarithm is wanted of a negative one.
    """
    ends = (low, high)
    numbers = [each for each in ends if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) < 2 or not all(map(math.isfinite, numbers)):
        raise OptionError("vary", f"{key}: expected two numbers, such as 1e-4..1e-2, found {low}..{high}")
    span = Span(key, *numbers)
    if not span.low < span.high:
        raise OptionError("vary", f"{key}: expected an ascending range, found {span}")
    if not span.is_whole and span.low < 0:
        raise OptionError("vary", f"{key}: expected a range from 0 or more, found {span}")
    return span


def axes_of(vary: object, fixed: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Settings that take several values, checked, their values as a config has them.

    Args:
        vary: by key the values, as a list or as --vary has them.
        fixed: what is set to one value besides.

    Raises:
        UserError: there are none, a key is none or is decided twice, or its values are a range, or not two
            or more different ones.
    """
    axes = []
    for axis in space_of(vary, fixed):
        if isinstance(axis, Span):
            raise OptionError(
                "vary",
                f"{axis.key}: expected values such as 8,16,32, found the range {axis}; ranges are for "
                "cnnlab sweep --search random or tpe",
            )
        axes.append(axis)
    return tuple(axes)


def space_of(vary: object, fixed: Mapping[str, Any]) -> tuple[Axis | Span, ...]:
    """Settings that vary, checked, their values as a config has them.

    Args:
        vary: by key the values or the range, as a list, an `Axis`, a `Span`, or as --vary has them.
        fixed: what is set to one value besides.

    Raises:
        UserError: there are none, a key is none or is decided twice, or its values are not two or more
            different ones.
    """
    if not isinstance(vary, Mapping) or not vary:
        raise OptionError(
            "vary", f'expected a mapping such as {{"training.epochs": [3, 10]}}, found {vary!r:.60}'
        )
    axes = tuple(_checked(key, values) for key, values in vary.items())
    for place, axis in enumerate(axes):
        for key in (*fixed, *(other.key for other in axes[:place])):
            if overlap(axis.key, key):
                also = f"is set to {as_written(fixed[key])}" if key in fixed else "varies"
                which = "and" if axis.key == key else f"and {key}, which decides about the same,"
                raise OptionError("vary", f"{axis.key} varies, {which} {also} besides; leave one out")
    return axes


def overlap(one: str, other: str) -> bool:
    """Whether two keys decide about the same setting: training.optimizer and training.optimizer.name."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and long[len(short) : len(short) + 1] in ("", ".", "[")


def _checked(key: object, values: object) -> Axis | Span:
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise OptionError("vary", f"expected a key such as dataset.train_size, found {key!r:.60}")
    if key == "seed":
        raise OptionError("vary", "expected another key than seed; the seeds are given by --seeds")
    if key == "name":
        raise OptionError("vary", "expected another key than name, which decides nothing")
    if isinstance(values, str) and values.strip():
        values = _read(key, values)
    if isinstance(values, Span):
        return _span(key, values.low, values.high)
    if isinstance(values, Axis):
        values = values.values
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise OptionError("vary", f"{key}: expected a list of values, found {values!r:.60}")
    given = tuple(given_by("--vary", key, value).plain() for value in values)
    if len(given) < 2:
        raise OptionError("vary", f"{key}: expected two or more values, found {len(given) or 'none'}")
    seen: dict[str, Any] = {}
    for value in given:
        text = value_text(value)
        if text in seen and repr(seen[text]) == repr(value):
            raise OptionError("vary", f"{key}: expected different values, found {as_written(value)} twice")
        if text in seen:
            raise OptionError(
                "vary", f"{key}: expected values that can be told apart, found {seen[text]!r} and {value!r}"
            )
        seen[text] = value
    return Axis(key, given)


def points(axes: Sequence[Axis]) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every combination of values, the last axis changing fastest: their places, and them as settings."""
    for place in product(*(range(len(axis.values)) for axis in axes)):
        yield place, {axis.key: axis.values[each] for axis, each in zip(axes, place, strict=True)}


def value_text(value: Any) -> str:
    """A value as a config has it: 300, same, [3, 3], {seed: 0, block: 4}."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {value_text(each)}' for key, each in value.items())}}}"
    return str(value)
