"""What is left of specs that were deleted or renamed: named by `--check`, removed by `render`, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ttgen.cli.main import main
from ttgen.errors import OutputError
from ttgen.origins import Known, files_digest, origins, parsed

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of three specs, rendered."""
    (tmp_path / "specs").mkdir()
    for name in ("add", "gemm", "tile"):
        shutil.copy(f"specs/{name}.yaml", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    assert main(["render", "specs", "-q"]) == 0


def kernels() -> dict[str, str]:
    found = json.loads(Path("rendered/ttgen.json").read_text())
    assert list(found) == ["schema_version", "kernels", "digests"]
    assert found["kernels"].keys() == found["digests"].keys()
    return dict(found["kernels"])


def folders() -> set[str]:
    return {path.name for path in Path("rendered").iterdir() if path.is_dir()} - {"host"}


def test_a_line_a_kernel(capsys: Captured) -> None:
    lines = [f'    "{name}": "../specs/{name}.yaml"' for name in ("add", "gemm", "tile")]
    assert ",\n".join(lines) in Path("rendered/ttgen.json").read_text()
    assert main(["render", "--check", "specs"]) == 0
    assert capsys.readouterr().err == "0 of 35 files differ\n"


def test_a_spec_that_was_deleted(capsys: Captured) -> None:
    Path("specs/add.yaml").unlink()
    Path("rendered/add/notes.txt").write_text("mine")
    Path("rendered/add/kernels/reader.cpp").write_text("// mine")
    assert main(["render", "--check", "specs"]) == 2
    err = capsys.readouterr().err
    assert "add: left over, ../specs/add.yaml has no such kernel any more; the next render removes it\n" in err
    assert folders() == {"add", "gemm", "tile"}
    assert main(["render", "specs", "-q"]) == 0
    assert {str(path.relative_to("rendered/add")) for path in Path("rendered/add").rglob("*") if path.is_file()} == {
        "notes.txt", "kernels/reader.cpp",
    }  # fmt: skip
    assert kernels().keys() == {"gemm", "tile"}
    assert main(["render", "--check", "specs"]) == 0


def test_a_kernel_that_was_renamed(capsys: Captured) -> None:
    path = Path("specs/tile.yaml")
    path.write_text(path.read_text().replace("kernel: tile", "kernel: tiles"))
    assert main(["render", "--check", "specs/tile.yaml"]) == 2
    assert "tile: left over, ../specs/tile.yaml has no such kernel any more" in capsys.readouterr().err
    assert main(["render", "specs/tile.yaml", "-q"]) == 0
    assert folders() == {"add", "gemm", "tiles"}
    assert kernels() == {"add": "../specs/add.yaml", "gemm": "../specs/gemm.yaml", "tiles": "../specs/tile.yaml"}


def test_a_spec_file_that_was_renamed() -> None:
    """Its kernel is the same, and comes from another file."""
    Path("specs/add.yaml").rename("specs/sum.yaml")
    assert main(["render", "specs", "-q"]) == 0
    assert folders() == {"add", "gemm", "tile"}
    assert kernels()["add"] == "../specs/sum.yaml"


def test_other_specs_stay_what_they_are() -> None:
    """One spec says nothing of others; nor does another folder."""
    Path("specs/add.yaml").unlink()
    Path("others").mkdir()
    shutil.copy("specs/gemm.yaml", "others")
    for words in (["specs/gemm.yaml"], ["others"]):
        assert main(["render", *words, "-q"]) == 0
        assert folders() == {"add", "gemm", "tile"}
    assert kernels() == {"add": "../specs/add.yaml", "gemm": "../others/gemm.yaml", "tile": "../specs/tile.yaml"}


def test_from_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert main(["render", "--check", "../specs", "-o", "../rendered"]) == 0
    Path("../specs/add.yaml").unlink()
    assert main(["render", "../specs", "-q", "-o", "../rendered"]) == 0
    assert not Path("../rendered/add").exists()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 1, "kernels": {"../specs": "x"}}',
     '{"schema_version": 1, "kernels": {"add": 1}}', '{"schema_version": 1, "kernels": {}, "digests": {"add": "x"}}',
     '{"schema_version": true, "kernels": {}}'],
)  # fmt: skip
def test_a_file_that_is_not_ours(text: str, capsys: Captured) -> None:
    Path("rendered/ttgen.json").write_text(text)
    assert main(["render", "specs", "-q"]) == 1
    assert "rendered/ttgen.json: exists, and ttgen didn't write it" in capsys.readouterr().err
    with pytest.raises(OutputError):
        origins(Path("rendered"), {}, [])
    assert Path("rendered/ttgen.json").read_text() == text


REASONS = {
    "edited": "files were edited or removed by hand since they were rendered",
    "spec": "the spec was changed since it was rendered",
    "ttgen": "rendered by another ttgen; the spec is the same",
    "unknown": "edited by hand, of an earlier spec, or of another ttgen",
}


def edit() -> None:
    path = Path("rendered/add/kernels/compute.cpp")
    path.write_text(path.read_text().replace("add_tiles", "sub_tiles"))


def remove() -> None:
    Path("rendered/add/kernels/writer.cpp").unlink()


def change_spec() -> None:
    path = Path("specs/add.yaml")
    path.write_text(path.read_text().replace("512", "544"))


def upgrade() -> None:
    """Another ttgen: it wrote another text, and says so."""
    path = Path("rendered/ttgen.json")
    before = origins_of("rendered")
    edit()
    texts = [(str(file.relative_to("rendered")), file.read_text()) for file in Path("rendered/add").rglob("*.*")]
    path.write_text(path.read_text().replace(before.digests["add"].files, files_digest(texts)))


def old_format() -> None:
    path = Path("rendered/ttgen.json")
    document = json.loads(path.read_text())
    del document["digests"]
    path.write_text(json.dumps(document))
    edit()


def origins_of(folder: str) -> Known:
    return parsed(Path("ttgen.json"), Path(folder, "ttgen.json").read_text())


@pytest.mark.parametrize(
    ("steps", "reasons"),
    [([edit], ["edited"]), ([remove], ["edited"]), ([change_spec], ["spec"]), ([upgrade], ["ttgen"]),
     ([change_spec, edit], ["spec", "edited"]), ([old_format], ["unknown"])],
)  # fmt: skip
def test_check_says_why_files_differ(steps: list[Callable[[], None]], reasons: list[str], capsys: Captured) -> None:
    for step in steps:
        step()
    assert main(["render", "--check", "specs"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:-1] == [f"add: {' and '.join(REASONS[reason] for reason in reasons)}"]


def test_lines_that_end_otherwise_are_no_edit(capsys: Captured) -> None:
    """A checkout of git may have them so."""
    for path in [*Path("rendered/add").rglob("*.*"), Path("specs/add.yaml")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    change_spec()
    main(["render", "--check", "specs"])
    assert f"add: {REASONS['spec']}\n" in capsys.readouterr().err
