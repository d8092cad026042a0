"""What every dataset is in a config: the fields of its `dataset:` section, and the facts known unread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from pydantic import ValidationInfo, field_validator

from cnnlab.fields import AsTuple, DataFormat, NonNegative, Positive, Settings, Shape, shown

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.places import Places

Progress = Callable[[str, int, int | None], None]
"""Told while something loads: the file's name, bytes there so far, bytes in all (None if unknown)."""

UNIT_SCALE = (0.0, 1.0)
"""What networks see by default: uint8 / 255."""


class DatasetConfig(Settings):
    """The `dataset:` section of a config: which images, how many, and as which numbers.

    A subclass is one source. It gives `name` (a `Literal`), the facts below as class variables (or as
    properties, where they depend on its own fields) and `read`. All facts are known without reading a
    file, except where a property says otherwise.
    """

    name: str
    train_size: Positive | None = None
    """The first so many training images; None: all of them."""

    validation_size: int | float = 0.1
    """A count, or a fraction of the training images used; 0: no validation."""

    seed: NonNegative = 0
    """Draws the validation images, where they are cut from the training images; not the run's seed."""

    data_format: DataFormat = "channels_last"
    """channels_first: images are (C, H, W)."""

    scale: Annotated[tuple[float, float], AsTuple] = UNIT_SCALE
    """The numbers that black and full brightness become."""

    standardize: bool = False
    """Each channel with mean 0 and standard deviation 1 over the training images used, instead of `scale`."""

    @property
    def title(self) -> str:
        """The name as people write it, such as Fashion-MNIST."""
        self._missing("title")

    @property
    def image_shape(self) -> Shape:
        """(height, width, channels) of one image, whatever the data format."""
        self._missing("image_shape")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class k is called class_names[k]."""
        self._missing("class_names")

    @property
    def train_count(self) -> int:
        """How many training images the source has, validation images included."""
        self._missing("train_count")

    @property
    def test_count(self) -> int:
        self._missing("test_count")

    @property
    def input_shape(self) -> Shape:
        """The shape of one image as the network sees it."""
        height, width, channels = self.image_shape
        return (channels, height, width) if self.data_format == "channels_first" else self.image_shape

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def read(self, places: Places, *, progress: Progress | None = None) -> Content:
        """Find or make the images and decode them.

        Raises:
            UserError: a file is broken or not what it should be.
            DownloadError: the files are nowhere and cannot be downloaded.
        """
        self._missing("read")

    def _missing(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{what}")

    @field_validator("train_size", mode="after")
    @classmethod
    def _enough_images(cls, value: int | None) -> int | None:
        # The validator sits on the field, so that the error points at its line. Where train_count is a
        # property (a set that counts its images on building), `split_sizes` checks when it is loaded.
        known = cls.train_count
        if value is not None and isinstance(known, int) and value > known:
            raise ValueError(f"expected at most {known} training images, found {value}")
        return value

    @field_validator("validation_size", mode="before")
    @classmethod
    def _count_or_fraction(cls, value: Any) -> Any:
        # One check instead of a union of two types: a union reports one error per member.
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        is_fraction = isinstance(value, float) and 0 <= value < 1
        if not (is_count or is_fraction):
            raise ValueError(f"expected a count (0 or more) or a fraction below 1, found {shown(value)}")
        return value

    @field_validator("validation_size", mode="after")
    @classmethod
    def _some_left_for_training(cls, value: int | float, info: ValidationInfo) -> int | float:
        known = cls.train_count
        if isinstance(known, int) and isinstance(value, int) and "train_size" in info.data:
            used = info.data["train_size"] or known
            if used + value > known and value >= used:
                raise ValueError(f"expected fewer than the {used} training images used, found {value}")
        return value

    @field_validator("scale", mode="after")
    @classmethod
    def _ascending(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError(f"expected two ascending numbers, found {list(value)}")
        return value

    @field_validator("standardize", mode="after")
    @classmethod
    def _one_scaling(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("scale", UNIT_SCALE) != UNIT_SCALE:
            raise ValueError("standardize and scale exclude each other; remove one of them")
        return value
