"""--vary KEY=V1,V2,…: a setting and the values it takes in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from cnnlab.config.from_python import given_by
from cnnlab.config.overrides import KEY
from cnnlab.errors import OptionError, UserError
from cnnlab.language.fields import as_written
from cnnlab.language.source import parse_value

EXAMPLE = "dataset.train_size=300,1000,3000"


class Axis(NamedTuple):
    """A setting, by the key that --set takes, and its values in their order."""

    key: str
    values: tuple[Any, ...]


def parse_axis(text: str) -> Axis:
    """KEY=V1,V2,…, every value in YAML; KEY=[[3, 3], [5, 5]] where the values are lists themselves.

    Raises:
        UserError: it is not of this form, or no YAML.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not KEY.fullmatch(key) or not values.strip():
        raise UserError(f"--vary {text}: expected KEY=VALUE,VALUE,…, such as {EXAMPLE}")
    given = parse_value(f"[{values}]", f"--vary {key}").plain()
    if len(given) == 1 and isinstance(given[0], list):
        (given,) = given
    return Axis(key, tuple(given))


def axes_of(vary: object, fixed: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Settings that vary, checked, their values as a config has them.

    Args:
        vary: by key the values.
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


def _checked(key: object, values: object) -> Axis:
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise OptionError("vary", f"expected a key such as dataset.train_size, found {key!r:.60}")
    if key == "seed":
        raise OptionError("vary", "expected another key than seed; the seeds are given by --seeds")
    if key == "name":
        raise OptionError("vary", "expected another key than name, which decides nothing")
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise OptionError("vary", f"{key}: expected a list of values, found {values!r:.60}")
    given = tuple(given_by("--vary", key, value).plain() for value in values)
    if len(given) < 2:
        raise OptionError("vary", f"{key}: expected two or more values, found {len(given) or 'none'}")
    seen: set[str] = set()
    for value in given:
        if (text := repr(value)) in seen:  # 1 is not True
            raise OptionError("vary", f"{key}: expected different values, found {as_written(value)} twice")
        seen.add(text)
    return Axis(key, given)


def points(axes: Sequence[Axis]) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every combination of values, the last axis changing fastest: their places, and them as settings."""
    for place in product(*(range(len(axis.values)) for axis in axes)):
        yield place, {axis.key: axis.values[each] for axis, each in zip(axes, place, strict=True)}
