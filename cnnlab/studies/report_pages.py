"""A page that stays where the tables beside it have changed: whether it is older than they are."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.files import read_bytes
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import MOST_BYTES

PAGE = "report.html"

NOTICE = "<!-- notice -->"
"""Where a page has room for a line that says so."""


@dataclass(frozen=True)
class WrittenResults:
    """A folder of results, which knows what was written to it."""

    folder: Folder
    older_page: Path | None
    """Its report.html, where that shows other numbers than the tables."""


_DIGEST = '<meta name="cnnlab-comparison" content="{}">'
_OLDER = (
    '<p class="warning" role="status"><strong>This page is older than the tables beside it.</strong> '
    "<code>cnnlab report</code> writes it anew.</p>"
)
_NOTICE = re.compile(rf"{re.escape(NOTICE)}.*\n")


def stamp(document: Mapping[str, Any]) -> str:
    """The element of a page that says which results it shows."""
    # As text, since a number that is none does not equal itself.
    return _DIGEST.format(hashlib.sha256(json.dumps(document).encode()).hexdigest())


def mark_page(folder: Folder, document: Mapping[str, Any]) -> bool:
    """Let a folder's page say whether it is older than its tables; returns whether it is.

    Nothing else about the page changes. One without room for the line, such as the user's own, stays.

    Args:
        document: the results that the tables show.
    """
    path = folder.path / PAGE
    if not path.exists():
        return False
    try:
        page = read_bytes(path, most=MOST_BYTES).decode()
    except (OSError, ValueError):  # none of cnnlab's
        return True
    is_older = stamp(document) not in page
    marked = _NOTICE.sub(f"{NOTICE}{_OLDER if is_older else ''}\n", page, count=1)
    if marked != page:
        folder.write_text(PAGE, marked)
        folder.written.remove(PAGE)  # it is not of today
    return is_older
