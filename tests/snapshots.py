"""Snapshots that are the rendered files themselves: `snapshots/<kernel>/<path>`, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

if TYPE_CHECKING:
    from syrupy.data import SnapshotCollection
    from syrupy.location import PyTestLocation
    from syrupy.types import SnapshotIndex

FOLDER = Path(__file__).parent.parent / "snapshots"
BAD_SPECS = Path(__file__).parent / "bad_specs"


class ArtifactExtension(SingleFileSnapshotExtension):
    """One file a snapshot; the snapshot's name is its path."""

    folder = FOLDER
    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(cls.folder)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        return str(index)

    @classmethod
    def get_file_basename(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        return str(index)

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        return str(cls.folder / str(index))

    @classmethod
    def discovery_dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(cls.folder)

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        return Path(snapshot_location).is_relative_to(cls.folder)

    def is_snapshot_location(self, *, location: str) -> bool:
        return Path(location).is_relative_to(self.folder) and Path(location).is_file()

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        from syrupy.data import Snapshot, SnapshotCollection

        found = SnapshotCollection(location=snapshot_location)
        found.add(Snapshot(name=str(Path(snapshot_location).relative_to(self.folder))))
        return found

    def serialize(self, data: Any, **_kwargs: Any) -> str:
        return str(data)


class MessageExtension(ArtifactExtension):
    """The messages of a bad spec, in a folder that holds nothing else."""

    folder = BAD_SPECS / "messages"


def files() -> Iterator[Path]:
    """Every file below the folder."""
    return (path for path in FOLDER.rglob("*") if path.is_file())
