"""Kernels and host programs written by hand, run by the emulator and compared with NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.emulator import toolchain

PROGRAMS = toolchain.TESTS / "programs"
KERNELS = toolchain.TESTS / "kernels"


def bf16(x: NDArray[Any]) -> NDArray[Any]:
    return x.astype(ml_dtypes.bfloat16).astype(np.float32)


def normal(*shape: int, seed: int = 0) -> NDArray[Any]:
    return bf16(np.random.default_rng(seed).standard_normal(shape))


def execute(
    name: str,
    folder: Path,
    inputs: dict[str, NDArray[Any]],
    outputs: dict[str, tuple[int, ...]],
    *options: str,
    **keywords: Any,
) -> tuple[dict[str, NDArray[Any]] | None, toolchain.Result]:
    """Runs a program; gives its outputs and the result."""
    for key, value in inputs.items():
        value.astype(np.float32).tofile(folder / key)
    words = [f"{key}={folder / key}" for key in (*inputs, *outputs)]
    sanitize = bool(keywords.get("sanitize", False))
    result = toolchain.run(
        toolchain.build_host(PROGRAMS / f"{name}.cpp", sanitize), [*words, *options], folder, **keywords
    )
    if result.status != 0:
        return None, result
    return {key: np.fromfile(folder / key, np.float32).reshape(shape) for key, shape in outputs.items()}, result


def lost(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The most that a @ b loses where the products that are added together, eight of them, are aligned to the largest."""
    most = np.zeros((a.shape[0], b.shape[1]))
    for k in range(0, a.shape[1], 8):
        products = np.abs(a[:, k : k + 8, None].astype(np.float64) * b[None, k : k + 8])
        most += 8 * 2.0**-12 * products.max(axis=1)
    return most


def check(actual: NDArray[Any], expected: NDArray[Any], relative: float, absolute: float | NDArray[Any] = 0.0) -> None:
    assert np.all(np.abs(actual - expected) <= relative * np.abs(expected) + absolute), np.abs(actual - expected).max()


SEEDS = [{}, {"TTEMU_SEED": "1"}, {"TTEMU_SEED": "2"}, {"TTEMU_SEED": "77"}]


@pytest.mark.parametrize("env", SEEDS)
@pytest.mark.parametrize("shape", [(256, 256, 256), (100, 100, 100), (32, 1, 33)])
def test_gemm(tmp_path: Path, shape: tuple[int, int, int], env: dict[str, str]) -> None:
    m, n, k = shape
    a, b = normal(m, k), normal(k, n, seed=1)
    outputs, result = execute("gemm", tmp_path, {"A": a, "B": b}, {"C": (m, n)}, f"M={m}", f"N={n}", f"K={k}", env=env)
    assert outputs is not None, result.stderr
    check(outputs["C"], a.astype(np.float64) @ b, 2**-8, lost(a, b))
    tiles = [(x + 31) // 32 for x in shape]
    counters = result.first("program")["counters"]
    assert counters["tile_products"] == tiles[0] * tiles[1] * tiles[2]
    assert counters["dram_read_bytes"] == 2 * 2048 * tiles[0] * tiles[1] * tiles[2]
    assert counters["dram_write_bytes"] == 2048 * tiles[0] * tiles[1]
    written = next(r for r in result.report if r["kind"] == "buffer" and r["event"] == "read")
    assert written["writes"]["times"] == {"1": tiles[0] * tiles[1]}
    assert written["undefined"] == []


@pytest.mark.parametrize("fidelity", ["LoFi", "HiFi2", "HiFi3", "HiFi4"])
@pytest.mark.parametrize("fp32", [0, 1])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "bfloat8_b", "bfloat4_b"])
def test_gemm_precision(tmp_path: Path, fidelity: str, fp32: int, dtype: str) -> None:
    m = n = k = 64
    a, b = normal(m, k), normal(k, n, seed=1)
    outputs, result = execute(
        "gemm",
        tmp_path,
        {"A": a, "B": b},
        {"C": (m, n)},
        f"M={m}",
        f"N={n}",
        f"K={k}",
        f"fidelity={fidelity}",
        f"fp32={fp32}",
        f"in={dtype}",
        "out=float32",
    )
    assert outputs is not None, result.stderr
    errors = np.abs(outputs["C"] - a.astype(np.float64) @ b)
    error = errors.max()
    slices = {"LoFi": 2**-5, "HiFi2": 2**-7, "HiFi3": 2**-9, "HiFi4": 2**-10}[fidelity]
    block = {"bfloat8_b": 2**-6, "bfloat4_b": 2**-2}.get(dtype, 0.0)
    assert error <= (slices + block + (0 if fp32 else 2**-6)) * 64**0.5 * 4, error
    if fidelity == "HiFi4" and fp32 and dtype in ("bfloat16", "float32"):
        assert np.all(errors <= lost(a, b) + 1e-4)


@pytest.mark.parametrize("env", SEEDS)
def test_add_rows(tmp_path: Path, env: dict[str, str]) -> None:
    a, b = normal(96, 64), normal(32, 64, seed=1)
    options = (f"compute={KERNELS / 'add_rows_compute.cpp'}", "rows=3", "columns=2", "inputs=2", "mode1=1")
    outputs, result = execute("tiles", tmp_path, {"IN0": a, "IN1": b}, {"OUT": (96, 64)}, *options, env=env)
    assert outputs is not None, result.stderr
    check(outputs["OUT"], a.astype(np.float64) + b[0], 2**-8, 2.0**-12 * np.maximum(np.abs(a), np.abs(b[0])))


