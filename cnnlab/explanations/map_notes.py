"""Where maps stand on their images, and what is said of a map without a single value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnlab.explanations.subject import Subject

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.accounting.architecture import Architecture


class PlacedMaps(NamedTuple):
    """pixels: (N, H, W) float32, the maps on the images. note: what is not known of their places, or nothing.

    rows, columns: (h,), (w,) float64, the pixels on which the maps' values stand; None where it is not known.
    """

    pixels: np.ndarray
    rows: np.ndarray | None
    columns: np.ndarray | None
    note: str = ""

    @property
    def centers(self) -> dict[str, np.ndarray]:
        """Those that are known, by the axis of the image."""
        along = {"rows": self.rows, "columns": self.columns}
        return {name: centers for name, centers in along.items() if centers is not None}


def placed(subject: Subject, maps: np.ndarray, layer: str) -> PlacedMaps:
    """Maps of a layer, (N, h, w), at the pixels in the middle of their receptive fields."""
    if subject.permutes_pixels:
        return _on_permuted_pixels(subject, maps, layer)
    return _on_seen_pixels(subject, maps, layer)


def _on_permuted_pixels(subject: Subject, maps: np.ndarray, layer: str) -> PlacedMaps:
    """The maps lie on the permuted image; each of its pixels is taken back to its place in the picture."""
    seen = _on_seen_pixels(subject, maps, layer)
    note = f"the maps of {layer} lie on the permuted image; their values are drawn where its pixels come from"
    notes = f"{note}; {seen.note}" if seen.note else note
    return PlacedMaps(subject.unpermuted(seen.pixels), None, None, notes)


def _on_seen_pixels(subject: Subject, maps: np.ndarray, layer: str) -> PlacedMaps:
    from cnnlab.analyses.map_places import evenly_on_image, map_places, on_image

    known = _architecture(subject, layer)
    places = map_places(*known) if known is not None else None
    if places is None or not places.are_known:
        note = f"where the maps of {layer} stand is not known; they are spread over the whole image"
        return PlacedMaps(evenly_on_image(maps, subject.image_shape[:2]), None, None, note)
    rows, columns = (None if each is None else each.centers for each in (places.rows, places.columns))
    whole = [name for name, centers in (("rows", rows), ("columns", columns)) if centers is None]
    note = f"the maps of {layer} do not tell the {whole[0]} of the image apart" if whole else ""
    return PlacedMaps(on_image(maps, places), rows, columns, note)


def axes_of_maps(subject: Subject, layer: str) -> tuple[int, int] | None:
    """Which axes of the image a layer's maps, and its kernels, run along; see `image_axes_along`."""
    from cnnlab.analyses.receptive_fields import image_axes_along

    known = _architecture(subject, layer)
    return None if known is None else image_axes_along(*known)


def _architecture(subject: Subject, layer: str) -> tuple[Architecture, str] | None:
    """The network's architecture and what the layer is called in it; None where it is not known."""
    if subject.record is not None:
        return subject.record.config.architecture, layer
    from cnnlab.analyses.network import find_layer
    from cnnlab.analyses.own_architecture import architecture_of

    found = architecture_of(subject.model)
    return None if found is None else (found[0], found[1][find_layer(subject.model, layer).name])


class EmptyMaps(NamedTuple):
    """Maps that are 0 everywhere: whose, of which images, and why."""

    of: str
    images: list[str]
    reason: str

    @property
    def sentence(self) -> str:
        """Grad-CAM is 0 everywhere on test image 3: no evidence …"""
        return f"{self.of} is 0 everywhere on {_listed(self.images)}: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        return {"map": self.of, "images": self.images, "reason": self.reason}


def empty_maps(of: str, maps: np.ndarray, images: Sequence[str], reason: str) -> list[EmptyMaps]:
    """One note for all images of which a map, (N, …), is 0 everywhere; none where there is none."""
    found = [name for name, each in zip(images, maps, strict=True) if not each.any()]
    return [EmptyMaps(of, found, reason)] if found else []


def _listed(images: Sequence[str], at_most: int = 5) -> str:
    if len(images) <= at_most:
        return ", ".join(images)
    return f"{', '.join(images[:at_most])} and {len(images) - at_most} more"
