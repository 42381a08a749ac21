"""Kernels as people write them, and the specs that they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ttgen
from tests.importing.sources import ALL, FLASH, LINEAR, SIX, SPLITK, source
from tests.nights import only
from ttgen.canonical import canonical
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.importing.importer import Imported, import_text

LINEAR_SIZES = {"M": 1000, "K": 512, "N": 700}


def imported(kernel: str, given: dict[str, Any] | None = None, name: str | None = None) -> Imported:
    return import_text(source(kernel), "kernel.py", name, given or {}, dtypes={"float16": "bfloat16"})


def said(text: str) -> list[str]:
    """A spec's lines but for comments."""
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def test_the_first_product_is_the_first_spec() -> None:
    text = imported(SIX["gemm"]).text
    assert ttgen.loads(text).spec == ttgen.load("specs/gemm.yaml").spec
    assert said(text) == [
        "kernel: gemm",
        "tensors:",
        "  A: {shape: [256, 256], dtype: bfloat16}",
        "  B: {shape: [256, 256], dtype: bfloat16}",
        "  C: {shape: [256, 256], dtype: bfloat16}",
        "compute: C = A @ B",
    ]


def test_a_linear_layer_keeps_its_sizes_and_its_schedule() -> None:
    found = imported(LINEAR, LINEAR_SIZES)
    assert said(found.text) == [
        "kernel: linear",
        "dims: {M: 1000, K: 512, N: 700}",
        "tensors:",
        "  X: {shape: [M, K], dtype: bfloat16}",
        "  W: {shape: [N, K], dtype: bfloat16}",
        "  bias: {shape: [N], dtype: bfloat16}",
        "  Y: {shape: [M, N], dtype: bfloat16}",
        "compute: Y = relu(X @ W.T + bias)",
        "schedule: {order: {block_linear: 4}, block: {m: 4, n: 3, k: 2}}",
    ]
    for note in ("# - threads: ", "# - num_stages=3: ", "# - T.use_swizzle: its odd panels run backwards"):
        assert note in found.text
    assert [(verdict.case.kind, verdict.outcome) for verdict in found.proof.verdicts] == [
        ("given", "agrees"),
        ("whole", "agrees"),
        ("ragged", "agrees"),
        ("one", "agrees"),
    ]


def test_an_elementwise_kernel_is_proven_at_its_ragged_sizes() -> None:
    found = imported(SIX["silu_mul"])
    assert said(found.text)[-2:] == ["compute: Y = silu(G) * U", "schedule: {block: {m: 2, n: 4}}"]
    assert "dims: {M: 300, N: 500}" in found.text
    assert found.proof.is_ragged
    assert not found.warnings


def test_a_softmax_has_no_schedule_of_its_own() -> None:
    found = imported(SIX["softmax"])
    assert said(found.text)[-1] == "compute: Y = softmax(X)"
    assert ttgen.loads(found.text).spec.tensors["X"].dtype == "float32"


def test_attention_is_proven_where_blocks_divide_and_says_where_the_source_is_wrong() -> None:
    found = imported(FLASH)
    assert said(found.text)[-2:] == [
        "compute: O = softmax(0.125 * (Q @ K.T)) @ V",
        "schedule: {block: {m: 2, k: 2}}",
    ]
    given = found.proof.of("given")
    assert given is not None
    assert (given.case.text, given.outcome) == ("S=512 D=64", "agrees")
    (warning,) = found.warnings
    assert warning.text.startswith("the source differs from the formula at S=100")


def test_parts_of_k_are_refused_where_they_are_added_up() -> None:
    with pytest.raises(SpecError) as caught:
        imported(SPLITK)
    (problem,), (place,) = caught.value.problems, caught.value.places
    assert problem.message.startswith("T.atomic_add: parts of a sum on several cores add up through memory")
    assert problem.message.endswith("--set split=1")
    assert place.text.strip() == "T.atomic_add(C[by * bm + i, bx * bn + j], c[i, j])"


def test_other_kernels() -> None:
    assert imported(ALL["online"]).formulas == ("Y = softmax(X)",)
    assert imported(ALL["rms"]).formulas == ("Y = rmsnorm(X, g)",)


@pytest.mark.parametrize("name", [name for name in ALL if name != "splitk"])
def test_specs_are_canonical_and_can_be_planned(name: str) -> None:
    text = imported(ALL[name], LINEAR_SIZES if name == "linear" else {}).text
    assert canonical(text) == text
    assert ttgen.plan(ttgen.loads(text)).kernel == name


