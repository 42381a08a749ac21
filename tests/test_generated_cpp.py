"""Generated C++ as a reviewer meets it: formatted, within its budgets, without a warning of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import ttgen
from tests.snapshots import FOLDER

KERNELS = sorted(FOLDER.glob("*/kernels/**/*.cpp"))
HOST = sorted(FOLDER.glob("*/host/*"))
SHARED = sorted(FOLDER.glob("host/*.[ch]pp"))


def test_clang_format_agrees() -> None:
    package = pytest.importorskip("clang_format")
    binary = Path(package.__file__).parent / "data" / "bin" / "clang-format"
    command: list[str | Path] = [
        binary,
        "--style=file:.clang-format",
        "--dry-run",
        "--Werror",
        *KERNELS,
        *HOST,
        *SHARED,
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def _most_of_kernel(path: Path) -> int:
    """A kernel that goes along lines in several walks has a section for each; so has each part of an attention's step."""
    text = path.read_text()
    if "// The largest score so far" in text:
        return 400 if "// The largest score of all parts" in text else 290
    return 220 if "// Walk 1 of" in text else 150


@pytest.mark.parametrize("path", [*KERNELS, *HOST, *SHARED], ids=lambda path: str(path.relative_to(FOLDER)))
def test_budgets(path: Path) -> None:
    lines = path.read_text().splitlines()
    # A program more is about as long again but for what begins and ends the file.
    programs = len(re.findall(r"^ttm::Program create_", path.read_text(), re.MULTILINE)) or 1
    # And so are, each a third, the kernels of further roles.
    kernels = len(re.findall(r"parts::create_kernel\(", path.read_text()))
    # A counter has a line where it is made, and one where a kernel is told of it.
    counters = 2 * max(len(re.findall(r"CreateSemaphore\(", path.read_text())) - 2 * programs, 0)
    # A buffer beyond ten has a line for its number, two where it is made, and one for each kernel that knows it; kernels
    # of cores that have a line together know their rectangle.
    counters += 6 * max(len(re.findall(r"create_circular_buffer\(", path.read_text())) - 10 * programs, 0)
    counters += 10 * ('"group_cols"' in path.read_text())
    # Those of an attention have the sizes of three tensors.
    counters += 10 * ('"cb_rescale"' in path.read_text())
    own = {"program.cpp": counters + 200 + 115 * (programs - 1) + 40 * max(kernels - 3 * programs, 0), "main.cpp": 60}
    most = {**own, "tensor_io.cpp": 370, "program_parts.cpp": 165, "program_parts.hpp": 110}
    assert len(lines) <= (_most_of_kernel(path) if path in KERNELS else most.get(path.name, 100))
    assert max(len(line) for line in lines) <= 120
    assert not any(line != line.rstrip() or "\t" in line for line in lines)
    assert not re.search(r"\n\n\n", path.read_text())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/tt.plan.json")), ids=lambda path: path.parent.name)
def test_budget_of_a_plan(path: Path) -> None:
    """Tables have a row for each row of cores, and groups one for each group: the grid says how many."""
    text = path.read_text()
    programs = json.loads(text)["programs"]
    kernels = sum(len(program["kernels"]) for program in programs)
    places = re.compile(r"\s*(\[|{\"(core_ranges|start)\")")
    lines = [line for line in text.splitlines() if not places.match(line)]
    counters = sum(len(program["semaphores"]) for program in programs)
    most = 250 + 5 * counters + 200 * (len(programs) - 1) + 50 * max(kernels - 3 * len(programs), 0)
    assert len(lines) <= most


