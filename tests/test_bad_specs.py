"""Every mistake has its message: where it is, what was given, what is allowed, and the fix. An unclear one is a bug."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.snapshots import BAD_SPECS, MessageExtension
from ttgen.cli.main import main

SPECS = sorted(BAD_SPECS.glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings(r"ignore:\s*Can not relate snapshot")
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_message(path: Path, snapshot: SnapshotAssertion, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Path("specs").mkdir()
    Path("specs", path.name).write_bytes(path.read_bytes())
    assert main(["render", f"specs/{path.name}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert not Path("rendered").exists()
    message, _, summary = err.rstrip("\n").rpartition("\n")
    assert summary == "1 spec can't be rendered; nothing was written"
    assert message + "\n" == snapshot.use_extension(MessageExtension)(name=f"{path.stem}.txt")


def test_no_message_without_its_spec() -> None:
    assert {path.stem for path in (BAD_SPECS / "messages").glob("*.txt")} == {path.stem for path in SPECS}


def refused(text: bytes, capsys: pytest.CaptureFixture[str]) -> str:
    Path("bad.yaml").write_bytes(text)
    assert main(["render", "bad.yaml"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert not Path("rendered").exists()
    return err.splitlines()[0]


def test_ten_megabytes(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(b"kernel: gemm\n" + b"# a very long comment\n" * 500_000, capsys)
    assert message == "bad.yaml:1:1: error: the file is larger than 1,000,000 bytes: that is no spec"


@pytest.mark.parametrize(
    "text", [b"\x7fELF\x02\x01\x01\x00\x00\xff\xfe", b"\xff\xfek\x00e\x00", b"kernel: \x00\n", b"kernel: \x1b[0m\n"]
)
def test_binary(text: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(text, capsys)
    assert message.startswith("bad.yaml:1:1: error: ")
    assert "text" in message


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"a: " + b"{a: " * 50_000,
        b"- " * 50_000 + b"x",
        b"a:\n" + b"".join(b" " * depth + b"a:\n" for depth in range(1, 400)),
    ],
)
def test_deeply_nested(text: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(text, capsys).endswith("error: nested deeper than 32 levels")


@pytest.mark.parametrize(
    "formula",
    [
        "(" * 5000 + "A" + ")" * 5000,
        "-" * 3000 + "A",
        "A" + " + A" * 900,
        "exp(" * 50 + "A" + ")" * 50 + "+" * 500 + "A",
    ],
)
def test_formulas_that_nest(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = f"kernel: k\ntensors:\n  A: {{shape: [8, 8], dtype: float32}}\n  Y: {{shape: [8, 8], dtype: float32}}\ncompute: Y = {formula}\n"
    Path("deep.yaml").write_text(spec)
    status = main(["render", "deep.yaml", "-q"])
    assert status in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


def test_missing_file_and_folder_without_specs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "nowhere.yaml"]) == 1
    assert capsys.readouterr().err.startswith("error: nowhere.yaml: No such file or directory")
    Path("empty").mkdir()
    assert main(["render", "empty"]) == 1
    assert capsys.readouterr().err == "error: empty: no spec there (*.yaml or *.yml)\n"


SPEC = "kernel: k\ntensors:\n  A: {shape: [8, 8], dtype: float32}\n  Y: {shape: [8, 8], dtype: float32}\ncompute: Y = exp(A)\n"


def test_two_specs_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one.yaml", "two.yaml"):
        Path(name).write_text(SPEC)
    assert main(["render", "one.yaml", "two.yaml"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "two.yaml:1:9: error: kernel 'k' is also that of one.yaml: each needs a name of its own",
        "    kernel: k",
        "            ^",
        "1 spec can't be rendered; nothing was written",
    ]
    assert not Path("rendered").exists()


@pytest.mark.parametrize("other", ["gemm", "Gemm_2", "K"])
def test_two_specs_of_names_that_differ_in_case_only(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    for kernel in (other, other.swapcase()):
        Path(f"{kernel}.yaml").write_text(SPEC.replace("kernel: k", f"kernel: {kernel}"))
    for command in ("render", "validate"):
        assert main([command, f"{other}.yaml", f"{other.swapcase()}.yaml"]) == 1
        assert capsys.readouterr().err.splitlines()[0] == (
            f"{other.swapcase()}.yaml:1:9: error: kernel '{other.swapcase()}' differs from '{other}' of {other}.yaml in "
            "case only: some file systems don't tell their folders apart"
        )
    assert not Path("rendered").exists()
