"""The vocabulary of the config language: the base of every settings class, its field types, its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from cnnlab.errors import closest, suggestion

S = TypeVar("S", bound="Settings")

Shape = tuple[int, ...]
"""A shape without the batch axis, such as (28, 28, 1)."""


class Settings(BaseModel):
    """A frozen part of a config. Unknown keys, wrong types and infinities are errors.

    Every error leaves with a message in plain words, expected and found, and all of them at once.
    """

    about: ClassVar[str] = ""
    """What editors show for it: what it is, in a sentence; more in further paragraphs."""

    indecisive: ClassVar[frozenset[str]] = frozenset()
    """Fields that do not change what an experiment results in: names, where it is computed."""

    file_paths: ClassVar[frozenset[str]] = frozenset()
    """Fields that are paths: where they lead does not decide a result, only what is called so there."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        _simplify_class_variables(cls)

    @model_validator(mode="wrap")
    @classmethod
    def _in_plain_words(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            known = tuple(cls.model_fields)
            errors = error.errors()
            raise problems(
                *(
                    problem(_phrase(each, known), each["loc"], kind=_kind(each))
                    for each in errors
                    if not _only_seems_short(each, errors)
                )
            ) from None

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return self.only_wanted(write(self))

    def only_wanted(self, data: dict[str, Any]) -> dict[str, Any]:
        """What `written_only` lets through of these settings, once they are dumped."""
        wanted = _wanted.get()
        if wanted is None:
            return data
        names = {key: PurePath(data[key]).name for key in self.file_paths & data.keys()}
        return {key: value for key, value in (data | names).items() if wanted(self, key)}

    def reject_unused(self, *fields: str, reason: str) -> None:
        """For settings that others switch off: where they are not at their defaults, they are mistakes.

        Raises:
            ValidationError: one error for each; `reason` follows "has no effect".
        """
        idle = [name for name in fields if getattr(self, name) != type(self).model_fields[name].default]
        if idle:
            message = f"has no effect {reason}; leave it out"
            raise problems(*(problem(message, (name,), kind="key") for name in idle))


def _simplify_class_variables(kind: type[Settings]) -> None:
    """Let Pydantic know them as such without evaluating their annotations, anew for each subclass.

    That took longer than all else about a class whose schema is built when it is needed.
    """
    annotations = vars(kind).get("__annotations__", {})
    for name, annotation in annotations.items():
        if isinstance(annotation, str) and annotation.startswith("ClassVar["):
            annotations[name] = ClassVar


_simplify_class_variables(Settings)


_wanted: ContextVar[Callable[[Settings, str], bool] | None] = ContextVar("wanted", default=None)


@contextmanager
def written_only(wanted: Callable[[Settings, str], bool]) -> Iterator[None]:
    """In the block, settings are dumped with only those of their fields that are wanted, at any depth.

    Of paths, their last name is dumped.
    """
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def settings_within(value: Any) -> Iterator[Settings]:
    """All settings in a value, from the outside in; itself, where it is one."""
    if isinstance(value, Settings):
        yield value
        value = tuple(vars(value).values())
    elif isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for each in value:
            yield from settings_within(each)


def mistakes(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """Where each mistake stands, and what is wrong, in plain words."""
    return [(each["loc"], _phrase(each, ())) for each in error.errors()]


def problem(message: str, loc: tuple[int | str, ...] = (), *, kind: str = "value") -> InitErrorDetails:
    """One error of a settings class: `kind` is "value", or "key" where the key itself is the mistake."""
    return InitErrorDetails(
        type=PydanticCustomError(kind, "{message}", {"message": message}), loc=loc, input=None
    )


def problems(*details: InitErrorDetails) -> ValidationError:
    """The exception that carries them; raised in a validator, its places are appended to the field's own."""
    return ValidationError.from_exception_data("config", list(details))


def choose_by_name(
    kind: str,
    table: Mapping[str, type[S]],
    value: Any,
    by_key: Mapping[str, type[S]] | None = None,
    *,
    default: str | None = None,
) -> S:
    """Read {name: adam, …}, or adam alone, as the settings class that `table` has under that name.

    Classes in `by_key` go by no name, but by the key that the mapping has in its place: {folder: PATH}.
    `default` is the name of a mapping without one.
    """
    if isinstance(value, Settings):
        return value  # type: ignore[return-value]  # one of the table's, read before
    fields = {"name": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        raise problems(problem(f"expected the {kind}'s name or settings, found {as_written(value)}"))
    for key in by_key or ():
        # A run's config.yaml has the key and, as every default is written out, its class's own name too.
        if by_key and key in fields and fields.get("name", key) == key:
            return by_key[key].model_validate(fields)
    if default is not None:
        fields = {"name": default} | fields
    if "name" not in fields:
        others = f"; or {' or '.join(f'{key}: PATH' for key in by_key)} instead" if by_key else ""
        message = f"missing; expected one of {', '.join(table)}{others}"
        raise problems(problem(message, ("name",), kind="key"))
    name = fields["name"]
    if not isinstance(name, str):
        raise problems(problem(f"expected the {kind}'s name, found {as_written(name)}", ("name",)))
    if name not in table:
        raise problems(problem(f"unknown {kind} {as_written(name)}; {suggestion(name, table)}", ("name",)))
    return table[name].model_validate(fields)


def chosen_by_name(
    kind: str,
    table: Mapping[str, type[Settings]],
    by_key: Mapping[str, type[Settings]] | None = None,
    *,
    default: str | None = None,
) -> PlainValidator:
    """The validator of a field that `choose_by_name` reads."""
    return PlainValidator(lambda value: choose_by_name(kind, table, value, by_key, default=default))


def without_numpy(value: Any) -> Any:
    """NumPy's numbers and arrays, also within lists and tuples, as Python's own; NumPy is not imported."""
    if isinstance(value, list | tuple):
        return type(value)(without_numpy(each) for each in value)
    return value.tolist() if hasattr(value, "tolist") and hasattr(value, "dtype") else value


def as_written(value: Any) -> str:
    """A value as a config would write it, short enough for an error."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = repr(value)
    end = "…" + text[0] if isinstance(value, str) else "…"
    return text if len(text) <= 60 else text[:57] + end


def _kind(error: ErrorDetails) -> str:
    return "key" if error["type"] in ("extra_forbidden", "missing", "key") else "value"


def _only_seems_short(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Pydantic does not count the items that are wrong themselves, and then finds the list too short."""
    where = error["loc"]
    return error["type"] == "too_short" and any(
        each["loc"][: len(where)] == where and len(each["loc"]) > len(where) for each in errors
    )


_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "finite_number": "a finite number",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "string_too_long": "{max_length} characters or fewer",
    "string_pattern_mismatch": "letters, digits, - and _ only, because it becomes a file name",
}
"""Pydantic's error types in our words; what is missing here keeps Pydantic's."""


def _phrase(error: ErrorDetails, known: tuple[str, ...]) -> str:
    """The message of one Pydantic error; `known` are the keys of the section it comes from."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if "message" in context:  # from an inner section, in plain words already
        return str(context["message"])
    if kind == "extra_forbidden":
        name = str(error["loc"][-1])
        return f"unknown key; {suggestion(name, known)}"
    if kind == "missing":
        return "missing; this key is required"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        if isinstance(value, str) and closest(value, options):
            return f"unknown value {as_written(value)}; {suggestion(value, options)}"
        return f"expected {', '.join(options[:-1])} or {options[-1]}, found {as_written(value)}"
    if kind in _EXPECTED:
        bounds = {
            name: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
            for name, bound in context.items()
        }
        return f"expected {_EXPECTED[kind].format(**bounds)}, found {as_written(value)}"
    return f"{error['msg']}, found {as_written(value)}"


def one_for_all(value: Any, at_least: int) -> bool:
    """Whether a value is one whole number that stands for several: then it is checked here, and not as often.

    Raises:
        ValueError: it is one, and too small.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    if value < at_least:
        raise ValueError(f"expected {at_least} or more, found {as_written(value)}")
    if value > _MOST:
        raise ValueError(f"expected {_MOST} or less, found {as_written(value)}")
    return True


def as_tuple(value: Any) -> Any:
    """A list as the frozen thing it becomes; whatever else comes is left for the field's own check."""
    return tuple(value) if isinstance(value, list) else value


def _as_pair(value: Any) -> Any:
    """3 → (3, 3), [3, 5] → (3, 5); whatever else comes is left for the field's own check."""
    if one_for_all(value, at_least=1):
        return (value, value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"expected a whole number, or two: [height, width]; found {as_written(value)}")
    return tuple(value)


def _as_range(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        found = f"a list of {len(value)}" if isinstance(value, list | tuple) and value else as_written(value)
        raise ValueError(f"expected two numbers: [lowest, highest]; found {found}")
    return tuple(value)


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=100)]
"""Names become file names: letters, digits, - and _."""

_MOST = 10**15

Positive = Annotated[int, Field(ge=1, le=_MOST)]
NonNegative = Annotated[int, Field(ge=0)]

Above0 = Annotated[float, Field(gt=0)]
AtLeast0 = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
"""A share that may be 0 but not all, such as a dropout rate."""

Between0And1 = Annotated[float, Field(gt=0, lt=1)]
"""A share that is neither nothing nor all, such as what a learning rate is multiplied by."""

AsTuple = BeforeValidator(as_tuple)
AsRange = BeforeValidator(_as_range)
"""[lowest, highest]"""

Pair = Annotated[tuple[Positive, Positive], BeforeValidator(_as_pair)]
"""(height, width); one number stands for both."""

ShapeField = Annotated[tuple[Positive, ...], Field(min_length=1), AsTuple]

DataFormat = Literal["channels_last", "channels_first"]
Padding = Literal["valid", "same"]
