"""Where runs are trained other than by this command itself: what --on may say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from cnnlab.errors import OptionError

PORT = 6379
"""Where `ray start --head` listens unless it is told otherwise."""

_FORM = re.compile(r"ray://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?/?")


@dataclass(frozen=True)
class Address:
    """A cluster of Ray: a host and the port of its head; without a host, one for this command alone."""

    host: str | None = None
    port: int = PORT

    def __str__(self) -> str:
        return "ray" if self.host is None else f"ray://{self.gcs}"

    @property
    def gcs(self) -> str:
        """HOST:PORT, as Ray has it."""
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: object) -> Self:
        """From ray, or ray://HOST:PORT.

        Raises:
            OptionError: it is neither.
        """
        if text == "ray":
            return cls()
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        port = int(match["port"] or PORT) if match else 0
        if match is None or not 1 <= port <= 65535:
            raise OptionError(
                "on",
                "expected ray, for this machine, or ray://HOST:PORT, as ray start --head shows it; "
                f"found {text!r:.80}",
            )
        return cls(match["host"], port)
