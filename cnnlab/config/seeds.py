"""Seeds as a user writes them."""

from __future__ import annotations

import re

from cnnlab.errors import UserError


def parse_seeds(text: str) -> tuple[int, ...]:
    """Ranges and lists of seeds, each once: 0-4, or 0,2,5, or 3; never a count.

    Raises:
        UserError: the text is neither; the message does not name the option.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if not match:
            raise UserError(f"expected seeds such as 0-4 or 0,2,5, found {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= 2**32 or last - first >= 10_000:
            raise UserError(f"expected an ascending range of at most 10,000 seeds below 2³², found {part!r}")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))
