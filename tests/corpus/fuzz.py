"""Coverage-guided fuzzing of one reader with atheris: `python -m tests.corpus.fuzz KIND SECONDS`.

`make fuzz` runs it for every reader. What breaks one is left beside this file, as KIND-crash-…, to become a
file of the corpus once it is mended.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cnnlab"]):
    from cnnlab.errors import CnnlabError
    from tests.corpus.readers import ALL_READERS
    from tests.corpus.valid import file_name, valid

HERE = Path(__file__).parent
MOST_MEMORY = 4096
"""MiB."""

SLOWEST = 10
"""Seconds for one file."""


def main() -> None:
    kind, seconds = sys.argv[1:]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for index, content in enumerate(valid(kind)):
            (seeds / str(index)).write_bytes(content)
        path = Path(folder, file_name(kind))

        def read(content: bytes) -> None:
            path.write_bytes(content)
            try:
                ALL_READERS[kind](path)
            except CnnlabError:
                return

        options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MEMORY}", f"-timeout={SLOWEST}"]
        longest = max(4096, *(2 * len(content) for content in valid(kind)))
        options += [f"-max_len={longest}", "-print_final_stats=1", f"-artifact_prefix={HERE}/{kind}-"]
        with atheris.instrument_imports(include=["cnnlab"]):  # which readers do when they are first called
            for content in valid(kind):
                read(content)
        known = [str(HERE / kind)] if (HERE / kind).is_dir() else []  # broken ones, where there are some
        atheris.Setup([sys.argv[0], *options, str(seeds), *known], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