@pytest.mark.parametrize("env", SEEDS)
@pytest.mark.parametrize("fp32", [0, 1])
def test_chain(tmp_path: Path, env: dict[str, str], fp32: int) -> None:
    a = normal(64, 64)
    options = (f"compute={KERNELS / 'chain_compute.cpp'}", "rows=2", "columns=2", f"fp32={fp32}")
    outputs, result = execute("tiles", tmp_path, {"IN0": a}, {"OUT": (64, 64)}, *options, env=env)
    assert outputs is not None, result.stderr
    x = a.astype(np.float64)
    check(outputs["OUT"], np.where(x > 0, np.sqrt(np.exp(x) + 1), np.tanh(x) * 0.5), 2**-8 if fp32 else 2**-6)


@pytest.mark.parametrize("env", [*SEEDS, {"TTEMU_ARCH": "blackhole"}, {"TTEMU_ARCH": "blackhole", "TTEMU_SEED": "5"}])
@pytest.mark.parametrize("noc", [0, 1])
def test_multicast(tmp_path: Path, env: dict[str, str], noc: int) -> None:
    a, b = normal(128, 96), normal(96, 160, seed=1)
    options = ("mt=4", "nt=5", "kt=3", f"noc={noc}", f"flush={int('TTEMU_ARCH' in env)}")
    outputs, result = execute("multicast", tmp_path, {"A": a, "B": b}, {"C": (128, 160)}, *options, env=env)
    assert outputs is not None, result.stderr
    check(outputs["C"], a.astype(np.float64) @ b, 2**-8, lost(a, b))
    counters = result.first("program")["counters"]
    assert counters["multicasts"] == 4 * 3
    assert counters["noc_bytes"] == 2048 * (4 * 3 + 4 * 5 * 3 + 4 * 3 + 4 * 5)
    assert counters["dram_read_bytes"] == 2048 * (4 * 3 + 4 * 5 * 3)


def test_blackhole_multicast_spans_the_gap(tmp_path: Path) -> None:
    a, b = normal(32, 32), normal(32, 320, seed=1)
    outputs, result = execute(
        "multicast",
        tmp_path,
        {"A": a, "B": b},
        {"C": (32, 320)},
        "mt=1",
        "nt=10",
        "kt=1",
        "flush=1",
        env={"TTEMU_ARCH": "blackhole"},
    )
    assert outputs is not None, result.stderr
    check(outputs["C"], a.astype(np.float64) @ b, 2**-8, lost(a, b))


@pytest.mark.parametrize("env", SEEDS)
@pytest.mark.parametrize("shape", [(2, 3, 5, 2), (1, 4, 4, 4), (3, 1, 3, 1)])
def test_block_with_partials(tmp_path: Path, env: dict[str, str], shape: tuple[int, int, int, int]) -> None:
    mt, nt, kt, kb = shape
    a, b = normal(mt * 32, kt * 32), normal(kt * 32, nt * 32, seed=1)
    outputs, result = execute(
        "block",
        tmp_path,
        {"A": a, "B": b},
        {"C": (mt * 32, nt * 32)},
        f"mt={mt}",
        f"nt={nt}",
        f"kt={kt}",
        f"kb={kb}",
        env=env,
    )
    assert outputs is not None, result.stderr
    check(outputs["C"], a.astype(np.float64) @ b, 2**-8, lost(a, b))


@pytest.mark.parametrize("env", SEEDS)
def test_sharded(tmp_path: Path, env: dict[str, str]) -> None:
    a = normal(256, 64)
    outputs, result = execute("sharded", tmp_path, {"IN": a}, {"OUT": (256, 64), "COPY": (256, 64)}, env=env)
    assert outputs is not None, result.stderr
    check(outputs["OUT"], 2.0 * a, 0)
    check(outputs["COPY"], a, 0)
    buffers = [r for r in result.report if r["kind"] == "buffer" and r["event"] == "read"]
    assert [b["writes"]["times"] for b in buffers] == [{"1": 16}, {"1": 16}]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["gemm", "chain", "block"])
def test_sanitizers(tmp_path: Path, name: str) -> None:
    if name == "gemm":
        a, b = normal(64, 64), normal(64, 64, seed=1)
        outputs, result = execute(
            "gemm", tmp_path, {"A": a, "B": b}, {"C": (64, 64)}, "M=64", "N=64", "K=64", sanitize=True
        )
    elif name == "block":
        a, b = normal(64, 96), normal(96, 64, seed=1)  # fills tiles with plain stores
        outputs, result = execute(
            "block", tmp_path, {"A": a, "B": b}, {"C": (64, 64)}, "mt=2", "nt=2", "kt=3", "kb=2", sanitize=True
        )
    else:
        options = (f"compute={KERNELS / 'chain_compute.cpp'}", "rows=2", "columns=2")
        outputs, result = execute(
            "tiles", tmp_path, {"IN0": normal(64, 64)}, {"OUT": (64, 64)}, *options, sanitize=True
        )
    assert outputs is not None, result.stderr


def test_devices_of_a_mesh(tmp_path: Path) -> None:
    _, result = execute("mesh", tmp_path, {}, {})
    assert (result.status, result.stderr) == (0, "")
    _, result = execute("mesh", tmp_path, {}, {}, "fabric=0")
    assert result.status == 1
    assert "Fabric is not initialized" in result.stderr


def test_surface(tmp_path: Path) -> None:
    _, result = execute("surface", tmp_path, {}, {})
    assert result.status == 0, result.stderr
