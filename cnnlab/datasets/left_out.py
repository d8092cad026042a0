"""What a set holds beside the images that are read, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnlab.foreign_text import printable

NAMED = 3
"""So many of the files that were left out are named."""


@dataclass(frozen=True)
class LeftOut:
    """Files of a set that are not read, all for one reason."""

    folder: str
    """Below the folder of the set; "." for that itself."""

    files: tuple[str, ...]
    """The names of the first ones."""

    count: int
    reason: str
    holds_images: bool
    """Whether a user may have meant them to be read."""

    def __str__(self) -> str:
        below = "" if self.folder == "." else f"{self.folder}/"
        names = ", ".join(printable(below + name, keep="") for name in self.files)
        more = self.count - len(self.files)
        return f"{names}{f' and {more:,} more' if more else ''}: {self.reason}"


def grouped(unread: Iterable[tuple[str, str, str, bool]]) -> list[LeftOut]:
    """(folder, file, reason, whether it holds images) of each file → one `LeftOut` for each reason."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for folder, name, reason, holds_images in sorted(unread):
        groups.setdefault((folder, reason, holds_images), []).append(name)
    return [
        LeftOut(folder, tuple(names[:NAMED]), len(names), reason, holds_images)
        for (folder, reason, holds_images), names in groups.items()
    ]


def left_out_warning(left_out: Sequence[LeftOut]) -> str | None:
    """What a user must know before training: images that are not read; None where all are."""
    images = [each for each in left_out if each.holds_images]
    if not images:
        return None
    more = f"; and {len(images) - NAMED} more kinds, see cnnlab data check" if len(images) > NAMED else ""
    return f"left out: {'; '.join(str(each) for each in images[:NAMED])}{more}"
