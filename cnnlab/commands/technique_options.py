"""A field of a settings class → an option of the command line.

Click reads the text. Which values are allowed is shown by the help, and checked by the settings class: for
Python and the command line alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from cnnlab.explanations.options import Metavar


class _Choice(click.Choice[str]):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)


class _Integer(click.IntRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return click.INT.convert(value, param, ctx)


class _Float(click.FloatRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return click.FLOAT.convert(value, param, ctx)


def option_for(name: str, field: FieldInfo) -> click.Option:
    """The option of a field: class_name with the alias class → --class, given to the command as class_name.

    A tuple of any length may be repeated, one of a fixed length takes so many values, a boolean is a flag.

    Raises:
        TypeError: the field's type has no place on a command line.
    """
    flag = f"--{(field.alias or name).replace('_', '-')}"
    kind, constraints = _unwrapped(field.annotation, field.metadata)
    help_text = field.description or ""
    default = None if field.is_required() else field.default
    if kind is bool:
        declaration = f"{flag}/--no-{flag.removeprefix('--')}" if default else flag
        return click.Option(
            [declaration, name], is_flag=True, default=default, show_default=bool(default), help=help_text
        )
    metavar = next((each.text for each in constraints if isinstance(each, Metavar)), None)
    how: dict[str, Any] = {"default": default, "show_default": True}
    if get_origin(kind) is tuple:
        items = get_args(kind)
        kind, constraints = _unwrapped(items[0], [])
        if items[-1] is Ellipsis:
            how = {"multiple": True}
            help_text = f"{help_text} May be repeated.".strip()
        else:
            how["nargs"] = len(items)
    return click.Option(
        [flag, name],
        type=_type_of(kind, constraints, name),
        metavar=metavar or {Path: "FILE", str: "NAME"}.get(kind),
        required=field.is_required(),
        help=help_text,
        **how,
    )


def _unwrapped(annotation: Any, constraints: list[Any]) -> tuple[Any, list[Any]]:
    """A type without `| None` and `Annotated`, and what was said of its values."""
    options = [each for each in get_args(annotation) if each is not NoneType]
    if NoneType in get_args(annotation):
        return _unwrapped(options[0], constraints)
    if get_origin(annotation) is Annotated:
        return _unwrapped(options[0], [*constraints, *options[1:]])
    return annotation, constraints


def _type_of(kind: Any, constraints: list[Any], name: str) -> click.ParamType[Any]:
    if get_origin(kind) is Literal:
        return _Choice(get_args(kind))
    if kind is Path:
        return click.Path()  # a text: as a Path, '' would be the current directory
    if kind is str:
        return click.STRING
    if kind not in (int, float):
        raise TypeError(
            f"{name}: expected int, float, bool, str, Path, a Literal or a tuple of these, found {kind}"
        )
    least, below_least, most, above_most = (_bound(constraints, key) for key in ("ge", "gt", "le", "lt"))
    if (least, below_least, most, above_most) == (None, None, None, None):
        return click.INT if kind is int else click.FLOAT
    span = _Integer if kind is int else _Float
    return span(
        min=below_least if least is None else least,
        max=above_most if most is None else most,
        min_open=below_least is not None,
        max_open=above_most is not None,
    )


def _bound(constraints: list[Any], key: str) -> Any:
    return next((getattr(each, key) for each in _flat(constraints) if hasattr(each, key)), None)


def _flat(constraints: list[Any]) -> Iterator[Any]:
    """Bounds, those inside a `Field` of an `Annotated` type, too."""
    for each in constraints:
        if isinstance(each, FieldInfo):
            yield from each.metadata
        else:
            yield each
