"""The emulator invents nothing: host symbols exist in the real libraries, kernels type-check against the real device headers.

Needs the `ttnn` wheel of the release, unpacked: see tests/conformance/device_headers.py.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import ttgen
from tests.conformance import device_headers
from tests.emulator import toolchain
from tests.sizes import smaller

PROGRAMS = sorted((toolchain.TESTS / "programs").glob("*.cpp"))

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def library() -> Path:
    """The real library, in the wheel that carries the device headers."""
    headers = device_headers.find_headers()
    if isinstance(headers, device_headers.Missing):
        pytest.skip(headers.reason)
    path = headers / "build/lib/libtt_metal.so"
    if not path.exists():
        pytest.skip(f"{path} is not there: unpack the whole wheel, not only its headers")
    return path


@cache
def symbols(path: Path, undefined: bool) -> set[str]:
    command = ["nm", "-D", "--undefined-only" if undefined else "--defined-only", str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines() if line.strip() and not line.endswith(":")}


def provided(library: Path) -> set[str]:
    """What the real library defines, and ttnn's beside it."""
    return symbols(library, undefined=False) | symbols(library.with_name("_ttnncpp.so"), undefined=False)


def of_the_api(names: set[str]) -> set[str]:
    """Names that the host program gets from the library: anything but C, the C++ runtime and the compiler's own."""
    std = re.compile(r"^_ZN?K?S[aptsiod]|^_ZNK?St|^_ZS[ti]|^_Zn[wa]|^_Zd[la]|^_ZT[TVIS]")
    return {n for n in names if n.startswith("_Z") and not std.match(n)}


def linked(program: Path) -> list[str]:
    """What the loader says of each library of a program."""
    return subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda p: p.stem)
def test_host_symbols_exist_in_the_real_library(source: Path, library: Path) -> None:
    used = of_the_api(symbols(toolchain.build_host(source), undefined=True))
    assert used, "nothing is used"
    missing = used - provided(library)
    assert not missing, "\n".join(
        subprocess.run(["c++filt", *sorted(missing)], capture_output=True, text=True, check=True).stdout.splitlines()
    )


@pytest.mark.parametrize("spec", sorted(Path("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_symbols_of_rendered_host_programs_exist(spec: Path, library: Path) -> None:
    builder = toolchain.builder(False, tuple(toolchain.COMPILER))
    # At the size that it is verified at: one program for both.
    plan = ttgen.plan(smaller(spec.stem))
    built = builder.program(ttgen.render(plan))
    (parts,) = (line.split()[2] for line in linked(built.executable) if "libparts.so" in line)
    own = of_the_api(symbols(built.executable, undefined=True)) - symbols(Path(parts), undefined=False)
    for used in (own, of_the_api(symbols(Path(parts), undefined=True))):
        assert used
        assert not used - provided(library)


def test_api_symbols_that_the_emulator_exports(library: Path) -> None:
    """Every function of tt:: and ttnn:: that the emulator has and exports is one of the real libraries' (or the emulator's own class)."""
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", str(toolchain.build_runtime() / "libttemu.so")],
        capture_output=True,
        text=True,
        check=True,
    )
    strong = {
        line.split()[-1] for line in listing.stdout.splitlines() if line.split()[1] == "T"
    }  # what headers define inline is weak
    exported = of_the_api(strong)
    names = {
        n
        for n in exported
        if re.search(r"2tt(8tt_metal|9tt_fabric)|4ttnn", n) or re.match(r"_Z(NK?8bfloat16|\d+(un)?(tilize|pack)_)", n)
    }
    missing = names - provided(library)
    readable = (
        subprocess.run(["c++filt", *sorted(missing)], capture_output=True, text=True, check=True).stdout.splitlines()
        if missing
        else []
    )
    own = re.compile(
        r"ttemu::|MeshDeviceImpl|distributed::Queue|std::|::CircularBufferConfig::Index|Program::state|::state\(\)"
    )
    assert not [n for n in readable if not own.search(n)], "\n".join(n for n in readable if not own.search(n))


ACCESSOR = (2, 2048)
NAMED = {
    "cb_a": 0, "cb_b": 1, "cb_c": 16, "cb_out": 16, "cb_partials": 24, "k_tiles": 3, "n_tiles": 2, "m_tiles": 2, "k_block": 2, "k_blocks": 2,
    "receivers": 3, "ready": 0, "valid": 1, "inputs": 2, "columns": 2, "mode_0": 0, "mode_1": 1, "mode_2": 2,
    "cb_ring": 0, "cb_ahead": 1, "ahead": 1, "arrived": 1, "cores": 8, "helpers": 3, "rounds": 16, "tiles": 2,
}  # fmt: skip


@pytest.mark.parametrize("arch", get_args(device_headers.Arch))
def test_kernels_against_the_device_headers(arch: device_headers.Arch) -> None:
    found = device_headers.find_toolchain()
    if isinstance(found, device_headers.Missing):
        pytest.skip(found.reason)
    # Half of them for each chip: what is the emulator's own is in none of them.
    place = get_args(device_headers.Arch).index(arch)
    paths = sorted((toolchain.TESTS / "kernels").glob("*.cpp"))[place::2]
    kernels = [
        device_headers.Kernel(
            source=path.read_text(), arch=arch, compile_time_args=ACCESSOR * 3, named_compile_time_args=NAMED,
            role=device_headers.Compute(fp32_dest_acc=True) if "compute" in path.name else device_headers.DataMovement(processor="riscv_1", noc=0),
            circular_buffers={0: "Float16_b", 1: "Float16_b", 2: "Float16_b", 16: "Float16_b", 24: "Float32"},
        )
        for path in paths
    ]  # fmt: skip
    for path, report in zip(paths, device_headers.type_check_all(kernels, found), strict=True):
        assert report.passed, f"{path.name}: {report}"