def test_all_that_cores_can_share_fits_a_kernels_budget() -> None:
    """Both operands multicast, read ahead, and K in parts: no spec of the repository has all of it."""
    text = Path("specs/gemm_split_prefetch.yaml").read_text().replace("multicast: a", "multicast: both")
    files = ttgen.render(ttgen.plan(ttgen.loads(text)))
    lengths = {file.path: len(file.text.splitlines()) for file in files if "/kernels/" in file.path}
    assert len(lengths) == 5
    assert max(lengths.values()) <= 150, lengths


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_nothing_old_or_deprecated(path: Path) -> None:
    """Names that release 0.81 dropped or deprecated, and the entry point that it had before."""
    old = re.compile(
        r"namespace NAMESPACE|MAIN\b|\bmm_init|mm_block_init|binary_op_init_common|_tiles_init\b|init_short|init_bcast|"
        r"transpose_wh|unary_op_init_common|init_sfpu|copy_tile_init|copy_tile_to_dst|acquire_dst|release_dst|"
        r"InterleavedAddrGen|noc_async_(read|write)_tile\b|cb_\w+_id\b"
    )
    assert old.search(path.read_text()) is None


def test_only_the_specs_name_is_said_of_where_a_file_comes_from() -> None:
    for path in [*KERNELS, *HOST]:
        first = path.read_text().splitlines()[0]
        kernel = path.relative_to(FOLDER).parts[0]
        assert first == f"// Generated by ttgen from {kernel}.yaml: change the spec, not this file."


def numbers_of(text: str) -> str:
    """A text with all numbers alike."""
    return re.sub(r"\b\d+\b", "#", text)


@pytest.mark.parametrize(
    ("name", "size", "other", "most"),
    # Twice as many units a core, which tables say; rows that pad a tile; the same number of units as before.
    [
        ("gemm", r"(?<=[AC]: {shape: \[)256", "512", 26),
        ("mlp", "M: 200", "M: 201", 4),
        ("linear_relu", "batch: 384", "batch: 370", 4),
    ],
)
def test_a_change_of_shape_is_a_diff_of_constants(name: str, size: str, other: str, most: int) -> None:
    text = Path(f"specs/{name}.yaml").read_text()
    changed = re.sub(size, other, text)
    assert changed != text
    first, second = (ttgen.render(ttgen.plan(ttgen.loads(each))) for each in (text, changed))
    different = 0
    for before, after in zip(first, second, strict=True):
        if before.path.endswith((".cpp", ".hpp", ".txt")):
            assert numbers_of(before.text) == numbers_of(after.text)
            lines = zip(before.text.splitlines(), after.text.splitlines(), strict=True)
            different += sum(one != other for one, other in lines)
    assert 0 < different <= most


def test_the_settings_of_a_compute_kernel_are_the_plans() -> None:
    """Those too that no kernel has another value of yet."""
    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    for name in ("fp32_dest_acc", "dst_full_sync", "bfp8_pack_precise", "math_approx"):
        texts = []
        for value in (False, True):
            kernels = tuple(
                replace(kernel, config=kernel.config and replace(kernel.config, **{name: value}))  # type: ignore[arg-type]
                for kernel in plan.program.kernels
            )
            changed = replace(plan, programs=(replace(plan.program, kernels=kernels),))
            texts.append(next(file.text for file in ttgen.render(changed) if file.path.endswith("program.cpp")))
        off, on = (set(text.splitlines()) for text in texts)
        assert [line.split()[2] for line in (*(off - on), *(on - off))] == ["false,", "true,"]


@pytest.mark.parametrize("compiler", [name for name in ("g++", "clang++") if shutil.which(name)])
@pytest.mark.parametrize("kernel", [".", "adam", "gelu_height", "gemm_skinny", "mlp_three"])
def test_host_programs_compile_without_a_warning(compiler: str, kernel: str) -> None:
    """Formats, shards and numbers of every kind are among them. The optimizer has warnings of its own, and CMake's releases use it."""
    flags = [
        "-std=c++20",
        "-Wall",
        "-Wextra",
        "-O3",
        "-c",
        "-o",
        os.devnull,
        "-I",
        "ttgen/emulator/include",
        "-I",
        str(FOLDER / "host"),
        '-DTTGEN_PROGRAM_DIR=""',
    ]
    first, second = sorted((FOLDER / kernel).glob("host/*.cpp"))
    # One translation unit, as `ttgen verify` compiles them, but for what all kernels share.
    sources = [[first], [second]] if kernel == "." else [["-include", first, second]]
    for words in sources:
        done = subprocess.run([compiler, *flags, *words], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
