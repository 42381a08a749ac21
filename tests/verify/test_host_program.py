"""The rendered host program as its user meets it: options, files, devices that won't do, and what a seed draws."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from ttgen.verify.toolchain import Builder

SPEC = """\
kernel: k
tensors:
  X: {shape: [40, 70], dtype: float32}
  W: {shape: [40, 1], dtype: float32}
  Y: {shape: [40, 70], dtype: float32}
  V: {shape: [40, 70], dtype: float32}
compute:
  - Y = abs(X)
  - V = maximum(X, W)
"""
SHAPE = (40, 70)
BANKS = """\
kernel: k
tensors:
  X: {shape: [40, 70], dtype: float32}
  W: {shape: [70, 384], dtype: float32, layout: dram_sharded}
  R: {shape: [40, 384], dtype: float32, layout: l1_interleaved}
  Y: {shape: [40, 384], dtype: float32}
compute: Y = X @ W + R
"""


class Host:
    """A host program in the emulator."""

    def __init__(self, builder: Builder, folder: Path, spec: str = SPEC) -> None:
        self.builder, self.folder = builder, folder
        self.built = builder.program(ttgen.render(ttgen.plan(ttgen.loads(spec))))
        self.report = folder / "report.jsonl"

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ, "TTEMU_INCLUDE": str(self.builder.include), "TTEMU_CACHE": str(self.builder.cache / "units"),
            "TTEMU_CXX": " ".join(self.builder.compiler.command), "TTEMU_REPORT": str(self.report),
            "TTEMU_CXXFLAGS": " ".join(self.builder.compiler.flags), "TTEMU_ARCH": "wormhole_b0",
            "TTEMU_ROWS": "8", "TTEMU_COLS": "8", **settings,
        }  # fmt: skip
        return subprocess.run(
            [self.built.executable, *arguments], env=environment, cwd=self.built.folder, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip

    def ran(self) -> bool:
        """Whether a program was launched."""
        lines = self.report.read_text().splitlines() if self.report.exists() else []
        return any(json.loads(line)["kind"] == "program" for line in lines)


@pytest.fixture
def host(builder: Builder, tmp_path: Path) -> Host:
    return Host(builder, tmp_path)


def test_help(host: Host) -> None:
    done = host.run("--seed", "7", "--help", "--nonsense", TTEMU_ARCH="blackhole")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "usage: k [--input NAME=FILE]... [--output NAME=FILE]... [--seed TEXT] [--poison] [--device N] [--repeat N]\n"
    )
    assert "inputs: X W; outputs: Y V" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--nonsense", "--nonsense: no such option"),
        ("X=x.bin", "X=x.bin: no such option"),
        ("-h", "-h: no such option"),
        ("--input", "--input: nothing follows it"),
        ("--poison --seed", "--seed: nothing follows it"),
        ("--input X", "--input X: write it as NAME=FILE"),
        ("--output Y=", "--output Y=: write it as NAME=FILE"),
        ("--input Z=x.bin", "--input Z=x.bin: there is no input 'Z'"),
        ("--input =x.bin", "--input =x.bin: there is no input ''"),
        ("--input Y=x.bin", "--input Y=x.bin: there is no input 'Y'"),
        ("--output X=x.bin", "--output X=x.bin: there is no output 'X'"),
        ("--input X=a --input W=b --input X=a", "--input X=a: 'X' has a file already"),
        ("--output Y=a --output Y=b", "--output Y=b: 'Y' has a file already"),
        ("--device -1", "--device -1: not a whole number of at least 0"),
        ("--repeat 0", "--repeat 0: not a whole number of at least 1"),
        ("--repeat 2x", "--repeat 2x: not a whole number of at least 1"),
    ],
)
def test_wrong_usage(host: Host, arguments: str, message: str) -> None:
    done = host.run(*arguments.split())
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith(f"k: {message}\n\nusage: k ")


def test_files_are_checked_before_the_device_is(host: Host, tmp_path: Path) -> None:
    """The device is of another architecture, which would be said first if it were opened first."""
    right, short, long = (tmp_path / name for name in ("right.bin", "short.bin", "long.bin"))
    right.write_bytes(bytes(40 * 70 * 4))
    short.write_bytes(bytes(40 * 70 * 4 - 4))
    long.write_bytes(bytes(40 * 70 * 4 + 1))
    os.mkfifo(tmp_path / "pipe")
    for option, path, message in (
        ("--input", tmp_path / "nowhere.bin", "no such file"),
        ("--input", tmp_path, "not a file that can be read"),
        ("--input", tmp_path / "pipe", "not a file that can be read"),
        ("--input", short, "has 11196 bytes, not 11200"),
        ("--input", long, "has 11201 bytes, not 11200"),
        ("--output", tmp_path / "nowhere/y.bin", "no such folder"),
        ("--output", right / "y.bin", "no such folder"),
        ("--output", tmp_path, "is a folder"),
    ):
        tensor = "X" if option == "--input" else "Y"
        done = host.run("--input", f"W={tmp_path / 'w.bin'}", TTEMU_ARCH="blackhole")
        assert (done.returncode, done.stderr) == (1, f"k: {tmp_path / 'w.bin'}: no such file\n")
        done = host.run(option, f"{tensor}={path}", TTEMU_ARCH="blackhole")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"k: {path}: {message}\n")


def test_repetitions_say_how_long_they_take(host: Host) -> None:
    done = host.run("--repeat", "3")
    assert done.returncode == 0
    number = r"[0-9]+\.[0-9]"
    first, *outputs = done.stdout.splitlines()
    assert re.fullmatch(rf"k: 3 times, {number} us the shortest, {number} the median, {number} the longest", first)
    assert outputs == host.run().stdout.splitlines()
    lines = [json.loads(line)["kind"] for line in host.report.read_text().splitlines()]
    assert lines.count("program") == 3 + 1


def test_what_lies_between_programs_is_read_back_where_it_has_a_file(builder: Builder, tmp_path: Path) -> None:
    host = Host(builder, tmp_path, Path("specs/mlp.yaml").read_text())
    assert "outputs: Y; between programs: H" in host.run("--help").stdout
    alone = host.run()
    assert (alone.returncode, alone.stdout.split(":")[0]) == (0, "Y")
    done = host.run("--output", f"H={tmp_path / 'h.bin'}")
    assert (done.returncode, done.stdout) == (0, alone.stdout)
    assert (tmp_path / "h.bin").stat().st_size == 200 * 328 * 4


def test_programs_run_one_after_another_and_again(builder: Builder, tmp_path: Path) -> None:
    """Against NumPy, loosely: the values are of the order of 100, bfloat16 has 8 bits, and H is rounded between."""
    host = Host(builder, tmp_path, Path("specs/mlp.yaml").read_text())
    shapes = {"X": (200, 136), "W1": (136, 328), "b1": (1, 328), "W2": (328, 136)}
    x, w1, b1, w2 = (bfloat16(drawn("0", name, shape)) for name, shape in shapes.items())
    h = x @ w1 + b1
    h *= [[(1 + math.erf(value / math.sqrt(2))) / 2 for value in row] for row in h]
    for repetitions in (1, 2):
        host.report.unlink(missing_ok=True)
        files = [word for name in "HY" for word in ("--output", f"{name}={tmp_path / name}")]
        done = host.run(*files, "--repeat", str(repetitions))
        assert (done.returncode, done.stderr) == (0, "")
        lines = [json.loads(line)["kind"] for line in host.report.read_text().splitlines()]
        assert lines.count("program") == 2 * repetitions
        found = {name: np.fromfile(tmp_path / name, dtype="<f4") for name in "HY"}
        assert np.abs(found["H"].reshape(h.shape) - h).max() < np.abs(h).max() / 2**7
        y = bfloat16(found["H"].reshape(h.shape)) @ w2 + x
        assert np.abs(found["Y"].reshape(y.shape) - y).max() < np.abs(y).max() / 2**7


def test_what_each_kernel_compiles_for_itself_is_little(builder: Builder) -> None:
    """Maps, variants and streams are in what all kernels share: their code is what takes a compiler long."""
    built = builder.program(ttgen.render(ttgen.plan(ttgen.load("specs/mlp_three.yaml"))))
    heavy = re.compile(r"std::(_Rb_tree|_Hashtable|variant|function|_Function_handler|\w*stream|filesystem)\b")
    words = ["nm", "-C", str(built.executable.parent / "main.o")]
    listing = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    code = [line[19:] for line in listing.splitlines() if line[17:18] == "W"]
    assert 0 < len(code) < 550
    assert not [line for line in code if heavy.match(line)]


def test_a_kernel_that_is_missing(host: Host, tmp_path: Path) -> None:
    done = subprocess.run([host.built.executable], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "k: kernels/reader.cpp: no such kernel\n")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"TTEMU_ARCH": "blackhole"}, "the program was planned for wormhole_b0, and the device is blackhole"),
        (
            {"TTEMU_ROWS": "7"},
            "the program needs 8 x 8 cores and 12 banks of DRAM, and the device has 7 x 8 cores and 12 banks of DRAM",
        ),
        (
            {"TTEMU_COLS": "5"},
            "the program needs 8 x 8 cores and 12 banks of DRAM, and the device has 8 x 5 cores and 12 banks of DRAM",
        ),
    ],
)
def test_a_device_that_the_program_was_not_planned_for(
    builder: Builder, tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    host = Host(builder, tmp_path, BANKS)
    done = host.run(**settings)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"k: {message}\n")
    assert not host.ran()


def test_too_few_banks(builder: Builder, tmp_path: Path) -> None:
    """The emulator has every bank: the plan is changed instead."""
    files = ttgen.render(ttgen.plan(ttgen.loads(BANKS)))
    more = [
        type(file)(file.path, file.text.replace("/*dram_banks=*/12", "/*dram_banks=*/13"))
        for file in files
    ]  # fmt: skip
    assert more != list(files)
    host = Host(builder, tmp_path, BANKS)
    host.built = builder.program(more)
    done = host.run()
    assert done.returncode == 1
    assert done.stderr.endswith("and 13 banks of DRAM, and the device has 8 x 8 cores and 12 banks of DRAM\n")


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def splitmix64(state: int, count: int) -> NDArray[np.uint64]:
    """The first numbers of SplitMix64 from a state."""
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def drawn(seed: str, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """What `--seed` says, in other words than the program's."""
    count = int(np.prod(shape))
    words = splitmix64(fnv1a(f"{seed}\0{name}".encode()), 3 * count)
    parts = np.frombuffer(words.astype("<u8").tobytes(), dtype="<u2").astype(np.float64).reshape(count, 12)
    return np.asarray((parts - 32767.5).sum(axis=1) / 65536, dtype=np.float32).reshape(shape)


