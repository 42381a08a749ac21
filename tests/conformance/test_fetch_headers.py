"""Unpacking: the needed folders only, all or nothing."""

import zipfile
from pathlib import Path

import pytest

from tests.conformance.device_headers import RELEASE
from tests.conformance.fetch_headers import complete, unpack

pytestmark = pytest.mark.conformance

MEMBERS = (
    "ttnn/tt_metal/hw/inc/api/compute/common.h",
    "ttnn/tt_metal/pre-compiled/kernel.elf",
    "ttnn/build/lib/libtt_metal.so",
    f"ttnn-{RELEASE}.dist-info/METADATA",
)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with one file of each kind."""
    path = tmp_path / "ttnn.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in MEMBERS:
            archive.writestr(name, name)
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_headers_only(wheel: Path, tmp_path: Path) -> None:
    destination = tmp_path / ".cache" / "ttnn"
    assert not complete(destination, libraries=False)
    unpack(wheel, destination, libraries=False)
    assert files(destination) == {MEMBERS[0], MEMBERS[3]}
    assert complete(destination, libraries=False)
    assert not complete(destination, libraries=True)


def test_an_incomplete_folder_is_replaced(wheel: Path, tmp_path: Path) -> None:
    destination = tmp_path / ".cache" / "ttnn"
    unpack(wheel, destination, libraries=False)
    (destination / "stale").touch()
    unpack(wheel, destination, libraries=True)
    assert files(destination) == {MEMBERS[0], MEMBERS[2], MEMBERS[3]}
    assert complete(destination, libraries=True)
    assert [path.name for path in destination.parent.iterdir()] == ["ttnn"]
