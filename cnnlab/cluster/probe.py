"""What a machine of a cluster has of cnnlab; sent there as code, as it may have another one, or none."""

from __future__ import annotations

from typing import Any


def facts() -> dict[str, Any]:
    """The version of cnnlab here, a digest of its source files, and the CPU; or why there is no cnnlab."""
    # Nothing of this module is there but this function.
    import hashlib
    import platform
    from pathlib import Path

    found: dict[str, Any] = {"machine": platform.node(), "python": platform.python_version()}
    try:
        from cnnlab import version
        from cnnlab.processor import cpu_name

        folder = Path(version.__file__).parent
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        found |= {
            "version": version.__version__,
            "arithmetic": version.ARITHMETIC,
            "sources": digest.hexdigest(),
            "cpu": cpu_name() or platform.machine(),
        }
    except Exception as error:  # noqa: BLE001  # whatever keeps it from being imported there
        found["error"] = f"{type(error).__name__}: {error}"
    return found