def bfloat16(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rounded to nearest even."""
    bits = values.astype("<f4").view("<u4")
    return np.asarray(((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view("<f4"), dtype=np.float64)


def test_the_functions_of_seeds_are_the_published_ones() -> None:
    """Vectors of FNV-1a's authors (draft-eastlake-fnv) and of SplitMix64's reference, seed 1234567."""
    assert [fnv1a(text) for text in (b"", b"a", b"foobar")] == [
        0xCBF29CE484222325, 0xAF63DC4C8601EC8C, 0x85944171F73967E8,
    ]  # fmt: skip
    assert splitmix64(1234567, 3).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("seed", ["0", "7", "größer als eins", ""])
def test_a_seed_draws_the_same_values_everywhere(host: Host, tmp_path: Path, seed: str) -> None:
    outputs = {name: tmp_path / f"{name}.bin" for name in "YV"}
    files = [word for name, path in outputs.items() for word in ("--output", f"{name}={path}")]
    done = host.run(*files, *(("--seed", seed) if seed != "0" else ()))
    assert (done.returncode, done.stderr) == (0, "")
    assert host.ran()
    x, w = drawn(seed, "X", SHAPE), drawn(seed, "W", (40, 1))
    y, v = (np.fromfile(path, dtype="<f4").reshape(SHAPE) for path in outputs.values())
    assert np.array_equal(y, np.abs(x))
    assert np.array_equal(v, np.maximum(x, w))
    assert abs(x.mean()) < 0.1
    assert abs(x.std() - 1) < 0.05


def test_files_in_and_out(host: Host, tmp_path: Path) -> None:
    values = np.linspace(-3, 3, 40 * 70, dtype=np.float32)
    values.tofile(tmp_path / "x.bin")
    done = host.run("--input", f"X={tmp_path / 'x.bin'}", "--output", f"Y={tmp_path / 'y.bin'}", "--poison")
    assert (done.returncode, done.stderr) == (0, "")
    assert np.array_equal(np.fromfile(tmp_path / "y.bin", dtype="<f4"), np.abs(values))
    assert done.stdout.startswith("V: 2800 values, ")
