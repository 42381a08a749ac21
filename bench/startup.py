"""Whole processes of ttgen as ratios to a bare interpreter: `python bench/startup.py [RUNS]`.

Runs are interleaved, so that whatever else the machine does slows all of them, and medians are compared. Caches
(bytecode of Python and of the templates, results of specs) are warm: the first round is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

SPEC: Final = Path(__file__).resolve().parent.parent / "specs" / "gemm.yaml"
LIMITS: Final = {
    "ttgen --version": 2.2,
    "ttgen render specs/gemm.yaml": 5,
    "ttgen render --check specs/gemm.yaml": 5,
    "ttgen render --no-cache specs/gemm.yaml": 14,
}


def seconds(command: list[str]) -> float:
    """How long a process takes, from its start to its end."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Prints a table; the status is 1 where a limit is exceeded."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 31
    script = Path(sysconfig.get_path("scripts")) / f"ttgen{'.exe' if os.name == 'nt' else ''}"
    with tempfile.TemporaryDirectory() as folder:
        bare = [sys.executable, "-I", "-c", "pass"]
        commands = {
            "python -I -c pass": bare,
            "ttgen --version": [str(script), "--version"],
            "ttgen render specs/gemm.yaml": [str(script), "render", str(SPEC), "-o", folder],
            "ttgen render --check specs/gemm.yaml": [str(script), "render", "--check", str(SPEC), "-o", folder],
            "ttgen render --no-cache specs/gemm.yaml": [str(script), "render", "--no-cache", str(SPEC), "-o", folder],
        }
        rounds = [{name: seconds(command) for name, command in commands.items()} for _run in range(runs + 1)][1:]
    middle = {name: median(times[name] for times in rounds) for name in commands}
    base = middle["python -I -c pass"]
    print(f"{'process':42}{'ms':>8}{'ratio':>8}{'limit':>8}")
    for name, time_taken in middle.items():
        limit = f"{LIMITS[name]}x" if name in LIMITS else ""
        print(f"{name:42}{time_taken * 1000:8.1f}{time_taken / base:7.1f}x{limit:>8}")
    return int(any(middle[name] > limit * base for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
