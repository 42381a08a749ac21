"""The mock device of the ttnn package: it takes programs as a card would, and computes nothing.

Kernels are compiled, by whatever stands where SFPI's compiler belongs: here a script that gives out a program which is there.
"""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.conformance.device_headers import COMPILER
from ttgen.target import Arch

CARDS: Final = {
    "wormhole_b0": """\
arch: {
   0: Wormhole,
}
chips: {
   0: [0, 0, 0, 0],
}
ethernet_connections: []
chips_with_mmio: [
   0: 0,
]
harvesting: {
   0: {noc_translation: true, harvest_mask: 32},
}
boards: [
  [board_id: 72059269369839682, board_type: n150, chips: [0]],
]
""",
    "blackhole": """\
arch: {
   0: Blackhole,
}
chips: {}
ethernet_connections: []
chips_with_mmio: [
   0: 0,
]
harvesting: {
   0: {noc_translation: true, harvest_mask: 0, dram_harvesting_mask: 0, eth_harvesting_mask: 288, pcie_harvesting_mask: 2},
}
boards: [
  [board_id: 4476187513037, board_type: p150, chips: [0]],
]
""",
}
"""What a machine with one card tells tt-umd of itself."""

_LINKS_OF_EIGHT: Final = (
    (0, 0, 1, 0), (0, 1, 1, 1), (2, 0, 3, 0), (2, 1, 3, 1), (0, 6, 3, 6), (0, 7, 3, 7), (1, 6, 2, 6), (1, 7, 2, 7),
    (4, 6, 7, 6), (4, 7, 7, 7), (5, 6, 6, 6), (5, 7, 6, 7),
)  # fmt: skip
"""Chips and channels of Ethernet that are connected between the boards of a machine with four."""
_PLACES_OF_EIGHT: Final = ((1, 0), (1, 1), (2, 1), (2, 0), (0, 0), (0, 1), (3, 1), (3, 0))


def boards(number: int) -> str:
    """What a machine with one n300 (two chips) or four of them (a mesh of 2 x 4) tells tt-umd of itself."""
    chips = range(2 * number)
    links = [(left, channel, left + number, channel - 8) for left in range(number) for channel in (8, 9)]
    links += _LINKS_OF_EIGHT if number == 4 else ()
    places = _PLACES_OF_EIGHT if number == 4 else ((0, 0), (1, 0))
    lines = ["arch: {", *(f"  {chip}: Wormhole," for chip in chips), "}", "chips: {"]
    lines += [f"  {chip}: [{x}, {y}, 0, 0]," for chip, (x, y) in enumerate(places)]
    lines += ["}", "ethernet_connections: ["]
    lines += [f"  [{{chip: {a}, chan: {b}}}, {{chip: {c}, chan: {d}}}]," for a, b, c, d in links]
    lines += ["]", "chips_with_mmio: [", *(f"  {chip}: {chip}," for chip in range(number)), "]", "harvesting: {"]
    lines += [f"  {chip}: {{noc_translation: true, harvest_mask: 32}}," for chip in chips]
    lines += ["}", "boards: ["]
    # Their numbers say what boards they are.
    first = (0x100014 << 36) + 1
    lines += [
        f"  [board_id: {first + chip}, board_type: n300, chips: [{chip}, {chip + number}]]," for chip in range(number)
    ]
    return "\n".join([*lines, "]", ""])


STAND_IN: Final = """\
#!/bin/sh
case "$*" in *--version*) echo "riscv-tt-elf-g++ (sfpi:{version}) 15.1.0"; exit 0;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then
    case "$2" in */kernels/*) cp "{kernel}" "$2";; *) cp "{firmware}" "$2";; esac
    echo "$2:" > "${{2%.*}}.d"
  fi
  shift
done
"""

KERNEL: Final = """\
.text
.globl _start
_start:
  lui a0, %hi(_start)
  addi a0, a0, %lo(_start)
  ret
"""
"""As little as the runtime takes for a kernel: text alone in its segment, and something to relocate."""


def installed() -> Path | None:
    """The folder of the package; none where it isn't installed."""
    spec = find_spec("ttnn")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def environment(package: Path, folder: Path, arch: Arch) -> dict[str, str]:
    """Variables for a process that uses the mock device of an architecture; what it needs is put into the folder."""
    root = folder / "root"
    runtime = root / "runtime"
    bin_folder = runtime / "sfpi" / "compiler" / "bin"
    bin_folder.mkdir(parents=True)
    for there, here, but in ((package, root, "runtime"), (package / "runtime", runtime, "sfpi")):
        for item in there.iterdir():
            if item.name != but:
                (here / item.name).symlink_to(item)
    (folder / "kernel.S").write_text(KERNEL)
    machine = ("-march=rv32im", "-mabi=ilp32", "-nostdlib", "-w")
    linked = ("-Wl,--emit-relocs", "-Wl,--nmagic", "-Wl,-Ttext=0x6000", "-Wl,--no-warn-rwx-segments")
    kernel, firmware = folder / "kernel.elf", min((package / "tt_metal" / "pre-compiled").rglob("trisc2.elf"))
    subprocess.run([COMPILER, *machine, *linked, "-o", kernel, folder / "kernel.S"], check=True)
    [version] = (line.split("=")[1].strip("'\"") for line in _version_file(package) if line.startswith("sfpi_version="))
    for name in ("g++", "gcc", "objcopy"):
        script = bin_folder / f"riscv-tt-elf-{name}"
        script.write_text(STAND_IN.format(version=version, kernel=kernel, firmware=firmware))
        script.chmod(0o755)
    (folder / "card.yaml").write_text(CARDS[arch])
    return {
        "TT_METAL_MOCK_CLUSTER_DESC_PATH": str(folder / "card.yaml"),
        "TT_METAL_RUNTIME_ROOT": str(root),
        "TT_METAL_CACHE": str(folder / "cache"),
    }


def _version_file(package: Path) -> list[str]:
    return (package / "tt_metal" / "sfpi-version").read_text().splitlines()
