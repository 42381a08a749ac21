"""A thousand different specs, rendered, written and checked: `python bench/thousand.py [NUMBER] [--auto]`.

They differ in formula, shapes, policy, order, dtype and target. With `--auto` the schedule of each is searched. The
measure beside it is a bare Python loop that writes the same files.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

LIMIT_SECONDS: Final = 3
AUTO_SECONDS: Final = 8
CHECK_SECONDS: Final = 0.7
DIFF_SECONDS: Final = 2

# A formula and the shapes of its tensors, as functions of rows, columns and depth.
FORMULAS: Final = (
    ("Y = A @ B", "A: m k, B: k n, Y: m n"),
    ("Y = relu(A @ B + b)", "A: m k, B: k n, b: n, Y: m n"),
    ("Y = gelu(A @ B + b) * C", "A: m k, B: k n, b: n, C: m n, Y: m n"),
    ("Y = where(mask, A @ B.T * 0.125, -1e9)", "A: m k, B: n k, mask: m n, Y: m n"),
    ("Y = A + B", "A: m n, B: m n, Y: m n"),
    ("Y = silu(A) * B", "A: m n, B: m n, Y: m n"),
    ("Y = (X - mean) * rsqrt(variance + 1e-5) * g + b", "X: m n, mean: m 1, variance: m 1, g: n, b: n, Y: m n"),
    ("Y = softplus(X) / (1 + abs(X))", "X: m n, Y: m n"),
    ("Y = maximum(X, 0) + 0.1 * minimum(X, 0)", "X: 2 m n, Y: 2 m n"),
    ("Y = exp(X - shift) * scale", "X: m n, shift: m 1, scale: 1 1, Y: m n"),
)
SCHEDULES: Final = (
    "",
    "schedule: {policy: strided, order: column_major}\n",
    "schedule: {order: {block_linear: 4}, cores: 20}\n",
)


def spec(number: int, *, auto: bool = False) -> str:
    """The text of one spec; no two are equal but for their names."""
    formula, shapes = FORMULAS[number % len(FORMULAS)]
    sizes = {"m": 32 + 7 * (number % 61), "n": 128 + 11 * (number % 67), "k": 32 + 13 * (number % 71)}
    dtype = "float32" if number % 7 == 3 else "bfloat16"
    lines = [f"kernel: kernel_{number}", f"target: {('n150', 'p150')[number // 10 % 2]}", "tensors:"]
    for tensor in shapes.split(", "):
        name, extents = tensor.split(": ")
        shape = ", ".join(str(sizes.get(extent, extent)) for extent in extents.split())
        lines.append(f"  {name}: {{shape: [{shape}], dtype: {dtype}}}")
    lines.append(f"compute: {formula}")
    schedule = "schedule: auto\n" if auto else SCHEDULES[number // 20 % len(SCHEDULES)]
    return "\n".join(lines) + "\n" + schedule


def main() -> int:
    """Prints a table; the status is 1 where the limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=1000, help="of specs (default: 1000)")
    parser.add_argument("--auto", action="store_true", help="search a schedule for each")
    options = parser.parse_args()
    number, limit = options.number, AUTO_SECONDS if options.auto else LIMIT_SECONDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "specs").mkdir()
        for index in range(number):
            (folder / "specs" / f"kernel_{index}.yaml").write_text(spec(index, auto=options.auto), encoding="utf-8")
        command = [sys.executable, "-m", "ttgen", "render", "--no-cache", "-q", str(folder / "specs"), "-o"]
        times = []
        for attempt in ("warm", "first", "second", "third"):
            start = time.perf_counter()
            subprocess.run([*command, str(folder / attempt)], check=True)
            times.append(time.perf_counter() - start)
        taken = min(times[1:])
        command = [sys.executable, "-m", "ttgen", "render", "--check", "-q", str(folder / "specs"), "-o"]
        checks = []
        for _attempt in range(4):
            start = time.perf_counter()
            subprocess.run([*command, str(folder / "first")], check=True)
            checks.append(time.perf_counter() - start)
        checked = min(checks[1:])
        compared = _compared(folder)
        texts = {
            path.relative_to(folder / "warm"): path.read_bytes()
            for path in (folder / "warm").rglob("*")
            if path.is_file()
        }
        start = time.perf_counter()
        for path, data in texts.items():
            (folder / "bare" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "bare" / path).write_bytes(data)
        bare = time.perf_counter() - start
    size = sum(map(len, texts.values()))
    print(f"{number} specs, {len(texts)} files, {size / 1e6:.1f} MB")
    print(f"{'ttgen render, whole process':30}{taken:8.2f} s{taken / number * 1000:8.2f} ms a spec")
    print(f"{'--check, nothing changed':30}{checked:8.2f} s{checked / number * 1000:8.2f} ms a spec")
    print(f"{'diff, three specs changed':30}{compared:8.2f} s")
    print(f"{'a bare loop of writes':30}{bare:8.2f} s")
    print(f"{'ratio':30}{taken / bare:7.1f}x")
    scale = max(number / 1000, 1)
    return int(taken > limit * scale or checked > CHECK_SECONDS * scale or compared > DIFF_SECONDS * scale)


def _compared(folder: Path) -> float:
    """Seconds of a comparison with the last commit, where three specs have another fidelity now."""
    git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for words in (["init", "-q"], ["add", "specs", "first"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    for index in range(3):
        path = folder / "specs" / f"kernel_{index}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + "precision: {fidelity: HiFi2}\n", encoding="utf-8")
    command = [sys.executable, "-m", "ttgen", "diff", "-q", str(folder / "specs"), "-o", str(folder / "first")]
    times = []
    for _attempt in range(4):
        start = time.perf_counter()
        subprocess.run(command, check=True)
        times.append(time.perf_counter() - start)
    return min(times[1:])


if __name__ == "__main__":
    sys.exit(main())
