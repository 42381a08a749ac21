"""The commands as a user types them: what they print, and their exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from ttgen.cli.main import main
from ttgen.target import TARGETS
from ttgen.version import __version__


def test_render_prints_a_headline_and_a_line_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "specs/gemm.yaml", "-o", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path}/gemm: 64 of 64 cores, balance 100%, L1 10 of 1361 KiB, DRAM reads 8.0x compulsory"
    assert lines[1] == "  new     gemm/kernels/reader.cpp"
    assert len(lines) == 1 + 9 + 7 + 1
    assert lines[-2:] == ["  new     host/tensor_io.cpp", "  new     ttgen.json"]
    main(["render", "specs/gemm.yaml", "-o", str(tmp_path)])
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} == {"same"}


def test_folders_and_globs_are_many_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "specs/gemm*.yaml", "specs", "specs/add.yaml", "-q", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""
    kernels = {path.stem for path in Path("specs").glob("*.yaml")}
    assert {path.name for path in tmp_path.iterdir()} == {*kernels, "host", "ttgen.json"}


def test_validate_goes_on_after_a_bad_spec(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "specs/gemm.yaml", "tests/bad_specs/dtype_unknown.yaml", "specs/add.yaml"]) == 1
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["specs/gemm.yaml", "specs/add.yaml"]
    assert "unknown dtype" in err


def test_plan_says_what_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "specs/gemm_uneven.yaml"]) == 0
    out = capsys.readouterr().out
    assert "strided          spec     round robin" in out
    assert "zero: A, B" in out
    # 8 x 5 units, dealt round robin to ten cores of eight columns.
    assert "   0 | @@@@@@@@@@@@@@@@\n   1 | @@@@............\n   2 | ................\n" in out
    assert "\n  @ 4 units (10 cores); . no work (54 cores)\n" in out


def test_plan_json_is_the_rendered_one_and_has_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema", "plan"])
    validator = jsonschema.Draft202012Validator(json.loads(capsys.readouterr().out))
    for path in sorted(Path("specs").glob("*.yaml")):
        assert main(["plan", "--json", str(path)]) == 0
        text = capsys.readouterr().out
        assert text == Path("snapshots", path.stem, "tt.plan.json").read_text()
        validator.validate(json.loads(text))


@pytest.mark.parametrize(
    ("formula", "shapes"),
    [
        ("Y = gelu(X @ W + b)", ["X=2000,4096", "W=4096,11008", "b=11008"]),
        ("out = where(mask, A, 0)", ["mask=4,100,1", "A=4,100,70"]),
        ("C = A @ B.T", ["A=64x32", "B=96x32"]),
    ],
)
def test_new_writes_a_spec_that_plans(
    formula: str, shapes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", formula, *shapes]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# yaml-language-server: ")
    path = tmp_path / "new.yaml"
    assert main(["new", formula, *shapes, "-o", str(path)]) == 0
    assert path.read_text() == text
    assert main(["new", formula, *shapes, "--target", "p150"]) == 0
    assert "fidelity: HiFi4" in (shown := capsys.readouterr().out)
    assert "{rows: 10, cols: 13}" in shown
    # What is commented out are the defaults: nothing changes when it isn't.
    capsys.readouterr()
    assert main(["plan", "--json", str(path)]) == 0
    before = json.loads(capsys.readouterr().out)
    path.write_text(
        "\n".join(
            line.removeprefix("# ")
            if line.startswith(
                ("# precision", "#   fid", "#   acc", "#   app", "# schedule", "#   pol", "#   ord", "#   cor")
            )
            else line
            for line in text.splitlines()
        )
    )
    assert main(["plan", "--json", str(path)]) == 0
    after = json.loads(capsys.readouterr().out)
    assert before.pop("decisions") != after.pop("decisions")
    assert before == after


def test_new_refuses_to_overwrite_and_explains_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    assert main(["new", "Y = exp(X)", "X=4,4", "-o", str(path)]) == 1
    assert path.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err
    assert main(["new", "Y = epx(X)", "X=4,4"]) == 1
    assert (
        capsys.readouterr().err
        == "formula:1:5: error: unknown function 'epx'; did you mean 'exp'?\n    Y = epx(X)\n        ^~~\n"
    )
    assert main(["new", "Y = exp(X)", "X=4;4"]) == 1
    assert "is not a shape" in capsys.readouterr().err
    assert main(["new", "Y = exp(X)", "X=4,4", "Z=1"]) == 1
    assert "doesn't read 'Z'" in capsys.readouterr().err


def test_schema_tells_editors_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kernel.schema.json"
    assert main(["schema", "-o", str(path)]) == 0
    assert json.loads(path.read_text())["title"] == "A ttgen kernel spec"
    assert f"# yaml-language-server: $schema={path}" in capsys.readouterr().err
    assert main(["schema", "-o", str(tmp_path / "no/such/folder")]) == 1


def test_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(TARGETS)
    assert "10 x 13" in lines[-1]


@pytest.mark.parametrize("arguments", [["rendre"], ["render"], ["render", "--chek", "specs"], ["schema", "plans"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 64
    assert "usage: ttgen" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["render", "validate", "run", "plan", "estimate", "tune", "new", "schema", "targets"]
)
def test_help_of_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "exit status:" in capsys.readouterr().out


def run(*arguments: str | bytes, cwd: Path | None = None, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-m", "ttgen", *arguments], capture_output=True, check=False, cwd=cwd, env=environment
    )
    codec = "utf-8" if "--json" in arguments else encoding.split(":")[0]
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(codec), done.stderr.decode(codec))


def test_whole_processes(tmp_path: Path) -> None:
    assert run("--version").stdout == f"ttgen {__version__}\n"
    assert run("--help").returncode == 0
    good = run("render", "specs/tile.yaml", "-o", str(tmp_path))
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.count("\n") == 1 + 9 + 7 + 1
    bad = run("render", "tests/bad_specs/power.yaml", "-o", str(tmp_path))
    assert bad.returncode == 1
    assert "Traceback" not in bad.stderr
    assert run("render", "--check", "specs/add.yaml", "-o", str(tmp_path)).returncode == 2
    assert run("nonsense").returncode == 64


def commands(name: str | bytes, folder: Path) -> list[list[str | bytes]]:
    words: list[list[str | bytes]] = [
        ["validate"],
        ["render", "--check"],
        ["render"],
        ["plan"],
        ["plan", "--json"],
        ["verify"],
        ["tune"],
    ]
    return [[*some, name, *(["-o", str(folder / "out")] if some[0] == "render" else [])] for some in words]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"we\nird.yaml", r"we\nird.yaml"), (b"bad\xff.yaml", r"bad\udcff.yaml"), (b"a\rb.yaml", r"a\rb.yaml"),
        (b"\x1b[31mred.yaml", r"\x1b[31mred.yaml"), ("a\u2028b.yaml".encode(), r"a\u2028b.yaml"),
        ("a\u202elmay.yaml".encode(), r"a\u202elmay.yaml"), ("a\x85.yaml".encode(), r"a\x85.yaml"),
    ],
)  # fmt: skip
def test_a_file_name_that_can_not_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: bytes, shown: str
) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(Path("specs/tile.yaml").read_bytes())
    expected = (
        f"{shown}:1:1: error: the file's name can't be printed on one line, and rendered files say it: rename the file"
    )
    monkeypatch.chdir(tmp_path)
    for arguments in commands(os.fsdecode(name), tmp_path):
        assert main([str(word) for word in arguments]) == 1
        lines = capsys.readouterr().err.split("\n")
        assert (lines[0], len(lines)) == (expected, 2 + (arguments[0] == "render"))
    done = run(*commands(name, tmp_path)[0], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"{expected}\n")
    assert [path.name for path in tmp_path.iterdir()] == [os.fsdecode(name)]


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1"])
@pytest.mark.parametrize("name", ["größe.yaml", "大.yaml"])
def test_a_terminal_that_can_not_show_a_name(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / name).write_bytes(Path("specs/tile.yaml").read_bytes())
    codec = encoding.split(":")[0]
    for arguments in commands(name, tmp_path)[:5]:
        done = run(*arguments, cwd=tmp_path, encoding=encoding)
        found = (done.returncode, done.stderr)
        assert found == ((2, "17 of 17 files differ\n") if "--check" in arguments else (0, ""))
        if "--json" in arguments:
            assert json.loads(done.stdout)["spec"] == name
        elif arguments[0] == "validate":
            assert done.stdout.startswith(name.encode(codec, "backslashreplace").decode(codec) + ": ok: ")
    assert f"from {name}: change" in (tmp_path / "out/tile/host/main.cpp").read_text(encoding="utf-8")


def test_a_folder_that_can_not_be_printed(tmp_path: Path) -> None:
    folder = tmp_path / "we\nird\udcff"
    folder.mkdir()
    (folder / "tile.yaml").write_bytes(Path("specs/tile.yaml").read_bytes())
    done = run("validate", os.fsencode(folder))
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    assert done.stdout.startswith(f"{tmp_path}/we\\nird\\udcff/tile.yaml: ok: tile")
    done = run("render", os.fsencode(folder), "-o", os.fsencode(folder / "out"))
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1 + 9 + 7 + 1, "")
    assert "from tile.yaml: change" in (folder / "out/tile/CMakeLists.txt").read_text()
    (folder / "out/tile/CMakeLists.txt").write_text("mine")
    done = run("render", os.fsencode(folder), "-o", os.fsencode(folder / "out"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"error: {tmp_path}/we\\nird\\udcff/out/tile/CMakeLists.txt: exists")
    done = run("validate", os.fsencode(folder / "nowhere"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_schema_overwrites_schemas_only(tmp_path: Path) -> None:
    path = tmp_path / "kernel.schema.json"
    assert main(["schema", "-o", str(path)]) == 0
    path.write_text(path.read_text() + "\n")
    assert main(["schema", "-o", str(path)]) == 0
    assert main(["schema", "plan", "-o", str(path)]) == 1
    for theirs in (b"mine\n", b"\xff", b"{}"):
        path.write_bytes(theirs)
        assert main(["schema", "-o", str(path)]) == 1
        assert path.read_bytes() == theirs
    path.unlink()
    os.mkfifo(path)
    done = subprocess.run(
        [sys.executable, "-m", "ttgen", "schema", "-o", path], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (1, f"error: {path}: is a pipe, not a file\n")


def test_a_reader_that_has_seen_enough() -> None:
    command = f"{sys.executable} -m ttgen schema plan | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("rendr specs/tile.yaml", "ttgen: error: no such command 'rendr'; did you mean 'render'?"),
        ("frobnicate", "ttgen: error: no such command 'frobnicate'"),
        ("render specs/tile.yaml --ouput x", "ttgen render: error: unrecognized arguments: --ouput x; did you mean '--output'?"),
        ("verify --sanitise specs/tile.yaml", "ttgen verify: error: unrecognized arguments: --sanitise; did you mean '--sanitize'?"),
        ("plan specs/tile.yaml --jsn=1", "ttgen plan: error: unrecognized arguments: --jsn=1; did you mean '--json'?"),
        ("targets all", "ttgen targets: error: unrecognized arguments: all"),
    ],
)  # fmt: skip
def test_misspelt_words(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (64, "")
    assert err.splitlines()[-1] == message


def test_no_command_is_the_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith(
        "usage: ttgen [-h] [--version] COMMAND ...\n\nFrom a YAML spec to a complete"
    )
