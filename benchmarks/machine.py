"""The machine that figures were taken on, and its cores."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from benchmarks.serving import NGINX

_SHOWN = ("llm-schema-registry", "litestar", "uvicorn", "uvloop", "msgspec")


def cores() -> tuple[int, int]:
    """The core for the server and the one for the load; the same where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def description() -> str:
    """Processor, cores, kernel, interpreter and the libraries that matter, without host name or date."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN)
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {versions}"
    )


def nginx_version() -> str:
    """The version of the nginx on the PATH; empty where there is none."""
    if NGINX is None:
        return ""
    told = subprocess.run((NGINX, "-v"), check=False, capture_output=True, text=True)
    return (told.stderr or told.stdout).strip().rpartition("/")[2]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
