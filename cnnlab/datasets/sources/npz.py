"""Your own arrays: an .npz file with x_train, y_train, x_test and y_test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.own_paths import near, placed
from cnnlab.datasets.sources.inferred_settings import with_inferred
from cnnlab.datasets.sources.own_data import OwnData, check_path, is_written_out, with_validation
from cnnlab.errors import UserError
from cnnlab.files import can_be_path
from cnnlab.foreign_text import composed
from cnnlab.language.fields import AsTuple, DataFormat, Positive, Shape, as_written, problem, problems

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths


class NpzFile(OwnData):
    """A file of arrays. Whatever the config leaves out is inferred when it is read."""

    about: ClassVar[str] = (
        "Images (N, H, W) or (N, H, W, C) uint8, labels (N,) of any integer type, as numpy.savez writes "
        "them. Validation images may be there, too, as x_val and y_val; test images may be missing where a "
        "fold tests.\n\n"
        "If shape or names are left out, they are read from the file and written to a run's config.yaml, "
        "so a run can be read when the file is gone."
    )
    file_paths: ClassVar[frozenset[str]] = frozenset({"npz"})

    name: Literal["npz"] = "npz"
    npz: str = Field(
        description="The file; a relative path starts at the config's folder, on the command line and in "
        "Python at the current directory."
    )
    names: Annotated[tuple[str, ...] | None, AsTuple] = Field(
        None, description="The names of the labels 0, 1, …; null: their numbers."
    )
    shape: Annotated[tuple[Positive, Positive, Positive] | None, AsTuple] = Field(
        None, description="(height, width, channels) of the images; null: as in the file."
    )
    layout: DataFormat = Field(
        "channels_last", description="channels_first: the images in the file are (N, C, H, W)."
    )

    @property
    def title(self) -> str:
        return Path(self.npz).stem

    @property
    def image_shape(self) -> Shape:
        if self.shape is None:
            raise ValueError("without a shape; _infer gives one")
        return self.shape

    @property
    def all_classes(self) -> tuple[str, ...]:
        if self.names is None:
            raise ValueError("without names; _infer gives them")
        return self.names

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Read and check the arrays."""
        from cnnlab.datasets.reading.npz_files import read_own_npz

        return read_own_npz(
            near(self.npz),
            image_shape=self.image_shape,
            class_names=self.all_classes,
            layout=self.layout,
            is_layout_given="layout" in self.model_fields_set,
            own_validation=self.validation_size is None,
            needs_test=self.fold is None,
        )

    @field_validator("names", mode="after")
    @classmethod
    def _two_or_more(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(value) < 2:
            found = f"only {as_written(value[0])}" if value else "none"
            raise ValueError(f"expected two names or more, found {found}")
        return None if value is None else tuple(map(composed, value))

    @model_validator(mode="wrap")
    @classmethod
    def _inferred(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return with_inferred(data, cls._infer, handler)

    @staticmethod
    def _infer(data: Any) -> Any:
        """Fill in the shape, from the header of x_train, and the names, from the largest label."""
        if not isinstance(data, dict) or not isinstance(data.get("npz"), str):
            return data
        given = data["npz"]
        check_path(given, "npz")
        data = {**data, "npz": placed(given)}
        is_complete = data.get("shape") is not None and data.get("names") is not None
        if is_complete and is_written_out(data):
            return data  # the config of a run, whose file may have gone or changed
        if is_complete and not _exists(data["npz"]):
            return with_validation(data, None)
        from cnnlab.datasets.reading.npz_layout import npz_content, number_of_labels

        try:
            found = npz_content(given, needs_test=data.get("fold") is None)
            if data.get("names") is None:
                data["names"] = [str(label) for label in range(number_of_labels(found))]
                if len(data["names"]) < 2:
                    raise UserError("expected two classes or more, found labels 0 only")
        except UserError as error:
            raise problems(problem(str(error), ("npz",))) from None
        layout = data.get("layout", "channels_last")
        if layout == "channels_first" and not found.has_channels:
            message = "has no effect: the images in the file have no axis of channels; leave it out"
            raise problems(problem(message, ("layout",), kind="key"))
        if data.get("shape") is None:
            data["shape"] = list(found.image_shape(layout))
        own = found.validation
        return with_validation(data, None if own is None else f"the array {own[0]}")


def _exists(path: str) -> bool:
    return can_be_path(path) and Path(path).exists()
