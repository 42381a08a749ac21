"""`ttgen diff` as a team uses it: a repository, its commits, and folders."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ttgen.cli.main import main
from ttgen.loading import loads

Captured = pytest.CaptureFixture[str]

SPEC = """\
kernel: {name}
tensors:
  A: {{shape: [64, {size}], dtype: bfloat16}}
  C: {{shape: [64, {size}], dtype: bfloat16}}
compute: C = {formula}
"""


def write(name: str, formula: str = "relu(A)", size: int = 64, file: str = "") -> None:
    Path(f"specs/{file or name}.yaml").write_text(SPEC.format(name=name, formula=formula, size=size))


def git(*words: str) -> None:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *words], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three kernels, rendered and committed."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name in ("one", "two", "three"):
        write(name)
    assert main(["render", "specs", "-q"]) == 0
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    return tmp_path


def diff(capsys: Captured, *words: str, status: int = 0) -> dict[str, Any]:
    """What `--json` says: reviews by kernel, and the number of kernels that are unchanged."""
    capsys.readouterr()
    assert main(["diff", "--json", *words]) == status
    document = json.loads(capsys.readouterr().out)
    assert document["format_version"] == 1
    return {"unchanged": document["unchanged"], **{item["kernel"]: item for item in document["kernels"]}}


def test_nothing_changed(capsys: Captured) -> None:
    assert diff(capsys) == {"unchanged": 3}
    assert main(["diff"]) == 0
    assert capsys.readouterr().out == "3 unchanged\n"


def test_a_changed_spec(capsys: Captured) -> None:
    write("one", "abs(A)")
    found = diff(capsys)
    assert found["unchanged"] == 2
    assert (found["one"]["verdict"], found["one"]["values"]) == ("different formula", "formula")
    causes = [(cause["kind"], cause["file"], cause["line"]) for cause in found["one"]["causes"]]
    assert causes == [("spec", "specs/one.yaml", 5), ("output", "rendered/one", None)]
    assert main(["render", "specs", "-q"]) == 0
    assert [cause["kind"] for cause in diff(capsys)["one"]["causes"]] == ["spec"]
    assert main(["diff"]) == 0
    out = capsys.readouterr().out
    assert "one: different formula\n  values     C = relu(A)  ->  C = abs(A)\n" in out
    assert "for A = -1.5 everywhere: C[0, 0] was 0, is 1.5" in out
    assert out.endswith("1 different formula, 2 unchanged\n")


def test_new_removed_moved_and_renamed(capsys: Captured) -> None:
    Path("specs/one.yaml").unlink()
    write("fresh", "exp(A)")
    Path("specs/two.yaml").rename("specs/other.yaml")
    write("triple", file="three")
    found = diff(capsys)
    assert {name: item["change"] for name, item in found.items() if name != "unchanged"} == {
        "one": "removed", "fresh": "new", "two": "moved", "triple": "renamed",
    }  # fmt: skip
    assert found["unchanged"] == 0
    assert (found["two"]["was"], found["triple"]["was"]) == ("specs/two.yaml", "three")
    assert found["two"]["verdict"] == "same values"
    assert [item["what"] for item in found["triple"]["interface"]] == ["kernel"]


def test_a_kernel_of_another_name_in_another_file_is_known_by_what_it_says(capsys: Captured) -> None:
    Path("specs/one.yaml").unlink()
    write("uno")
    found = diff(capsys)
    assert (found["uno"]["change"], found["uno"]["was"], found["unchanged"]) == ("renamed", "one", 2)


def test_one_spec_says_nothing_of_others(capsys: Captured) -> None:
    write("one", size=96)
    write("two", size=96)
    assert diff(capsys, "specs/one.yaml").keys() == {"unchanged", "one"}
    assert diff(capsys, "specs/t*.yaml").keys() == {"unchanged", "two"}
    Path("specs/three.yaml").rename("specs/four.yaml")
    # It came from beside it.
    assert diff(capsys, "specs/four.yaml")["three"]["change"] == "moved"


def test_another_revision_and_another_folder_to_be_in(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    write("one", size=96)
    git("commit", "-qam", "two")
    assert diff(capsys) == {"unchanged": 3}
    monkeypatch.chdir("specs")
    found = diff(capsys, ".", "--against", "HEAD~1", "-o", "../rendered")
    assert found["one"]["verdict"] == "interface"
    assert found["one"]["spec"] == "specs/one.yaml"


def test_untracked_files_count_and_the_index_does_not(capsys: Captured) -> None:
    write("four")
    assert diff(capsys)["four"]["change"] == "new"
    git("add", "-A")
    assert diff(capsys)["four"]["change"] == "new"


def test_output_that_was_edited_by_hand(capsys: Captured) -> None:
    path = Path("rendered/two/kernels/compute.cpp")
    path.write_text(path.read_text() + "// mine\n")
    found = diff(capsys, "--fail-on", "values", status=2)
    assert (found["two"]["values"], found["unchanged"]) == ("unknown", 2)
    assert [cause["kind"] for cause in found["two"]["causes"]] == ["edited"]
    assert {item["file"]: item["state"] for item in found["two"]["kernels"]}["kernels/compute.cpp"] == "text"


def test_output_of_another_ttgen(capsys: Captured) -> None:
    """The commit has what an earlier one rendered of the same specs."""
    for name, text in (("two", "copy_tile"), ("three", "DRAM")):
        path = Path(f"rendered/{name}/kernels/{'compute' if name == 'two' else 'reader'}.cpp")
        path.write_text(path.read_text().replace(text, f"{text}_old") + "// as it was\n")
    git("commit", "-qam", "what an earlier one makes")
    assert main(["render", "specs", "-q"]) == 0
    found = diff(capsys)
    assert [cause["kind"] for cause in found["two"]["causes"]] == ["ttgen"]
    # Other statements may round otherwise, as far as can be known.
    assert found["two"]["values"] == "rounding"
    assert found["unchanged"] == 1
    write("two", size=96)
    # What the specs say is compared, each made by this ttgen.
    assert diff(capsys)["two"]["values"] == "same"


def test_a_comment_of_a_spec_in_output_does_not_count(capsys: Captured) -> None:
    """The first comment of a kernel's file isn't its statements."""
    path = Path("rendered/two/kernels/reader.cpp")
    path.write_text(path.read_text().replace("two.yaml", "2.yaml"))
    git("commit", "-qam", "two")
    assert main(["render", "specs", "-q"]) == 0
    assert diff(capsys)["two"]["verdict"] == "same values"


def test_a_folder_of_specs_and_an_output_folder(capsys: Captured) -> None:
    shutil.copytree("specs", "before")
    shutil.copytree("rendered", "output")
    write("one", size=96)
    Path("specs/two.yaml").unlink()
    for folder in ("before", "output"):
        found = diff(capsys, "--against", folder)
        assert (found["one"]["verdict"], found["two"]["change"], found["unchanged"]) == ("interface", "removed", 1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"files": 3}', '{"files": [3]}', '{"schema_version": 9, "kernel": "one"}']
)
def test_output_that_is_none_of_ours(text: str, capsys: Captured) -> None:
    """A plan of another version, or one that somebody made of it."""
    shutil.copytree("rendered", "output")
    Path("output/one/tt.plan.json").write_text(text)
    found = diff(capsys, "--against", "output")
    assert found["unchanged"] == 2
    assert found["one"]["verdict"] in ("unknown", "new")
    shutil.copy("output/one/tt.plan.json", "rendered/one")
    found = diff(capsys)
    assert (found["one"]["verdict"], found["one"]["causes"][0]["kind"]) == ("unknown", "edited")


@pytest.mark.parametrize(
    ("gates", "status", "said"),
    [
        ("values", 2, "one fails values: different formula"),
        ("interface", 2, "two fails interface: A shape and 1 more"),
        ("rounding", 0, ""),
        ("cost>49%", 2, "two fails cost>49%: dram_read_bytes +50.0%"),
        ("dram_read>50%", 0, ""),
        ("l1>0%", 2, "one fails l1>0%: L1 0."),
        ("l1>50%", 0, ""),
        ("values, interface", 2, "two fails interface"),
    ],
)
def test_gates(gates: str, status: int, said: str, capsys: Captured) -> None:
    write("one", "abs(A)")
    write("two", size=96)
    assert main(["diff", "-q", "--fail-on", gates]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert bool(err) == bool(status)


def test_mistakes(capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["diff", "--against", "nothing"]) == 1
    assert "nothing: no such revision" in capsys.readouterr().err
    assert main(["diff", "nowhere"]) == 1
    assert "nowhere: no spec there, nor was there one in HEAD" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["diff", "--fail-on", "vales"])
    assert stopped.value.code == 64
    assert "did you mean 'values'?" in capsys.readouterr().err
    write("one", "epx(A)")
    assert main(["diff"]) == 1
    assert "did you mean 'exp'?" in capsys.readouterr().err
    git("commit", "-qam", "a mistake")
    write("one", "exp(A)")
    found = diff(capsys)
    assert found["one"]["values"] == "unknown"
    assert "can't plan the old spec" in found["one"]["notes"][0]


def test_without_a_repository(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir("inner")
    shutil.copytree("../specs", "specs")
    shutil.rmtree("../.git")
    assert main(["diff"]) == 1
    assert "isn't in a git repository" in capsys.readouterr().err


def test_unchanged_specs_are_not_read(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """A thousand kernels of which three changed take as long as three."""
    for number in range(40):
        write(f"more_{number}")
    git("add", "-A")
    git("commit", "-qm", "more")
    write("one", size=96)
    calls: list[str] = []

    def counted(raw: bytes, *, name: str) -> Any:
        calls.append(name)
        return loads(raw, name=name)

    monkeypatch.setattr("ttgen.cli.revisions.loads", counted)
    assert diff(capsys)["unchanged"] == 42
    assert calls == ["specs/one.yaml", "specs/one.yaml"]
