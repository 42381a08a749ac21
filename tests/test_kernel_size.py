"""The estimate of the kernels' code, against what compilers made of it; and what is said of large programs."""

from __future__ import annotations

from pathlib import Path

import pytest

import ttgen
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.operations import OPERATIONS
from ttgen.operations.sizes import FUNCTION_BYTES
from ttgen.planner import kernel_size
from ttgen.target import load

# Bytes of all five threads without functions of the vector unit: riscv64-unknown-elf-g++ 12.2 on the rendered kernels and
# the device headers of release 0.81.1, a word a matrix instruction (bench/code_size.py measures them anew).
COMPILED = {
    "add": 7100, "adam": 15168, "gelu_height": 5892, "gemm": 7672, "gemm_a_sharded": 15224, "gemm_edges": 10500,
    "gemm_prime": 15320, "gemm_residual": 16588, "gemm_skinny": 12292, "map_blocks": 13424, "normalize": 11480,
    "scale_shift": 9384, "tile": 6612,
}  # fmt: skip

# Whole programs as the runtime counted them, arguments and descriptors included.
COUNTED = {"all_functions": 73376, "program_too_large": 116304}
CASES = Path(__file__).parent / "cases"


def size_of(text: str, monkeypatch: pytest.MonkeyPatch) -> kernel_size.KernelSize:
    """The estimate, whether it fits or not."""
    found: list[kernel_size.KernelSize] = []

    def keep(size: kernel_size.KernelSize) -> tuple[()]:
        found.append(size)
        return ()

    monkeypatch.setattr(kernel_size, "check", keep)
    ttgen.plan(ttgen.loads(text))
    monkeypatch.undo()
    return found[0]


@pytest.mark.parametrize("name", COMPILED)
def test_code_without_functions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = size_of(Path(f"specs/{name}.yaml").read_text(), monkeypatch)
    assert found.total - sum(found.functions.values()) == pytest.approx(COMPILED[name], rel=0.25)


@pytest.mark.parametrize("name", COUNTED)
def test_programs_that_the_runtime_refused(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = CASES / f"{name}.yaml"
    assert size_of(path.read_text(), monkeypatch).total == pytest.approx(COUNTED[name], rel=0.25)
    assert main(["validate", str(path)]) == 1
    error = capsys.readouterr().err
    assert f"{path}:" in error
    assert "of 70,656 bytes of a core (tt-metal's kernel config buffer); cut the formulas" in error
    assert "log 10,070" in error


def spec(compute: str, tensors: str = "X Z Y") -> str:
    declared = "".join(f"  {name}: {{shape: [32, 32], dtype: float32}}\n" for name in tensors.split())
    return f"kernel: k\ntensors:\n{declared}compute:\n{compute}"


NEAR = """\
- a = exp(X) + gelu(X) + tanh(X) + sigmoid(X) + silu(X) + erf(X) + softplus(X)
- b = log(Z) + sqrt(Z) + rsqrt(Z) + reciprocal(Z)
- Y = a + b
"""


def test_what_is_near_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "near.yaml"
    path.write_text(spec(NEAR))
    assert main(["validate", str(path)]) == 0
    assert "% of what a core holds" in capsys.readouterr().out
    assert main(["plan", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "of the 70,656 bytes of tt-metal's kernel config buffer" in shown


@pytest.mark.parametrize(
    "compute",
    [
        "Y = gelu(exp(X) + tanh(Z))",
        "Y = sqrt(X) + rsqrt(Z)",
        # Many uses of one function are one body.
        "\n".join(["- v0 = log(abs(X))", *(f"- v{i} = log(abs(v{i - 1}) + Z)" for i in range(1, 12)), "- Y = v11"]),
    ],
)
def test_what_is_far_away_is_not(compute: str) -> None:
    text = spec(compute if compute.startswith("-") else f"- {compute}")
    plan = ttgen.plan(ttgen.loads(text))
    assert "code" not in {decision.name for decision in plan.decisions}


def test_many_outputs_are_too_large_by_their_calls() -> None:
    """Not only bodies count: a thousand calls do."""
    names = [f"Y{i}" for i in range(8)]
    sums = [" + ".join(f"maximum(X * Z, {100 * i + j})" for j in range(70)) for i in range(8)]
    text = spec(
        "\n".join(f"- {name} = {total}" for name, total in zip(names, sums, strict=True)), f"X Z {' '.join(names)}"
    )
    with pytest.raises(SpecError, match="the kernels' code: about"):
        ttgen.plan(ttgen.loads(text))


def test_every_function_of_the_vector_unit_has_a_size() -> None:
    assert set(FUNCTION_BYTES) == {name for name, row in OPERATIONS.items() if row.engine == "sfpu"}


def test_the_limit_is_the_targets() -> None:
    assert {load(name).l1.kernel_config for name in ("n150", "n300", "p100", "p150")} == {70656}
