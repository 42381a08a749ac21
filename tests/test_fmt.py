"""`ttgen fmt`: one form for what a spec says, and nothing lost on the way."""

from __future__ import annotations

import random
import re
import stat
from collections import Counter
from pathlib import Path

import pytest

from tests.snapshots import BAD_SPECS
from ttgen.canonical import canonical
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.source import parse

Captured = pytest.CaptureFixture[str]

WILD = """\
# yaml-language-server: $schema=kernel.schema.json
# About all of it.

# What is computed.
compute:
- H = gelu(X @ V)   # first
# between
-   Y = H @ W
schedule:
    multicast:   both
    # why
    policy: rectangular    # here
    block:
       k: 2
       m:  4
tensors:
  X:   {dtype: bfloat16,shape: [ 64,64 ]}
  V:
    dtype: bfloat16
    shape: [64,
            96]
  # the last
  W: {shape: [96, 64], # a comment in braces
     dtype: bfloat16}
  Y: {layout: {l1_sharded: {cores: {cols: 4, rows: 2}, split: height}}, dtype: 'bfloat16', shape: [64, 64]}
kernel:   "layers"


# the end
"""
TAME = """\
# yaml-language-server: $schema=kernel.schema.json
# About all of it.
kernel: "layers"
tensors:
  X: {shape: [64, 64], dtype: bfloat16}
  V:
    shape: [64, 96]
    dtype: bfloat16
  # the last
  W: {shape: [96, 64], # a comment in braces
     dtype: bfloat16}
  Y: {shape: [64, 64], dtype: 'bfloat16', layout: {l1_sharded: {split: height, cores: {rows: 2, cols: 4}}}}

# What is computed.
compute:
  - H = gelu(X @ V)   # first
  # between
  - Y = H @ W
schedule:
  # why
  policy: rectangular    # here
  block:
    m: 4
    k: 2
  multicast: both

# the end
"""
OWN = sorted(Path("specs").glob("*.yaml"))


def comments(text: str) -> Counter[str]:
    return Counter(re.findall(r"#.*", text))


def test_an_example() -> None:
    assert canonical(WILD) == TAME


@pytest.mark.parametrize("path", [*OWN, *sorted(BAD_SPECS.glob("*.yaml"))], ids=lambda path: path.stem)
def test_it_says_the_same_and_is_as_it_will_be(path: Path) -> None:
    try:
        before = parse(path.read_bytes(), name="spec.yaml")
    except SpecError:
        with pytest.raises(SpecError):
            canonical(path.read_text())
        return
    text = canonical(before.text)
    assert parse(text, name="spec.yaml").document == before.document
    assert canonical(text) == text
    assert comments(text) == comments(before.text)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_whatever_the_order_of_keys_was(path: Path) -> None:
    """Our own specs are in the form; so they become again when their keys are shuffled."""
    text = path.read_text()
    assert canonical(text) == text
    header, *parts = re.split(r"^(?=[a-z]+:)", text, flags=re.MULTILINE)
    draw = random.Random(path.stem)
    for _ in range(4):
        draw.shuffle(parts)
        shuffled = header + "".join(parts)
        shuffled = re.sub(r"\{shape: (\[.*?\]), dtype: (\w+)", r"{dtype: \2,  shape: \1", shuffled)
        assert canonical(shuffled) == text


@pytest.mark.parametrize(
    "text",
    ["{kernel: k, compute: C = A}\n", "kernel: k\ncompute: |\n  C = A\n\n  + B\n\ntensors: {}\n", "- a\n", "a:\n"],
)
def test_other_forms(text: str) -> None:
    after = canonical(text)
    assert parse(after, name="s.yaml").document == parse(text, name="s.yaml").document
    assert canonical(after) == after


def test_new_writes_the_form(capsys: Captured) -> None:
    assert main(["new", "Y = gelu(X @ W + bias)", "X=200,512", "W=512,128", "bias=128"]) == 0
    text = capsys.readouterr().out
    assert canonical(text) == text


def test_the_command(tmp_path: Path, capsys: Captured) -> None:
    path, other = tmp_path / "wild.yaml", tmp_path / "tame.yaml"
    path.write_text(WILD)
    path.chmod(0o600)
    other.write_text(TAME)
    assert main(["fmt", "--check", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert '+kernel: "layers"' in out
    assert err == "1 of 2 specs differs\n"
    assert path.read_text() == WILD
    assert main(["fmt", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{path}: formatted\n"
    assert path.read_text() == TAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(item.name for item in tmp_path.iterdir()) == ["tame.yaml", "wild.yaml"]
    assert main(["fmt", "--check", "-q", str(tmp_path)]) == 0
    (tmp_path / "bad.yaml").write_text("a: [")
    assert main(["fmt", str(tmp_path)]) == 1
    assert "not YAML" in capsys.readouterr().err
