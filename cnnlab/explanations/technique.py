"""The base of every technique: frozen settings, and one function from a network to an explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, ValidationError

from cnnlab.errors import unknown
from cnnlab.explanations.options import option_error
from cnnlab.language.fields import Settings, problem, problems

if TYPE_CHECKING:
    from cnnlab.explanations.explanation import Explanation
    from cnnlab.explanations.subject import Subject
    from cnnlab.explanations.untrained import Untrained


class Technique(Settings):
    """A way to show what a network has learned.

    Its fields are the options of `cnnlab explain NAME`, the keywords of `explain("NAME", …)` and the
    `options` of the JSON document, with their help. A field that is a tuple takes a list in Python and may be
    repeated on the command line; one that is None or () where nobody gave it is chosen by the technique,
    which then says what it took.

    Raises:
        UserError: an option is unknown, out of its range, or has no effect beside the others.
    """

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    name: ClassVar[str]
    summary: ClassVar[str]
    """One line, for lists."""

    examples: ClassVar[tuple[str, ...]] = ("cnn",)
    """What may follow `cnnlab explain NAME`."""

    description: ClassVar[str] = ""
    """What it does, how to read its pictures, and what they do not show."""

    papers: ClassVar[tuple[str, ...]] = ()

    takes_network: ClassVar[Literal["always", "optional", "never"]] = "always"
    """Whether it looks into a trained network, which `explain` does; where that is optional, a config or
    nothing will do as well, and `explain_untrained` is called; where never, always this."""

    takes_several: ClassVar[bool] = False
    """Whether `explain` takes several networks, to compare them. A name then means all its finished seeds."""

    def __init__(self, **options: Any) -> None:
        fields = type(self).model_fields
        aliases = {field.alias for field in fields.values()}
        for name in options:
            if name not in fields and name not in aliases:
                raise unknown("option", name, fields)
        try:
            super().__init__(**options)
        except ValidationError as error:
            raise option_error(error) from None

    def explain(self, subject: Subject) -> Explanation:
        """Look into a network; nothing is drawn or written yet. If it `takes_several`, also into `*others`.

        Raises:
            UserError: the network or its data lack what this technique needs.
        """
        raise NotImplementedError

    def explain_untrained(self, untrained: Untrained) -> Explanation:
        """The same without a trained network, where it does without; nothing is drawn or written yet.

        Raises:
            UserError: the config lacks what this technique needs.
        """
        raise NotImplementedError

    @classmethod
    def of_pictures(cls, pictures: Sequence[Path], subject: Subject) -> Self:
        """The technique with its defaults, on picture files instead of test images where it looks at any.

        Raises:
            UserError: these pictures are not enough for it.
        """
        picture = cls.model_fields.get("picture")
        if picture is None or not pictures:
            return cls()
        options: dict[str, Any] = {"picture": pictures if picture.default == () else pictures[0]}
        return cls(**options)

    def options_used(self, taken: Mapping[str, Any]) -> dict[str, Any]:
        """The options as JSON has them; what the user left open is as `taken`."""
        options = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            options[field.alias or name] = taken.get(name) if value in (None, ()) else _plain(value)
        return options

    def reject_unused(self, *fields: str, reason: str) -> None:
        """Options that others switch off: where the user gave them, at whatever value, they are mistakes.

        Raises:
            ValidationError: one error for each; `reason` follows "has no effect".
        """
        if unused := [name for name in fields if name in self.model_fields_set]:
            message = f"has no effect {reason}; leave it out"
            raise problems(*(problem(message, (name,), kind="key") for name in unused))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
