"""Where the device's arithmetic isn't NumPy's: sums and products of the matrix unit, special values and tails of the vector unit.

The expected values are the device's own: sums and products were seen in execution on Tenstorrent's simulator, functions
by running the bodies of the device's headers (`tests/conformance/measure_functions.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.emulator.test_operations import TEMPLATE, U, bits
from tests.emulator.test_programs import execute

TINY = 2.0**-140
"""A subnormal number of float32."""
INF, NAN = np.inf, np.nan
K = "api/compute/compute_kernel_api.h"
B = "api/compute/eltwise_binary_sfpu.h"
FORMAT = "DST_ACCUM_MODE ? DataFormat::Float32 : DataFormat::Float16_b"

# Functions as kernels call them, then for 16-bit and 32-bit DST: what becomes of these arguments. "-" is not checked.
ARGUMENTS = (NAN, INF, -INF, 0.0, -0.0, TINY, -1.0)
FUNCTIONS: dict[str, tuple[str, str]] = {
    "abs": ("nan inf inf 0 0 - 1", "nan inf inf 0 0 - 1"),
    "sign": ("1 1 -1 0 0 - -1", "1 1 -1 0 0 1 -1"),
    "exp": ("inf inf 0 1 1 1 -", "nan inf 0 1 1 1 -"),
    "log": ("inf inf inf -inf -inf -inf inf", "nan inf nan -inf -inf -inf nan"),
    "sqrt": ("inf inf inf 0 - 0 inf", "nan inf nan 0 -0 0 nan"),
    "rsqrt": ("inf 0 inf inf -inf - inf", "nan 0 nan inf -inf - nan"),
    "recip": ("0 0 -0 inf -inf inf -1", "0 0 -0 inf -inf inf -1"),
    "sigmoid": ("0 1 0 0.5 0.5 0.5 -", "0 1 0 0.5 0.5 0.5 -"),
    "silu": ("inf inf inf 0 - 0 -", "nan inf nan 0 - 0 -"),
    "tanh": ("1 1 -1 0 - 0 -", "nan 1 -1 0 -0 - -"),
    "square": ("nan inf inf 0 0 0 1", "nan inf inf 0 0 0 1"),
    "relu": ("nan inf 0 0 0 - 0", "nan inf 0 0 0 - 0"),
    "gelu": ("inf inf 0 0 - 0 -", "nan inf nan 0 - 0 -"),
    "erf": ("1 1 -1 0 0 0 -", "1 1 -1 0 0 0 -"),
}
HEADERS = {"exp": "exp", "sqrt": "sqrt", "rsqrt": "rsqrt", "recip": "recip", "relu": "relu", "gelu": "gelu",
           "erf": "erf_erfc"}  # fmt: skip


def kernel(cases: list[str], headers: set[str], *, inputs: int = 1, define: str = "", startup: str = "") -> str:
    """A kernel that computes another of the cases for each tile, from slots 0, 1 (and 2) into slot 0."""
    copies = " ".join(f"copy_init({cb}); copy_tile({cb}, 0, {cb});" for cb in range(inputs))
    branches = " ".join(f"case {place}: {case} break;" for place, case in enumerate(cases))
    return TEMPLATE.format(
        define=f"#define {define}\n" if define else "",
        includes="".join(f'#include "{header}"\n' for header in sorted(headers)),
        startup=startup or f"compute_kernel_hw_startup(0, {'1, ' if inputs > 1 else ''}16);",
        wait=" ".join(f"cb_wait_front({cb}, 1);" for cb in range(inputs)),
        body=(copies if not startup else "") + f" switch (unit) {{ {branches} }}",
        pop=" ".join(f"cb_pop_front({cb}, 1);" for cb in range(inputs)),
        pack="pack_tile(0, 16);",
    )


def tile(values: tuple[float, ...], count: int) -> NDArray[Any]:
    """A tile of these values, then ones, `count` times side by side."""
    one = np.ones((32, 32), np.float32)
    one[0, : len(values)] = values
    return np.tile(one, (1, count))


def run(
    folder: Path, text: str, inputs: tuple[NDArray[Any], ...], fp32: int, arch: str = "wormhole_b0"
) -> NDArray[Any]:
    """The first rows of the tiles that the kernel makes of the tiles of the inputs."""
    source = folder / "compute.cpp"
    source.write_text(text)
    named = {f"IN{index}": values for index, values in enumerate(inputs)}
    count = inputs[0].shape[1] // 32
    # What isn't a number of the source registers' width goes to DST past them, which needs 32 bits.
    exact = [f"{option}{index}={value}" for index in range(len(inputs) * fp32) for option, value in (("in", "float32"), ("exact", 1))]  # fmt: skip
    options = (f"compute={source}", "rows=1", f"columns={count}", "cores=1", f"inputs={len(inputs)}", f"fp32={fp32}",
               "out=float32", *exact)  # fmt: skip
    outputs, result = execute("tiles", folder, named, {"OUT": inputs[0].shape}, *options, env={"TTEMU_ARCH": arch})
    assert outputs is not None, result.stderr
    return np.asarray(outputs["OUT"][0].reshape(count, 32))


@pytest.mark.parametrize("fp32", [0, 1])
@pytest.mark.parametrize("arch", ["wormhole_b0", "blackhole"])
def test_special_values_of_functions(tmp_path: Path, arch: str, fp32: int) -> None:
    calls = []
    for name in FUNCTIONS:
        template = "<false>" if name in ("gelu", "erf") else ""
        calls.append(f"{name}_tile_init{template}(); {name}_tile{template}(0);")
    headers = {U + f"{HEADERS[name]}.h" if name in HEADERS else K for name in FUNCTIONS}
    text = kernel(calls, headers, define="INP_FLOAT32 1")
    rows = run(tmp_path, text, (tile(ARGUMENTS, len(calls)),), fp32, arch)
    for name, row in zip(FUNCTIONS, rows, strict=True):
        for argument, value, expected in zip(ARGUMENTS, row, FUNCTIONS[name][fp32].split(), strict=False):
            if expected != "-":
                assert str(np.float32(expected)) == str(np.float32(value)), f"{name}({argument}) is {value}"


COMPARISONS = {  # of NaN, -0, 0, 2^-140, infinity, 2 with 0, then with 2, then with infinity by unary_*; by *z
    "gt": ("1 0 0 0 1 1", "1 0 0 0 1 0", "1 0 0 0 1 0", "0 0 0 1 1 1"),
    "ge": ("1 1 1 1 1 1", "1 0 0 0 1 1", "1 0 0 0 1 0", "0 1 1 1 1 1"),
    "lt": ("0 0 0 0 0 0", "0 1 1 1 0 0", "0 1 1 1 0 1", "0 0 0 0 0 0"),
    "le": ("0 1 1 1 0 0", "0 1 1 1 0 1", "0 1 1 1 0 1", "0 1 1 0 0 0"),
    "eq": ("0 1 1 1 0 0", "0 0 0 0 0 1", "0 0 0 0 0 0", "0 1 1 0 0 0"),
    "ne": ("1 0 0 0 1 1", "1 1 1 1 1 0", "1 1 1 1 1 1", "1 0 0 1 1 1"),
}


@pytest.mark.parametrize("arch", ["wormhole_b0", "blackhole"])
def test_comparisons(tmp_path: Path, arch: str) -> None:
    """With a number they test a difference: NaN is above all, and so are equal infinities; Blackhole has -0 below 0."""
    numbers = (0.0, 2.0, INF)
    calls = [
        f"unary_{name}_tile_init(); unary_{name}_tile(0, {bits(number)});" for name in COMPARISONS for number in numbers
    ]
    calls += [f"{name}z_tile_init(); {name}z_tile(0);" for name in COMPARISONS]
    x = (NAN, -0.0, 0.0, TINY, INF, 2.0)
    rows = run(tmp_path, kernel(calls, {U + "comp.h"}), (tile(x, len(calls)),), 1, arch)[:, : len(x)]
    for place, (name, (zero, two, infinite, sign)) in enumerate(COMPARISONS.items()):
        found = [
            " ".join(f"{value:.0f}" for value in row) for row in (*rows[3 * place : 3 * place + 3], rows[18 + place])
        ]
        if arch == "blackhole":
            minus = {"ge": "0", "lt": "1", "eq": "0", "ne": "1"}.get(name, zero[2])
            zero = zero[:2] + minus + zero[3:]
        assert found == [zero, two, infinite, sign], name


@pytest.mark.parametrize("fp32", [0, 1])
def test_clamp_compares_bits(tmp_path: Path, fp32: int) -> None:
    text = kernel([f"clamp_tile_init(); clamp_tile(0, {bits(-0.5)}, {bits(2)});"], {U + "clamp.h"})
    (row,) = run(tmp_path, text, (tile((NAN, INF, -INF, -0.0, 7.0, 1.5), 1),), fp32)
    assert [str(value) for value in row[:6]] == ["2.0", "2.0", "-0.5", "-0.0", "2.0", "1.5"]


@pytest.mark.parametrize("fp32", [0, 1])
def test_operations_of_two_slots(tmp_path: Path, fp32: int) -> None:
    big, third = 2.0**126, float(np.float32(1 / 3))
    pairs = ((0.0, -0.0), (NAN, 1.0), (1.0, NAN), (0.0, INF), (2 * big, big * 1.5), (-1.0, 0.0), (1.0, third))
    names = ("binary_max", "binary_min", "mul_binary", "div_binary", "add_binary")
    calls = [f"{name}_tile_init(); {name}_tile(0, 1, 0);" for name in names]
    calls.append(
        f"where_tile_init(); fill_tile_init(); fill_tile(2, 7.0f); where_tile_init(); where_tile<{FORMAT}>(1, 2, 0, 0);"
    )
    text = kernel(calls, {"api/compute/binary_max_min.h", B, U + "where.h", U + "fill.h"}, inputs=2)
    inputs = (tile(tuple(a for a, _ in pairs), len(calls)), tile(tuple(b for _, b in pairs), len(calls)))
    largest, smallest, product, quotient, total, chosen = run(tmp_path, text, inputs, fp32)
    # Compared by sign and magnitude: NaN is the largest, -0 below 0.
    assert [str(value) for value in largest[:3]] == ["0.0", "nan", "nan"]
    assert [str(value) for value in smallest[:3]] == ["-0.0", "1.0", "1.0"]
    # A product of 0 has no sign. In 16 bits 0 · inf is 0.
    assert not np.signbit(product[0])
    assert not np.signbit(product[5])
    assert np.isnan(product[3]) == bool(fp32)
    assert fp32 or product[3] == 0
    # In 16 bits a quotient goes by a reciprocal that is flushed.
    assert (quotient[4] == 0) == (not fp32)
    # A condition is tested by its bits: -0 is true.
    assert chosen[0] == 7
    assert chosen[5] == -1
    assert chosen[1] == 7
    # Sums are cut in 16 bits where products are rounded: 1/3 + 1 would be 1 + 43/128.
    assert total[6] == (np.float32(1 + third) if fp32 else 1 + 42 / 128)  # 1/3 in bfloat16 is 171/512


def test_fits_chosen_by_a_define(tmp_path: Path) -> None:
    """erf is off by 3.2e-3 and softplus 0 below -5 without INP_FLOAT32, whatever the width of DST."""
    calls = ["erf_tile_init<false>(); erf_tile<false>(0);",
             f"softplus_tile_init(); softplus_tile(0, {bits(1)}, {bits(1)}, {bits(20)});"]  # fmt: skip
    x = tile((2.0762463, -5.5, 5.5, 0.5), 2)
    rows = {}
    for define in ("", "INP_FLOAT32 1"):
        text = kernel(calls, {U + "erf_erfc.h", U + "softplus.h"}, define=define)
        rows[define] = run(tmp_path, text, (x,), 1)
    erf, softplus = rows["INP_FLOAT32 1"]
    assert erf[0] == pytest.approx(0.9966780, abs=1e-6)
    assert softplus[1] == pytest.approx(np.log1p(np.exp(-5.5)), rel=1e-5)
    erf, softplus = rows[""]
    assert 2e-3 < erf[0] - 0.9966780 < 3.3e-3
    assert softplus[1] == 0
    assert softplus[2] == 5.5
    assert softplus[3] == pytest.approx(np.log1p(np.exp(0.5)), rel=2e-3)


def test_left_tail_of_gelu(tmp_path: Path) -> None:
    x = tile((-4.0, -5.0, -5.5, -5.6, -8.0), 1)
    text = kernel(["gelu_tile_init<false>(); gelu_tile<false>(0);"], {U + "gelu.h"})
    (row,) = run(tmp_path, text, (x,), 1)
    exact = np.array([-1.26685e-4, -1.43326e-6, -1.0444e-7])
    assert np.all(np.abs(row[:3] - exact) < 1e-6)
    assert np.all(row[:3] != exact)
    assert row[3] == 0
    assert row[4] == 0


@pytest.mark.parametrize("prepared", [True, False])
def test_an_init_is_for_one_way_to_dst(tmp_path: Path, prepared: bool) -> None:
    """A buffer that unpacks to DST and one that goes through SrcA need an init each, or unpack and math wait for each other."""
    init = "copy_init(1); " if prepared else ""
    source = tmp_path / "compute.cpp"
    source.write_text(
        kernel([f"copy_init(0); copy_tile(0, 0, 0); reconfig_data_format_srca(0, 1); {init}copy_tile(1, 0, 1); reconfig_data_format_srca(1, 0);"],
               set(), inputs=2, startup="compute_kernel_hw_startup(0, 16);")
    )  # fmt: skip
    a = tile((3.0,), 1)
    options = (f"compute={source}", "rows=1", "columns=1", "inputs=2", "in0=float32", "exact0=1", "fp32=1")
    outputs, result = execute("tiles", tmp_path, {"IN0": a, "IN1": a}, {"OUT": (32, 32)}, *options)
    assert result.names()[:1] == ([] if prepared else ["missing-init"])
    assert (outputs is not None) == prepared


@pytest.mark.parametrize("init", ["add", "sub"])
def test_the_matrix_unit_rounds_the_smaller_operand(tmp_path: Path, init: str) -> None:
    """1 + 2^-12 is 1, 1 + 3 · 2^-12 is 1 + 2^-10: the smaller one is rounded to 2^-11 of the larger, ties to even."""
    a = tile((1.0, 1.0, 1.0, 1024.0), 1)
    b = tile((2.0**-12, 2.0**-11, 3 * 2.0**-12, 0.75), 1)
    source = tmp_path / "compute.cpp"
    text = kernel([f"{init}_init(0, 1); {init}_tiles(0, 1, 0, 0, 0);"], {"api/compute/eltwise_binary.h"}, inputs=2,
                  startup="compute_kernel_hw_startup(0, 1, 16);")  # fmt: skip
    source.write_text(text)
    options = (f"compute={source}", "rows=1", "columns=1", "inputs=2", "fp32=1", "out=float32")
    outputs, result = execute("tiles", tmp_path, {"IN0": a, "IN1": b}, {"OUT": (32, 32)}, *options)
    assert outputs is not None, result.stderr
    sign = 1 if init == "add" else -1
    assert list(outputs["OUT"][0, :4]) == [1.0, 1 + sign * 2.0**-11, 1 + sign * 2.0**-10, 1024 + sign * 1.0]


def test_the_matrix_unit_aligns_eight_products(tmp_path: Path) -> None:
    """What is 2^-12 below the largest of the eight products that are added together is lost, and no more than that."""
    a, b = np.zeros((32, 32), np.float32), np.zeros((32, 32), np.float32)
    a[0, 0], b[0, 0] = 1.0, 1.0
    a[0, 1], b[1, 0] = 2.0**-13, 1.0  # among the same eight
    a[1, 0], a[1, 8] = 1.0, 2.0**-13
    b[8, 0] = 1.0  # among the next eight
    a[2, 0], a[2, 1] = 1.0, 2.0**-10  # within reach
    for fidelity, phases in (("LoFi", 1), ("HiFi4", 4)):
        options = ("M=32", "N=32", "K=32", f"fidelity={fidelity}", "fp32=1", "out=float32")
        outputs, result = execute("gemm", tmp_path, {"A": a, "B": b}, {"C": (32, 32)}, *options)
        assert outputs is not None, result.stderr
        assert list(outputs["C"][:3, 0]) == [1.0, 1 + 2.0**-13, 1 + 2.0**-10], phases


def test_the_matrix_unit_flushes_by_exponents(tmp_path: Path) -> None:
    """Before it normalises: 1.5^2 2^-127 has no bit of 2^-126, and a lower slice five or seven bits more are missing."""
    a, b = np.zeros((32, 32), np.float32), np.zeros((32, 32), np.float32)
    a[0, 0], b[0, 0] = 1.5 * 2.0**-63, 1.5 * 2.0**-64  # exponents that add up to one less than the smallest
    a[1, 0] = 1.5 * 2.0**-62  # to the smallest
    a[2, :8], b[1:8, 0] = 1.5 * 2.0**-63, 1.5 * 2.0**-64  # eight of them are as little
    a[3, 8], b[8, 0] = 2.0**-20, 2.0**-20
    a[3, 0] = 1.5 * 2.0**-63  # among other eight than a large one
    # In SrcB six bits come first: the seventh is of another phase, for which 7 bits of exponent are missing.
    a[4, 0] = (1 + 2.0**-7) * 2.0**-62
    a[5, 0] = (1 + 2.0**-7) * 2.0**-54
    b[0, 1] = 2.0**-64
    for fp32 in (0, 1):
        out = "float32" if fp32 else "bfloat16"
        options = ("M=32", "N=32", "K=32", "fidelity=HiFi4", f"fp32={fp32}", f"out={out}")
        outputs, result = execute("gemm", tmp_path, {"A": a, "B": b}, {"C": (32, 32)}, *options)
        assert outputs is not None, result.stderr
        assert list(outputs["C"][:4, 0]) == [0.0, 2.25 * 2.0**-126, 0.0, 2.0**-40]
        assert list(outputs["C"][4:6, 1]) == [2.0**-126, (1 + 2.0**-7) * 2.0**-118]
