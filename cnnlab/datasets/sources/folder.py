"""Your own images: a folder with one folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from cnnlab.datasets.base import DownloadProgress, ResizeMode
from cnnlab.datasets.own_paths import near, placed
from cnnlab.datasets.reading.class_images import class_images
from cnnlab.datasets.reading.folder_layout import Layout, find_layout
from cnnlab.datasets.sources.inferred_settings import with_inferred
from cnnlab.datasets.sources.own_data import OwnData, check_path, is_written_out, with_validation
from cnnlab.errors import UserError, suggestion
from cnnlab.files import can_be_path
from cnnlab.foreign_text import composed
from cnnlab.language.fields import Pair, Shape, as_written, problem, problems

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths


TEST_SIZE = 0.2


class ImageFolder(OwnData):
    """A folder of image files. Whatever the config leaves out is inferred when it is read."""

    about: ClassVar[str] = (
        "FOLDER/CLASS/* alone, or FOLDER/train/CLASS/* with FOLDER/test/CLASS/*, FOLDER/valid/CLASS/* or "
        "both; folders inside a class's folder belong to it. PNG, JPEG, BMP, GIF, WebP, TIFF and PPM; AVIF "
        "with Pillow 11.3, HEIC with the package pillow-heif. Files that are left out are listed.\n\n"
        "If classes or size are left out, they are read from the folder and written to a run's "
        "config.yaml, so a run can be read when the folder is gone. Images are converted to 8 bits per "
        "channel, transparent parts to white, photographs rotated upright. The decoded images are cached; "
        "each start reads all files, since their contents decide whether the cache is up to date."
    )

    file_paths: ClassVar[frozenset[str]] = frozenset({"folder"})

    name: Literal["folder"] = "folder"
    folder: str = Field(
        description="The folder; a relative path starts at the config's folder, on the command line and in "
        "Python at the current directory."
    )
    size: Pair | None = Field(
        None,
        description="(height, width) that all images are resized to; null: that of the first, which all must "
        "have.",
    )
    color_mode: Literal["rgb", "grayscale"] = Field("rgb", description="Color, or gray values.")
    resize: Literal["crop", "pad", "stretch", "exact"] = Field(
        "crop",
        description="crop: fill size and cut off the rest. pad: fit into size, black around. "
        "stretch: change the proportions. exact: refuse other sizes.",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="An image that cannot be read is an error, or is skipped with a warning."
    )
    test_size: int | float = Field(
        TEST_SIZE,
        description="A count or a fraction of images to test with, drawn with seed, if the folder has no "
        "test images, and no fold tests.",
    )

    @property
    def title(self) -> str:
        return Path(self.folder).name

    @property
    def image_shape(self) -> Shape:
        if self.size is None:
            raise ValueError("without a size; _infer gives one")
        return (*self.size, 3 if self.color_mode == "rgb" else 1)

    @property
    def all_classes(self) -> tuple[str, ...]:
        if self.classes is None:
            raise ValueError("without classes; _infer gives them")
        return self.classes

    @property
    def resize_mode(self) -> ResizeMode:
        return "crop" if self.resize == "exact" else self.resize

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Decode the images, or map what an earlier start has decoded."""
        from cnnlab.datasets.reading.folder_files import read_folder
        from cnnlab.datasets.reading.folder_parts import FolderOptions

        options = FolderOptions(
            image_shape=self.image_shape,
            class_names=self.all_classes,
            resize=self.resize,
            skips_bad_images=self.on_error == "skip",
            test_size=None if self.fold is not None else self.test_size,
            own_validation=self.validation_size is None,
            seed=self.seed,
        )
        return read_folder(near(self.folder), options, data_paths, progress=progress)

    @model_validator(mode="wrap")
    @classmethod
    def _inferred(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return with_inferred(data, cls._infer, handler)

    @staticmethod
    def _infer(data: Any) -> Any:
        """Fill in the classes, and the size of the first image."""
        if not isinstance(data, dict) or not isinstance(data.get("folder"), str):
            return data
        given_folder, given = data["folder"], data.get("classes")
        check_path(given_folder, "folder")
        data = {
            "resize": "crop" if data.get("size") is not None else "exact",
            **data,
            "folder": placed(given_folder),
        }
        is_complete = given is not None and data.get("size") is not None
        if is_complete and is_written_out(data):
            return data  # the config of a run, whose images may have gone or changed
        if is_complete and not _is_folder(data["folder"]):
            return with_validation(data, None)
        try:
            layout = find_layout(given_folder)
            if given is None:
                data["classes"] = list(layout.train)
            elif isinstance(given, list | tuple):
                for name in given:
                    if isinstance(name, str) and composed(name) not in layout.train:
                        message = f"unknown class {as_written(name)}; {suggestion(name, layout.train)}"
                        raise problems(problem(message, ("classes",)))
            if layout.test is not None and data.get("test_size", TEST_SIZE) != TEST_SIZE:
                message = "has no effect: the folder has test images of its own; leave it out"
                raise problems(problem(message, ("test_size",), kind="key"))
            if data.get("size") is None:
                data["size"] = _first_size(layout, data["classes"])
        except UserError as error:
            raise problems(problem(str(error), ("folder",))) from None
        own = layout.validation_root
        return with_validation(data, None if own is None else f"the folder {own.name}/")

    @field_validator("test_size", mode="before")
    @classmethod
    def _test_count_or_fraction(cls, value: Any) -> Any:
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        is_fraction = isinstance(value, float) and 0 < value < 1
        if not (is_count or is_fraction):
            raise ValueError(
                f"expected a count (1 or more) or a fraction from 0 to 1, found {as_written(value)}"
            )
        return value


def _is_folder(folder: str) -> bool:
    return can_be_path(folder) and Path(folder).is_dir()


def _first_size(layout: Layout, classes: Any) -> list[int]:
    """Height and width of the first image that can be opened."""
    from cnnlab.datasets.reading.images import BadImage, size_of

    for name in classes if isinstance(classes, list | tuple) else ():
        found = class_images(layout.train[composed(name)], name, layout.root)
        for _, path in found.images[:20]:
            try:
                return list(size_of(Path(path)))
            except BadImage:
                continue
    raise UserError("no image can be opened to determine the size; set size: [height, width]")
