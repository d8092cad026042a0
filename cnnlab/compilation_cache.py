"""JAX keeps the programs it has compiled: the next run like this one loads them, with the same bits."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from cnnlab.cpu_settings import usual_threads
from cnnlab.files import expanded
from cnnlab.processor import kind_of_machine

MOST_BYTES = 128 * 2**20
"""What one folder holds; what was not used for the longest time makes room."""

MOST_FOLDERS = 4
"""Machines that share a home folder compile for themselves."""


def keep_compiled_programs() -> None:
    """Let JAX use a folder of compiled programs, unless the user has set up one or wants none.

    Nor is there one where none can be written.

    A program compiled for other instructions might crash, and one for another number of threads adds up in
    another order: each kind of machine has a folder of its own.
    """
    import jax

    if jax.config.jax_compilation_cache_dir is not None or not jax.config.jax_enable_compilation_cache:
        return
    try:
        folder = _prepared()
    except (OSError, RuntimeError):  # no home folder, or one that is read-only or full: it is only speed
        return
    for option, value in {
        "jax_compilation_cache_dir": str(folder),
        "jax_compilation_cache_max_size": MOST_BYTES,
        "jax_persistent_cache_min_compile_time_secs": 0.0,  # many small programs make a start long
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_persistent_cache_enable_xla_caches": "none",  # they would grow without bound
    }.items():
        jax.config.update(option, value)


def _prepared() -> Path:
    """This machine's folder, writable and without entries that a killed process has left half-written.

    Raises:
        OSError: it cannot be written, or it is not the user's own: what is in it is run.
        RuntimeError: there is no home folder.
    """
    import platformdirs
    from filelock import FileLock, Timeout

    cache = os.environ.get("CNNLAB_CACHE")
    folder = (expanded(cache) if cache else platformdirs.user_cache_path("cnnlab")) / "compiled"
    machine = f"{kind_of_machine()} {usual_threads('jax')}"
    own = folder / hashlib.sha256(machine.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    own.mkdir(mode=0o700, exist_ok=True)
    found = own.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(own)
    os.utime(own)
    others = sorted((each for each in folder.iterdir() if each != own), key=_last_used, reverse=True)
    for old in others[MOST_FOLDERS - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
    # JAX's own lock: nobody is in the midst of writing.
    with suppress(Timeout), FileLock(own / ".lockfile", timeout=1):
        for program in own.glob("*-cache"):
            used = program.with_name(program.name.removesuffix("cache") + "atime")
            with suppress(FileNotFoundError):
                if not used.is_file() or used.stat().st_size == 0:  # JAX writes it last
                    program.unlink()
    return own


def _last_used(folder: Path) -> float:
    with suppress(OSError):
        return folder.stat().st_mtime
    return 0.0
