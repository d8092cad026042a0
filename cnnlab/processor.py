"""The CPU: what decides which kernels a library picks, and so the last bits of a result."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

LEVELS = {
    "AVX-512": {"avx512f"},
    "AVX2": {"avx2"},
    "AVX": {"avx"},
    "SSE4.2": {"sse4_2"},
    "SVE2": {"sve2"},
    "SVE": {"sve"},
    "NEON": {"asimd"},
}
"""Of these a CPU is said to have the first that it has, by the flags in which Linux says so."""

EXTENSIONS = {
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "BF16": {"avx512_bf16", "bf16"},
    "FP16": {"avx512_fp16"},
    "AMX": {"amx_tile"},
}
"""Further instructions that kernels for networks are written in."""


def cpu_name() -> str | None:
    """What the maker calls the CPU; None where the system does not say."""
    if name := _cpuinfo().get("model name"):
        return name
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or None
    return platform.processor() or None


def instruction_set() -> str | None:
    """AVX-512 with VNNI, BF16: the widest vectors and the extensions; None where the system does not say.

    Where the user's environment allows oneDNN less, that is said as well.
    """
    information = _cpuinfo()
    flags = set((information.get("flags") or information.get("Features") or "").split())
    if not flags and platform.machine() == "arm64":
        flags = {"asimd"}
    level = next((name for name, signs in LEVELS.items() if signs & flags), None)
    if level is None:
        return None
    extensions = ", ".join(name for name, signs in EXTENSIONS.items() if signs & flags)
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    return (
        level
        + (f" with {extensions}" if extensions else "")
        + (f", oneDNN limited to {limit}" if limit else "")
    )


def usable_cpus() -> int:
    """How many CPUs this process may run on, which libraries take as their number of threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def kind_of_machine() -> str:
    """The CPU, all of its instructions, and how many CPUs there are: what compiled programs are for."""
    information = _cpuinfo()
    flags = sorted((information.get("flags") or information.get("Features") or "").split())
    return " ".join((platform.system(), platform.machine(), cpu_name() or "", str(usable_cpus()), *flags))


@cache
def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first CPU: all of a machine are alike; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
