"""Which runs, and what of them: names, a condition, the keys to show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from cnnlab.errors import unknown
from cnnlab.run_folders.listing.finding import unknown_run
from cnnlab.run_folders.listing.scanning import KEYS, Row, scan
from cnnlab.run_folders.listing.settings import A_SETTING, is_setting, with_settings
from cnnlab.run_folders.listing.where import parse_condition


class Selection(NamedTuple):
    """The rows that were asked for, with the settings named; and the runs whose config cannot be read.

    Of the latter none meets a condition on settings.
    """

    rows: list[Row]
    unreadable: list[str]


def select(
    out: Path,
    *,
    names: Sequence[str] = (),
    among: Collection[Path] | None = None,
    where: str | None = None,
    keys: Sequence[str] = (),
    nested: bool = False,
) -> Selection:
    """The runs below `out` that meet a condition.

    Args:
        names: of experiments; none: of all.
        among: only these folders, resolved; None: all.
        keys: of rows and settings; the latter are read.
        nested: see `scan`.

    Raises:
        UserError: no run has such a name, nothing such a key, or the condition is wrong.
    """
    for key in keys:
        if key not in KEYS and not is_setting(key):
            raise unknown("key", key, [*KEYS, A_SETTING])
    condition = None if where is None else parse_condition(where, KEYS)
    rows = scan(out, nested=nested)
    for name in names:
        if not any(row["name"] == name for row in rows):
            raise unknown_run(name, rows, out)
    if names:
        rows = [row for row in rows if row["name"] in names]
    if among is not None:
        rows = [row for row in rows if Path(row["path"]).resolve() in among]
    asked = condition.keys if condition else frozenset()
    settings = dict.fromkeys(key for key in [*keys, *asked] if is_setting(key))
    rows = with_settings(rows, settings, out=out)
    unreadable = [row["path"] for row in rows if not settings.keys() <= row.keys()]
    if condition is not None:
        rows = [row for row in rows if asked <= row.keys() and condition.met_by(row)]
    return Selection(rows, unreadable)
