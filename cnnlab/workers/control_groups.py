"""What this process's container may take: Linux's control groups, in both versions of the interface."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")

OWN_GROUPS = Path("/proc/self/cgroup")

UNLIMITED = sys.maxsize


def memory_left() -> int:
    """Bytes that this process's container can still take, or `UNLIMITED`."""
    left = UNLIMITED
    for limit, usage, inactive, group in (
        *(("memory.max", "memory.current", "inactive_file", each) for each in _groups("")),
        *(
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", each)
            for each in _groups("memory")
        ),
    ):
        with suppress(OSError, ValueError):  # without a limit, version 2 says "max"; version 1, a huge number
            free = int((group / limit).read_text()) - int((group / usage).read_text())
            counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            # Files that were read are kept in memory until it is needed; not every kernel counts them.
            left = min(left, free + int(counts.get(inactive, 0)))
    return max(0, left)


def cpu_quota() -> int:
    """How many CPUs' time this process's container gets, at least 1, or `UNLIMITED`."""
    quotas = []
    for group in _groups(""):
        with suppress(OSError, ValueError):  # without a quota: "max"
            quotas.append([int(each) for each in (group / "cpu.max").read_text().split()])
    for group in _groups("cpu"):
        with suppress(OSError, ValueError):  # without a quota: -1
            quotas.append([int((group / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period")])
    return min((max(1, quota // period) for quota, period in quotas if quota > 0), default=UNLIMITED)


def _groups(controller: str) -> Iterator[Path]:
    """The group of this process and those around it: of a controller in version 1; "" stands for version 2.

    A container may see its own group as the outermost one, under a path that exists outside only.
    """
    with suppress(OSError):
        for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                # Where several controllers share a hierarchy, each of them is a link to it.
                outermost = MOUNT / controller
                own = outermost / path.lstrip("/")
                yield from (each for each in (own, *own.parents) if each.is_relative_to(outermost))
