"""`ttgen.compile` and `ttgen.spec`: specs from Python's values, functions without files, and what notebooks show."""

from __future__ import annotations

import inspect
import subprocess
import sys
import traceback
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import ttgen
from ttgen.cli.main import main
from ttgen.errors import ToolchainError

MAPPING = {
    "kernel": "scaled",
    "tensors": {"X": {"shape": (40, 64), "dtype": "bfloat16"}, "Y": {"shape": (40, 64), "dtype": "bfloat16"}},
    "compute": "Y = 2 * X",
}


def called(function: Any) -> Any:
    """Twice as much as what goes in, from the function."""
    import ttnn

    device = ttnn.open_device(device_id=0)
    values = np.arange(40 * 64, dtype=np.float32).reshape(40, 64) % 97
    given = ttnn.Tensor(values, ttnn.bfloat16, layout=ttnn.TILE_LAYOUT)
    return function(given.to(device, function.programs.memory_config("X"))).logical(), 2 * values


@pytest.mark.parametrize("kind", ["path", "text path", "mapping", "spec", "plan", "python: false"])
def test_what_is_compiled(kind: str, fake: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "scaled.yaml"
    document = {**MAPPING, "tensors": {name: {**item, "shape": [40, 64]} for name, item in MAPPING["tensors"].items()}}  # type: ignore[attr-defined]
    path.write_text(yaml.safe_dump(document))
    given: dict[str, Callable[[], Any]] = {
        "path": lambda: path,
        "text path": lambda: str(path),
        "mapping": lambda: MAPPING,
        "spec": lambda: ttgen.spec("Y = 2 * X", X=(40, 64), kernel="scaled"),
        "plan": lambda: ttgen.plan(ttgen.load(path)),
        "python: false": lambda: {**MAPPING, "python": False},
    }
    function = ttgen.compile(given[kind]())
    made, right = called(function)
    assert np.array_equal(made, right)
    assert "Y = 2 * X" in function.__doc__
    assert set(tmp_path.iterdir()) == {path}


def test_it_is_what_render_writes(fake: Callable[..., None]) -> None:
    function = ttgen.compile(MAPPING)
    files = {
        file.path: file.text for file in ttgen.render(ttgen.plan(ttgen.spec("Y = 2 * X", X=(40, 64), kernel="scaled")))
    }
    assert inspect.getsource(function.function) in files["scaled/scaled.py"]
    with pytest.raises(TypeError) as error:
        function(1)
    assert "return PROGRAMS.run(inputs, out)" in "".join(traceback.format_exception(error.value))


def test_kernels_are_apart(fake: Callable[..., None]) -> None:
    twice, thrice = (ttgen.compile({**MAPPING, "compute": f"Y = {number} * X"}) for number in (2, 3))
    made, right = called(twice)
    assert np.array_equal(made, right)
    # Tracebacks find the source of either.
    for function, number in ((twice, 2), (thrice, 3)):
        assert f"Y = {number} * X" in inspect.getsource(function.function)


def test_there_is_no_ttnn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttgen.run.compiled.find_spec", lambda _name: None)
    with pytest.raises(ToolchainError, match="compile needs the Python package ttnn"):
        ttgen.compile(MAPPING)


def test_shapes_follow() -> None:
    loaded = ttgen.spec(
        ["H = gelu(X @ W)", "Y = H @ V"],
        X=("M", 64), W={"shape": (64, 96), "dtype": "bfloat8_b"}, V=[96, 32], dims={"M": 40}, schedule="auto", dtype="float32",
    )  # fmt: skip
    assert loaded.spec.kernel == "make_y"
    assert loaded.shapes == {"X": (40, 64), "W": (64, 96), "V": (96, 32), "Y": (40, 32)}
    assert [tensor.dtype for tensor in loaded.spec.tensors.values()] == ["float32", "bfloat8_b", "float32", "float32"]
    assert loaded.spec.schedule == "auto"
    assert len(ttgen.plan(loaded).programs) == 2


def test_tensors_that_are_called_what_keys_are() -> None:
    assert ttgen.spec("Y = target + kernel", tensors={"target": (32, 32), "kernel": (32, 32)}).shapes["Y"] == (32, 32)


def test_one_mapping_of_two_tensors() -> None:
    same = {"shape": [32, 32], "dtype": "bfloat16"}
    loaded = ttgen.spec("Y = A + B", A=same, B=same)
    assert loaded.spec.tensors["A"] == loaded.spec.tensors["B"]


@pytest.mark.parametrize(
    ("formulas", "named", "text"),
    [
        ("Y = gelo(X)", {"X": (32, 32)}, "\nformula:1:5: error: unknown function 'gelo'; did you mean 'gelu'?\n    Y = gelo(X)\n        ^~~~"),
        ("Y = X + Z", {"X": (32, 32)}, "\nformula:1:9: error: unknown tensor 'Z'"),
        ("Y = exp(X)", {"X": 7}, "\nmake_it.yaml:3:14: error: shape: expected a list, not 7"),
        ("Y = exp(X)", {"X": ("M", 32)}, "\nmake_it.yaml:4:13: error: unknown size 'M'; declare it under 'dims'"),
        ("Y = exp(X)", {"X": (32, 32), "target": "n15"}, "\nmake_y.yaml:2:9: error: unknown target 'n15'; did you mean 'n150'?"),
        ([], {"X": (32, 32)}, "error: compute: empty; at least one"),
    ],
)  # fmt: skip
def test_mistakes_print_as_on_the_command_line(formulas: Any, named: dict[str, Any], text: str) -> None:
    with pytest.raises(ttgen.SpecError) as error:
        ttgen.spec(formulas, **named)
    assert text in str(error.value)


def test_a_mistake_prints_what_the_command_line_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("tests/bad_specs/many_mistakes.yaml")
    assert main(["validate", str(path)]) == 1
    with pytest.raises(ttgen.SpecError) as error:
        ttgen.compile(path)
    assert capsys.readouterr().err.startswith(str(error.value).removeprefix("\n"))
    assert str(error.value).startswith("\n")


def test_what_no_spec_holds() -> None:
    with pytest.raises(ttgen.UserError, match="a spec holds words, numbers, lists and mappings, and not <object"):
        ttgen.spec("Y = exp(X)", X=object())  # type: ignore[arg-type]


def test_the_function_spec_stays_one() -> None:
    """A module has its name, which whoever imports it would put into its place."""
    code = "import ttgen, ttgen.spec as one; from ttgen import spec; from ttgen.spec import Spec\n"
    code += "assert ttgen.spec is spec is one; ttgen.spec('Y = exp(X)', X=(32, 32))"
    subprocess.run([sys.executable, "-c", code], check=True)


class Balanced(HTMLParser):
    """Elements that are open, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("name", ["mlp", "gemm_block_sharded"])
def test_a_plan_in_a_notebook(name: str) -> None:
    plan = ttgen.plan(ttgen.load(f"specs/{name}.yaml"))
    parser = Balanced()
    parser.feed(plan._repr_html_())
    assert parser.open == []
    shown = " ".join(parser.text)
    for text in (*plan.compute, *(decision.because for decision in plan.decisions), plan.target.device):
        assert text in shown
    for program in plan.programs:
        assert f"{program.cost.dram_read_bytes:,} B" in shown


def test_ttnn_is_imported_by_what_needs_it() -> None:
    code = "import sys, ttgen; ttgen.plan(ttgen.spec('Y = exp(X)', X=(32, 32)))\n"
    code += "assert not {'ttnn', 'ttgen.run.compiled', 'ttgen.report.notebook', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
