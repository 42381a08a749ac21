"""Fetches what the conformance tests need of the ttnn wheel: ``python tests/conformance/fetch_headers.py``.

pip downloads the wheel from the index that it is configured for, whatever Python runs this; the wheel is not
installed. Only the folders of the kernels' include path, and the shared libraries, are unpacked.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from tests.conformance.device_headers import CHECKOUT, RELEASE

HEADERS: Final = (
    "ttnn/tt_metal/api/",
    "ttnn/tt_metal/fabric/hw/inc/",
    "ttnn/tt_metal/hostdevcommon/",
    "ttnn/tt_metal/hw/ckernels/blackhole/",
    "ttnn/tt_metal/hw/ckernels/wormhole_b0/",
    "ttnn/tt_metal/hw/firmware/src/",
    "ttnn/tt_metal/hw/inc/",
    "ttnn/tt_metal/tt-llk/common/",
    "ttnn/tt_metal/tt-llk/tools/include/",
    "ttnn/tt_metal/tt-llk/tt_llk_blackhole/",
    "ttnn/tt_metal/tt-llk/tt_llk_wormhole_b0/",
    "ttnn/ttnn/cpp/ttnn/kernel/",
    "ttnn/ttnn/cpp/ttnn/kernel_lib/",
    f"ttnn-{RELEASE}.dist-info/METADATA",
)
"""What a member's name begins with."""

LIBRARIES: Final = ("ttnn/_ttnn", "ttnn/build/lib/", "ttnn.libs/")


def download(folder: Path) -> Path:
    """The wheel, downloaded into a folder: some hundred megabytes."""
    what = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"ttnn=={RELEASE}"]
    target = ["--python-version", "3.12", "--implementation", "cp", "--platform", "manylinux_2_34_x86_64"]
    subprocess.run([sys.executable, "-m", "pip", "download", *target, *what], check=True)
    (wheel,) = folder.glob("ttnn-*.whl")
    return wheel


def unpack(wheel: Path, destination: Path, *, libraries: bool) -> None:
    """Makes the destination appear complete or not at all; an incomplete one is replaced."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    prefixes = (*HEADERS, *LIBRARIES) if libraries else HEADERS
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".fetch_") as folder:
        fresh = Path(folder, "fresh")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(fresh, [name for name in archive.namelist() if name.startswith(prefixes)])
        if destination.exists():
            destination.rename(Path(folder, "replaced"))
        fresh.rename(destination)


def complete(destination: Path, *, libraries: bool) -> bool:
    """Whether an earlier run left what this one would."""
    headers = (destination / f"ttnn-{RELEASE}.dist-info" / "METADATA").is_file()
    return headers and (not libraries or (destination / "ttnn" / "build" / "lib" / "libtt_metal.so").is_file())


def main() -> None:
    """Reads the command line and fetches unless everything is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("destination", nargs="?", type=Path, default=CHECKOUT / ".cache" / "ttnn")
    parser.add_argument("--headers-only", action="store_true", help="leave out the shared libraries")
    parser.add_argument("--wheel", type=Path, help="a wheel that was downloaded before")
    options = parser.parse_args()
    libraries = not options.headers_only
    if complete(options.destination, libraries=libraries):
        print(f"{options.destination}: present")
        return
    with tempfile.TemporaryDirectory() as folder:
        unpack(options.wheel or download(Path(folder)), options.destination, libraries=libraries)
    print(f"{options.destination}: unpacked")


if __name__ == "__main__":
    main()
