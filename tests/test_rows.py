"""Programs that reduce along an axis: numbers that any right implementation gives, computed by hand."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.test_interpreter import agree
from ttgen.analysis import interpreter
from ttgen.analysis.counts import count
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.model.body import Op, walk
from ttgen.model.plan import Plan, Program
from ttgen.operations import OPERATIONS
from ttgen.spec import LoadedSpec

TILE_BYTES, STATISTIC_BYTES = 2048, 4096
ROW_BYTES = 2 * 64
"""What of a tile of a row vector is read: its first row, of the two upper faces."""


def spec(compute: str, schedule: str = "", **tensors: str) -> LoadedSpec:
    """A spec; each tensor as `64x64` for bfloat16, or `64x64 float32`."""
    lines = ["kernel: k", "tensors:"]
    for name, text in tensors.items():
        shape, _space, dtype = text.partition(" ")
        lines.append(f"  {name}: {{shape: [{shape.replace('x', ', ')}], dtype: {dtype or 'bfloat16'}}}")
    formulas = compute.split("; ")
    lines += [f"compute: {compute}"] if len(formulas) == 1 else ["compute:", *(f"  - {one}" for one in formulas)]
    return ttgen.loads("\n".join([*lines, *([f"schedule: {{{schedule}}}"] if schedule else []), ""]))


def planned(compute: str, schedule: str = "", **tensors: str) -> Plan:
    return ttgen.plan(spec(compute, schedule, **tensors))


def per_core(program: Program, part: str) -> list[Counter[tuple[str, ...]]]:
    """What each core does in a kernel: pages by tensor, operations by name."""
    (kernel,) = (kernel for kernel in program.kernels if kernel.name.rpartition("/")[2] == part)
    return [Counter(count(kernel.body, {**kernel.named_compile_time_args, **own})) for _core, own in program.cores()]


def operations(program: Program) -> dict[str, int]:
    """How often each operation runs, on all cores."""
    total = sum(per_core(program, "compute"), Counter())
    return {name: times for (kind, name), times in total.items() if kind == "op"}


def ring_bytes(program: Program) -> dict[str, int]:
    return {buffer.name: buffer.pages * buffer.page_bytes for buffer in program.circular_buffers}


def kept(plan: Plan) -> str:
    (found,) = (decision.value for decision in plan.decisions if decision.name == "keep")
    return found


def numbers(program: Program) -> tuple[int, int, int, int]:
    """Units, cores, and bytes that DRAM gives and takes."""
    cost = program.cost
    return program.work.units, len(list(program.cores())), cost.dram_read_bytes, cost.dram_write_bytes


# Specs with the sizes of published kernels, and some of the repository.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("row_sum", (32, 32, 2_097_152, 65_536)),
        ("column_mean", (32, 32, 2_097_152, 65_536)),
        ("softmax", (64, 64, 4_194_304, 4_194_304)),
        ("softmax_ragged", (4, 4, 262_144, 262_144)),
        # Three walks read a row three times.
        ("log_softmax", (4, 4, 3 * 8_192_000, 8_192_000)),
        ("log_softmax_split", (4, 64, 8_192_000, 8_192_000)),
        # Each of 64 cores reads the first row of the scale's 128 tiles once.
        ("rmsnorm", (64, 64, 16_777_216 + 1_048_576, 16_777_216)),
        ("layernorm", (64, 64, 4_194_304 + 2 * 64 * 32 * ROW_BYTES, 4_194_304)),
        ("softmax_float32", (8, 8, 524_288, 524_288)),
        # Shards that hold whole rows stay where they are.
        ("softmax_height", (16, 8, 0, 0)),
    ],
)
def test_units_cores_and_bytes(name: str, expected: tuple[int, int, int, int]) -> None:
    assert numbers(ttgen.plan(ttgen.load(f"specs/{name}.yaml")).program) == expected


def test_sums_of_rows_are_one_operation_a_tile() -> None:
    for name in ("row_sum", "column_mean"):
        program = ttgen.plan(ttgen.load(f"specs/{name}.yaml")).program
        (reduced,) = (times for operation, times in operations(program).items() if operation.startswith("reduce_"))
        assert reduced == 1024


def test_softmax_of_2048_by_1024() -> None:
    """64 rows of 32 tiles: a core has one."""
    program = ttgen.plan(ttgen.load("specs/softmax.yaml")).program
    found = operations(program)
    assert {name: times / 64 for name, times in found.items()} == {
        "reduce_max_row": 32,
        "sub_cols": 32,
        "exp": 32,
        "reduce_sum_row": 32,
        "reciprocal": 1,
        "mul_cols": 32,
    }
    assert ring_bytes(program) == {
        "X": 65_536,
        "exp": 65_536,
        "max": 4_096,
        "reciprocal": 4_096,
        "scaler": 2_048,
        "Y": 4_096,
    }
    assert program.l1.bytes == 145_408


def test_softmax_of_a_ragged_row() -> None:
    """1000 columns: 31 tiles, and 8 columns of the last; a scaler of its own for those, and a mask."""
    program = ttgen.plan(ttgen.load("specs/softmax_ragged.yaml")).program
    assert ring_bytes(program)["scaler"] == 2 * TILE_BYTES
    assert ring_bytes(program)["mask"] == TILE_BYTES
    compute = next(kernel for kernel in program.kernels if kernel.name == "compute")
    reader = next(kernel for kernel in program.kernels if kernel.name == "reader")
    assert reader.named_compile_time_args["valid"] == 8
    assert "valid" not in compute.named_compile_time_args
    assert operations(program)["reduce_sum_row"] == 4 * 32


def test_squares_add_up_without_a_buffer() -> None:
    program = ttgen.plan(ttgen.load("specs/rmsnorm.yaml")).program
    assert set(ring_bytes(program)) == {"X", "g", "Y", "rsqrt"}
    found = operations(program)
    assert (found["mul_accumulate"], found["sum_within_row"], found["rsqrt"]) == (64 * 128, 64, 64)


def test_layernorm_reads_a_row_once_and_goes_along_it_three_times() -> None:
    """A mean, the mean of squares of what is left of it, and the outputs."""
    program = ttgen.plan(ttgen.load("specs/layernorm.yaml")).program
    assert per_core(program, "reader")[0]["read", "X"] == 32
    found = operations(program)
    assert found["reduce_sum_row"] == 64 * 32
    # What is left of the mean is computed again rather than kept.
    assert found["sub_cols"] == 2 * 64 * 32
    assert found["rsqrt"] == 64


def test_float32_never_goes_through_the_matrix_unit() -> None:
    """What is copied to DST goes there past SrcA, which would cut it."""
    program = ttgen.plan(ttgen.load("specs/softmax_float32.yaml")).program
    (compute,) = (kernel for kernel in program.kernels if kernel.name == "compute")
    assert compute.config is not None
    copied = {
        tile.cb for item in walk(compute.body) if isinstance(item, Op) and item.name == "copy" for tile in item.tiles
    }
    assert copied == {"X", "exp", "max", "reciprocal"}
    indices = {buffer.index for buffer in program.circular_buffers if buffer.name in copied}
    assert indices <= set(compute.config.unpack_to_dest_fp32)
    assert all(name == "copy" or OPERATIONS[name].engine == "sfpu" for name in operations(program))


# Parts of a row.


def test_sixteen_cores_share_a_row_of_a_thousand_tiles() -> None:
    program = ttgen.plan(ttgen.load("specs/log_softmax_split.yaml")).program
    assert Counter(core["read", "X"] for core in per_core(program, "reader")) == {63: 32, 62: 32}
    # A multicast counts once: that of each core's maxima, and of its sums.
    assert program.cost.noc_bytes == 2 * 8_192_000 + 2 * 64 * STATISTIC_BYTES


def test_two_rows_of_2048_tiles_on_64_cores() -> None:
    program = planned("Y = softmax(X)", "split: 32", X="64x65536", Y="64x65536").program
    assert numbers(program) == (2, 64, 8_388_608, 8_388_608)
    assert {core["read", "X"] for core in per_core(program, "reader")} == {64}
    assert program.cost.noc_bytes == 2 * 8_388_608 + 2 * 64 * STATISTIC_BYTES
    (line,) = program.groups
    assert line.name == "line"
    assert [len([core for area in group.core_ranges for core in area.cores()]) for group in line.members] == [32, 32]


def test_a_column_that_cores_share_is_written_once() -> None:
    program = planned("s = sum(X, axis=-1, keepdims=True)", "split: 8", X="64x2048", s="64x1").program
    assert numbers(program) == (2, 16, 2 * 64 * TILE_BYTES, 2 * TILE_BYTES)


# What stays on a core.

USABLE = 1_393_312
FIXED = 2 * STATISTIC_BYTES + TILE_BYTES + 2 * TILE_BYTES
"""The statistics of softmax, a scaler, and two tiles of the output."""


@pytest.mark.parametrize(
    ("tiles", "what", "reads", "exponentials"),
    [
        ((USABLE - FIXED) // (2 * TILE_BYTES), "values", 1, 1),
        ((USABLE - FIXED) // (2 * TILE_BYTES) + 1, "inputs", 1, 2),
        ((USABLE - FIXED) // TILE_BYTES, "inputs", 1, 2),
        ((USABLE - FIXED) // TILE_BYTES + 1, "nothing", 3, 2),
    ],
)
def test_what_fits_stays(tiles: int, what: str, reads: int, exponentials: int) -> None:
    shape = f"32x{32 * tiles}"
    plan = planned("Y = softmax(X)", X=shape, Y=shape)
    assert kept(plan) == what
    assert plan.program.cost.dram_read_bytes == reads * tiles * TILE_BYTES
    assert operations(plan.program)["exp"] == exponentials * tiles


@pytest.mark.parametrize(("what", "reads", "exponentials"), [("values", 1, 1), ("inputs", 1, 2), ("nothing", 3, 2)])
def test_what_is_asked_for_stays(what: str, reads: int, exponentials: int) -> None:
    plan = planned("Y = softmax(X)", f"keep: {what}", X="64x128", Y="64x128")
    assert kept(plan) == what
    assert plan.program.cost.dram_read_bytes == reads * 8 * TILE_BYTES
    assert operations(plan.program)["exp"] == exponentials * 8


def test_a_row_comes_while_another_is_worked_on_where_two_fit() -> None:
    """65 rows on 64 cores: one has two."""
    most = (USABLE - FIXED) // (3 * TILE_BYTES)
    for tiles, rows in ((most, 2), (most + 1, 1)):
        shape = f"{65 * 32}x{32 * tiles}"
        program = planned("Y = softmax(X)", X=shape, Y=shape).program
        assert ring_bytes(program)["X"] == rows * tiles * TILE_BYTES
        assert ring_bytes(program)["exp"] == tiles * TILE_BYTES


def test_what_is_said_to_stay_leaves_out_what_is_no_line() -> None:
    for name, lines in (("softmax_ragged", "X, exp"), ("log_softmax_split", "X"), ("rmsnorm", "X, g")):
        (because,) = (
            one.because for one in ttgen.plan(ttgen.load(f"specs/{name}.yaml")).decisions if one.name == "keep"
        )
        assert because == f"a line of each stays: {lines}"


def test_what_is_the_same_for_all_rows_is_read_once_a_core() -> None:
    """128 rows of tiles on 64 cores; a row of 4 tiles, and a number."""
    program = planned("Y = softmax(X * r + n)", X="4096x128", r="128", n="1x1", Y="4096x128").program
    assert all((core["read_row", "r"], core["read_row", "n"]) == (4, 1) for core in per_core(program, "reader"))
    column = planned("Y = softmax(X * c)", X="4096x128", c="4096x1", Y="4096x128").program
    assert all((core["read", "X"], core["read", "c"]) == (8, 2) for core in per_core(column, "reader"))


# Functions that are expansions.

ROW = "axis=-1, keepdims=True"
COL = "axis=-2, keepdims=True"
EXPANSIONS = [
    ("softmax(X)", f"exp(X - max(X, {ROW})) / sum(exp(X - max(X, {ROW})), {ROW})"),
    ("softmax(X)", f"m = max(X, {ROW}); e = exp(X - m); Y = e / sum(e, {ROW})"),
    ("softmax(X, axis=-2)", f"exp(X - max(X, {COL})) / sum(exp(X - max(X, {COL})), {COL})"),
    ("softmax(X, axis=1)", f"exp(X - max(X, {ROW})) / sum(exp(X - max(X, {ROW})), {ROW})"),
    ("log_softmax(X)", f"d = X - max(X, {ROW}); Y = d - log(sum(exp(d), {ROW}))"),
    ("rmsnorm(X, g)", f"X * rsqrt(mean(X * X, {ROW}) + 1e-6) * g"),
    ("rmsnorm(X, g, eps=0.5)", f"X * rsqrt(sum(X * X, {ROW}) * (1 / 300) + 0.5) * g"),
    ("layernorm(X, g, b)", f"c = X - mean(X, {ROW}); Y = c * rsqrt(mean(c * c, {ROW}) + 1e-5) * g + b"),
    ("layernorm(X, g, b, eps=1e-3)", f"c = X - mean(X, {ROW}); Y = c * rsqrt(mean(c * c, {ROW}) + 1e-3) * g + b"),
]


@pytest.mark.parametrize(("function", "written"), EXPANSIONS)
def test_writing_a_function_out_gives_the_same_program(function: str, written: str) -> None:
    tensors = {"X": "100x300", "g": "300", "b": "300", "Y": "100x300"}
    tensors = {name: text for name, text in tensors.items() if name in "XY" or f", {name}" in function}
    one, other = (
        {
            # All but the formula, which a comment at the top tells, and the value that is right.
            file.path: re.sub(r"^//     .*\n", "", file.text, flags=re.MULTILINE)
            for file in ttgen.render(planned(text if "Y =" in text else f"Y = {text}", **tensors))
            if not file.path.endswith((".json", ".py"))
        }
        for text in (function, written)
    )
    assert any("/kernels/" in path for path in one)
    assert one == other


# Axes.


@pytest.mark.parametrize(
    ("compute", "shape", "programs"),
    [
        (f"Y = sum(X, {ROW})", "3x40x1", 1),
        ("Y = sum(X, axis=-2, keepdims=True)", "3x1x70", 1),
        ("Y = max(X, axis=1, keepdims=True)", "3x1x70", 1),
        ("Y = min(X, axis=-3, keepdims=True)", "1x40x70", 1),
        ("Y = mean(X, axis=0)", "40x70", 1),
        ("Y = mean(X, axis=(0, 1))", "70", 2),
        ("Y = max(X, axis=(-1, 0), keepdims=True)", "1x40x1", 2),
        ("Y = sum(X, keepdims=True)", "1x1x1", 3),
        ("Y = X - min(X, axis=None, keepdims=True)", "3x40x70", 4),
        ("Y = softmax(X, axis=0)", "3x40x70", 1),
        (f"Y = X / sum(X * X, {ROW}) + max(X, axis=0, keepdims=True)", "3x40x70", 2),
    ],
)
def test_axes(compute: str, shape: str, programs: int) -> None:
    loaded = spec(compute, X="3x40x70", Y=shape)
    plan = ttgen.plan(loaded)
    assert len(plan.programs) == programs
    agree(loaded, plan)


def test_numpy_agrees() -> None:
    """The graph's value in float64, along every axis."""
    x, g, b = (np.random.default_rng(seed).standard_normal((3, 4, 5)) for seed in range(3))
    for axis in (-1, -2, 0):
        along: dict[str, Any] = {"axis": axis, "keepdims": True}
        mean, powers = x.mean(**along), np.exp(x - x.max(**along))
        rms = np.sqrt((x * x).mean(**along) + 0.25)
        right = {
            **{f"{name}(x, axis={axis}, keepdims=True)": getattr(np, name)(x, **along) for name in ("sum", "mean", "max", "min")},
            f"softmax(x, axis={axis})": powers / powers.sum(**along),
            f"log_softmax(x, axis={axis})": np.log(powers / powers.sum(**along)),
            f"rmsnorm(x, g, axis={axis}, eps=0.25)": x / rms * g,
            f"layernorm(x, g, b, axis={axis}, eps=0.25)": (x - mean) / np.sqrt(x.var(**along) + 0.25) * g + b,
        }  # fmt: skip
        for formula, value in right.items():
            tensors = {name: "3x4x5" for name in "xgb" if re.search(rf"\b{name}\b", formula)}
            loaded = spec(f"Y = {formula}", **tensors, Y="x".join(map(str, value.shape)))
            found = evaluate(
                graph_of(loaded), {name: array for name, array in zip("xgb", (x, g, b), strict=True) if name in tensors}
            )
            np.testing.assert_allclose(found["Y"], value, rtol=1e-6, err_msg=formula)
    assert np.allclose(
        evaluate(graph_of(spec("Y = mean(x, axis=(0, 1))", x="3x4x5", Y="5")), {"x": x})["Y"], x.mean(axis=(0, 1))
    )
    assert np.allclose(
        evaluate(graph_of(spec("Y = max(x, keepdims=True)", x="3x4x5", Y="1x1x1")), {"x": x})["Y"], x.max()
    )


