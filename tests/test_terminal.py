"""Colour and width are a terminal's: what is piped has neither. The examples of every help run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.importing.sources import GEMM, LINEAR, SOFTMAX, source
from tests.test_docs import checkout, environment  # noqa: F401
from ttgen.cli.main import _COMMANDS, main

pty = pytest.importorskip("pty")

RED = "\x1b[1;31m"
BAD = "tests/bad_specs/dtype_unknown.yaml"
LONG = "specs/linear_relu.yaml"


def ran(
    *arguments: str, terminal: bool, variables: Mapping[str, str] | None = None, columns: int = 80
) -> tuple[int, str]:
    """The exit status, and what a terminal (or a pipe) gets of both streams."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    kept |= {"TERM": "xterm", "COLUMNS": str(columns), **(variables or {})}
    command = [sys.executable, "-m", "ttgen", *arguments]
    if not terminal:
        piped = subprocess.run(
            command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return piped.returncode, piped.stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=kept, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 65536):
                output += piece
        except OSError:  # Linux's word for the end
            pass
    os.close(ours)
    return process.returncode, output.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("terminal", "variables", "red"),
    [
        (True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True), (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)  # fmt: skip
def test_errors_are_red_on_a_terminal_only(terminal: bool, variables: Mapping[str, str], red: bool) -> None:
    status, plain = ran("validate", BAD, terminal=False)
    assert (status, "\x1b" in plain) == (1, False)
    status, output = ran("validate", BAD, terminal=terminal, variables=variables)
    assert status == 1
    assert re.sub("\x1b\\[[0-9;]*m", "", output) == plain
    assert [match[1] for match in re.finditer("\x1b\\[1;31m(.*?)\x1b\\[0m", output)] == (
        ["error:", re.findall(r"\^~*", plain)[-1]] if red else []
    )


@pytest.mark.parametrize("arguments", [["rendr"], ["plan", "--jsn", "x"], ["plan", "no/such.yaml"]])
def test_other_errors_are_red_too(arguments: list[str]) -> None:
    assert f"{RED}error:\x1b[0m " in ran(*arguments, terminal=True)[1]


@pytest.mark.parametrize("columns", [60, 76])
@pytest.mark.parametrize("arguments", [["plan", LONG], ["targets"]])
def test_tables_are_as_wide_as_the_terminal(arguments: list[str], columns: int) -> None:
    plain = {"NO_COLOR": "1"}
    piped = ran(*arguments, terminal=False, columns=columns)[1]
    shown = ran(*arguments, terminal=True, columns=columns, variables=plain)[1]
    bars = [line for line in shown.splitlines() if line.startswith("  [")]
    assert words(shown) == words(piped)
    assert {len(line) for line in bars} == ({columns} if "plan" in arguments else set())
    assert max(map(len, shown.splitlines())) <= columns < max(map(len, piped.splitlines()))
    assert ran(*arguments, terminal=True, columns=200, variables=plain)[1] == piped


def words(text: str) -> list[str]:
    """The words of a text without bars, which are as long as the terminal is wide."""
    return [word for line in text.splitlines() if not line.startswith("  [") for word in line.split()]


def test_colours_of_pictures_say_nothing_that_characters_do_not() -> None:
    coloured = ran("plan", LONG, terminal=True)[1]
    plain = ran("plan", LONG, terminal=True, variables={"NO_COLOR": "1"})[1]
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    # Both bars and the map of the cores, a character of which has a colour behind it.
    assert len(re.findall("\x1b\\[38;5;231;48;5;", coloured)) == 64
    assert len(re.findall("^  \\[\x1b\\[38;5;", coloured, re.MULTILINE)) == 2


def test_a_folded_line_goes_on_below_its_last_column() -> None:
    lines = ran("plan", LONG, terminal=True, columns=76)[1].splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("  policy "))
    assert lines[first : first + 2] == [
        "  policy      contiguous       default  runs of units; the remainder goes to",
        "                                        the first cores",
    ]


def helps(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_the_examples_of_help_run(
    command: str,
    checkout: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = helps(capsys, *command.split())
    examples = re.findall(r"^  (ttgen .*)$", text, re.MULTILINE)
    assert examples
    if command:
        assert all(example.startswith(f"ttgen {command}") for example in examples)
        assert text.rstrip().endswith(examples[-1])
        assert len(examples) <= 3
    # What needs a card is run by tests/run.
    without_card = [example for example in examples if not example.startswith("ttgen run")]
    # A folder of a few specs is a folder too.
    for path in (checkout / "specs").iterdir():
        if path.stem not in {"gemm", "linear_relu", "row", "tile"}:
            path.unlink()
    # Kernels to import.
    (checkout / "gemm.py").write_text(source(GEMM))
    (checkout / "kernels.py").write_text(source(LINEAR, SOFTMAX))
    # A repository, too.
    git = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "specs"], ["commit", "-qm", "specs"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run(
        ["sh", "-e"], input="\n".join(without_card), cwd=checkout, env=environment(checkout), stdout=subprocess.DEVNULL,
        text=True, check=True,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["render", "validate", "verify", "plan"])
def test_what_all_commands_that_take_specs_have(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = helps(capsys, command)
    for line in (
        r"  SPEC +a spec file, a folder of them, or a glob",
        r"  --no-cache +make everything anew, and keep nothing of it",
        r"  -q, --quiet +print only what is wrong",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE)


@pytest.mark.parametrize("command", ["validate", "plan", "verify"])
def test_quiet_is_silent_where_nothing_is_wrong(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command, "-q", "specs/tile.yaml"]) == 0
    assert capfd.readouterr() == ("", "")
    assert main([command, "-q", "specs/tile.yaml", BAD]) == 1
    out, err = capfd.readouterr()
    assert (out, "unknown dtype" in err) == ("", True)
