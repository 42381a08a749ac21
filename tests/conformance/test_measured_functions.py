"""The wheel's SFPU functions run on this machine, and are off where others have seen them off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tests.conformance.device_headers import Arch, Missing, find_headers
from tests.conformance.measure_functions import EXACT, Bits, Device, Floats, compiled, measure
from tests.emulator.test_reductions import EXACT as EXACT_OPTIONS
from tests.emulator.test_reductions import run

pytestmark = pytest.mark.conformance

COUNT = 1 << 13
FORMS = [(pool, dim) for pool in ("SUM", "MAX", "MIN") for dim in ("ROW", "COL")]


def reduction(pool: str, dim: str) -> tuple[str, str]:
    """The init and the call."""
    form = f"PoolType::{pool}, DataFormat::Float32"
    return f"sfpu_reduce_init<{form}>();", f"sfpu_reduce<{form}, ReduceDim::REDUCE_{dim}>(0);"


REDUCTIONS = {pool + dim: reduction(pool, dim) for pool, dim in FORMS}


def devices(arch: Arch, dst_bits: Bits, *defines: str) -> Iterator[Device]:
    root = find_headers()
    if isinstance(root, Missing):
        pytest.skip(root.reason)
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    with compiled(root, arch, dst_bits, defines, REDUCTIONS if dst_bits == 32 else {}) as device:
        yield device


@pytest.fixture(scope="module", params=["blackhole"])
def narrow(request: pytest.FixtureRequest) -> Iterator[Device]:
    yield from devices(request.param, 16)


@pytest.fixture(scope="module", params=get_args(Arch))
def wide(request: pytest.FixtureRequest) -> Iterator[Device]:
    yield from devices(request.param, 32)


@pytest.fixture(scope="module", params=["wormhole_b0"])
def wide_float32(request: pytest.FixtureRequest) -> Iterator[Device]:
    yield from devices(request.param, 32, "INP_FLOAT32")


def test_every_function_is_near_its_exact_value(wide: Device) -> None:
    """All but those of which the header takes the bfloat16 variant without INP_FLOAT32 have float32's accuracy."""
    for name in EXACT.keys() - {"erf", "softplus", "gelu"}:
        first = np.linspace(0.125, 64, COUNT, dtype=np.float32)
        operands = (first, first[::-1].copy())[: 2 if name.endswith("_dst") else 1]
        exact = EXACT[name](*(operand.astype(np.float64) for operand in operands))
        np.testing.assert_allclose(wide.apply(name, *operands), exact, rtol=3e-7, atol=1e-6, err_msg=name)


def test_functions_that_choose_by_a_define(wide: Device, wide_float32: Device) -> None:
    """Seen on a simulator: without INP_FLOAT32 erf is off by 3.2e-3, and softplus is 0 below -5."""
    assert 3e-3 < measure(wide, "erf", COUNT).absolute[0] < 3.4e-3
    assert measure(wide_float32, "erf", COUNT).absolute[0] < 1e-6
    below = np.array([-5.5, -20.0], np.float32)
    assert wide.apply("softplus", below).tolist() == [0.0, 0.0]
    np.testing.assert_allclose(wide_float32.apply("softplus", below), np.log1p(np.exp(below)), rtol=1e-3)


def test_gelu_is_off_in_its_tail(wide: Device) -> None:
    """Seen on a simulator: by up to 9e-7, and 0 below -5.9."""
    tail = np.linspace(-5.9, -5, COUNT, dtype=np.float32)
    assert 8e-7 < np.abs(wide.apply("gelu", tail) - EXACT["gelu"](tail.astype(np.float64))).max() < 1e-6
    assert not wide.apply("gelu", np.array([-5.95, -8.0], np.float32)).any()