def of_constants(compute: str, schedule: str, number: float) -> NDArray[np.float64]:
    """What a program makes of a number everywhere, with no number at all around it."""
    plan = planned(compute, schedule, X="3x70x40", Y="3x70x40")
    return interpreter.run(plan, {"X": np.full((3, 70, 40), number)}, poison=np.nan)["Y"]


@pytest.mark.parametrize("axis", ["-1", "-2", "0"])
@pytest.mark.parametrize("schedule", ["", "block: {k: 2}", "keep: nothing", "order: column_major, cores: 3"])
def test_padding_is_no_extreme(axis: str, schedule: str) -> None:
    """What pads a row counts for nothing, in a maximum of negative numbers and in a sum of large ones."""
    for number in (-100.0, 100.0, 0.0):
        for reduction, expected in (("max", number), ("min", number), ("mean", number)):
            found = of_constants(f"Y = X * 0 + {reduction}(X, axis={axis}, keepdims=True)", schedule, number)
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        found = of_constants(f"Y = softmax(X, axis={axis})", schedule, number)
        np.testing.assert_allclose(found, 1 / (3, 70, 40)[int(axis) % 3], rtol=1e-6)


@pytest.mark.parametrize(
    "compute",
    [
        "Y = rmsnorm(X, g)",
        "Y = layernorm(X, g, g)",
        "Y = X * sum(c * c + sum(X * X, axis=-1, keepdims=True) * c, axis=-1, keepdims=True) + g",
        "Y = X + c * c + max(X, axis=-1, keepdims=True) * g",
    ],
)
def test_lines_of_one_ragged_tile(compute: str) -> None:
    """Nothing of them comes before the last tile."""
    tensors = {"X": "40x20", "g": "20", "c": "40x1", "Y": "40x20"}
    used = {name: text for name, text in tensors.items() if re.search(rf"\b{name}\b", compute)}
    loaded = spec(compute, **used)
    agree(loaded, ttgen.plan(loaded))


@pytest.mark.parametrize("schedule", ["split: 3, block: {k: 2}", "split: 2, block: {k: 3}", "split: 4", "split: 7"])
@pytest.mark.parametrize("keep", ["values", "nothing"])
@pytest.mark.parametrize(("axis", "shape"), [("-1", "40x210"), ("-2", "210x40"), ("0", "7x40x40")])
def test_parts_of_lines(schedule: str, keep: str, axis: str, shape: str) -> None:
    """Seven tiles, the last of them ragged, in parts of as many steps as come out even, and others."""
    loaded = spec(
        f"Y = X * min(X, axis={axis}, keepdims=True) + log_softmax(X, axis={axis})", f"{schedule}, keep: {keep}",
        X=shape, Y=shape,
    )  # fmt: skip
    agree(loaded, ttgen.plan(loaded))


def test_one_reciprocal_serves_all_that_are_divided() -> None:
    shape = "32x64"
    program = planned(f"s = sum(abs(X), {ROW}); Y = X / s + exp(X) / s", X=shape, Y=shape).program
    assert operations(program)["reciprocal"] == 1