SIZES: dict[str, dict[str, int]] = {
    "gemm": {},
    "linear": {"M": 200, "K": 100, "N": 150},
    "silu_mul": {"M": 70, "N": 150},
    "softmax": {"M": 64, "N": 80},
    "flash": {"S": 128},
    "rms": {"M": 40, "N": 72},
}


@pytest.mark.parametrize("name", only(list(SIZES), ["linear", "softmax"]))
def test_imported_specs_verify_in_the_emulator(name: str, tmp_path: Path) -> None:
    given = SIZES[name]
    path = tmp_path / f"{name}.yaml"
    path.write_text(imported(ALL[name], given).text)
    assert main(["verify", str(path)]) == 0


def test_the_command_writes_a_spec_and_says_what_was_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernels, spec = tmp_path / "kernels.py", tmp_path / "linear.yaml"
    kernels.write_text(source(*SIX.values()))
    command = ["import", f"{kernels}:linear", "--set", "M=1000", "K=512", "N=700", "-o", str(spec)]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out == f"{spec}: written\n"
    assert "linear: proven at M=1000 K=512 N=700; M=256 K=192 N=384; " in err
    assert ttgen.load(spec).spec.kernel == "linear"
    assert main(["fmt", "--check", str(spec)]) == 0
    assert main(command) == 1
    assert "exists already" in capsys.readouterr().err


def test_the_command_names_kernels_and_prints_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kernels = tmp_path / "kernels.py"
    kernels.write_text(source(*SIX.values()))
    assert main(["import", str(kernels)]) == 1
    assert "6 kernels: name one, as FILE:NAME: gemm, linear, silu_mul.main, " in capsys.readouterr().err
    assert main(["import", f"{kernels}:sofmax.main"]) == 1
    assert "no kernel 'sofmax.main'; did you mean 'softmax.main'?" in capsys.readouterr().err
    assert main(["import", f"{kernels}:flash"]) == 0
    out, err = capsys.readouterr()
    assert said(out)[0] == "kernel: flash"
    line = next(number for number, text in enumerate(kernels.read_text().splitlines(), 1) if "def main(Q" in text)
    assert f"{kernels}:{line}:5: warning: the source differs from the formula at S=100" in err
    assert main(["import", f"{kernels}:flash", "--set", "T=3"]) == 1
    assert f"{kernels}:{line}:5: error: --set T: nothing has this name" in capsys.readouterr().err
    for words in (["--set", "S"], ["--set", "S=1", "S=2"], ["--dtype", "float16=half"]):
        assert main(["import", f"{kernels}:flash", *words]) == 1
    assert main(["import", str(tmp_path / "nothing.py")]) == 1


def test_from_python(tmp_path: Path) -> None:
    path = tmp_path / "linear.py"
    path.write_text(source(LINEAR).replace("bfloat16", "float16"))
    loaded = ttgen.import_kernel(path, "linear", dtypes={"float16": "bfloat16"}, M=200, K=64, N=96)
    assert loaded.spec.compute == "Y = relu(X @ W.T + bias)"
    assert loaded.shapes["X"] == (200, 64)
    with pytest.raises(SpecError, match="float16, which no tensor is here"):
        ttgen.import_kernel(str(path), M=200, K=64, N=96)


def test_names_that_no_spec_can_have_become_others() -> None:
    text = SIX["silu_mul"].replace("G", "double").replace("silu_mul", "install")
    found = imported(text)
    assert "kernel: kernel_install" in found.text
    assert "  # double of the source.\n  t_double: {shape: [M, N]" in found.text
    assert found.formulas == ("Y = silu(t_double) * U",)
    text = FLASH.replace("D=64", "K=64").replace("(S, D)", "(S, K)")
    text = text.replace("with T.Kernel", "D = 64\n        with T.Kernel")
    found = imported(text)
    assert "dims: {S: 512, K_size: 64}" in found.text
    assert "  K: {shape: [S, K_size], dtype: bfloat16}" in found.text


def test_a_schedule_that_does_not_fit_is_left_out_and_said() -> None:
    given = {"M": 1024, "K": 1024, "N": 1024, "bm": 1024, "bn": 1024, "bk": 1024}
    found = imported(LINEAR, given)
    assert "schedule:" not in "\n".join(said(found.text))
    assert "# - schedule (block: {m: 32, n: 32, k: 32}): L1: " in found.text


def test_numpy_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert main(["import", "kernel.py"]) == 1
    assert capsys.readouterr().err == "error: import needs the Python package numpy: pip install 'ttgen[numpy]'\n"