def test_reciprocals_of_large_numbers_are_rough_on_blackhole(wide: Device) -> None:
    """tt-metal#55797: the correction underflows; beyond 2^119 only the table's 7 bits are left."""
    for exponent, bound in ((100, 1e-7), (121, 1e-2)):
        large = np.linspace(1, 2, COUNT, dtype=np.float32) * np.float32(2.0**exponent)
        error = np.abs(wide.apply("reciprocal", large) * large.astype(np.float64) - 1).max()
        assert error < (bound if wide.arch == "blackhole" else 1e-7)
        assert (error > 1e-3) == (wide.arch == "blackhole" and exponent > 119)


def test_conditions_are_bits(narrow: Device, wide: Device) -> None:
    """where_tile tests its condition's bits: -0 is true."""
    condition = np.array([0.0, -0.0, 1.0, -2.0], np.float32)
    yes, no = np.full(4, 5, np.float32), np.full(4, 7, np.float32)
    for device in (narrow, wide):
        assert device.apply("where", condition, yes, no).tolist() == [7.0, 5.0, 5.0, 5.0]


def test_16_bit_dst_rounds_products_and_truncates_sums(narrow: Device) -> None:
    """SFPSTORE truncates; mul_binary_tile rounds before it, add_binary_tile doesn't by default."""
    almost = np.array([255.0], np.float32)
    assert narrow.apply("add_dst", almost, np.array([0.9921875], np.float32)).tolist() == [255.0]
    factors = np.array([1.25], np.float32), np.array([1.0234375], np.float32)
    assert narrow.apply("mul_dst", *factors).tolist() == [1.28125]  # 1.2793 lies between 1.2734 and 1.28125
    for name, bound in (("mul_dst", 2.0**-8), ("add_dst", 2.0**-7)):
        error = measure(narrow, name).relative[0]
        assert bound / 2 < error <= bound, name


def test_cycles_are_those_of_cards(narrow: Device, wide: Device) -> None:
    """A Blackhole's reciprocal took 288 cycles a tile, its exp 578 to 620 (tt-metal#45660, #54318); loads of constants aren't counted."""
    one = np.ones(1024, np.float32)
    assert 288 <= narrow.timed("reciprocal", one)[1] <= 310
    assert 540 <= narrow.timed("exp", one)[1] <= 620
    assert wide.timed("copy_dst", one)[1] // 32 == 3  # load, store, next row


# The elements of a tile as DST holds them: of each face four rows at a time, the even columns and then the odd ones.
def to_vectors(tile: Floats) -> Floats:
    return tile.reshape(2, 4, 4, 2, 8, 2).transpose(0, 3, 1, 5, 2, 4).reshape(-1)


def from_vectors(elements: Floats) -> Floats:
    return elements.reshape(2, 2, 4, 2, 4, 8).transpose(0, 2, 4, 1, 5, 3).reshape(32, 32)


@pytest.mark.parametrize(("pool", "dim"), FORMS)
def test_the_emulator_reduces_a_slot_as_the_body_does(wide: Device, tmp_path: Path, pool: str, dim: str) -> None:
    """To the bit, beside the results of rows, too; what the body's stores change beside those of columns is undefined in the emulator."""
    random = np.random.default_rng(7)
    tile = (random.standard_normal((32, 32)) * np.exp2(random.integers(-9, 9, (32, 32)))).astype(np.float32)
    found = from_vectors(wide.apply(pool + dim, to_vectors(tile)))
    init, call = REDUCTIONS[pool + dim]
    body = f"copy_init(0); copy_tile(0, 0, 0); {init} {call}"
    out, result = run(tmp_path, tile, tile, body, *EXACT_OPTIONS, env={"TTEMU_ARCH": wide.arch})
    assert out is not None, result.stderr
    undefined = np.isnan(out)
    np.testing.assert_array_equal(out[~undefined], found[~undefined])
    if dim == "ROW":
        assert not undefined.any()
    else:
        assert not undefined[0].any()
        assert (found != tile)[undefined].mean() > 0.8  # an extreme may stand where it was
