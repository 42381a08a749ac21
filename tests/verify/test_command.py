"""The command, and the parts that no right program reaches."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import ttgen
from tests.verify.conftest import CACHE
from tests.verify.mutants import MUTANTS
from ttgen.cli.main import main
from ttgen.errors import ToolchainError
from ttgen.verify import toolchain
from ttgen.verify.toolchain import Builder, Compiler


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "cache_folder", lambda: CACHE)


def test_json(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "specs/tile.yaml", "specs/row.yaml", "--json", "--orders", "1"]) == 0
    captured = capsys.readouterr()
    verdicts = json.loads(captured.out)
    assert [verdict["kernel"] for verdict in verdicts] == ["tile", "row"]
    assert all(verdict["passed"] and verdict["runs"] == 2 for verdict in verdicts)
    assert "2/2" in captured.err


def mutated(monkeypatch: pytest.MonkeyPatch, what: str) -> str:
    """Puts a fault into what is rendered; gives the spec of its program."""
    mutant = next(mutant for mutant in MUTANTS if mutant.what == what)
    monkeypatch.setattr("ttgen.verify.verify.artifacts", lambda _plan: mutant.files())
    return f"specs/{mutant.spec}.yaml"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("reader: no read barrier", ("read-before-barrier", "kernels/reader.cpp", "reader", [0, 0], 43, "normal", 0)),
        ("compute: a pop is forgotten", ("hang", "kernels/reader.cpp", "reader", [0, 0], 38, "normal", 0)),
        ("reader: a statement that isn't C++", ("kernel-compile-failed", "kernels/reader.cpp", "reader", None, 30, "normal", 0)),
    ],
)  # fmt: skip
def test_json_of_what_is_wrong(
    builder: Builder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
    expected: tuple[object, ...],
) -> None:
    assert main(["verify", mutated(monkeypatch, what), "tests/bad_specs/many_mistakes.yaml", "--json"]) == 1
    captured = capsys.readouterr()
    assert "many_mistakes.yaml:" in captured.err
    [verdict] = json.loads(captured.out)
    assert not verdict["passed"]
    first = verdict["findings"][0]
    keys = ("name", "file", "thread", "core", "line", "inputs", "order")
    assert tuple(first[key] for key in keys) == expected
    assert first["kernel"] == first["file"]
    assert first["message"]


def test_json_has_no_numbers_that_json_has_not(
    builder: Builder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = mutated(monkeypatch, "plan: the wrong format of a buffer")
    assert main(["verify", spec, "--json"]) == 1
    [verdict] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    [output] = verdict["outputs"]
    assert (output["passed"], output["value"], output["error"], output["inputs"]) == (False, None, None, "normal")
    assert verdict["findings"][0]["name"] == "wrong-numbers"


def test_a_bar_where_someone_looks(
    builder: Builder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["verify", "specs/tile.yaml", "specs/row.yaml", "--orders", "1"]) == 0
    captured = capsys.readouterr()
    assert "verifying" in captured.err
    assert "1/2" not in captured.err
    assert "2 of 2 specs verified, 4 runs" in captured.out


def test_table(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "specs/tile.yaml", "--seed", "3"]) == 0
    head, row, *_notes, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["spec", "output", "error", "allowed", "PCC", "worst", "element", "counters"]
    assert row.startswith("tile  Y ")
    assert row.endswith("as planned")
    assert last == "1 of 1 spec verified, 3 runs"


def test_sanitizers_reach_the_compiler(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "specs/tile.yaml", "--sanitize", "--cxx", "false"]) == 1
    assert "false -fsanitize=address,undefined " in capsys.readouterr().err


@pytest.mark.exhaustive
def test_sanitizers(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    if "zig" in " ".join(builder.compiler.command):
        pytest.skip("zig's compiler has no address sanitizer")
    assert main(["verify", "specs/tile.yaml", "--sanitize"]) == 0, capsys.readouterr()


def script(folder: Path, text: str) -> str:
    file = folder / "program.py"
    file.write_text(text)
    return f"{sys.executable} {file}"


HOST = """\
import sys
from pathlib import Path
import numpy as np
files = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
has_run = Path(__file__).with_suffix(".ran")
assert sys.argv.count("--input") == 2 and ("--poison" in sys.argv) is not has_run.exists()
has_run.touch()
a, b = (np.fromfile(files[name], np.float32) for name in "AB")
(a + b + WRONG).astype(np.float32).tofile(files["C"])
"""


@pytest.mark.parametrize(("wrong", "status"), [("0", 0), ("(np.arange(a.size) == 70000)", 1)])
def test_any_build_of_the_host_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, status: int
) -> None:
    command = script(tmp_path, HOST.replace("WRONG", wrong))
    assert main(["verify", "specs/add.yaml", "--exe", command]) == status
    printed = capsys.readouterr().out
    if status:
        row, col = divmod(70000, 384)
        assert f"error: wrong-numbers: C[{row}, {col}], in tile {row // 32 * 12 + col // 32}" in printed
    else:
        assert "1 of 1 spec verified, 2 runs" in printed


@pytest.mark.parametrize(
    ("text", "name"), [("raise SystemExit('no device')", "host-error"), ("pass", "missing-output")]
)
def test_a_program_that_gives_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, name: str) -> None:
    assert main(["verify", "specs/add.yaml", "--exe", script(tmp_path, text)]) == 1
    assert f"error: {name}: " in capsys.readouterr().out


def test_what_a_user_can_get_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["verify", "specs/add.yaml", "--exe", str(tmp_path / "none")]) == 1
    assert main(["verify", "specs/add.yaml", "specs/row.yaml", "--exe", "none"]) == 1
    assert main(["verify", "specs/add.yaml", "--cxx", "no-such-compiler"]) == 1
    with monkeypatch.context() as patched:
        patched.setattr("importlib.util.find_spec", lambda _name: None)
        assert main(["verify", "specs/add.yaml"]) == 1
    with pytest.raises(SystemExit):
        main(["verify", "specs/add.yaml", "--orders", "0"])
    printed = capsys.readouterr().err
    for text in ("No such file", "name one", "no such program", "pip install 'ttgen[verify]'", "at least 1"):
        assert text in printed


def test_finding_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(toolchain, "find_spec", lambda _name: object())
    assert toolchain.find_compiler().command == (sys.executable, "-m", "ziglang", "c++")
    monkeypatch.setattr(toolchain, "find_spec", lambda _name: None)
    with pytest.raises(ToolchainError, match="apt install g"):
        toolchain.find_compiler()
    monkeypatch.setenv("CXX", "clang++ -m64")
    with pytest.raises(ToolchainError, match="no such program"):
        toolchain.find_compiler()


def test_paths_may_be_relative(builder: Builder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs run in folders of their own."""
    spec = Path("specs/tile.yaml").resolve()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cxx").write_text(f'#!/bin/sh\nexec {" ".join(builder.compiler.command)} "$@"\n')
    (tmp_path / "cxx").chmod(0o755)
    compiler = toolchain.find_compiler("./cxx -pipe")
    assert compiler.command == (str(tmp_path / "cxx"), "-pipe")
    monkeypatch.setattr(toolchain, "cache_folder", lambda: Path(os.path.relpath(builder.cache)))
    assert main(["verify", str(spec), "--orders", "1"]) == 0


def test_a_compiler_that_refuses(tmp_path: Path) -> None:
    builder = Builder(Compiler(command=("false",)), tmp_path, 1)
    with pytest.raises(ToolchainError, match="false"):
        builder.program(ttgen.render(ttgen.plan(ttgen.load("specs/tile.yaml"))))
    builder.close()


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ToolchainError, match="XDG_CACHE_HOME"):
        toolchain.cache_folder()


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "specs/tile.yaml", "tests/bad_specs/function_misspelt.yaml", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["kernel"] == "tile"
    assert main(["verify", "specs/tile.yaml", "tests/bad_specs/function_misspelt.yaml", "--format", "concise"]) == 1
    first, *_notes, last = capsys.readouterr().out.splitlines()
    assert first.startswith("tests/bad_specs/function_misspelt.yaml:6:14: error: TG203 unknown function 'gleu'")
    assert last == "1 of 1 spec verified, 3 runs"
