"""What `render` writes for every spec is what is committed; snapshots are read line by line before they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import ttgen
from tests import snapshots

SPECS = sorted(Path("specs").glob("*.yaml"))


# A snapshot is called what the file is called, not what the test is.
@pytest.mark.filterwarnings(r"ignore:\s*Can not relate snapshot name")
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_rendered_files(path: Path, snapshot: SnapshotAssertion, subtests: pytest.Subtests) -> None:
    assertion = snapshot.use_extension(snapshots.ArtifactExtension)
    for file in ttgen.render(ttgen.plan(ttgen.load(path))):
        with subtests.test(file.path):
            assert file.text == assertion(name=file.path)


def test_the_folder_is_what_render_writes(tmp_path: Path) -> None:
    from ttgen.cli.main import main

    assert main(["render", *map(str, SPECS), "-q", "-o", str(tmp_path)]) == 0
    written = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    committed = {str(file.relative_to(snapshots.FOLDER)): file.read_bytes() for file in snapshots.files()}
    # Which spec each kernel comes from, by its path from the output folder.
    del written["ttgen.json"]
    assert written == committed
